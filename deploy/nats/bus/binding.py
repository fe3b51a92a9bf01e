"""CloudEvents between the NATS protocol binding, the HTTP protocol binding and the JSON event format.

Both bindings encode attribute values in the same way, so that a header passes from one to the other
as it is. Header names are compared ignoring case, as the NATS binding asks for; data is never touched.
"""

import base64
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn
from urllib.parse import quote, unquote

CLOUD_EVENT = "application/cloudevents"
JSON = "application/json"

# What an HTTP header carries as it is. "%" is among it: values come encoded, and once is enough.
_CARRIED = bytes(range(0x20, 0x7F)).decode()


def http_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of the HTTP request for a message with these NATS headers; the body is its data."""
    lower = {name.lower(): value for name, value in headers.items()}
    content_type = lower.get("content-type") or JSON
    if _is_structured(lower) or "ce-specversion" not in lower:
        return {"Content-Type": quote(content_type, safe=_CARRIED)}
    with suppress(ValueError):
        # The HTTP binding keeps this one attribute in Content-Type, and there alone.
        content_type = _decoded(lower.get("ce-datacontenttype", "")) or content_type
    attributes = {
        name: quote(value, safe=_CARRIED)
        for name, value in lower.items()
        if re.fullmatch(r"ce-[a-z0-9_.-]+", name) and name != "ce-datacontenttype"
    }
    return attributes | {"Content-Type": quote(content_type, safe=_CARRIED)}


def cloud_event(headers: Mapping[str, str], data: bytes) -> dict[str, str] | None:
    """The event in the JSON event format: each member's name, and its value as JSON text.

    Numbers, spaces and escapes stay as the producer wrote them. None: not a CloudEvent, or a malformed one.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        event = _members(data.decode()) if _is_structured(lower) else _from_binary(lower, data)
    except (ValueError, RecursionError):
        return None
    required = [_string(event.get(name)) for name in ("specversion", "id", "source", "type")]
    return event if all(required) else None


def attribute(event: Mapping[str, str] | None, name: str) -> str | None:
    """The value of a string attribute, for people to read; None where it is absent."""
    return _string(event.get(name)) if event else None


def _is_structured(lower: Mapping[str, str]) -> bool:
    return lower.get("content-type", "").lower().startswith(CLOUD_EVENT)


def _from_binary(lower: Mapping[str, str], data: bytes) -> dict[str, str]:
    attributes = {name.removeprefix("ce-"): value for name, value in lower.items() if name.startswith("ce-")}
    if "content-type" in lower:
        attributes.setdefault("datacontenttype", lower["content-type"])
    if "data" in attributes or not all(re.fullmatch("[a-z0-9]+", name) for name in attributes):
        raise ValueError("no name of an attribute")
    decoded = {name: _decoded(value) for name, value in attributes.items()}
    members = {name: json.dumps(value, ensure_ascii=False) for name, value in decoded.items()}
    return members | _data(data, decoded.get("datacontenttype", JSON))


def _data(data: bytes, content_type: str) -> dict[str, str]:
    """`data` or `data_base64`, as the JSON event format (3.1) wants it."""
    if not data:
        return {}
    encoded = f'"{base64.b64encode(data).decode()}"'
    media_type, _, parameters = content_type.lower().partition(";")
    with suppress(ValueError, RecursionError):
        text = data.decode()
        if media_type.strip().endswith(("/json", "+json")):
            _DECODER.decode(text)
            return {"data": text}
        if media_type.strip().startswith("text/") and ("charset" not in parameters or "utf-8" in parameters):
            string = json.dumps(text, ensure_ascii=False)
            # Escapes may make text six times as long; in base64 it stays within the limits.
            if len(string.encode()) <= len(encoded):
                return {"data": string}
    return {"data_base64": encoded}


def _decoded(value: str) -> str:
    """A header's value as attribute. Raise ValueError if it is no UTF-8 or has control characters."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    decoded = unquote(value, errors="strict")
    if re.search(r"[\x00-\x1f\x7f-\x9f]", decoded):
        raise ValueError("a control character")
    return decoded


def _string(text: str | None) -> str | None:
    return _unquoted(text) if text and text.startswith('"') else None


def _unquoted(text: str) -> str:
    """The value of a JSON string. Raise ValueError for escapes that are none."""
    return str(json.loads(text)) if "\\" in text else text[1:-1]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


_SPACE = r"[ \t\n\r]*"
_PLAIN = r'[^"\\\x00-\x1f]*'
# A member up to its value, and the value too where it is a string without escapes.
_MEMBER = re.compile(
    rf'(?:\A{{|(?!\A),){_SPACE}("{_PLAIN}(?:\\.{_PLAIN})*"){_SPACE}:{_SPACE}(?:("{_PLAIN}"){_SPACE})?'
)


def _members(text: str) -> dict[str, str]:
    """The members of a JSON object as text. Raise ValueError if it is none, or repeats a name."""
    members: dict[str, str] = {}
    text = text.strip(" \t\n\r")
    at = 0
    while member := _MEMBER.match(text, at):
        quoted, value = member.groups()
        at = member.end()
        if value is None:
            _, end = _DECODER.raw_decode(text, at)
            value = text[at:end]
            while text.startswith((" ", "\t", "\n", "\r"), end):
                end += 1
            at = end
        name = _unquoted(quoted) if "\\" in quoted else quoted[1:-1]
        if name in members:
            raise ValueError("a name is repeated")
        members[name] = value
    if text[at:] != "}":
        raise ValueError("not one JSON object")
    return members
