"""Conditions on the fields of an event: whether they all hold, and if not, which field decided.

The elements of an array count for the array's field. Fields of an object in an array belong together:
conditions on several of them must hold in one element.

Conditions look at the result of `looked_at`, in which every field of an event has a list of values.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from handlers.core.patterns.comparisons import ABSENT, Comparison

LOOKED_AT_MAX = 1000
"""Values of a field that conditions see, and arrays of it that are looked into. The cost is rules times
values, and anybody may send events."""

_END = object()

Place = tuple[str | int, ...]
Values = list[Any]
Fields = dict[str, "Fields"]
"""The fields that conditions name, each with the fields below it."""


class Mismatch(NamedTuple):
    """The first field that kept an alternative from matching.

    found: the values that the event has there; none if the field is absent.
    wanted: the pattern's list for this field, as JSON.
    others: the same for other alternatives of `$or` that failed for another reason.
    """

    path: str
    found: tuple[Any, ...]
    wanted: str
    others: tuple["Mismatch", ...] = ()

    def __str__(self) -> str:
        found = ", ".join(json.dumps(value, ensure_ascii=False) for value in self.found)
        text = f"{self.path} is {found or 'absent'}, wanted {self.wanted}"
        return "; and ".join([text, *map(str, self.others)])


class Condition(NamedTuple):
    """A field, and the comparison that one of its values must pass. ABSENT: it must have no value.

    wanted: the pattern's list for the field, as JSON. place: the keys that lead to the list in the pattern
    and, in a list of `$or`, the position, counted from 0.
    """

    path: tuple[str, ...]
    comparison: Comparison
    wanted: str
    place: Place

    def holds(self, values: Values) -> bool:
        found = _leaves(values)
        return not found if self.comparison is ABSENT else any(map(self.comparison.passes, found))


class _Object(NamedTuple):
    """The conditions on the fields of one JSON object and on what lies below it."""

    fields: tuple[tuple[str, "Condition | _Object"], ...]
    quantifier: Callable[[Iterable[bool]], bool]

    def holds(self, values: Values) -> bool:
        return self.quantifier(
            all(wanted.holds(_field(value, name)) for name, wanted in self.fields) for value in values
        )


class Alternative(NamedTuple):
    """Conditions that must all hold. A pattern without `$or` has one alternative."""

    conditions: tuple[Condition, ...]
    root: _Object

    @classmethod
    def of(cls, conditions: Sequence[Condition]) -> "Alternative":
        return cls(tuple(conditions), _object(conditions, 0))

    def matches(self, event: Values) -> bool:
        return self.root.holds(event)

    def why_not(self, event: Values) -> Mismatch:
        decided = next(
            count
            for count in range(1, len(self.conditions) + 1)
            if not Alternative.of(self.conditions[:count]).matches(event)
        )
        condition = self.conditions[decided - 1]
        found = event
        for name in condition.path:
            found = [below for value in found for below in _field(value, name)]
        found = _leaves(found)
        together = " in the element that the fields before it chose" if condition.holds(found) else ""
        return Mismatch(dotted(condition.path), tuple(found), condition.wanted + together)


def fields_of(alternatives: Iterable[Alternative]) -> Fields:
    fields: Fields = {}
    for condition in (each for alternative in alternatives for each in alternative.conditions):
        below = fields
        for name in condition.path:
            below = below.setdefault(name, {})
    return fields


def looked_at(event: Any, fields: Fields) -> Values:
    """These fields of an event, each with its first LOOKED_AT_MAX values in the order of the event.

    The values of a field are the elements of its arrays, at any depth. The arrays are counted too, for empty
    ones hold no value that would be.
    """
    counted, arrays = Counter[int](), Counter[int]()

    def elements(value: Any, field: int) -> Iterator[Any]:
        rest = [iter((value,))]
        while rest:
            item = next(rest[-1], _END)
            if item is _END:
                rest.pop()
            elif not isinstance(item, list):
                yield item
            elif arrays[field] < LOOKED_AT_MAX:
                arrays[field] += 1
                rest.append(iter(item))
            else:
                return

    def seen(value: Any, below: Fields) -> Values:
        field = id(below)
        values = list(islice(elements(value, field), LOOKED_AT_MAX - counted[field]))
        counted[field] += len(values)
        return [
            {name: seen(each[name], below[name]) for name in below.keys() & each.keys()}
            if isinstance(each, dict)
            else each
            for each in values
        ]

    return seen(event, fields)


def _field(value: Any, name: str) -> Values:
    return value.get(name, []) if isinstance(value, dict) else []


def _leaves(values: Values) -> Values:
    """The values that comparisons see, which excludes objects."""
    return [value for value in values if not isinstance(value, dict)]


def _object(conditions: Sequence[Condition], depth: int) -> _Object:
    here = [(each.path[depth], each) for each in conditions if len(each.path) == depth + 1]
    below: dict[str, list[Condition]] = {}
    for each in conditions:
        if len(each.path) > depth + 1:
            below.setdefault(each.path[depth], []).append(each)
    objects = [(name, _object(each, depth + 1)) for name, each in below.items()]
    # One element of an array must match. If all conditions want absent fields, every element must match.
    wanted = any(each.comparison is not ABSENT for each in conditions)
    return _Object((*here, *objects), any if wanted else all)


def dotted(path: tuple[str, ...]) -> str:
    """A path in the notation of TOML: `data.size`, `data."a.b"`."""
    bare = (name.replace("-", "").replace("_", "").isalnum() for name in path)
    return ".".join(name if plain else json.dumps(name) for name, plain in zip(path, bare, strict=True))
