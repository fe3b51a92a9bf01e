from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import aiohttp

from .dead_letters import LONGEST_ERROR_DATA
from .policy import ACCEPTED, retry_after


@dataclass(frozen=True, slots=True)
class Reply:
    """What a POST brought.

    status: None where there was no reply.
    body: its beginning, not read where the event was accepted; without a reply, why there was none.
    retry_after: seconds, None where the reply does not say.
    """

    status: int | None
    body: bytes = b""
    retry_after: float | None = None

    @property
    def reason(self) -> str:
        """The body for a log line: one line, at most 200 characters."""
        return " ".join(self.body.decode(errors="replace").split())[:200]


class Subscriber:
    """The HTTP endpoint that takes the events. A redirect is an answer like any other, and not followed."""

    def __init__(self, session: aiohttp.ClientSession, url: str, seconds: float) -> None:
        self._session = session
        self._url = url
        self._seconds = seconds

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, *, seconds: float, parallel: int) -> AsyncIterator[Self]:
        """seconds: for one POST, the reply's body included; parallel: connections at once."""
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=parallel),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=seconds),
            headers={"Accept-Encoding": "identity"},
        ) as session:
            yield cls(session, url, seconds)

    async def post(self, headers: Mapping[str, str], body: bytes) -> Reply:
        try:
            async with self._session.post(
                self._url, headers=headers, data=body, allow_redirects=False
            ) as reply:
                wait = retry_after(reply.headers.get("Retry-After"), datetime.now(UTC))
                return Reply(reply.status, b"" if reply.status in ACCEPTED else await _beginning(reply), wait)
        except TimeoutError:
            return Reply(None, f"No reply within {self._seconds:g} seconds.".encode())
        except aiohttp.ClientError as error:
            return Reply(None, f"No reply: {error}".encode())


async def _beginning(reply: aiohttp.ClientResponse) -> bytes:
    beginning = b""
    while len(beginning) < LONGEST_ERROR_DATA and (more := await reply.content.read(LONGEST_ERROR_DATA)):
        beginning += more
    return beginning
