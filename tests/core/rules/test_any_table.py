"""Whatever a table holds, and whatever an event."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from handlers.core.errors import RuleError
from handlers.core.ims.limits import LIMITS
from handlers.core.rules.diagnostics import InvalidTable
from handlers.core.rules.table import RuleTable
from tests.core.rules.conftest import faults

_words = st.sampled_from(
    [
        "",
        "prod",
        "audit",
        "x y",
        "{{ image.name }}",
        "{{ data.a | lower }}",
        "{{",
        "{% if %}",
        "{{ image.x }}",
    ]
)
_names = st.sampled_from(
    ["name", "mode", "when", "tags", "value", "on_missing", "image", "$or", "prefix", "a.b"]
)
_values = st.recursive(
    st.booleans() | st.integers() | st.floats().map(str).map(float) | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=10,
)
_tables = st.fixed_dictionaries(
    {},
    optional={
        "limits": _values | st.sampled_from(list(LIMITS)),
        "defaults": _values,
        "rule": _values | st.lists(st.dictionaries(_names, _values, max_size=4), max_size=3),
        "lookup": _values
        | st.dictionaries(_names, st.dictionaries(st.sampled_from(["entries", "file"]), _values)),
        "outcomes": _values | st.dictionaries(st.sampled_from(["IMG.0035", "x"]), _words),
    },
)


def _toml(value: Any) -> str:
    """A value as TOML writes it in one line."""
    match value:
        case dict():
            members = ", ".join(f"{json.dumps(name)} = {_toml(member)}" for name, member in value.items())
            return f"{{ {members} }}"
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case float():
            return str(value)
        case _:
            return json.dumps(value)


def _is_table_or_faulty(content: bytes) -> None:
    with suppress(InvalidTable, RuleError):
        RuleTable.load(content).tags_for({"data": {"a": "b"}, "image": {"id": "x", "name": "y"}})


@given(content=st.binary() | st.text().map(str.encode))
def test_any_bytes(content: bytes) -> None:
    """Any bytes are a table or an InvalidTable."""
    _is_table_or_faulty(content)


@given(table=_tables)
def test_any_toml(table: dict[str, Any]) -> None:
    """Any TOML is a table or an InvalidTable."""
    _is_table_or_faulty("\n".join(f"{name} = {_toml(value)}" for name, value in table.items()).encode())


WHOLE = b"""limits = "otc"
defaults.mode = "audit"
lookup.teams = { entries = { jane = "web" }, default = "none" }
outcomes = { "IMG.0035" = "retry" }
[[rule]]
name = "r"
when = { image = { name = [{ prefix = "y" }] } }
tags.a = { value = "{{ image.name | lookup('teams') }}", on_missing = "fail" }
"""


@given(at=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255), end=st.integers(0, len(WHOLE)))
def test_any_damage(at: int, byte: int, end: int) -> None:
    """Any changed byte and any cut leave a table or an InvalidTable."""
    _is_table_or_faulty((WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :])[:end])
    _is_table_or_faulty(WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :])


def test_the_whole_table_is_sound() -> None:
    """What is damaged there has no fault of its own."""
    assert faults(WHOLE) == []
