"""Requests as nobody should send them: golden events, changed at random."""

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.fuzz.hostile import (
    BODIES,
    CONTENT_TYPES,
    EVENTS,
    HEADERS,
    LENGTHS,
    METHODS,
    PATHS,
    RAW,
    TEXTS,
    VALUES,
)
from tests.support.sample_files import EXPECTED, message

MARK = "an-echo-of-what-was-sent"
"""Stands in every request, and belongs in no reply."""


class Sent(NamedTuple):
    """One request. length: what `Content-Length` says; None: it comes in chunks."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    length: str | None


class Mutations:
    """An endless source of requests; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - what is wanted is that it can be repeated
        self._golden = [message(name) for name in EXPECTED]

    def next(self) -> Sent:
        chance = self._chance
        headers, body = chance.choice(self._golden)
        headers = {**headers, "x-note": MARK}
        for _ in range(chance.choice([0, 1, 1, 1, 2, 2, 3, 5])):
            if chance.random() < 0.3:
                self._change_header(headers)
            else:
                body = chance.choice(self._of_body)(self, body)
        if chance.random() < 0.001:
            body += b" " * 1_048_577
        if chance.random() < 0.002:
            body = chance.choice([*(body for body, _ in BODIES.values()), *EVENTS.values()])
        return Sent(
            "POST" if chance.random() < 0.95 else chance.choice(METHODS),
            "/" if chance.random() < 0.9 else chance.choice(PATHS),
            headers,
            body,
            self._length(body),
        )

    def _length(self, body: bytes) -> str | None:
        kind = self._chance.random()
        if kind < 0.9:
            return str(len(body))
        if kind < 0.94:
            return None
        return self._chance.choice([*LENGTHS, str(len(body) // 2), str(len(body) + 1)])

    def _change_header(self, headers: dict[str, str]) -> None:
        chance = self._chance
        if chance.random() < 0.3:
            headers["content-type"] = chance.choice(CONTENT_TYPES)
        elif headers and chance.random() < 0.3:
            headers.pop(chance.choice(list(headers)))
        else:
            headers[chance.choice(HEADERS)] = chance.choice(TEXTS).encode().decode("latin-1")

    def _cut(self, body: bytes) -> bytes:
        start, end = self._slice(body)
        return body[:start] + body[end:]

    def _double(self, body: bytes) -> bytes:
        start, end = self._slice(body)
        return body[:end] + body[start:end] * self._chance.choice([1, 1, 1, 20]) + body[end:]

    def _end(self, body: bytes) -> bytes:
        return body[: self._slice(body)[0]]

    def _flip(self, body: bytes) -> bytes:
        changed = bytearray(body)
        for _ in range(self._chance.randint(1, 4) if body else 0):
            changed[self._chance.randrange(len(changed))] ^= 1 << self._chance.randrange(8)
        return bytes(changed)

    def _put(self, body: bytes) -> bytes:
        place = self._slice(body)[0]
        return body[:place] + self._chance.choice(RAW) + body[place:]

    def _cross(self, body: bytes) -> bytes:
        _, other = self._chance.choice(self._golden)
        return body[: self._slice(body)[0]] + other[self._slice(other)[0] :]

    def _wrap(self, body: bytes) -> bytes:
        before, after = self._chance.choice(
            [(b"[", b"]"), (b"[", b",5]"), (b'{"events":[', b"]}"), (b'{"data":', b"}"), (b'{"cts":', b"}")]
        )
        return before + body + after

    def _rewrite(self, body: bytes) -> bytes:
        """One place of the JSON changed: another value, another name, or gone."""
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            return self._flip(body)
        holders = _holders(content)
        if not holders:
            return body
        holder = self._chance.choice(holders)
        key: Any = self._chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        kind = self._chance.random()
        if kind < 0.2:
            del holder[key]
        elif kind < 0.3 and isinstance(holder, dict):
            holder[self._chance.choice(TEXTS)] = holder.pop(key)
        elif kind < 0.4:
            holder[key] = self._chance.choice(holders)
            return _written(content) or body  # which may now hold itself
        else:
            holder[key] = self._chance.choice([*VALUES, *TEXTS])
        return _written(content) or body

    def _slice(self, body: bytes) -> tuple[int, int]:
        start = self._chance.randint(0, len(body))
        return start, min(len(body), start + self._chance.choice([1, 2, 8, 64, 512]))

    _of_body: tuple[Callable[["Mutations", bytes], bytes], ...] = (
        *(_cut, _double, _end, _flip, _put, _cross, _wrap),
        *(_rewrite,) * 8,
    )


def _holders(content: Any) -> list[Any]:
    """Every object and array in a JSON value that has something in it."""
    found, level = list[Any](), [content]
    while level:
        level = [each for each in level if isinstance(each, dict | list) and each]
        found += level
        level = [child for each in level for child in (each.values() if isinstance(each, dict) else each)]
    return found


def _written(content: Any) -> bytes | None:
    try:
        return json.dumps(content).encode()
    except (ValueError, RecursionError):
        return None
