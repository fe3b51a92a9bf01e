"""How fast events are sent."""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

RATE_MAX = 1000

CATCH_UP = 1.0
"""Seconds."""

T = TypeVar("T")
Wait = Callable[[float], None]


def at_rate(
    items: Iterable[T], rate: float, wait: Wait = time.sleep, clock: Callable[[], float] = time.monotonic
) -> Iterator[T]:
    """The items, of which so many begin a second at most. wait: for so many seconds.

    Time that an item takes too long is made up for, up to CATCH_UP.
    """
    due = clock()
    for item in items:
        wait(max(0.0, due - clock()))
        now = clock()
        due = max(min(due, now), now - CATCH_UP) + 1 / rate
        yield item


def parse_rate(text: str) -> float:
    """A rate from the command line."""
    try:
        rate = float(text)
    except ValueError:
        rate = 0
    if not 0 < rate <= RATE_MAX:
        raise argparse.ArgumentTypeError(
            f"{text!a} is no rate; it is above 0 and at most {RATE_MAX} a second"
        )
    return rate
