"""Lookup tables: entries of their own, entries of a CSV file, and what is wrong with either."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.core.rules.diagnostics import InvalidTable
from handlers.core.rules.table import RuleTable

RULE = "[[rule]]\ntags.cost = \"{{ data.owner | lookup('costs') }}\"\n"
INLINE = "[lookup.costs]\nentries = { jane = '4711', '' = 'nobody' }\n"
FILE = "[lookup.costs]\nfile = 'costs.csv'\n"
CSV = b"key,value\njane,4711\n"


def cost(owner: str, table: str, content: bytes = b"") -> str | None:
    rules = RuleTable.load(RULE.encode() + table.encode(), read_file={"costs.csv": content}.__getitem__)
    return dict(rules.tags_for({"data": {"owner": owner}}).to_write).get("cost")


FOUND = {
    "inline": ("jane", INLINE, b"", "4711"),
    "inline, no entry": ("max", INLINE, b"", None),
    "inline, the empty text": ("", INLINE, b"", "nobody"),
    "case counts": ("Jane", INLINE, b"", None),
    "default": ("max", INLINE + "default = 'none'\n", b"", "none"),
    "file": ("jane", FILE, CSV, "4711"),
    "file, no entry": ("max", FILE, CSV, None),
    "file, default": ("max", FILE + "default = 'none'\n", CSV, "none"),
    "columns by name": ("jane", FILE + "key = 'owner'\nvalue = 'cc'\n", b"x,cc,owner\n1,4711,jane\n", "4711"),
    "byte order mark": ("jane", FILE, b"\xef\xbb\xbf" + CSV, "4711"),
    "CRLF": ("jane", FILE, CSV.replace(b"\n", b"\r\n"), "4711"),
    "quoted": ("doe, jane", FILE, b'key,value\n"doe, jane","47 ""11"""\n', "47__11_"),
    "not ASCII": ("jürgen", FILE, "key,value\njürgen,4711\n".encode(), "4711"),
    "empty value": ("jane", FILE, b"key,value\njane,\n", ""),
    "only a header": ("jane", FILE, b"key,value\n", None),
}


@pytest.mark.parametrize(("owner", "table", "content", "expected"), FOUND.values(), ids=FOUND)
def test_lookup(owner: str, table: str, content: bytes, expected: str | None) -> None:
    """An entry is what its table or file says, else the default, else missing."""
    assert cost(owner, table, content) == expected


FAULTY = {
    "neither": ("[lookup.costs]\n", b"", "lookup costs: it needs either entries or a file"),
    "both": (INLINE + "file = 'costs.csv'\n", CSV, "lookup costs: it needs either entries or a file"),
    "entry no text": (
        "[lookup.costs.entries]\na = 1\n",
        b"",
        'lookup costs: the entry "a" must be text in quotes',
    ),
    "no table": ("[lookup]\ncosts = 1\n", b"", 'lookup: "costs" must be a table'),
    "unknown name": (
        INLINE + "defualt = 'x'\n",
        b"",
        'lookup costs: "defualt" is not known here; did you mean "default"?',
    ),
    "empty file": (FILE, b"", 'lookup costs: costs.csv: it has no column "key", only none'),
    "no column": (
        FILE + "key = 'owner'\n",
        CSV,
        'lookup costs: costs.csv: it has no column "owner", only key, value',
    ),
    "short line": (FILE, b"key,value\njane\n", "lookup costs: costs.csv: line 2 lacks its value"),
    "no key": (FILE, b"key,value\n,1\n", "lookup costs: costs.csv: line 2 lacks its key"),
    "twice": (
        FILE,
        CSV + b"jane,1\n",
        "lookup costs: costs.csv: line 3 has the key of an earlier line; keep one of them",
    ),
    "not UTF-8": (
        FILE,
        b"key,value\nj\xe4ne,1\n",
        "lookup costs: costs.csv: it is not UTF-8 text; save it as UTF-8",
    ),
    "not CSV": (FILE, b'key,value\n"jane,1\n', "lookup costs: costs.csv: line "),
}


@pytest.mark.parametrize(("table", "content", "fault"), FAULTY.values(), ids=FAULTY)
def test_fault(table: str, content: bytes, fault: str) -> None:
    """A fault names the lookup, its file and the line, and says what to do."""
    with pytest.raises(InvalidTable) as caught:
        cost("jane", table, content)
    found = [f"{each.where}: {each.message}" for each in caught.value.faults if each.file == "rules.toml"]
    assert any(each.startswith(fault) for each in found), found


def test_no_file() -> None:
    """A file that cannot be read is a fault of the table."""

    def read_file(name: str) -> bytes:
        raise FileNotFoundError(2, "No such file or directory", name)

    with pytest.raises(InvalidTable, match=r"lookup costs: costs\.csv: it cannot be read: No such file"):
        RuleTable.load((RULE + FILE).encode(), read_file=read_file)


@given(st.binary())
def test_any_bytes(content: bytes) -> None:
    """Any content of a file is a lookup table or a fault, and nothing else escapes."""
    with suppress(InvalidTable):
        cost("jane", FILE, content)
