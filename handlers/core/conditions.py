"""Conditions on the fields of an event: whether they hold together, and if not, which field decided.

What an array holds counts for the array's field. Fields of an object in an array belong together: conditions
on several of them must hold in one element.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from handlers.core.comparisons import ABSENT, Comparison

# A field that is not there is like an object at a leaf: neither has a value of its own.
_NOTHING: dict[str, Any] = {}


class Mismatch(NamedTuple):
    """The first field that kept an alternative from matching.

    found: the values that the event has there, none if the field is absent.
    wanted: the pattern's list for this field, as JSON.
    others: the same for each further alternative of `$or` that failed for a reason of its own.
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
    """A field, and what one of its values must pass; with ABSENT there must be none."""

    path: tuple[str, ...]
    comparison: Comparison
    wanted: str

    def holds(self, value: Any) -> bool:
        values = leaves(value)
        return not values if self.comparison is ABSENT else any(map(self.comparison.passes, values))


class _Object(NamedTuple):
    """The conditions on the fields of one JSON object and on what lies below it."""

    fields: tuple[tuple[str, "Condition | _Object"], ...]
    quantifier: Callable[[Iterable[bool]], bool]

    def holds(self, value: Any) -> bool:
        if isinstance(value, list):
            return self.quantifier(self.holds(element) for element in elements(value))
        event_fields = value if isinstance(value, dict) else _NOTHING
        return all(wanted.holds(event_fields.get(name, _NOTHING)) for name, wanted in self.fields)


class Alternative(NamedTuple):
    """Conditions of which all must hold. A pattern without `$or` has one such list."""

    conditions: tuple[Condition, ...]
    root: _Object

    @classmethod
    def of(cls, conditions: Sequence[Condition]) -> "Alternative":
        return cls(tuple(conditions), _object(conditions, 0))

    def matches(self, event: Any) -> bool:
        return self.root.holds(event)

    def why_not(self, event: Any) -> Mismatch:
        decided = next(
            count
            for count in range(1, len(self.conditions) + 1)
            if not Alternative.of(self.conditions[:count]).matches(event)
        )
        condition = self.conditions[decided - 1]
        found = _values_at(event, condition.path)
        together = " in the element that the fields before it chose" if condition.holds(found) else ""
        return Mismatch(dotted(condition.path), tuple(found), condition.wanted + together)


def elements(value: Any) -> list[Any]:
    """Return the value, or what an array holds at any depth: arrays do no more than group."""
    found, rest = [], [value]
    while rest:
        item = rest.pop()
        if isinstance(item, list):
            rest.extend(reversed(item))
        else:
            found.append(item)
    return found


def leaves(value: Any) -> Sequence[Any]:
    """Return the values that comparisons see: no objects, and of arrays what they hold."""
    if isinstance(value, list):
        return [element for element in elements(value) if not isinstance(element, dict)]
    return () if isinstance(value, dict) else (value,)


def _values_at(event: Any, path: tuple[str, ...]) -> list[Any]:
    found = [event]
    for name in path:
        objects = (each for each in elements(found) if isinstance(each, dict))
        found = [fields[name] for fields in objects if name in fields]
    return list(leaves(found))


def _object(conditions: Sequence[Condition], depth: int) -> _Object:
    here = [(each.path[depth], each) for each in conditions if len(each.path) == depth + 1]
    below: dict[str, list[Condition]] = {}
    for each in conditions:
        if len(each.path) > depth + 1:
            below.setdefault(each.path[depth], []).append(each)
    objects = [(name, _object(each, depth + 1)) for name, each in below.items()]
    # One element of an array must have what is wanted. Where all is wanted absent, no element may have it.
    wanted = any(each.comparison is not ABSENT for each in conditions)
    return _Object((*here, *objects), any if wanted else all)


def dotted(path: tuple[str, ...]) -> str:
    """Write a path as TOML does: `data.size`, `data."a.b"`."""
    bare = (name.replace("-", "").replace("_", "").isalnum() for name in path)
    return ".".join(name if plain else json.dumps(name) for name, plain in zip(path, bare, strict=True))
