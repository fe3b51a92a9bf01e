"""The rate of the subscription: by table, by property, in floods of virtual time, and on a real bus."""

import threading
import time
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.js import JetStreamContext

from deploy.nats.rate import SLOWEST, AdaptiveRate
from tests.processes.bus import Answer, Bus, HttpSubscriber, Received, Subscribing

EVENT = {"ce-specversion": "1.0", "ce-id": "42", "ce-source": "/images", "ce-type": "image.created"}


def slowed(accepted: int, pause: float = 1.0) -> AdaptiveRate:
    """A rate, after so many deliveries within the first second and a refusal at its end."""
    rate = AdaptiveRate()
    for number in range(accepted):
        rate.begin(number / accepted)
        rate.accepted(number / accepted)
    assert rate.refused(1.0, began=0.9, pause=pause)
    return rate


def test_no_limit_no_rate() -> None:
    """Where nothing is refused every delivery begins at once, however many do."""
    rate = AdaptiveRate()
    for number in range(10_000):
        assert rate.wait(number / 1e6) == 0
        rate.begin(number / 1e6)
        rate.accepted(number / 1e6)
        assert not rate.recovered(number / 1e6)
    assert rate.per_second == inf


@pytest.mark.parametrize(("accepted", "rate"), [(0, SLOWEST), (1, SLOWEST), (20, 10), (200, 100)], ids=str)
def test_first_refusal(accepted: int, rate: float) -> None:
    """The first rate is what was borne lately, a burst counted as a second's worth, and never below 1."""
    assert slowed(accepted).per_second == pytest.approx(rate, rel=0.01)


def test_pause_holds() -> None:
    """After a refusal nothing begins before the pause has ended, and then one at a time."""
    rate = slowed(200, pause=3.0)
    assert rate.wait(1.0) == pytest.approx(3.0)
    assert rate.wait(4.0) == 0
    rate.begin(4.0)
    assert rate.wait(4.0) == pytest.approx(1 / rate.per_second)


def test_longest_pause_counts() -> None:
    """A shorter pause, or none, never ends a longer one."""
    rate = slowed(200, pause=9.0)
    rate.refused(2.0, began=1.5, pause=1.0)
    rate.refused(2.0, began=1.5, pause=0.0)
    assert rate.wait(2.0) == pytest.approx(8.0)


def test_one_step_for_what_was_on_its_way() -> None:
    """Refusals of deliveries that had begun before the rate slowed down do not slow it further."""
    rate = slowed(200)
    before = rate.per_second
    for _ in range(15):
        assert not rate.refused(1.1, began=0.99, pause=1.0)
    assert rate.per_second == before
    rate.refused(3.0, began=2.1, pause=1.0)
    assert rate.per_second == before / 2


def test_recovery() -> None:
    """When no limit is felt any more the rate grows, and is given up within half a minute; that is told."""
    rate, now = slowed(200), 2.0
    told = []
    while now < 32:
        told.append(rate.recovered(now))
        if not rate.wait(now):
            rate.begin(now)
            rate.accepted(now)
        now += 0.001
    assert rate.per_second == inf
    assert told.count(True) == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["begin", "accepted", "refused", "stale", "tick"]),
            st.floats(0, 5),
            st.floats(0, 3600),
        )
    )
)
def test_any_replies(steps: list[tuple[str, float, float]]) -> None:
    """Whatever comes, the rate is never below the slowest, no refusal speeds it up, and a wait has an end."""
    rate, now, longest = AdaptiveRate(), 0.0, 0.0
    for what, passed, pause in steps:
        now += passed
        before = rate.per_second
        match what:
            case "begin":
                rate.begin(now)
            case "accepted":
                rate.accepted(now)
            case "tick":
                rate.recovered(now)
                assert rate.per_second >= before
            case _:
                longest = max(longest, pause)
                rate.refused(now, began=now if what == "refused" else -1.0, pause=pause)
                assert rate.per_second <= before
        assert rate.per_second >= SLOWEST
        assert 0 <= rate.wait(now) <= longest + len(steps) / SLOWEST


@given(st.integers(2, 500), st.lists(st.floats(0, 0.05), min_size=1, max_size=200))
def test_never_faster_than_the_rate(accepted: int, delays: list[float]) -> None:
    """However late the loop comes, between two refusals no more begin than the rate says, and one."""
    rate, now = slowed(accepted), 2.0
    for begun, delay in enumerate(delays, start=1):
        now += rate.wait(now) + delay
        rate.begin(now)
        assert begun <= (now - 2.0) * rate.per_second + 2 + 1e-6


