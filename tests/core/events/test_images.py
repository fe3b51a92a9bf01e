"""Which events tell of a created image, and what they tell of it, whatever their shape."""

import json
from copy import deepcopy

import pytest

from handlers.core.errors import InvalidEvent
from handlers.core.events import OtherEvent, recognise
from handlers.core.events.recognise import READERS
from handlers.core.json_access import object_or_empty
from tests.support import sample_files
from tests.support.sample_events import (
    ID,
    OTHER_ID,
    PROJECT,
    SAYS,
    TIME,
    USER,
    Json,
    image,
    images,
    notification,
    plain,
    trace,
)

# -- the golden events ------------------------------------------------------------------------------

CREATED_BY_GOLDEN = {name: told for name, told in sample_files.IMAGES.items() if told}
SILENT = [name for name, told in sample_files.IMAGES.items() if not told]


@pytest.mark.parametrize(("name", "told"), CREATED_BY_GOLDEN.items(), ids=CREATED_BY_GOLDEN)
def test_golden_events(name: str, told: list[Json]) -> None:
    """Each golden event tells exactly this of its images."""
    assert [told for event in sample_files.events(name) for told in images(event)] == told


@pytest.mark.parametrize("name", SILENT)
def test_golden_events_without_images(name: str) -> None:
    """What says that an image was created and not which is refused; everything else is ignored."""
    (event,) = sample_files.events(name)
    if sample_files.EXPECTED.get(name, {}).get("reason") == "InvalidEvent":
        with pytest.raises(InvalidEvent):
            recognise(event, SAYS)
    else:
        assert isinstance(recognise(event, SAYS), OtherEvent)


def test_every_golden_event_is_told_of() -> None:
    """No file among the golden events stands outside the tests."""
    assert {path.name for path in sample_files.FOLDER.iterdir()} - {
        "expected.json"
    } == sample_files.IMAGES.keys()


# -- recognising ------------------------------------------------------------------------------------

OSLO = {"oslo.version": "2.0", "oslo.message": json.dumps(notification())}
CONFIRMATION = {"subscribe_url": "https://smn.example/subscribe"}

ROWS: dict[str, tuple[Json, str]] = {
    "CTS trace": (trace() | {"type": "image.created"}, ""),
    "Glance notification": (plain(notification()), ""),
    "SMN message": (plain(CONFIRMATION, type="SMN:SubscriptionConfirmation"), "asks to be subscribed"),
    "existing image": (plain({"id": ID}, type="image-tagger.image.exists"), ""),
    "plain CloudEvent": (plain({"id": ID}), ""),
}


@pytest.mark.parametrize("shape", READERS)
def test_shapes(shape: str) -> None:
    """An event of each shape is read as that shape, whichever rows come before it."""
    event, why = ROWS[shape]
    data = object_or_empty(event.get("data"))
    read = ((name, read(event, data, SAYS)) for name, read in READERS.items())
    name, recognised = next((name, recognised) for name, recognised in read if recognised is not None)
    assert name == shape
    if isinstance(recognised, OtherEvent):
        assert why
        assert why in recognised.why
    else:
        assert isinstance(recognised, list)
        assert [created.id for created in recognised] == [ID]


CREATED: dict[str, Json] = {
    "data.image_id": plain({"image_id": ID}),
    "data.id": plain({"id": ID}),
    "data.resource_id": plain({"resource_id": ID}),
    "subject": plain(subject=ID),
    "subject, data is text": plain("hello", subject=ID),
    "subject, data is null": plain(subject=ID) | {"data": None},
    "the first that is an id": plain(
        {"image_id": "web-base", "id": None, "resource_id": ID}, subject=OTHER_ID
    ),
    "data is JSON text": plain(json.dumps({"image_id": ID})),
    "a type that begins like one of Glance": plain({"id": ID}, type="image.created"),
    "data that has an event_type": plain({"id": ID, "event_type": "created"}),
    "data that has a payload": plain({"id": ID, "payload": {"id": OTHER_ID}}),
    "Glance": plain(notification(), type="x"),
    "Glance, as JSON text": plain(json.dumps(notification()), type="x"),
    "Glance, wrapped by oslo.messaging": plain(OSLO, type="x"),
    "Glance, the payload alone": plain({"id": ID}, type="image.activate"),
    "Glance, the payload as text": plain(notification(json.dumps({"id": ID})), type="x"),
    "Glance, of no priority": plain(notification(priority=...), type="x"),
}

