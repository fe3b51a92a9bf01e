"""The operator's commands, run inside the tests' own process."""

import json
from typing import Any, NamedTuple

import pytest
from rich.cells import cell_len

from handlers import commands as operator_commands
from tests.processes.emulator import SECRETS


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def shows(self, text: str) -> bool:
        """Whether a text stands in what was printed, wherever its lines are broken."""
        return "".join(text.split()) in "".join(f"{self.out} {self.err}".split())


class Commands:
    """`commands("check", path, RULES="...")` runs a command in an environment with nothing else in it."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object, **environ: str) -> Ran:
        self._capsys.readouterr()
        code = operator_commands.main([str(argument) for argument in arguments], environ)
        ran = Ran(code, *self._capsys.readouterr())
        assert not [secret for secret in SECRETS if secret in f"{ran.out} {ran.err}"]
        return ran


def fits(text: str) -> bool:
    """Whether each line of a text fits into 80 columns and prints as one line."""
    return all(cell_len(line) <= 80 and line.isprintable() for line in text.removesuffix("\n").split("\n"))


@pytest.fixture
def commands(capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)