# --- floods in virtual time


def bucket(limit: float) -> Callable[[float], bool]:
    """Holds the calls of one second, and starts full."""
    room, seen = limit, 0.0

    def admits(now: float) -> bool:
        nonlocal room, seen
        room, seen = min(limit, room + (now - seen) * limit), now
        room -= (admitted := room >= 1)
        return admitted

    return admits


def window(limit: float) -> Callable[[float], bool]:
    """Counts the calls of each second of the clock."""
    second, calls = -1, 0

    def admits(now: float) -> bool:
        nonlocal second, calls
        if int(now) != second:
            second, calls = int(now), 0
        calls += 1
        return calls <= limit

    return admits


def drained(events: int, admits: Callable[[float], bool], latency: float, places: int) -> tuple[float, float]:
    """Seconds until all are accepted, and the share of calls that was refused, with `Retry-After: 1`."""
    rate, now, calls, refused = AdaptiveRate(), 0.0, 0, 0
    waiting, free, replies = events, places, [(inf, 0, 0.0)]
    due: list[float] = []  # when a refused event is delivered again
    for order in count(1):
        while due and due[0] <= now:
            heappop(due)
            waiting += 1
        rate.recovered(now)
        if waiting and free and not rate.wait(now):
            rate.begin(now)
            waiting, free, calls = waiting - 1, free - 1, calls + 1
            heappush(replies, (now + latency, order, now))
            continue
        may_begin = now + rate.wait(now) if waiting and free else inf
        replied, _, began = replies[0]
        now = min(may_begin, replied, due[0] if due else inf)
        if now != replied:
            continue
        heappop(replies)
        free += 1
        if admits(began + latency / 2):
            events -= 1
            rate.accepted(now)
        else:
            refused += 1
            rate.refused(now, began=began, pause=1.0)
            heappush(due, now + 1.0)
        if not events:
            break
    return now, refused / calls


@pytest.mark.parametrize("limiter", [bucket, window], ids=["bucket", "window"])
@pytest.mark.parametrize(
    ("limit", "latency", "places"),
    [
        *((20, latency, 16) for latency in (0.005, 0.05, 0.2)),
        *((100, latency, 32) for latency in (0.005, 0.05, 0.2)),
        *((500, latency, 64) for latency in (0.005, 0.05)),
    ],
    ids=str,
)
def test_flood(
    limiter: Callable[[float], Callable[[float], bool]], limit: int, latency: float, places: int
) -> None:
    """A backlog drains in at most 1.25 times the time that the limit needs; a tenth of calls is refused."""
    events = 50 * limit
    seconds, wasted = drained(events, limiter(limit), latency, places)
    assert seconds <= 1.25 * events / limit
    assert wasted <= 0.1


def test_flood_without_a_limit() -> None:
    """Without a limit a backlog drains as fast as places and latency allow."""
    seconds, wasted = drained(1000, lambda _: True, 0.05, 16)
    assert seconds == pytest.approx(1000 / 16 * 0.05, rel=0.02)
    assert wasted == 0


# --- on the bus


def test_flood_on_the_bus(
    own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Callable[..., Subscribing]
) -> None:
    """At a subscriber with a limit a flood is drained without loss and with few refusals, and told once."""
    began, admits, one = time.monotonic(), bucket(50), threading.Lock()
    answers: list[int] = []

    def answer(_: Received) -> Answer:
        with one:
            answers.append(204 if admits(time.monotonic() - began) else 429)
            return Answer(answers[-1], {"Retry-After": "1"})

    http_subscriber.answer = answer
    subscription = subscribing(NATS_URL=own_bus.url, SUBSCRIBER_URL=http_subscriber.url, PARALLEL="8")
    subscription.logged("subscription.ready")

    async def publish(js: JetStreamContext) -> None:
        for _ in range(250):
            await js.publish("images.created", b"{}", headers=EVENT)

    own_bus.do(publish)
    subscription.logged("delivery.accepted", 250)
    subscription.logged("subscription.slowed")
    assert answers.count(429) <= len(answers) / 10
    assert own_bus.count() == own_bus.count("IMAGES_DEAD") == 0
    assert [line["message"] for line in subscription.lines].count("subscription.slowed") == 1
