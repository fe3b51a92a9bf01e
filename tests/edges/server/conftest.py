"""What the files about the server share."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from tests.processes.function import Function


@contextmanager
def connections(function: Function, count: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections, on each of which this much is sent and no more."""
    with ExitStack() as ends:
        address = ("127.0.0.1", function.port)
        opened = []
        for _ in range(count):
            opened.append(ends.enter_context(socket.create_connection(address, timeout=20)))
            # At once: to one that has said nothing when it makes room, nothing is answered.
            opened[-1].sendall(sent)
        yield opened


def answers(connection: socket.socket) -> bytes:
    """Everything up to the end of the connection."""
    answer = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            answer += piece
    return answer


def binary(event: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of an event in binary mode."""
    headers = {f"ce_{name}": str(value) for name, value in event.items() if name != "data"}
    return json.dumps(event["data"]).encode(), headers
