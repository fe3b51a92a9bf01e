r"""Wildcards: `*` stands for any characters, or for none; `\*` is an asterisk, and `\\` is a backslash."""

from typing import NamedTuple


class InvalidWildcard(ValueError):
    """An escape that does not exist, or two `*` in a row."""


class Wildcard(NamedTuple):
    """A text starts with `start`, ends with `end`, and has all of `middle` between them, in this order."""

    start: str
    middle: tuple[str, ...]
    end: str

    def matches(self, text: str) -> bool:
        at, last = len(self.start), len(text) - len(self.end)
        if at > last or not text.startswith(self.start) or not text.endswith(self.end):
            return False
        for literal in self.middle:
            # The leftmost place leaves the most room for the rest, so backtracking is never needed.
            at = text.find(literal, at, last)
            if at < 0:
                return False
            at += len(literal)
        return True


def parse_wildcard(source: str) -> Wildcard | str:
    """The wildcard, or the plain text if there is no `*`. Raises InvalidWildcard."""
    literals = [""]
    characters = iter(source)
    for character in characters:
        if character == "*":
            literals.append("")
        elif character != "\\":
            literals[-1] += character
        elif (escaped := next(characters, "")) in {"*", "\\"}:
            literals[-1] += escaped
        else:
            raise InvalidWildcard(r"knows the escapes \* and \\ only")
    if "" in literals[1:-1]:
        raise InvalidWildcard("takes no two * in a row, one says the same")
    start, *middle = literals
    return Wildcard(start, tuple(middle[:-1]), middle[-1]) if middle else start
