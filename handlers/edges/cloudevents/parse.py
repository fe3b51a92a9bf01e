"""Reads the events of a message, each as a CloudEvent in JSON. Bare events are turned into CloudEvents.

The CloudEvents SDK parses. Before that, this module checks what the SDK lets through: attributes that are not
text, JSON that cannot be written as JSON again, endless nesting. Elements are counted before anything is made
of them. No error message quotes what was sent.
"""

import base64
import json
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from cloudevents.exceptions import GenericException
from cloudevents.http import CloudEvent, from_dict, from_http

from handlers.core.budget import MAX_ATTRIBUTES, MAX_CONTAINERS, MAX_DEPTH, MAX_ENVELOPES, MAX_EVENTS
from handlers.core.dead_letters import UNPARSABLE_TYPE
from handlers.core.errors import DeliveryTooLarge, InvalidEvent
from handlers.core.events import shapes
from handlers.core.json_access import Json
from handlers.core.json_text import (
    Ambiguous,
    NotJson,
    check,
    elements,
    is_shorter_as_text,
    is_suspicious,
    load,
    parse,
)
from handlers.core.received import Received, Unparsable
from handlers.edges.cloudevents.message import HttpMessage, RequestRefused

_SDK_FAULTS = (GenericException, ValueError, TypeError, RecursionError, AttributeError, KeyError)
"""Errors that the SDK raises on hostile input, its own included."""

_BARE_DEPTH = MAX_DEPTH - 1
"""Levels of nesting in what becomes the data of an event, which adds one level."""


def events_in(
    message: HttpMessage, *, bounded: bool = True, any_format: bool = False
) -> list[Received | Unparsable]:
    """The events of a delivery. A piece that is not an event is Unparsable, in its place.

    bounded: whether the budget of a delivery limits how much it may hold. A file of events has no limit.
    any_format: whether a format of CloudEvents other than JSON is Unparsable. Else it raises RequestRefused.
    """
    media_type = _media_type(message.headers.get("content-type", ""))
    structured = media_type.startswith("application/cloudevents")
    if structured and not re.fullmatch(r"application/cloudevents(-batch)?(\+json)?", media_type):
        only_json = "of the CloudEvents formats, only JSON is understood"
        if not any_format:
            raise RequestRefused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, only_json)
        return [
            Unparsable(message.body, message.content_type, InvalidEvent(only_json), _attributes_in(message))
        ]
    headers = _attributes_in(message)
    try:
        if headers and not structured:
            return [_binary(headers, message)]
        if bounded:
            _count_containers(message.body)
        batch = media_type.startswith("application/cloudevents-batch")
        return _Content(MAX_EVENTS if bounded else sys.maxsize).events(_decoded(message.body), batch=batch)
    except DeliveryTooLarge as error:
        return [Unparsable(message.body, message.content_type, error, headers)]
    except (NotJson, InvalidEvent) as error:
        return [Unparsable(message.body, message.content_type, _fault(error), headers)]


def _attributes_in(message: HttpMessage) -> dict[str, str]:
    """The headers that hold attributes of an event in binary mode."""
    return {name: value for name, value in message.headers.items() if name.startswith("ce-")}


def _count_containers(body: bytes) -> None:
    """Raises DeliveryTooLarge. It counts brackets, those in texts as well, because a text may be JSON."""
    if body.count(b"[") + body.count(b"{") > MAX_CONTAINERS:
        raise DeliveryTooLarge(f"a delivery holds at most {MAX_CONTAINERS:,} arrays and objects")


