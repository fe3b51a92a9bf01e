"""One rule of the table: which events it is for, and the tags that it gives."""

from collections.abc import Collection, Iterator
from typing import Any, Literal, NamedTuple

from handlers.core.errors import RuleError
from handlers.core.ims.limits import Limits, fault_of_key, fault_of_value
from handlers.core.patterns.compile import InvalidPattern, Pattern, compile_pattern
from handlers.core.patterns.conditions import dotted as as_field
from handlers.core.rules.diagnostics import Diagnostics, Place, did_you_mean
from handlers.core.rules.paths import OBJECTS, fault_of_path
from handlers.core.values.expressions import dotted as as_expression
from handlers.core.values.template import InvalidTemplate, Template, compile_template


class Value(NamedTuple):
    """The value of one tag, and its options."""

    template: Template
    on_missing: Literal["skip", "fail"] = "skip"
    on_invalid: Literal["fix", "fail"] = "fix"
    on_existing: Literal["overwrite", "keep"] = "overwrite"


class Rule(NamedTuple):
    """when: None matches every event. audit: its tags are logged and not written."""

    name: str
    when: Pattern | None
    tags: dict[str, Value]
    audit: bool

    @property
    def makes_pseudonyms(self) -> bool:
        return any(value.template.pseudonyms for value in self.tags.values())


class RuleReader:
    """Reads rules. It adds every fault to `faults` and goes on.

    lookups: the names that the table defines. mode: of rules that do not name one.
    """

    def __init__(self, limits: Limits, lookups: Collection[str], mode: str, faults: Diagnostics) -> None:
        self._limits = limits
        self._lookups = lookups
        self._mode = mode
        self._faults = faults
        self._named: dict[str, int] = {}

    def rule(self, number: int, row: Any) -> Rule | None:
        """The rule at a position, counted from 1; None, which is a fault, if it is not a table."""
        where = Place(f"rule {number}", ("rule", number - 1))
        if not isinstance(row, dict):
            self._faults.add(where, "a rule is a table; write [[rule]]")
            return None
        name = self._faults.member(where, row, "name", str)
        if name and (fault := self._fault_of_name(name, number)):
            self._faults.add(where.at("name"), fault)
            name = None
        if name:
            where = Place(f'rule "{name}"', where.path)
        self._faults.names(where, row, "name", "mode", "when", "tags")
        mode = self._faults.choice(where, row, "mode", "enforce", "audit", default=self._mode)
        tags = self._faults.member(where, row, "tags", dict, 'tags.env = "prod"')
        if row.get("tags", {}) == {}:
            self._faults.add(where.at("tags"), 'it sets no tag; add for example tags.env = "prod"')
        given = dict(self._tags(where, tags or {}))
        return Rule(name or where.words, self._when(where, row), given, mode == "audit")

    def _fault_of_name(self, name: str, number: int) -> str:
        if not name.isprintable():
            return "its name must be one line of printable text"
        if (other := self._named.setdefault(name, number)) != number:
            return f'rule {other} is called "{name}" too; give one of them another name'
        return ""

    def _when(self, where: Place, row: dict[str, Any]) -> Pattern | None:
        when = self._faults.member(where, row, "when", dict, 'when.image.name = ["web"]')
        if when is None:
            return None
        here = Place(f"{where.words}: when", (*where.path, "when"))
        try:
            pattern = compile_pattern(when)
        except InvalidPattern as error:
            self._faults.add(here.at(*error.place), str(error))
            return None
        found = dict[str, Place]()
        for condition in (each for alternative in pattern.alternatives for each in alternative.conditions):
            if fault := fault_of_path(condition.path, as_field):
                found.setdefault(fault, here.at(*condition.place))
        for fault, place in found.items():
            self._faults.add(place, fault)
        return pattern

    def _tags(self, where: Place, tags: dict[str, Any]) -> Iterator[tuple[str, Value]]:
        for key, said in tags.items():
            here = Place(f'{where.words}: tag "{key}"', (*where.path, "tags", key))
            if fault := fault_of_key(key, self._limits):
                self._faults.add(here, f"IMS would refuse the key: {fault}")
            if isinstance(said, dict) and "value" not in said:
                self._faults.add(here, "it has no value; quote a key with a dot, and name the text `value`")
                continue
            row = said if isinstance(said, dict) else {"value": said}
            self._faults.names(here, row, "value", "on_missing", "on_invalid", "on_existing")
            on_missing = self._faults.choice(here, row, "on_missing", "skip", "fail")
            on_invalid = self._faults.choice(here, row, "on_invalid", "fix", "fail")
            on_existing = self._faults.choice(here, row, "on_existing", "overwrite", "keep")
            if template := self._template(here, row):
                yield key, Value(template, on_missing, on_invalid, on_existing)

    def _template(self, where: Place, row: dict[str, Any]) -> Template | None:
        text = self._faults.member(where, row, "value", str)
        if text is None:
            return None
        try:
            template = compile_template(text)
        except InvalidTemplate as error:
            self._faults.add(where, str(error))
            return None
        if not (template.attributes or template.lookups or template.pseudonyms):
            self._constant(where, template)
        for path in template.attributes:
            if fault := fault_of_path(path, as_expression):
                self._faults.add(where, fault)
            if path in OBJECTS:
                what = as_expression(path)
                self._faults.add(where, f"{what} is an object and not text; name one of its members")
        for name in sorted(template.lookups - set(self._lookups)):
            self._faults.add(where, f"there is no [lookup.{name}]{did_you_mean(name, self._lookups)}")
        return template

    def _constant(self, where: Place, template: Template) -> None:
        """Checks a value that is the same for every event."""
        try:
            text = template.render({})
        except RuleError as error:
            self._faults.add(where, f"the value works out for no event: {error}")
            return
        if fault := fault_of_value(text, self._limits):
            self._faults.add(where, f"IMS would refuse the value: {fault}")
