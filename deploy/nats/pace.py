"""How fast deliveries may begin, learned from what the subscriber refuses: pure, the clock is handed in.

Fewer deliveries at once would not be enough: one place whose replies take 5 ms begins 200 a second, and
where the subscriber bears 100 the other half is refused or spent in pauses. So it is the rate that shrinks
and grows, and how many deliveries are in hand follows from it.

A refusal costs a pause, in which nothing is delivered. A plain halving and slow growth would be refused
every few seconds and wait most of the rest below the limit. So the limit is remembered: between what was
borne and what was refused. The rate comes near it within seconds, holds there for twenty pauses, and then
probes beyond it in steps that double, so that a limit that is gone is soon forgotten.
"""

from collections import deque
from math import inf

SLOWEST = 1.0
"""Deliveries a second. Below that the pauses do."""

TICK = 1.0
"""Seconds between two steps. Also what limits are counted by: most let a second's worth pass at once."""

MEMORY = 10.0
"""Seconds over which it is counted what the subscriber bears."""

NEAR = 0.95
"""How much of the presumed limit is used while the rate holds."""

HELD_PAUSES, LONGEST_HOLD = 20, 60.0
"""For how many pauses the rate holds before it probes, and for how many seconds at most."""

FIRST_STEP, STEP = 0.5, 0.01
"""Of the rate, what the first step beyond the limit is: large while nothing but a burst has been seen."""


class Pace:
    """The rate at which deliveries may begin. Times are seconds of one monotonic clock.

    rate: deliveries a second; infinite until one is refused, and again when no limit is felt any more.
    """

    def __init__(self) -> None:
        self.rate = inf
        self._limit = inf
        self._step = 0.0
        self._slowed_at = -inf
        self._hold_until = self._next_tick = inf
        self._next_begin = -inf
        self._begun = 0
        self._accepted: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Seconds until the next delivery may begin."""
        return max(0.0, self._next_begin - now)

    def begin(self, now: float) -> None:
        """A delivery begins."""
        self._begun += 1
        # One that is late does not delay the next; more than one is not caught up.
        self._next_begin = max(self._next_begin + 1 / self.rate, now)

    def accepted(self, now: float) -> None:
        """A delivery was accepted."""
        self._accepted.append(now)
        self._forget(now)

    def refused(self, now: float, *, began: float, pause: float) -> bool:
        """Too many: a delivery that began at `began` was refused, and none may begin for `pause` seconds.

        True if that ends a time without limit. What was on its way when the pace last slowed down is no news.
        """
        self._next_begin = max(self._next_begin, now + pause)
        if began <= self._slowed_at:
            return False
        borne, free = self._borne(now), self.rate == inf
        if free:
            self.rate = self._limit = borne
            self._step = FIRST_STEP * self.rate
            self._hold_until = now
        else:
            self._limit = max(SLOWEST, (self.rate + borne) / 2)
            self.rate = max(SLOWEST, self.rate / 2, min(self.rate, borne))
            self._step = STEP * self._limit
            self._hold_until = now + pause + min(HELD_PAUSES * max(pause, TICK), LONGEST_HOLD)
        self._slowed_at = now
        self._next_tick = now + pause + TICK
        self._begun = 0
        return free

    def recovered(self, now: float) -> bool:
        """Speed up if it is time to; True if the rate was needed no longer and is infinite again."""
        if now < self._next_tick:
            return False
        begun, self._begun = self._begun, 0
        self._next_tick = now + TICK
        if self.rate < NEAR * self._limit:
            self.rate = min(NEAR * self._limit, (self.rate + self._limit) / 2)
        elif now >= self._hold_until:
            if begun < self.rate / 2:
                self.rate = self._next_tick = inf
                return True
            self.rate += self._step
            self._step *= 2
        return False

    def _borne(self, now: float) -> float:
        """Deliveries a second that were accepted lately; a burst counts as a second's worth."""
        self._forget(now)
        seconds = now - self._accepted[0] if self._accepted else 0.0
        borne = len(self._accepted) / (seconds + TICK)
        self._accepted.clear()
        return max(SLOWEST, borne)

    def _forget(self, now: float) -> None:
        while self._accepted and self._accepted[0] < now - MEMORY:
            self._accepted.popleft()
