"""How events ended, read from the logs of the function and the subscription."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from deploy.local.journal import Journal
from deploy.local.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Mapping

CONSOLE_SOURCE = "urn:image-tagger:console"
"""The source of events by which the console has the function look at its table; nobody needs to see them."""

TOLD = {"rules.reloaded", "rules.refused"}
"""Lines of the function about its table."""


class LogFollower:
    """Reads what is new in the logs into a journal."""

    def __init__(self, stack: Stack, journal: Journal) -> None:
        self._stack = stack
        self.journal = journal
        self.rules: list[Mapping[str, Any]] = []
        """The newest lines about the function's table."""
        self.slowed_until = 0.0
        """Until when the subscription delivers nothing because of a 429, in seconds since the epoch."""
        self.rules_told = 0
        """How many there were in all."""

    def read(self) -> None:
        """Reads what is new.

        Raises NotRunning if a part of the stack has stopped: then nothing new would ever come.
        """
        self._stack.processes.check()
        # The subscription's log first: when it has an end, the function's log has its part already.
        deliveries = self._stack.subscription_log.new_lines()
        for line in self._stack.function_log.new_lines():
            if line.get("event_source") != CONSOLE_SOURCE:
                self.journal.function_line(line)
            if line.get("message") in TOLD:
                self.rules = [*self.rules[-9:], line]
                self.rules_told += 1
        for line in deliveries:
            self.journal.subscription_line(line)
            if line.get("message") == "subscription.paused":
                self.slowed_until = time.time() + float(line["seconds"])
        self.journal.settle(time.time())

    async def wait_for(self, event_ids: set[str], within: float) -> None:
        """Waits until all of these have ended, at most so many seconds."""
        for event_id in event_ids:
            self.journal.expect(event_id)
        until = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < until:
            self.read()
            if all(self.journal.latest(event_id).ended for event_id in event_ids):
                break
            await asyncio.sleep(0.05)
