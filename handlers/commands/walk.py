"""A rules table row by row, for one event: why each matched or not, and what became of each of its tags."""

from collections import deque
from typing import Any

from handlers.core.errors import RuleError
from handlers.core.ims.tags import fault_of_value
from handlers.core.patterns.conditions import Mismatch
from handlers.core.rules.rule import Rule, Value
from handlers.core.rules.table import PlannedTag, RuleTable, TagPlan
from handlers.edges.cloudevents.parse import Json


def walk(table: RuleTable, event: Json) -> list[Json]:
    """What each rule does, as facts; an event as `core.images` recognised it."""
    fates = _Fates(table, event)
    return [_row(rule, event, fates) for rule in table.rules]


def _row(rule: Rule, event: Json, fates: "_Fates") -> Json:
    mismatch = rule.when.why_not(event) if rule.when else None
    tags = [] if mismatch else [fates.of(rule, key, value) for key, value in rule.tags.items()]
    return {
        "rule": rule.name,
        "mode": "audit" if rule.audit else "enforce",
        "condition": rule.when is not None,
        "matches": mismatch is None,
        "why_not": _decided(mismatch) if mismatch else [],
        "tags": tags,
    }


def _decided(mismatch: Mismatch) -> list[Json]:
    return [
        {"field": each.path, "found": list(each.found), "wanted": each.wanted}
        for each in (mismatch, *mismatch.others)
    ]


class _Fates:
    """What became of the tags of matching rules, asked for in the order of the table."""

    def __init__(self, table: RuleTable, event: Json) -> None:
        self._table = table
        self._event = event
        self._failure: RuleError | None = None
        derived = TagPlan()
        try:
            derived = table.tags_for(event)
        except RuleError as error:
            self._failure = error
        self._set = deque(derived.tags)
        self._left_out = deque(derived.skipped)
        self._owner: dict[tuple[str, bool], str] = {}

    def of(self, rule: Rule, key: str, value: Value) -> Json:
        if self._failure:
            mine = (self._failure.rule, self._failure.key) == (rule.name, key)
            why = str(self._failure) if mine else "another tag fails, and then none is written"
            return _fate(key, why=why)
        if self._set and (self._set[0].tag.key, self._set[0].rule, self._set[0].audit) == (
            key,
            rule.name,
            rule.audit,
        ):
            self._owner[key, rule.audit] = rule.name
            return self._set_to(self._set.popleft(), value)
        if self._left_out and (self._left_out[0].key, self._left_out[0].rule) == (key, rule.name):
            return _fate(key, why=self._left_out.popleft().why)
        owner = self._owner.get((key, False)) or self._owner[key, True]
        return _fate(key, why=f'the rule "{owner}" sets it, and earlier rows win')

    def _set_to(self, derived: PlannedTag, value: Value) -> Json:
        fate = _fate(derived.tag.key, value=derived.tag.value, on_existing=value.on_existing)
        if derived.mended:
            text = value.template.render(self._event, self._table.lookups, self._table.pseudonym_key)
            fate |= {"mended_from": text, "why": fault_of_value(text, self._table.limits)}
        return fate


def _fate(key: str, **known: Any) -> Json:
    """value: None where the image does not get the tag. why: what is wrong with it or with `mended_from`."""
    return {"key": key, "value": None, "mended_from": None, "why": "", "on_existing": "overwrite", **known}
