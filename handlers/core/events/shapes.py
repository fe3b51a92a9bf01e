"""Events that are not CloudEvents, and envelopes around events. Each shape is a row of a table.

The contents of an envelope can be envelopes again. A bare event becomes the CloudEvent that EventGrid would
make of it, so that all other code sees only CloudEvents.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from handlers.core.json_access import Json, lower_string, object_or_empty, rfc3339, string, without_empty
from handlers.core.times import parse_time


def unwrap(content: Json) -> list[Any] | None:
    """The contents of an envelope: objects, or JSON as text. None if it is not an envelope."""
    envelope = next((envelope for envelope in ENVELOPES if envelope.matches(content)), None)
    return envelope.unwrap(content) if envelope else None


def as_cloudevent(content: Json) -> Json | None:
    """A bare event as a CloudEvent, with the attributes that it has. None if it is not a known event."""
    bare = next((bare for bare in RAW_EVENTS if bare.matches(content)), None)
    return {"specversion": "1.0"} | bare.cloudevent(content) if bare else None


def _has_texts(content: Json, *names: str) -> bool:
    return all(string(content, name) for name in names)


def _is_notification(content: Json) -> bool:
    return _has_texts(content, "topic_urn", "message") and lower_string(content, "type") == "notification"


def _is_handshake(content: Json) -> bool:
    confirms = lower_string(content, "type").endswith("confirmation")
    return confirms and _has_texts(content, "topic_urn", "message_id")


class Envelope(NamedTuple):
    name: str
    matches: Callable[[Json], bool]
    unwrap: Callable[[Json], list[Any]]


ENVELOPES = (
    # EventGrid, "Event Sources": what sources publish, and some targets receive.
    Envelope("EventGrid", lambda c: isinstance(c.get("events"), list), lambda c: list(c["events"])),
    # FunctionGraph, "Using an SMN Trigger".
    Envelope(
        "SMN trigger",
        lambda c: isinstance(c.get("record"), list),
        lambda c: [object_or_empty(record).get("smn") for record in c["record"]],
    ),
    # Simple Message Notification, "HTTP or HTTPS Messages".
    Envelope("SMN notification", _is_notification, lambda c: [c["message"]]),
    Envelope("oslo.messaging", lambda c: _has_texts(c, "oslo.message"), lambda c: [c["oslo.message"]]),
)


def _trace(trace: Json) -> Json:
    kind, service = string(trace, "trace_type"), string(trace, "service_type")
    attributes = {
        "id": string(trace, "trace_id"),
        "source": f"urn:cts:{string(trace, 'project_id') or ''}",
        "type": f"{service or ''}:CloudTrace:{kind or ''}",
        "time": rfc3339(parse_time(trace.get("record_time")) or parse_time(trace.get("time"))),
    }
    return without_empty(attributes) | {"data": trace}


def _glance(notification: Json) -> Json:
    attributes = {
        "id": string(notification, "message_id"),
        "source": string(notification, "publisher_id"),
        "type": string(notification, "event_type"),
        "time": rfc3339(parse_time(notification.get("timestamp"))),
    }
    return without_empty(attributes) | {"data": notification}


def _handshake(message: Json) -> Json:
    attributes = {
        "id": string(message, "message_id"),
        "source": string(message, "topic_urn"),
        "type": f"SMN:{message['type']}",
        "time": rfc3339(parse_time(message.get("timestamp"))),
    }
    return without_empty(attributes) | {"data": message}


class RawEvent(NamedTuple):
    name: str
    matches: Callable[[Json], bool]
    cloudevent: Callable[[Json], Json]


RAW_EVENTS = (
    # FunctionGraph, "Using a CTS Trigger".
    RawEvent(
        "CTS trigger",
        lambda c: bool(object_or_empty(c.get("cts"))),
        lambda c: _trace(object_or_empty(c["cts"])),
    ),
    # As in OBS files and in answers of the CTS query.
    RawEvent("CTS trace", lambda c: _has_texts(c, "trace_id", "trace_name"), _trace),
    # OpenStack Image service, "Notifications".
    RawEvent("Glance notification", lambda c: _has_texts(c, "event_type") and "payload" in c, _glance),
    # The confirmations of Simple Message Notification.
    RawEvent("SMN handshake", _is_handshake, _handshake),
)