ANOTHER_TYPE = "the type is none of IMAGE_CREATED_TYPES, and the data is of no known shape"
GLANCE = "the notification of Glance is another than image.activate"
NO_NOTIFICATION = "the message of Simple Message Notification is not a notification"

IGNORED: dict[str, tuple[Json, str]] = {
    "another type": (plain({"id": ID}, type="com.example.image.deleted"), ANOTHER_TYPE),
    "a type that begins like one of Glance": (plain({"id": ID}, type="image.deleted"), ANOTHER_TYPE),
    "no data": (plain(type="x"), ANOTHER_TYPE),
    "data a list": (plain([{"trace_name": "createImage"}], type="x"), ANOTHER_TYPE),
    "half a trace": (trace(service_type=...), ANOTHER_TYPE),
    "Glance, whatever the type says": (plain(notification(event_type="image.create")), GLANCE),
    "Glance, deep in it": (plain(OSLO | {"oslo.message": '{"event_type": "image.update"}'}), GLANCE),
    "Glance, type no text": (plain(notification(event_type=["image.activate"]), type="x"), GLANCE),
    "oslo.messaging around nothing": (plain(OSLO | {"oslo.message": "hello"}, type="x"), GLANCE),
    "an unsubscription": (plain({}, type="SMN:UnsubscribeConfirmation"), NO_NOTIFICATION),
}

INVALID: dict[str, Json] = {
    "nothing": plain(),
    "no id": plain({"name": "web-base"}),
    "a name": plain({"image_id": "web-base"}, subject="web-base"),
    "short": plain({"image_id": ID[:-1]}),
    "long": plain({"image_id": ID + "0"}),
    "in braces": plain({"image_id": f"{{{ID}}}"}),
    "in a URN": plain(subject=f"urn:uuid:{ID}"),
    "without hyphens": plain({"image_id": ID.replace("-", "")}),
    "line break after it": plain({"image_id": ID + "\n"}),
    "digits of another script": plain({"image_id": ID.replace("3", "٣")}),
    "a path": plain({"image_id": f"../{ID}"}),
    "a list": plain({"image_id": [ID]}),
    "a number": plain({"image_id": 1}),
    "data a list": plain([ID]),
    "id elsewhere": plain({"images": {"id": ID}}),
    "Glance without an id": plain(notification({})),
    "Glance with a name": plain(notification({"id": "web-base"})),
    "Glance with text": plain(notification("the upload failed")),
    "Glance, id in the subject alone": plain(notification({}), subject=ID),
}


@pytest.mark.parametrize("event", CREATED.values(), ids=CREATED)
def test_created(event: Json) -> None:
    """These tell of one created image."""
    assert image(event)["id"] == ID


@pytest.mark.parametrize(("event", "why"), IGNORED.values(), ids=IGNORED)
def test_ignored(event: Json, why: str) -> None:
    """These are about something else, and what decided is named."""
    assert recognise(event, SAYS) == OtherEvent(why)


@pytest.mark.parametrize("event", INVALID.values(), ids=INVALID)
def test_invalid(event: Json) -> None:
    """These say that an image was created, and not which; only a UUID is an id."""
    with pytest.raises(InvalidEvent, match="which is a UUID"):
        recognise(event, SAYS)


def test_an_id_in_capitals_stays_so() -> None:
    """The id is handed on as the event wrote it."""
    assert image(plain(subject=OTHER_ID))["id"] == OTHER_ID


