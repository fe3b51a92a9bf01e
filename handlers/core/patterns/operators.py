"""The operators of event patterns: what one value of an event is compared with.

Their meaning is that of "Comparison operators for use in event patterns" of Amazon EventBridge and of the
open matcher aws/event-ruler; `handlers/rules-patterns.md` specifies it with examples.
"""

import operator
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from handlers.core.patterns.comparisons import (
    ABSENT,
    Comparison,
    IndexKey,
    any_of,
    equals_any,
    is_number,
    none_of,
)
from handlers.core.patterns.wildcards import InvalidWildcard, parse_wildcard

ADDRESS_MAX = 64
"""Characters of an IP address: 45 at the most, and the zone that may follow one of IPv6."""

ADDRESSES_KEPT = 1024
"""Texts that stay in memory, each with the address that it is."""


class BadOperand(ValueError):
    """What an operator takes instead; to be read after the operator's name."""


def _of_text(passes: Callable[[str], bool], *needs: IndexKey) -> Comparison:
    return Comparison(lambda value: isinstance(value, str) and passes(value), needs)


def _of_number(passes: Callable[[float], bool], *needs: IndexKey) -> Comparison:
    return Comparison(
        lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and passes(value), needs
    )


def _text(operand: Any) -> str:
    if not isinstance(operand, str):
        raise BadOperand("needs a string")
    return operand


def _caseless(operand: dict[str, Any]) -> str:
    if operand.keys() != {"equals-ignore-case"}:
        raise BadOperand('takes a string, or { "equals-ignore-case" = string }')
    return _text(operand["equals-ignore-case"]).casefold()


def _equals_ignore_case(operand: Any) -> Comparison:
    wanted = _text(operand).casefold()
    return _of_text(lambda text: text.casefold() == wanted, ("is", wanted))


def _prefix(operand: Any) -> Comparison:
    if isinstance(operand, dict):
        start = _caseless(operand)
        return _of_text(lambda text: text.casefold().startswith(start), ("starts", start))
    start = _text(operand)
    return _of_text(lambda text: text.startswith(start), ("starts", start.casefold()))


def _suffix(operand: Any) -> Comparison:
    if isinstance(operand, dict):
        end = _caseless(operand)
        return _of_text(lambda text: text.casefold().endswith(end), ("ends", end))
    end = _text(operand)
    return _of_text(lambda text: text.endswith(end), ("ends", end.casefold()))


def _wildcard(operand: Any) -> Comparison:
    try:
        wildcard = parse_wildcard(_text(operand))
    except InvalidWildcard as fault:
        raise BadOperand(str(fault)) from None
    if isinstance(wildcard, str):
        return equals_any([wildcard])
    if wildcard.start:
        return _of_text(wildcard.matches, ("starts", wildcard.start.casefold()))
    return _of_text(wildcard.matches, ("ends", wildcard.end.casefold()))


def _anything_but(operand: Any) -> Comparison:
    if isinstance(operand, dict):
        return _anything_but_like(operand)
    values = operand if isinstance(operand, list) else [operand]
    if not (values and (all(isinstance(v, str) for v in values) or all(map(is_number, values)))):
        raise BadOperand(
            "needs a string, a number, or a list of strings or of numbers, not mixed and not empty"
        )
    return none_of(equals_any(values))


def _anything_but_like(operand: dict[str, Any]) -> Comparison:
    negatable = {"prefix", "suffix", "equals-ignore-case", "wildcard"}
    name, wanted = next(iter(operand.items()), ("", None))
    if len(operand) != 1 or name not in negatable:
        raise BadOperand(f"negates one of {', '.join(sorted(negatable))}")
    texts = wanted if isinstance(wanted, list) else [wanted]
    if not texts or (name in {"prefix", "suffix"} and "" in texts):
        raise BadOperand(f"of {name} would pass either everything or nothing; name a string")
    return none_of(any_of([OPERATORS[name](_text(text)) for text in texts]))


def _numeric(operand: Any) -> Comparison:
    compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
    match operand:
        case ["=", number] if is_number(number):
            return _of_number(lambda value: value == number, ("is", number))
        case [(">" | ">=") as above, bound] if is_number(bound):
            over = compare[above]
            return _of_number(lambda value: over(value, bound), ("from", bound))
        case [("<" | "<=") as below, bound] if is_number(bound):
            under = compare[below]
            return _of_number(lambda value: under(value, bound), ("to", bound))
        case [(">" | ">=") as above, low, ("<" | "<=") as below, high] if (
            is_number(low) and is_number(high) and low < high
        ):
            over, under = compare[above], compare[below]
            return _of_number(lambda value: over(value, low) and under(value, high), ("from", low))
    raise BadOperand(
        'needs one of = < <= > >= and a number, or a range from low to high such as [">", 0, "<=", 5]'
    )


def _cidr(operand: Any) -> Comparison:
    address, _, bits = _text(operand).partition("/")
    try:
        # Only a length: ip_network alone would take net masks and single addresses as well.
        network = ip_network((address, int(bits)), strict=False)
    except ValueError:
        raise BadOperand("needs a network such as 10.0.0.0/8 or 2001:db8::/32") from None
    if network.num_addresses == 1:
        raise BadOperand("needs a network; a single address is written as a plain string")

    return _of_text(lambda text: (parsed := _address(text)) is not None and parsed in network)


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


def _exists(operand: Any) -> Comparison:
    if not isinstance(operand, bool):
        raise BadOperand("needs true or false")
    return Comparison(lambda _: True) if operand else ABSENT


def _null(operand: Any) -> Comparison:
    if operand is not True:
        raise BadOperand("needs true")
    return equals_any([None])


# Each row reads an operand or raises BadOperand.
OPERATORS: dict[str, Callable[[Any], Comparison]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
    "exists": _exists,
    "null": _null,
}
