"""Scripted faults: what goes wrong, for which calls, and how often."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.local.ims.gateway.call_log import Call

REPLACING = {"status", "code", "message", "body", "transport"}
"""Effects that put another answer in the place of the real one."""
CHANGING = {"retry_after", "headers", "delay"}
"""Effects that change or delay the real one."""


@dataclass
class Fault:
    """One scripted fault; the fields are those of `POST /_emulator/faults`."""

    id: int
    match: Mapping[str, str] = field(default_factory=dict)
    times: int | None = None
    """None: until cleared."""
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

    def matches(self, call: Call) -> bool:
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
    """The faults in force. The first that matches a call is the only one that it meets."""

    def __init__(self) -> None:
        self._script: list[Fault] = []
        self._scripted = 0

    def add(self, script: Mapping[str, Any]) -> Fault:
        """script: the fields of a fault, by name."""
        self._scripted += 1
        fault = Fault(self._scripted, **script)
        self._script.append(fault)
        return fault

    def take(self, call: Call) -> Fault | None:
        for fault in self._script:
            if fault.matches(call):
                fault.applied += 1
                call.fault = fault.id
                return fault
        return None

    def clear(self) -> None:
        self._script.clear()

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._script)
