"""The subscription on NATS JetStream: its pure parts, and the whole on a real bus with a real subscriber."""

import asyncio
import base64
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg, StreamConfig
from nats.js.errors import APIError

from deploy.nats import policy
from deploy.nats.bus.binding import cloud_event, http_headers
from deploy.nats.bus.connection import connect
from deploy.nats.dead_letters import Failure, dead_letter
from deploy.nats.policy import Outcome
from deploy.nats.settings import InvalidSettings, Settings, public
from deploy.nats.subscription import NO_LEADER
from tests.processes.bus import Answer, Bus, HttpSubscriber, Received, Subscribing, in_turn
from tests.processes.launch import PATIENCE
from tests.support.paths import ROOT

EVENT = {"ce-specversion": "1.0", "ce-id": "42", "ce-source": "/images", "ce-type": "image.created"}
STRUCTURED = {"Content-Type": "application/cloudevents+json; charset=UTF-8"}
FAILURE = Failure("http://function/", 400, b"no", 2)
FACTS = {
    "knativeerrordest": "http://function/",
    "knativeerrorcode": 400,
    "knativeerrordata": "bm8=",
    "deliveryattempts": 2,
}

Start = Callable[..., Subscribing]


# --- what follows from a reply


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, Outcome.ACCEPTED) for status in (200, 202, 204, 299)),
        *((status, Outcome.RETRY) for status in (None, 404, 408, 409, 429, 500, 503, 599)),
        *((status, Outcome.DEAD_LETTER) for status in (301, 307, 400, 401, 403, 405, 410, 413, 415, 422)),
    ],
    ids=str,
)
def test_outcome(status: int | None, outcome: Outcome) -> None:
    """2xx is accepted; what may go right later is delivered again; everything else is a dead letter."""
    assert policy.outcome_of(status, attempt=1, attempts=2) is outcome


@pytest.mark.parametrize("status", [503, None], ids=["reply", "no reply"])
def test_last_attempt(status: int | None) -> None:
    """What would be delivered again is a dead letter when its attempts are used up."""
    assert policy.outcome_of(status, attempt=2, attempts=2) is Outcome.DEAD_LETTER


def test_attempts_last_a_day() -> None:
    """If nobody sets ATTEMPTS, the shortest waits that chance can bring are a day in all."""
    attempts = Settings.from_environ(SETTINGS).attempts
    assert sum(policy.longest_back_off(attempt) / 2 for attempt in range(1, attempts)) >= 24 * 60 * 60


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (5000, 300)], ids=str
)
def test_back_off(attempt: int, longest: float) -> None:
    """The back-off doubles from 1 s to 5 minutes, and chance takes up to a half of it."""
    assert all(longest / 2 <= policy.back_off(attempt) <= longest for _ in range(100))


NOW = datetime(2026, 1, 5, 10, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0),
        (" 120 ", 120),
        ("99999999999", 3600),
        ("9" * 400, 3600),
        ("Mon, 05 Jan 99999999999999999999 10:15:37 GMT", None),
        ("Mon, 05 Jan 2026 10:15:37 +99999999999999999999", None),
        ("Mon, 05 Jan 2026 10:15:37 GMT", 7),
        ("Mon, 05 Jan 2026 10:15:37 -0000", 7),
        ("Mon, 05 Jan 2026 10:15:00 GMT", 0),
        ("Tue, 06 Jan 2026 10:15:00 GMT", 3600),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ],
    ids=repr,
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """Retry-After is seconds or an HTTP date, at most an hour; anything else says nothing."""
    assert policy.retry_after(value, NOW) == seconds


PARTS_OF_DATES = ["Mon,", "05", "Jan", "2026", "10:15:37", "GMT", "-0000", "9" * 20, "-1", "+", ":", "(", "é"]


@given(st.text() | st.lists(st.sampled_from(PARTS_OF_DATES)).map(" ".join))
def test_any_retry_after(value: str) -> None:
    """Whatever a subscriber writes, Retry-After is from 0 seconds to an hour, or says nothing."""
    seconds = policy.retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 3600


# --- settings


SETTINGS = {"SUBSCRIBER_URL": "http://function:8080/"}


def test_default_settings() -> None:
    """Only the subscriber's URL is required."""
    settings = Settings.from_environ(SETTINGS)
    assert settings == Settings(("nats://127.0.0.1:4222",), "http://function:8080/", 16, 600, 30, 1048576)


