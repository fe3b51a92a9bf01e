"""What is no TOML is told in words for who has never read its specification."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.core.rules.diagnostics import InvalidTable
from handlers.core.rules.table import RuleTable

YAML = 'it is YAML, and a rules table is TOML: begin a rule with [[rule]], and write tags.env = "prod"'

FAULTS: dict[str, tuple[str, str]] = {
    "text": ("[[rule]]\ntags.env = prod\n", 'r.toml:2: text needs quotes; write tags.env = "prod"'),
    "text before a comment": ("name = a b # c\n", 'r.toml:1: text needs quotes; write name = "a b"'),
    "text at the end": ("name = prod", 'r.toml:1: text needs quotes; write name = "prod"'),
    "text, Windows line ends": ("\r\nname = a b\r\n", 'r.toml:2: text needs quotes; write name = "a b"'),
    "text like a number": ("tags.v = 1.0.0\n", 'r.toml:1: text needs quotes; write tags.v = "1.0.0"'),
    "text like a boolean": (
        "tags.v = true blue\n",
        'r.toml:1: text needs quotes; write tags.v = "true blue"',
    ),
    "text like a date": ("tags.v = 2026-01\n", 'r.toml:1: text needs quotes; write tags.v = "2026-01"'),
    "text in a list": (
        'when.type = [\n  "a",\n  prod web, "b"]\n',
        'r.toml:3: text needs quotes; write "prod web"',
    ),
    "text in an operator": (
        "when.type = [{ prefix = prod- }]\n",
        'r.toml:1: text needs quotes; write "prod-"',
    ),
    "braces": (
        "tags.owner = {{ image.name }}\n",
        'r.toml:1: text needs quotes; write tags.owner = "{{ image.name }}"',
    ),
    "braces with quotes": (
        'tags.owner = {{ data["a"] | lower }} # why\n',
        "r.toml:1: text needs quotes; write tags.owner = '{{ data[\"a\"] | lower }}'",
    ),
    "braces after text": (
        "tags.owner = by-{{ image.name }}\n",
        'r.toml:1: text needs quotes; write tags.owner = "by-{{ image.name }}"',
    ),
    "braces in a table": (
        'tags.owner = { value = {{ image.name }}, on_missing = "fail" }\n',
        'r.toml:1: text needs quotes; write "{{ image.name }}"',
    ),
    "a tag twice": (
        '[[rule]]\ntags.env = "a"\n\n[[rule]]\ntags.env = "a"\ntags.os = "b"\ntags.env = "c"\n',
        "r.toml:7: tags.env is set twice, first in line 5; keep one of them",
    ),
    "a tag twice, at the end": (
        '[[rule]]\ntags.env = "a"\ntags.env = "c"',
        "r.toml:3: tags.env is set twice, first in line 2; keep one of them",
    ),
    "a tag twice in a table": (
        '[[rule]]\n[rule.tags]\nenv = "a"\nenv = "c"\n',
        "r.toml:4: tags.env is set twice, first in line 3; keep one of them",
    ),
    "a tag twice in one line": (
        '[[rule]]\ntags = { env = "a", env = "c" }\n',
        "r.toml:2: tags.env is set twice, first in line 2; keep one of them",
    ),
    "a lookup twice": (
        '[lookup.a]\nfile = "a"\n[lookup.a]\nfile = "b"\n',
        "r.toml:3: lookup.a is set twice, first in line 1; keep one of them",
    ),
    "a tag beside a whole": (
        '[[rule]]\ntags = { env = "a" }\ntags.os = "b"\n',
        "r.toml:3: tags is written as a whole before this; add this there",
    ),
    "YAML": ("# rules\n\nrules:\n  - name: production\n", f"r.toml: {YAML}"),
    "a list in YAML": ("- name: production\n", f"r.toml: {YAML}"),
    "a document in YAML": ("---\nname: production\n", f"r.toml: {YAML}"),
    "no value": ("tags.env =\n", "r.toml:1: it is not TOML: Invalid value (at line 1, column 11)"),
    "no end": ('tags.env = "a\n', "r.toml:1: it is not TOML: Illegal character '\\n' (at line 1, column 14)"),
    "no end, at the end": (
        '\ntags.env = "a',
        "r.toml:2: it is not TOML: Unterminated string (at end of document)",
    ),
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.values(), ids=FAULTS)
def test_fault(text: str, fault: str) -> None:
    """The one fault names its line, and what to write instead."""
    with pytest.raises(InvalidTable) as raised:
        RuleTable.load(text.encode(), "r.toml")
    assert str(raised.value) == fault


def test_a_file_named_yaml() -> None:
    """The name of a file tells, too."""
    with pytest.raises(InvalidTable, match="it is YAML, and a rules table is TOML"):
        RuleTable.load(b"[rule\n", "rules.yaml")


@given(
    st.lists(
        st.sampled_from(
            ["a", ".", " = ", "b c", "{{", "}}", "[", "]", "{", "}", ", ", '"', "'", "#", "\n", "1", "-"]
        )
    )
)
def test_any_text(pieces: list[str]) -> None:
    """Whatever is no TOML has one sentence, in a line that the text has."""
    text = "".join([*pieces, "\nx"])
    with pytest.raises(InvalidTable) as raised:
        RuleTable.load(text.encode(), "r.toml")
    for fault in raised.value.faults:
        assert fault.message
        assert fault.line is None or 1 <= fault.line <= text.count("\n") + 1


def test_a_long_line() -> None:
    """A line without end is told in a short sentence."""
    with pytest.raises(InvalidTable) as raised:
        RuleTable.load(b"a = " + b"{{ b " * 100_000, "r.toml")
    assert len(str(raised.value)) < 300
