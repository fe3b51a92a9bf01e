"""A client's connection, for which nobody waits longer than its request may take."""

import errno
import math
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class TooManyBytes(Exception):
    """A request is longer than any that could be handled."""


class Connection(socket.socket):
    """deadline: of `time.monotonic`, until which a read waits for the client; 0: it takes what has arrived.

    room: bytes that may still be read of the request.
    """

    deadline = 0.0
    room = math.inf

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Raises TimeoutError at the deadline, and TooManyBytes where there is no more room."""
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
        """The system takes a reply at once, unless the client has let many lie."""
        self.settimeout(0)
        try:
            yield
        except BlockingIOError:
            raise ConnectionResetError(errno.ECONNRESET, "the client does not read its replies") from None


def deadline_of(environ: Mapping[str, Any], timeout: float) -> float:
    """When a request has to be answered, by `time.monotonic`: `timeout` seconds after its first byte.

    environ: of WSGI. Under another server, which does not tell, the request begins now.
    """
    connection = environ.get("gunicorn.socket")
    return connection.deadline if isinstance(connection, Connection) else time.monotonic() + timeout