def test_several_servers() -> None:
    """NATS_URL may list the servers of a cluster."""
    assert Settings.from_environ(SETTINGS | {"NATS_URL": "nats://a, tls://u:p@b:1"}).nats_urls == (
        "nats://a",
        "tls://u:p@b:1",
    )


class Recording(dict[str, str]):
    """Remembers which names were asked for."""

    def __init__(self, content: Mapping[str, str]) -> None:
        super().__init__(content)
        self.asked: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.append(name)
        return super().get(name, default)


def test_documented_settings() -> None:
    """The page lists every setting, and gives the default of each."""
    page = (ROOT / "deploy" / "nats" / "README.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| `?([^|`]+)`? \|", page, re.MULTILINE))
    environ = Recording(SETTINGS)
    settings = Settings.from_environ(environ)
    assert documented.keys() == set(environ.asked)
    assert documented.pop("SUBSCRIBER_URL") == "required"
    assert documented.pop("NATS_URL") == ",".join(settings.nats_urls)
    assert documented.pop("SUBSCRIBER_TOKEN_FILE") == "none"
    for name, default in documented.items():
        assert default == str(getattr(settings, name.lower()) or "none")


def test_documented_reasons() -> None:
    """The names that the page gives for reasons of our own are those of the log lines."""
    page = (ROOT / "deploy" / "nats" / "README.md").read_text(encoding="utf-8")
    reasons = re.findall(r"^\| `([A-Z][a-z]+[A-Za-z]+)` \|", page, re.MULTILINE)
    source = "".join(path.read_text() for path in (ROOT / "deploy" / "nats").rglob("*.py"))
    assert len(reasons) == 7
    assert [reason for reason in reasons if f'"{reason}"' not in source] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SUBSCRIBER_URL", ""),
        ("SUBSCRIBER_URL", "function:8080"),
        ("SUBSCRIBER_URL", "ftp://function/"),
        ("SUBSCRIBER_URL", "http://"),
        ("SUBSCRIBER_URL", "http://function:port/"),
        ("SUBSCRIBER_URL", "http://a b/"),
        ("SUBSCRIBER_URL", "http://function/\udcff"),
        ("SUBSCRIBER_URL", "http://function:65536/"),
        ("SUBSCRIBER_URL", "http://a..b/"),
        ("SUBSCRIBER_URL", f"http://{'a' * 64}/"),
        ("SUBSCRIBER_URL", "http://a%b/"),
        ("SUBSCRIBER_URL", "http://[::1/"),
        ("SUBSCRIBER_URL", "http://[::x]/"),
        ("NATS_URL", ""),
        ("NATS_URL", "nats://a,,nats://b"),
        ("NATS_URL", f"nats://{'a' * 64}"),
        ("NATS_CREDS", ""),
        ("NATS_CA", " "),
        ("SUBSCRIBER_TOKEN_FILE", ""),
        ("ATTEMPTS", ""),
        ("ATTEMPTS", "9" * 5000),
        ("PARALLEL", "0"),
        ("PARALLEL", "257"),
        ("ATTEMPTS", "many"),
        ("DELIVERY_TIMEOUT", "1.5"),
        ("MAX_EVENT_BYTES", "1 MB"),
    ],
)
def test_malformed_setting(name: str, value: str) -> None:
    """A malformed setting stops the start with one sentence that names it."""
    with pytest.raises(InvalidSettings, match=rf"^{name} must be .*\.$"):
        Settings.from_environ(SETTINGS | {name: value})


def test_public_url() -> None:
    """User information, query and fragment may be secrets; host, port and path are not."""
    assert public("https://u:p@[::1]:8080/in?token=x#y") == "https://[::1]:8080/in"


# --- NATS message to HTTP request


@pytest.mark.parametrize(
    ("message", "request_headers"),
    [
        ({}, {"Content-Type": "application/json"}),
        ({"content-TYPE": "text/csv", "Other": "1"}, {"Content-Type": "text/csv"}),
        (STRUCTURED | EVENT, STRUCTURED),
        ({"content-type": "Application/CloudEvents"}, {"Content-Type": "Application/CloudEvents"}),
        (EVENT, EVENT | {"Content-Type": "application/json"}),
        (EVENT | {"Content-Type": "text/plain"}, EVENT | {"Content-Type": "text/plain"}),
        (
            EVENT | {"Content-Type": "text/plain", "CE-DataContentType": "text/plain;%20charset=utf-8"},
            EVENT | {"Content-Type": "text/plain; charset=utf-8"},
        ),
        (
            {"Ce-SpecVersion": "1.0", "CE-ID": "a%20b%25", "ce-x": "ü \n"},
            {
                "ce-specversion": "1.0",
                "ce-id": "a%20b%25",
                "ce-x": "%C3%BC %0A",
                "Content-Type": "application/json",
            },
        ),
        (EVENT | {"ce-b(d": "1", "Authorization": "no"}, EVENT | {"Content-Type": "application/json"}),
    ],
    ids=[
        "bare",
        "other",
        "structured wins",
        "case",
        "binary",
        "type",
        "attribute wins",
        "encoding",
        "only ce",
    ],
)
def test_http_headers(message: dict[str, str], request_headers: dict[str, str]) -> None:
    """Content type and ce-* headers pass, encoded once and no more; nothing else does."""
    assert http_headers(message) == request_headers


