"""Diagnostics of a rules table, all of them at once, each with its place."""

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

Path = tuple[str | int, ...]
"""Keys of tables and positions in arrays, counted from 0, from the top of a file: `("rule", 0, "tags")`."""


class Diagnostic(NamedTuple):
    """message: what is wrong, and what to do.

    where: rule and key in words; "" for the whole file. path: the same as a path in the file.
    line: counted from 1; None if it is not known.
    """

    file: str
    where: str
    message: str
    path: Path = ()
    line: int | None = None

    @property
    def place(self) -> str:
        return f"{self.file}: {self.where}" if self.where else self.file

    @property
    def place_with_line(self) -> str:
        """The place in the notation of compilers, which editors make a link: `rules.toml:3: rule "web"`."""
        return self._replace(file=f"{self.file}:{self.line}" if self.line else self.file).place

    def as_json(self) -> dict[str, Any]:
        return {"place": self.place, "line": self.line, "message": self.message}

    def __str__(self) -> str:
        return f"{self.place_with_line}: {self.message}"


class InvalidTable(Exception):
    """A table with faults never serves."""

    def __init__(self, faults: list[Diagnostic]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class Place(NamedTuple):
    """A place in a file, in words and as a path."""

    words: str = ""
    path: Path = ()

    def at(self, *below: str | int) -> "Place":
        """A place below this one, in the same words."""
        return Place(self.words, (*self.path, *below))


class Diagnostics:
    """Collects faults while a table is read; what reads goes on after a fault with a default."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.found: list[Diagnostic] = []

    def add(self, where: Place, message: str) -> None:
        self.found.append(Diagnostic(self._file, where.words, message, where.path))

    def names(self, where: Place, row: dict[str, Any], *known: str) -> None:
        """Finds members that nothing reads, which are slips of the pen."""
        for name in row:
            if name not in known:
                self.add(where.at(name), f'"{name}" is not known here{did_you_mean(name, known)}')

    def member(
        self, where: Place, row: dict[str, Any], name: str, kind: type[T], example: str = ""
    ) -> T | None:
        """A member of a row; None where it is absent or, which is a fault, of another kind."""
        value = row.get(name)
        if value is None or isinstance(value, kind):
            return value
        words = {"dict": "a table", "list": "an array of tables, [[rule]]", "str": "text in quotes"}
        such_as = f", such as {example}" if example else ""
        self.add(where.at(name), f'"{name}" must be {words[kind.__name__]}{such_as}')
        return None

    def choice(self, where: Place, row: dict[str, Any], name: str, *known: str, default: str = "") -> Any:
        """A member that is one of a few words; the first is the default unless another is named."""
        value = row.get(name, default or known[0])
        if isinstance(value, str) and value in known:
            return value
        self.add(where.at(name), f'"{name}" must be one of {", ".join(known)}')
        return default or known[0]


_ALIKE = 2 / 3
"""The least likeness of two names. The dashes alone make most options half alike."""


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - a table without faults starts without it

    if near := get_close_matches(str(name), known, 1, _ALIKE):
        return f'; did you mean "{near[0]}"?'
    return f"; known are {', '.join(known) or 'none'}"
