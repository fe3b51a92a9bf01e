"""A tag API that costs next to nothing: `python -m tests.bench.rig.tag_api DELAY`.

It answers every call 204, after DELAY seconds, and says at its start which port is its own. The emulator of
the image service reads what it gets and keeps it, which may take longer than the function takes to send it.
"""

import asyncio
import re
import sys
from typing import cast

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ANSWER = b"HTTP/1.1 204 No Content\r\nX-Request-Id: 4a1de8f29c0b4a53a1a55f1f5b7f4c03\r\n\r\n"


class TagApi(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(HEAD_END)
        length = LENGTH.search(head)
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        # A client waits for the answer before it sends more.
        self._received = b""
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, ANSWER)
        else:
            self._transport.write(ANSWER)


async def _serve(delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: TagApi(delay), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
