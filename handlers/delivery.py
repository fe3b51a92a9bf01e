"""Handles one delivery: tags its images, logs each result, and stores the dead letters."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from handlers.core.dead_letters import Sink, dead_letter
from handlers.core.errors import DeadLetterFailed
from handlers.core.outcomes import Outcome, combine
from handlers.core.received import Received, Unparsable
from handlers.core.results import ImageResult
from handlers.image_created import Services
from handlers.log_fields import LOG_NAMES, event_fields, redact_values, result_fields
from handlers.tag_events import Event, failed, tag_events


class Delivered(NamedTuple):
    """How a delivery ended. events: how many it held. stored: whether its dead letters are in the sink."""

    outcome: Outcome
    events: int
    stored: bool = False


class Deliveries:
    """Handles deliveries.

    sink: None if the bus stores dead letters. event_timeout: seconds. log_tag_values: whether log lines and
    reasons may hold the values of tags.
    """

    def __init__(
        self, log: Callable[..., None], sink: Sink | None, *, event_timeout: float, log_tag_values: bool
    ) -> None:
        self._log = log
        self._sink = sink
        self._event_timeout = event_timeout
        self._log_tag_values = log_tag_values

    def handle(
        self,
        delivery: Sequence[Received | Unparsable],
        services: Services,
        deadline: float,
        *,
        traceparent: str | None = None,
        retry_budget: float = 0,
    ) -> Delivered:
        """Tags the images of all events, and stores those events that are dead letters.

        deadline: of `time.monotonic`, for everything. traceparent: of the delivery, for the log.
        retry_budget: seconds for which retries are repeated in place, each with a new deadline. It is for
        FunctionGraph, which delivers again only a few times.
        """
        began = time.monotonic()
        events = [Event(each, traceparent) for each in delivery]
        self._tag(events, services, deadline)
        while retry_budget and (retries := [event for event in events if event.outcome.kind == "retry"]):
            pause = max(1.0, *(event.outcome.retry_after for event in retries))
            if time.monotonic() + pause + self._event_timeout > began + retry_budget:
                break
            time.sleep(pause)
            deadline = time.monotonic() + self._event_timeout
            self._tag(retries, services, deadline)
        return self._settle(events, deadline)

    def _tag(self, events: Sequence[Event], services: Services, deadline: float) -> None:
        """Tags the images of these events, and logs every result but dead letters."""
        if self._sink:  # reserves a part of the time for storing dead letters
            deadline -= min(1.0, self._event_timeout / 4)
        tag_events(events, services, deadline)
        for event in events:
            if not self._log_tag_values:
                event.results = [_redacted(result) for result in event.results]
                event.outcome = combine([result.outcome for result in event.results])
            if event.outcome.kind != "dead-letter":
                self._log_event(event, event.results)

    def _settle(self, events: Sequence[Event], deadline: float) -> Delivered:
        """Stores the dead letters, unless the delivery is retried or the bus stores them."""
        outcome = events[0].outcome if len(events) == 1 else combine([event.outcome for event in events])
        dead = [event for event in events if event.outcome.kind == "dead-letter"]
        # Storing a dead letter again that was delivered again could start a loop.
        letters = [event for event in dead if not event.is_returned]
        stored = list[Event]()
        if not events:
            self._log(
                "event.ignored",
                severity="WARNING",
                outcome=outcome.kind,
                reason=outcome.reason,
                detail=outcome.message,
            )
        elif outcome.kind == "retry":
            for event in dead:
                self._log_event(event, [_not_stored(result, outcome) for result in event.results])
            dead = []
        elif letters and self._sink:
            now = datetime.now(UTC)
            try:
                self._sink([dead_letter(event.received, event.outcome, now) for event in letters], deadline)
            except DeadLetterFailed as error:
                outcome = failed(error).outcome
                self._log(
                    "dead_letter.failed", severity="ERROR", reason=outcome.reason, detail=outcome.message
                )
                for event in dead:
                    self._log_event(event, [_not_stored(each, outcome) for each in event.results])
                dead = []
            else:
                stored = letters
        for event in dead:
            self._log_event(event, event.results, stored=event in stored or None)
        return Delivered(outcome, len(events), bool(stored) and len(stored) == len(dead))

    def _log_event(self, event: Event, results: Sequence[ImageResult], *, stored: bool | None = None) -> None:
        """Logs one line for the event, or for each of its images that was tried."""
        tried = [result for result in results if result.tried]
        fields = event_fields(event.received, event.traceparent)
        for result in tried:
            if absent := result.absent_parent:
                self._log(
                    "parent.absent",
                    severity="DEBUG",
                    **fields,
                    image_id=result.image.id if result.image else None,
                    parent_id=absent.id,
                    reason=type(absent.error).__name__,
                    detail=str(absent.error),
                )
            self._log(
                LOG_NAMES[result.outcome.kind],
                **fields,
                **result_fields(
                    result,
                    values=self._log_tag_values,
                    seconds=event.seconds,
                    images_not_tried=len(results) - len(tried),
                    stored=stored,
                ),
            )


def _not_stored(result: ImageResult, delivery: Outcome) -> ImageResult:
    """The result of a dead letter that is not stored yet, because its delivery is retried."""
    if result.outcome.kind != "dead-letter":
        return result
    own = result.outcome
    message = (
        f"{own.message}; not stored as a dead letter, because the delivery comes again: {delivery.reason}"
    )
    return result._replace(
        outcome=own._replace(kind="retry", message=message, retry_after=delivery.retry_after)
    )


def _redacted(result: ImageResult) -> ImageResult:
    outcome = result.outcome
    return result._replace(outcome=outcome._replace(message=redact_values(outcome.message, result.plan)))
