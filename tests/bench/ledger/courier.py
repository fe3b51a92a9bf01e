"""Takes the events of the emulator to the bus, as a bad event source does."""

import asyncio
import random
from typing import Any

from tests.bench.rig.producer import publish
from tests.processes.emulator import Ims

SHARE = 0.05
"""Of events that never come, of those that come twice, and of those that come late."""


class Courier:
    """events: all that the emulator has caused. late: those of this hour that come in the next one.

    delivered: ids of the events that were published, or will be. lost, doubled, delayed: counts.
    """

    def __init__(self, ims: Ims, url: str, rng: random.Random) -> None:
        self._ims = ims
        self._url = url
        self._rng = rng
        self.events: dict[str, dict[str, Any]] = {}
        self.late: list[dict[str, Any]] = []
        self.delivered: set[str] = set()
        self.lost = self.doubled = self.delayed = 0

    def carry(self) -> None:
        """Publishes what is new, and decides what becomes of each event."""
        new = [event for event in self._ims.events() if event["id"] not in self.events]
        now, twice = [], []
        for event in new:
            self.events[event["id"]] = event
            chance = self._rng.random()
            if chance < SHARE:
                self.lost += 1
                continue
            self.delivered.add(event["id"])
            if chance < 2 * SHARE:
                self.delayed += 1
                self.late.append(event)
                continue
            now.append(event)
            if chance < 3 * SHARE:
                self.doubled += 1
                twice.append(event)
        self._publish(now)
        self._publish(twice, again="-again")

    def carry_late(self) -> None:
        self._publish(self.late)
        self.late = []

    def _publish(self, events: list[dict[str, Any]], again: str = "") -> None:
        if events:
            asyncio.run(publish(events, [self._url], again=again))