# --- dead letters


def letter(headers: dict[str, str], data: bytes) -> tuple[dict[str, str], bytes]:
    return dead_letter(headers, data, cloud_event(headers, data), FAILURE)


@pytest.mark.parametrize(
    ("content_type", "data", "member"),
    [
        ("application/json", b' {"n": 1.10, "n": 1e999}', b'"data": {"n": 1.10, "n": 1e999},'),
        ("application/x+JSON; charset=utf-8", b"null", b'"data":null,'),
        ("application/json", b"{nonsense", b'"data_base64":"e25vbnNlbnNl",'),
        ("application/json", b"NaN", b'"data_base64":"TmFO",'),
        ("text/plain", "é \n".encode(), '"data":"é \\n",'.encode()),
        ("text/plain", b"\x01\x02\x03\x04", b'"data_base64":"AQIDBA==",'),
        ("text/plain; charset=latin-1", b"e", b'"data_base64":"ZQ==",'),
        ("text/plain", b"\xff", b'"data_base64":"/w==",'),
        ("image/png", b"png", b'"data_base64":"cG5n",'),
        ("application/json", b"", b""),
    ],
    ids=["json", "+json", "no json", "nan", "text", "many escapes", "latin-1", "no utf-8", "bytes", "none"],
)
def test_binary_dead_letter(content_type: str, data: bytes, member: bytes) -> None:
    """A binary-mode event becomes structured; JSON stays as written, no byte of other data is lost."""
    headers, body = letter(EVENT | {"ce-datacontenttype": content_type}, data)
    attributes = {name.removeprefix("ce-"): value for name, value in EVENT.items()}
    kept = json.loads(body)
    assert headers == {"Content-Type": "application/cloudevents+json"}
    assert member in body
    assert kept.items() >= (attributes | FACTS | {"datacontenttype": content_type}).items()
    assert ("data" in kept or "data_base64" in kept) == bool(data)


def test_attributes_are_decoded_once() -> None:
    """Attribute values are unquoted and percent-decoded, and that once."""
    _, body = letter(EVENT | {"ce-subject": "100%2525 %e2%82%ac", "ce-x": r'"a \"b\""'}, b"")
    kept = json.loads(body)
    assert (kept["subject"], kept["x"]) == ("100%25 €", 'a "b"')


def test_structured_dead_letter() -> None:
    """A structured event keeps its text; only facts of an earlier failure are replaced."""
    start = b'{ "specversion":"1.0","id":"\\u0061","source":"s","type":"t","n":1.0e+2 '
    old = b',"knativeerrordata":"old", "deliveryattempts":9,"data": {"a" : [1, 2]}}'
    headers, body = letter(STRUCTURED | {"Trace": "1", "Nats-TTL": "1s"}, start + old)
    assert headers == {"Content-Type": "application/cloudevents+json", "Trace": "1"}
    assert b'"id":"\\u0061"' in body
    assert b'"n":1.0e+2' in body
    assert b'"data":{"a" : [1, 2]}' in body
    assert body.count(b"knativeerrordata") == body.count(b"deliveryattempts") == 1
    assert json.loads(body).items() >= FACTS.items()


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        (STRUCTURED, b'{"specversion":"1.0","id":"1","source":"s"}'),
        (STRUCTURED, b'{"specversion":"1.0","id":1,"source":"s","type":"t"}'),
        (STRUCTURED, b'{"specversion":"1.0","id":"1","source":"s","type":"t","id":"2"}'),
        (STRUCTURED, b'{"specversion":"1.0","id":"1","source":"s","type":"t"} x'),
        (STRUCTURED, b"[" * 100_000),
        (STRUCTURED, b"\xff{}"),
        (STRUCTURED, b""),
        ({"content-type": "application/cloudevents-batch+json"}, b"[{}]"),
        ({"Content-Type": "text/plain"}, b"hello"),
        ({}, b"\x00"),
        (EVENT | {"ce-id": ""}, b"{}"),
        (EVENT | {"ce-subject": "%C0%A0"}, b"{}"),
        (EVENT | {"ce-subject": "%00"}, b"{}"),
        (EVENT | {"ce-data": "1"}, b"{}"),
        (EVENT | {"ce-my_name": "1"}, b"{}"),
    ],
    ids=[
        *("no type", "number", "repeated", "rest", "deep", "no utf-8", "empty", "batch", "other", "bare"),
        *("empty id", "overlong", "control", "data attribute", "name"),
    ],
)
def test_no_cloud_event_dead_letter(headers: dict[str, str], data: bytes) -> None:
    """What is no CloudEvent, or a malformed one, keeps its bytes and headers; the facts become headers."""
    old = {"KnativeErrorDest": "old", "Nats-Msg-Id": "x", "b(d": "no token"}
    kept = {name: str(fact) for name, fact in FACTS.items()}
    assert letter(headers | old, data) == (headers | kept, data)


