"""The worker of gunicorn that gives a request to a thread when its whole head has arrived.

Gunicorn's own gives a thread to each connection, even to one that sends nothing.
"""

import re
import selectors
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import ClassVar, NamedTuple

from gunicorn.arbiter import Arbiter
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import UnsupportedTransferCoding
from gunicorn.http.message import Request
from gunicorn.workers.gthread import TConn, ThreadWorker

from handlers.edges.log import Log
from handlers.edges.server.chunks import Chunks
from handlers.edges.server.connection import Connection, TooManyBytes
from handlers.edges.server.refusals import (
    FAILED,
    HEAD_MAX,
    LATE,
    Refusal,
    refusal_of,
    refusal_of_large,
    reply_of,
)

FRAMING_MAX = 1 / 16
"""What the chunks of a body may add to its length: 7 bytes each are enough for chunks of 112 bytes."""

PIECE = 8192
"""Bytes to read at a time."""

_HEAD_ENDS = re.compile(rb"\r\n\r\n|(?<!\r)\n")
"""An empty line, or a single line feed, for which gunicorn refuses the head."""


class Bounds(NamedTuple):
    """timeout: seconds from the first byte of a request to its last. body_bytes: size of the largest body."""

    timeout: float
    body_bytes: int
    log: Log


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Reads heads in gunicorn's event loop. `pending_conns` are those it waits for, first deadline first."""

    bounds: ClassVar[Bounds]

    def init_process(self) -> None:
        """Runs the worker. Gunicorn itself would print the message of an error."""
        try:
            super().init_process()
        except Exception:
            self.log.exception("the worker ends with an error")
            sys.exit(1 if self.booted else Arbiter.WORKER_BOOT_ERROR)

    def enqueue_req(self, conn: TConn) -> None:
        """Takes a connection on which a request begins: a new one, or a kept one that has more to read."""
        if conn.parser is None:
            if self.nr_conns >= self.worker_connections and self.pending_conns:
                self._give_up(self.pending_conns[0])  # the connection that has waited longest makes room
            accepted = conn.sock
            conn.sock = Connection(accepted.family, accepted.type, accepted.proto, accepted.detach())
            conn.init()
        conn.head, conn.ended = bytearray(), False
        conn.sock.room = HEAD_MAX + self.bounds.body_bytes * (1 + FRAMING_MAX)
        self._await(conn)

    def on_pending_socket_readable(self, conn: TConn, client: Connection) -> None:
        if client.fileno() < 0:
            return  # it was closed to make room after the event loop found it readable
        was_silent = not conn.head
        if step := self._received(conn):
            self._remove(conn)
            step(conn)
        elif was_silent and conn.head:  # its time has begun now, so it is the last to end
            self.pending_conns.remove(conn)
            self.pending_conns.append(conn)

    def murder_pending(self) -> None:
        """Closes connections whose time is over, and idle ones when the worker stops."""
        now = time.monotonic()
        while self.pending_conns and self.pending_conns[0].timeout <= now:
            self._give_up(self.pending_conns[0])
        if not self.alive:
            for conn in [conn for conn in self.pending_conns if not conn.head]:
                self._give_up(conn)

    def handle_request(self, req: Request, conn: TConn) -> bool:
        codings = [value.strip().lower() for name, value in req.headers if name == "TRANSFER-ENCODING"]
        if codings not in ([], ["chunked"]):
            raise UnsupportedTransferCoding(codings)  # gunicorn would not decode the others
        if isinstance(req.body.reader, ChunkedReader):
            req.body.reader = Chunks(req, req.unreader)
        kept: bool = super().handle_request(req, conn)
        conn.sock.deadline = 0  # the client has its reply, so no thread waits for the rest of its request
        return kept

    def handle_error(self, _req: object, client: Connection, _addr: object, exc: Exception) -> None:
        """Answers a request that did not reach the function."""
        if not client.deadline:
            return  # it has its reply; what follows is not a request
        refusal = refusal_of(exc)
        if refusal is None:
            self.log.error("a request failed outside the function", exc_info=exc)
        self._refuse(client, refusal or FAILED)

    def finish_request(self, conn: TConn, fs: Future[bool]) -> None:
        conn.sock.deadline = 0
        if not fs.cancelled() and fs.exception() is None and fs.result():
            super().finish_request(conn, fs)
        else:
            self._end(conn)

    def _await(self, conn: TConn) -> None:
        """Reads from a connection until its time is over."""
        conn.timeout = time.monotonic() + self.bounds.timeout
        if step := self._received(conn):
            step(conn)
            return
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _received(self, conn: TConn) -> Callable[[TConn], None] | None:
        """Takes what has arrived, and returns what to do next; None: wait for more."""
        try:
            piece = conn.parser.unreader.take_buffered() or conn.sock.recv(PIECE)
        except TimeoutError:
            return None
        except (OSError, TooManyBytes):
            return self._close
        if not piece:
            return self._close
        if conn.ended:
            return None
        if not conn.head:
            conn.timeout = time.monotonic() + self.bounds.timeout
        searched = max(0, len(conn.head) - 3)
        conn.head += piece
        if _HEAD_ENDS.search(conn.head, searched):
            return self._hand_over
        return self._refuse_head if len(conn.head) > HEAD_MAX else None

    def _hand_over(self, conn: TConn) -> None:
        conn.sock.deadline = conn.timeout
        conn.parser.unreader.unread(bytes(conn.head))
        conn.head.clear()
        super().enqueue_req(conn)

    def _refuse_head(self, conn: TConn) -> None:
        self._refuse(conn.sock, refusal_of_large(conn.head))
        self._end(conn)

    def _refuse(self, client: Connection, refusal: Refusal) -> None:
        status, why = refusal
        self.bounds.log("request.refused", severity="WARNING", status=status, detail=why)
        with suppress(OSError):
            client.sendall(reply_of(status, why))
        client.deadline = 0

    def _end(self, conn: TConn) -> None:
        """Ends our side, and closes when the client does: closing while it sends could destroy its reply."""
        conn.head, conn.ended = bytearray(), True
        with suppress(OSError):
            conn.sock.shutdown(socket.SHUT_WR)
        self._await(conn)

    def _give_up(self, conn: TConn) -> None:
        self._remove(conn)
        if conn.head:
            self._refuse(conn.sock, LATE)
        self._close(conn)

    def _remove(self, conn: TConn) -> None:
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()
