"""One POST, and its reply: whatever a subscriber does, or what stands in its place."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Self
from urllib.parse import quote, unquote, urlsplit

import aiohttp

from .bearer_token import BearerToken
from .dead_letters import LONGEST_ERROR_DATA
from .errors import describe
from .policy import ACCEPTED, retry_after
from .settings import tls_context

NO_REPLY = "NoReply"
MASK = b"***"

SHORTEST_SECRET = 8
"""Characters. A shorter value in a query is no secret, and to mask it would leave nothing to read."""

WITHIN_WORDS_MIN = 4
"""Characters from which a secret is also masked within words. A shorter one is in half of all words."""


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
    def words(self) -> tuple[str, str]:
        """Why the event was not accepted: a short name, and one line of at most 200 characters for the log.

        A body that begins as those of the function do, "ImageNotFound: ...", brings its own name.
        """
        text = " ".join(self.body.decode(errors="replace").split())[:200]
        if self.status is None:
            return NO_REPLY, text
        if named := re.match(r"([A-Z][A-Za-z]+): ?", text):
            return named[1], text[named.end() :]
        return _phrase(self.status), text


class Subscriber:
    """The HTTP endpoint that takes the events. A redirect is an answer like any other, and not followed."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, token: BearerToken | None, seconds: float
    ) -> None:
        self._session = session
        self._url = url
        self._token = token
        self._seconds = seconds
        self._secrets_in_url = tuple(_secrets(url))

    @classmethod
    @asynccontextmanager
    async def at(
        cls, url: str, *, token: BearerToken | None = None, seconds: float, parallel: int
    ) -> AsyncIterator[Self]:
        """token: carried by each POST. seconds: for one POST, the reply's body included.

        parallel: connections at once.
        """
        # To read the usual certificates takes as long as 100 events, and a redirect is not followed.
        encrypts = urlsplit(url).scheme == "https"
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=parallel, ssl=tls_context() if encrypts else True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=seconds),
            headers={"Accept-Encoding": "identity"},
        ) as session:
            yield cls(session, url, token, seconds)

    async def post(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Post one event. Whatever happens is a reply, or the reason why there is none."""
        tokens = self._token.all() if self._token else ()
        if tokens:
            headers = {**headers, "Authorization": f"Bearer {tokens[0]}"}
        try:
            async with self._session.post(
                self._url, headers=headers, data=body, allow_redirects=False
            ) as reply:
                wait = retry_after(reply.headers.get("Retry-After"), datetime.now(UTC))
                if reply.status in ACCEPTED:
                    return Reply(reply.status, b"", wait)
                return Reply(reply.status, await _beginning(reply, (*tokens, *self._secrets_in_url)), wait)
        except TimeoutError:
            return Reply(None, f"No reply within {self._seconds:g} seconds.".encode())
        except Exception as error:  # noqa: BLE001 - a peer can make the client raise more than it documents
            return Reply(None, f"No reply: {describe(error)}.".encode())


async def _beginning(reply: aiohttp.ClientResponse, secrets: tuple[str, ...]) -> bytes:
    """How the body begins, without what the subscriber repeats of the request's secrets."""
    forms = {form.encode() for secret in secrets for form in (secret, quote(secret), quote(secret, safe=""))}
    longest = max(map(len, forms), default=1)
    enough = LONGEST_ERROR_DATA + longest
    beginning = b""
    while len(beginning) < enough and (more := await reply.content.read(enough - len(beginning))):
        beginning += more
    # Where reading stopped, a secret may be cut in two.
    doubtful = longest - 1 if len(beginning) == enough else 0
    # The longest first: one may begin with another.
    for form in sorted(forms, key=len, reverse=True):
        whole = rb"(?<!\w)%b(?!\w)" if len(form) < WITHIN_WORDS_MIN else b"%b"
        beginning = re.sub(whole % re.escape(form), MASK, beginning)
    return beginning[: len(beginning) - doubtful][:LONGEST_ERROR_DATA]


def _secrets(url: str) -> Iterator[str]:
    """What in the address is not for everybody."""
    parts = urlsplit(url)
    if parts.password is not None:
        user, password = unquote(parts.username or ""), unquote(parts.password)
        yield password or user
        yield b64encode(f"{user}:{password}".encode("latin-1", "replace")).decode()
    for name, _, value in (part.partition("=") for part in parts.query.split("&")):
        if value and (name == "access_token" or len(value) >= SHORTEST_SECRET):
            yield value
            yield unquote(value)


def _phrase(status: int) -> str:
    try:
        return re.sub("[^A-Za-z]", "", HTTPStatus(status).phrase.title())
    except ValueError:
        return f"Status{status}"