def test_no_reply_has_no_code() -> None:
    """Where there was no reply there is no code, and `knativeerrordata` says why."""
    facts = Failure("http://function/", None, b"No reply", 3).facts()
    assert "knativeerrorcode" not in facts
    assert facts["knativeerrordata"] == base64.b64encode(b"No reply").decode()


def test_error_data_is_bounded() -> None:
    """Of a long reply, what fits into 1024 characters of base64 is kept."""
    data = str(Failure("http://function/", 500, b"x" * 5000, 3).facts()["knativeerrordata"])
    assert base64.b64decode(data, validate=True) == b"x" * 768


@given(
    st.dictionaries(
        st.sampled_from(["Content-Type", "ce-id", "ce-type", "ce-source", "ce-specversion", "ce-x", "X"]),
        st.text(max_size=12) | st.sampled_from(["application/cloudevents", "text/plain", "1.0"]),
    ),
    st.binary(max_size=40) | st.text('{}[]",:\\ud8001aé ', max_size=20).map(str.encode),
)
def test_any_message_can_be_kept(headers: dict[str, str], data: bytes) -> None:
    """Whatever a message is, it has an HTTP request and a dead letter, and its data comes back from it."""
    assert all(value.isascii() and value.isprintable() for value in http_headers(headers).values())
    kept_headers, body = letter(headers, data)
    if "knativeerrordest" in kept_headers:
        assert body == data
    elif "application/cloudevents" not in headers.get("Content-Type", "").lower():
        event = json.loads(body)
        text = event.get("data")
        assert data == base64.b64decode(event.get("data_base64", "")) or data in body or data.decode() == text


# --- on the bus


@dataclass(frozen=True)
class System:
    bus: Bus
    subscriber: HttpSubscriber
    subscription: Subscribing

    def publish(self, data: bytes = b"{}", headers: dict[str, str] | None = None) -> None:
        self.bus.publish("images.created", data, EVENT if headers is None else headers)

    def logged(self, message: str, count: int = 1, **fields: object) -> dict[str, Any]:
        return self.subscription.logged(message, count, **fields)


@pytest.fixture(scope="module")
def running(session_bus: Bus) -> Iterator[System]:
    """One subscription for all tests that do not stop, pause or break it."""
    with HttpSubscriber.serving() as subscriber:
        subscription = Subscribing.run(
            back_off=0.02,
            NATS_URL=session_bus.url,
            SUBSCRIBER_URL=f"{subscriber.url}?token=secret",
            ATTEMPTS="3",
            DELIVERY_TIMEOUT="1",
        )
        try:
            subscription.logged("subscription.ready", subscriber=subscriber.url)
            yield System(session_bus, subscriber, subscription)
        finally:
            subscription.kill()


@pytest.fixture
def system(running: System, bus: Bus) -> System:
    running.subscriber.received.clear()
    running.subscriber.answer = in_turn()
    running.subscription.lines.clear()
    assert bus.count() == 0
    return running


def only(letters: list[RawStreamMsg]) -> RawStreamMsg:
    assert len(letters) == 1
    return letters[0]


