"""What the control plane accepts as JSON: one table a message, one sentence for each misuse.

A dataclass says what it can be given: each field that the control plane sets is `Annotated` with what fits.
"""

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_type_hints

Form = tuple[Callable[[Any], bool], str]
"""Whether a value fits, and what would, in words that follow "must be"."""
Fields = Mapping[str, Form]
"""The form of each field, by name."""


class InvalidControlRequest(ValueError):
    """What was sent makes no sense; the message is one sentence for its sender."""


@cache
def fields_of(kind: type) -> Fields:
    """The fields of a dataclass that are annotated with a Form."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")}


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


def one_of(*values: object) -> Form:
    return lambda value: is_text(value) and value in values, f"one of {', '.join(map(str, values))}"


def matching(pattern: str, wanted: str) -> Form:
    """A text of this form, all of it."""
    return lambda value: is_text(value) and re.fullmatch(pattern, value) is not None, wanted


def at_least(least: float) -> Form:
    return lambda value: is_number(value) and value >= least, f"a number of at least {least}"


def optional(form: Form) -> Form:
    fits, wanted = form
    return lambda value: value is None or fits(value), f"{wanted} or null"


def whole_number(least: int, most: int | None = None) -> Form:
    def fits(value: Any) -> bool:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return is_whole and least <= value and (most is None or value <= most)

    return fits, f"a whole number {f'of at least {least}' if most is None else f'from {least} to {most}'}"


ANY_NUMBER: Form = (lambda value: isinstance(value, int), "a whole number")
FLAG: Form = (is_flag, "true or false")
OBJECT: Form = (is_object, "an object")
SHARE: Form = (lambda share: is_number(share) and 0 <= share <= 1, "a number from 0 to 1")
TEXT: Form = (is_text, "text")
TEXTS: Form = (is_texts, "an object of texts")
