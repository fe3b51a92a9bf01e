"""The function at its address, as a target: an HTTP POST for each message."""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from requests import Request

from handlers.commands.files import UsageError, read
from handlers.commands.targets.rate import Wait
from handlers.commands.targets.target import DONE, Answer
from handlers.core.dead_letters.message import Message, is_content_type, wire_value
from handlers.core.dead_letters.secrets import without_secrets
from handlers.core.errors import TagApiUnavailable
from handlers.core.ims.error_codes import seconds_of
from handlers.edges.http.client import HttpClient
from handlers.edges.http.masking import redact
from handlers.edges.settings.parsers import http_address

SUCCESS = range(200, 300)

ATTEMPTS = 5
RETRY_AFTER_MAX = 60.0
POST_TIMEOUT = 60.0
"""Seconds."""

REFUSED = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE}
"""Statuses that speak of the message. It is as large, and in the same format, the next time."""

TEXT_MAX = 512
"""Bytes; the function's replies are no longer."""


class HttpTarget:
    """The function at its address. token: what it wants in deliveries, or None.

    defers: an event that the function wants again later is not waited for, so that it holds up no other.
    """

    def __init__(
        self, address: str, token: str | None, wait: Wait = time.sleep, *, defers: bool = False
    ) -> None:
        """Raises UsageError for what is no address."""
        self._address = _checked(address)
        self._token = token
        self._wait = wait
        self._defers = defers
        self._client = HttpClient("the function", "--to", proxy=None, ca_bundle=None)

    def send(self, message: Message, _message_id: str = "", _subject: str = "") -> Answer:
        """Posts up to ATTEMPTS times, as long as the reply asks for a retry or there is none."""
        reply = self._post(message)
        for _ in range(ATTEMPTS - 1):
            if not reply.is_retry or (self._defers and reply.is_of_one_event):
                break
            self._wait(min(reply.retry_after, RETRY_AFTER_MAX))
            reply = self._post(message)
        return _answer(reply)

    def close(self) -> None:
        """It ends with the process."""

    def _post(self, message: Message) -> "_Reply":
        headers = _http_headers(message.headers)
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = Request("POST", self._address, headers=headers, data=message.body).prepare()
        try:
            reply = self._client.send(request, time.monotonic() + POST_TIMEOUT)
        except TagApiUnavailable:
            return UNREACHED
        text = reply.body[:TEXT_MAX].decode(errors="replace")
        wanted = seconds_of(reply.headers.get("Retry-After", ""), datetime.now(UTC))
        return _Reply(
            reply.status,
            reply.headers.get("Tagging-Outcome", ""),
            # Whatever is at that address, it does not make this program show the token.
            without_secrets(redact(text, [self._token or ""])),
            1 if wanted is None else wanted,
        )


class _Reply(NamedTuple):
    """What the function said. outcome: `Tagging-Outcome`, or "". retry_after: seconds."""

    status: int
    outcome: str
    text: str
    retry_after: float

    @property
    def is_retry(self) -> bool:
        return (
            self == UNREACHED
            or self.status == HTTPStatus.TOO_MANY_REQUESTS
            or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        )

    @property
    def is_of_one_event(self) -> bool:
        """Whether a retry is wanted of this event, and other ones may fare better."""
        return self.outcome == "retry" and self.status != HTTPStatus.TOO_MANY_REQUESTS


UNREACHED = _Reply(0, "", "", 1)


def token_in(path: Path) -> str:
    """The first token of a file as EVENTS_TOKEN_FILE names one. Raises UsageError."""
    words = read(path).split()
    if not words or not re.fullmatch(rb"[!-~]+", words[0]):
        raise UsageError(f"{path} holds no token; it must be printable ASCII")
    return words[0].decode()


def _http_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those headers of a message that HTTP has too, each with what HTTP can carry."""
    lower = {name.lower(): value for name, value in headers.items()}
    # The HTTP binding keeps this one attribute in Content-Type, the NATS binding may have it twice.
    content_type = lower.pop("ce-datacontenttype", lower.get("content-type", ""))
    sent = {
        name: wire_value(value.encode(errors="replace")).strip()
        for name, value in lower.items()
        if name.startswith("ce-")
    }
    return sent | ({"Content-Type": content_type} if is_content_type(content_type) else {})


def _answer(reply: _Reply) -> Answer:
    if reply == UNREACHED:
        return Answer("", "the function was not reached, or did not answer; check --to", stop=True)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        detail = "the function wants another token than it got; name a file that holds one with --token-file"
        return Answer("", detail, stop=True)
    if reply.status not in SUCCESS:
        outcome = "" if reply.outcome in DONE else reply.outcome
        return Answer(
            outcome or ("refused" if reply.status in REFUSED else ""),
            f"the function answered {reply.status} {reply.text}".rstrip(),
        )
    if reply.outcome == "dead-letter":
        detail = "it is a dead letter again, and a new one in the function's sink"
        return Answer(reply.outcome, detail, stored=True)
    if reply.outcome in DONE:
        return Answer(reply.outcome)
    detail = (
        f"the answer {reply.status} has no Tagging-Outcome: several events were in one request, and only the "
        "function's log says how each ended, or --to is not the function's address"
    )
    return Answer("accepted", detail)


def _checked(address: str) -> str:
    try:
        if http_address(address).username is None:
            return address
    except ValueError:
        pass
    raise UsageError(
        "--to must be the function's address without a user, such as https://tagger.example.com/, or an "
        "address of NATS, such as nats://127.0.0.1:4222"
    )