class _Content:
    """Reads the content of one delivery, and counts its elements across arrays and envelopes."""

    def __init__(self, max_events: int) -> None:
        self._max = max_events
        self._count = 0

    def events(self, text: str, *, batch: bool) -> list[Received | Unparsable]:
        """The events. Raises NotJson or InvalidEvent if there is no event at all, and DeliveryTooLarge."""
        if text.lstrip(" \t\n\r")[:1] == "[":
            found = list[Received | Unparsable]()
            for value, own_text in elements(text):
                self._add(1)
                found += self._in_element(
                    value, own_text, is_suspicious(own_text, _BARE_DEPTH), MAX_ENVELOPES
                )
            return found
        if batch:
            raise InvalidEvent("a batch is a JSON array of CloudEvents")
        value, suspicious = parse(text), is_suspicious(text, _BARE_DEPTH)
        if _held_by(value) is None:
            return [_event(value, text, suspicious=suspicious)]
        return self._in_element(value, text, suspicious, MAX_ENVELOPES)

    def _in_element(
        self, value: Any, text: str, suspicious: bool, envelopes: int
    ) -> list[Received | Unparsable]:
        """The events of a value. text: its own, or "" if it was a part of another value.

        envelopes: how many may still be inside.
        """
        held = _held_by(value)
        try:
            if held is None:
                return [_event(value, text, suspicious=suspicious)]
            if not envelopes:
                raise InvalidEvent(f"more than {MAX_ENVELOPES} envelopes are around the event")  # noqa: TRY301 - like the others
        except (NotJson, InvalidEvent) as error:
            body = (text or _written(value)).encode(errors="replace")
            return [Unparsable(body, "application/json", _fault(error))]
        self._add(len(held))
        return [event for each in held for event in self._in_held(each, suspicious, envelopes - 1)]

    def _in_held(self, held: Any, suspicious: bool, envelopes: int) -> list[Received | Unparsable]:
        """The same for what an envelope holds, which may be JSON as text."""
        if not isinstance(held, str):
            return self._in_element(held, "", suspicious, envelopes)
        try:
            value = parse(held)
        except NotJson:
            error = InvalidEvent("an envelope holds text that is not JSON")
            return [Unparsable(held.encode(errors="replace"), "text/plain", error)]
        return self._in_element(value, "", is_suspicious(held, _BARE_DEPTH), envelopes)

    def _add(self, number: int) -> None:
        self._count += number
        if self._count > self._max:
            raise DeliveryTooLarge(f"a delivery holds at most {self._max} events; send fewer at a time")


def _held_by(value: Any) -> list[Any] | None:
    """The elements of an array or an envelope; None for anything else."""
    if isinstance(value, dict) and "specversion" not in value:
        return shapes.unwrap(value)
    return value if isinstance(value, list) else None


def _event(content: Any, text: str, *, suspicious: bool) -> Received:
    """The event in some JSON: a CloudEvent, or a bare event of `core.events.shapes`.

    Raises InvalidEvent or NotJson.
    """
    if not isinstance(content, dict):
        raise InvalidEvent("an event is a JSON object")
    if "specversion" not in content:
        return _bare(content, text, suspicious=suspicious)
    if suspicious:
        check(content, MAX_DEPTH)
    content = _in_lower_case(content)
    _check_attributes(content)
    try:
        parsed = from_dict(content)
    except _SDK_FAULTS:
        raise InvalidEvent("the JSON is not a CloudEvent of spec version 1.0 or 0.3") from None
    attributes = _attributes(parsed, has_time="time" in content)
    encoded = attributes.pop("data_base64", None)
    if attributes.get("datacontentencoding") == "base64":  # the form of spec version 0.3
        encoded = parsed.data
    if encoded is None:
        return Received(attributes | ({} if parsed.data is None else {"data": parsed.data}), text)
    try:
        data = base64.b64decode(encoded, validate=True)
    except (ValueError, TypeError):
        raise InvalidEvent("the data claims to be Base64 and is not") from None
    if attributes["type"] == UNPARSABLE_TYPE:  # bytes that are no JSON, whatever they were said to be
        return Received(attributes | {"data_base64": encoded}, text)
    return Received(attributes | _data(data, attributes.get("datacontenttype")), text)


