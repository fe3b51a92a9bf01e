"""Where dead letters go: a file of JSON lines, or an address that takes CloudEvents. Kept, or an error."""

import fcntl
import json
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

from requests import Request

from handlers.core.dead_letters.attributes import Sink
from handlers.core.errors import DeadLetterFailed, TagApiUnavailable
from handlers.core.json_access import Json
from handlers.edges.http.client import HttpClient

KEPT = range(200, 300)
MINIMAL_TIMEOUT = 1.0
"""Seconds. A dead letter is worth a second even where its event has used up all its time."""


def sink_of(address: str) -> Sink:
    """The sink at `file:///...` or `http(s)://...`."""
    parts = urlsplit(address)
    return file_sink(Path(parts.path)) if parts.scheme == "file" else http_sink(address)


def public(address: str) -> str:
    """A sink as logs name it, by scheme and host: the rest of an address may hold secrets."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname}"


def file_sink(path: Path) -> Sink:
    """Appends to a file, one JSON line each, synced to disk before it returns. Processes may share it.

    A process that dies while it writes leaves a torn last line; whoever writes next begins a new one.
    """

    def keep(letter: Json, _deadline: float) -> None:
        line = json.dumps(letter).encode() + b"\n"
        try:
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                size = os.fstat(file).st_size
                torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
                _write(file, b"\n" + line if torn else line)
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise DeadLetterFailed(f"the dead letter could not be written: {error.strerror}") from error

    return keep


def http_sink(address: str) -> Sink:
    """Posts in structured mode; 2xx means kept. Neither redirects nor proxies of the environment count."""
    headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}

    def keep(letter: Json, deadline: float) -> None:
        # A client for each letter: on a connection that was used before, it might send one twice.
        client = HttpClient("the sink", "DEAD_LETTER_SINK", proxy=None, ca_bundle=None)
        try:
            request = Request("POST", address, headers=headers, data=json.dumps(letter).encode()).prepare()
            status = client.status(request, max(deadline, time.monotonic() + MINIMAL_TIMEOUT))
        except (TagApiUnavailable, ValueError) as error:
            raise DeadLetterFailed(f"the sink {public(address)} was not reached") from error
        if status not in KEPT:
            raise DeadLetterFailed(f"the sink {public(address)} answered {status}")

    return keep


def _write(file: int, line: bytes) -> None:
    while line:
        line = line[os.write(file, line) :]
