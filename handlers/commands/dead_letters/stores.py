"""Where dead letters are kept: a file, standard input, or the stream IMAGES_DEAD on NATS."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

from handlers.commands.dead_letters.checkpoint import Checkpoint
from handlers.commands.dead_letters.json_lines import LINE_MAX, Text, objects_in
from handlers.commands.files import STDIN, UsageError, note_stdin, open_regular
from handlers.commands.targets import is_nats, open_bus
from handlers.core.dead_letters.forms import parse_dead_letter
from handlers.core.dead_letters.model import DeadLetter
from handlers.core.json_text import NotJson


class Entry(NamedTuple):
    """A dead letter at its place.

    position: its line in a file, or its sequence in the stream. key: of this dead letter at this place, the
    same in every run.
    """

    position: int
    key: str
    dead_letter: DeadLetter


class Unreadable(NamedTuple):
    """What stands at a position and is no dead letter.

    truncated: it only breaks off, as the last line of a killed writer does, and is no fault.
    """

    position: int
    why: str
    truncated: bool = False


class Store(Protocol):
    """position: what a position is called."""

    position: str

    def entries(self) -> Iterator[Entry | Unreadable]:
        """What is there when it begins, in order; what comes meanwhile is left. Raises UsageError."""
        ...

    def is_done(self, entry: Entry) -> bool:
        """Whether an earlier run has redriven it."""
        ...

    def begin(self) -> None:
        """Sees that what is done can be kept. Raises UsageError, before any event is sent."""
        ...

    def mark_done(self, entry: Entry, outcome: str) -> None:
        """Keeps it that this one has been redriven, before the next one is. Raises UsageError."""
        ...

    def close(self) -> None:
        """Ends the connection, if there is one."""
        ...


class FileStore:
    """JSON objects in a file, or on standard input, one a line or as they are printed for people."""

    position = "line"

    def __init__(self, name: str) -> None:
        """name: "-" for standard input, which cannot be read a second time. Raises UsageError."""
        self._name = name
        if name != STDIN:
            self._stream = open_regular(name)
        elif sys.stdin is not None:
            note_stdin("dead letters")
            self._stream = sys.stdin.buffer
        else:
            raise UsageError("standard input is closed; name a file of dead letters")

    def entries(self) -> Iterator[Entry | Unreadable]:
        return map(_entry, objects_in(self._stream))

    def is_done(self, entry: Entry) -> bool:
        return self._checkpoint is not None and entry.key in self._checkpoint

    def begin(self) -> None:
        if self._checkpoint:
            self._checkpoint.begin()
        else:
            sys.stderr.write("standard input cannot be resumed: do not interrupt this run\n")

    def mark_done(self, entry: Entry, outcome: str) -> None:
        if self._checkpoint:
            self._checkpoint.add(entry.key, outcome)

    def close(self) -> None:
        if self._name != STDIN:
            self._stream.close()

    @cached_property
    def _checkpoint(self) -> Checkpoint | None:
        """Raises UsageError."""
        return None if self._name == STDIN else Checkpoint(Path(f"{self._name}.redriven"))


def open_store(
    place: str, environ: Mapping[str, str], sequences: Sequence[int], subject: str | None
) -> Store:
    """The store at a place.

    sequences: only these, where there are any. subject: only what was published to a subject of this pattern.
    Raises UsageError, also for what this place does not have.
    """
    if is_nats(place):
        bus = open_bus(place, environ)
        from handlers.commands.dead_letters.nats_store import NatsStore  # noqa: PLC0415 - may not be installed

        return NatsStore(bus, sequences, subject)
    if sequences:
        raise UsageError("only dead letters on NATS have a sequence; choose those of a file with --id")
    if subject:
        raise UsageError("only dead letters on NATS have a subject; choose those of a file without --subject")
    return FileStore(place)


def _entry(text: Text) -> Entry | Unreadable:
    if len(text.content) > LINE_MAX:
        return Unreadable(text.line, f"it is longer than {LINE_MAX} bytes")
    try:
        dead_letter = parse_dead_letter(text.content.decode("utf-8-sig"))
    except (NotJson, UnicodeDecodeError):
        if not text.content.endswith(b"\n"):
            why = "it breaks off: it is being written, or its writer died"
            return Unreadable(text.line, why, truncated=True)
        return Unreadable(text.line, "it is no JSON object in UTF-8, or nests too deep")
    if dead_letter is None:
        return Unreadable(text.line, "it is JSON, and no known form of a dead letter")
    # Without its end, for the last line may get one later.
    key = f"{text.offset}-{sha256(text.content.rstrip()).hexdigest()[:16]}"
    return Entry(text.line, key, dead_letter)
