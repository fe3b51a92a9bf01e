"""Reads a chunked body. Each chunk costs processor time, however short it is."""

from typing import Any

from gunicorn.http.body import ChunkedReader

from handlers.edges.server.connection import TooManyBytes

TINY = 64
"""Bytes below which a chunk is tiny. A sender that writes its JSON token by token makes such chunks."""

TINY_MAX = 10_000
"""Tiny chunks of one body."""


class Chunks(ChunkedReader):  # type: ignore[misc]  # gunicorn ships no types
    """Raises TooManyBytes if more than TINY_MAX chunks are tiny."""

    tiny = 0

    def parse_chunk_size(self, unreader: object, data: bytes | None = None) -> tuple[int, Any]:
        size, rest = super().parse_chunk_size(unreader, data)
        self.tiny += size < TINY
        if self.tiny > TINY_MAX:
            raise TooManyBytes
        return size, rest
