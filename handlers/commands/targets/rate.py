"""How fast events are sent."""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

RATE_MAX = 1000

T = TypeVar("T")
Wait = Callable[[float], None]


def at_rate(items: Iterable[T], rate: float, wait: Wait = time.sleep) -> Iterator[T]:
    """The items, of which at most so many begin a second. wait: for so many seconds."""
    begin = time.monotonic()
    for item in items:
        wait(max(0.0, begin - time.monotonic()))
        begin = time.monotonic() + 1 / rate
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
