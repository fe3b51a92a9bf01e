"""What a sound table probably does not mean."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.core.patterns import compile_pattern
from handlers.core.rules.slips import Cases, warnings
from handlers.core.rules.table import RuleTable

RULE = '[[rule]]\nname = "r"\ntags.env = "prod"\n'
WHEN = 'rule "r": when: '


def slips(table: str, *names: str) -> list[str]:
    found = warnings(RuleTable.load(table.encode()), "mine.toml", Cases("mine.cases.toml", names))
    return [f"{each.where}: {each.message}" for each in found]


def unknown(name: str, meant: str) -> str:
    return (
        f'no event is known to have an attribute "{name}"; did you mean {meant}? '
        "If your events have it, add one of them to mine.cases.toml"
    )


NAMES: dict[str, tuple[str, str]] = {
    "a name of an image": ('when.name = ["x"]', WHEN + unknown("name", "image.name")),
    "a creator": ('when.creator.name = ["x"]', WHEN + unknown("creator", "image.creator.name")),
    "a name of a creator": ('when.domain = ["x"]', WHEN + unknown("domain", "image.creator.domain")),
    "EventBridge": ('when.detail.name = ["x"]', WHEN + unknown("detail", "data.detail.name")),
    "misspelt": ('when.souce = ["x"]', WHEN + unknown("souce", "source")),
    "the payload": ('when.user.name = ["x"]', WHEN + unknown("user", "data.user.name")),
    "in $or": (
        'when."$or" = [{ type = ["x"] }, { team = ["x"] }]',
        WHEN + unknown("team", "data.team"),
    ),
    "in a value": ('tags.v = "{{ name }}"', 'rule "r": tag "v": ' + unknown("name", "image.name")),
    "in a value with members": (
        'tags.v = "{{ creator.name | lower }}"',
        'rule "r": tag "v": ' + unknown("creator", "image.creator.name"),
    ),
    "in a value with elements": (
        'tags.v = \'{{ image.name }}-{{ disks[0]["a b"] | default("x") }}\'',
        'rule "r": tag "v": ' + unknown("disks", 'data.disks[0]["a b"]'),
    ),
}


@pytest.mark.parametrize(("line", "warning"), NAMES.values(), ids=NAMES)
def test_names(line: str, warning: str) -> None:
    """A first name that no event is known to have is told, with what is probably meant."""
    assert slips(f"{RULE}{line}\n") == [warning]


@pytest.mark.parametrize("line", [line for line, _ in NAMES.values()], ids=NAMES)
def test_names_of_cases(line: str) -> None:
    """A name that an event of the cases has is no slip."""
    seen = ["name", "creator", "domain", "detail", "souce", "user", "team", "disks"]
    assert slips(f"{RULE}{line}\n", *seen) == []


KNOWN = """
when.specversion = ["1.0"]
when.source = ["a"]
when.type = ["a"]
when.subject = [{ exists = true }]
when.data.name = ["a"]
when.image.name = ["a"]
when.ims.min_disk = [40]
when.ims.tags.team = ["a"]
when.parent.tags.team = [{ exists = false }]
tags.a = "{{ id ~ time ~ datacontenttype ~ dataschema ~ data_base64 ~ tagfillin }}"
tags.b = '{{ ims["__os_version"] ~ parent.tags.owner ~ parent.name }}'
"""


def test_known_names() -> None:
    """Context attributes, the payload and what is ours need no case."""
    assert slips(RULE + KNOWN) == []


LOOK_ALIKES: dict[str, tuple[str, str]] = {
    "a wildcard": ('"prod-*"', '{ wildcard = "prod-*" }'),
    "two asterisks": ('"prod-**"', '{ wildcard = "prod-*" }'),
    "a wildcard with a backslash": (r"'CORP\dave*'", r'{ wildcard = "CORP\\\\dave*" }'),
    "anchored": ('"^prod"', '{ prefix = "prod" }'),
    "in slashes": ('"/^prod/"', '{ prefix = "prod" }'),
    "in slashes, anchored at the end": ('"/prod$/"', '{ suffix = "prod" }'),
    "anchored at both ends": ('"^prod$"', '"prod"'),
    "any run at the end": ('"prod.*"', '{ prefix = "prod" }'),
    "any run at the start": ('".*-db"', '{ suffix = "-db" }'),
    "any run in the middle": ('"prod-.*-db"', '{ wildcard = "prod-*-db" }'),
    "escaped": (r"'^web\.example'", '{ prefix = "web.example" }'),
    "anywhere": ('"/a.+b/"', '{ wildcard = "*a*b*" }'),
    "a class": ('"[a-z]+-prod"', "{ wildcard = ... }"),
    "a choice": ('"(web|db)-1"', "{ wildcard = ... }"),
}


@pytest.mark.parametrize(("text", "operator"), LOOK_ALIKES.values(), ids=LOOK_ALIKES)
def test_look_alikes(text: str, operator: str) -> None:
    """A plain value that looks like a wildcard or a regular expression is told, with the right operator."""
    (value,) = tomllib.loads(f"x = [{text}]")["x"]
    shown = '"' + value.replace("\\", "\\\\") + '"'
    table = f"{RULE}when.image.name = ['x', {text}]\n"
    assert slips(table) == [f"{WHEN}{shown} matches only this exact text; write {operator}"]
    negated = f"{RULE}when.image.name = [{{ anything-but = ['x', {text}] }}]\n"
    expected = f"{WHEN}{shown} matches only this exact text; write {{ anything-but = {operator} }}"
    assert slips(negated) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "prod",
        "/pipelines/image-factory/",
        "SRV01$",
        r"CORP\dave",
        "web [2026-01]",
        "C++ (x)",
        "a.b",
        "",
        "1 + 1",
    ],
)
def test_names_that_are_none(text: str) -> None:
    """What may well be meant as it stands is not told."""
    assert slips(f"{RULE}when.image.name = ['{text}', 1, true, {{ wildcard = 'a*' }}]\n") == []


@given(st.text("ab*^$/.+\\[]()|-?1"))
def test_what_is_told_can_be_written(text: str) -> None:
    """The operator that a warning names is one that the language takes."""
    for warning in slips(f"{RULE}when.image.name = [{{ anything-but = 'x' }}, '{text}']\n"):
        operator = warning.rpartition("; write ")[2]
        if "..." not in operator:
            compile_pattern({"x": tomllib.loads(f"x = [{operator}]")["x"]})
