"""Dead letters in the forms in which they are kept: what is known of them, and what delivers them again."""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from deploy.nats import dead_letters as nats
from deploy.nats.bus import binding
from handlers.core.budget import MAX_DEPTH
from handlers.core.dead_letters import dead_letter
from handlers.core.dead_letters.compose import BUS_ATTRIBUTES
from handlers.core.dead_letters.forms import dead_letter_from_nats, parse_dead_letter
from handlers.core.dead_letters.message import Message
from handlers.core.dead_letters.model import DeadLetter
from handlers.core.dead_letters.secrets import without_secrets
from handlers.core.json_access import Json
from handlers.core.outcomes import Outcome
from handlers.core.received import Received, Unparsable
from handlers.edges.cloudevents import HttpMessage, events_in

ENDED = Outcome("dead-letter", "TagQuotaExceeded", "the image is full", "IMG.0116", "a rule")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

STRUCTURED = {"content-type": "application/cloudevents+json"}
CONTEXT = {"specversion": "1.0", "id": "1", "source": "/factory", "type": "com.example.image.created"}
ID = "62a15f6c-9197-44d2-89c7-708981c1bec1"
BARE = {"trace_id": "cbdd4480", "trace_name": "createImage", "service_type": "IMS"}

# -- the function's own -----------------------------------------------------------------------------

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers() | FLOATS | st.text()
JSON = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=5), below, max_size=4),
    max_leaves=12,
)
SPELLINGS = st.sampled_from(
    ["1.10", "1.0e+2", "1E15", "-0", '"\\u0061\\/"', '{ "a" :\r\n 1e-7 }', "[ 1 , 2 ]", "[]"]
)
JSON_TEXTS = SPELLINGS | st.builds(
    json.dumps, JSON, ensure_ascii=st.booleans(), indent=st.sampled_from([None, 1])
)
JSON_TYPES = ["application/json", "application/vnd.x+json; charset=utf-8"]
TEXT_TYPES = ["text/plain", "text/plain; charset=latin-1"]
OTHER_TYPES = ["application/octet-stream", "application/xml", "image/png"]
TYPES = st.sampled_from(JSON_TYPES + TEXT_TYPES + OTHER_TYPES)
NAMES = st.from_regex("x[a-z0-9]{0,12}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES: st.SearchStrategy[str | int] = st.one_of(TEXTS, st.integers())


def in_header(value: str, *, raw: bool) -> str:
    """An attribute as WSGI hands it on, percent-encoded or in raw UTF-8."""
    if raw and value.isprintable() and value == value.strip() and not set(value) & set('%"'):
        return value.encode().decode("latin-1")
    return quote(value, safe="")


BODIES = (
    JSON_TEXTS.map(str.encode)
    | st.binary(max_size=40)
    | TEXTS.map(str.encode)
    | st.integers(1, MAX_DEPTH).map(lambda depth: b"[" * depth + b"]" * depth)
)


@st.composite
def binary(draw: st.DrawFn) -> HttpMessage:
    attributes = CONTEXT | {"id": draw(TEXTS.filter(bool))} | draw(st.dictionaries(NAMES, TEXTS, max_size=3))
    headers = {f"ce-{name}": in_header(value, raw=draw(st.booleans())) for name, value in attributes.items()}
    content_type, body = draw(TYPES | st.just("")), draw(BODIES)
    # Such a payload could as well be the characters of a string, and goes back in structured mode.
    assume(content_type not in OTHER_TYPES or not body.lstrip().startswith(b'"'))
    return HttpMessage(headers | ({"content-type": content_type} if content_type else {}), body)


@st.composite
def structured(draw: st.DrawFn) -> str:
    attributes: Json = CONTEXT | {"id": draw(TEXTS.filter(bool))}
    attributes |= draw(st.dictionaries(NAMES, VALUES, max_size=3))
    if content_type := draw(st.none() | TYPES):
        attributes["datacontenttype"] = content_type
    ascii_only = draw(st.booleans())
    members = {name: json.dumps(value, ensure_ascii=ascii_only) for name, value in attributes.items()}
    match draw(st.sampled_from(["none", "data", "base64"])):
        case "data":
            members["data"] = draw(JSON_TEXTS)
        case "base64":
            members["data_base64"] = json.dumps(b64encode(draw(BODIES)).decode())
    space = draw(st.sampled_from(["", " ", "\n "]))
    return "{" + f",{space}".join(f'"{name}":{space}{text}' for name, text in members.items()) + "}"


@st.composite
def bare(draw: st.DrawFn) -> str:
    more = draw(st.dictionaries(NAMES, JSON_TEXTS, max_size=3))
    members = {name: json.dumps(value) for name, value in BARE.items()} | more
    return "{" + ", ".join(f'"{name}": {text}' for name, text in members.items()) + "}"


EVENTS = structured() | bare()
DELIVERIES = (
    binary()
    | EVENTS.map(lambda text: HttpMessage(STRUCTURED, text.encode()))
    # What comes in an envelope is written anew, and Python spells some numbers in more characters.
    | st.lists(EVENTS, max_size=3)
    .map(lambda texts: HttpMessage({}, f'{{"events": [{", ".join(texts)}]}}'.encode()))
    .filter(lambda message: b"1E15" not in message.body and b"1e-7" not in message.body)
    | st.lists(EVENTS, max_size=3).map(lambda texts: HttpMessage({}, f"[{', '.join(texts)}]".encode()))
    | st.binary(max_size=60).map(lambda body: HttpMessage({"content-type": "text/x"}, body))
)


def events(message: Message) -> list[Received | Unparsable]:
    """The events that the function reads in a message."""
    headers = {name.lower(): value for name, value in message.headers.items()}
    return events_in(HttpMessage(headers, message.body))


def meaning(event: Json) -> Json:
    """An event as every consumer must take it: its data is JSON where nobody says of what type it is."""
    implied = {"datacontenttype": "application/json"} if event.get("data") is not None else {}
    return {name: value for name, value in (implied | event).items() if value is not None}


def kept(received: Received | Unparsable) -> DeadLetter:
    """What is read from the dead letter that the function's sink stores."""
    found = parse_dead_letter(dead_letter(received, ENDED, NOW).decode())
    assert found
    return found


@given(DELIVERIES)
def test_what_is_redriven_is_what_was_delivered(delivery: HttpMessage) -> None:
    """Every event that was kept is delivered again with the same meaning, and in no larger body."""
    for received in events_in(delivery):
        found = kept(received)
        assert len(found.message.body) <= len(delivery.body)
        if isinstance(received, Unparsable):
            assert (found.message.body, found.is_event) == (received.body, False)
            continue
        [again] = events(found.message)
        assert isinstance(again, Received)
        assert meaning(again.event) == meaning(received.event)


LIMIT = 2**20
"""MAX_BODY_BYTES by default."""

NAMED = {f"ce-{name}": value for name, value in CONTEXT.items()}
LARGE: dict[str, HttpMessage] = {
    "bytes in binary mode": HttpMessage(NAMED | {"content-type": "image/png"}, b"\xff" * LIMIT),
    "JSON in binary mode": HttpMessage(NAMED, b'"' + b"\\u00fc" * ((LIMIT - 2) // 6) + b'"'),
    "numbers": HttpMessage(NAMED | {"content-type": "application/json"}, b"[" + b"1E15," * 209_714 + b"1]"),
    "text that JSON escapes": HttpMessage(NAMED | {"content-type": "text/plain"}, b'"' * LIMIT),
    "a bare trace": HttpMessage({}, json.dumps(BARE | {"x": "ü" * 174_000}).encode()),
    "no event": HttpMessage({"content-type": "text/plain"}, b"x" * LIMIT),
}


@pytest.mark.parametrize("delivery", LARGE.values(), ids=LARGE)
def test_the_largest_deliveries(delivery: HttpMessage) -> None:
    """What fills MAX_BODY_BYTES to the last byte fits into it on its way back."""
    [received] = events_in(delivery)
    assert LIMIT - 5000 < len(delivery.body) <= LIMIT
    assert len(kept(received).message.body) <= len(delivery.body)


@pytest.mark.parametrize("depth", [1, MAX_DEPTH - 1])
def test_any_depth(depth: int) -> None:
    """Data that nests as deep as the function accepts is read, and delivered as it was."""
    body = b"[" * depth + b"]" * depth
    [received] = events_in(HttpMessage(NAMED | {"content-type": "application/json"}, body))
    assert isinstance(received, Received)
    assert kept(received).message.body == body


def test_headers_of_what_is_no_event() -> None:
    """A request in binary mode that is no event goes back with its headers, however they were encoded."""
    headers = NAMED | {"ce-subject": "ü%20".encode().decode("latin-1"), "content-type": "application/json"}
    [received] = events_in(HttpMessage(headers, b"{"))
    message = kept(received).message
    assert {name: message.headers[name] for name in NAMED} == NAMED
    assert message.headers["ce-subject"] == "%C3%BC%20"


STRUCTURED_ONLY: dict[str, Json] = {
    "a number": {"xnumber": 1},
    "a name that is no header": {"x_y": "z"},
    "longer than a header": {"xlong": "x" * 8001},
    "half of a surrogate pair": {"xhalf": "\ud800"},
    "a type that stands for an event": {"datacontenttype": "application/cloudevents+json"},
    "an encoding of spec version 0.3": {"datacontentencoding": "base64", "data": "e30="},
    "the characters of XML": {"datacontenttype": "application/xml", "data": "<a/>"},
}


@pytest.mark.parametrize("more", STRUCTURED_ONLY.values(), ids=STRUCTURED_ONLY)
def test_structured_mode(more: Json) -> None:
    """What headers cannot say goes back in structured mode, as it is written, without what was added."""
    text = json.dumps(CONTEXT | {"data": 1} | more)[:-1]
    found = parse_dead_letter(
        text + ', "deadletterreason": "X", "knativebrokerttl": "7", "xspelled": 1.0e+2}'
    )
    assert found
    assert found.message.headers["Content-Type"].startswith("application/cloudevents+json")
    assert json.loads(found.message.body) == CONTEXT | {"data": 1} | more | {"xspelled": 100.0}
    assert b"1.0e+2" in found.message.body
    assert b"knative" not in found.message.body


# -- of the subscription on NATS --------------------------------------------------------------------

STORED = datetime(2026, 1, 5, 10, 15, 30, tzinfo=UTC)
NATS_EVENT = {f"ce-{name}": value for name, value in CONTEXT.items()}


def stored(
    headers: Mapping[str, str],
    data: bytes,
    status: int | None = 400,
    reply: bytes = b"InvalidEvent: no image id",
) -> DeadLetter:
    """What is read from the dead letter that the subscription stores."""
    failure = nats.Failure("http://function/", status, reply, 3)
    event = binding.cloud_event(headers, data)
    message = nats.dead_letter(headers, data, event, failure)
    return dead_letter_from_nats(*message, subject="images.eu.created", stored=STORED)


NATS_HEADERS = st.dictionaries(
    st.sampled_from(["Content-Type", "ce-id", "ce-type", "ce-source", "ce-specversion", "ce-x", "Trace"]),
    # A header without a value is none of this binding.
    st.text(st.characters(exclude_categories=["Cs"]), max_size=9).filter(str.strip)
    | st.sampled_from(["application/cloudevents+json", "application/json", "text/plain", "1.0"]),
)
NATS_MESSAGES = st.tuples(NATS_HEADERS, st.binary(max_size=40)) | st.tuples(
    st.builds(lambda more: NATS_EVENT | more, NATS_HEADERS), BODIES
)


@given(NATS_MESSAGES)
def test_any_message_of_nats_comes_back(message: tuple[dict[str, str], bytes]) -> None:
    """An event keeps its attributes and its data, byte for byte where it was JSON. All else stays so."""
    headers, data = message
    back = stored(headers, data).message
    event = binding.cloud_event(headers, data)
    if event is None:
        assert back == (headers, data)
        return
    assert back.headers.get("Trace") == headers.get("Trace")
    again = binding.cloud_event(back.headers, back.body)
    assert again is not None
    implied = {"datacontenttype": '"application/json"'} if event.get("data", "null") != "null" else {}
    assert {name: again[name] for name in implied | event} == implied | event
    assert not any("knative" in name or name == "deliveryattempts" for name in again)


def test_numbers_of_nats_come_back() -> None:
    """Data goes back in the very characters in which it was published."""
    data = b'{ "image_id": "\\u0061", "size": 1.10, "n": [1.0e+2, -0] }'
    back = stored(NATS_EVENT | {"Content-Type": "application/json"}, data).message
    assert back == (NATS_EVENT | {"Content-Type": "application/json"}, data)


def test_the_names_agree() -> None:
    """Whatever the subscription adds to an event is known here, and goes before the event is sent again."""
    assert set(nats.FACTS) <= set(BUS_ATTRIBUTES)


# -- what is known of it ----------------------------------------------------------------------------

REPLIES: dict[str, tuple[int | None, str, tuple[str, str, str]]] = {
    "of the function": (
        400,
        "TagQuotaExceeded: it is full (HTTP 400 IMG.0116 no more tags)",
        ("TagQuotaExceeded", "IMG.0116", "it is full (HTTP 400 IMG.0116 no more tags)"),
    ),
    "without a code": (503, "ImageNotReady: queued", ("ImageNotReady", "", "queued")),
    "a page": (502, "<html>", ("", "", "<html>")),
    "none": (None, "No reply within 30 seconds.", ("", "", "No reply within 30 seconds.")),
    "empty": (400, "", ("", "", "")),
}


@pytest.mark.parametrize(("status", "reply", "known"), REPLIES.values(), ids=REPLIES)
def test_the_reply_that_a_bus_kept(status: int | None, reply: str, known: tuple[str, str, str]) -> None:
    """The error and the code of the tag API are read from the reply, beside its status."""
    found = stored(NATS_EVENT, b"{}", status, reply.encode())
    assert (found.error, found.code, found.detail) == known
    assert (found.status, found.attempts, found.destination) == (status, 3, "http://function/")
    assert (found.time, found.subject) == (STORED, "images.eu.created")


MENTIONED: dict[str, tuple[dict[str, str], bytes]] = {
    "an attribute": (NATS_EVENT | {"ce-subject": ID}, b""),
    "bytes": (NATS_EVENT | {"Content-Type": "image/png"}, b"\x01" + ID.encode() + b"\xff"),
    "no event": ({}, b"[" + ID.upper().encode()),
    "a header": ({"X-Image": ID.upper()}, b"\xff"),
    "bytes in structured mode": (
        STRUCTURED,
        json.dumps(CONTEXT | {"x": 1, "data_base64": b64encode(ID.encode()).decode()}).encode(),
    ),
}


@pytest.mark.parametrize(("headers", "data"), MENTIONED.values(), ids=MENTIONED)
def test_an_image_anywhere(headers: dict[str, str], data: bytes) -> None:
    """An image is found wherever the event names it, in whatever case, encoded data included."""
    assert stored(headers, data).mentions(ID)
    assert not stored(headers, data).mentions(ID.replace("6", "7"))


SECRET = {
    "a query": ("http://t/path?access_token=canary", "http://t/path"),
    "a user": ("https://me:canary@t:8080/", "https://t:8080/"),
    "a password with marks": ("https://me:can?ary#x@t/", "https://t/"),
    "an address in an address": ("http://t/http://me:canary@u?canary", "http://t/http://u"),
    "words": (
        "No reply: see 'http://t/?a=canary', or https://u.",
        "No reply: see 'http://t/', or https://u.",
    ),
    "no address": ("t?access_token=canary&x=1", "t?access_token=***&x=1"),
    "nothing": ("TagQuotaExceeded: 10 of 10", "TagQuotaExceeded: 10 of 10"),
    "a long text": ("://" * 2_000_000, "://" * 2_000_000),
    "another": ("a" * 1_000_000, "a" * 1_000_000),
}


@pytest.mark.parametrize(("text", "public"), SECRET.values(), ids=SECRET)
def test_secrets(text: str, public: str) -> None:
    """No text shows the user or the query of an address, nor an access token, and none takes long."""
    assert without_secrets(text) == public


@pytest.mark.parametrize("name", ["knativeerrordest", "knativeerrordata", "deadlettermessage"])
def test_secrets_of_a_bus(name: str) -> None:
    """Neither the address to which a bus delivered nor a reply shows a secret."""
    added = {"knativeerrordest": "http://t/", name: "https://me:canary@t/?access_token=canary"}
    found = parse_dead_letter(json.dumps(CONTEXT | added))
    assert found
    assert "canary" not in repr(found)
