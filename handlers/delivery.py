"""One delivery: its events handled, those that want it tried again in place, its dead letters kept."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from handlers.core.dead_letters.attributes import Sink, letter_of
from handlers.core.errors import DeadLetterFailed
from handlers.core.outcomes import Age, Outcome, combine, outcome_of

Event = dict[str, Any] | Exception

NEVER_YOUNG = Age(None, 0)


class Settled(NamedTuple):
    """kept: the dead letters are in the sink, so the bus need not keep them."""

    outcome: Outcome
    kept: bool = False


def handled(
    events: Sequence[Event],
    handle: Callable[[Event, float], Outcome],
    deadline: float,
    *,
    timeout: float = 0,
    patience: float = 0,
) -> list[Outcome]:
    """Handles each event, and those that want a retry again while that fits into `patience`.

    deadline: of `time.monotonic`, for all events together. timeout: seconds, the same for each further try.
    patience: seconds, for FunctionGraph alone, which delivers again a few times at the most.
    """
    began = time.monotonic()
    outcomes = [handle(event, deadline) for event in events]
    while patience and (waits := [each.retry_after for each in outcomes if each.kind == "retry"]):
        pause = max(1.0, *waits)
        if time.monotonic() + pause + timeout > began + patience:
            break
        time.sleep(pause)
        deadline = time.monotonic() + timeout
        outcomes = [
            handle(event, deadline) if outcome.kind == "retry" else outcome
            for event, outcome in zip(events, outcomes, strict=True)
        ]
    return outcomes


def settled(
    events: Sequence[Event],
    outcomes: Sequence[Outcome],
    sink: Sink | None,
    deadline: float,
    log: Callable[..., None],
) -> Settled:
    """The outcome of the delivery. Where it is a dead letter, a sink keeps all of them, or it is a retry.

    deadline: of `time.monotonic`, for the sink.
    """
    outcome = combine(outcomes)
    if not events:
        log(
            "event.ignored",
            severity="WARNING",
            outcome=outcome.kind,
            reason=outcome.reason,
            why=outcome.message,
        )
    if outcome.kind != "dead-letter" or sink is None:
        return Settled(outcome)
    now = datetime.now(UTC)
    letters = [
        letter_of(event, each, now)
        for event, each in zip(events, outcomes, strict=True)
        if each.kind == "dead-letter"
    ]
    if None in letters:
        return Settled(outcome)
    try:
        for letter in filter(None, letters):
            sink(letter, deadline)
    except DeadLetterFailed as error:
        log("dead_letter.failed", severity="ERROR", why=str(error))
        return Settled(outcome_of(error, NEVER_YOUNG, {}))
    return Settled(outcome, kept=True)
