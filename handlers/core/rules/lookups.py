"""Lookup tables map one text, such as an owner, to another, such as a cost centre."""

import csv
import io
from collections.abc import Callable
from functools import partial
from typing import Any

from handlers.core.rules.diagnostics import Diagnostics, Place
from handlers.core.values.expressions import Lookup

ReadFile = Callable[[str], bytes]
"""Reads a file beside the rules table by its name. Raises OSError."""


def read_lookup(where: Place, row: dict[str, Any], read_file: ReadFile, faults: Diagnostics) -> Lookup:
    """The table of a `[lookup.NAME]`: its entries or those of a CSV file, and perhaps a default."""
    faults.names(where, row, "entries", "file", "key", "value", "default")
    default = faults.member(where, row, "default", str)
    file = faults.member(where, row, "file", str)
    key, value = (faults.member(where, row, name, str) or name for name in ("key", "value"))
    entries: dict[str, str] = {}
    if ("entries" in row) == ("file" in row):
        faults.add(where, "it needs either entries or a file")
    elif file is None:
        entries = faults.member(where, row, "entries", dict, 'entries = { jane = "4711" }') or {}
        for name in (name for name, entry in entries.items() if not isinstance(entry, str)):
            faults.add(where.at("entries", name), f'the entry "{name}" must be text in quotes')
    else:
        where = Place(f"{where.words}: {file}", (*where.path, "file"))
        try:
            content = read_file(file)
        except OSError as error:
            faults.add(where, f"it cannot be read: {error.strerror}")
        except ValueError:  # a NUL, which TOML can write and no file system knows
            faults.add(where, "it cannot be the name of a file")
        else:
            entries = _csv(content, key, value, partial(faults.add, where))
    return lambda text: entries.get(text, default)


def _csv(content: bytes, key: str, value: str, complain: Callable[[str], None]) -> dict[str, str]:
    """The entries of a CSV file with a header line, which map one column to another."""
    entries: dict[str, str] = {}
    try:
        # Spreadsheets begin a file with a byte order mark.
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        columns = rows.fieldnames or []
        for name in (key, value):
            if name not in columns:
                complain(f'it has no column "{name}", only {", ".join(columns) or "none"}')
                return {}
        for row in rows:
            if not row[key] or row[value] is None:
                complain(f"line {rows.line_num} lacks its {value if row[key] else key}")
            elif row[key] in entries:
                complain(f"line {rows.line_num} has the key of an earlier line; keep one of them")
            else:
                entries[row[key]] = row[value]
    except UnicodeDecodeError:
        complain("it is not UTF-8 text; save it as UTF-8")
    except csv.Error as error:
        complain(f"line {rows.line_num} is not CSV: {error}")
    return entries
