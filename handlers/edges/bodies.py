"""Bounds the memory of deliveries that are in work together: JSON that is read takes many times its bytes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from handlers.edges.cloudevents import RequestRefused


class BodiesInWork:
    """Counts the bytes of the bodies whose deliveries are in work. max_bytes: of all of them together."""

    def __init__(self, max_bytes: int) -> None:
        self._free = max_bytes
        self._changed = threading.Condition()

    @contextmanager
    def one_of(self, size: int, deadline: float) -> Iterator[None]:
        """Waits until a body of this size is within the limit, and counts it until the end of the block.

        Small bodies pass a large one that waits. Raises RequestRefused at a deadline of `time.monotonic`.
        """
        with self._changed:
            while self._free < size:
                if not self._changed.wait(max(deadline - time.monotonic(), 0)):
                    raise RequestRefused(
                        HTTPStatus.SERVICE_UNAVAILABLE, "other large deliveries took all of EVENT_TIMEOUT"
                    )
            self._free -= size
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()
