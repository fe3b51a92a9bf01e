"""How fast events are sent, and calls are made."""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

RATE_MIN, RATE_MAX = 0.001, 1000

CATCH_UP = 1.0
"""Seconds."""

T = TypeVar("T")
Wait = Callable[[float], None]


class Pace:
    """Lets at most `rate` things begin a second. wait: for so many seconds. clock: returns seconds.

    catch_up: seconds of time that was lost, because a thing took too long, that are made up for.
    """

    def __init__(
        self,
        rate: float,
        wait: Wait = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        catch_up: float = 0.0,
    ) -> None:
        self._pause = 1 / rate
        self._wait = wait
        self._clock = clock
        self._catch_up = catch_up
        self._due = clock()

    def begin(self) -> None:
        """Waits until the next thing may begin."""
        self._wait(max(0.0, self._due - self._clock()))
        now = self._clock()
        self._due = max(min(self._due, now), now - self._catch_up) + self._pause


def at_rate(
    items: Iterable[T], rate: float, wait: Wait = time.sleep, clock: Callable[[], float] = time.monotonic
) -> Iterator[T]:
    """The items, of which so many begin a second at most. wait: for so many seconds.

    Time that an item takes too long is made up for, up to CATCH_UP.
    """
    pace = Pace(rate, wait, clock, CATCH_UP)
    for item in items:
        pace.begin()
        yield item


def parse_rate(text: str) -> float:
    """A rate from the command line."""
    try:
        rate = float(text)
    except ValueError:
        rate = 0
    if not RATE_MIN <= rate <= RATE_MAX:
        raise argparse.ArgumentTypeError(f"{text!a} is no rate; it is from {RATE_MIN} to {RATE_MAX} a second")
    return rate
