"""A dead letter's event, delivered to the function once more, and what the answer says of it."""

import re
import time
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlsplit

import requests

from handlers.commands.files import UsageError
from handlers.commands.letter import Letter
from handlers.commands.redrive import DONE, Answer, Wait

SUCCESS = range(200, 300)

ATTEMPTS = 5
RETRY_AFTER_MAX = 60.0
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 60.0
"""Seconds."""

TEXT_MAX = 512
"""Bytes; the function says no more."""


class Reply(NamedTuple):
    """What the function said. outcome: `Tagging-Outcome`, or "". retry_after: seconds."""

    status: int
    outcome: str
    text: str
    retry_after: float

    @property
    def again(self) -> bool:
        return (
            self == UNREACHED
            or self.status == HTTPStatus.TOO_MANY_REQUESTS
            or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        )


UNREACHED = Reply(0, "", "", 1)


class Function:
    """The function at its address. token: what it wants in deliveries, if it wants any."""

    def __init__(self, address: str, token: str | None, wait: Wait = time.sleep) -> None:
        """Raises UsageError for what is no address."""
        self._address = _checked(address)
        self._token = token
        self._wait = wait
        self._session = requests.Session()
        self._session.trust_env = False

    def deliver(self, letter: Letter) -> Answer:
        """Delivers up to ATTEMPTS times, as long as the answer is "again" or there is none."""
        if letter.request_bytes is not None and letter.request_bytes > len(letter.body):
            kept = f"only the first {len(letter.body)} of its {letter.request_bytes} bytes were kept"
            return Answer("", f"it cannot be sent: {kept}")
        reply = self._post(letter)
        for _ in range(ATTEMPTS - 1):
            if not reply.again:
                break
            self._wait(min(reply.retry_after, RETRY_AFTER_MAX))
            reply = self._post(letter)
        return _meaning(reply, len(letter.events))

    def _post(self, letter: Letter) -> Reply:
        headers = {"Content-Type": letter.content_type.encode()}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}".encode()
        try:
            with self._session.post(
                self._address,
                data=letter.body,
                headers=headers,
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                allow_redirects=False,
                stream=True,
            ) as reply:
                text = next(reply.iter_content(TEXT_MAX), b"").decode(errors="replace")
        except requests.RequestException:
            return UNREACHED
        wanted = reply.headers.get("Retry-After", "")
        return Reply(
            reply.status_code,
            reply.headers.get("Tagging-Outcome", ""),
            # Whatever is at that address, it does not make this program show the token.
            text.replace(self._token, "(the token)") if self._token else text,
            float(wanted) if re.fullmatch(r"\d{1,9}", wanted, re.ASCII) else 1,
        )


def _meaning(reply: Reply, events: int) -> Answer:
    if reply == UNREACHED:
        return Answer("", "the function was not reached, or did not answer; check --to", final=True)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        why = "the function wants another token than it got; name a file that holds one with --token-file"
        return Answer("", why, final=True)
    if reply.status not in SUCCESS:
        return Answer(reply.outcome, f"the function answered {reply.status} {reply.text}".rstrip())
    if reply.outcome in DONE:
        return Answer(reply.outcome)
    if reply.outcome == "dead-letter":
        return Answer(
            reply.outcome, "it is a dead letter again, and a new one in the function's sink", kept=True
        )
    if events > 1:
        return Answer("", f"it holds {events} events, and only the function's log says how each ended")
    return Answer("", f"the answer {reply.status} has no Tagging-Outcome; is --to the function's address?")


def _checked(address: str) -> str:
    try:
        parts = urlsplit(address)
        sound = (
            parts.scheme in {"http", "https"}
            and parts.hostname
            and parts.port != 0
            and parts.username is None
        )
    except ValueError:
        sound = False
    if not sound:
        raise UsageError(
            "--to must be the function's address, such as https://tagger.example.com/, without a user"
        )
    return address
