"""What Cloud Trace Service (CTS) remembers of what happened: the traces of the last seven days.

How many traces it loses, and how long one takes until it can be queried, is not published; that the same one
can come twice is said of its files. So all of that can be set.
"""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Any

from deploy.local.ims.fields import ANY_NUMBER, FLAG, SHARE, at_least, one_of

KEPT = 7 * 86_400.0
"""Seconds that a trace can be queried."""

Trace = dict[str, Any]
_TIME = attrgetter("time")


@dataclass(frozen=True)
class TraceSettings:
    on: Annotated[bool, FLAG] = True
    """Off: nothing is recorded, and a query finds nothing."""
    loss: Annotated[float, SHARE] = 0
    """The share of traces that are never recorded, from 0 to 1."""
    doubles: Annotated[float, SHARE] = 0
    """The share of traces that are recorded twice."""
    delay: Annotated[float, at_least(0)] = 0
    """Seconds until a trace can be queried."""
    seed: Annotated[int, ANY_NUMBER] = 0
    """Which traces are lost and doubled."""
    bodies: Annotated[str, one_of("text", "objects")] = "text"
    """`text`, or `objects`: how `request`, `response` and `code` come; the reference shows both."""
    marker_on_last_page: Annotated[bool, FLAG] = False
    """Whether the last page still has a marker, as the reference's sample has, against its own table."""


@dataclass(frozen=True)
class Recorded:
    project_id: str
    trace: Trace
    time: int
    """Milliseconds since the epoch."""
    visible_at: float
    """Seconds since the epoch."""


class Traces:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._recorded: list[Recorded] = []
        self.change(TraceSettings())

    def change(self, settings: TraceSettings) -> None:
        """Which traces are lost and doubled starts again from the seed."""
        self.settings = settings
        self._chance = random.Random(settings.seed)  # noqa: S311 - a repeatable share, no secret

    def record(self, trace: Trace) -> None:
        """What happened just now, unless the settings lose it."""
        lost, doubled = self._chance.random(), self._chance.random()
        if self.settings.on and lost >= self.settings.loss:
            for _ in range(2 if doubled < self.settings.doubles else 1):
                self.insert(trace, self._clock() + self.settings.delay)

    def insert(self, trace: Trace, visible_at: float = 0) -> None:
        """A trace of any time. That an answer does not name the project is documented."""
        fields = {name: value for name, value in trace.items() if name != "project_id"}
        recorded = Recorded(trace["project_id"], fields, trace["time"], visible_at)
        self._recorded.insert(bisect_right(self._recorded, recorded.time, key=_TIME), recorded)

    def __iter__(self) -> Iterator[Recorded]:
        """All of them, the oldest first."""
        return iter(self._recorded)

    def newest_first(
        self, project_id: str, after: float, before: float, marker: str | None = None
    ) -> Iterator[Trace]:
        """What this project can query; after, before: milliseconds, themselves left out.

        marker: the id of a trace; only older ones then. Raises `LookupError` if there is no such trace.
        """
        now = self._clock()
        first = bisect_right(self._recorded, max(after, (now - KEPT) * 1000), key=_TIME)
        end = bisect_left(self._recorded, before, key=_TIME)
        if marker is not None:
            end = min(end, self._place(project_id, marker))
        return (
            recorded.trace
            for recorded in reversed(self._recorded[first:end])
            if recorded.project_id == project_id and recorded.visible_at <= now and self.settings.on
        )

    def _place(self, project_id: str, trace_id: str) -> int:
        """Where a trace is, or the older one of two."""
        for place, recorded in enumerate(self._recorded):
            if recorded.project_id == project_id and recorded.trace["trace_id"] == trace_id:
                return place
        raise LookupError(trace_id)
