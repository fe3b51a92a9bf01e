"""Finds the line of each key of a table, which Python's TOML parser does not report.

It is imported only if a table has faults or warnings, so it costs other starts nothing.
"""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from contextlib import suppress

from handlers.core.rules.diagnostics import Diagnostic, Path

_SPACE = re.compile(r"(?:[ \t\r]|#[^\n]*)*")
_SPACE_AND_LINES = re.compile(r"(?:\s|#[^\n]*)*")
_TEXT = r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"' + r"|'[^'\n]*'"
_LONG_TEXT = r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}' + r"|'''(?:[^']|'(?!''))*'{3,5}"
_NAME = re.compile(rf"{_TEXT}|[A-Za-z0-9_-]+")
_SCALAR = re.compile(
    rf"(?s:{_LONG_TEXT})|{_TEXT}|[^\s,\[\]{{}}#\"'=]+(?: \d\d:[^\s,\[\]{{}}#\"'=]+)?"
)  # a date and a time may have a space between them


_DEEPEST = 200
"""The longest path that is recorded. Valid tables have shorter ones, and the cost grows with the length."""


def with_lines(found: Iterable[Diagnostic], text: str) -> list[Diagnostic]:
    """The diagnostics of a table with this text, with their lines and in their order."""
    lines = Lines(text)
    numbered = [each if each.line else each._replace(line=lines.of(each.path)) for each in found]
    return sorted(numbered, key=lambda each: each.line or len(text))


class Lines:
    """Reads a text up to the first error of syntax.

    repeated: the first key that is there twice, with both lines.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._starts: dict[Path, int] = {}
        self._tables: set[Path] = set()
        self._lengths: dict[Path, int] = {}
        self.repeated: tuple[Path, int, int] | None = None
        with suppress(_NotToml, RecursionError):  # what was read before stays known
            self._statements()

    def of(self, path: Path) -> int | None:
        """The line of a key or an element or, if it is not in the text, of the table that it would be in."""
        path = path[:_DEEPEST]
        while path and path not in self._starts:
            path = path[:-1]
        return self._line(self._starts[path]) if path else None

    def _line(self, at: int) -> int:
        return bisect_left(self._newlines, at) + 1

    def _statements(self) -> None:
        table: Path = ()
        while self._skip(_SPACE_AND_LINES) < len(self._text):
            start = self._at
            if self._takes("[["):
                table = self._header_of_element(start)
            elif self._takes("["):
                table = self._header(start)
            else:
                self._pair(table)

    def _header(self, start: int) -> Path:
        path = self._inside(self._names())
        self._expect("]")
        self._note(path, start, again=path in self._tables)
        self._tables.add(path)
        return path

    def _header_of_element(self, start: int) -> Path:
        *outer, name = self._names()
        self._expect("]]")
        array = (*self._inside(outer), name)
        number = self._lengths.get(array, 0)
        self._lengths[array] = number + 1
        self._note((*array, number), start)
        return (*array, number)

    def _inside(self, names: Sequence[str]) -> Path:
        """The path of the names in a header, in which an array of tables stands for its last table."""
        path: Path = ()
        for name in names:
            path = (*path, name)
            if length := self._lengths.get(path):
                path = (*path, length - 1)
        return path

    def _pair(self, table: Path) -> None:
        self._skip(_SPACE)
        start = self._at
        path = (*table, *self._names())
        self._expect("=")
        self._note(path, start, again=path in self._starts)
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip(_SPACE)
        if self._takes("["):
            number = 0
            while not self._ends("]"):
                self._note((*path, number), self._at)
                self._value((*path, number))
                number += 1
        elif self._takes("{"):
            while not self._ends("}"):
                self._pair(path)
        else:
            self._match(_SCALAR)

    def _ends(self, bracket: str) -> bool:
        """Whether the bracket closes here. Skips a comma."""
        self._skip(_SPACE_AND_LINES)
        self._takes(",")
        self._skip(_SPACE_AND_LINES)
        return self._takes(bracket)

    def _names(self) -> list[str]:
        names = [self._name()]
        while self._takes("."):
            names.append(self._name())
        return names

    def _name(self) -> str:
        self._skip(_SPACE)
        name = self._match(_NAME)
        self._skip(_SPACE)
        if name.startswith('"'):
            try:
                name = tomllib.loads(f"name = {name}")["name"]
            except tomllib.TOMLDecodeError:
                raise _NotToml from None
        return name.strip("'") if name.startswith("'") else name

    def _note(self, path: Path, start: int, *, again: bool = False) -> None:
        if again and self.repeated is None and path in self._starts:
            self.repeated = path, self._line(self._starts[path]), self._line(start)
        while path and path not in self._starts and len(path) <= _DEEPEST:
            self._starts[path] = start
            path = path[:-1]

    def _skip(self, pattern: re.Pattern[str]) -> int:
        if match := pattern.match(self._text, self._at):
            self._at = match.end()
        return self._at

    def _takes(self, word: str) -> bool:
        here = self._text.startswith(word, self._at)
        self._at += len(word) * here
        return here

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            raise _NotToml

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if not match:
            raise _NotToml
        self._at = match.end()
        return match[0]


class _NotToml(Exception):
    """The text is not TOML from here on."""
