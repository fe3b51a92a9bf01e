"""`test`: cases as data, and how a failure shows."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.processes.commands import Commands, fits
from tests.support.paths import ROOT

HANDLERS = ROOT / "handlers"
ID = "62a15f6c-9197-44d2-89c7-708981c1bec1"

TABLE = """
[[rule]]
name = "env"
tags.env = "{{ image.name }}"
"""

EVENT = f"""
[case.event]
specversion = "1.0"
id = "1"
source = "/x"
type = "image.created"
subject = "{ID}"
data.name = "web"
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(TABLE)
    return path


def written(tmp_path: Path, *cases: str, top: str = 'rules = "mine.toml"') -> Path:
    path = tmp_path / "mine.cases.toml"
    path.write_text("\n".join([top, *(f"[[case]]\n{case}{EVENT}" for case in cases)]))
    return path


def test_shipped(commands: Commands) -> None:
    """The cases beside the shipped table are the default, and pass."""
    ran = commands("test", "--json")
    assert (ran.code, ran.json["failed"]) == (0, 0)
    assert {Path(row["file"]).resolve() for row in ran.json["cases"]} == {HANDLERS / "rules.cases.toml"}
    assert commands("test").out == f"{ran.json['passed']} cases passed\n"


def test_beside_the_table(commands: Commands, tmp_path: Path, table: Path) -> None:
    """Without a name, the cases beside the table of RULES are run, with this table unless they name one."""
    written(tmp_path, 'name = "a"\ntags.env = "web"', top="")
    assert commands("test", RULES=str(table)) == (0, "1 case passed\n", "")


PASSING = {
    "tags": 'tags.env = "web"',
    "no tags": "tags = {}",
    "an outcome": 'outcome = "nothing-to-tag"',
    "a reason": 'outcome = "dead-letter"\nreason = "MissingAttribute"',
}


@pytest.mark.parametrize(
    ("case", "value"),
    [
        (PASSING["tags"], "'{{ image.name }}'"),
        (PASSING["no tags"], "'{{ image.os_type }}'"),
        (PASSING["an outcome"], "'{{ image.os_type }}'"),
        (PASSING["a reason"], "{ value = '{{ image.os_type }}', on_missing = 'fail' }"),
    ],
    ids=PASSING,
)
def test_passing(commands: Commands, tmp_path: Path, table: Path, case: str, value: str) -> None:
    """A case expects all tags, or an outcome, perhaps with its reason."""
    table.write_text(f"[[rule]]\ntags.env = {value}\n")
    path = written(tmp_path, f'name = "a"\n{case}')
    assert commands("test", path) == (0, "1 case passed\n", "")


PRESENT = "'{{ image.name }}'"
ABSENT = "{ value = '{{ image.os_type }}', on_missing = 'fail' }"
FAILING = {
    "another value": (PRESENT, 'tags.env = "prod"', 'tags.env "prod" "web"'),
    "one more": (PRESENT, 'tags = { env = "web", other = "x" }', 'tags.other "x" none'),
    "one too many": (PRESENT, "tags = {}", 'tags.env none "web"'),
    "another outcome": (PRESENT, 'outcome = "ignored"', 'outcome "ignored" "tagged"'),
    "another reason": (
        ABSENT,
        'outcome = "dead-letter"\nreason = "InvalidTag"',
        'reason "InvalidTag" "MissingAttribute" the tag',
    ),
    "an error": (
        ABSENT,
        'tags.env = "x"',
        'outcome "tagged" "dead-letter" the tag "env" of the rule',
    ),
}


@pytest.mark.parametrize(("value", "case", "difference"), FAILING.values(), ids=FAILING)
def test_failing(
    commands: Commands,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
    case: str,
    difference: str,
) -> None:
    """A failure names the case and shows, key by key, what was expected and what came."""
    monkeypatch.chdir(tmp_path)  # or names of files take the room of a line
    (tmp_path / "mine.toml").write_text(f"[[rule]]\ntags.env = {value}\n")
    path = written(tmp_path, f'name = "mine"\n{case}', f'name = "other"\n{case}')
    ran = commands("test", path)
    assert ran.code == 1
    assert fits(ran.out)
    assert ran.shows(difference)
    assert ran.shows(f'failed {path.name}: "mine"')
    assert ran.shows(f'failed {path.name}: "other"')
    assert ran.out.endswith("0 of 2 cases passed\n")
    facts = commands("test", path, "--json")
    assert (facts.code, facts.json["failed"]) == (1, 2)
    keys = [each["what"] for row in facts.json["cases"] for each in row["differences"]]
    assert keys
    assert all(f"\n  {what}  " in ran.out for what in keys)


def test_event_files(commands: Commands, tmp_path: Path, table: Path) -> None:
    """An event may stand in a file, named from where the cases are, in any form that `explain` takes."""
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "a.http").write_text(
        "ce-specversion: 1.0\nce-id: 1\nce-source: /x\nce-type: image.created\n"
        f'ce-subject: {ID}\ncontent-type: application/json\n\n{{"name": "web"}}'
    )
    path = tmp_path / "c.toml"
    path.write_text(f'rules = "{table}"\n[[case]]\nname="a"\nevent="events/a.http"\ntags.env="web"\n')
    assert commands("test", path) == (0, "1 case passed\n", "")


