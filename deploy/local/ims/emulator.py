"""The emulator's parts, in one place that a reset can put back to the start."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from deploy.local.ims.events import creation_ended
from deploy.local.ims.gateway.call_log import NEWEST, CallLog
from deploy.local.ims.gateway.faults import Faults
from deploy.local.ims.gateway.rate import Rate
from deploy.local.ims.publisher import Publisher
from deploy.local.ims.state import Cloud, Identity, Job, Jobs, Settings, Traces
from deploy.local.ims.state.traces import TraceSettings


class Emulator:
    """scene: how the services behave at the start, and after a reset."""

    def __init__(
        self,
        tokens: Sequence[str],
        publisher: Publisher | None,
        scene: tuple[Settings, TraceSettings] = (Settings(), TraceSettings()),
    ) -> None:
        self._tokens = tokens
        self._scene = scene
        self._publisher = publisher
        self._next_end: asyncio.TimerHandle | None = None
        self.reset()

    def reset(self) -> None:
        self.cloud = Cloud(self._tokens)
        self.cloud.settings = self._scene[0]
        self.identity = Identity(self.cloud)
        self.jobs = Jobs(self.cloud)
        self.traces = Traces(self.cloud.clock)
        self.traces.change(self._scene[1])
        self.faults = Faults()
        self.rate = Rate()
        self.calls = CallLog()
        self.events: deque[dict[str, Any]] = deque(maxlen=NEWEST)
        if self._publisher is not None:
            self._publisher.forget()

    def send(self, event: dict[str, Any]) -> None:
        """Record the trace, and have the bus told of it, which is another way and fails on its own."""
        self.traces.record(event["data"])
        self.events.append(event)
        if self._publisher is not None:
            self._publisher.publish(event)

    def begin(self, job: Job, requested: dict[str, Any]) -> None:
        """Let a job run; `requested` is the event of the call that asked for it."""
        self.jobs.add(job)
        if job.settings.traces in {"in order", "first only"}:
            self.send(requested)
        elif job.settings.traces == "reversed":
            job.delayed_trace = requested
        self.finish_jobs()

    def finish_jobs(self) -> None:
        """End the jobs whose time has come, with their traces, and come back for the next one."""
        if self._next_end is not None:
            self._next_end.cancel()
            self._next_end = None
        for job in self.jobs.finish_due():
            if job.settings.traces != "first only":
                self.send(creation_ended(job, self.jobs.answer(job), self.cloud.clock()))
            if job.delayed_trace is not None:
                self.send(job.delayed_trace)
        seconds = self.jobs.next_end()
        if seconds is not None:
            self._next_end = asyncio.get_running_loop().call_later(seconds, self.finish_jobs)


EMULATOR = web.AppKey("EMULATOR", Emulator)
