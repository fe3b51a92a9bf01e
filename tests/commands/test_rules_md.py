"""The specification of `when` is executed: each example does what the text says."""

import json
import re
import tomllib
from typing import Any

import pytest

from handlers.core.patterns.compile import InvalidPattern, compile_pattern
from handlers.core.patterns.operators import OPERATORS
from tests.support.pages import RULES

PATTERN = re.compile(
    r"^```toml\n(when.*?)^```$\n(?:^```(?:json|text)\n(.*?)^```$)?", re.MULTILINE | re.DOTALL
)
EXAMPLES = PATTERN.findall(RULES)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        pytest.param(when, line, id=f"{when.strip()} {line}")
        for when, lines in EXAMPLES
        for line in lines.splitlines()
    ],
)
def test_example(when: str, said: str) -> None:
    """The pattern matches the event, or does not, or is refused, as its line says."""
    pattern: Any = tomllib.loads(when)["when"]
    verdict, subject = said.split(": ", 1)
    if verdict == "refused":
        with pytest.raises(InvalidPattern, match=re.escape(subject)):
            compile_pattern(pattern)
    else:
        assert verdict in {"match", "no match"}
        assert compile_pattern(pattern).matches(json.loads(subject)) is (verdict == "match")


@pytest.mark.parametrize(("when", "lines"), EXAMPLES, ids=[when.strip() for when, _ in EXAMPLES])
def test_every_pattern_says_what_it_does(when: str, lines: str) -> None:
    """A pattern comes with an event that matches and one that does not, or with the reason of its refusal."""
    verdicts = {line.split(": ", 1)[0] for line in lines.splitlines()}
    assert verdicts in ({"match", "no match"}, {"refused"}), when


def test_every_operator_is_described() -> None:
    """The table of operators and the code name the same ones, and each has an example."""
    table = RULES.split("## Operators\n")[1].split("\n#")[0]
    assert re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE) == list(OPERATORS)
    patterns = " ".join(when for when, _ in EXAMPLES)
    assert all(f"{{ {operator} = " in patterns for operator in OPERATORS)
