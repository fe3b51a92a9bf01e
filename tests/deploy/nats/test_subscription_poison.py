"""Messages that no well-behaved producer would publish, and faults of our own: each comes to an end."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from deploy.nats.bus.connection import connect
from deploy.nats.bus.streams import prepare
from deploy.nats.settings import Settings
from deploy.nats.subscriber import Subscriber
from deploy.nats.subscription import Subscription
from tests.processes.bus import Answer, Bus, HttpSubscriber, Subscribing
from tests.processes.launch import PATIENCE

EVENT = {"ce-specversion": "1.0", "ce-id": "42", "ce-source": "/images", "ce-type": "image.created"}

HOSTILE = {
    "a status of the server": (b"images.x", b"NATS/1.0\r\nStatus: 408\r\n\r\n"),
    "an unknown status": (b"images.x", b"NATS/1.0\r\nStatus: 999\r\n\r\n"),
    "nobody there": (b"images.x", b"NATS/1.0\r\nStatus: 503\r\n\r\n"),
    "an inline status": (b"images.x", b"NATS/1.0 503\r\n\r\n"),
    "an inline status that is no text": (b"images.x", b"NATS/1.0 \xff\xff\xff\r\n\r\n"),
    "headers that are none": (b"images.x", b"X"),
    "headers that are no text": (b"images.x", b"NATS/1.0\r\nce-id: \xff\r\n\xff: a\r\n\r\n"),
    "a subject that is no text": (b"images.\xff", None),
    "a subject of control characters": (b"images.\x01\x7f", None),
    "a subject with a wildcard": (b"images.>", None),
    "the longest subject": (b"images." + b"a" * 4060, None),
    "the longest subject, of wide characters": (b"images." + "\U0001f600".encode() * 1010, None),
    "bytes that are no text, as many as can be": (b"images." + b"\xff" * 4060, None),
    "the most parts of a subject": (b"images" + b".a" * 2030, None),
}


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bus, Subscribing]]:
    """A bus with a subscription that ends well after all of them, and has had no fault."""
    bus = Bus(tmp_path_factory.mktemp("bus"))
    bus.start()
    with HttpSubscriber.serving() as subscriber:
        subscriber.answer = lambda request: Answer(400 if request.body == b"{}" else 204)
        # A message is delivered again within seconds if it was dropped, and would be for ever.
        subscription = Subscribing.run(
            ack_wait=1, back_off=0.02, NATS_URL=bus.url, SUBSCRIBER_URL=subscriber.url
        )
        try:
            subscription.logged("subscription.ready")
            yield bus, subscription
            assert subscription.stop() == 0
            assert subscription.errors == ""
        finally:
            subscription.kill()
            bus.stop()


@pytest.mark.parametrize(("subject", "headers"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_message(unharmed: tuple[Bus, Subscribing], subject: bytes, headers: bytes | None) -> None:
    """Whatever is published is posted, becomes a dead letter, and holds nothing else up."""
    bus, subscription = unharmed
    bus.empty()
    subscription.lines.clear()
    bus.publish_bytes(subject, headers)
    subscription.logged("delivery.dead_letter", status=400)
    bus.publish("images.innocent", b"innocent", EVENT)
    subscription.logged("delivery.accepted", subject="images.innocent", attempt=1)
    assert len(bus.dead_letters()) == 1
    assert bus.count() == 0


def test_fault_of_ours(own_bus: Bus) -> None:
    """A fault of our own counts like any failed delivery, and ends as a dead letter that names its class."""
    settings = Settings((own_bus.url,), "http://127.0.0.1:9/", 1, 2, 1, 1024)

    async def run() -> None:
        stopping = asyncio.Event()
        async with connect(settings.nats_urls, stopping) as bus, asyncio.timeout(PATIENCE):
            await prepare(bus, max_event_bytes=1024, ack_wait=60)
            subscription = Subscription(
                bus,
                cast("Subscriber", "a fault"),
                settings,
                ack_wait=60,
                back_off=lambda _: 0.02,
                stopping=stopping,
            )
            running = asyncio.create_task(subscription.run())
            letters = await bus.subscribe("images-dead.>")
            await bus.jetstream().publish("images.created", b"{}", headers=EVENT)
            await letters.next_msg(PATIENCE)
            stopping.set()
            await running

    asyncio.run(run())
    (letter,) = own_bus.dead_letters()
    assert own_bus.count() == 0
    assert (letter.data, letter.subject) == (b"{}", "images-dead.created")
    assert letter.headers
    assert letter.headers.items() >= (EVENT | {"deliveryattempts": "2"}).items()
    assert base64.b64decode(letter.headers["knativeerrordata"]).startswith(b"AttributeError: ")


def test_overflowing_retry_after(
    bus: Bus, http_subscriber: HttpSubscriber, subscribing: Callable[..., Subscribing]
) -> None:
    """A date that no clock holds says nothing: the event is tried again and ends at ATTEMPTS."""
    overflow = "Mon, 05 Jan 2026 10:15:37 +" + "9" * 20
    http_subscriber.answer = lambda _: Answer(503, {"Retry-After": overflow})
    subscription = subscribing(
        back_off=0.02, NATS_URL=bus.url, SUBSCRIBER_URL=http_subscriber.url, ATTEMPTS="2"
    )
    subscription.logged("subscription.ready")
    bus.publish("images.created", b"{}", EVENT)
    subscription.logged("delivery.dead_letter", attempt=2, status=503)


@pytest.mark.parametrize("host", ["a" * 64, "a..b", "xn--\udcff", "function:65536"], ids=repr)
def test_unusable_host(host: str) -> None:
    """A host that cannot be looked up is the reason why there is no reply, and no fault."""

    async def post() -> None:
        async with Subscriber.at(f"http://{host}/", seconds=1, parallel=1) as subscriber:
            reply = await subscriber.post({}, b"{}")
        assert reply.status is None
        assert reply.body.startswith(b"No reply: ")
        assert host.encode(errors="replace") not in reply.body

    asyncio.run(post())
