"""The rules table and its lookup files on disk, loaded again when they change."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from handlers.core.rules.diagnostics import InvalidTable
from handlers.core.rules.table import RuleTable
from handlers.edges.regular_file import State, read_regular, state_of

LOOK_EVERY = 1.0
"""Seconds between two checks of the files."""

Rules = Callable[[], RuleTable]
"""Returns the table in use."""


def rules_in(text: str, pseudonym_key: bytes = b"") -> Rules:
    """The table that the setting RULES_TABLE holds. Raises InvalidTable."""
    table = RuleTable.load(text.encode(), "RULES_TABLE", pseudonym_key=pseudonym_key)
    return lambda: table


class RulesFile:
    """A callable that returns the table in use. Only the constructor raises InvalidTable or OSError.

    A changed table that has faults is refused, and the one in use stays. Both are logged.

    pseudonym_key: see `RuleTable.load`.
    """

    def __init__(self, path: Path, log: Callable[..., None], pseudonym_key: bytes = b"") -> None:
        self._path = path
        self._pseudonym_key = pseudonym_key
        self._log = log
        self._seen: dict[Path, State | None] = {}
        self._table = self._load()
        self._look_at = time.monotonic() + LOOK_EVERY
        self._looking = threading.Lock()

    def __call__(self) -> RuleTable:
        # One thread checks the files. The others go on with the table in use.
        if time.monotonic() >= self._look_at and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._look_at = time.monotonic() + LOOK_EVERY
                self._looking.release()
        return self._table

    def _look(self) -> None:
        if all(_state(path) == state for path, state in self._seen.items()):
            return
        try:
            self._table = self._load()
        except (InvalidTable, OSError) as fault:
            self._log(
                "rules.refused",
                severity="ERROR",
                file=self._path.name,
                reason=type(fault).__name__,
                detail=str(fault),
            )
        else:
            self._log("rules.reloaded", file=self._path.name, rules=len(self._table.rules))

    def _load(self) -> RuleTable:
        seen: dict[Path, State | None] = {}

        def read(path: Path) -> bytes:
            # Taken before the content is read, so that the next check sees a change between the two.
            seen[path] = _state(path)
            return read_regular(path)

        try:
            return RuleTable.load(
                read(self._path),
                self._path.name,
                lambda name: read(self._path.parent / name),
                self._pseudonym_key,
            )
        finally:
            self._seen = seen


def _state(path: Path) -> State | None:
    try:
        return state_of(path)
    except OSError:
        return None
