"""Stores dead letters in a file of JSON lines or at an address that takes CloudEvents, or raises an error."""

import fcntl
import os
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

    A process that dies while it writes leaves a truncated last line. The next write starts a new line.
    """

    def store(letters: Sequence[bytes], deadline: float) -> None:
        try:
            is_new = not path.exists()
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                _lock(file, deadline)
                size = os.fstat(file).st_size
                torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
                _write(file, b"\n" * torn + b"".join(letters))
                os.fsync(file)
            finally:
                os.close(file)
            if is_new:
                sync_folder(path.parent)
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