def test_what_is_no_event(commands: Commands, tmp_path: Path, table: Path) -> None:
    """A case may show that something is no event: it ends as a dead letter."""
    path = tmp_path / "c.toml"
    path.write_text(
        f'rules = "{table}"\n[[case]]\nname="a"\noutcome="dead-letter"\nreason="InvalidEvent"\nevent={{}}\n'
    )
    assert commands("test", path).code == 0


def case(**changed: Any) -> dict[str, Any]:
    row = {"name": "a", "event": {"specversion": "1.0"}, "tags": {}} | changed
    return {name: value for name, value in row.items() if value is not None}


FAULTS: dict[str, tuple[Any, str]] = {
    "no case": ([], "it has no case"),
    "no table": ([1], "case 1: a case is a table"),
    "no name": ([case(name=None)], "case 1: it has no name"),
    "a name that is no text": ([case(name=1)], 'case 1: "name" must be text in quotes'),
    "no event": ([case(event=None)], 'case "a": it needs an event'),
    "an event that is a number": ([case(event=1)], 'case "a": it needs an event'),
    "an event file that is missing": ([case(event="nowhere.json")], "cannot be read: No such file"),
    "an event file with a NUL": ([case(event="a\0")], "cannot be the name of a file"),
    "tags and an outcome": ([case(outcome="ignored")], "it needs either tags or an outcome"),
    "neither": ([case(tags=None)], "it needs either tags or an outcome"),
    "an unknown outcome": ([case(tags=None, outcome="x")], '"outcome" must be one of ignored, '),
    "an unknown key": ([case(event_file="x")], '"event_file" is not known here'),
    "a tag that is no text": ([case(tags={"n": 1})], 'the tag "n" must be text in quotes'),
    "a reason that is no text": ([case(reason=1)], '"reason" must be text in quotes'),
}


@pytest.mark.parametrize(("cases", "sentence"), FAULTS.values(), ids=FAULTS)
def test_faulty_cases(commands: Commands, tmp_path: Path, cases: list[Any], sentence: str) -> None:
    """A fault in a file of cases is wrong usage: a sentence with file, line and case."""
    path = tmp_path / "c.toml"
    path.write_text(f"case = {toml(cases)}\n")
    ran = commands("test", path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.shows(sentence)
    (error,) = commands("test", path, "--json").json["errors"]
    assert error.startswith("c.toml:1: ")


def toml(value: Any) -> str:
    """A value as TOML writes it in line; of texts and numbers, JSON's way is also TOML's."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {toml(member)}" for name, member in value.items()) + "}"
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value)


def test_every_fault_at_once(commands: Commands, tmp_path: Path) -> None:
    """One run reports all faults of a file of cases."""
    path = tmp_path / "c.toml"
    path.write_text("rulez = 1\n[[case]]\nname = 'a'\n[[case]]\nevent = 2020-01-01\ntags = {}\n")
    assert len(commands("test", path, "--json").json["errors"]) == 5


def test_a_date(commands: Commands, tmp_path: Path) -> None:
    """TOML has dates and JSON has none, so in an event they must be quoted."""
    path = tmp_path / "c.toml"
    path.write_text("[[case]]\nname = 'a'\ntags = {}\nevent.time = 2020-01-01\n")
    ran = commands("test", path)
    assert (ran.code, ran.err.count("JSON has no dates and times")) == (2, 1)


NO_FILES: dict[str, bytes] = {
    "binary": bytes(range(256)),
    "not TOML": b"[[case]\n",
    "a number with too many digits": b"n = " + b"1" * 5000,
    "cases that are none": b"case = 1",
}


@pytest.mark.parametrize("content", NO_FILES.values(), ids=NO_FILES)
def test_no_cases(commands: Commands, tmp_path: Path, content: bytes) -> None:
    """Whatever a file holds, one sentence says what is wrong with it, and in which line."""
    path = tmp_path / "c.toml"
    path.write_bytes(content)
    ran = commands("test", path)
    assert (ran.code, ran.out) == (2, "")
    assert re.match(r"error: c\.toml(:\d)?: ", ran.err)
    assert fits(ran.err)


def test_missing_files(commands: Commands, tmp_path: Path, table: Path) -> None:
    """Cases or a table that are not there are wrong usage."""
    assert commands("test", RULES=str(table)).code == 2
    path = written(tmp_path, 'name = "a"\ntags = {}', top='rules = "nowhere.toml"')
    assert commands("test", path).shows("nowhere.toml cannot be read")


def test_a_faulty_table(commands: Commands, tmp_path: Path, table: Path) -> None:
    """The faults of a table are reported instead of its cases."""
    table.write_text("rulez = 1\n")
    ran = commands("test", written(tmp_path, 'name = "a"\ntags = {}'))
    assert (ran.code, ran.out.count("fault  mine.toml:1\n"), ran.out.count("fault  mine.toml\n")) == (1, 1, 1)
