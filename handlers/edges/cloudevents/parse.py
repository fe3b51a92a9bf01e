"""What the bytes of a delivery say, as events: each a CloudEvent as JSON, made so where the shape is bare.

Parses with the CloudEvents SDK, and checks before it what the SDK lets through: attributes that are no
texts, JSON that could not be written as JSON again, nesting without end. All faults are InvalidEvents,
whose messages never hold what was sent.
"""

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from cloudevents.exceptions import GenericException
from cloudevents.http import CloudEvent, from_dict, from_http

from handlers.core.dead_letters.attributes import unparsable
from handlers.core.errors import InvalidEvent
from handlers.core.events import shapes

Json = dict[str, Any]

DEPTH_MAX = 64
"""How deep an event's JSON may nest."""

ENVELOPES_MAX = 4
"""How many envelopes may be around an event; the longest known way has two."""

_SDK_FAULTS = (GenericException, ValueError, TypeError, RecursionError, AttributeError, KeyError)
"""What the SDK lets escape on hostile input, besides its own errors."""


def from_headers(headers: Mapping[str, str], content_type: str | None, body: bytes) -> Json:
    """An event in binary mode. headers: those that begin with "ce-", in lower case, values as WSGI has them.

    Raises InvalidEvent.
    """
    texts = {name: _header_text(value) for name, value in headers.items()}
    _check_attributes({name.removeprefix("ce-"): value for name, value in texts.items()})
    try:
        parsed = from_http(texts | {"content-type": content_type or ""}, None)
    except _SDK_FAULTS:
        raise InvalidEvent("the ce- headers are no CloudEvent of spec version 1.0 or 0.3") from None
    return _attributes(parsed, has_time="ce-time" in texts) | _content(body, content_type)


def from_json(content: Any) -> Json:
    """An event from its JSON, a CloudEvent or a bare one of `core.shapes`. Raises InvalidEvent."""
    if not isinstance(content, dict):
        raise InvalidEvent("an event is a JSON object")
    if "specversion" not in content:
        if event := shapes.as_cloudevent(content):
            return event
        raise InvalidEvent("the JSON is no CloudEvent (it has no specversion) and no other known event")
    # As the SDK names them, or "ID" would take the place of an "id" that was checked.
    content = {name.lower(): value for name, value in content.items()}
    _check_attributes(content)
    try:
        parsed = from_dict(content)
    except _SDK_FAULTS:
        raise InvalidEvent("the JSON is no CloudEvent of spec version 1.0 or 0.3") from None
    attributes = _attributes(parsed, has_time="time" in content)
    encoded = attributes.pop("data_base64", None)
    if attributes.get("datacontentencoding") == "base64":  # as spec version 0.3 says it
        encoded = parsed.data
    if encoded is None:
        return attributes | ({} if parsed.data is None else {"data": parsed.data})
    try:
        data = base64.b64decode(encoded, validate=True)
    except (ValueError, TypeError):
        raise InvalidEvent("the data is said to be Base64 and is not") from None
    return attributes | _content(data, attributes.get("datacontenttype"))


def from_content(content: Any, envelopes: int = ENVELOPES_MAX) -> list[Json | InvalidEvent]:
    """The events of a JSON value: of an array or an envelope all in it, else the one it is.

    What is no event stands in its place as the error it is. envelopes: how many may be around an event.
    """
    try:
        if isinstance(content, list):
            return [event for element in content for event in from_content(element, envelopes)]
        held = shapes.inside(content) if isinstance(content, dict) and "specversion" not in content else None
        if held is None:
            return [from_json(content)]
        if not envelopes:
            raise InvalidEvent(f"more than {ENVELOPES_MAX} envelopes are around the event")  # noqa: TRY301
        return [event for each in held for event in _from_held(each, envelopes - 1)]
    except InvalidEvent as error:
        return [keeping(error, lambda: json.dumps(content).encode(), "application/json")]


def keeping(error: InvalidEvent, body: Callable[[], bytes], content_type: str | None) -> InvalidEvent:
    """The error with what a sink keeps of the bytes that are no event, made only where there is a sink."""
    if not error.again:
        error.letter = lambda: unparsable(body(), content_type)
    return error


def _from_held(held: Any, envelopes: int) -> list[Json | InvalidEvent]:
    try:
        return from_content(load_json(held.encode()) if isinstance(held, str) else held, envelopes)
    except (InvalidEvent, UnicodeEncodeError):
        error = InvalidEvent("an envelope holds text that is no JSON")
        return [keeping(error, lambda: held.encode(errors="replace"), "text/plain")]


def load_json(body: bytes) -> Any:
    """Strict JSON. Raises InvalidEvent for what could not be written as JSON again, and for deep nesting."""
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_finite, parse_float=_finite)
        if re.search(r"\\u[dD][89a-fA-F]", text):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidEvent("the JSON holds half of a surrogate pair") from None
    except (ValueError, RecursionError):
        raise InvalidEvent("the body is not JSON in UTF-8") from None
    if text.count("[") + text.count("{") > DEPTH_MAX and _too_deep(value):
        raise InvalidEvent(f"the JSON nests deeper than {DEPTH_MAX} levels")
    return value


def _check_attributes(attributes: Json) -> None:
    """Raises InvalidEvent unless the attributes that must be there are texts. The SDK takes any type."""
    if "deadletterreason" in attributes:
        message = "the event is a dead letter; strip its dead-letter attributes to send it again"
        raise InvalidEvent(message, again=True)
    for name in ("specversion", "id", "source", "type"):
        if not isinstance(value := attributes.get(name), str) or not value:
            raise InvalidEvent(f'the attribute "{name}" is missing, empty or no text')


def _attributes(parsed: CloudEvent, *, has_time: bool) -> Json:
    """The attributes of an event, without the time that the SDK makes up where there is none."""
    return {name: parsed[name] for name in parsed if name != "time" or has_time}


def _content(data: bytes, content_type: Any) -> Json:
    """The payload as the JSON format of CloudEvents carries it; nothing where it is empty."""
    media_type = str(content_type or "").partition(";")[0].strip().lower()
    if not data:
        return {}
    if media_type == "application/json" or media_type.endswith("+json"):
        return {"data": load_json(data)}
    try:
        return {"data": data.decode() if media_type.startswith("text/") else load_json(data)}
    except (InvalidEvent, UnicodeDecodeError):
        return {"data_base64": base64.b64encode(data).decode()}


def _header_text(value: str) -> str:
    """An attribute from its header (HTTP binding, section 3.1.3.2): unquoted, then percent-decoded."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    try:
        return unquote(value.encode("latin-1").decode(), errors="strict")
    except UnicodeError:
        raise InvalidEvent("a ce- header is not UTF-8") from None


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError
    return value


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [
            child
            for container in level
            if isinstance(container, dict | list)
            for child in (container.values() if isinstance(container, dict) else container)
        ]
    return any(isinstance(value, dict | list) for value in level)
