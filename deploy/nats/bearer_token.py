from contextlib import suppress
from pathlib import Path


class BearerToken:
    """Tokens in a file, separated by white space. Deliveries carry the first.

    The file is read again when it changes: that is how a token is rotated without a restart.
    """

    def __init__(self, path: Path) -> None:
        """Raise OSError or ValueError where the file cannot be read or holds no token."""
        self._path = path
        self._state = self._look()
        self._tokens = self._read()

    def all(self) -> tuple[str, ...]:
        """The tokens, the one to send first; those before while the file is gone or malformed."""
        with suppress(OSError, ValueError):
            if (state := self._look()) != self._state:
                self._tokens = self._read()
                self._state = state
        return self._tokens

    def _look(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> tuple[str, ...]:
        tokens = tuple(self._path.read_text(encoding="ascii").split())
        if not tokens or not all(map(str.isprintable, tokens)):
            raise ValueError("no token")
        return tokens
