"""The rules table and its lookup files on disk, taken up anew when they change and are sound."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from handlers.core.rules.diagnostics import InvalidTable
from handlers.core.rules.table import RuleTable

LOOK_EVERY = 1.0
"""Seconds between two looks at the files."""

State = tuple[int, int, int] | None


class RulesFile:
    """Called, it gives the table in use. Raises InvalidTable or OSError when made, and never again.

    pseudonym_key: as `RuleTable.load` takes it.
    log: told when a changed table is taken up, or refused for its faults; the one in use then stays.
    """

    def __init__(self, path: Path, log: Callable[..., None], pseudonym_key: bytes = b"") -> None:
        self._path = path
        self._pseudonym_key = pseudonym_key
        self._log = log
        self._seen: dict[Path, State] = {}
        self._table = self._load()
        self._look_at = time.monotonic() + LOOK_EVERY
        self._looking = threading.Lock()

    def __call__(self) -> RuleTable:
        # Of several threads one looks, and the others go on with what there is.
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
        seen: dict[Path, State] = {}

        def read(path: Path) -> bytes:
            # Before its content, so that a change that comes between the two is seen by the next look.
            seen[path] = _state(path)
            return path.read_bytes()

        try:
            return RuleTable.load(
                read(self._path),
                self._path.name,
                lambda name: read(self._path.parent / name),
                self._pseudonym_key,
            )
        finally:
            self._seen = seen


def _state(path: Path) -> State:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
