"""Connections for `requests` on which an answer arrives as a whole within its time-out, or not at all."""

import socket
import time
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection


class _Arriving(RawIOBase):
    """What comes from a socket. All reads together get the time-out that the socket has at the start.

    By itself the time-out begins anew with every piece: a peer that sends a byte now and then, in the head or
    in the body, would never meet it.
    """

    def __init__(self, raw: RawIOBase, connection: socket.socket) -> None:
        self._raw = raw
        self._connection = connection
        self._deadline = time.monotonic() + (connection.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._connection.settimeout(remaining)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp = BufferedReader(_Arriving(self.fp.detach(), sock))


class _Plain(HTTPConnection):
    response_class = _Response


class _Secure(HTTPSConnection):
    response_class = _Response


class BoundedAdapter(HTTPAdapter):
    """Makes connections, with a proxy or without, whose answers arrive in time or not at all.

    For one service: every request goes where the first went, by its proxy and with its certificates.
    """

    _pool: Any = None

    def get_connection_with_tls_context(self, *arguments: Any, **named: Any) -> Any:
        if self._pool is None:  # finding it anew would take 8 % of a call's processor time
            self._pool = super().get_connection_with_tls_context(*arguments, **named)
            self._pool.ConnectionCls = _Secure if self._pool.scheme == "https" else _Plain
        return self._pool
