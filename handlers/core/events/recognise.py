"""Recognises the events that say that an image was created.

All events here are CloudEvents, because `core.events.shapes` has converted the bare ones.
"""

from collections.abc import Callable

from handlers.core.errors import InvalidEvent
from handlers.core.events import cts, existing_image, glance, smn
from handlers.core.events.recognised import CreationSignals, OtherEvent, Recognised, created
from handlers.core.json_access import Json, object_or_empty, project_of, rfc3339, string, uuids_at
from handlers.core.times import parse_time


def recognise(event: Json, signals: CreationSignals) -> Recognised:
    """The images that this event, a CloudEvent as JSON, says were created.

    Raises InvalidEvent if it says that an image was created but not which one, and DeliveryTooLarge.
    """
    data = object_or_empty(event.get("data"))
    for read in READERS.values():
        if (recognised := read(event, data, signals)) is not None:
            return recognised
    return OtherEvent("the type is none of IMAGE_CREATED_TYPES, and the data is of no known shape")


def _plain(event: Json, data: Json, signals: CreationSignals) -> Recognised | None:
    if not signals.names(event):
        return None
    where = {"data": data, "subject": event.get("subject")}
    image_id = next(uuids_at(where, "data.image_id", "data.id", "data.resource_id", "subject"), None)
    if image_id is None:
        raise InvalidEvent(
            "none of data.image_id, data.id, data.resource_id and subject is an image id, which is a UUID"
        )
    creator = cts.creator_of(object_or_empty(data.get("user")))
    image = {
        "id": image_id,
        "name": string(data, "name", "resource_name"),
        "project_id": string(data, "project_id") or project_of(data, "owner"),
        "region": string(data, "region"),
        "os_type": string(data, "os_type", "__os_type"),
        "creator": creator,
    }
    event_time = parse_time(event.get("time"))
    image["created_at"] = rfc3339(parse_time(data.get("created_at")) or event_time)
    return [created(event, image, event_time)]


READERS: dict[str, Callable[[Json, Json, CreationSignals], Recognised | None]] = {
    "CTS trace": cts.read,
    "Glance notification": glance.read,
    "SMN message": smn.read,
    "existing image": existing_image.read,
    "plain CloudEvent": _plain,
}
"""By shape, the reader of an event and its data. It returns None for events of other shapes.

Earlier rows win: a trace of another service is not a plain event, whatever its type is.
"""
