"""What a command found, and how it is shown: as lines for people or as one JSON document."""

import io
import json
import os
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TextIO

WIDTH = 80
LONGEST_VALUE = 300
LONGEST_LINE = 2000
"""Characters; what is longer is cut for people, never in JSON."""


class Report(NamedTuple):
    """facts: a JSON value. lines: the same for people, None where that is JSON too. code: to exit with."""

    facts: Any
    lines: Iterable[str] | None
    code: int


def emit(report: Report, stream: TextIO, *, as_json: bool) -> int:
    """Prints a report and gives its exit code."""
    as_json = as_json or report.lines is None
    text = [json.dumps(report.facts, indent=2)] if as_json else _in_columns(report.lines or ())
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # a terminal may know less than Unicode
    try:
        for line in text:
            print(line, file=stream)
        print(end="", file=stream, flush=True)
    except BrokenPipeError:
        # Whoever reads has seen enough. Python flushes once more at its end, and must not fail then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return report.code


def quoted(value: Any) -> str:
    """A JSON value as JSON, cut where it is long."""
    return cut(json.dumps(value, ensure_ascii=False))


def cut(text: str, longest: int = LONGEST_VALUE) -> str:
    """A text, or its beginning and its length."""
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


def counted(number: int, noun: str) -> str:
    """`1 fault`, `2 faults`, `no faults`."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _in_columns(lines: Iterable[str]) -> Iterator[str]:
    """Lines of at most WIDTH characters that nothing in a value can end, forge or colour."""
    for line in lines:
        text = "".join(
            each if each.isprintable() else json.dumps(each)[1:-1] for each in cut(line, LONGEST_LINE)
        )
        indent = " " * (len(text) - len(text.lstrip(" ")) + 4)
        yield from textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]
