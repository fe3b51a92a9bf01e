"""What the command line names: rules tables and events in files."""

import re
import sys
from pathlib import Path

from handlers.core.errors import InvalidEvent
from handlers.core.rules.table import RuleTable
from handlers.edges.cloudevents import parse
from handlers.edges.cloudevents.parse import Json

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


def relative_to_cwd(path: Path) -> str:
    """The path as one would type it in the current directory."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


NO_KEY = b"a key of the commands, where PSEUDONYM_KEY is not at hand"


def table_in(path: Path) -> RuleTable:
    """The rules table in a file. Raises UsageError, or InvalidTable with every fault.

    Pseudonyms are not those that the function makes: its key is a secret that no command needs.
    """
    return RuleTable.load(read(path), path.name, lambda name: (path.parent / name).read_bytes(), NO_KEY)


def events_in(name: str) -> list[Json | InvalidEvent]:
    """The events in a file or, for "-", on standard input. `.http` is binary mode, all else JSON.

    As in a delivery, one element of several that is no event is an InvalidEvent in its place.
    Raises UsageError, and InvalidEvent where there is no event at all.
    """
    if name != STDIN:
        content = read(Path(name))
    elif sys.stdin is not None:
        content = sys.stdin.buffer.read()
    else:
        raise UsageError("standard input is closed; name a file with an event")
    if name.endswith(".http"):
        return [_binary(content)]
    found = parse.load_json(content)
    within = parse.from_content(found)
    if not within:
        raise InvalidEvent("the array is empty")
    if len(within) == 1 and isinstance(within[0], InvalidEvent) and not isinstance(found, list):
        raise within[0]
    return within


def _binary(content: bytes) -> Json:
    """Headers, an empty line, a body. Raises InvalidEvent."""
    head, *rest = re.split(rb"\r?\n\r?\n", content, maxsplit=1)
    # WSGI hands headers on as Latin-1, whatever they are.
    pairs = [line.partition(":") for line in head.decode("latin-1").splitlines()]
    if not all(colon for _, colon, _ in pairs):
        raise InvalidEvent("what stands above the empty line is not all headers, `name: value`")
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    attributes = {name: value for name, value in headers.items() if name.startswith("ce-")}
    return parse.from_headers(attributes, headers.get("content-type"), b"".join(rest))
