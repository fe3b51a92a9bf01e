"""The subscription at the cluster that ships: credentials, TLS, least rights, three replicas."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import nats
import pytest
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StreamConfig

from deploy.nats.bus.connection import connect
from deploy.nats.settings import InvalidSettings, Settings
from tests.processes.bus import Answer, HttpSubscriber, Subscribing
from tests.processes.cluster import Cluster, Identities
from tests.processes.launch import PATIENCE
from tests.support.deploy_page import rights

Start = Callable[..., Subscribing]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.running() as cluster:
        yield cluster


@pytest.fixture
def subscription(cluster: Cluster, subscribing: Start, http_subscriber: HttpSubscriber) -> Start:
    """Starts the subscription at the cluster, as the page has it."""

    def start(without: str = "", **more: str) -> Subscribing:
        settings = {
            "SUBSCRIBER_URL": http_subscriber.url,
            "NATS_URL": cluster.url,
            "NATS_CREDS": str(cluster.identities.credentials("subscription", **rights("subscription"))),
            "NATS_CA": str(cluster.ca),
        }
        settings.pop(without, None)
        return subscribing(**settings, **more)

    return start


async def _publish(js: JetStreamContext) -> None:
    await js.publish("images.created", b"good")
    await js.publish("images.created", b"bad")


async def _configuration(js: JetStreamContext) -> list[StreamConfig]:
    return [(await js.stream_info(stream)).config for stream in ("IMAGES", "IMAGES_DEAD")]


def test_least_rights(
    cluster: Cluster, subscription: Start, http_subscriber: HttpSubscriber, tmp_path: Path
) -> None:
    """With the rights on the page and no more, over TLS: streams are made, events delivered and kept.

    The keys of the connection are not written down, whatever SSLKEYLOGFILE says.
    """
    keys = tmp_path / "keys"
    http_subscriber.answer = lambda request: Answer(400 if request.body == b"bad" else 204)
    process = subscription(SSLKEYLOGFILE=str(keys))
    process.logged("subscription.ready")
    cluster.do(_publish)
    process.logged("delivery.accepted")
    process.logged("delivery.dead_letter")
    assert process.stop() == 0
    assert {line["message"] for line in process.lines} & {"bus.error", "library.error"} == set()
    assert not keys.exists() or "SECRET" not in keys.read_text()


def test_producer_reads_nothing(cluster: Cluster) -> None:
    """With the rights on the page a producer publishes and hears that it is kept, and reads nothing else."""
    wanted = ["_INBOX_subscription.>", "_INBOX.>", "_INBOX_producer_2.>", "images.>", "images-dead.>", ">"]
    asked = ["$JS.API.STREAM.MSG.GET.IMAGES", "$JS.API.CONSUMER.MSG.NEXT.IMAGES.tagger", "images-dead.x"]
    refused: list[str] = []
    all_refused = asyncio.Event()

    async def heard(error: Exception) -> None:
        # A busy server may be slow to answer; that is no refusal.
        if right := re.search('permissions violation for .* to "(.*)"', str(error)):
            refused.append(right[1])
        if len(refused) == len(wanted) + len(asked):
            all_refused.set()

    async def produce() -> None:
        bus = await nats.connect(
            cluster.url.split(","),
            user_credentials=cluster.identities.credentials("producer", **rights("producer")),
            inbox_prefix="_INBOX_producer",
            tls=cluster.tls,
            error_cb=heard,
        )
        await bus.jetstream().publish("images.created", b"good", stream="IMAGES")
        for subject in wanted:
            await bus.subscribe(subject)
        for subject in asked:
            await bus.publish(subject, b"{}")
        # A flush may end with the answer to an earlier ping, before the server has refused anything.
        with suppress(TimeoutError):
            await asyncio.wait_for(all_refused.wait(), PATIENCE)
        await bus.flush()
        await bus.close()

    asyncio.run(produce())
    # The client puts into small letters what a server says.
    assert refused == [subject.lower() for subject in [*wanted, *asked]]


def test_replicas(cluster: Cluster, subscription: Start) -> None:
    """What an operator has set of the streams stays: three replicas, and the size of that of dead letters."""
    process = subscription()
    process.logged("subscription.ready")
    events, dead_letters = cluster.do(_configuration)
    assert (events.num_replicas, dead_letters.num_replicas, dead_letters.max_bytes) == (3, 3, 2**20)
    assert events.discard == DiscardPolicy.NEW.value
    assert process.stop() == 0


@pytest.mark.parametrize(
    ("without", "says"),
    [("NATS_CREDS", "the sign-in was refused"), ("NATS_CA", "the server's certificate is not trusted")],
    ids=["credentials", "authority"],
)
def test_refused(subscription: Start, without: str, says: str) -> None:
    """Without credentials, or at a server that nobody vouches for, the start stops with the reason."""
    process = subscription(without=without)
    assert process.ended() == 1
    assert "NATS does not answer (" in process.errors
    assert says in process.errors


@pytest.mark.parametrize("name", ["NATS_CREDS", "NATS_CA"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\x00"], ids=["no file", "empty", "something else"])
def test_unusable_file(tmp_path: Path, name: str, content: bytes | None) -> None:
    """A file that does not hold what it should stops the start with one sentence that names it."""
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidSettings, match=rf"^{name} must be a readable file of .*{path}.*\.$"):
        Settings.from_environ({"SUBSCRIBER_URL": "http://function/", name: str(path)})


def test_half_written_credentials(tmp_path: Path) -> None:
    """While the file of credentials is malformed the bus cannot be reached; when it is whole again, it is."""
    path = Identities(tmp_path).credentials("subscription")
    whole, signed_in = path.read_bytes(), asyncio.Semaphore(0)
    closed = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"max_payload": 1048576, "auth_required": true, "nonce": "nonce"}\r\n')
        if await reader.readline():
            await reader.readuntil(b"PING\r\n")
            writer.write(b"PONG\r\n")
            signed_in.release()
            await closed.wait()
        else:
            # It came, had no credentials and went; when it comes again, it has some.
            path.write_bytes(whole)
        writer.close()

    async def rotate() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, connect((url,), asyncio.Event(), creds=path), asyncio.timeout(PATIENCE):
            await signed_in.acquire()
            path.write_bytes(b"-----BEGIN NATS USER JWT-----\n")
            closed.set()
            await signed_in.acquire()

    asyncio.run(rotate())
