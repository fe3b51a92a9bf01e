"""Load from a process of its own: `python -m tests.bench.rig.load PORT FILE CONNECTIONS SECONDS`.

Each connection is kept alive and sends the event of FILE again as soon as it is answered. Prints one JSON
object of what it saw; an answer that is no 204 ends it.
"""

import asyncio
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import cast


class Sender(asyncio.Protocol):
    """One connection. answers: the seconds that each took."""

    def __init__(self, request: bytes, until: float) -> None:
        self._request = request
        self._until = until
        self._received = b""
        self.answers: list[float] = []
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if b"\r\n\r\n" not in self._received:  # with which an answer without a body ends
            return
        now = time.perf_counter()
        if not self._received.startswith(b"HTTP/1.1 204 "):
            self.ended.set_exception(RuntimeError(f"an event was answered {self._received!r}"))
            return
        self.answers.append(now - self._sent)
        self._received = b""
        if now < self._until:
            self._send()
        else:
            self.ended.set_result(None)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(RuntimeError("the function closed a connection"))


async def load(port: int, event: bytes, connections: int, seconds: float) -> dict[str, object]:
    """answers, seconds: how long each took, and all. cpu: seconds of this process."""
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(event)}\r\n"
    request = f"{head}Content-Type: application/cloudevents+json\r\n\r\n".encode() + event
    began, cpu = time.perf_counter(), time.process_time()
    loop = asyncio.get_running_loop()
    senders = [Sender(request, began + seconds) for _ in range(connections)]
    for sender in senders:
        await loop.create_connection(partial(_itself, sender), "127.0.0.1", port)
    await asyncio.gather(*(sender.ended for sender in senders))
    return {
        "answers": [answer for sender in senders for answer in sender.answers],
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
    }


def _itself(sender: Sender) -> Sender:
    return sender


if __name__ == "__main__":
    port, file, connections, seconds = sys.argv[1:]
    found = load(int(port), Path(file).read_bytes(), int(connections), float(seconds))
    sys.stdout.write(json.dumps(asyncio.run(found)))
