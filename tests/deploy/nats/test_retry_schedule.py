"""When failed events are delivered again: by table, by property, and in bursts of virtual time."""

from heapq import heappop, heappush

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.nats.bus.streams import MOST_PENDING
from deploy.nats.policy import LONGEST_BACK_OFF, RETRY_BURST, SLOWEST_RETRIES, RetrySchedule, back_off

RETRY_AFTER = 10.0
"""Seconds, as the function asks for an image that does not exist yet."""


def test_a_few_failures() -> None:
    """A few failed events are delivered again when they may be, and no later."""
    retries = RetrySchedule()
    retries.begin(0.0)
    assert [retries.delay(0.0, shortest) for shortest in (0.02, 3.0, 3000.0, 1.0)] == [0.02, 3.0, 3000.0, 1.0]


def test_a_short_failure() -> None:
    """A second in which all deliveries fail does not delay the retries."""
    retries = RetrySchedule()
    for number in range(1000):
        retries.begin(number / 1000)
        assert retries.delay(number / 1000, 1.0) == 1.0


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100), st.floats(0, 3600)), max_size=200))
def test_any_failures(steps: list[tuple[bool, float, float]]) -> None:
    """No retry is earlier than it may be, and none later than the row is long, or the longest back-off."""
    retries, now, row = RetrySchedule(), 0.0, 0
    for begins, passed, shortest in steps:
        now += passed
        if begins:
            retries.begin(now)
        else:
            longest = min(row / SLOWEST_RETRIES, LONGEST_BACK_OFF)
            assert shortest <= retries.delay(now, shortest) <= max(shortest, longest)
            row += 1


def test_many_that_wait_alone() -> None:
    """A thousand failed events without any others are delivered again when they may be.

    That nothing but retries comes makes the deliveries slow, and must not make the retries slower.
    """
    retries, now = RetrySchedule(), 0.0
    due = [(number / 400, 0) for number in range(1000)]
    while now < 1800:
        now, attempt = heappop(due)
        retries.begin(now)
        shortest = max(RETRY_AFTER, back_off(attempt + 1))
        assert retries.delay(now, shortest) == shortest
        heappush(due, (now + shortest, attempt + 1))


def waited(failing: int, per_second: float) -> float:
    """Seconds that an event waits behind a burst of failing events until it is delivered.

    per_second: deliveries that the subscriber answers. Like the bus, it takes what is due again first.
    """
    retries, now, posted = RetrySchedule(), 0.0, 0
    due: list[tuple[float, int]] = []
    while posted < failing or (due and due[0][0] <= now):
        if due and due[0][0] <= now:
            _, attempt = heappop(due)
        else:
            posted, attempt = posted + 1, 0
        retries.begin(now)
        now += 1 / per_second
        delay = retries.delay(now, max(RETRY_AFTER, back_off(attempt + 1)))
        heappush(due, (now + delay, attempt + 1))
    return now


@pytest.mark.parametrize("per_second", [50, 400], ids=str)
@pytest.mark.parametrize("failing", [1000, 5000, MOST_PENDING], ids=str)
def test_burst(failing: int, per_second: float) -> None:
    """Behind a burst of failing events another one waits for twice their first deliveries at the most."""
    assert waited(failing, per_second) <= 2 * failing / per_second + RETRY_BURST + RETRY_AFTER
