"""Diagnostics of a rules table, all of them at once, each with its place."""

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Diagnostic(NamedTuple):
    """place: file, rule and key. message: what is wrong, and what to do."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class InvalidTable(Exception):
    """A table with faults never serves."""

    def __init__(self, faults: list[Diagnostic]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class Diagnostics:
    """Collects faults while a table is read; what reads goes on after a fault with a default."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.found: list[Diagnostic] = []

    def add(self, where: str, message: str) -> None:
        self.found.append(Diagnostic(f"{self._file}: {where}" if where else self._file, message))

    def names(self, where: str, row: dict[str, Any], *known: str) -> None:
        """Finds members that nothing reads, which are slips of the pen."""
        for name in sorted(row.keys() - set(known)):
            self.add(where, f'"{name}" is not known here{did_you_mean(name, known)}')

    def member(self, where: str, row: dict[str, Any], name: str, kind: type[T]) -> T | None:
        """A member of a row; None where it is absent or, which is a fault, of another kind."""
        value = row.get(name)
        if value is None or isinstance(value, kind):
            return value
        words = {"dict": "a table", "list": "an array of tables, [[rule]]", "str": "text in quotes"}
        self.add(where, f'"{name}" must be {words[kind.__name__]}')
        return None

    def choice(self, where: str, row: dict[str, Any], name: str, *known: str, default: str = "") -> Any:
        """A member that is one of a few words; the first is the default unless another is named."""
        default = default or known[0]
        value = row.get(name, default)
        if isinstance(value, str) and value in known:
            return value
        self.add(where, f'"{name}" must be one of {", ".join(known)}')
        return default


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - a table without faults starts without it

    if near := get_close_matches(str(name), known, 1):
        return f'; did you mean "{near[0]}"?'
    return f"; known are {', '.join(known) or 'none'}"
