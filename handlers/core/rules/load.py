"""Reads a rules table from TOML and finds every fault in it before it is used."""

import re
import tomllib
from typing import Any, NamedTuple

from handlers.core.ims.limits import LIMITS, Limits
from handlers.core.outcomes import OutcomeOverride
from handlers.core.rules.diagnostics import Diagnostics, InvalidTable
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
    faults = Diagnostics(file)
    table = _table(_toml(content, faults), read_file, faults)
    if faults.found:
        raise InvalidTable(faults.found)
    return table


def _toml(content: bytes, faults: Diagnostics) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        faults.add("", f"it is not UTF-8 text (byte {error.start}); save it as UTF-8")
    except (ValueError, RecursionError) as error:  # besides TOML's own, of integers with too many digits
        faults.add("", f"it is not TOML: {error}")
    raise InvalidTable(faults.found)


def _table(top: dict[str, Any], read_file: ReadFile, faults: Diagnostics) -> Table:
    faults.names("", top, "limits", "defaults", "rule", "lookup", "outcomes")
    limits = LIMITS[faults.choice("", top, "limits", *LIMITS)]
    defaults = faults.member("", top, "defaults", dict) or {}
    faults.names("defaults", defaults, "mode")
    mode = faults.choice("defaults", defaults, "mode", "enforce", "audit")
    lookups = {}
    for name in (named := faults.member("", top, "lookup", dict) or {}):
        row = faults.member("lookup", named, name, dict) or {}
        lookups[name] = read_lookup(f"lookup {name}", row, read_file, faults)
    rows = faults.member("", top, "rule", list) or []
    if not rows:
        faults.add("", "it has no rule; add a [[rule]] with tags")
    reader = RuleReader(limits, lookups.keys(), mode, faults)
    rules = tuple(filter(None, map(reader.rule, range(1, len(rows) + 1), rows)))
    return Table(limits, rules, lookups, _outcomes(top, faults))


def _outcomes(top: dict[str, Any], faults: Diagnostics) -> dict[str, OutcomeOverride]:
    moved = faults.member("", top, "outcomes", dict) or {}
    for code in moved:
        if not re.fullmatch(CODE, code):
            faults.add("outcomes", f'"{code}" is no code of the tag API; quote one, such as "IMG.0035"')
    return {
        code.upper(): faults.choice("outcomes", moved, code, "retry", "dead-letter") for code in sorted(moved)
    }
