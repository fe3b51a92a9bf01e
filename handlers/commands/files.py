"""What the command line names: rules tables and events in files."""

import errno
import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from handlers.core.dead_letters.message import Message, wire_value
from handlers.core.errors import InvalidEvent
from handlers.core.json_text import NotJson, parse
from handlers.core.received import Received, Unparsable
from handlers.core.rules import RuleTable
from handlers.edges import cloudevents, regular_file
from handlers.edges.cloudevents import HttpMessage, RequestRefused
from handlers.edges.regular_file import read_regular

STDIN = "-"


class UsageError(Exception):
    """What a command was given cannot be used at all; each argument is a sentence that says why."""


class ServiceAway(UsageError):
    """What a command was given may be right, but a service that it needs fails or is not reached."""


def read(path: Path) -> bytes:
    """The content of a file. Raises UsageError."""
    try:
        return read_regular(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:  # a NUL, which TOML can write and no file system knows
        raise UsageError(f"{path} cannot be the name of a file") from None


def note_stdin(what: str) -> None:
    """If standard input is a terminal, says on standard error what is expected there, and how to end it."""
    if sys.stdin.isatty():
        sys.stderr.write(f"Reading {what} from standard input; end it with Ctrl-D, or stop with Ctrl-C.\n")


def open_regular(path: str | Path, *, follow: bool = True) -> BinaryIO:
    """A file proper, not a pipe, a device or a folder, for which nobody knows how long to wait.

    follow: whether the path may be a symbolic link. Raises UsageError.
    """
    try:
        return regular_file.open_regular(path, follow=follow)
    except OSError as error:
        linked = error.errno == errno.ELOOP and not follow
        why = "it is a symbolic link" if linked else error.strerror
        instead = "; pipe what it holds to `-` instead" if error.errno == errno.EINVAL else ""
        raise UsageError(f"{path} cannot be read: {why}{instead}") from None
    except ValueError:  # a NUL, which no file system knows
        raise UsageError(f"{path!a} cannot be the name of a file") from None


def relative_to_cwd(path: Path) -> str:
    """The path as one would type it in the current directory."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


NO_KEY = b"a key of the commands, where PSEUDONYM_KEY is not at hand"


def table_in(path: Path, pseudonym_key: bytes = NO_KEY) -> RuleTable:
    """The rules table in a file. Raises UsageError, or InvalidTable with every fault.

    pseudonym_key: the function's is a secret that most commands do not need; then pseudonyms are others.
    """
    return RuleTable.load(read(path), path.name, lambda name: read_regular(path.parent / name), pseudonym_key)


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
        found = cloudevents.events_in(message, bounded=False)
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


def events_in_message(message: Message) -> list[Received | Unparsable]:
    """The events in a message, as the function reads them; none in a format that it does not speak."""
    headers = {name.lower(): value for name, value in message.headers.items()}
    try:
        return cloudevents.events_in(HttpMessage(headers, message.body))
    except RequestRefused:
        return []


def message_to_send(name: str) -> Message:
    """The message in a file: `.http` is binary mode, all else JSON, as it is. Raises UsageError."""
    content = read(Path(name))
    if name.endswith(".http"):
        try:
            headers, body = message_in(content)
        except InvalidEvent as error:
            raise UsageError(f"{name} holds no event: {error}") from None
        known = [each for each in headers if each.startswith("ce-") or each == "content-type"]
        return Message({each: wire_value(headers[each].encode("latin-1")) for each in known}, body)
    try:
        value = parse(content.decode("utf-8-sig"))
    except (NotJson, UnicodeDecodeError):
        raise UsageError(f"{name} is not JSON; an event in binary mode needs the ending .http") from None
    first = value[0] if isinstance(value, list) and value else value
    content_type = "application/json"
    if isinstance(first, dict) and "specversion" in first:
        content_type = f"application/cloudevents{'-batch' if isinstance(value, list) else ''}+json"
    return Message({"Content-Type": content_type}, content)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around what writes a file. Raises UsageError."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {os.strerror(error.errno or 0)}; make room, or name another file"
        ) from None
    except ValueError:  # the root, and the current directory
        raise UsageError(f"{path} cannot be the name of a file") from None


@contextmanager
def temporary_files() -> Iterator[None]:
    """Around the use of temporary files and databases. Raises UsageError where there is no room for them."""
    try:
        yield
    except (OSError, sqlite3.OperationalError):
        raise UsageError("there is no room for temporary files; make some, or set TMPDIR") from None
