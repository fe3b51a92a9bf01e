"""A rules table row by row, for one image: why each row matched or not, and what became of each of its
tags.
"""

from collections.abc import Callable
from typing import Any

from handlers.core.errors import RuleError
from handlers.core.json_access import Json
from handlers.core.patterns.conditions import Mismatch
from handlers.core.results import ImageResult
from handlers.core.rules import RuleTable
from handlers.core.rules.rule import Rule


def explain_rules(table: RuleTable, event: Json, result: ImageResult) -> list[Json]:
    """What each rule does, as data. event: as rules see it, with the object `image`."""
    decisions = {(tag.rule, tag.tag.key): tag for tag in (*result.plan.tags, *result.plan.unchanged)}
    skipped = {(tag.rule, tag.key): tag.why for tag in result.plan.skipped}

    def tag(rule: Rule, key: str) -> Json:
        if isinstance(error := result.error, RuleError) and not decisions and not skipped:
            own = (error.rule, error.key) == (rule.name, key)
            return _tag(key, why=str(error) if own else "another tag fails, and then none is written")
        if (rule.name, key) in skipped:
            return _tag(key, why=skipped[rule.name, key])
        planned = decisions[rule.name, key]
        on_existing = "keep" if planned.keep else "overwrite"
        return _tag(
            key,
            value=planned.tag.value,
            mended_from=planned.original or None,
            why=planned.fault,
            on_existing=on_existing,
        )

    return [_row(rule, rule.when.why_not(event) if rule.when else None, tag) for rule in table.rules]


def _row(rule: Rule, mismatch: Mismatch | None, tag: Callable[[Rule, str], Json]) -> Json:
    return {
        "rule": rule.name,
        "mode": "audit" if rule.audit else "enforce",
        "condition": rule.when is not None,
        "matches": mismatch is None,
        "why_not": [
            {"field": each.path, "found": list(each.found), "wanted": each.wanted}
            for each in ((mismatch, *mismatch.others) if mismatch else ())
        ],
        "tags": [] if mismatch else [tag(rule, key) for key in rule.tags],
    }


def _tag(key: str, **known: Any) -> Json:
    """value: None where the image does not get the tag. why: what is wrong with it or with `mended_from`."""
    return {"key": key, "value": None, "mended_from": None, "why": "", "on_existing": "overwrite", **known}
