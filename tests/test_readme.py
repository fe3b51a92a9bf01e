"""The README's tables are the code's, and its commands are there."""

import os
import re
from pathlib import Path
from typing import get_args

from handlers.core.errors import TaggingError
from handlers.core.outcomes import TABLE
from handlers.edges.settings import SHIPPED_RULES, Settings
from handlers.edges.settings.credentials import CredentialSource
from tests.bench.__main__ import BENCHMARKS
from tests.support.settings_read import NAMES, WAYS, read

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, without its head."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert lines
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[0].splitlines()[2:]]


def test_speed() -> None:
    """The table of benchmarks names those that there are, in their order."""
    assert list(dict.fromkeys(row[0].strip("`") for row in table("Speed"))) == list(BENCHMARKS)


def test_outcomes() -> None:
    """The table of outcomes is the one in the code, row by row."""
    thens = {
        "retry": "retry",
        "retry-within-window": "retry while young, then dead letter",
        "dead-letter": "dead letter",
    }
    assert table("Outcomes") == [
        [
            f"`{error.__name__}`" if issubclass(error, TaggingError) else "any other exception",
            thens[row.action] + ("; logged as error" if row.severity == "ERROR" else ""),
            f"{row.retry_after} s" if row.retry_after else "",
            row.why,
        ]
        for error, row in TABLE.items()
    ]


def test_settings() -> None:
    """Every setting that the code reads has its row, and the default there is the one it has."""
    rows = {row[0].strip("`"): row[1].strip("`") for row in table("Settings")}
    assert rows.keys() == NAMES - named_in_ways()

    words = {"required", "none", "the shipped table"}
    required = {"IMS_ENDPOINT": "https://ims.example.com"}
    given = required | {"OS_TOKEN": "token"}
    default = Settings.from_environ(given)
    stated = Settings.from_environ(given | {name: row for name, row in rows.items() if row not in words})
    assert stated._replace(credentials=default.credentials) == default
    assert {name for name, row in rows.items() if row == "required"} == required.keys()
    assert default.rules == SHIPPED_RULES
    assert (default.proxy, default.ca_bundle) == (None, None)


def named_in_ways() -> set[str]:
    return {name for row in table("Credentials") for name in re.findall(r"`([A-Z_]+)[=`]", row[1])}


def test_credentials() -> None:
    """The table of ways of authentication names settings that are read, each way's own among them."""
    ways = [read(way) for way in WAYS]
    assert {type(settings.credentials) for settings, _ in ways} == set(get_args(CredentialSource))
    assert named_in_ways() <= NAMES
    assert set().union(*WAYS) <= named_in_ways()


def test_commands() -> None:
    """The two commands can be run, and CI runs both."""
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in ("deploy/local/up --once", "tests/run"):
        assert f"\n{command} " in README
        assert f"\n{command}\n" in ci
        assert os.access(ROOT / command.split()[0], os.X_OK)


def test_links() -> None:
    """Every file that the README links to is there."""
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
