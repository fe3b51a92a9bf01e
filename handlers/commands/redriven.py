"""`FILE.redriven`: which letters of FILE have gone back, for the next run to go on there."""

import os
from pathlib import Path

from handlers.commands.files import UsageError


class Redriven:
    """Keys of letters, each on disk before the next letter goes; path: None keeps nothing.

    A run that ends between an answer and its line leads to one event being sent again, which is harmless.
    """

    def __init__(self, path: Path | None) -> None:
        """Raises UsageError."""
        self._path = path
        try:
            content = path.read_bytes() if path and path.exists() else b""
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from None
        self._keys = {line.split()[0] for line in content.splitlines() if line.strip()}
        self._torn = bool(content) and not content.endswith(b"\n")

    def __contains__(self, key: str) -> bool:
        return key.encode() in self._keys

    def begin(self) -> None:
        """Makes the file, and its torn last line harmless. Raises UsageError, before any event was sent."""
        self._append("\n" if self._torn else "")

    def add(self, key: str, outcome: str) -> None:
        """Raises UsageError."""
        self._append(f"{key} {outcome}\n")

    def _append(self, text: str) -> None:
        if self._path is None:
            return
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, text.encode())
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise UsageError(
                f"{self._path} cannot be written: {error.strerror}; make room for it there"
            ) from None
