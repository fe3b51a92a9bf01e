"""`FILE.redriven`: which dead letters of FILE are done, so that the next run resumes there."""

import os
from pathlib import Path

from handlers.commands.files import open_regular, writing


class Checkpoint:
    """Keys of dead letters, each on disk before the next one is sent.

    A run that is killed between an answer and its line sends one event again next time, which is harmless.
    """

    def __init__(self, path: Path) -> None:
        """Raises UsageError."""
        self._path = path
        content = b""
        if os.path.lexists(path):
            with open_regular(path, follow=False) as file:
                content = file.read()
        self._keys = {line.split()[0] for line in content.splitlines() if line.strip()}
        self._truncated = bool(content) and not content.endswith(b"\n")

    def __contains__(self, key: str) -> bool:
        return key.encode() in self._keys

    def begin(self) -> None:
        """Makes the file, and a truncated last line harmless. Raises UsageError, before any event is sent."""
        self._append("\n" if self._truncated else "")

    def add(self, key: str, outcome: str) -> None:
        """Raises UsageError."""
        self._append(f"{key} {outcome}\n")

    def _append(self, text: str) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with writing(self._path):
            file = os.open(self._path, flags, 0o600)
            try:
                os.write(file, text.encode())
                os.fsync(file)
            finally:
                os.close(file)
