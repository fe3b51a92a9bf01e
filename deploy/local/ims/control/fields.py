"""What the control plane accepts as JSON: one table a message, one sentence for each misuse."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

Fields = Mapping[str, tuple[Callable[[Any], bool], str]]
"""Name of a field -> does this value fit, and what would, in words that follow "must be"."""


class InvalidControlRequest(ValueError):
    """What was sent makes no sense; the message is one sentence for its sender."""


def checked(what: str, given: object, fields: Fields) -> dict[str, Any]:
    """What was given, now known to have only these fields, each with a value that fits.

    Raises `InvalidControlRequest`.
    """
    if not isinstance(given, dict):
        raise InvalidControlRequest(f"{what} must be a JSON object.")
    for name, value in given.items():
        if name not in fields:
            raise InvalidControlRequest(f"{what} has no field {name!r}; it has {', '.join(fields)}.")
        fits, wanted = fields[name]
        if not fits(value):
            raise InvalidControlRequest(f"{name!r} of {what.lower()} must be {wanted}.")
    return given


def is_text(value: Any) -> bool:
    """JSON can write half of a surrogate pair, which is no character."""
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def is_object(value: Any) -> bool:
    return isinstance(value, dict)


def is_number(value: Any) -> bool:
    """JSON's `true` is no number, and neither are the NaN and Infinity that Python reads from JSON."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_texts(value: Any) -> bool:
    """An object whose values are all text."""
    return is_object(value) and all(map(is_text, value.values()))


def one_of(*values: object) -> tuple[Callable[[Any], bool], str]:
    return lambda value: is_text(value) and value in values, f"one of {', '.join(map(str, values))}"


def matching(pattern: str, wanted: str) -> tuple[Callable[[Any], bool], str]:
    """A text of this form, all of it."""
    return lambda value: is_text(value) and re.fullmatch(pattern, value) is not None, wanted


def at_least(least: float) -> tuple[Callable[[Any], bool], str]:
    return lambda value: is_number(value) and value >= least, f"a number of at least {least}"
