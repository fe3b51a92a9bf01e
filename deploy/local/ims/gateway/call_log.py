"""The record of the calls that the emulated service received."""

import json
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from deploy.local.ims.state import UUID

NEWEST = 10_000
"""Calls kept; older ones are only counted."""
BODY_CHARACTERS = 4096
"""How much is kept of a body."""
_SECRET = ("Authorization", "X-Auth-Token", "X-Security-Token", "X-Metadata-Token")
_LOGIN = "/v3/auth/tokens"
"""Its bodies hold passwords."""


@dataclass
class Call:
    time: float
    """Arrival in seconds since the epoch."""
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str
    image_id: str | None
    """The image named in the path, else in the body."""
    status: int | None = None
    """None: no answer in HTTP yet, or none at all."""
    fault: int | None = None
    """The scripted fault that shaped the answer."""


def call_of(request: web.Request, body: bytes) -> Call:
    return Call(
        time=time.time(),
        method=request.method,
        path=request.path,
        query=request.query_string,
        headers=dict(request.headers) | {name: "***" for name in _SECRET if name in request.headers},
        body="***" if request.path == _LOGIN else body.decode(errors="replace")[:BODY_CHARACTERS],
        image_id=_image_id(request.path, body),
    )


def _image_id(path: str, body: bytes) -> str | None:
    if found := UUID.search(path):
        return found.group()
    try:
        image_id = json.loads(body)["image_id"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return image_id if isinstance(image_id, str) else None


class CallLog:
    """The newest calls, oldest first, and how many there were in all."""

    def __init__(self) -> None:
        self.total = 0
        self._newest: deque[Call] = deque(maxlen=NEWEST)

    def add(self, call: Call) -> None:
        self.total += 1
        self._newest.append(call)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._newest)
