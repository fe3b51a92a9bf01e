"""Images that exist, told of again by the command `images backfill`."""

from handlers.core.errors import InvalidEvent
from handlers.core.events.recognised import FILL_IN, CreationSignals, Recognised, created
from handlers.core.json_access import Json, project_of, rfc3339, string, uuids_at
from handlers.core.times import parse_time

EXISTS = "image-tagger.image.exists"
"""The type of these events. No setting names it: what the command sends is always understood."""

KNOWN = frozenset({"id", "name", "project_id", "created_at", "os_type"})
"""What such an event knows of `image`. Who made it, and in which region, IMS does not say."""


def event_of(image: Json) -> Json:
    """The event about an image as IMS describes it ("Querying Images", IMS API reference).

    The same image always has the same id of an event.
    """
    return {
        "specversion": "1.0",
        "id": event_id(image["id"]),
        "source": f"urn:ims:{string(image, 'owner') or ''}",
        "type": EXISTS,
        "subject": image["id"],
        "time": rfc3339(parse_time(image.get("created_at"))) or "1970-01-01T00:00:00Z",
        FILL_IN: "true",
        "data": image,
    }


def event_id(image_id: str) -> str:
    """The id of each event that tells of this image again."""
    return f"backfill-{image_id}"


def read(event: Json, data: Json, _signals: CreationSignals) -> Recognised | None:
    """Reads such an event; None if it is another. Raises InvalidEvent."""
    if event["type"] != EXISTS:
        return None
    image_id = next(uuids_at(data, "id"), None)
    if image_id is None:
        raise InvalidEvent("the data describes no image: it has no id that is a UUID")
    at = parse_time(data.get("created_at"))
    image = {
        "id": image_id,
        "name": string(data, "name"),
        "project_id": project_of(data, "owner"),
        "created_at": rfc3339(at),
        "os_type": string(data, "__os_type"),
    }
    return [created(event, image, at)]
