"""The tags that the probe may write, and which of them an image has. Pure.

All keys begin with PREFIX, so that the next run, or a person, knows what a killed run has left.
"""

from collections.abc import Iterable, Iterator

PREFIX = "image-tagger-probe"
KEY = PREFIX
DOTTED = f"{PREFIX}.dot"
MALFORMED = f"{PREFIX}*"
"""No published variant of the limits has this character in its list."""
LONG = f"{PREFIX}-".ljust(37, "x")
LONGER = f"{PREFIX}-".ljust(44, "x")
FILLERS = tuple(f"{PREFIX}-{number}" for number in range(1, 12))
KEYS = (KEY, DOTTED, MALFORMED, LONG, LONGER, *FILLERS)

VALUE = "1"
DOTTED_VALUE = "1.1"
LONG_VALUE = "v" * 44


def own_keys(texts: Iterable[str]) -> set[str]:
    """The keys of the probe's tags among the tags of an image, which lists them as texts.

    A text with dots can have several keys. All of them begin with PREFIX, so all may be removed.
    """
    return {key for text in texts if text.startswith(PREFIX) for key in _keys(text)}


def _keys(text: str) -> Iterator[str]:
    if "=" in text:
        yield text.partition("=")[0]
        return
    known = [key for key in KEYS if text == key or text.startswith(f"{key}.")]
    yield from known or [text.partition(".")[0]]
