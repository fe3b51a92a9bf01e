"""Progress of long work on standard error: a bar on a terminal, a line every few seconds elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from handlers.core.json_text import plain

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

SILENCE = 2.0
"""Seconds before anything is shown, since most work takes less; and between two lines."""

REFRESH = 0.1
"""Seconds between two moves of the bar."""


class Progress:
    """`with Progress("events explained", total=9) as progress:`, and `progress.step()` after each.

    total: None if unknown. clock: returns seconds.
    """

    def __init__(self, what: str, total: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._total = total
        self._clock = clock
        self._done = 0
        self._due = clock() + SILENCE
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def step(self, note: str = "") -> None:
        """Counts one more. note: what else to show, such as how many failed."""
        self._done += 1
        if (now := self._clock()) < self._due:
            return
        text = plain(f"{self._what}: {note}" if note else self._what)
        if sys.stderr.isatty():
            self._due = now + REFRESH
            self._move_bar(text)
        else:
            self._due = now + SILENCE
            of = f" of {self._total:,}" if self._total else ""
            sys.stderr.write(f"{self._done:,}{of} {text}\n")

    def _move_bar(self, text: str) -> None:
        from handlers.commands.output.layout import bar_on  # noqa: PLC0415 - rich takes longer than most commands

        if self._bar is None:
            self._bar = bar_on(sys.stderr)
            self._bar.add_task(text, total=self._total)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=self._done, description=text)
