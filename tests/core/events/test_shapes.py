"""Bare events as CloudEvents, and what envelopes around events hold."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from handlers.core.budget import MAX_ENVELOPES
from handlers.core.errors import InvalidEvent
from handlers.core.events import OtherEvent, recognise
from handlers.core.events.shapes import ENVELOPES, RAW_EVENTS, Envelope, RawEvent, as_cloudevent, unwrap
from handlers.core.received import Received, Unparsable
from handlers.edges.cloudevents import HttpMessage, events_in
from tests.support.sample_events import (
    ID,
    OTHER_ID,
    PROJECT,
    SAYS,
    TIME,
    Json,
    bare_trace,
    image,
    message,
    notification,
    plain,
    trace,
)


def read(content: Any) -> list[Json | str]:
    """What a body with this JSON holds: events, and in place of any other element why it is none."""
    found = events_in(HttpMessage({}, json.dumps(content).encode()))
    return [each.event if isinstance(each, Received) else _why(each) for each in found]


def _why(unparsable: Unparsable) -> str:
    assert isinstance(unparsable.error, InvalidEvent)
    return str(unparsable.error)


# -- bare events ------------------------------------------------------------------------------------

CTS = bare_trace(trace_id="t-1", project_id=PROJECT, time=1767608129000, record_time=1767608130000)
OF_CTS = {"id": "t-1", "source": f"urn:cts:{PROJECT}", "type": "IMS:CloudTrace:ApiCall", "time": TIME}
GLANCE = notification()
OF_GLANCE = {"id": "n-1", "source": "image.host", "type": "image.activate", "time": TIME}
CONFIRMATION = message("You are invited.", type="SubscriptionConfirmation", subscribe_url="https://x.example")
OF_SMN = {"id": "m-1", "source": f"urn:smn:eu-de:{PROJECT}:traces", "time": TIME}

ROWS: dict[str, tuple[Json, Json, Json]] = {
    "CTS trigger": ({"cts": CTS}, OF_CTS, CTS),
    "CTS trace": (CTS, OF_CTS, CTS),
    "Glance notification": (GLANCE, OF_GLANCE, GLANCE),
    "SMN handshake": (CONFIRMATION, OF_SMN | {"type": "SMN:SubscriptionConfirmation"}, CONFIRMATION),
}


@pytest.mark.parametrize("bare", RAW_EVENTS, ids=lambda bare: bare.name)
def test_bare(bare: RawEvent) -> None:
    """Each bare event becomes the data of a CloudEvent, whose attributes are the event's own."""
    content, attributes, data = ROWS[bare.name]
    assert next(row for row in RAW_EVENTS if row.matches(content)) is bare
    assert as_cloudevent(content) == {"specversion": "1.0", "data": data} | attributes


LACKING: dict[str, tuple[Json, Json]] = {
    "a trace without an id": (
        {"cts": {"trace_name": "createImage", "time": ""}},
        {"source": "urn:cts:", "type": ":CloudTrace:"},
    ),
    "a trace by its time": (
        {"cts": CTS | {"record_time": "soon"}},
        OF_CTS | {"time": "2026-01-05T10:15:29Z"},
    ),
    "a trace of other types": (
        {"cts": {"trace_id": 7, "project_id": {}, "service_type": None, "trace_type": []}},
        {"source": "urn:cts:", "type": ":CloudTrace:"},
    ),
    "a notification of other types": (
        {"event_type": "image.update", "payload": None, "message_id": 7, "publisher_id": {}, "timestamp": []},
        {"type": "image.update"},
    ),
    "an unsubscription": (
        {"type": "UnsubscribeConfirmation", "topic_urn": "urn:smn", "message_id": "m", "timestamp": 1},
        {"id": "m", "source": "urn:smn", "type": "SMN:UnsubscribeConfirmation"},
    ),
}


@pytest.mark.parametrize(("content", "attributes"), LACKING.values(), ids=LACKING)
def test_bare_events_that_lack_something(content: Json, attributes: Json) -> None:
    """What a bare event does not tell is absent; an id is never made up, or a repetition would not show."""
    assert as_cloudevent(content) == {"specversion": "1.0", "data": content.get("cts", content)} | attributes


