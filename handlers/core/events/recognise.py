"""Which events say that an image was created, and the one form that the image has whatever the event's shape.

Each shape is a row that says how it is recognised and how it is read; `core.shapes` has made CloudEvents of
those that are none.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import NamedTuple

from handlers.core.errors import InvalidEvent
from handlers.core.events import cts
from handlers.core.json_access import (
    Json,
    lower_string,
    object_or_empty,
    project_of,
    rfc3339,
    string,
    uuids_at,
    without_empty,
)
from handlers.core.patterns.compile import Pattern
from handlers.core.times import parse_time

IMAGE_FIELDS: Json = {
    "id": None,
    "name": None,
    "project_id": None,
    "region": None,
    "created_at": None,
    "os_type": None,
    "creator": {"kind": None, "name": None, "id": None, "domain": None, "tool": None},
}
"""The names under `image.` that a rule can read. What an event does not tell is absent."""


class ImageCreated(NamedTuple):
    """One image that was created.

    event: the CloudEvent as JSON, as rules see it, with the object `image` in it.
    event_time: when, by the event's own word; None where it has no time that can be read.
    """

    event: Json
    event_time: datetime | None

    @property
    def image_id(self) -> str:
        image_id: str = self.event["image"]["id"]
        return image_id

    @property
    def project_id(self) -> str | None:
        project_id: str | None = self.event["image"].get("project_id")
        return project_id


class ImageJob(NamedTuple):
    """Images are being made, and only the job that makes them is known.

    facts: what is known of all of them.
    """

    event: Json
    event_time: datetime | None
    project_id: str | None
    job_id: str
    facts: Json

    def images(self, made: list[Json]) -> list[ImageCreated]:
        """The images, where the job tells the id, and perhaps the name, of each."""
        return [_created(self.event, self.facts | image, self.event_time) for image in made]


class OtherEvent(NamedTuple):
    """The event is about something else; `why` names what decided."""

    why: str


class CreationSignals(NamedTuple):
    """What says that an image was created, where the cloud does not publish it.

    types: of plain CloudEvents. traces: names of CTS traces.
    """

    types: Pattern
    traces: Collection[str]


Recognised = list[ImageCreated] | ImageJob | OtherEvent


class Shape(NamedTuple):
    name: str
    matches: Callable[[Json, CreationSignals], bool]
    read: Callable[[Json, CreationSignals], Recognised]


def recognise(event: Json, says: CreationSignals) -> Recognised:
    """The images whose creation this event, a CloudEvent as JSON, tells of.

    Raises InvalidEvent where it says that an image was created and not which.
    """
    shape = next((shape for shape in SHAPES if shape.matches(event, says)), None)
    if shape is None:
        return OtherEvent("the type is none of IMAGE_CREATED_TYPES, and the data is of no known shape")
    return shape.read(event, says)


def _from_trace(event: Json, says: CreationSignals) -> Recognised:
    trace = cts.trace_in(event)
    if why := cts.why_not_created(trace, says.traces):
        return OtherEvent(why)
    event_time = cts.event_time(trace, event)
    facts = cts.facts_of(trace, event_time)
    if images := cts.images_of(trace):
        return [_created(event, facts | image, event_time) for image in images]
    if job := cts.job_of(trace):
        return ImageJob(event, event_time, *job, facts)
    raise InvalidEvent(
        "the trace of a created image holds neither an image id, which is a UUID, nor the id of a job"
    )


_ACTIVE = "image.activate"
"""The one notification of Glance that tells of an image which is there and has its data."""


def _is_glance(event: Json, says: CreationSignals) -> bool:
    data = object_or_empty(event.get("data"))
    if "oslo.message" in data or _ACTIVE in (event["type"], data.get("event_type")):
        return True
    # Whose type says that an image was created may have members of these names for something else.
    is_its = lower_string(data, "event_type").startswith("image.") or not says.types.matches(event)
    return is_its and {"event_type", "payload"} <= data.keys()


def _from_glance(event: Json, _: CreationSignals) -> Recognised:
    """A notification as the data, wrapped or not, or its payload as the data of an event of its type."""
    data = object_or_empty(event.get("data"))
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
    return [_created(event, image, event_time)]


def _from_smn(event: Json, _: CreationSignals) -> Recognised:
    # The function fetches no address that an event names; a person has to see whose topic it is.
    message = object_or_empty(event.get("data"))
    if url := string(message, "subscribe_url"):
        return OtherEvent(
            f"a topic asks to be subscribed; if it is yours, open its subscribe_url within 48 hours: {url}"
        )
    return OtherEvent("the message of Simple Message Notification is no notification")


def _from_plain(event: Json, _: CreationSignals) -> Recognised:
    data = object_or_empty(event.get("data"))
    facts = {"data": data, "subject": event.get("subject")}
    image_id = next(uuids_at(facts, "data.image_id", "data.id", "data.resource_id", "subject"), None)
    if image_id is None:
        raise InvalidEvent(
            "none of data.image_id, data.id, data.resource_id and subject is an image id, which is a UUID"
        )
    event_time = parse_time(event.get("time"))
    image = {
        "id": image_id,
        "name": string(data, "name", "resource_name"),
        "project_id": string(data, "project_id") or project_of(data, "owner"),
        "region": string(data, "region"),
        "created_at": rfc3339(parse_time(data.get("created_at")) or event_time),
        "os_type": string(data, "os_type", "__os_type"),
        "creator": cts.creator_of(object_or_empty(data.get("user"))),
    }
    return [_created(event, image, event_time)]


SHAPES = (
    Shape("CTS trace", lambda event, _: bool(cts.trace_in(event)), _from_trace),
    Shape("Glance notification", _is_glance, _from_glance),
    Shape("SMN message", lambda event, _: str(event["type"]).startswith("SMN:"), _from_smn),
    Shape("plain CloudEvent", lambda event, says: says.types.matches(event), _from_plain),
)
"""Earlier rows win: a trace of another service is no plain event, whatever its type says."""


def _created(event: Json, image: Json, event_time: datetime | None) -> ImageCreated:
    return ImageCreated(event | {"image": without_empty(image)}, event_time)
