"""`images replay --follow`: Cloud Trace Service as an event source, where nothing can push events."""

import argparse
import json
import os
import select
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

from handlers.commands.files import ServiceAway, UsageError
from handlers.commands.images.cloud import Cloud
from handlers.commands.images.place import Place
from handlers.commands.images.sending import ToSend, send_one, to_send
from handlers.commands.images.trace_service import KEPT, TraceService
from handlers.commands.images.trace_store import Traces, time_of
from handlers.commands.output.report import Report, counts
from handlers.commands.signals import on_signals
from handlers.commands.targets import Answer, Target, open_target
from handlers.core.json_access import rfc3339
from handlers.core.json_text import plain
from handlers.edges.settings import Settings

LOOK_EVERY = 60.0
PAUSE_MAX = 60.0
"""Seconds: between two looks for new traces, and the longest between two attempts to send."""

RECENT = timedelta(hours=1)
"""How far back without --since."""


class Stopped(Exception):
    """SIGTERM or Ctrl-C has come, or nobody reads the output any more."""


class Follower:
    """Looks for traces for ever, and sends each once.

    An event that the function wants again later stays undone: the place does not advance beyond it, and the
    next look finds it again.
    """

    def __init__(self, asked: argparse.Namespace, place: Place, stop: "Stop") -> None:
        self._place = place
        self._stop = stop
        self._as_json = asked.json
        self._pause = 1 / asked.rate
        self.counts = Counter[str]()

    def run(self, service: TraceService, traces_of: Settings, target: Target) -> None:
        """Ends with Stopped, or with UsageError where the place cannot be kept."""
        has_read = False
        while True:
            now = datetime.now(UTC)
            self._place.correct(now)
            since = self._place.since
            if since < now - KEPT:
                self._say(
                    "gap", f"traces before {now - KEPT:%Y-%m-%d %H:%M} are gone: they are kept for 7 days"
                )
                since = now - KEPT
            with closing(Traces(traces_of.signals)) as traces:
                try:
                    for trace in service.between(since, now):
                        traces.add(trace)
                except UsageError as error:
                    if not has_read and not isinstance(error, ServiceAway):
                        raise  # what never worked is a wrong setting or a missing right
                    self._say("unreadable", str(error))
                else:
                    has_read = True
                    self._place.advance(min(self._send(traces, target) or now, now))
            self._stop.wait(LOOK_EVERY)

    def _send(self, traces: Traces, target: Target) -> datetime | None:
        """Sends what is new. Returns the time of the oldest trace that is not done; None if all are."""
        oldest: datetime | None = None
        for trace in traces:
            each, at = to_send(trace), time_of(trace) or datetime.now(UTC)
            if each.about in self._place:
                continue
            answer = self._until_reached(each, target)
            if answer.is_final:
                self._place.add(each.about, at)
            else:
                oldest = oldest or at
            self._say(answer.outcome or "retry", answer.detail, each.about)
            self._stop.wait(self._pause)
        return oldest

    def _until_reached(self, each: ToSend, target: Target) -> Answer:
        """Sends one event, as often as it takes to reach the function or the bus."""
        pause = 1.0
        while True:
            answer = send_one(each, target)
            if not answer.stop:
                return answer
            self._say("waiting", answer.detail, each.about)
            self._stop.wait(pause)
            pause = min(2 * pause, PAUSE_MAX)

    def _say(self, outcome: str, detail: str, trace_id: str = "") -> None:
        self.counts[outcome] += 1
        time = rfc3339(datetime.now(UTC))
        if self._as_json:
            line = json.dumps({"time": time, "trace_id": trace_id, "outcome": outcome, "detail": detail})
        else:
            line = plain(f"{time} {': '.join(filter(None, (trace_id, outcome, detail)))}")
        try:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            raise Stopped from None


class Stop:
    """Whether to end, which signals say. It ends a wait at once, and never what is being sent.

    A handler may run in the middle of anything, so it must take no lock. It writes to a pipe.
    """

    def __init__(self) -> None:
        self._said, self._say = os.pipe()

    def wait(self, seconds: float) -> None:
        """Waits. Raises Stopped."""
        if select.select([self._said], [], [], seconds)[0]:
            raise Stopped

    def stop(self) -> None:
        os.write(self._say, b".")


def follow(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Runs until a signal comes. Raises UsageError or InvalidSetting."""
    if asked.files or asked.until:
        raise UsageError("--follow asks Cloud Trace Service for ever; leave out the files and --until")
    if not asked.state:
        raise UsageError("--follow keeps its place in a file; name one with --state FILE")
    settings, stop = Settings.from_environ(environ), Stop()
    service = TraceService(Cloud.of(settings, environ, stop.wait), settings.signals)
    place = Place(asked.state, asked.since or datetime.now(UTC) - RECENT)
    place.save()
    follower = Follower(asked, place, stop)
    with (
        closing(open_target(asked.to, environ, asked.token_file, wait=stop.wait, defers=True)) as target,
        on_signals(stop.stop),
        suppress(Stopped),
    ):
        follower.run(service, settings, target)
    said = counts(follower.counts) or "nothing was sent"
    return Report({"ended": follower.counts}, [f"Ended by a signal: {said}."], 0)
