"""A message: what an HTTP request or a message on NATS carries, and how an event becomes one.

Both CloudEvents bindings encode attributes in headers in the same way, so that one message serves both.
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, quote_from_bytes

from handlers.core.json_access import value_of
from handlers.core.json_text import is_shorter_as_text, join_members

STRUCTURED = "application/cloudevents+json; charset=utf-8"

HEADER_MAX = 8000
HEADERS_MAX = 32_000
HEADERS_COUNT_MAX = 90
"""Characters of one header and of all of them, and how many there are: less than common servers accept."""

DATA = ("data", "data_base64")

# HTTP binding, section 3.1.3.2: everything else is percent-encoded, a quotation mark and a space among it.
_CARRIED = "!#$&'()*+,/:;<=>?@[\\]^`{|}"
_PRINTABLE = bytes(range(0x20, 0x7F)).decode()
_CONTENT_TYPE = re.compile(r"[!-~]([ -~]*[!-~])?")


class Message(NamedTuple):
    """Headers and body. An event is in binary or structured mode; what is no CloudEvent is as it came."""

    headers: Mapping[str, str]
    body: bytes


def message_of(event: Mapping[str, str]) -> Message:
    """The message that delivers an event. event: its members in the JSON format, each value as JSON text.

    It is in binary mode where headers can carry the attributes: the data then is byte for byte what it was,
    and the body is no larger. Elsewhere it is in structured mode, with each value as it is written.
    """
    return _binary(event) or Message({"Content-Type": STRUCTURED}, join_members(dict(event)).encode())


def is_content_type(text: object) -> bool:
    """Whether a text can be the value of a `Content-Type` header."""
    return isinstance(text, str) and _CONTENT_TYPE.fullmatch(text) is not None


def wire_value(value: bytes) -> str:
    """A header's value that may hold anything, with all that no header can carry percent-encoded."""
    return quote_from_bytes(value, safe=_PRINTABLE)


def decoded(encoded: object) -> bytes | None:
    """The bytes that a Base64 text stands for; None where it is none."""
    try:
        return b64decode(encoded, validate=True) if isinstance(encoded, str) else None
    except ValueError:
        return None


def _binary(event: Mapping[str, str]) -> Message | None:
    attributes = {name: value_of(text) for name, text in event.items() if name not in DATA}
    # The JSON format takes data without a type for JSON (3.1), and asks for the type to be named elsewhere.
    has_data = event.get("data", "null") != "null"
    content_type = attributes.pop("datacontenttype", "application/json" if has_data else None)
    carried = all(isinstance(each, str) for each in attributes.values()) and all(
        re.fullmatch("[a-z0-9]+", name) for name in attributes
    )
    # How spec version 0.3 encodes data, JSON can say and headers cannot.
    if not carried or "datacontentencoding" in attributes or not _is_type_of_data(content_type):
        return None
    body = _payload(event, content_type)
    try:
        headers = {f"ce-{name}": quote(value, safe=_CARRIED) for name, value in attributes.items()}
    except UnicodeEncodeError:  # half of a surrogate pair
        return None
    headers |= {"Content-Type": content_type} if content_type else {}
    return None if body is None or not _fits(headers) else Message(headers, body)


def _is_type_of_data(content_type: object) -> bool:
    """Whether a request of this content type is in binary mode. An empty one is a header that is not sent."""
    return content_type == "" or (
        is_content_type(content_type) and not str(content_type).lower().startswith("application/cloudevents")
    )


def _payload(event: Mapping[str, str], content_type: str) -> bytes | None:
    """The data as a body; None where only the JSON format carries it without a change of its meaning."""
    if "data_base64" in event:
        return None if "data" in event else decoded(value_of(event["data_base64"]))
    if (text := event.get("data")) is None:
        return b""
    media_type = content_type.lower().partition(";")[0].strip()
    if media_type in {"", "application/json"} or media_type.endswith("+json"):
        return _encoded(text)
    # Under another type, a text in JSON may be JSON, or the characters of a payload that is none.
    if media_type.startswith("text/"):
        body = _encoded(value) if isinstance(value := value_of(text), str) else None
        return body if body and is_shorter_as_text(value) else None
    return None if text.startswith('"') else _encoded(text)


def _encoded(text: str) -> bytes | None:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def _fits(headers: Mapping[str, str]) -> bool:
    sizes = [len(name) + len(value) for name, value in headers.items()]
    short = max(sizes, default=0) <= HEADER_MAX and sum(sizes) <= HEADERS_MAX
    return short and len(sizes) <= HEADERS_COUNT_MAX
