"""Connections whose time-out covers the whole answer."""

import socket
import time
from http.client import HTTPResponse
from io import BufferedReader
from typing import Any

from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class _Arriving(socket.SocketIO):
    """The bytes from a socket. All reads together get the time-out that the socket has at the start.

    Normally the time-out starts again with every piece. A peer that sends a byte now and then would never
    meet it.
    """

    def __init__(self, connection: socket.socket, counted: object) -> None:
        """counted: the file for which the socket stays open; it closes when nobody refers to it."""
        super().__init__(connection, "r")
        self._counted = counted
        self._connection = connection
        self._deadline = time.monotonic() + (connection.gettimeout() or 0)

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._connection.settimeout(remaining)
        return super().readinto(buffer)


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp = BufferedReader(_Arriving(sock, self.fp.detach()))


class _Plain(HTTPConnection):
    response_class = _Response


class _Secure(HTTPSConnection):
    response_class = _Response


def bounded(pool: HTTPConnectionPool) -> HTTPConnectionPool:
    """The pool, to a server or to a proxy, with connections whose time-out covers the whole answer."""
    pool.ConnectionCls = _Secure if pool.scheme == "https" else _Plain
    return pool