def test_a_bare_trace_as_text() -> None:
    """A trigger's trace that comes as JSON text is read."""
    assert as_cloudevent({"cts": json.dumps(CTS)}) == as_cloudevent({"cts": CTS})


UNFIT: dict[str, tuple[str, str]] = {
    "deep": (f'{{"a": {"[" * 63}{"]" * 63}}}', "the JSON nests deeper than 64 levels"),
    "no number": ('{"a": NaN}', "the JSON holds NaN, an infinity, or a number that is too large"),
    "half of a surrogate pair": ('{"a": "\\ud800"}', "the JSON holds half of a surrogate pair"),
}


@pytest.mark.parametrize(("text", "why"), UNFIT.values(), ids=UNFIT)
def test_a_bare_trace_as_text_is_checked(text: str, why: str) -> None:
    """A dead letter can be made of what is an event, however its text is escaped."""
    escaped = "".join(f"\\u{ord(character):04x}" for character in text)
    (received,) = events_in(HttpMessage({}, f'{{"cts": "{escaped}"}}'.encode()))
    assert isinstance(received, Unparsable)
    assert why in str(received.error)


NOT_BARE: dict[str, Json] = {
    "nothing": {},
    "an empty trigger": {"cts": {}},
    "a trigger of null": {"cts": None},
    "a trigger of a list": {"cts": [CTS]},
    "a trigger of text": {"cts": "x"},
    "a trigger of cut text": {"cts": "{"},
    "capitals": {"CTS": CTS},
    "a trace without an id": bare_trace(trace_id=...),
    "a trace with an empty id": bare_trace(trace_id=""),
    "a trace without a name": bare_trace(trace_name=...),
    "a notification without a payload": notification(payload=...),
    "a notification of no type": notification(event_type=""),
    "a message without a topic": message("x", type="SubscriptionConfirmation", topic_urn=...),
    "a message of another type": message("x", type="Hello"),
    "a message of no text": message({"a": 1}),
    "an empty message": message(""),
}


@pytest.mark.parametrize("content", NOT_BARE.values(), ids=NOT_BARE)
def test_no_bare_event(content: Json) -> None:
    """Other JSON is no event, and is refused rather than ignored in silence."""
    assert as_cloudevent(content) is None
    (refused,) = read(content)
    assert isinstance(refused, str)


def test_the_same_by_every_way() -> None:
    """One trace tells the same of its image, by EventGrid, by a trigger, by SMN or alone."""
    ways = [
        plain(CTS, source="HC.IMS", type="x"),
        {"cts": CTS},
        {"events": [plain(CTS)]},
        CTS,
        message(json.dumps(CTS)),
        {"record": [{"smn": message(json.dumps({"cts": CTS}))}]},
    ]
    told = [image(event) for way in ways for event in read(way) if isinstance(event, dict)]
    assert told == [told[0]] * len(ways)


# -- envelopes --------------------------------------------------------------------------------------

HELD = plain({"id": ID})
TEXT = json.dumps(HELD)

AROUND: dict[str, tuple[Json, list[Any]]] = {
    "EventGrid": ({"events": [HELD, 1]}, [HELD, 1]),
    "SMN trigger": ({"record": [{"smn": message(TEXT)}, None]}, [message(TEXT), None]),
    "SMN notification": (message(TEXT), [TEXT]),
    "oslo.messaging": ({"oslo.version": "2.0", "oslo.message": TEXT}, [TEXT]),
}


@pytest.mark.parametrize("envelope", ENVELOPES, ids=lambda envelope: envelope.name)
def test_envelopes(envelope: Envelope) -> None:
    """Each envelope is known by itself, and holds this."""
    content, held = AROUND[envelope.name]
    assert [row.name for row in ENVELOPES if row.matches(content)] == [envelope.name]
    assert unwrap(content) == held


ONE = "the event it holds"
NO_JSON = "an envelope holds text that is not JSON"
NO_OBJECT = "an event is a JSON object"
NOT_KNOWN = "nor another known event"