@pytest.mark.parametrize(
    ("headers", "data", "arrives"),
    [
        (EVENT | {"ce-subject": "%C3%BC"}, b'{"a":1}', EVENT | {"ce-subject": "%C3%BC"}),
        (STRUCTURED, b'{"specversion": "1.0"', {"content-type": STRUCTURED["Content-Type"]}),
        ({"content-type": "text/csv"}, b"a;b\r\n\xff", {"content-type": "text/csv"}),
        ({}, b"", {"content-type": "application/json"}),
    ],
    ids=["binary", "structured", "other", "bare"],
)
def test_arrival(system: System, headers: dict[str, str], data: bytes, arrives: dict[str, str]) -> None:
    """An event arrives in the mode in which it was published, its data byte for byte, and is gone then."""
    system.publish(data, headers)
    system.logged("delivery.accepted", status=204, attempt=1, event_id=headers.get("ce-id"))
    (request,) = system.subscriber.received
    assert request.body == data
    assert request.headers.items() >= arrives.items()
    assert system.bus.count() == 0


NAMES = {
    404: "NotFound",
    408: "RequestTimeout",
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalServerError",
    599: "Status599",
}


@pytest.mark.parametrize("status", NAMES)
def test_retry(system: System, status: int) -> None:
    """A status that may pass leads to another delivery of the same event after the back-off."""
    system.subscriber.answer = in_turn(Answer(status, body=b"later\nplease"))
    system.publish()
    system.logged(
        "delivery.retry", status=status, attempt=1, reason=NAMES[status], detail="later please", retry_in=0.02
    )
    system.logged("delivery.accepted", attempt=2)
    first, second = system.subscriber.received
    assert first.body == second.body
    assert system.bus.count() == system.bus.count("IMAGES_DEAD") == 0


@pytest.mark.parametrize("status", [302, 400, 401, 403, 410, 413, 415])
def test_dead_letter(system: System, status: int) -> None:
    """Any other status makes a dead letter after one delivery; a redirect is not followed."""
    system.subscriber.answer = in_turn(Answer(status, {"Location": "/"}, b"never"))
    system.publish(b'{"a":1}')
    system.logged("delivery.dead_letter", status=status, attempt=1, event_type="image.created")
    message = only(system.bus.dead_letters())
    kept = json.loads(message.data or b"")
    assert message.subject == "images-dead.created"
    assert kept == {
        **{name.removeprefix("ce-"): value for name, value in EVENT.items()},
        "data": {"a": 1},
        "knativeerrordest": system.subscriber.url,
        "knativeerrorcode": status,
        "knativeerrordata": base64.b64encode(b"never").decode(),
        "deliveryattempts": 1,
    }
    assert len(system.subscriber.received) == 1
    assert system.bus.count() == 0


def test_end_of_attempts(system: System) -> None:
    """An event is posted ATTEMPTS times and then becomes a dead letter."""
    system.subscriber.answer = lambda _: Answer(503)
    system.publish()
    system.logged("delivery.dead_letter", attempt=3, status=503)
    assert json.loads(only(system.bus.dead_letters()).data or b"")["deliveryattempts"] == 3
    assert len(system.subscriber.received) == 3


def test_time_out(system: System) -> None:
    """A subscriber that does not answer in time gets the event again."""
    patience_ended = threading.Event()

    def answer(_: Received) -> Answer:
        if len(system.subscriber.received) == 1:
            patience_ended.wait(10)
        return Answer()

    system.subscriber.answer = answer
    system.publish()
    system.logged("delivery.retry", status=None, reason="NoReply", detail="No reply within 1 seconds.")
    patience_ended.set()
    system.logged("delivery.accepted", attempt=2)


def test_no_cloud_event_on_the_bus(system: System) -> None:
    """A malformed event keeps its bytes in IMAGES_DEAD, the facts are NATS headers."""
    system.subscriber.answer = in_turn(Answer(400, body=b"no"))
    system.publish(b"{\xff", STRUCTURED)
    system.logged("delivery.dead_letter", event_id=None)
    message = only(system.bus.dead_letters())
    assert message.data == b"{\xff"
    assert message.headers
    assert message.headers.items() >= (STRUCTURED | {"knativeerrorcode": "400"}).items()


def test_largest_event(system: System) -> None:
    """An event of the largest size can become a dead letter; a larger one is refused at publication."""
    overhead = len("NATS/1.0\r\n\r\n") + sum(len(f"{name}: {value}\r\n") for name, value in EVENT.items())
    data = b"\xff" * (1048576 - overhead)
    system.subscriber.answer = in_turn(Answer(400))
    system.publish(data)
    system.logged("delivery.dead_letter")
    kept = json.loads(only(system.bus.dead_letters()).data or b"")
    assert base64.b64decode(kept["data_base64"]) == data
    with pytest.raises(APIError, match="message size exceeds"):
        system.publish(data + b"\xff")


