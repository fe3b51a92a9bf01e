"""The parts of a tag value: functions that read an event and return a JSON value or raise an error."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from handlers.core.errors import InvalidTag, MissingAttribute

MAX_TEXT_LENGTH = 2**20
"""Characters of a value, and of any text that is built on the way to it."""

Lookup = Callable[[str], str | None]
"""A lookup table: returns the entry for a key, or None, like `get` of a dictionary."""


class Scope(NamedTuple):
    """What an expression can read.

    pseudonym_key: of the filter `pseudonym`; without one, the table is refused when it is loaded.
    """

    event: Mapping[str, Any]
    lookups: Mapping[str, Lookup]
    pseudonym_key: bytes


Expression = Callable[[Scope], Any]
"""Returns a JSON value other than null, or raises MissingAttribute or InvalidTag."""

Key = str | int
"""The name of a member of an object, or the number of an element of a list, from 0."""


def text(value: Any) -> str:
    """A JSON value as text: itself, or a number or a boolean as JSON writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        try:
            return json.dumps(value, allow_nan=False)
        except ValueError:  # 1e999 is JSON, and infinite here
            raise InvalidTag("a number is too large to be written; use another attribute") from None
    kind = "a list" if isinstance(value, list) else "an object"
    raise InvalidTag(f"{kind} is not text; use one of its members")


def check_length(length: int) -> None:
    """Called before a text of this length is built, so that no value costs more than its event."""
    if length > MAX_TEXT_LENGTH:
        raise InvalidTag(f"the value is longer than {MAX_TEXT_LENGTH} characters; use a shorter attribute")


def attribute(name: str, keys: Sequence[Key]) -> Expression:
    """Reads an attribute of the event, or its member under the keys."""
    missing = f"the event has no {dotted((name, *keys))}"

    def read(scope: Scope) -> Any:
        return _descend(scope.event.get(name), keys, missing)

    return read


def members(value: Expression, keys: Sequence[Key]) -> Expression:
    """Reads the member under the keys in the result of an expression."""
    missing = f"what stands before {dotted(keys)} has no such member"

    def read(scope: Scope) -> Any:
        return _descend(value(scope), keys, missing)

    return read


def concat(parts: Sequence[Expression]) -> Callable[[Scope], str]:
    """Concatenates the texts of several expressions."""

    def joined(scope: Scope) -> str:
        texts, length = [], 0
        for part in parts:
            texts.append(text(part(scope)))
            length += len(texts[-1])
            check_length(length)
        return "".join(texts)

    return joined


def dotted(keys: Sequence[Key]) -> str:
    """A path in the notation of values: `data.disks[0].size`."""
    return "".join(
        f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{json.dumps(key)}]" for key in keys
    ).removeprefix(".")


def _descend(value: Any, keys: Sequence[Key], missing: str) -> Any:
    for key in keys:
        if isinstance(value, dict) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            value = None
    if value is None:
        raise MissingAttribute(missing)
    return value
