"""The subscription on a real bus with a real subscriber."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg, StreamConfig
from nats.js.errors import APIError

from tests.deploy.nats.conftest import EVENT, STRUCTURED, Start, start
from tests.processes.bus import Answer, Bus, HttpSubscriber, Received, Subscribing, in_turn


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