def start(subscribing: Start, bus: Bus, url: str, **how: Any) -> Subscribing:
    subscription = subscribing(**({"back_off": 0.02, "NATS_URL": bus.url, "SUBSCRIBER_URL": url} | how))
    subscription.logged("subscription.ready")
    return subscription


def test_refused_connection(own_bus: Bus, subscribing: Start) -> None:
    """A subscriber that is not there is a retry, and at the end a dead letter without a code."""
    with HttpSubscriber.serving() as gone:
        pass
    subscription = start(subscribing, own_bus, gone.url, ATTEMPTS="2")
    own_bus.publish("images.created", b"{}", EVENT)
    subscription.logged("delivery.retry", status=None)
    subscription.logged("delivery.dead_letter", status=None, attempt=2)
    kept = json.loads(only(own_bus.dead_letters()).data or b"")
    assert "knativeerrorcode" not in kept
    assert base64.b64decode(kept["knativeerrordata"]) == b"No reply: the connection was refused."


def test_unkept_dead_letter(own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start) -> None:
    """An event is acknowledged only when the bus has confirmed its dead letter."""
    subscription = start(subscribing, own_bus, http_subscriber.url)
    http_subscriber.answer = lambda _: Answer(400)
    own_bus.do(lambda js: js.delete_stream("IMAGES_DEAD"))
    own_bus.publish("images.created", b"{}", EVENT)
    retry = subscription.logged("delivery.retry", 2, reason="DeadLetterFailed")
    assert retry["detail"] == "The dead letter was not kept: no stream takes it."
    assert own_bus.count() == 1
    own_bus.do(lambda js: js.add_stream(StreamConfig("IMAGES_DEAD", subjects=["images-dead.>"])))
    subscription.logged("delivery.dead_letter")
    only(own_bus.dead_letters())
    assert own_bus.count() == 0


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_pause_of_all(own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start, form: str) -> None:
    """After a 429 with Retry-After no delivery begins before that time, and what is in hand stays in hand."""

    def answer(_: Received) -> Answer:
        if len(http_subscriber.received) > 1:
            return Answer()
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
        return Answer(429, {"Retry-After": "2" if form == "seconds" else date})

    http_subscriber.answer = answer
    subscription = start(subscribing, own_bus, http_subscriber.url, ack_wait=1)
    own_bus.publish("images.first", b"{}", EVENT)
    paused = subscription.logged("subscription.paused")
    for _ in range(3):
        own_bus.publish("images.later", b"{}", EVENT)
    first, *others = http_subscriber.wait(5)
    assert min(request.time for request in others) - first.time >= paused["seconds"] - 0.01
    assert paused["seconds"] > 1
    subscription.logged("delivery.accepted", 3, subject="images.later", attempt=1)
    subscription.logged("delivery.accepted", subject="images.first", attempt=2)


@pytest.mark.parametrize("status", [404, 503], ids=str)
def test_retry_after_of_one(
    own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start, status: int
) -> None:
    """Retry-After of any other status delays this event, and no other."""
    http_subscriber.answer = in_turn(Answer(status, {"Retry-After": "3000"}))
    subscription = start(subscribing, own_bus, http_subscriber.url)
    own_bus.publish("images.first", b"{}", EVENT)
    subscription.logged("delivery.retry", retry_in=3000)
    own_bus.publish("images.other", b"{}", EVENT)
    subscription.logged("delivery.accepted", subject="images.other")


def test_a_thousand_not_ready(own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start) -> None:
    """A thousand events that wait for their images hold up no other."""

    def answer(request: Received) -> Answer:
        return Answer() if request.body == b"other" else Answer(503, {"Retry-After": "3000"})

    async def publish(js: JetStreamContext) -> None:
        waiting = (js.publish("images.created", b"not ready", headers=EVENT) for _ in range(1001))
        await asyncio.gather(*waiting)
        await js.publish("images.other", b"other", headers=EVENT)

    http_subscriber.answer = answer
    subscription = start(subscribing, own_bus, http_subscriber.url)
    own_bus.do(publish)
    subscription.logged("delivery.accepted", subject="images.other", attempt=1)
    assert len(http_subscriber.wait(1002)) == 1002


