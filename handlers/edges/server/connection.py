"""A client's connection that bounds the time and the bytes of a request."""

import errno
import math
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class TooManyBytes(Exception):
    """A request is longer than the largest that can be handled."""


class Connection(socket.socket):
    """deadline: a read waits until then, by `time.monotonic`; 0 means that it takes what has arrived.

    room: the number of bytes that may still be read for this request.
    """

    deadline = 0.0
    room = math.inf

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Raises TimeoutError at the deadline, and TooManyBytes if there is no room left."""
        if self.room <= 0:
            raise TooManyBytes
        self.settimeout(max(self.deadline - time.monotonic(), 0))
        try:
            received = super().recv(size, flags)
        except BlockingIOError:
            raise TimeoutError from None
        self.room -= len(received)
        return received

    def send(self, data: Any, flags: int = 0) -> int:
        with self._at_once():
            return super().send(data, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        with self._at_once():
            super().sendall(data, flags)

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """Sends without waiting. That fails only if the client has not read many earlier replies."""
        self.settimeout(0)
        try:
            yield
        except BlockingIOError:
            raise ConnectionResetError(errno.ECONNRESET, "the client does not read its replies") from None


def deadline_of(environ: Mapping[str, Any], timeout: float) -> float:
    """The deadline of a request, by `time.monotonic`: `timeout` seconds after its first byte.

    environ: of WSGI. Other servers do not say when a request began; there it begins now.
    """
    connection = environ.get("gunicorn.socket")
    return connection.deadline if isinstance(connection, Connection) else time.monotonic() + timeout
