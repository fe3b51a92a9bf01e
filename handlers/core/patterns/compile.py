"""Compiles and matches event patterns, and says why an event does not match.

A pattern has the shape of the events it matches: all fields must match, any of a field's listed values may.
The semantics are those of Amazon EventBridge event patterns; `handlers/rules-patterns.md` specifies them.

A compiled pattern is a list of alternatives. Each is a list of conditions that must all hold. `$or` is
multiplied out, because only then is it clear which conditions must hold in the same element of an array.
"""

import json
import math
from itertools import chain, product
from typing import Any, NamedTuple

from handlers.core.patterns.comparisons import ABSENT, BadOperand, Comparison, any_of, equals_any, is_number
from handlers.core.patterns.conditions import (
    Alternative,
    Condition,
    Fields,
    Mismatch,
    Place,
    dotted,
    fields_of,
    looked_at,
)
from handlers.core.patterns.operators import OPERATORS

MAX_DEPTH = 64
MAX_ALTERNATIVES = 1000


class InvalidPattern(ValueError):
    """The pattern is malformed. The message names the field. place: where in the pattern, as in Condition."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.place = place


class Pattern(NamedTuple):
    """A compiled event pattern. fields: those that it names."""

    alternatives: tuple[Alternative, ...]
    fields: Fields

    def matches(self, event: dict[str, Any]) -> bool:
        seen = looked_at(event, self.fields)
        return any(alternative.matches(seen) for alternative in self.alternatives)

    def why_not(self, event: dict[str, Any]) -> Mismatch | None:
        """What kept the event from matching; None if it matches."""
        if self.matches(event):
            return None
        seen = looked_at(event, self.fields)
        reasons = {(m.path, m.wanted): m for m in (each.why_not(seen) for each in self.alternatives)}
        first, *others = reasons.values()
        return first._replace(others=tuple(others))


def compile_pattern(pattern: dict[str, Any]) -> Pattern:
    """The compiled pattern of a JSON or TOML value. Raises InvalidPattern."""
    alternatives = tuple(map(Alternative.of, _alternatives(pattern, (), 0)))
    return Pattern(alternatives, fields_of(alternatives))


def _alternatives(pattern: Any, place: Place, depth: int) -> list[tuple[Condition, ...]]:
    if not isinstance(pattern, dict) or not pattern:
        raise _invalid(place, "needs at least one field, each with its list of values")
    if depth >= MAX_DEPTH:
        raise _invalid(place[:3], f"is nested deeper than {MAX_DEPTH} levels")
    fields = [_field(name, wanted, place, depth) for name, wanted in pattern.items()]
    # The conditions that all alternatives share come first, so that `why_not` names them once.
    fields.sort(key=len)
    if math.prod(map(len, fields)) > MAX_ALTERNATIVES:
        raise _invalid(place, f'"$or" makes more than {MAX_ALTERNATIVES} combinations')
    return [tuple(chain.from_iterable(choice)) for choice in product(*fields)]


def _field(name: Any, wanted: Any, place: Place, depth: int) -> list[tuple[Condition, ...]]:
    if not isinstance(name, str):
        raise _invalid(place, "needs strings as field names")
    if name == "$or" and _is_choice(wanted):
        if len(wanted) == 1:
            raise _invalid(place, '"$or" needs at least two tables')
        return [
            each
            for number, branch in enumerate(wanted)
            for each in _alternatives(branch, (*place, "$or", number), depth + 1)
        ]
    if isinstance(wanted, dict):
        return _alternatives(wanted, (*place, name), depth + 1)
    return _leaf(wanted, (*place, name))


def _is_choice(wanted: Any) -> bool:
    """Whether `$or` is the operator here, and not a field of that name; much as in event-ruler's README."""
    return (
        isinstance(wanted, list)
        and bool(wanted)
        and all(isinstance(branch, dict) and not branch.keys() & OPERATORS.keys() for branch in wanted)
    )


def _leaf(wanted: Any, place: Place) -> list[tuple[Condition, ...]]:
    if not isinstance(wanted, list) or not wanted:
        raise _invalid(place, 'needs a list of values or operators, such as ["a", { prefix = "b" }]')
    values = [each for each in wanted if not isinstance(each, dict)]
    if not all(each is None or isinstance(each, str | bool) or is_number(each) for each in values):
        raise _invalid(place, "lists strings, finite numbers, booleans and operators only")
    try:
        comparisons = [_comparison(each) for each in wanted if isinstance(each, dict)]
    except BadOperand as fault:
        raise _invalid(place, str(fault)) from None
    if values:
        comparisons.append(equals_any(values))
    text = _as_json(wanted)
    present = [each for each in comparisons if each is not ABSENT]
    # An absent field has no value to compare, so it is an alternative of its own.
    choices = ([any_of(present)] if present else []) + ([ABSENT] if ABSENT in comparisons else [])
    path = _path(place)
    return [(Condition(path, choice, text, place),) for choice in choices]


_as_json = json.JSONEncoder(ensure_ascii=False).encode


def _path(place: Place) -> tuple[str, ...]:
    """The path in an event, which has no `$or`."""
    return tuple(
        name
        for name, after in zip(place, (*place[1:], ""), strict=False)
        if isinstance(name, str) and isinstance(after, str)
    )


def _comparison(table: dict[Any, Any]) -> Comparison:
    if len(table) != 1:
        raise BadOperand("takes exactly one operator to a table")
    name, operand = next(iter(table.items()))
    if name not in OPERATORS:
        shown = name if isinstance(name, str) else type(name).__name__
        raise BadOperand(f'"{shown}" is no operator; there are {", ".join(OPERATORS)}')
    try:
        return OPERATORS[name].read(operand)
    except BadOperand as fault:
        raise BadOperand(f'"{name}" {fault}') from None


def _invalid(place: Place, fault: str) -> InvalidPattern:
    return InvalidPattern(f"{dotted(_path(place)) or 'the pattern'}: {fault}", place)
