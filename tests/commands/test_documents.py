"""What the documentation of the rules table shows of the commands is what they do."""

import re
import shlex
from pathlib import Path

import pytest

from tests.processes.commands import Commands
from tests.support.pages import RULES

FILES = re.findall(r"^```(?:toml|json) (\S+)\n(.*?)^```$", RULES, re.MULTILINE | re.DOTALL)
SHOWN = re.findall(r"^```console\n\$ python main\.py (.+?)\n(.*?)^```$", RULES, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_shown(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, output: str
) -> None:
    """A command prints what stands below it."""
    for name, content in FILES:
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert commands(*shlex.split(command)).out == output


def test_each_command_is_shown() -> None:
    """Each command that prints lines for people has an example."""
    assert {command.split()[0] for command, _ in SHOWN} == {"check", "explain", "test"}
