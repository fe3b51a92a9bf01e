"""`check`: faults, what is in vain, and the reading call of `--live`."""

import os
from pathlib import Path

import pytest

from tests.processes.commands import Commands, fits
from tests.support.paths import ROOT

SHIPPED = ROOT / "handlers" / "rules.toml"

IN_VAIN: dict[str, tuple[str, list[str]]] = {
    "every event": (
        """
        [[rule]]
        name = "one"
        tags.env = "a"
        [[rule]]
        name = "two"
        when.source = ["x"]
        tags.env = "b"
        tags.other = "c"
        """,
        ['rule "two": tag "env"'],
    ),
    "the same pattern, written in another order": (
        """
        [[rule]]
        name = "one"
        when.source = ["x"]
        when.data.n = [1, { exists = false }]
        tags.env = "a"
        [[rule]]
        name = "two"
        when.data.n = [1, { exists = false }]
        when.source = ["x"]
        tags.env = "{{ image.name }}"
        """,
        ['rule "two": tag "env"'],
    ),
    "a rule on trial, after one in force": (
        """
        [[rule]]
        tags.env = "a"
        [[rule]]
        mode = "audit"
        tags.env = "b"
        """,
        ['rule "rule 2": tag "env"'],
    ),
    "no room left": (
        "[[rule]]\nname = 'ten'\n"
        + "\n".join(f"tags.k{number} = ''" for number in range(10))
        + "\n[[rule]]\nname = 'more'\ntags.eleventh = ''\n",
        ['rule "more": tag "eleventh"'],
    ),
    "an unused lookup": (
        """
        [lookup.used]
        entries = {}
        [lookup.unused]
        entries = {}
        [[rule]]
        tags.team = "{{ image.name | lookup('used') }}"
        """,
        ["lookup unused"],
    ),
}


@pytest.mark.parametrize(("table", "places"), IN_VAIN.values(), ids=IN_VAIN)
def test_in_vain(commands: Commands, tmp_path: Path, table: str, places: list[str]) -> None:
    """What can have no effect is a warning, which names it and is no fault."""
    path = tmp_path / "mine.toml"
    path.write_text(table)
    ran = commands("check", path, "--json")
    assert ran.code == 0
    assert [each["place"] for each in ran.json["warnings"]] == [f"mine.toml: {place}" for place in places]
    shown = commands("check", path)
    assert (shown.code, shown.out.count("warning  mine.toml:")) == (0, len(places))
    assert shown.shows(" no faults, 1 warning")


WITH_EFFECT = {
    "another pattern": ('when.source = ["x"]', 'when.source = ["y"]'),
    "a later rule for every event": ('when.source = ["x"]', ""),
    "more conditions": ('when.source = ["x"]', 'when.source = ["x"]\nwhen.data.n = [1]'),
    "absent or present": ("when.data.n = [{ exists = true }]", "when.data.n = [{ exists = false }]"),
    "a rule in force, after one on trial": ('mode = "audit"', 'mode = "enforce"'),
}


@pytest.mark.parametrize(("first", "second"), WITH_EFFECT.values(), ids=WITH_EFFECT)
def test_not_in_vain(commands: Commands, tmp_path: Path, first: str, second: str) -> None:
    """Nothing is warned about that could have an effect."""
    path = tmp_path / "mine.toml"
    path.write_text(f"[[rule]]\n{first}\ntags.env = 'a'\n[[rule]]\n{second}\ntags.env = 'b'\n")
    assert commands("check", path, "--json").json["warnings"] == []


def test_a_value_that_may_be_missing(commands: Commands, tmp_path: Path) -> None:
    """An earlier value with an expression may be missing, so the later one is its fallback."""
    path = tmp_path / "mine.toml"
    path.write_text("[[rule]]\ntags.env = '{{ image.name }}'\n[[rule]]\ntags.env = 'b'\n")
    assert commands("check", path, "--json").json["warnings"] == []


SLIPS = """
[[rule]]
name = "one"
when.team = ["web"]
when.image.name = [
  "db",
  "prod-*",
]
tags.env = "{{ stage }}"
[lookup.unused]
entries = {}
"""
CASE = """
[[case]]
name = "one"
tags = {}
[case.event]
specversion = "1.0"
id = "1"
source = "a"
type = "image.created"
"""


def test_slips(commands: Commands, tmp_path: Path) -> None:
    """What is probably not meant is a warning with its line, among the others, and is no fault."""
    path = tmp_path / "mine.toml"
    path.write_text(SLIPS)
    ran = commands("check", path, "--json")
    assert ran.code == 0
    assert [(each["line"], each["place"]) for each in ran.json["warnings"]] == [
        (4, 'mine.toml: rule "one": when'),
        (7, 'mine.toml: rule "one": when'),
        (9, 'mine.toml: rule "one": tag "env"'),
        (10, "mine.toml: lookup unused"),
    ]
    shown = commands("check", path)
    assert shown.shows(
        'warning mine.toml:7: rule "one": when "prod-*" matches only this exact text; '
        'write { wildcard = "prod-*" }'
    )
    assert shown.shows(" no faults, 4 warnings")


