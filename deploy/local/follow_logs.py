"""How events ended, read from the logs of the function and the subscription."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.local.stack import Stack

ENDS = {"delivery.accepted", "delivery.dead_letter"}


@dataclass
class EventStatus:
    """What is known of one event so far."""

    attempts: int = 0
    """Deliveries."""

    ended: bool = False
    """Whether the bus has let go of it."""

    last_line: dict[str, Any] = field(default_factory=dict)
    """The function's last log line about it; {} if it refused the request before it read an event."""

    reply: str = ""
    """Why, as the subscription logs it of the last reply."""

    retry_reason: str = ""
    """The same of the last reply that asked for another delivery."""

    @property
    def outcome(self) -> str:
        if not self.ended:
            return "not ended"
        return str(self.last_line.get("outcome") or "dead-letter")

    @property
    def reason(self) -> str:
        """The name of the error and what it means, as far as the logs have it."""
        error, sentence = self.last_line.get("reason"), self.last_line.get("detail")
        return f"{error}: {sentence}" if error and sentence else self.reply


class LogFollower:
    """Collects the status of every event by its id.

    ids: by sequence, of the events that the subscription cannot name because they are no CloudEvents.
    """

    def __init__(self, stack: Stack, ids: Mapping[int, str]) -> None:
        self._stack = stack
        self._ids = ids
        self._statuses: dict[str, EventStatus] = {}

    def status(self, event_id: str) -> EventStatus:
        return self._statuses.setdefault(event_id, EventStatus())

    def read(self) -> list[str]:
        """Reads what is new in the logs; returns the ids of the events that have ended since the last time.

        Raises NotRunning if a part of the stack has stopped: then nothing new would ever come.
        """
        self._stack.check()
        ended = []
        # The subscription's log first: when it has an end, the function's log has its part already.
        deliveries = self._stack.subscription_log.new_lines()
        for line in self._stack.function_log.new_lines():
            if event_id := line.get("event_id"):
                self.status(event_id).last_line = line
        for line in deliveries:
            event_id = line.get("event_id") or self._ids.get(line.get("sequence", 0))
            if event_id is None:
                continue
            status = self.status(event_id)
            status.attempts = line["attempt"]
            status.reply = ": ".join(filter(None, (line.get("reason"), line.get("detail"))))
            if line["message"] in ENDS:
                status.ended = True
                ended.append(event_id)
            else:
                status.retry_reason = status.reply
        return ended

    async def wait_for(self, event_ids: set[str], within: float) -> None:
        """Waits until all of these have ended, at most so many seconds."""
        waiting = set(event_ids)
        until = asyncio.get_running_loop().time() + within
        while waiting and asyncio.get_running_loop().time() < until:
            waiting -= set(self.read())
            await asyncio.sleep(0.05)
