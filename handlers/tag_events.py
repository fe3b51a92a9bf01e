"""Tags the images of one delivery side by side, within the budget of a delivery."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import NamedTuple, TypeVar

from handlers.core.budget import AT_ONCE, MAX_IMAGES
from handlers.core.dead_letters import DEAD_LETTER_MARK
from handlers.core.errors import (
    CredentialsRejected,
    DeliveryTooLarge,
    InvalidEvent,
    OutOfTime,
    TagApiUnavailable,
    TaggingError,
    Throttled,
)
from handlers.core.events import ImageCreated
from handlers.core.outcomes import Age, Outcome, combine, outcome_of
from handlers.core.received import Received, Unparsable
from handlers.core.results import ImageResult
from handlers.core.rules import RuleTable
from handlers.image_created import Services, images_in, in_time, tag_image
from handlers.side_by_side import side_by_side

T = TypeVar("T")
R = TypeVar("R")

NO_OUTCOME = combine([])

GENERAL = (Throttled, TagApiUnavailable, CredentialsRejected)
"""Errors that all images of an event would meet."""


@dataclass(eq=False, slots=True)
class Event:
    """One event while it is handled.

    traceparent: of its delivery. results: one for each of its images, or one for the event. general: a
    result that the remaining images would have as well. late: whether an image ran out of time because it had
    to wait for its turn.
    """

    received: Received | Unparsable
    traceparent: str | None
    results: list[ImageResult] = field(default_factory=list)
    general: ImageResult | None = None
    late: bool = False
    seconds: float = 0
    outcome: Outcome = NO_OUTCOME

    @property
    def is_returned(self) -> bool:
        """Whether it is a dead letter that was delivered again. Storing it again could start a loop."""
        return isinstance(self.received, Received) and DEAD_LETTER_MARK in self.received.event


class _Image(NamedTuple):
    """An image that waits for its turn, with the rules that were in use when its event was read."""

    event: Event
    image: ImageCreated
    rules: RuleTable
    matching: Sequence[int] | None


def tag_events(events: Sequence[Event], services: Services, deadline: float) -> None:
    """Sets the results of each event. deadline: of `time.monotonic`, for all events together."""
    began = time.monotonic()
    images = [*chain.from_iterable(_in_turn(partial(_gather, services, deadline), events))]
    if len(images) > MAX_IMAGES:
        too_many = f"the delivery is about {len(images)} images; at most {MAX_IMAGES} are tagged"
        for image in images[MAX_IMAGES:]:
            image.event.results = [failed(DeliveryTooLarge(too_many))]
        images = images[:MAX_IMAGES]
    tag = partial(_tag, services, deadline)
    first, last = _turns(images)
    for turn, place in ((first, 0), (last, AT_ONCE)):
        for image, result in zip(turn, _in_turn(tag, turn, place), strict=True):
            image.event.results.append(result)
    late = False
    for event in events:
        event.seconds = time.monotonic() - began
        results = event.results
        event.outcome = (
            results[0].outcome if len(results) == 1 else combine([result.outcome for result in results])
        )
        late |= event.late
    if late:
        _refuse_late(events)


def _turns(images: Sequence[_Image]) -> tuple[list[_Image], list[_Image]]:
    """Images to tag at once, and those that have to wait for them.

    An event that fills in reads what another event of the same image has written, so it comes after that.
    """
    written = {image.image.id.lower() for image in images if not image.image.fills_in}
    first, last = list[_Image](), list[_Image]()
    for image in images:
        waits = image.image.fills_in and image.image.id.lower() in written
        (last if waits else first).append(image)
    return first, last


def _in_turn(work: Callable[[tuple[int, T]], R], items: Sequence[T], first: int = 0) -> list[R]:
    """The results of `work` for each item and its position. first: the position of the first item."""
    turns = list(enumerate(items, first))
    return [*map(work, turns)] if len(turns) <= 1 else side_by_side(work, turns)


def refused(received: Received | Unparsable) -> ImageResult:
    """The result for bytes that are not an event, or for a dead letter that was delivered again."""
    if isinstance(received, Unparsable):
        return failed(received.error)
    return failed(
        InvalidEvent("the event is a dead letter; strip its dead-letter attributes to send it again")
    )


def failed(error: TaggingError) -> ImageResult:
    """The result of an event that ends with this error, whatever its age."""
    return ImageResult(outcome_of(error, Age(None, 0), {}), error=error)


def _gather(services: Services, deadline: float, turn: tuple[int, Event]) -> list[_Image]:
    """The images of an event; none if the event itself has a result."""
    place, event = turn
    event.results, event.general, event.late = [], None, False
    received = event.received
    if isinstance(received, Unparsable) or event.is_returned:
        event.results = [refused(received)]
        return []
    images, rules, matching = images_in(received.event, services, deadline), services.rules(), None
    if isinstance(images, ImageResult):
        event.results, event.late = [images], place >= AT_ONCE and _is_late(images, deadline)
        return []
    if len(images) > 1 and not rules.tells_images_apart:
        try:
            matching = rules.matching(images[0].event, lambda: in_time(deadline))
        except OutOfTime as error:
            event.results = [failed(error)]
            return []
    return [_Image(event, image, rules, matching) for image in images]


def _tag(services: Services, deadline: float, turn: tuple[int, _Image]) -> ImageResult:
    """Tags an image, unless an earlier image of the event met an error that this one would meet as well."""
    place, (event, image, rules, matching) = turn
    if event.general:
        return event.general._replace(image=image, tried=False)
    result = tag_image(image, rules, services, deadline, matching)
    if isinstance(result.error, GENERAL):
        event.general = result
    event.late |= place >= AT_ONCE and _is_late(result, deadline)
    return result


def _is_late(result: ImageResult, deadline: float) -> bool:
    """Whether an image that had to wait for its turn ran out of time."""
    return result.outcome.kind == "retry" and time.monotonic() >= deadline


def _refuse_late(events: Sequence[Event]) -> None:
    """Makes dead letters of the events that ran out of time, if the same delivery would never fit.

    That is so if time is the only reason for every retry, and other events ended within it.
    """
    retries = [event for event in events if event.outcome.kind == "retry"]
    used = any(result.outcome.kind != "retry" for event in events for result in event.results)
    if not retries or not used or not all(event.late for event in retries):
        return
    done = len(events) - len(retries)
    message = f"{done} of {len(events)} events fit into EVENT_TIMEOUT; send at most {done} at a time"
    if not done:
        message = "the images of one event do not fit into EVENT_TIMEOUT; raise it"
    too_large = failed(DeliveryTooLarge(message))
    for event in retries:
        event.results = [
            result._replace(outcome=too_large.outcome, error=too_large.error)
            if result.outcome.kind == "retry"
            else result
            for result in event.results
        ]
        event.outcome = combine([result.outcome for result in event.results])
