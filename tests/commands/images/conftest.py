"""`images` in front of the emulator."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.processes.commands import Commands, Ran
from tests.processes.emulator import Ims

Images = Callable[..., Ran]
RulesFile = Callable[[str], str]


@pytest.fixture
def rules_file(tmp_path: Path) -> RulesFile:
    """Writes a table to a file, and gives its path."""

    def write(table: str) -> str:
        path = tmp_path / "table.toml"
        path.write_text(table, encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def images(commands: Commands, ims: Ims, rules_file: RulesFile) -> Images:
    """`images("coverage", table="...", NAME=...)` runs a verb with the emulator's address and token."""

    def run(*arguments: object, table: str = "", **environ: str) -> Ran:
        settings = {
            "IMS_ENDPOINT": ims.url,
            "CTS_ENDPOINT": ims.url,
            "OS_TOKEN": ims.token,
            "PROJECTS": ims.project_id,
        }
        if table:
            settings["RULES"] = rules_file(table)
        return commands("images", *arguments, **settings | environ)

    return run


def rows(ran: Ran) -> dict[str, Any]:
    """The lines of `coverage --json`, by the image's name."""
    return {row["name"]: row for row in map(json.loads, ran.out.splitlines())}