def test_slow_subscriber(own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start) -> None:
    """A delivery that takes longer than ack_wait is not delivered a second time: the bus hears of it."""
    subscription = start(subscribing, own_bus, http_subscriber.url, ack_wait=0.5)

    def answer(_: Received) -> Answer:
        threading.Event().wait(1.6)
        return Answer()

    http_subscriber.answer = answer
    own_bus.publish("images.created", b"{}", EVENT)
    subscription.logged("delivery.accepted", attempt=1)
    assert len(http_subscriber.received) == 1
    assert own_bus.count() == 0


def test_nothing_waits_unheard(own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start) -> None:
    """The subscription takes from the bus no more than it delivers at once, however much waits there."""
    answered = threading.Event()

    def answer(_: Received) -> Answer:
        answered.wait(10)
        return Answer()

    http_subscriber.answer = answer
    subscription = start(subscribing, own_bus, http_subscriber.url, PARALLEL="4")
    for number in range(10):
        own_bus.publish("images.created", str(number).encode(), EVENT)
    http_subscriber.wait(4)
    in_hand = own_bus.do(lambda js: js.consumer_info("IMAGES", "tagger")).num_ack_pending
    answered.set()
    assert in_hand == 4
    subscription.logged("delivery.accepted", 10, attempt=1)


def test_two_copies_share(own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start) -> None:
    """Two processes share the events; none is delivered twice."""
    copies = [start(subscribing, own_bus, http_subscriber.url, PARALLEL="1") for _ in range(2)]
    both = threading.Barrier(2)

    def answer(_: Received) -> Answer:
        # Only two copies can have two events in hand.
        both.wait(10)
        return Answer()

    http_subscriber.answer = answer
    for number in range(6):
        own_bus.publish("images.created", str(number).encode(), EVENT)
    for copy in copies:
        copy.logged("delivery.accepted", 3)
    assert sorted(request.body for request in http_subscriber.received) == [b"%d" % n for n in range(6)]


def test_sigterm_finishes(own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start) -> None:
    """Told to stop, the subscription finishes the delivery in hand, begins no other, and exits with 0."""
    released = threading.Event()
    http_subscriber.answer = lambda _: Answer() if released.wait(10) else Answer(500)
    subscription = start(subscribing, own_bus, http_subscriber.url, PARALLEL="1")
    own_bus.publish("images.first", b"{}", EVENT)
    http_subscriber.wait()
    subscription.terminate()
    own_bus.publish("images.second", b"{}", EVENT)
    released.set()
    assert subscription.ended() == 0
    subscription.logged("delivery.accepted", subject="images.first")
    subscription.logged("subscription.stopped")
    assert len(http_subscriber.received) == own_bus.count() == 1


def test_sigterm_gives_back(own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start) -> None:
    """Told to stop, the subscription gives back at once what it has in hand and has not begun."""
    http_subscriber.answer = in_turn(Answer(429, {"Retry-After": "3000"}))
    first = start(subscribing, own_bus, http_subscriber.url)
    own_bus.publish("images.first", b"{}", EVENT)
    first.logged("subscription.paused")
    own_bus.publish("images.held", b"{}", EVENT)
    assert first.stop() == 0
    second = start(subscribing, own_bus, http_subscriber.url)
    second.logged("delivery.accepted", subject="images.held")


def test_kill_of_the_subscription(own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start) -> None:
    """Killed with events in hand, the next process delivers them all."""
    killed = threading.Event()
    http_subscriber.answer = lambda _: Answer() if killed.wait(10) else Answer(500)
    first = start(subscribing, own_bus, http_subscriber.url, PARALLEL="4", ack_wait=1)
    for number in range(10):
        own_bus.publish("images.created", str(number).encode(), EVENT)
    http_subscriber.wait(4)
    first.kill()
    killed.set()
    second = start(subscribing, own_bus, http_subscriber.url, PARALLEL="4", ack_wait=1)
    second.logged("delivery.accepted", 10)
    assert {request.body for request in http_subscriber.received[4:]} == {b"%d" % n for n in range(10)}
    assert own_bus.count() == 0


def test_kill_of_the_bus(own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start) -> None:
    """Killed with events in hand and waiting, the bus delivers them all when it is back."""
    lost = threading.Event()
    http_subscriber.answer = lambda _: Answer() if lost.wait(10) else Answer(500)
    subscription = start(subscribing, own_bus, http_subscriber.url, PARALLEL="4", ack_wait=1)
    for number in range(10):
        own_bus.publish("images.created", str(number).encode(), EVENT)
    http_subscriber.wait(4)
    own_bus.kill()
    subscription.logged("bus.lost")
    lost.set()
    subscription.logged("delivery.accepted", 4)
    own_bus.start()
    subscription.logged("bus.back")
    subscription.logged("delivery.accepted", 14)
    assert {request.body for request in http_subscriber.received} == {b"%d" % n for n in range(10)}
    assert own_bus.count() == 0
    assert subscription.stop() == 0


