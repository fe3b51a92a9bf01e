"""Notifications of OpenStack Glance (OpenStack Image service, "Notifications")."""

from handlers.core.errors import InvalidEvent
from handlers.core.events.recognised import CreationSignals, OtherEvent, Recognised, created
from handlers.core.json_access import (
    Json,
    lower_string,
    object_or_empty,
    project_of,
    rfc3339,
    string,
    uuids_at,
)
from handlers.core.times import parse_time

_ACTIVE = "image.activate"
"""The one notification that says that an image exists and has its data."""


def read(event: Json, data: Json, signals: CreationSignals) -> Recognised | None:
    """Reads a notification in the data of an event, or its payload; None if it is neither."""
    if not _is_notification(event, data, signals):
        return None
    data = object_or_empty(data.get("oslo.message")) or data
    if data.get("event_type", event["type"]) != _ACTIVE:
        return OtherEvent("the notification of Glance is another than image.activate")
    payload = object_or_empty(data.get("payload")) or data
    image_id = next(uuids_at(payload, "id"), None)
    if image_id is None:
        raise InvalidEvent("the notification of Glance holds no image id in payload.id, which is a UUID")
    event_time = parse_time(data.get("timestamp")) or parse_time(event.get("time"))
    image = {
        "id": image_id,
        "name": string(payload, "name"),
        "project_id": project_of(payload, "owner"),
        "created_at": rfc3339(parse_time(payload.get("created_at")) or event_time),
        "os_type": string(object_or_empty(payload.get("properties")), "os_type", "__os_type"),
    }
    return [created(event, image, event_time)]


def _is_notification(event: Json, data: Json, signals: CreationSignals) -> bool:
    if "oslo.message" in data or _ACTIVE in (event["type"], data.get("event_type")):
        return True
    if not {"event_type", "payload"} <= data.keys():
        return False
    # A plain event that says that an image was created may use these names for something else.
    return lower_string(data, "event_type").startswith("image.") or not signals.names(event)
