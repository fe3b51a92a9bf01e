"""Many patterns, one event: which of them match, without trying those that cannot.

Each alternative of a pattern is filed under one of its conditions: at the condition's field, by what a value
there must be, start with, end with, or be at least or at most. An event is looked up by its own values in the
same way; only what lies there is evaluated.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from handlers.core.patterns.comparisons import ABSENT, IndexKey, identity
from handlers.core.patterns.compile import Pattern
from handlers.core.patterns.conditions import Condition, Values, fields_of, looked_at

# Met by every value, for conditions that can say no more of it.
_ANY: IndexKey = ("starts", "")


def no_check() -> None:
    """Never ends a search."""


class PatternIndex:
    """Patterns by position; None stands for a pattern that always matches."""

    def __init__(self, patterns: Sequence[Pattern | None]) -> None:
        self._always = [position for position, pattern in enumerate(patterns) if pattern is None]
        self._alternatives = [
            (position, alternative)
            for position, pattern in enumerate(patterns)
            if pattern is not None
            for alternative in pattern.alternatives
        ]
        self.fields = fields_of(alternative for _, alternative in self._alternatives)
        self._root = _Field()
        self._unfiled: list[int] = []
        self._alone: set[int] = set()
        crowd = Counter(
            (condition.path, _crowd(need))
            for _, alternative in self._alternatives
            for condition in alternative.conditions
            for need in _needs(condition)
        )
        for number, (_, alternative) in enumerate(self._alternatives):
            # What is wanted absent has no value to be looked up by.
            conditions = [each for each in alternative.conditions if each.comparison is not ABSENT]
            if conditions:
                least_crowded = min(
                    conditions,
                    key=lambda each: max(
                        (crowd[each.path, _crowd(need)], need == _ANY) for need in _needs(each)
                    ),
                )
                self._root.file(least_crowded.path, least_crowded, number)
                if len(alternative.conditions) == 1:
                    self._alone.add(number)
            else:
                self._unfiled.append(number)

    def matching(self, event: dict[str, Any], check: Callable[[], None] = no_check) -> list[int]:
        """Return the positions of the patterns that match, in ascending order.

        check: called now and then; what it raises ends the search. That takes as long as the event has
        values and the table has patterns that nearly match.
        """
        seen, steps = looked_at(event, self.fields), _Steps(check)
        candidates = set(self._unfiled)
        self._root.find(seen, candidates, steps)
        found = set(self._always)
        for number in candidates:
            position, alternative = self._alternatives[number]
            if position not in found:
                steps.take(1)
                # A condition that is alone holds already, or the alternative would be no candidate.
                if number in self._alone or alternative.matches(seen):
                    found.add(position)
        return sorted(found)


def _needs(condition: Condition) -> Sequence[IndexKey]:
    return condition.comparison.needs or (_ANY,)


def _crowd(need: IndexKey) -> IndexKey:
    """What an event can meet together with this need: a large number is beyond every lower bound."""
    kind = need[0]
    return (kind, None) if kind in {"from", "to"} else need


_STEPS_A_CHECK = 100


class _Steps:
    """Counts steps, and now and then asks whether there is time for more."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._count = 0

    def take(self, steps: int) -> None:
        self._count += steps
        if self._count >= _STEPS_A_CHECK:
            self._count = 0
            self._check()


class _Field:
    """What is filed at one field of events, and the fields below it."""

    def __init__(self) -> None:
        self._below: dict[str, _Field] = {}
        self._filed: dict[IndexKey, list[tuple[Condition, int]]] = {}
        self._start_lengths: list[int] = []
        self._end_lengths: list[int] = []
        self._lower_bounds: list[float] = []
        self._upper_bounds: list[float] = []

    def file(self, path: Sequence[str], condition: Condition, number: int) -> None:
        if path:
            self._below.setdefault(path[0], _Field()).file(path[1:], condition, number)
            return
        for need in _needs(condition):
            if need not in self._filed:
                self._filed[need] = []
                self._learn(*need)
            self._filed[need].append((condition, number))

    def _learn(self, kind: str, wanted: Any) -> None:
        """Keep in order what `_met_by` goes through."""
        match kind:
            case "starts" if len(wanted) not in self._start_lengths:
                insort(self._start_lengths, len(wanted))
            case "ends" if len(wanted) not in self._end_lengths:
                insort(self._end_lengths, len(wanted))
            case "from":
                insort(self._lower_bounds, wanted)
            case "to":
                insort(self._upper_bounds, wanted)

    def find(self, values: Values, candidates: set[int], steps: "_Steps") -> None:
        """Add whose filed condition holds for one of the values; one that has held is not tried again."""
        for value in values:
            if isinstance(value, dict):
                # Goes over the smaller of the two: neither a large event nor a large table costs much.
                for name in self._below.keys() & value.keys():
                    self._below[name].find(value[name], candidates, steps)
            elif self._filed:
                for need in self._met_by(value.casefold() if isinstance(value, str) else identity(value)):
                    filed = self._filed.get(need, ())
                    steps.take(len(filed))
                    for condition, number in filed:
                        if number not in candidates and condition.comparison.passes(value):
                            candidates.add(number)

    def _met_by(self, value: Any) -> Iterator[IndexKey]:
        yield "is", value
        if not isinstance(value, str):
            yield _ANY
            if isinstance(value, int | float):
                for bound in self._lower_bounds[: bisect_right(self._lower_bounds, value)]:
                    yield "from", bound
                for bound in self._upper_bounds[bisect_left(self._upper_bounds, value) :]:
                    yield "to", bound
            return
        for length in self._start_lengths:
            yield "starts", value[:length]
        for length in self._end_lengths:
            yield "ends", value[max(len(value) - length, 0) :]
