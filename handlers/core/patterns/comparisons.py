"""Comparisons: tests of one value of an event, and what can be said beforehand of the values that pass."""

import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Literal, NamedTuple

ADDRESS_MAX = 64
"""Characters of an IP address: 45 at the most, and the zone that may follow one of IPv6."""

ADDRESSES_KEPT = 1024
"""Texts that stay in memory, each with the address that it is."""

# What every value that passes a comparison has: it is, starts or ends with the folded text, is the value, or
# is a number from this one up or down.
IndexKey = tuple[Literal["is", "starts", "ends", "from", "to"], Any]


class BadOperand(ValueError):
    """What an operator takes instead; to be read after the operator's name."""


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


def of_text(passes: Callable[[str], bool], *needs: IndexKey) -> Comparison:
    """Pass the strings that pass."""
    return Comparison(lambda value: isinstance(value, str) and passes(value), needs)


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


def in_network(text: str) -> Comparison:
    """Pass the addresses in a network, such as 10.0.0.0/8. Raises BadOperand."""
    address, _, bits = text.partition("/")
    try:
        # Only a length: ip_network alone would take net masks and single addresses as well.
        network = ip_network((address, int(bits)), strict=False)
    except ValueError:
        raise BadOperand("needs a network such as 10.0.0.0/8 or 2001:db8::/32") from None
    if network.num_addresses == 1:
        raise BadOperand("needs a network; a single address is written as a plain string")
    return of_text(lambda text: (parsed := _address(text)) is not None and parsed in network)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    # The length comes first: what has been parsed stays in memory, whatever the event held there.
    return _parsed(text) if len(text) <= ADDRESS_MAX else None


@lru_cache(ADDRESSES_KEPT)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Parsed once for all networks. As many are kept as one field can have values that are looked at."""
    try:
        return ip_address(text)
    except ValueError:
        return None
