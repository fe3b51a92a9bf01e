"""Scripted faults: what goes wrong, for which calls, and how often."""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .calls import Call
from .fields import Fields, Nonsense, at_least, checked, is_number, is_object, is_text, one_of


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_line(value: Any) -> bool:
    return is_text(value) and value.isprintable()


def _are_headers(value: Any) -> bool:
    return is_object(value) and all(
        re.fullmatch("[A-Za-z0-9-]+", name) and _is_line(line) for name, line in value.items()
    )


FIELDS: Fields = {
    "match": (is_object, "an object"),
    "times": (_is_count, "a whole number of at least 1"),
    "share": (lambda share: is_number(share) and 0 < share <= 1, "a number above 0 and up to 1"),
    "seed": (lambda seed: isinstance(seed, int), "a whole number"),
    "status": (lambda status: _is_count(status) and status in range(200, 600), "a status from 200 to 599"),
    "code": (lambda code: is_text(code) or _is_count(code), "text or a whole number"),
    "message": (is_text, "text"),
    "shape": one_of("ims", "gateway"),
    "retry_after": (
        lambda after: is_number(after) or _is_line(after),
        "a number of seconds or a line of text",
    ),
    "headers": (_are_headers, "an object of lines of text, under names of headers"),
    "body": (is_text, "text"),
    "content_type": (_is_line, "a line of text"),
    "delay": at_least(0),
    "after": one_of("before", "after"),
    "transport": one_of("close", "reset", "half", "garbage", "slow"),
}
MATCH: Fields = {"method": (is_text, "text"), "path": (is_text, "text"), "image_id": (is_text, "text")}

REPLACING = {"status", "code", "message", "body", "transport"}
"""Effects that put another answer in the place of the real one; the rest changes or delays that."""
_EFFECTS = REPLACING | {"retry_after", "headers", "delay"}


@dataclass
class Fault:
    """One scripted fault; the fields are those of `POST /_emulator/faults`."""

    id: int
    match: Mapping[str, str] = field(default_factory=dict)
    times: int | None = None
    """None: until lifted."""
    share: float | None = None
    seed: int | None = None
    status: int | None = None
    code: str | int | None = None
    message: str | None = None
    shape: str = ""
    retry_after: float | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    content_type: str = "text/html"
    delay: float = 0
    """Seconds."""
    after: str = "before"
    """"after": the call takes effect, and then its answer goes wrong."""
    transport: str | None = None
    applied: int = 0

    def __post_init__(self) -> None:
        self.replaces = any(getattr(self, name) is not None for name in REPLACING)
        self._chance = random.Random(self.seed)  # noqa: S311 - a repeatable share of calls, no secret

    def takes(self, call: Call) -> bool:
        """Whether this call is one of those that go wrong."""
        if self.times is not None and self.applied >= self.times:
            return False
        if self.match.get("method", call.method).upper() != call.method:
            return False
        if not call.path.startswith(self.match.get("path", "")):
            return False
        if "image_id" in self.match and self.match["image_id"] != call.image_id:
            return False
        return self.share is None or self._chance.random() < self.share


class Faults:
    """The faults in force. The first that takes a call is the only one that it meets."""

    def __init__(self) -> None:
        self._script: list[Fault] = []
        self._scripted = 0

    def add(self, given: object) -> Fault:
        """Raises `Nonsense`."""
        script = checked("A fault", given, FIELDS)
        checked("The match of a fault", script.get("match", {}), MATCH)
        if not _EFFECTS & script.keys():
            raise Nonsense(f"A fault needs an effect: one of {', '.join(sorted(_EFFECTS))}.")
        if "seed" in script and "share" not in script:
            raise Nonsense("A fault has a 'seed' only together with a 'share'.")
        if script.get("status") in {204, 304} and REPLACING & script.keys() != {"status"}:
            raise Nonsense("A fault with status 204 or 304 cannot have a body.")
        self._scripted += 1
        fault = Fault(self._scripted, **script)
        self._script.append(fault)
        return fault

    def take(self, call: Call) -> Fault | None:
        for fault in self._script:
            if fault.takes(call):
                fault.applied += 1
                call.fault = fault.id
                return fault
        return None

    def lift(self) -> None:
        self._script.clear()

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._script)
