"""What became of events, read from the logs of the function and the subscription."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.local.stack import Stack

ENDS = {"delivery.accepted", "delivery.dead_letter"}


@dataclass
class Fate:
    """What is known of one event so far.

    attempts: deliveries. ended: the bus has let go of it. said: the function's last line about it, {} if it
    refused the request before it saw an event. reason: of the last reply, as the subscription logs it.
    """

    attempts: int = 0
    ended: bool = False
    said: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    retried_for: str = ""

    @property
    def outcome(self) -> str:
        if not self.ended:
            return "not ended"
        return str(self.said.get("outcome") or "dead-letter")

    @property
    def why(self) -> str:
        reason, detail = self.said.get("reason"), self.said.get("detail")
        return f"{reason}: {detail}" if reason and detail else self.reason


class Watch:
    """Collects the fate of every event by its id.

    ids: by sequence, of the events that the subscription cannot name because they are no CloudEvents.
    """

    def __init__(self, stack: Stack, ids: Mapping[int, str]) -> None:
        self._stack = stack
        self._ids = ids
        self._fates: dict[str, Fate] = {}

    def fate(self, event_id: str) -> Fate:
        return self._fates.setdefault(event_id, Fate())

    def look(self) -> list[str]:
        """Reads what is new in the logs; returns the ids of the events that ended since the last look.

        Raises NotRunning if a part of the stack has stopped: then nothing new would ever come.
        """
        self._stack.check()
        ended = []
        # The subscription's log first: when it tells an end, the function's log has told its part already.
        deliveries = self._stack.subscription_log.new_lines()
        for line in self._stack.function_log.new_lines():
            if event_id := line.get("event_id"):
                self.fate(event_id).said = line
        for line in deliveries:
            event_id = line.get("event_id") or self._ids.get(line.get("sequence", 0))
            if event_id is None:
                continue
            fate = self.fate(event_id)
            fate.attempts = line["attempt"]
            fate.reason = line["reason"]
            if line["message"] in ENDS:
                fate.ended = True
                ended.append(event_id)
            else:
                fate.retried_for = line["reason"]
        return ended

    async def ends(self, event_ids: set[str], within: float) -> None:
        """Waits until all of these have ended, at most so many seconds."""
        waiting = set(event_ids)
        until = asyncio.get_running_loop().time() + within
        while waiting and asyncio.get_running_loop().time() < until:
            waiting -= set(self.look())
            await asyncio.sleep(0.05)
