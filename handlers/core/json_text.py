"""JSON as text: takes arrays and objects apart in the words of their sender, and checks what may be read."""

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any


class Ambiguous(dict[str, Any]):
    """An object of which a name occurs more than once. As a dictionary it has the last of them.

    members: the names and the values of all its members in their order, by turns. A tuple for each of them
    would take twice the memory, and a megabyte of JSON can hold many thousand such objects.
    """

    __slots__ = ("members",)
    members: tuple[Any, ...]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        value = Ambiguous(value)
        value.members = tuple(chain.from_iterable(pairs))
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object)

_SPACE = re.compile(r"[ \t\n\r]*")

# A number beyond all floats has an exponent of three digits or hundreds of digits. The look-behind keeps the
# search linear. Halves of surrogate pairs come as escapes only, for the text itself is UTF-8.
_SUSPICIOUS = re.compile(r"NaN|Infinity|[eE]\+?\d{3}|(?<!\d)\d{300}|\\u[dD][89a-fA-F]")


class NotJson(ValueError):
    """A text is not JSON that can be read and written again. The message quotes nothing of the text."""


def load(text: str, max_depth: int) -> Any:
    """The value of a JSON text. Raises NotJson."""
    value = parse(text)
    if is_suspicious(text, max_depth):
        check(value, max_depth)
    return value


def parse(text: str) -> Any:
    """The value of a JSON text, without the check. Raises NotJson."""
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise NotJson("it is not JSON in UTF-8") from None


def encodable(value: Any) -> Any:
    """A JSON value with a question mark in the place of each half of a surrogate pair, which UTF-8 lacks."""
    text = json.dumps(value, ensure_ascii=False)
    if text.isascii():
        return value
    return json.loads(text.encode(errors="replace"))


def is_suspicious(text: str, max_depth: int) -> bool:
    """Whether the value of this text may fail the check. It is a quick look that clears most texts."""
    return text.count("[") + text.count("{") > max_depth or _SUSPICIOUS.search(text) is not None


def check(value: Any, max_depth: int) -> None:
    """Raises NotJson if a value nests deeper than max_depth, or if JSON cannot carry it."""
    if _nests_deeper(value, max_depth):
        raise NotJson(f"the JSON nests deeper than {max_depth} levels")
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise NotJson("the JSON holds half of a surrogate pair") from None
    except ValueError:
        raise NotJson("the JSON holds NaN, an infinity, or a number that is too large") from None


def elements(text: str) -> Iterator[tuple[Any, str]]:
    """The elements of a JSON array one by one, each with its own text.

    Raises NotJson if the text is not an array.
    """
    at = _mark(text, 0, "[")
    if text[at : at + 1] == "]":
        at += 1
    else:
        while True:
            try:
                value, end = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                raise NotJson("it is not JSON in UTF-8") from None
            yield value, text[at:end]
            at = _space(text, end)
            if text[at : at + 1] == "]":
                at += 1
                break
            at = _mark(text, at, ",")
    if _space(text, at) != len(text):
        raise NotJson("it is not JSON in UTF-8")


def split_members(text: str) -> dict[str, str]:
    """The members of a JSON object: each name, and its value as JSON text.

    Raises NotJson, also if a name occurs twice.
    """
    members: dict[str, str] = {}
    at = _mark(text, 0, "{")
    while text[at : at + 1] != "}":
        if members:
            at = _mark(text, at, ",")
        try:
            name, at = _DECODER.raw_decode(text, at)
            at = _mark(text, at, ":")
            _, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            raise NotJson("it is not a JSON object") from None
        if not isinstance(name, str) or name in members:
            raise NotJson("it is not a JSON object with distinct names")
        members[name] = text[at:end]
        at = _space(text, end)
    if _space(text, at + 1) != len(text):
        raise NotJson("it is not one JSON object")
    return members


def join_members(members: dict[str, str]) -> str:
    """The JSON object of these members on one line. Line ends between tokens become spaces."""
    text = ",".join(f"{json.dumps(name)}:{value}" for name, value in members.items())
    return "{" + text.replace("\r", " ").replace("\n", " ") + "}"


def plain(text: str) -> str:
    """A text in which a terminal finds nothing to obey.

    Control characters, bidirectional controls, line separators and lone surrogates become their JSON escapes.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def is_shorter_as_text(text: str) -> bool:
    """Whether JSON carries a text in no more bytes than Base64: escapes may make it six times as long."""
    length = len(text.encode())
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2 <= (length + 2) // 3 * 4


def _mark(text: str, at: int, mark: str) -> int:
    """The position of the next token after this mark. Raises NotJson if the mark is not there."""
    at = _space(text, at)
    if text[at : at + 1] != mark:
        raise NotJson("it is not JSON in UTF-8")
    return _space(text, at + 1)


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _nests_deeper(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        level = [
            child
            for container in level
            if isinstance(container, dict | list)
            for child in (container.values() if isinstance(container, dict) else container)
        ]
    return any(isinstance(value, dict | list) for value in level)
