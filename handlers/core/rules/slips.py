"""Finds parts of a valid table that are probably mistakes.

These are names that no event is known to have, and plain values that look like wildcards or regular
expressions.
"""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from handlers.core.patterns.conditions import Condition
from handlers.core.patterns.conditions import dotted as as_field
from handlers.core.rules.diagnostics import Diagnostic, Path
from handlers.core.rules.paths import KNOWN, Write, meant
from handlers.core.rules.rule import Rule
from handlers.core.rules.table import RuleTable
from handlers.core.values.expressions import Key
from handlers.core.values.expressions import dotted as as_expression


class Cases(NamedTuple):
    """The cases of a table. file: their file's name. names: the attributes of all events in it."""

    file: str
    names: Collection[str]


def warnings(table: RuleTable, file: str, cases: Cases) -> list[Diagnostic]:
    """The probable mistakes of a table, in its order. file: its name in messages."""
    return [
        Diagnostic(file, f'rule "{rule.name}": {where}', message, ("rule", number, *path))
        for number, rule in enumerate(table.rules)
        for where, message, path in (*_in_pattern(rule, cases), *_in_values(rule, cases))
    ]


Slip = tuple[str, str, Path]


def _in_pattern(rule: Rule, cases: Cases) -> Iterator[Slip]:
    conditions = {
        condition.place: condition
        for alternative in (rule.when.alternatives if rule.when else ())
        for condition in alternative.conditions
    }
    for place, condition in conditions.items():
        if message := _unknown(condition.path, as_field, cases):
            yield "when", message, ("when", *place)
        for number, message in _look_alikes(condition):
            yield "when", message, ("when", *place, number)


def _in_values(rule: Rule, cases: Cases) -> Iterator[Slip]:
    for key, value in rule.tags.items():
        for path in dict.fromkeys(value.template.attributes):
            if message := _unknown(path, as_expression, cases):
                yield f'tag "{key}"', message, ("tags", key)


def _unknown(path: Sequence[Key], write: Write, cases: Cases) -> str:
    name = str(path[0])
    if name in KNOWN or name in cases.names:
        return ""
    return (
        f'no event is known to have an attribute "{name}"; did you mean {write(meant(path))}? '
        f"If your events have it, add one of them to {cases.file}"
    )


# -- plain values -----------------------------------------------------------------------------------


def _look_alikes(condition: Condition) -> Iterator[tuple[int, str]]:
    for number, wanted in enumerate(json.loads(condition.wanted)):
        negated = isinstance(wanted, dict) and wanted.get("anything-but")
        plain = negated if isinstance(negated, list) else [negated] if negated else [wanted]
        for text in plain:
            if isinstance(text, str) and (right := _operator(text)):
                instead = f"{{ anything-but = {right} }}" if negated else right
                yield number, f"{_quoted(text)} matches only this exact text; write {instead}"


_REGULAR = re.compile(r"\^|/\^?.*[*+$^\\|].*/|.*(?:\.[*+]|\[\^?\w-\w|\([^)]*\|)")
"""Texts that look like regular expressions. `SRV01$` and `/a/b/` do not, because they may well be names."""


def _operator(text: str) -> str:
    """The operator for a text that looks like a wildcard or a regular expression; "" for other texts."""
    if not _REGULAR.match(text):
        return _wildcard(text) if "*" in text else ""
    slashes = re.fullmatch("/(.*)/", text)
    inner = slashes[1] if slashes else text
    # A regular expression matches anywhere. Without slashes and anchors, it is meant to match all of a text.
    anywhere = slashes or inner.startswith("^") or inner.endswith("$")
    start = "" if inner.startswith("^") or not anywhere else "*"
    end = "" if inner.endswith("$") or not anywhere else "*"
    body = re.sub(r"\.[*+]", "*", inner.removeprefix("^").removesuffix("$"))
    literal = re.sub(r"\\([.\-/_])", r"\1", body)
    if re.search(r"[\\\[\]()|+?^$]", literal):
        return "{ wildcard = ... }"
    match re.split(r"\*+", f"{start}{literal}{end}"):
        case [whole]:
            return _quoted(whole)
        case [prefix, ""] if prefix:
            return f"{{ prefix = {_quoted(prefix)} }}"
        case ["", suffix] if suffix:
            return f"{{ suffix = {_quoted(suffix)} }}"
    return _wildcard(f"{start}{literal}{end}")


def _wildcard(text: str) -> str:
    # In a wildcard, a backslash must be escaped unless it is itself an escape.
    source = re.sub(r"\\(?![*\\])", r"\\\\", re.sub(r"\*+", "*", text))
    return f"{{ wildcard = {_quoted(source)} }}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
