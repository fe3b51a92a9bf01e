"""Stores dead letters in a file of JSON lines or at an address that takes CloudEvents, or raises an error."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path

from requests import Request

from handlers.core.dead_letters import Sink
from handlers.core.dead_letters.message import STRUCTURED
from handlers.core.errors import DeadLetterFailed, TagApiUnavailable
from handlers.edges.http.client import HttpClient
from handlers.edges.regular_file import sync_folder
from handlers.edges.settings import public
from handlers.side_by_side import side_by_side

STORED = range(200, 300)

LOCK_PAUSE = 0.01
"""Seconds between two attempts to get a lock that another process holds."""


def sink_of(place: Path | str) -> Sink:
    """The sink that is a file, or a service at an address."""
    return file_sink(place) if isinstance(place, Path) else http_sink(place)


def file_sink(path: Path) -> Sink:
    """Appends lines to a file and syncs it to disk. Several processes may share the file.

    A process that dies while it writes leaves a truncated last line. The next write starts a new line. A
    program that moves the file away takes its lock first.
    """

    def store(letters: Sequence[bytes], deadline: float) -> None:
        content = b"".join(letters)
        try:
            while not _append(path, content, deadline):
                pass  # The file was moved away before it was locked, so this makes a new one.
        except TimeoutError:
            raise DeadLetterFailed("another process holds the lock of the dead-letter file") from None
        except OSError as error:
            raise DeadLetterFailed(f"the dead letter could not be written: {error.strerror}") from error

    return store


def http_sink(address: str) -> Sink:
    """Posts in structured mode. 2xx means stored. It follows no redirect and reads no proxy variable."""
    headers = {"Content-Type": STRUCTURED}

    def store(letters: Sequence[bytes], deadline: float) -> None:
        side_by_side(lambda letter: post(letter, deadline), letters)

    def post(letter: bytes, deadline: float) -> None:
        # A client for each dead letter, because a reused connection could send one twice.
        client = HttpClient("the sink", "DEAD_LETTER_SINK", proxy=None, ca_bundle=None)
        try:
            status = client.status(Request("POST", address, headers=headers, data=letter).prepare(), deadline)
        except (TagApiUnavailable, ValueError):
            raise DeadLetterFailed(f"the sink {public(address)} was not reached") from None
        if status not in STORED:
            raise DeadLetterFailed(f"the sink {public(address)} answered {status}")

    return store


def _append(path: Path, content: bytes, deadline: float) -> bool:
    """Appends all of it, or nothing. False: the file is no longer at the path. Raises OSError."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):  # a pipe without a reader would block for ever
            raise OSError(errno.EINVAL, "it is no regular file")
        _lock(file, deadline)
        if not _is_at(path, file):
            return False
        size = os.fstat(file).st_size
        if not size:
            sync_folder(path.parent)  # before there is content, so that its name is as durable
        elif os.pread(file, 1, size - 1) != b"\n":
            content = b"\n" + content
        try:
            _write(file, content)
            os.fsync(file)
        except OSError:
            os.ftruncate(file, size)
            raise
    finally:
        os.close(file)
    return True


def _lock(file: int, deadline: float) -> None:
    """Raises TimeoutError if another process holds the lock until the deadline."""
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError from None
            time.sleep(LOCK_PAUSE)
        else:
            return


def _write(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False
