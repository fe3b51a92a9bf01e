"""What a command found, printed as JSON or for people.

The body of a report consists of blocks, which are plain data. Only `layout` imports `rich`, and only to print
them, so a command with `--json` does not pay for it.
"""

import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, TextIO

FAULTS, USAGE = 1, 2
"""Exit codes: something was found or is not done; the command was used wrongly."""

WIDTH = 80
"""Columns, if the output is not a terminal."""

MAX_VALUE_LENGTH = 300
MAX_TEXT_LENGTH = 2000
"""Characters of one value and of one text. Longer ones are cut for people, never in JSON."""

BINARY_MIN = 8
"""Control characters. A text with fewer is shown with them escaped."""


class Report(NamedTuple):
    """What a command returns.

    data: the JSON value, or a `json_document`. body: the same for people, as blocks; None if people read JSON
    too. code: the exit code; a callable if it is known only when everything is printed.
    """

    data: Any
    body: "Iterable[Block] | None"
    code: int | Callable[[], int]


class Styled(NamedTuple):
    """A text that stands out on a terminal. style: one of `layout.STYLES`."""

    text: str
    style: str


Words = str | Styled | Sequence[str | Styled]
"""One text, or several with no space between them. Every text is shown as `plain` text."""


class Table(NamedTuple):
    """Rows in columns, each as wide as its content; what does not fit is wrapped within its column.

    header: a name for each column, or () for none. indent: columns left free.
    """

    rows: Iterable[Sequence[Words]]
    header: Sequence[str] = ()
    indent: int = 0


Block = Any
"""A paragraph (Words), a Table, or anything else that `rich` can print.

A paragraph that begins with spaces is indented as a whole.
"""


def emit(report: Report, stream: TextIO | None, *, as_json: bool) -> int:
    """Prints a report and returns its exit code, even if the reader leaves early, as `head` does.

    stream: None if it is closed, as Python has it then.
    """
    stream = stream or io.StringIO()
    try:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may know less than Unicode
        stream.writelines(_texts(report, stream, as_json=as_json))
        stream.flush()
    except BrokenPipeError:
        # Python flushes once more at its end, and must not fail then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return report.code() if callable(report.code) else report.code


def _texts(report: Report, stream: TextIO, *, as_json: bool) -> Iterator[str]:
    if as_json or report.body is None:
        if isinstance(report.data, Iterator):
            return (f"{line}\n" for line in report.data)
        # A program that reads a long document would wait for the indentation longer than for the rest.
        is_for_people = report.body is None or stream.isatty()
        return iter((f"{_json(report.data) if is_for_people else json.dumps(report.data)}\n",))
    from handlers.commands.output.layout import printed  # noqa: PLC0415 - rich takes longer than most commands

    return printed(report.body, stream)


# -- JSON -------------------------------------------------------------------------------------------


def json_document(name: str, rows: Iterable[Any], rest: Callable[[], dict[str, Any]]) -> Iterator[str]:
    """The lines of a JSON object whose first member is a list, of which each row is printed when it is made.

    rest: returns the other members; called when all rows are printed.
    """
    yield "{"
    yield f"  {json.dumps(name)}: ["
    last = ""
    for row in rows:
        if last:
            yield f"{last},"
        last = "    " + _json(row).replace("\n", "\n    ")
    yield from filter(None, (last, "  ],"))
    yield _json(rest()).removeprefix("{\n")


def _json(value: Any) -> str:
    """JSON in printable ASCII."""
    return json.dumps(value, indent=2)


# -- blocks -----------------------------------------------------------------------------------------


def heading(text: str) -> Styled:
    """A title for the blocks that follow."""
    return Styled(text, "heading")


def fields(pairs: Iterable[tuple[str, Words]], indent: int = 0) -> Table:
    """A line for each name and its value."""
    return Table(((Styled(name, "name"), value) for name, value in pairs), indent=indent)


def findings(kind: str, found: Iterable[tuple[str, str]]) -> Table:
    """Place and message of each thing found. kind: "fault", "warning" or "ok"."""
    rows = (((Styled(kind, kind), Styled(place, "place")), ("", message)) for place, message in found)
    return Table(chain.from_iterable(rows))


# -- texts ------------------------------------------------------------------------------------------


def quoted(value: Any) -> str:
    """A JSON value as one line of JSON, cut if it is long; binary data as its size."""
    if isinstance(value, str) and _is_binary(value):
        return str(without_binary(value))
    return cut(json.dumps(value, ensure_ascii=False))


def without_binary(value: Any) -> Any:
    """A JSON value in which the size stands in place of each text that is binary data."""
    match value:
        case dict():
            return {name: without_binary(member) for name, member in value.items()}
        case list():
            return [*map(without_binary, value)]
        case str() if _is_binary(value):
            return f"{len(value.encode(errors='surrogatepass'))} bytes of binary data"
        case _:
            return value


def _is_binary(text: str) -> bool:
    """Whether a few characters, and one in eight, cannot be printed; white space does not count."""
    if text.isprintable():
        return False
    controls = sum(not each.isprintable() and not each.isspace() for each in text)
    return controls > max(BINARY_MIN, len(text) / 8)


def cut(text: str, longest: int = MAX_VALUE_LENGTH) -> str:
    """A text, or the start of a long one and its length."""
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


def counts(numbers: Mapping[str, int]) -> str:
    """`2 tagged, 1 ignored`."""
    return ", ".join(f"{number:,} {name}" for name, number in numbers.items())


def counted(number: int, noun: str) -> str:
    """`1 fault`, `2 faults`, `no faults`."""
    return f"{f'{number:,}' if number else 'no'} {noun}{'' if number == 1 else 's'}"
