"""The emulator's parts, in one place that a reset can put back to the start."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from .bus import Publisher
from .calls import NEWEST, Calls
from .events import creation_ended
from .faults import Faults
from .identity import Identity
from .jobs import Job, Jobs
from .rate import Rate
from .state import Cloud


class Emulator:
    def __init__(self, tokens: Sequence[str], publisher: Publisher | None) -> None:
        self._tokens = tokens
        self._publisher = publisher
        self._next_end: asyncio.TimerHandle | None = None
        self.reset()

    def reset(self) -> None:
        self.cloud = Cloud(self._tokens)
        self.identity = Identity(self.cloud)
        self.jobs = Jobs(self.cloud)
        self.faults = Faults()
        self.rate = Rate()
        self.calls = Calls()
        self.events: deque[dict[str, Any]] = deque(maxlen=NEWEST)
        if self._publisher is not None:
            self._publisher.forget()

    def send(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        if self._publisher is not None:
            self._publisher.publish(event)

    def begin(self, job: Job, requested: dict[str, Any]) -> None:
        """Let a job run; `requested` is the event of the call that asked for it."""
        self.jobs.add(job)
        if job.settings.traces in {"in order", "first only"}:
            self.send(requested)
        elif job.settings.traces == "reversed":
            job.overtaken = requested
        self.end_jobs()

    def end_jobs(self) -> None:
        """End the jobs whose time has come, with their traces, and come back for the next one."""
        if self._next_end is not None:
            self._next_end.cancel()
            self._next_end = None
        for job in self.jobs.end_due():
            if job.settings.traces != "first only":
                self.send(creation_ended(job, self.jobs.answer(job), self.cloud.clock()))
            if job.overtaken is not None:
                self.send(job.overtaken)
        seconds = self.jobs.next_end()
        if seconds is not None:
            self._next_end = asyncio.get_running_loop().call_later(seconds, self.end_jobs)


EMULATOR = web.AppKey("EMULATOR", Emulator)
