"""Reads a rules table from TOML and finds every fault in it before it is used."""

import re
import tomllib
from typing import Any, NamedTuple

from handlers.core.ims.limits import LIMITS, Limits
from handlers.core.outcomes import OutcomeOverride
from handlers.core.rules.diagnostics import Diagnostic, Diagnostics, InvalidTable, Place
from handlers.core.rules.lookups import ReadFile, read_lookup
from handlers.core.rules.rule import Rule, RuleReader
from handlers.core.values.expressions import Lookup

CODE = r"[A-Za-z]{2,10}\.[0-9]{1,6}"
"""A code of the tag API, such as IMG.0035, as a regular expression."""


class Table(NamedTuple):
    """outcomes: by upper-case code of the tag API, what follows from it instead of what would."""

    limits: Limits
    rules: tuple[Rule, ...]
    lookups: dict[str, Lookup]
    outcomes: dict[str, OutcomeOverride]


def read(content: bytes, file: str, read_file: ReadFile) -> Table:
    """Reads the content of a table. Raises InvalidTable, which lists every fault.

    file: its name in messages. read_file: reads the files that lookups name.
    """
    text, top = read_toml(content, file)
    faults = Diagnostics(file)
    table = _table(top, read_file, faults)
    if faults.found:
        from handlers.core.rules.lines import with_lines  # noqa: PLC0415 - a table without faults starts without it

        raise InvalidTable(with_lines(faults.found, text))
    return table


def read_toml(content: bytes, file: str) -> tuple[str, dict[str, Any]]:
    """The text of a file and what it holds. Raises InvalidTable."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"it is not UTF-8 text (byte {error.start}); save it as UTF-8"
        line = content[: error.start].count(b"\n") + 1
        raise InvalidTable([Diagnostic(file, "", message, line=line)]) from None
    try:
        return text, tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # besides TOML's own, of integers with too many digits
        from handlers.core.rules.toml_faults import explain  # noqa: PLC0415 - a table without faults starts without it

        raise InvalidTable([explain(error, text, file)]) from None


def _table(top: dict[str, Any], read_file: ReadFile, faults: Diagnostics) -> Table:
    whole = Place()
    faults.names(whole, top, "limits", "defaults", "rule", "lookup", "outcomes")
    limits = LIMITS[faults.choice(whole, top, "limits", *LIMITS)]
    defaults = faults.member(whole, top, "defaults", dict, 'defaults.mode = "audit"') or {}
    faults.names(Place("defaults", ("defaults",)), defaults, "mode")
    mode = faults.choice(Place("defaults", ("defaults",)), defaults, "mode", "enforce", "audit")
    lookups = {}
    for name in (named := faults.member(whole, top, "lookup", dict, "[lookup.teams]") or {}):
        row = faults.member(Place("lookup", ("lookup",)), named, name, dict, f"[lookup.{name}]") or {}
        lookups[name] = read_lookup(Place(f"lookup {name}", ("lookup", name)), row, read_file, faults)
    rows = faults.member(whole, top, "rule", list) or []
    if not rows:
        faults.add(whole, "it has no rule; add a [[rule]] with tags")
    reader = RuleReader(limits, lookups.keys(), mode, faults)
    rules = tuple(filter(None, map(reader.rule, range(1, len(rows) + 1), rows)))
    return Table(limits, rules, lookups, _outcomes(top, faults))


def _outcomes(top: dict[str, Any], faults: Diagnostics) -> dict[str, OutcomeOverride]:
    where = Place("outcomes", ("outcomes",))
    moved = faults.member(Place(), top, "outcomes", dict, 'outcomes."IMG.0035" = "retry"') or {}
    for code in moved:
        if not re.fullmatch(CODE, code):
            message = f'"{code}" is no code of the tag API; quote one, such as "IMG.0035"'
            faults.add(where.at(code), message)
    return {code.upper(): faults.choice(where, moved, code, "retry", "dead-letter") for code in sorted(moved)}
