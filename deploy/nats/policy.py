"""What follows from a reply, and when: pure, no waiting and no clock of its own."""

import random
from collections import deque
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto

LONGEST_RETRY_AFTER = 3600.0
LONGEST_BACK_OFF = 300.0

RETRY_SHARE = 0.5
"""The share of the deliveries that retries may take while new events wait."""

RETRY_BURST = 10.0
"""Seconds of retries that are not spread, so that a short failure is over soon."""

MEMORY, BURST = 10.0, 1.0
"""Seconds over which deliveries are counted, and the least: a burst counts as a second's worth."""

HALF_LIFE = 300.0
"""Seconds in which half of the highest speed is forgotten. If only retries come, they alone are the speed."""

SLOWEST_RETRIES = 10.0
"""Retries a second, however slow the deliveries are."""


class Outcome(Enum):
    ACCEPTED = auto()
    RETRY = auto()
    DEAD_LETTER = auto()


ACCEPTED = range(200, 300)
SERVER_ERRORS = range(500, 600)
# Speaks of all events, and slows down all deliveries. A 503 speaks of one: an image that is not ready is a
# 503 with `Retry-After`, and must not hold up the events of all others.
TOO_MANY = 429
# The rows of the Knative data-plane specification ("Retryable Status Codes"), next to 5xx and no reply.
RETRIED = frozenset(
    {
        404,  # the subscriber, or what the event is about, may not be there yet
        408,  # the subscriber waited for us
        409,  # something else is in the way for now
        TOO_MANY,
    }
)


def outcome_of(status: int | None, *, attempt: int, attempts: int) -> Outcome:
    """What becomes of an event after its attempt-th delivery (1 = first) was answered.

    status: of the reply, None where there was none: refused, broken or timed out.
    """
    if status in ACCEPTED:
        return Outcome.ACCEPTED
    transient = status is None or status in SERVER_ERRORS or status in RETRIED
    return Outcome.RETRY if transient and attempt < attempts else Outcome.DEAD_LETTER


def back_off(attempt: int) -> float:
    """Seconds to wait after the attempt-th delivery: 1 doubling to 300, less up to a half by chance."""
    longest = longest_back_off(attempt)
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, keeps no secret


def longest_back_off(attempt: int) -> float:
    # The exponent is bounded because 2 ** 1024 is no float.
    return min(LONGEST_BACK_OFF, 2.0 ** min(attempt - 1, 10))


def retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for (RFC 9110, 10.2.3), at most an hour, or None.

    now: an aware time; a date in the past asks for 0 seconds.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        seconds = float(value)
    else:
        try:
            date = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        # A date without a zone is in UTC: HTTP dates know no other.
        seconds = ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


class RetrySchedule:
    """Spreads retries over time. Times are seconds of one monotonic clock.

    The bus delivers what is due again before what is new. If all failed events were due as soon as they may
    be, many of them would take all deliveries, and new events would wait until the failed ones have ended. So
    each retry takes the next place in a row that moves at half of the speed that deliveries have had.
    """

    def __init__(self) -> None:
        self._begun: deque[float] = deque()
        self._speed = self._measured_at = 0.0
        self._row_ends = 0.0

    def begin(self, now: float) -> None:
        """A delivery begins."""
        self._begun.append(now)
        while self._begun[0] < now - MEMORY:
            self._begun.popleft()
        self._speed = max(len(self._begun) / (now - self._begun[0] + BURST), self._remembered(now))
        self._measured_at = now

    def delay(self, now: float, shortest: float) -> float:
        """Seconds until a retry: `shortest`, or more for its place, up to the longest back-off."""
        place = min(max(0.0, self._row_ends - now), LONGEST_BACK_OFF + RETRY_BURST)
        self._row_ends = now + place + 1 / max(SLOWEST_RETRIES, RETRY_SHARE * self._remembered(now))
        return max(shortest, place - RETRY_BURST)

    def _remembered(self, now: float) -> float:
        """Deliveries a second."""
        return self._speed * float(0.5 ** ((now - self._measured_at) / HALF_LIFE))
