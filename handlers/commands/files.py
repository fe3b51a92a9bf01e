"""What the command line names: rules tables and events in files."""

import re
import sys
from pathlib import Path

from handlers.core.errors import InvalidEvent
from handlers.core.received import Received, Unparsable
from handlers.core.rules import RuleTable
from handlers.edges import cloudevents
from handlers.edges.cloudevents import HttpMessage, RequestRefused

STDIN = "-"


class UsageError(Exception):
    """What a command was given cannot be used at all; each argument is a sentence that says why."""


def read(path: Path) -> bytes:
    """The content of a file. Raises UsageError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:  # a NUL, which TOML can write and no file system knows
        raise UsageError(f"{path} cannot be the name of a file") from None


def note_stdin(what: str) -> None:
    """If standard input is a terminal, says on standard error what is expected there, and how to end it."""
    if sys.stdin.isatty():
        sys.stderr.write(f"Reading {what} from standard input; end it with Ctrl-D, or stop with Ctrl-C.\n")


def relative_to_cwd(path: Path) -> str:
    """The path as one would type it in the current directory."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


NO_KEY = b"a key of the commands, where PSEUDONYM_KEY is not at hand"


def table_in(path: Path) -> RuleTable:
    """The rules table in a file. Raises UsageError, or InvalidTable with every fault.

    Pseudonyms are not those that the function makes: its key is a secret that no command needs.
    """
    return RuleTable.load(read(path), path.name, lambda name: (path.parent / name).read_bytes(), NO_KEY)


def events_in(name: str) -> list[Received | Unparsable]:
    """The events in a file or, for "-", on standard input. `.http` holds headers and a body, all else is
    JSON.

    As in a delivery, a piece that is no event is an Unparsable in its place. Raises UsageError.
    """
    if name != STDIN:
        content = read(Path(name))
    elif sys.stdin is not None:
        note_stdin("an event")
        content = sys.stdin.buffer.read()
    else:
        raise UsageError("standard input is closed; name a file with an event")
    try:
        message = message_in(content) if name.endswith(".http") else HttpMessage({}, content)
        found = cloudevents.events_in(message, sys.maxsize)
    except InvalidEvent as error:
        found = [Unparsable(content, "", error)]
    except RequestRefused as refused:
        raise UsageError(f"{name}: {refused}") from None
    return found or [Unparsable(content, "", InvalidEvent("the array is empty"))]


def message_in(content: bytes) -> HttpMessage:
    """A message from its text: headers, an empty line, a body. Raises InvalidEvent."""
    head, *rest = re.split(rb"\r?\n\r?\n", content, maxsplit=1)
    # Servers hand headers on as Latin-1, whatever they are.
    pairs = [line.partition(":") for line in head.decode("latin-1").splitlines()]
    if not all(colon for _, colon, _ in pairs):
        raise InvalidEvent("what stands above the empty line is not all headers, `name: value`")
    return HttpMessage({name.strip().lower(): value.strip() for name, _, value in pairs}, b"".join(rest))
