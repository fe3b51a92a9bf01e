"""The subscription where the bus dies, is silent, refuses, or is not as it should be."""

import asyncio
import threading
from pathlib import Path

from nats.js.api import StreamConfig

from deploy.nats.bus.connection import connect
from deploy.nats.subscription import NO_LEADER, NOT_CONFIRMED
from tests.deploy.nats.conftest import EVENT, Start, start
from tests.processes.bus import Answer, Bus, HttpSubscriber
from tests.processes.launch import PATIENCE


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


def test_nobody_takes_the_acknowledgement(
    own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start
) -> None:
    """If nobody confirms an acknowledgement, the line of the accepted event says that it may come again."""
    gone = threading.Event()
    http_subscriber.answer = lambda _: Answer() if gone.wait(10) else Answer(500)
    subscription = start(subscribing, own_bus, http_subscriber.url)
    own_bus.publish("images.created", headers=EVENT)
    http_subscriber.wait(1)
    own_bus.do(lambda js: js.delete_consumer("IMAGES", "tagger"))
    gone.set()
    subscription.logged("delivery.accepted", reason="NotConfirmed", detail=NOT_CONFIRMED)


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
