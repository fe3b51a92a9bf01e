"""How fast commands send events."""

import pytest

from handlers.commands.targets.rate import at_rate


class Clock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def beginnings(rate: float, took: list[float]) -> list[float]:
    """When each item begins, in seconds. took: how long each takes."""
    clock, begun = Clock(), list[float]()
    for seconds in at_rate(took, rate, clock.wait, clock):
        begun.append(clock())
        clock.wait(seconds)
    return begun


def test_pace() -> None:
    """Items that take no time begin at equal distances."""
    assert beginnings(50, [0.0] * 101)[-1] == pytest.approx(2)
    assert beginnings(0.5, [0.0] * 4) == pytest.approx([0, 2, 4, 6])


@pytest.mark.parametrize("pause", [0.1, 0.5, 1.0])
def test_catch_up(pause: float) -> None:
    """An item that takes long now and then does not make all of them slower."""
    took = [pause if number % 100 == 10 else 0.001 for number in range(1_001)]
    assert beginnings(50, took)[-1] == pytest.approx(20, abs=0.1)


def test_after_a_long_pause() -> None:
    """What is made up for is one second at most: two seconds of events in one, and then no more of them."""
    took = [60.0 if number == 10 else 0.0 for number in range(1_001)]
    begun = beginnings(50, took)
    after = [at - begun[11] for at in begun[11:]]
    assert sum(at < 1 for at in after) <= 101
    assert after[-1] == pytest.approx((len(after) - 51) / 50, abs=0.1)


def test_slow_items() -> None:
    """Items that all take longer than the rate leaves begin as soon as the one before has ended."""
    assert beginnings(50, [0.1] * 11)[-1] == pytest.approx(1)
