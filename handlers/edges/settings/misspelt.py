"""Warnings about variables that do nothing: misspelt or empty ones."""

import re
from collections.abc import Iterator, Mapping

from handlers.edges.settings.settings import NAMES

_ENDINGS = re.compile("(FILE|PATH|SECONDS|URL)$")
"""What people add to a name that has no such ending."""

_LETTERS_MIN = 7
"""Letters of the shortest name in which a wrong letter is looked for. Many words resemble shorter ones."""


def empty(environ: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each setting that is empty. With an empty EVENTS_TOKEN, nothing gets as far as here."""
    for name in sorted(NAMES & environ.keys()):
        if not environ[name].strip():
            yield f"{name} is empty, which is the same as not set; give it a value, or remove it"


def misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that looks like a setting that is not there. It holds no values."""
    missing = {_letters(name): name for name in sorted(NAMES - environ.keys())}
    for name in sorted(environ.keys() - NAMES):
        if meant := _meant(_letters(name), missing):
            yield f"{name} is not a setting; did you mean {meant}?"


def _letters(name: str) -> str:
    return re.sub("[_.-]", "", name).upper()


def _meant(letters: str, names: Mapping[str, str]) -> str | None:
    """The setting that a name without a meaning resembles, both without separators."""
    if not (letters.isascii() and letters.isalnum()):
        return None
    for same in (letters, _ENDINGS.sub("", letters), f"{letters}S"):
        if same in names:
            return names[same]
    # One slip leaves one of the ends as it is. The comparison of ends spares most of the names.
    return next(
        (
            name
            for known, name in names.items()
            if (letters[0] == known[0] or letters[-1] == known[-1]) and _differ_by_one(letters, known)
        ),
        None,
    )


def _differ_by_one(one: str, other: str) -> bool:
    """Whether one letter is missing, added or wrong, or two neighbours are swapped."""
    if abs(len(one) - len(other)) > 1 or min(len(one), len(other)) < _LETTERS_MIN:
        return False
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    a, b = one[same:], other[same:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[1::-1] == b[:2] and a[2:] == b[2:])
