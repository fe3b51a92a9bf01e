"""The dead letters of a file or of standard input, one JSON object a line."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from handlers.commands.files import STDIN, UsageError
from handlers.commands.json_lines import LINE_MAX, Text, objects_in
from handlers.commands.letter import Letter, letter_of
from handlers.core.budget import MAX_DEPTH
from handlers.core.json_text import load


class Found(NamedTuple):
    """line: where the letter begins, from 1. key: of this letter at this place, the same in every run."""

    line: int
    key: str
    letter: Letter


class Skipped(NamedTuple):
    """A line that is no dead letter. torn: it only breaks off, as the last line of a killed writer does."""

    line: int
    why: str
    torn: bool = False


def letters_in(name: str) -> Iterator[Found | Skipped]:
    """The dead letters of a file up to its present size or, for "-", of standard input. Raises UsageError."""
    if name == STDIN and sys.stdin is None:
        raise UsageError("standard input is closed; name a file of dead letters")
    try:
        with nullcontext(sys.stdin.buffer) if name == STDIN else Path(name).open("rb") as stream:
            yield from map(_read, objects_in(stream))
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from None


def _read(text: Text) -> Found | Skipped:
    if len(text.content) > LINE_MAX:
        return Skipped(text.line, f"it is longer than {LINE_MAX} bytes")
    try:
        content = load(text.content.decode(), MAX_DEPTH + 1)
    except ValueError:
        if not text.content.endswith(b"\n"):
            return Skipped(text.line, "it breaks off: it is being written, or its writer died", torn=True)
        return Skipped(text.line, "it is not JSON in UTF-8, or nests too deep")
    letter = letter_of(content) if isinstance(content, dict) else None
    if letter is None:
        return Skipped(text.line, "it is JSON, and no known form of a dead letter")
    # Without its end, for the last line may get one later.
    return Found(text.line, f"{text.offset}-{sha256(text.content.rstrip()).hexdigest()[:16]}", letter)
