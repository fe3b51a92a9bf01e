"""Flow control: a token bucket in front of the service."""

import time
from collections.abc import Callable
from typing import Any


class Rate:
    """Holds the calls of one second, and starts full. The real limits of IMS are not published."""

    def __init__(
        self,
        calls_per_second: float | None = None,
        retry_after: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """No limit without `calls_per_second`; `retry_after` is what a refused call is told, in seconds."""
        self.calls_per_second = calls_per_second
        self.retry_after = retry_after
        self.answered = 0
        self.limited = 0
        self._clock = clock
        self._room = max(1.0, calls_per_second or 0)
        self._seen = clock()

    def admits(self) -> bool:
        """Count one more call, and say whether it is within the limit."""
        if self.calls_per_second is not None:
            now = self._clock()
            refilled = self._room + (now - self._seen) * self.calls_per_second
            self._room = min(max(1.0, self.calls_per_second), refilled)
            self._seen = now
            if self._room < 1:
                self.limited += 1
                return False
            self._room -= 1
        self.answered += 1
        return True

    def shown(self) -> dict[str, Any]:
        names = ("calls_per_second", "retry_after", "answered", "limited")
        return {name: getattr(self, name) for name in names}
