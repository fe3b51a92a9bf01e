"""Finds parts of a valid table without effect: tags that no event can get, and lookups that no value uses.

It reports only what is certain. An earlier rule certainly sets a tag if its value there is constant and that
rule is for every event, or for the same events. If rules for every event have as many constant tags as an
image may have, later rules can set none.
"""

from collections.abc import Iterator

from handlers.core.patterns.compile import Pattern
from handlers.core.rules.diagnostics import Diagnostic
from handlers.core.rules.rule import Rule
from handlers.core.rules.table import RuleTable

Meaning = frozenset[frozenset[tuple[tuple[str, ...], str]]]
"""Equal for patterns with the same conditions, in any order."""

EVERY_EVENT: Meaning = frozenset({frozenset()})


def warnings(table: RuleTable, file: str) -> list[Diagnostic]:
    """The parts of a table that have no effect, in its order. file: its name in messages."""
    return [*_tags(table, file), *_lookups(table, file)]


def _tags(table: RuleTable, file: str) -> Iterator[Diagnostic]:
    # For a rule in force, only rules in force come before it; for one on trial, all do.
    in_force, any_mode = _Certain(), _Certain()
    for number, rule in enumerate(table.rules):
        meaning, earlier = _meaning(rule.when), any_mode if rule.audit else in_force
        for key in rule.tags:
            if owner := earlier.owner(meaning, key):
                why = f'the rule "{owner}" always sets it first; move this row above it'
            elif len(earlier.for_every_event) >= table.limits.tags:
                why = f"earlier rows always set the {table.limits.tags} tags of an image"
            else:
                continue
            yield Diagnostic(file, f'rule "{rule.name}": tag "{key}"', why, ("rule", number, "tags", key))
        any_mode.add(meaning, rule)
        if not rule.audit:
            in_force.add(meaning, rule)


class _Certain:
    """The tags that are set whenever their rule's pattern matches, and the first rule to set each."""

    def __init__(self) -> None:
        self.for_every_event: dict[str, str] = {}
        self._for: dict[tuple[Meaning, str], str] = {}

    def owner(self, meaning: Meaning, key: str) -> str | None:
        return self.for_every_event.get(key) or self._for.get((meaning, key))

    def add(self, meaning: Meaning, rule: Rule) -> None:
        for key in (key for key, value in rule.tags.items() if value.template.constant is not None):
            self._for.setdefault((meaning, key), rule.name)
            if meaning == EVERY_EVENT:
                self.for_every_event.setdefault(key, rule.name)


def _lookups(table: RuleTable, file: str) -> Iterator[Diagnostic]:
    used = {name for rule in table.rules for value in rule.tags.values() for name in value.template.lookups}
    for name in table.lookups:
        if name not in used:
            yield Diagnostic(file, f"lookup {name}", "no value uses it; use it or drop it", ("lookup", name))


def _meaning(when: Pattern | None) -> Meaning:
    if when is None:
        return EVERY_EVENT
    return frozenset(
        frozenset((each.path, each.wanted) for each in alternative.conditions)
        for alternative in when.alternatives
    )
