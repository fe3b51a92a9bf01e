"""The rules table: from an event to its tags. `handlers/rules.md` is its specification."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self

from handlers.core.errors import InvalidTag, MissingAttribute, RuleError
from handlers.core.ims.tags import Tag, existing_value, fault_of_value, sanitize_value
from handlers.core.patterns.index import PatternIndex
from handlers.core.rules.diagnostics import Diagnostic, InvalidTable
from handlers.core.rules.load import Table, read
from handlers.core.rules.lookups import ReadFile
from handlers.core.rules.rule import Rule, Value


class PlannedTag(NamedTuple):
    """A tag that the rules give an image.

    audit: it is only to be logged. keep: the image's own tag of this key stays, if it has one.
    mended: IMS would have refused the value as the event had it.
    """

    tag: Tag
    rule: str
    audit: bool = False
    keep: bool = False
    mended: bool = False


class SkippedTag(NamedTuple):
    """A tag that a matching rule names and the image does not get."""

    key: str
    rule: str
    why: str


class TagPlan:
    """What the rules say of one event, in table order.

    unchanged: tags that the image is known to have already, which are not written again.
    """

    def __init__(self, tags: Iterable[PlannedTag] = (), skipped: Iterable[SkippedTag] = ()) -> None:
        self.tags = list(tags)
        self.skipped = list(skipped)
        self.unchanged: list[PlannedTag] = []

    @property
    def to_write(self) -> list[Tag]:
        return [derived.tag for derived in self.tags if not derived.audit]

    @property
    def needs_existing_tags(self) -> bool:
        """Whether the image's tags have to be read before any is written."""
        return any(derived.keep and not derived.audit for derived in self.tags)

    def without_existing(self, existing: Sequence[str]) -> "TagPlan":
        """What is left to write where the image has these tags, as image objects of IMS list them.

        Tags that are only logged stay: nothing is written in their place.
        """
        result = TagPlan(skipped=self.skipped)
        for derived in self.tags:
            value = None if derived.audit else existing_value(existing, derived.tag.key)
            if value == derived.tag.value:
                result.unchanged.append(derived)
            elif value is not None and derived.keep:
                why = "the image has a tag of this key, and the rule keeps it"
                result.skipped.append(SkippedTag(derived.tag.key, derived.rule, why))
            else:
                result.tags.append(derived)
        return result


NO_KEY = "the filter `pseudonym` needs a key; set PSEUDONYM_KEY, or PSEUDONYM_KEY_FILE to a file"


def _no_files(name: str) -> bytes:
    raise FileNotFoundError(2, "there are no files here", name)


class RuleTable:
    """A table without a fault. Earlier rows win wherever two are in conflict.

    outcomes: by upper-case code of the tag API, what follows from it instead of what would.
    """

    def __init__(self, content: Table, pseudonym_key: bytes) -> None:
        self.limits, self.rules, self.lookups, self.outcomes = content
        self.index = PatternIndex([rule.when for rule in self.rules])
        self.pseudonym_key = pseudonym_key

    @classmethod
    def load(
        cls,
        content: bytes,
        file: str = "rules.toml",
        read_file: ReadFile = _no_files,
        pseudonym_key: bytes = b"",
    ) -> Self:
        """Reads a table. Raises faults.InvalidTable, which lists every fault.

        file: the table's name in messages. read_file: reads a file beside it that a lookup names.
        pseudonym_key: of the filter `pseudonym`; without one, a table that uses it has a fault.
        """
        table = read(content, file, read_file)
        if not pseudonym_key and (named := [rule.name for rule in table.rules if rule.makes_pseudonyms]):
            raise InvalidTable([Diagnostic(f"{file}: {name}", NO_KEY) for name in named])
        return cls(table, pseudonym_key)

    def tags_for(self, event: dict[str, Any]) -> TagPlan:
        """The tags for an event as `core.images` recognised it, all within the limits of IMS.

        Raises MissingAttribute or InvalidTag where a rule says "fail".
        """
        derived = TagPlan()
        taken: dict[bool, set[str]] = {False: set(), True: set()}
        for rule, key, value in self._matching(event):
            # A rule on trial must not take a key from one in force; those in force take it from both.
            earlier = taken[False] | taken[True] if rule.audit else taken[False]
            if key in earlier:
                continue
            try:
                row = self._derive(rule, key, value, event)
            except RuleError as error:
                # A rule on trial must not end an event either.
                if rule.audit or (isinstance(error, MissingAttribute) and value.on_missing == "skip"):
                    derived.skipped.append(SkippedTag(key, rule.name, str(error)))
                    continue
                of_tag = f'the tag "{key}" of the rule "{rule.name}": {error}'
                raise type(error)(of_tag, rule=rule.name, key=key) from None
            if len(earlier) >= self.limits.tags:
                why = f"an image may have {self.limits.tags} tags, and earlier rows have set them"
                derived.skipped.append(SkippedTag(key, rule.name, why))
                continue
            taken[rule.audit].add(key)
            derived.tags.append(row)
        return derived

    def _matching(self, event: dict[str, Any]) -> Iterator[tuple[Rule, str, Value]]:
        for position in self.index.matching(event):
            rule = self.rules[position]
            for key, value in rule.tags.items():
                yield rule, key, value

    def _derive(self, rule: Rule, key: str, value: Value, event: dict[str, Any]) -> PlannedTag:
        text = value.template.render(event, self.lookups, self.pseudonym_key)
        fault = fault_of_value(text, self.limits)
        if fault and value.on_invalid == "fail":
            raise InvalidTag(f"IMS would refuse its value: {fault}")
        mended = sanitize_value(text, self.limits) if fault else text
        keep = value.on_existing == "keep"
        return PlannedTag(Tag(key, mended), rule.name, audit=rule.audit, keep=keep, mended=bool(fault))
