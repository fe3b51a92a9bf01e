"""Events made for tests, and what is known of the images that they tell of."""

from typing import Any

from handlers.core.events import CreationSignals, ImageJob, recognise
from handlers.core.patterns.wildcards import parse_wildcard

Json = dict[str, Any]

SAYS = CreationSignals([parse_wildcard("*image.created*")], ["createImage", "copyImage"])

ID = "3f7185de-b59a-4bb8-aa1d-7a513528b0e9"
OTHER_ID = "42D39B4A-19B7-4EE2-B01B-A9F1353B4C54"
PROJECT = "0123456789abcdef0123456789abcdef"
JOB = "9a175ac792fa12d20193002100dd2762"
TIME = "2026-01-05T10:15:30Z"
USER = {"name": "jane", "id": "5f1d", "domain": {"name": "acme", "id": "7e0d"}}


def images(event: Json) -> list[Json]:
    """What is known of each image that an event tells of."""
    recognised = recognise(event, SAYS)
    assert isinstance(recognised, list), recognised
    return [created.event["image"] for created in recognised]


def image(event: Json) -> Json:
    (one,) = images(event)
    return one


def job(event: Json) -> ImageJob:
    """The job that an event names in place of images."""
    recognised = recognise(event, SAYS)
    assert isinstance(recognised, ImageJob), recognised
    return recognised


def plain(data: Any = None, **attributes: Any) -> Json:
    """A plain CloudEvent that says that an image was created."""
    event = {"specversion": "1.0", "id": "1", "source": "/factory", "type": "com.example.image.created"}
    return event | attributes | ({} if data is None else {"data": data})


def bare_trace(**fields: Any) -> Json:
    """A CTS trace of a created image; a field that is `...` is left out."""
    data = {
        "trace_id": "cbdd4480-2e03-11ef-82de-cf140e2a70fb",
        "trace_name": "createImage",
        "trace_type": "ApiCall",
        "trace_rating": "normal",
        "service_type": "IMS",
        "resource_type": "ims",
        "resource_id": ID,
        "resource_name": "web-base",
    } | fields
    return {name: value for name, value in data.items() if value is not ...}


def trace(**fields: Any) -> Json:
    """The same as the data of an EventGrid event."""
    return plain(bare_trace(**fields), source="HC.IMS", type="IMS:CloudTrace:ApiCall")


def notification(payload: Any = None, **fields: Any) -> Json:
    """A notification of Glance about an image that is there and has its data."""
    envelope = {
        "message_id": "n-1",
        "publisher_id": "image.host",
        "event_type": "image.activate",
        "priority": "INFO",
        "timestamp": "2026-01-05 10:15:30.123",
        "payload": {"id": ID, "name": "web-base"} if payload is None else payload,
    } | fields
    return {name: value for name, value in envelope.items() if value is not ...}


def message(text: Any, **fields: Any) -> Json:
    """A notification of Simple Message Notification."""
    envelope = {
        "type": "Notification",
        "topic_urn": f"urn:smn:eu-de:{PROJECT}:traces",
        "message_id": "m-1",
        "message": text,
        "timestamp": TIME,
    } | fields
    return {name: value for name, value in envelope.items() if value is not ...}
