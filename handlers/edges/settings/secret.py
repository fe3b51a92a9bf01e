"""A secret, perhaps in a file that changes while the function runs."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from handlers.edges.regular_file import State, read_regular, state_of


def header_value(text: str) -> str:
    """The text. Raises ValueError if a header cannot carry it."""
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("is malformed; it must be one line of printable ASCII without spaces")
    return text


class Secret:
    """A callable that returns the secret in use. Its `repr` does not show it.

    path: the file that holds it, which is read again when it changes.
    """

    def __init__(
        self, text: str, path: Path | None = None, parse: Callable[[str], str] = header_value
    ) -> None:
        self._text = text
        self._path = path
        self._parse = parse
        self._seen: State | None = None

    def __call__(self) -> str:
        if self._path is not None:
            # The file may be missing or half written for a moment. The old secret is then the best there is.
            # The API refuses it if it is no longer valid.
            with suppress(OSError, ValueError):
                self._look(self._path)
        return self._text

    def _look(self, path: Path) -> None:
        state = state_of(path)
        if state != self._seen and (text := read_regular(path).decode().strip()):
            self._text = self._parse(text)
            self._seen = state
