"""A secret that may be in a file which somebody rewrites while the function runs."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def header_value(text: str) -> str:
    """Raises ValueError for what no header can carry."""
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("is malformed; it must be one line of printable ASCII without spaces")
    return text


class Secret:
    """Called, it gives the secret in use. Its `repr` does not tell it.

    path: of the file that it came from, read anew when it changes.
    """

    def __init__(
        self, text: str, path: Path | None = None, parse: Callable[[str], str] = header_value
    ) -> None:
        self._text = text
        self._path = path
        self._parse = parse
        self._seen: tuple[int, int, int] | None = None

    def __call__(self) -> str:
        if self._path is not None:
            # Gone or half written for a moment: what was there is still the best there is. If it is no longer
            # valid, the API will say so.
            with suppress(OSError, ValueError):
                self._look(self._path)
        return self._text

    def _look(self, path: Path) -> None:
        found = os.stat(path)  # noqa: PTH116 - before every call of the API, and Path.stat takes longer
        state = found.st_mtime_ns, found.st_size, found.st_ino
        if state != self._seen and (text := path.read_text(encoding="utf-8").strip()):
            self._text = self._parse(text)
            self._seen = state
