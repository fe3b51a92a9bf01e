"""How fast deliveries may begin, learned from what the subscriber refuses. Pure: the clock is handed in.

Fewer deliveries at once would not be enough. One slot whose replies take 5 ms begins 200 deliveries a
second. If the subscriber accepts 100, the other half is refused or spent in pauses. So the rate shrinks and
grows, and the number of deliveries in hand follows from it.

A refusal costs a pause, in which nothing is delivered. Plain halving and slow growth would be refused every
few seconds and would stay below the limit for most of the rest. So the limit is remembered: it lies between
the rate that was accepted and the rate that was refused. The rate comes near it within seconds, holds there
for twenty pauses, and then probes beyond it in steps that double, so that it soon forgets a limit that is
gone.
"""

from collections import deque
from math import inf

SLOWEST = 1.0
"""Deliveries a second. Below that, the pauses are enough."""

TICK = 1.0
"""Seconds between two steps, and the unit of limits: most let the calls of one second pass at once."""

MEMORY = 10.0
"""Seconds over which accepted deliveries are counted."""

NEAR = 0.95
"""The share of the presumed limit that is used while the rate holds."""

HELD_PAUSES, LONGEST_HOLD = 20, 60.0
"""How many pauses long the rate holds before it probes, and how many seconds at most."""

FIRST_STEP, STEP = 0.5, 0.01
"""The first step beyond the limit, as a share of the rate: large while only a burst has been seen."""


class AdaptiveRate:
    """The rate at which deliveries may begin. Times are seconds of one monotonic clock.

    per_second: deliveries; infinite until one is refused, and again when no limit is felt any more.
    """

    def __init__(self) -> None:
        self.per_second = inf
        self._limit = inf
        self._step = 0.0
        self._slowed_at = -inf
        self._hold_until = self._next_tick = inf
        self._next_begin = -inf
        self._begun = 0
        self._accepted: deque[float] = deque()

    @property
    def limited(self) -> bool:
        return self.per_second < inf

    def wait(self, now: float) -> float:
        """Seconds until the next delivery may begin."""
        return max(0.0, self._next_begin - now)

    def begin(self, now: float) -> None:
        """A delivery begins."""
        self._begun += 1
        # One that is late does not delay the next; more than one is not caught up.
        self._next_begin = max(self._next_begin + 1 / self.per_second, now)

    def accepted(self, now: float) -> None:
        """A delivery was accepted."""
        self._accepted.append(now)
        self._forget(now)

    def refused(self, now: float, *, began: float, pause: float) -> bool:
        """Too many: a delivery that began at `began` was refused, and none may begin for `pause` seconds.

        True if that ends a time without limit. A refusal of a delivery that had begun before the
        rate was last lowered says nothing new.
        """
        self._next_begin = max(self._next_begin, now + pause)
        if began <= self._slowed_at:
            return False
        accepted_rate, free = self._accepted_rate(now), self.per_second == inf
        if free:
            self.per_second = self._limit = accepted_rate
            self._step = FIRST_STEP * self.per_second
            self._hold_until = now
        else:
            self._limit = max(SLOWEST, (self.per_second + accepted_rate) / 2)
            self.per_second = max(SLOWEST, self.per_second / 2, min(self.per_second, accepted_rate))
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
        if self.per_second < NEAR * self._limit:
            self.per_second = min(NEAR * self._limit, (self.per_second + self._limit) / 2)
        elif now >= self._hold_until:
            if begun < self.per_second / 2:
                self.per_second = self._next_tick = inf
                return True
            self.per_second += self._step
            self._step *= 2
        return False

    def _accepted_rate(self, now: float) -> float:
        """Deliveries a second that were accepted lately; a burst counts as a second's worth."""
        self._forget(now)
        seconds = now - self._accepted[0] if self._accepted else 0.0
        accepted_rate = len(self._accepted) / (seconds + TICK)
        self._accepted.clear()
        return max(SLOWEST, accepted_rate)

    def _forget(self, now: float) -> None:
        while self._accepted and self._accepted[0] < now - MEMORY:
            self._accepted.popleft()
