"""The rules table: from an event to its tags. `handlers/rules.md` is its specification."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from handlers.core.errors import InvalidTag, MissingAttribute, RuleError
from handlers.core.ims.image import NAMES
from handlers.core.ims.limits import fault_of_value, sanitize_value
from handlers.core.ims.tags import Tag
from handlers.core.patterns.index import PatternIndex, no_check
from handlers.core.rules.diagnostics import Diagnostic, InvalidTable
from handlers.core.rules.load import Table, read
from handlers.core.rules.lookups import ReadFile
from handlers.core.rules.plan import BY_RULE, PlannedTag, SkippedTag, TagPlan
from handlers.core.rules.rule import Rule, Value
from handlers.core.values.expressions import Scope

NO_KEY = "the filter `pseudonym` needs a key; set PSEUDONYM_KEY, or PSEUDONYM_KEY_FILE to a file"


def _no_files(name: str) -> bytes:
    raise FileNotFoundError(2, "there are no files here", name)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """It would take half the time of a large table and find nothing, for what is made of a table stays."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class RuleTable:
    """A table without a fault. If two rules are in conflict, the earlier one wins.

    outcomes: overrides of outcomes, by upper-case code of the tag API.
    """

    def __init__(self, content: Table, pseudonym_key: bytes) -> None:
        self.limits, self.rules, self.lookups, self.outcomes = content
        self._index = PatternIndex([rule.when for rule in self.rules])
        self.reads = self._reads()
        self._pseudonym_key = pseudonym_key

    @classmethod
    def load(
        cls,
        content: bytes,
        file: str = "rules.toml",
        read_file: ReadFile = _no_files,
        pseudonym_key: bytes = b"",
    ) -> Self:
        """Reads a table. Raises InvalidTable, which lists every fault.

        file: the table's name in messages. read_file: reads a file beside it that a lookup names.
        pseudonym_key: of the filter `pseudonym`; without one, a table that uses it has a fault.
        """
        with _without_garbage_collection():
            table = read(content, file, read_file)
            if not pseudonym_key and (named := [rule.name for rule in table.rules if rule.makes_pseudonyms]):
                raise InvalidTable([Diagnostic(file, name, NO_KEY) for name in named])
            return cls(table, pseudonym_key)

    def _reads(self) -> frozenset[str]:
        """Which of `ims` and `parent` the rules mention: neither is fetched where they do not."""
        in_values = {
            path[0]
            for rule in self.rules
            for value in rule.tags.values()
            for path in value.template.attributes
        }
        return NAMES & (in_values | self._index.fields.keys())

    @property
    def mode(self) -> str:
        """Whether its rules write tags: "enforce" or "audit", or how many of them do not."""
        audited = sum(rule.audit for rule in self.rules)
        if 0 < audited < len(self.rules):
            return f"audit in {audited} of {len(self.rules)} rules"
        return "audit" if audited else "enforce"

    def matching(self, event: dict[str, Any], check: Callable[[], None] = no_check) -> list[int]:
        """The positions of the rules that match an event, in table order.

        check: called before each rule that is tried; what it raises ends the search.
        """
        return self._index.matching(event, check)

    @property
    def tells_images_apart(self) -> bool:
        """Whether a condition reads what images of one event differ in. If none does, all match the same
        rules.
        """
        fields = self._index.fields
        return bool(NAMES & fields.keys()) or not {"id", "name"}.isdisjoint(fields.get("image", {}))

    def tags_for(self, event: dict[str, Any], matching: Sequence[int] | None = None) -> TagPlan:
        """The tags for an event as `core.events` recognised it, all within the limits of IMS.

        matching: the result of `matching` for it, if that is known already.
        Raises MissingAttribute or InvalidTag if a rule says "fail".
        """
        tags, skipped = list[PlannedTag](), list[SkippedTag]()
        scope = Scope(event, self.lookups, self._pseudonym_key)
        # By key, the rule that sets it. A rule in audit mode must not take a key from one that writes; a rule
        # that writes takes it from both.
        in_force, on_trial = dict[str, str](), dict[str, str]()
        for position in self.matching(event) if matching is None else matching:
            rule = self.rules[position]
            earlier, own = (on_trial | in_force, on_trial) if rule.audit else (in_force, in_force)
            for key, value in rule.tags.items():
                if setter := earlier.get(key):
                    why = f'the rule "{setter}" sets it, and earlier rows win'
                    skipped.append(SkippedTag(key, rule.name, why, overridden=True))
                    continue
                try:
                    planned = self._plan(rule, key, value, scope)
                except RuleError as error:
                    # A rule in audit mode must not end an event either.
                    if rule.audit or (isinstance(error, MissingAttribute) and value.on_missing == "skip"):
                        skipped.append(SkippedTag(key, rule.name, str(error)))
                        continue
                    of_tag = f'the tag "{key}" of the rule "{rule.name}": {error}'
                    raise type(error)(of_tag, rule=rule.name, key=key) from None
                if len(earlier) >= self.limits.tags:
                    why = f"an image may have {self.limits.tags} tags, and earlier rows have set them"
                    skipped.append(SkippedTag(key, rule.name, why))
                    continue
                own[key] = earlier[key] = rule.name
                tags.append(planned)
        return TagPlan(tags, skipped)

    def _plan(self, rule: Rule, key: str, value: Value, scope: Scope) -> PlannedTag:
        text = value.template.text(scope)
        keep = BY_RULE if value.on_existing == "keep" else ""
        fault = fault_of_value(text, self.limits)
        if not fault:
            return PlannedTag(Tag(key, text), rule.name, rule.audit, keep)
        if value.on_invalid == "fail":
            raise InvalidTag(f"IMS would refuse its value: {fault}")
        sanitized = sanitize_value(text, self.limits)
        return PlannedTag(Tag(key, sanitized), rule.name, rule.audit, keep, text, fault)