FOUND: dict[str, tuple[Any, list[str]]] = {
    "EventGrid": ({"events": [HELD, HELD]}, [ONE, ONE]),
    "EventGrid, nothing in it": ({"events": []}, []),
    "EventGrid, a mixed list": (
        {"events": ["x", TEXT, 7, None, {}, [HELD]]},
        [
            NO_JSON,
            ONE,
            NO_OBJECT,
            NO_OBJECT,
            NOT_KNOWN,
            ONE,
        ],
    ),
    "EventGrid, no list": ({"events": HELD}, [NOT_KNOWN]),
    "SMN": (message(TEXT), [ONE]),
    "SMN, by a small type": (message(TEXT, type="notification"), [ONE]),
    "SMN, a list in it": (message(json.dumps([HELD, CTS, 1])), [ONE, ONE, NO_OBJECT]),
    "SMN, plain text": (message("this is smn message content"), [NO_JSON]),
    "SMN, half of a surrogate pair": (message('{"a": "\\ud800"}'), ["half of a surrogate pair"]),
    "SMN, JSON of another kind": (message('{"eventTime": "2019-08-12 22:40:55"}'), [NOT_KNOWN]),
    "SMN, a number": (message("7"), [NO_OBJECT]),
    "SMN trigger": ({"record": [{"smn": message(TEXT)}] * 2}, [ONE, ONE]),
    "SMN trigger, a mixed list": (
        {"record": [{"smn": message("x")}, {"smn": message(TEXT)}, {"other": 1}, 7, {"smn": None}]},
        [NO_JSON, ONE, NO_OBJECT, NO_OBJECT, NO_OBJECT],
    ),
    "oslo": ({"oslo.message": json.dumps(notification())}, [ONE]),
    "oslo, text that is no JSON": ({"oslo.version": "2.0", "oslo.message": "hello"}, [NO_JSON]),
    "oslo, an object": ({"oslo.message": notification()}, [NOT_KNOWN]),
    "a list of several shapes": (
        [HELD, {"cts": CTS}, notification(), message(TEXT), "x"],
        [
            ONE,
            ONE,
            ONE,
            ONE,
            NO_OBJECT,
        ],
    ),
    "a CloudEvent is no envelope": (HELD | {"events": 1, "record": 2}, [ONE]),
}


@pytest.mark.parametrize(("content", "found"), FOUND.values(), ids=FOUND)
def test_what_envelopes_hold(content: Any, found: list[str]) -> None:
    """Each element is an event or an error in its place; one that is junk leaves the others alone."""
    events = read(content)
    assert len(events) == len(found)
    for event, expected in zip(events, found, strict=True):
        if expected == ONE:
            assert isinstance(event, dict)
            assert image(event)["id"] == ID
        else:
            assert expected in event


TOO_MANY = "more than 4 envelopes are around the event"


def wrapped(times: int) -> Json:
    content = HELD
    for _ in range(times):
        content = message(json.dumps(content))
    return content


def test_envelopes_in_envelopes() -> None:
    """As many as there are on any known way, and no more, or one message could cost without end."""
    assert read(wrapped(MAX_ENVELOPES)) == [HELD]
    assert read(wrapped(MAX_ENVELOPES + 1)) == [TOO_MANY]


def test_the_limit_is_of_each_event() -> None:
    """Elements beside one that is wrapped too often are read."""
    assert read({"events": [wrapped(MAX_ENVELOPES), wrapped(1)]}) == [TOO_MANY, HELD]


@pytest.mark.parametrize(
    "envelope",
    [lambda held: [held], lambda held: {"events": [held]}, lambda held: message(json.dumps(held))],
    ids=["list", "EventGrid", "SMN"],
)
def test_lists_are_envelopes(envelope: Callable[[Any], Any]) -> None:
    """A list in a list counts as an envelope does, alone and among others; that of the delivery does not."""
    content: Any = HELD
    for _ in range(MAX_ENVELOPES - 1):
        content = [content]
    assert read([envelope(content)]) == [HELD]
    assert read([envelope([content])]) == [TOO_MANY]


def test_a_handshake_is_no_creation() -> None:
    """A topic that asks to be subscribed is accepted, whatever its message says."""
    (event,) = read(CONFIRMATION | {"message": json.dumps(trace())})
    assert isinstance(event, dict)
    assert isinstance(recognise(event, SAYS), OtherEvent)


def test_ids_in_capitals_survive_envelopes() -> None:
    """What an envelope holds is handed on as it was written."""
    (event,) = read(message(json.dumps(plain(subject=OTHER_ID))))
    assert isinstance(event, dict)
    assert image(event)["id"] == OTHER_ID