def test_nobody_leads(own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start) -> None:
    """While no server answers for the consumer, the log says so in words, and what else may be the matter."""
    subscription = start(subscribing, own_bus, http_subscriber.url)
    own_bus.do(lambda js: js.delete_consumer("IMAGES", "tagger"))
    subscription.logged("bus.lost", reason="NoLeader", detail=NO_LEADER)
    assert subscription.stop() == 0


def test_silent_bus() -> None:
    """A server that no longer says anything, as when its machine is gone, is taken for lost."""
    given_up = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"max_payload": 1048576}\r\n')
        await reader.readuntil(b"PING\r\n")
        writer.write(b"PONG\r\n")
        await reader.read()
        given_up.set()
        writer.close()

    async def wait() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, connect((url,), asyncio.Event(), ping_every=1):
            await asyncio.wait_for(given_up.wait(), PATIENCE)

    asyncio.run(wait())


def test_closed_for_good(own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start) -> None:
    """If the bus no longer wants the connection, the process ends with 1 and says why."""
    subscription = start(subscribing, own_bus, http_subscriber.url)
    own_bus.demand_password()
    assert subscription.ended() == 1
    subscription.logged("bus.lost")
    assert subscription.errors.startswith("NATS closed the connection for good (the sign-in was refused)")


def test_start_without_a_bus(tmp_path: Path, subscribing: Start) -> None:
    """Without a bus the start ends with 1 and one sentence that says what to do."""
    bus = Bus(tmp_path)
    bus.start()
    bus.stop()
    subscription = subscribing(NATS_URL=bus.url, SUBSCRIBER_URL="http://127.0.0.1:9/")
    assert subscription.ended() == 1
    assert subscription.errors.startswith("NATS does not answer")
    assert subscription.errors.count("\n") == 1


def test_small_max_payload(tmp_path: Path, subscribing: Start) -> None:
    """A bus on which a dead letter might not fit is refused, with what to set."""
    bus = Bus(tmp_path, max_payload=2**20)
    bus.start()
    try:
        subscription = subscribing(NATS_URL=bus.url, SUBSCRIBER_URL="http://127.0.0.1:9/")
        assert subscription.ended() == 1
        assert "set max_payload" in subscription.errors
    finally:
        bus.stop()


def test_start_with_a_foreign_stream(own_bus: Bus, subscribing: Start) -> None:
    """A stream that cannot be made what it should be ends the start with 1 and one sentence."""
    own_bus.do(lambda js: js.add_stream(StreamConfig("IMAGES", subjects=["images.>"])))
    subscription = subscribing(NATS_URL=own_bus.url, SUBSCRIBER_URL="http://127.0.0.1:9/")
    assert subscription.ended() == 1
    assert subscription.errors.startswith("The bus refuses stream IMAGES")
    assert subscription.errors.count("\n") == 1


def test_operators_limits_stay(own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start) -> None:
    """A start brings our settings of a stream and a consumer back, and leaves the operator's alone."""
    start(subscribing, own_bus, http_subscriber.url).stop()
    made = own_bus.do(lambda js: js.stream_info("IMAGES")).config
    own_bus.do(lambda js: js.update_stream(made.evolve(max_bytes=10**9, max_msg_size=-1)))
    start(subscribing, own_bus, http_subscriber.url, MAX_EVENT_BYTES="4096")
    now = own_bus.do(lambda js: js.stream_info("IMAGES")).config
    consumer = own_bus.do(lambda js: js.consumer_info("IMAGES", "tagger")).config
    assert (now.max_bytes, now.max_msg_size, now.storage, now.retention) == (10**9, 4096, "file", "workqueue")
    assert (consumer.max_deliver, consumer.ack_policy) == (-1, "explicit")


def test_start_with_wrong_settings(subscribing: Start) -> None:
    """A wrong setting ends the start with 2 and one sentence."""
    subscription = subscribing(NATS_URL="nats://127.0.0.1:1")
    assert subscription.ended() == 2
    assert subscription.errors == "SUBSCRIBER_URL must be a URL such as http://host:port.\n"