@pytest.mark.parametrize(
    ("cases", "unknown"),
    [
        (CASE + 'team = "web"\n', ["stage"]),
        (CASE + 'stage = "a"\n' + CASE + 'TEAM = "web"\n', []),
        (CASE + 'team = "web"\nsurplus', ["team", "stage"]),
    ],
    ids=["one", "all", "faulty cases"],
)
def test_attributes_of_cases(commands: Commands, tmp_path: Path, cases: str, unknown: list[str]) -> None:
    """An attribute that an event of the table's cases has is no slip."""
    path = tmp_path / "mine.toml"
    path.write_text(SLIPS)
    (tmp_path / "mine.cases.toml").write_text(cases)
    messages = [each["message"] for each in commands("check", path, "--json").json["warnings"]]
    named = [message.split('"')[1] for message in messages if message.startswith("no event is known to have")]
    assert named == unknown


FAULTY = """
limits = "hwawei"
[[rule]]
name = "one"
when.image.nmae = ["x"]
tags.env = "a b"
[[rule]]
tags = {}
"""


def test_every_fault_at_once(commands: Commands, tmp_path: Path) -> None:
    """One run reports all faults of a table, each with file, line, rule and key, in text as in JSON."""
    path = tmp_path / "mine.toml"
    path.write_text(FAULTY)
    ran = commands("check", path, "--json")
    places = [(fault["line"], fault["place"]) for fault in ran.json["faults"]]
    assert (ran.code, places) == (
        1,
        [
            (2, "mine.toml"),
            (5, 'mine.toml: rule "one": when'),
            (6, 'mine.toml: rule "one": tag "env"'),
            (8, "mine.toml: rule 2"),
        ],
    )
    shown = commands("check", path)
    assert shown.code == 1
    for fault in ran.json["faults"]:
        place = fault["place"].replace("mine.toml", f"mine.toml:{fault['line']}")
        assert shown.shows(f"fault {place} {fault['message']}")
    assert shown.shows(f"{path}: 4 faults, no warnings")


NO_TABLES: dict[str, bytes] = {
    "empty": b"",
    "binary": bytes(range(256)),
    "not TOML": b"[[rule]\n",
    "a number with too many digits": b"n = " + b"1" * 5000,
    "nested without end": b"n = " + b"[" * 100_000,
    "a lookup file that cannot be": b"[lookup.a]\nfile = '''\\u0000'''\n[[rule]]\ntags.a = ''\n",
    "a name with a NUL": b'[lookup.a]\nfile = "\\u0000"\n[[rule]]\ntags.a = ""\n',
    "a name without end": b"x" * 500_000 + b" = 1\n",
    "names that would forge lines": b'["a\\nb\\u001b[31m\\u202e"]\n',
}


@pytest.mark.parametrize("content", NO_TABLES.values(), ids=NO_TABLES)
def test_no_table(commands: Commands, tmp_path: Path, content: bytes) -> None:
    """Whatever a file holds, its faults are reported in lines that fit, and never with a traceback."""
    path = tmp_path / "t.toml"
    path.write_bytes(content)
    ran = commands("check", path)
    assert (ran.code, ran.err) == (1, "")
    assert fits(ran.out)
    assert len(ran.out) < 4000


def test_which_table(commands: Commands, tmp_path: Path) -> None:
    """Without a name, the table of the setting RULES is checked, or the shipped one."""
    path = tmp_path / "mine.toml"
    path.write_text("[[rule]]\ntags.a = ''\n")
    assert Path(commands("check", "--json").json["table"]).resolve() == SHIPPED
    assert commands("check", "--json", RULES=str(path)).json["table"] == str(path)
    assert Path(commands("check", SHIPPED, "--json", RULES=str(path)).json["table"]).resolve() == SHIPPED


UNUSABLE = {
    "missing": ("nowhere.toml", {}, "nowhere.toml cannot be read: No such file or directory"),
    "a folder": (".", {}, ". cannot be read: Is a directory"),
    "a setting": (None, {"RULES": "nowhere"}, "RULES names nowhere, which is not a file"),
}


@pytest.mark.parametrize(("table", "environ", "sentence"), UNUSABLE.values(), ids=UNUSABLE)
def test_unusable(commands: Commands, table: str | None, environ: dict[str, str], sentence: str) -> None:
    """A table that cannot be read is wrong usage: one sentence, in JSON too."""
    named = [table] if table else []
    assert commands("check", *named, **environ) == (2, "", f"error: {sentence}\n")
    assert commands("check", *named, "--json", **environ).json == {"errors": [sentence]}


@pytest.mark.parametrize(
    "verb", [["check"], ["explain"], ["send", "--to", "http://127.0.0.1:9"]], ids=" ".join
)
def test_a_pipe_by_name(commands: Commands, tmp_path: Path, verb: list[str]) -> None:
    """A pipe that nobody writes to does not hang a command."""
    os.mkfifo(tmp_path / "pipe")
    ran = commands(*verb, tmp_path / "pipe")
    assert ran.code == 2
    assert ran.shows("cannot be read: it is no regular file")
