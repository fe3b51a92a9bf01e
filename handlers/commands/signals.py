"""The signals that end a command: SIGTERM, and SIGINT, which is Ctrl-C."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_signals(do: Callable[[], object]) -> Iterator[None]:
    """Within, a signal does this instead of what it did before."""
    before = {each: signal.signal(each, lambda *_: do()) for each in SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