def test_a_topic_that_asks_to_be_subscribed() -> None:
    """Nothing is fetched; the reason has the address for a person, and until when to open it."""
    recognised = recognise(plain(CONFIRMATION, type="SMN:SubscriptionConfirmation"), SAYS)
    assert isinstance(recognised, OtherEvent)
    assert "within 48 hours: https://smn.example/subscribe" in recognised.why


# -- what is told of an image -----------------------------------------------------------------------

TOLD: dict[str, tuple[Json, Json]] = {
    "nothing more": (plain(subject=ID), {"id": ID}),
    "all of a plain event": (
        plain(
            {
                "image_id": ID,
                "name": "web",
                "project_id": "p",
                "region": "eu-de",
                "os_type": "Linux",
                "created_at": "2026-01-05T11:00:00+01:00",
                "user": USER | {"type": "User"},
            },
            time=TIME,
        ),
        {
            "id": ID,
            "name": "web",
            "project_id": "p",
            "region": "eu-de",
            "os_type": "Linux",
            "created_at": "2026-01-05T10:00:00Z",
            "creator": {"kind": "user", "name": "jane", "id": "5f1d", "domain": "acme"},
        },
    ),
    "an owner that is a project": (
        plain({"id": ID, "owner": PROJECT}),
        {"id": ID, "project_id": PROJECT},
    ),
    "an owner that is none": (plain({"id": ID, "owner": "platform-team"}), {"id": ID}),
    "members of other types": (
        plain({"id": ID, "name": 7, "project_id": [], "region": {}, "os_type": None, "user": "jane"}, time=5),
        {"id": ID},
    ),
    "empty texts": (
        plain({"id": ID, "name": "", "project_id": "", "user": {"name": ""}}, time=""),
        {"id": ID},
    ),
    "the second name": (plain({"id": ID, "name": "", "resource_name": "web"}), {"id": ID, "name": "web"}),
    "a user as text": (
        plain({"id": ID, "user": json.dumps(USER)}),
        {"id": ID, "creator": {"name": "jane", "id": "5f1d", "domain": "acme"}},
    ),
    "an attribute of our name": (plain({"id": ID}, image="ours"), {"id": ID}),
    "the system by its other name": (plain({"id": ID, "__os_type": "Other"}), {"id": ID, "os_type": "Other"}),
    "Glance, by the notification's time": (
        plain(notification({"id": ID, "properties": {"os_type": "linux"}}), time="2026-02-02T00:00:00Z"),
        {"id": ID, "os_type": "linux", "created_at": TIME},
    ),
    "Glance, by the event's time": (
        plain(notification({"id": ID}, timestamp="soon"), time=TIME),
        {"id": ID, "created_at": TIME},
    ),
    "Glance, members of other types": (
        plain(notification({"id": ID, "name": 7, "owner": None, "properties": []}, timestamp=None)),
        {"id": ID},
    ),
}


@pytest.mark.parametrize(("event", "told"), TOLD.values(), ids=TOLD)
def test_told(event: Json, told: Json) -> None:
    """An image has what its event tells, and nothing in place of what it does not."""
    assert image(event) == told


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(plain(subject=ID), id="none"),
        pytest.param(plain(subject=ID, time="soon"), id="no time"),
        pytest.param(trace(time="soon"), id="no time in a trace"),
        pytest.param(plain(notification(timestamp="soon")), id="no time in a notification"),
    ],
)
def test_no_time(event: Json) -> None:
    """An event without a time that can be read has none, nor has its image."""
    recognised = recognise(event, SAYS)
    assert isinstance(recognised, list)
    assert recognised[0].event_time is None
    assert "created_at" not in recognised[0].event["image"]


def test_rules_see_the_event_as_it_came() -> None:
    """An image's event is the event itself and the object `image`, and the event is left alone."""
    event = plain({"id": ID, "request": '{"a": 1}'}, image="extension")
    before = deepcopy(event)
    recognised = recognise(event, SAYS)
    assert isinstance(recognised, list)
    assert event == before
    assert recognised[0].event == before | {"image": {"id": ID}}
