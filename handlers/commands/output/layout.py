"""The blocks of a report as `rich` prints them: in colour on a terminal, in 80 columns elsewhere."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TextIO

from rich import table
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text
from rich.theme import Theme

from handlers.commands.output.report import MAX_TEXT_LENGTH, WIDTH, Block, Styled, Table, Words, cut
from handlers.core.json_text import plain

ROWS = 1000
"""Rows of a table that are aligned with each other; a longer one begins again, with its header."""

STYLES = {
    "fault": "bold red",
    "warning": "yellow",
    "ok": "green",
    "heading": "bold",
    "place": "bold",
    "name": "cyan",
    "note": "dim",
}


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leaves the error to `emit`, which knows the exit code."""
        raise  # noqa: PLE0704 - rich calls this while it handles the BrokenPipeError


def printed(body: Iterable[Block], stream: TextIO) -> Iterator[str]:
    """The text of each block, ready to be written to the stream."""
    console = console_on(stream)
    for block in chain.from_iterable(map(_pieces, body)):
        with console.capture() as capture:
            console.print(renderable(block))
        # Cells are filled with spaces up to the width of their column.
        yield "\n".join(line.rstrip(" ") for line in capture.get().split("\n"))


def _pieces(block: Block) -> Iterator[Block]:
    """A table in pieces, so that the first rows of a long one are there at once, and in bounded memory."""
    if not isinstance(block, Table):
        yield block
        return
    rows = iter(block.rows)
    while piece := list(islice(rows, ROWS)):
        yield block._replace(rows=piece)


def console_on(stream: TextIO) -> Console:
    """A console that treats no text as markup, and that respects NO_COLOR and FORCE_COLOR."""
    return _Console(
        file=stream,
        width=None if stream.isatty() else WIDTH,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        theme=Theme(STYLES),
        markup=False,
        highlight=False,
        emoji=False,
    )


def renderable(block: Block) -> RenderableType:
    """A block as something that `rich` prints."""
    match block:
        case Table(rows, header, indent):
            return Padding(_grid(rows, header), (0, 0, 0, indent))
        case str() | Styled() | tuple() | list():
            text = text_of(block)
            indent = len(text.plain) - len(text.plain.lstrip(" "))
            return Padding(text[indent:], (0, 0, 0, indent)) if indent else text
        case _:
            other: RenderableType = block
            return other


def _grid(rows: Iterable[Sequence[Words]], header: Sequence[str]) -> table.Table:
    grid = table.Table(
        box=None, show_header=bool(header), header_style="note", padding=(0, 2, 0, 0), pad_edge=False
    )
    for name in header:
        grid.add_column(plain(name), overflow="fold")
    for row in rows:
        grid.add_row(*map(text_of, row))
    for column in grid.columns:
        column.overflow = "fold"
    return grid


def text_of(words: Words) -> Text:
    """Words as text without markup and control characters, cut if it is long."""
    parts = [words] if isinstance(words, str | Styled) else words
    text = Text(overflow="fold")
    for part in parts:
        style = part.style if isinstance(part, Styled) else ""
        text.append(plain(cut(part.text if isinstance(part, Styled) else part, MAX_TEXT_LENGTH)), style)
    return text


def bar_on(stream: TextIO) -> Progress:
    """A bar for one task, which disappears when the task is done."""
    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        TimeRemainingColumn(),
        console=console_on(stream),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
