"""The log of a process, read while it is written."""

import json
from pathlib import Path
from typing import Any


class Log:
    """The lines that a process has written so far, read a piece at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = 0

    def new_lines(self) -> list[dict[str, Any]]:
        """What JSON lines came since the last call. A line that is still being written waits for the next."""
        with self.path.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        new = text[: text.rfind(b"\n") + 1]
        self._read += len(new)
        return [line for raw in new.splitlines() if isinstance(line := _json(raw), dict)]

    def last_words(self) -> str:
        lines = self.path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it wrote nothing"


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
