"""The specification of values is true: every example in it is executed."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from handlers.core.errors import InvalidTag, MissingAttribute
from handlers.core.values.filters import FILTERS
from handlers.core.values.template import InvalidTemplate, compile_template
from tests.support.pages import RULES, section


def block_lines(kind: str) -> Iterator[str]:
    for block in re.findall(rf"^```{kind}\n(.*?)^```$", RULES, re.DOTALL | re.MULTILINE):
        yield from block.splitlines()


def examples() -> Iterator[Any]:
    value = ""
    for line in block_lines("values"):
        if line.startswith("  "):
            event, outcome = line.strip().rsplit(" -> ", 1)
            yield pytest.param(value, json.loads(event), outcome, id=f"{value} {event}")
        else:
            value = line


LOOKUPS = {name: table.get for name, table in json.loads("".join(block_lines("lookups"))).items()}
KEY = re.findall(r"The example's key\s+is\s+`(.+)`", RULES)[0].encode()


@pytest.mark.parametrize(("value", "event", "outcome"), list(examples()))
def test_examples(value: str, event: dict[str, Any], outcome: str) -> None:
    """A value and an event give the outcome that the specification shows."""
    template = compile_template(value)
    errors = {"missing": MissingAttribute, "invalid": InvalidTag}
    if error := errors.get(outcome):
        with pytest.raises(error):
            template.render(event, LOOKUPS, KEY)
    else:
        assert template.render(event, LOOKUPS, KEY) == json.loads(outcome)


@pytest.mark.parametrize("value", list(block_lines("refused")))
def test_refused(value: str) -> None:
    """What the specification calls refused never gets past loading."""
    with pytest.raises(InvalidTemplate):
        compile_template(value)


def test_every_filter_is_specified() -> None:
    """The specification describes exactly the filters that there are, with an example each."""
    parts = re.split(r"^### ", section("Filters"), flags=re.MULTILINE)[1:]
    described = {part.split("\n", 1)[0]: part for part in parts}
    assert described.keys() == FILTERS.keys()
    for name, part in described.items():
        assert re.search(rf"^{{{{ .*\| {name}\b", part, re.MULTILINE), name
