"""The operators of event patterns: what one value of an event is compared with.

Their meaning is that of "Comparison operators for use in event patterns" of Amazon EventBridge and of the
open matcher aws/event-ruler; `handlers/rules-patterns.md` specifies it with examples.
"""

import operator
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from handlers.core.json_access import Json
from handlers.core.patterns.comparisons import (
    ABSENT,
    BadOperand,
    Comparison,
    IndexKey,
    any_of,
    equals_any,
    in_network,
    is_number,
    none_of,
    of_text,
)
from handlers.core.patterns.wildcards import InvalidWildcard, parse_wildcard


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
    return of_text(lambda text: text.casefold() == wanted, ("is", wanted))


def _at(end: Literal["starts", "ends"], passes: Callable[[str, str], bool]) -> Callable[[Any], Comparison]:
    """Reads the text that values start or end with. passes: `str.startswith` or `str.endswith`."""

    def read(operand: Any) -> Comparison:
        if isinstance(operand, dict):
            caseless = _caseless(operand)
            return of_text(lambda text: passes(text.casefold(), caseless), (end, caseless))
        wanted = _text(operand)
        return of_text(lambda text: passes(text, wanted), (end, wanted.casefold()))

    return read


def _wildcard(operand: Any) -> Comparison:
    try:
        wildcard = parse_wildcard(_text(operand))
    except InvalidWildcard as fault:
        raise BadOperand(str(fault)) from None
    if isinstance(wildcard, str):
        return equals_any([wildcard])
    if wildcard.start:
        return of_text(wildcard.matches, ("starts", wildcard.start.casefold()))
    return of_text(wildcard.matches, ("ends", wildcard.end.casefold()))


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
    name, wanted = next(iter(operand.items()), ("", None))
    if len(operand) != 1 or name not in NEGATABLE:
        raise BadOperand(f"negates one of {', '.join(sorted(NEGATABLE))}")
    texts = wanted if isinstance(wanted, list) else [wanted]
    if not texts or (name in {"prefix", "suffix"} and "" in texts):
        raise BadOperand(f"of {name} would pass either everything or nothing; name a string")
    return none_of(any_of([OPERATORS[name].read(_text(text)) for text in texts]))


def _numeric(operand: Any) -> Comparison:
    match operand:
        case ["=", number] if is_number(number):
            return _of_number(lambda value: value == number, ("is", number))
        case [(">" | ">=") as above, bound] if is_number(bound):
            over = _COMPARE[above]
            return _of_number(lambda value: over(value, bound), ("from", bound))
        case [("<" | "<=") as below, bound] if is_number(bound):
            under = _COMPARE[below]
            return _of_number(lambda value: under(value, bound), ("to", bound))
        case [(">" | ">=") as above, low, ("<" | "<=") as below, high] if (
            is_number(low) and is_number(high) and low < high
        ):
            over, under = _COMPARE[above], _COMPARE[below]
            return _of_number(lambda value: over(value, low) and under(value, high), ("from", low))
    raise BadOperand(
        'needs one of = < <= > >= and a number, or a range from low to high such as [">", 0, "<=", 5]'
    )


def _cidr(operand: Any) -> Comparison:
    return in_network(_text(operand))


def _exists(operand: Any) -> Comparison:
    if not isinstance(operand, bool):
        raise BadOperand("needs true or false")
    return Comparison(lambda _: True) if operand else ABSENT


def _null(operand: Any) -> Comparison:
    if operand is not True:
        raise BadOperand("needs true")
    return equals_any([None])


class Operator(NamedTuple):
    """read: makes a comparison of an operand, or raises BadOperand. operand: its form as JSON Schema.

    Every operand that is read fits the form. The form says what an editor can see.
    """

    read: Callable[[Any], Comparison]
    operand: Json


def one_of(members: Json) -> Json:
    """The JSON Schema of an object with exactly one of these members."""
    return {
        "type": "object",
        "properties": members,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
NEGATABLE = ("prefix", "suffix", "equals-ignore-case", "wildcard")

_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "number"}
_TEXTS: Json = {"anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": _TEXT}]}
_NUMBERS: Json = {"type": "array", "minItems": 1, "items": _NUMBER}
_TEXT_OR_CASELESS: Json = {"anyOf": [_TEXT, one_of({"equals-ignore-case": _TEXT})]}
_BOUNDS: Json = {
    "type": "array",
    "prefixItems": [{"enum": ["=", *_COMPARE]}, _NUMBER, {"enum": ["<", "<="]}, _NUMBER],
    "minItems": 2,
    "maxItems": 4,
}

OPERATORS = {
    "prefix": Operator(_at("starts", str.startswith), _TEXT_OR_CASELESS),
    "suffix": Operator(_at("ends", str.endswith), _TEXT_OR_CASELESS),
    "equals-ignore-case": Operator(_equals_ignore_case, _TEXT),
    "wildcard": Operator(_wildcard, _TEXT),
    "anything-but": Operator(
        _anything_but, {"anyOf": [_TEXTS, _NUMBER, _NUMBERS, one_of(dict.fromkeys(NEGATABLE, _TEXTS))]}
    ),
    "numeric": Operator(_numeric, _BOUNDS),
    "cidr": Operator(_cidr, _TEXT),
    "exists": Operator(_exists, {"type": "boolean"}),
    "null": Operator(_null, {"const": True}),
}
