"""One event on its way: what is known of it so far."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

STEPS = 60
"""Steps kept of an event that is delivered again and again: the newest."""

BODY_KEPT = 64 * 1024
"""Bytes of the longest body that is kept; of a longer one only the size is."""

WORST_FIRST = ("dead-letter", "retry", "tagged", "nothing-to-tag", "ignored")


class Message(NamedTuple):
    """A message as the bus had it. body: None if it was too long to keep. size: of the body in bytes."""

    headers: Mapping[str, str]
    body: bytes | None
    size: int


class Step(NamedTuple):
    """Something that happened to an event. line: as it was logged; {} for its arrival on the bus."""

    time: float
    name: str
    line: Mapping[str, Any]


@dataclass
class Record:
    """What is known of one event: of one message of the bus, or of what was posted straight to the function.

    Whoever looks deeper adds `title`, `image_ids`, and the tags before and after.
    """

    number: int
    began: float
    """Seconds since the epoch."""

    event_id: str = ""
    sequence: int | None = None
    """In the stream of the bus; None if it is not known, or if the event was not on the bus."""

    straight: bool = False
    """Whether it was posted to the function, past the bus, as far as is known."""

    message: Message | None = None
    """None where nobody has seen it, as of an event that was posted straight to the function."""

    attempts: int = 0
    """Deliveries."""

    ended: bool = False
    """Whether nothing more comes of it by itself."""

    last_line: Mapping[str, Any] = field(default_factory=dict)
    """The function's last log line about it; {} if it refused the request before it read an event."""

    reply: str = ""
    """Why, as the subscription logs it of the last reply."""

    retry_reason: str = ""
    """The same of the last reply that asked for another delivery."""

    due: float | None = None
    """When the next delivery is due, in seconds since the epoch."""

    steps: deque[Step] = field(default_factory=lambda: deque(maxlen=STEPS))
    explained: bool = False
    """Whether the function's own reading of the message is known: its id, type, images."""

    changed: int = 0
    """The number of the journal's change that was the last one of it."""

    type: str = ""
    title: str | None = None
    """The names of its images; None as long as nobody has asked."""

    image_ids: list[str] = field(default_factory=list)
    tags_before: dict[str, dict[str, str]] = field(default_factory=dict)
    tags_after: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        """One of the function's outcomes; "on its way" before the first, "refused" for no delivery."""
        if not self.ended:
            return "retry" if self.attempts else "on its way"
        if any(step.name == "delivery.dead_letter" for step in self.steps):
            return "dead-letter"
        if self.last_line.get("message") == "request.refused":
            return "refused"
        return str(self.last_line.get("outcome", "dead-letter")) if self.straight else self._worst

    @property
    def reason(self) -> str:
        """The name of the error and what it means, as far as the logs have it."""
        error, sentence = self.last_line.get("reason"), self.last_line.get("detail")
        return f"{error}: {sentence}" if error and sentence else self.reply

    @property
    def error(self) -> str:
        """The name of the error alone."""
        return str(self.last_line.get("reason") or self.reply.partition(":")[0])

    @property
    def milliseconds(self) -> float | None:
        """How long the last delivery took, of its function."""
        taken = self.last_line.get("milliseconds")
        return taken if isinstance(taken, int | float) else None

    @property
    def _worst(self) -> str:
        """Of the images of the last delivery."""
        found = set()
        for step in reversed(self.steps):
            if "outcome" in step.line:
                found.add(str(step.line["outcome"]))
            elif found:
                break
        return next((each for each in WORST_FIRST if each in found), "dead-letter")


def moment_of(line: Mapping[str, Any]) -> float:
    """When a line was logged, in seconds since the epoch."""
    try:
        return datetime.fromisoformat(str(line["time"])).timestamp()
    except (KeyError, ValueError):
        return datetime.now(UTC).timestamp()
