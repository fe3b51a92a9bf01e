"""Scripted faults: what goes wrong, for which calls, and how often."""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from deploy.local.ims.fields import (
    ANY_NUMBER,
    OBJECT,
    TEXT,
    Fields,
    Form,
    at_least,
    is_number,
    is_object,
    is_text,
    one_of,
    whole_number,
)
from deploy.local.ims.gateway.call_log import Call

REPLACING = {"status", "code", "message", "body", "transport"}
"""Effects that put another answer in the place of the real one."""
CHANGING = {"retry_after", "headers", "delay"}
"""Effects that change or delay the real one."""


Break = Literal["close", "reset", "half", "garbage"]
"""How a connection ends that brings no proper HTTP."""

COUNT = whole_number(1)
LINE: Form = (lambda value: is_text(value) and value.isprintable(), "a line of text")
ABOVE_ZERO: Form = (lambda share: is_number(share) and 0 < share <= 1, "a number above 0 and up to 1")
STATUS: Form = (whole_number(200, 599)[0], "a status from 200 to 599")
CODE: Form = (lambda code: is_text(code) or COUNT[0](code), "text or a whole number")
SECONDS_OR_LINE: Form = (
    lambda after: is_number(after) or LINE[0](after),
    "a number of seconds or a line of text",
)
HEADERS: Form = (
    lambda headers: (
        is_object(headers)
        and all(re.fullmatch("[A-Za-z0-9-]+", name) and LINE[0](line) for name, line in headers.items())
    ),
    "an object of lines of text, under names of headers",
)
MATCH: Fields = {"method": TEXT, "path": TEXT, "image_id": TEXT}


@dataclass
class Fault:
    """One scripted fault; the fields are those of `POST /_emulator/faults`."""

    id: int
    match: Annotated[Mapping[str, str], OBJECT] = field(default_factory=dict)
    times: Annotated[int | None, COUNT] = None
    """None: until cleared."""
    share: Annotated[float | None, ABOVE_ZERO] = None
    seed: Annotated[int | None, ANY_NUMBER] = None
    status: Annotated[int | None, STATUS] = None
    code: Annotated[str | int | None, CODE] = None
    message: Annotated[str | None, TEXT] = None
    shape: Annotated[str, one_of("ims", "gateway")] = ""
    retry_after: Annotated[float | str | None, SECONDS_OR_LINE] = None
    headers: Annotated[Mapping[str, str], HEADERS] = field(default_factory=dict)
    body: Annotated[str | None, TEXT] = None
    content_type: Annotated[str, LINE] = "text/html"
    delay: Annotated[float, at_least(0)] = 0
    """Seconds."""
    after: Annotated[str, one_of("before", "after")] = "before"
    """"after": the call takes effect, and then its answer goes wrong."""
    transport: Annotated[Break | Literal["slow"] | None, one_of(*get_args(Break), "slow")] = None
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
