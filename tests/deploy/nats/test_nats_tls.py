"""TLS to the bus: where it is demanded, nothing is sent to a server that offers none."""

import asyncio
import json
import shutil
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.nats.bus.connection import BusNotReady, connect
from tests.processes.bus import Bus, HttpSubscriber, Subscribing
from tests.processes.cluster import make_certificates
from tests.processes.launch import PATIENCE

Start = Callable[..., Subscribing]

NO_TLS = "the server offers no TLS, which tls:// in NATS_URL or NATS_CA demands"


@pytest.fixture
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, and with server.pem and server-key.pem for 127.0.0.1."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is needed to make certificates")
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture
def tls_bus(tmp_path: Path, certificates: Path) -> Iterator[Bus]:
    """A bus whose clients may choose whether they use TLS."""
    files = f'cert_file: "{certificates}/server.pem", key_file: "{certificates}/server-key.pem"'
    bus = Bus(tmp_path, more=f"tls {{ {files} }}\nallow_non_tls: true\n")
    bus.start()
    yield bus
    bus.stop()


class PlainServer:
    """A server of the bus that offers no TLS. received: what it was sent."""

    def __init__(self) -> None:
        self.port = 0
        self.received = b""
        self.left = asyncio.Event()

    @property
    def url(self) -> str:
        return f"tls://someone:secret@127.0.0.1:{self.port}"

    @classmethod
    @asynccontextmanager
    async def serving(cls) -> AsyncIterator["PlainServer"]:
        plain = cls()
        async with await asyncio.start_server(plain._talk, "127.0.0.1", 0) as server:
            plain.port = server.sockets[0].getsockname()[1]
            yield plain

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"max_payload": 1048576, "auth_required": true}\r\n')
        self.received += await reader.read()
        self.left.set()
        writer.close()


def test_real_server_without_tls(own_bus: Bus, subscribing: Start) -> None:
    """With tls:// a server that offers no TLS ends the start with 1 and one sentence, not with a sign-in."""
    own_bus.demand_password()
    url = own_bus.url.replace("nats://", "tls://someone:else@")
    subscription = subscribing(NATS_URL=url, SUBSCRIBER_URL="http://127.0.0.1:9/")
    assert subscription.ended() == 1
    assert subscription.errors == f"NATS does not answer ({NO_TLS}); start it or correct NATS_URL.\n"


@pytest.mark.parametrize("demanded_by", ["scheme", "authority"])
def test_nothing_is_sent(certificates: Path, demanded_by: str) -> None:
    """Not a byte reaches a server without TLS, whether tls:// demands it or NATS_CA."""
    ca = certificates / "ca.pem" if demanded_by == "authority" else None

    async def start() -> bytes:
        async with PlainServer.serving() as plain:
            url = plain.url.replace("tls:", "nats:") if ca else plain.url
            with pytest.raises(BusNotReady, match=NO_TLS):
                async with connect((url,), asyncio.Event(), ca=ca):
                    pass
            return plain.received

    assert asyncio.run(start()) == b""


def test_server_named_by_the_cluster(certificates: Path) -> None:
    """A server that the cluster names is sent nothing either if it offers no TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "server.pem", certificates / "server-key.pem")

    async def meet() -> bytes:
        async with PlainServer.serving() as plain:

            async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                urls = [f"127.0.0.1:{plain.port}"]
                info = {"max_payload": 1048576, "tls_required": True, "connect_urls": urls}
                writer.write(b"INFO " + json.dumps(info).encode() + b"\r\n")
                await writer.start_tls(context)
                await reader.readuntil(b"PING\r\n")
                writer.write(b"PONG\r\n")
                await writer.drain()
                writer.close()

            server = await asyncio.start_server(talk, "127.0.0.1", 0)
            url = f"tls://someone:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with server, connect((url,), asyncio.Event(), ca=certificates / "ca.pem"):
                await asyncio.wait_for(plain.left.wait(), PATIENCE)
            return plain.received

    assert asyncio.run(meet()) == b""


def test_server_that_loses_its_tls(
    tls_bus: Bus, certificates: Path, http_subscriber: HttpSubscriber, subscribing: Start
) -> None:
    """At a reconnection, too, TLS is demanded: until the server offers it again there is no connection."""
    url = tls_bus.url.replace("nats://", "tls://")
    subscription = subscribing(
        NATS_URL=url, NATS_CA=str(certificates / "ca.pem"), SUBSCRIBER_URL=http_subscriber.url
    )
    subscription.logged("subscription.ready")
    with_tls = tls_bus.configuration.read_text()
    tls_bus.kill()
    store = tls_bus.configuration.parent / "store"
    tls_bus.configuration.write_text(f'jetstream {{ store_dir: "{store}" }}\n')
    tls_bus.start()
    subscription.logged("bus.error", reason="BusError", detail=f"{NO_TLS[:1].upper()}{NO_TLS[1:]}.")
    tls_bus.stop()
    tls_bus.configuration.write_text(with_tls)
    tls_bus.start()
    subscription.logged("bus.back")
    assert subscription.stop() == 0


def test_tls_by_choice(tls_bus: Bus, subscribing: Start) -> None:
    """Where a server leaves the choice, tls:// chooses TLS: without its authority nothing is trusted."""
    url = tls_bus.url.replace("nats://", "tls://")
    subscription = subscribing(NATS_URL=url, SUBSCRIBER_URL="http://127.0.0.1:9/")
    assert subscription.ended() == 1
    assert "the server's certificate is not trusted" in subscription.errors
