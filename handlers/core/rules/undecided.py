"""Which tags the rules cannot decide for an image of which not everything is known."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from handlers.core.patterns.compile import Pattern
from handlers.core.patterns.conditions import Alternative, fields_of
from handlers.core.patterns.index import PatternIndex
from handlers.core.rules.plan import TagPlan
from handlers.core.rules.table import RuleTable

IsKnown = Callable[[Sequence[str | int]], bool]
"""Whether an image that lacks the attribute at this path is known to lack it."""


class Undecided(NamedTuple):
    """Keys of tags.

    open: nobody knows whether the image gets a tag of this key, or which rule gives it.
    inexact: the image gets one, but its value may have been another when more was known.
    """

    open: frozenset[str]
    inexact: frozenset[str]


class Unknowns:
    """The rules of a table in front of attributes that nobody knows."""

    def __init__(self, table: RuleTable, is_known: IsKnown) -> None:
        self._rules = table.rules
        self._is_known = is_known
        patterns = [rule.when for rule in table.rules]
        self._certain = PatternIndex([_only(each, self._reads_known) for each in patterns])
        self._possible = PatternIndex([_each(each, self._known_part) for each in patterns])

    def in_plan(self, event: dict[str, Any], plan: TagPlan) -> Undecided:
        """What cannot be decided of the tags for an event. plan: what the rules gave for it."""
        given = {(each.rule, each.tag.key) for each in (*plan.tags, *plan.unchanged)}
        settled, opened, inexact = set[str](), set[str](), set[str]()
        certain = frozenset(self._certain.matching(event))
        for position in self._possible.matching(event):
            rule = self._rules[position]
            if rule.audit:
                continue
            for key in rule.tags.keys() - settled - opened:
                exact = all(map(self._is_known, rule.tags[key].template.attributes))
                is_given = (rule.name, key) in given
                if position not in certain or not (exact or is_given):
                    opened.add(key)
                elif is_given:
                    settled.add(key)
                    inexact |= set() if exact else {key}
        return Undecided(frozenset(opened), frozenset(inexact))

    def _reads_known(self, alternative: Alternative) -> bool:
        return all(self._is_known(each.path) for each in alternative.conditions)

    def _known_part(self, alternative: Alternative) -> Alternative:
        return Alternative.of([each for each in alternative.conditions if self._is_known(each.path)])


def _only(when: Pattern | None, keep: Callable[[Alternative], bool]) -> Pattern | None:
    return when and _pattern(filter(keep, when.alternatives))


def _each(when: Pattern | None, change: Callable[[Alternative], Alternative]) -> Pattern | None:
    return when and _pattern(map(change, when.alternatives))


def _pattern(alternatives: Iterable[Alternative]) -> Pattern:
    kept = tuple(alternatives)
    return Pattern(kept, fields_of(kept))
