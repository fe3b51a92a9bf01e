"""The filters of tag values.

When the rules table is loaded, a filter makes an expression out of the expression before it. Its parameters
are those that it has in a value. It raises ValueError for arguments that can never work.
"""

import hmac
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from handlers.core.errors import InvalidTag, MissingAttribute
from handlers.core.values.dates import date, plus
from handlers.core.values.expressions import Expression, Scope, check_length, text

MAX_INPUT = 10_000
"""Characters that a filter takes, many times the length of a tag's value. The cost of some filters is the
square of their input."""


def default(value: Expression, fallback: Expression, *fallbacks: Expression) -> Expression:
    def first_there(scope: Scope) -> Any:
        missing = []
        for expression in (value, fallback, *fallbacks):
            try:
                return expression(scope)
            except MissingAttribute as error:
                missing.append(str(error))
        raise MissingAttribute("; ".join(missing))

    return first_there


def _of_text(change: Callable[[str], str]) -> Callable[[Expression], Expression]:
    """A filter without arguments, which makes one text of another."""
    return lambda value: lambda scope: change(_input(value, scope))


def replace(value: Expression, old: str, new: str) -> Expression:
    if not old:
        raise ValueError("the text to replace is empty, name at least one character")

    def replaced(scope: Scope) -> str:
        before = _input(value, scope)
        check_length(len(before) + before.count(old) * (len(new) - len(old)))
        return before.replace(old, new)

    return replaced


def _local_part(given: str) -> str:
    return given.rsplit("@", 1)[0]


def _slug(given: str) -> str:
    # One character at a time: marks in a row would be sorted, which costs the square of their number.
    decomposed = "".join(unicodedata.normalize("NFKD", character) for character in given)
    plain = re.sub("[\u0300-\u036f]", "", decomposed).casefold()  # no accents
    found = re.findall("[a-z0-9]+", plain)
    # Two names must not become one because their difference has no ASCII form.
    lost = re.search(r"[^\W\x00-\x7f]", plain)
    if lost or (given and not found):
        found.append(_short_hash(given))
    return "-".join(found)


def split(value: Expression, separator: str) -> Expression:
    if not separator:
        raise ValueError("the separator is empty, name at least one character")
    return lambda scope: _input(value, scope).split(separator)


def first(value: Expression) -> Expression:
    return lambda scope: _element(value(scope), 0, "first")


def last(value: Expression) -> Expression:
    return lambda scope: _element(value(scope), -1, "last")


def _short_hash(value: str) -> str:
    # JSON can carry lone surrogates, which strict UTF-8 refuses.
    return sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def pseudonym(value: Expression) -> Expression:
    """A keyed hash (RFC 2104). Without the key, a list of names does not help to reverse it."""

    def keyed(scope: Scope) -> str:
        given = _input(value, scope).encode("utf-8", "surrogatepass")
        return hmac.new(scope.pseudonym_key, given, sha256).hexdigest()[:16]

    return keyed


def lookup(value: Expression, table: str, otherwise: str | None = None) -> Expression:
    def entry(scope: Scope) -> str:
        key = _input(value, scope)
        found = scope.lookups[table](key)
        if found is None:
            found = otherwise
        if found is None:
            raise MissingAttribute(f"the lookup table {_quoted(table)} has no entry for it")
        return found

    return entry


FILTERS: Mapping[str, Callable[..., Expression]] = {
    "default": default,
    "lower": _of_text(str.lower),
    "upper": _of_text(str.upper),
    "trim": _of_text(str.strip),
    "replace": replace,
    "local_part": _of_text(_local_part),
    "slug": _of_text(_slug),
    "split": split,
    "first": first,
    "last": last,
    "date": date,
    "plus": plus,
    "short_hash": _of_text(_short_hash),
    "pseudonym": pseudonym,
    "lookup": lookup,
}
"""Every filter, under its name in values."""

EXAMPLES: Mapping[str, str] = {
    "default": 'default("unknown")',
    "replace": 'replace(" ", "-")',
    "split": 'split("/")',
    "date": 'date("%Y-%m")',
    "plus": 'plus("30d")',
    "lookup": 'lookup("teams")',
}
"""Of each filter that takes arguments, itself with some."""


def _input(value: Expression, scope: Scope) -> str:
    given = text(value(scope))
    if len(given) > MAX_INPUT:
        raise InvalidTag(f"a filter takes at most {MAX_INPUT} characters; use a shorter attribute")
    return given


def _element(value: Any, index: int, name: str) -> Any:
    if not isinstance(value, list):
        raise InvalidTag(f"the value before `{name}` is not a list; make one with `split`")
    if not value or value[index] is None:
        raise MissingAttribute(f"the list before `{name}` has no {name} element")
    return value[index]


def _quoted(value: str) -> str:
    return json.dumps(value[:64])
