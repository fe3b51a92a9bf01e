"""Comparisons: tests of one value of an event, and what can be said beforehand of the values that pass."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

# What every value that passes a comparison has: it is, starts or ends with the folded text, is the value, or
# is a number from this one up or down.
IndexKey = tuple[Literal["is", "starts", "ends", "from", "to"], Any]


class Comparison(NamedTuple):
    """A test of one value that is neither array nor object.

    needs: every value that passes meets at least one of them; none: nothing can be said beforehand.
    """

    passes: Callable[[Any], bool]
    needs: tuple[IndexKey, ...] = ()


# What `exists = false` compares with: no value passes, for the field must not be there.
ABSENT = Comparison(lambda _: False)


def identity(value: Any) -> Any:
    """Equal for values that JSON calls equal: 1 and 1.0 are, 1 and true are not, though Python says so."""
    return (value,) if isinstance(value, bool) else value


def folded(value: Any) -> Any:
    """Equal for values that are equal when case does not matter."""
    return value.casefold() if isinstance(value, str) else identity(value)


def is_number(value: Any) -> bool:
    """Whether a pattern may have this as a number: finite, and of a size that every JSON parser can hold."""
    limit = sys.float_info.max
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -limit <= value <= limit


def equals_any(wanted: Sequence[Any]) -> Comparison:
    """Pass what equals one of these strings, numbers, booleans or nulls."""
    identities = frozenset(map(identity, wanted))
    return Comparison(
        lambda value: identity(value) in identities, tuple(("is", folded(value)) for value in wanted)
    )


def any_of(comparisons: Sequence[Comparison]) -> Comparison:
    """Pass what passes at least one of them."""
    if len(comparisons) == 1:
        return comparisons[0]
    unknown = not all(each.needs for each in comparisons)
    needs = () if unknown else tuple(need for each in comparisons for need in each.needs)
    tests = [each.passes for each in comparisons]

    def passes(value: Any) -> bool:
        for test in tests:  # noqa: SIM110 - a generator would take longer
            if test(value):
                return True
        return False

    return Comparison(passes, needs)


def none_of(forbidden: Comparison) -> Comparison:
    return Comparison(lambda value: not forbidden.passes(value))