def _in_lower_case(content: Json) -> Json:
    """An event with the names of its attributes like the SDK has them. Raises InvalidEvent.

    Otherwise an "ID" would replace the "id" that was checked.
    """
    if len(content) > MAX_ATTRIBUTES:
        raise InvalidEvent(f"the event has more than {MAX_ATTRIBUTES:,} attributes")
    lower = {name.lower(): value for name, value in content.items()}
    if isinstance(content, Ambiguous) or len(lower) < len(content):
        raise InvalidEvent("an attribute occurs twice, perhaps in capital letters once")
    return lower


def _bare(content: Json, text: str, *, suspicious: bool) -> Received:
    """A bare event. Raises InvalidEvent or NotJson."""
    if suspicious:
        check(content, _BARE_DEPTH)
    event = shapes.as_cloudevent(content)
    if event is None:
        raise InvalidEvent("the JSON is neither a CloudEvent (it has no specversion) nor another known event")
    if event["data"] is content:
        return Received(event, data_text=text)
    check(event, MAX_DEPTH)  # a trace may be JSON as text, and escapes hide what it holds
    return Received(event)


def _binary(headers: Mapping[str, str], message: HttpMessage) -> Received:
    """An event in binary mode. Raises InvalidEvent or NotJson."""
    texts = {name: _header_text(value) for name, value in headers.items()}
    _check_attributes({name.removeprefix("ce-"): value for name, value in texts.items()})
    try:
        parsed = from_http(texts | {"content-type": message.content_type}, None)
    except _SDK_FAULTS:
        raise InvalidEvent("the ce- headers are not a CloudEvent of spec version 1.0 or 0.3") from None
    data = _data(message.body, message.content_type)
    event = _attributes(parsed, has_time="ce-time" in texts) | data
    # Only JSON data has a text of its own. Other data is in the event as it came.
    is_json = "data" in data and not _media_type(message.content_type).startswith("text/")
    return Received(event, data_text=_decoded(message.body) if is_json else "")


def _check_attributes(attributes: Json) -> None:
    """Raises InvalidEvent unless the required attributes are text. The SDK accepts any type."""
    for name in ("specversion", "id", "source", "type"):
        if not isinstance(value := attributes.get(name), str) or not value:
            raise InvalidEvent(f'the attribute "{name}" is missing, empty or not text')


def _attributes(parsed: CloudEvent, *, has_time: bool) -> Json:
    """The attributes of an event, without the time that the SDK invents if there is none."""
    return {name: parsed[name] for name in parsed if name != "time" or has_time}


def _data(data: bytes, content_type: Any) -> Json:
    """The data in the JSON format of CloudEvents; nothing if it is empty.

    Raises NotJson, or DeliveryTooLarge, if it is said to be JSON.
    """
    media_type = _media_type(str(content_type or ""))
    if not data:
        return {}
    if _is_json(media_type):
        _count_containers(data)
        return {"data": load(_decoded(data), _BARE_DEPTH)}
    with suppress(NotJson, DeliveryTooLarge):
        if not media_type.startswith("text/"):
            _count_containers(data)
            return {"data": load(_decoded(data), _BARE_DEPTH)}
        if is_shorter_as_text(text := _decoded(data)):
            return {"data": text}
    return {"data_base64": base64.b64encode(data).decode()}


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")


def _written(value: Any) -> str:
    """The JSON text of a value. Raises NotJson if it nests too deep to be written."""
    if isinstance(value, Ambiguous):
        members = map(_written, value.members)
        return "{" + ",".join(f"{name}:{each}" for name, each in zip(members, members, strict=True)) + "}"
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        raise NotJson("the JSON nests too deep to be taken apart") from None


def _decoded(body: bytes) -> str:
    """Raises NotJson."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotJson("it is not JSON in UTF-8") from None


def _header_text(value: str) -> str:
    """An attribute from its header (HTTP binding, section 3.1.3.2): unquoted, then percent-decoded."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    try:
        return unquote(value.encode("latin-1").decode(), errors="strict")
    except UnicodeError:
        raise InvalidEvent("a ce- header is not UTF-8") from None


def _fault(error: NotJson | InvalidEvent) -> InvalidEvent:
    return error if isinstance(error, InvalidEvent) else InvalidEvent(str(error))
