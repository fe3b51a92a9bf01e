"""What the subscription says and keeps holds no secret, not even one that a subscriber repeats."""

import asyncio
import base64
import errno
import json
import logging
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import nats.errors
import pytest
from nats.js.errors import APIError

from deploy.nats.bearer_token import BearerToken
from deploy.nats.errors import LibraryHandler, describe, places
from deploy.nats.settings import InvalidSettings, Settings
from deploy.nats.subscriber import Reply, Subscriber
from tests.processes.bus import Answer, Bus, HttpSubscriber, Received, Subscribing, in_turn
from tests.processes.scripted_server import CLOSE, peer

EVENT = {"ce-specversion": "1.0", "ce-id": "42", "ce-source": "/images", "ce-type": "image.created"}
SECRET = "s3cret/t0ken+of=the-deliveries"
PASSWORD = "p4ssw0rd-of-no-use"
STRANGER = "the-words-of-a-stranger"

Start = Callable[..., Subscribing]


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{SECRET}\n")
    return path


def post(url: str, token: BearerToken | None = None) -> Reply:
    async def once() -> Reply:
        async with Subscriber.at(url, token=token, seconds=2, parallel=1) as subscriber:
            return await subscriber.post({}, b"{}")

    return asyncio.run(once())


# --- replies that are none

HEAD = b"HTTP/1.1 200 OK\r\n"
MALFORMED = {
    "nothing": CLOSE,
    "no HTTP": STRANGER.encode() + b"\r\n\r\n",
    "no status": b"HTTP/1.1 " + STRANGER.encode() + b"\r\n\r\n",
    "no version": b"HTTP/x 200 OK\r\n\r\n",
    "no header": HEAD + STRANGER.encode() + b"\r\n\r\n",
    "a header of control characters": HEAD + b"a\x00b: " + STRANGER.encode() + b"\r\n\r\n",
    "a header without end": HEAD + b"a: " + STRANGER.encode() * 1000 + b"\r\n\r\n",
    "a length that is none": b"HTTP/1.1 400 No\r\nContent-Length: " + STRANGER.encode() + b"\r\n\r\n",
    "two lengths": b"HTTP/1.1 400 No\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "chunks that are none": b"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n" + STRANGER.encode(),
    "an encoding that is none": b"HTTP/1.1 400 No\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    "an end too early": b"HTTP/1.1 400 No\r\nContent-Length: 9000\r\n\r\n" + b"x" * 100,
}


def and_close(answer: bytes) -> Iterator[bytes]:
    yield answer
    raise ConnectionAbortedError


@pytest.mark.parametrize("answer", MALFORMED.values(), ids=MALFORMED)
def test_malformed_reply(answer: bytes) -> None:
    """A malformed reply becomes a sentence of ours, without the address and without what was received."""
    with peer(and_close(answer)) as server:
        url = f"http://user:{PASSWORD}@{server.address}/?access_token={quote(SECRET)}"
        reply = post(url)
        assert server.connections == 1
    assert reply.status is None
    assert reply.body.startswith(b"No reply: the ")
    for word in (PASSWORD, quote(SECRET), "access_token", server.address, STRANGER, "aiohttp", "Error"):
        assert word not in reply.body.decode()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """With its key; nobody vouches for it."""
    path = tmp_path / "server.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-subj", "/CN=127.0.0.1", "-keyout", str(path), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.read_text() + (tmp_path / "certificate.pem").read_text())
    return path


def test_no_connection(certificate: Path) -> None:
    """Why there is no connection is said by class, too."""
    with peer(certificate=certificate) as server:
        untrusted = post(server.url)
    refused = post(server.url)
    assert [reply.body.decode() for reply in (untrusted, refused)] == [
        "No reply: the server's certificate is not trusted, or is not for this server.",
        "No reply: the connection was refused.",
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(-2, STRANGER), "the name of the host is unknown"),
        (ssl.SSLError(1, STRANGER), "TLS failed"),
        (OSError(errno.EHOSTUNREACH, STRANGER), "the connection failed (EHOSTUNREACH)"),
        (OSError(STRANGER), "the connection failed (OSError)"),
        (
            nats.errors.Error("nats: 'permissions violation for publish to \"images-dead.x\"'"),
            "the right is missing for publish to images-dead.x",
        ),
        (nats.errors.Error(STRANGER), "something unexpected happened (Error)"),
        (LookupError(STRANGER), "something unexpected happened (LookupError)"),
        (
            APIError(code=400, err_code=10052, description="maximum bytes exceeded\n"),
            "JetStream answers with error 10052: maximum bytes exceeded",
        ),
    ],
    ids=str,
)
def test_words_by_class(error: Exception, words: str) -> None:
    """An error is described by its class; of one that nobody has thought of, the class is named."""
    assert describe(error) == words


# --- replies that repeat a secret


@pytest.mark.parametrize(
    "repeated", [SECRET, quote(SECRET), quote(SECRET, safe="")], ids=["as it is", "%", "all %"]
)
def test_repeated_token(token_file: Path, repeated: str) -> None:
    """A token that the subscriber repeats is masked, wherever the beginning of the reply is cut."""
    bodies = [
        b"-" * length + repeated.encode() * 3 + b"end" for length in range(1024 - 2 * len(repeated), 1024 + 8)
    ]
    for body in kept_of(bodies, token_file):
        assert len(body) <= 1024
        assert set(body) <= set("-*end")


def test_repeated_often(token_file: Path) -> None:
    """Masks are shorter than what they hide: what moves up behind them is no secret cut in two."""
    bodies = [b"-" * length + SECRET.encode() * 1000 for length in range(len(SECRET))]
    for body in kept_of(bodies, token_file):
        assert set(body) <= set("-*")


def kept_of(bodies: Sequence[bytes], token_file: Path) -> list[str]:
    """What is kept of replies with these bodies to deliveries with the token."""

    async def post(url: str) -> list[str]:
        token = BearerToken(token_file)
        async with Subscriber.at(url, token=token, seconds=2, parallel=1) as subscriber:
            return [(await subscriber.post({}, b"{}")).body.decode() for _ in bodies]

    with HttpSubscriber.serving() as server:
        server.answer = in_turn(*(Answer(400, body=body) for body in bodies))
        return asyncio.run(post(server.url))


def test_repeated_tokens(token_file: Path) -> None:
    """Of several tokens all are masked, also one that begins with another, and one that was not sent."""
    token_file.write_text("abcd abcdef")
    with HttpSubscriber.serving() as subscriber:
        subscriber.answer = in_turn(Answer(400, body=b"abcdef abcd abcde"))
        assert post(subscriber.url, BearerToken(token_file)).body == b"*** *** ***e"


def test_short_tokens(token_file: Path) -> None:
    """A short token is masked as a word, and the words that contain it stay legible."""
    token_file.write_text("e")
    with HttpSubscriber.serving() as subscriber:
        subscriber.answer = lambda _: Answer(400, body=b"NoEvent: the token e, here")
        assert post(subscriber.url, BearerToken(token_file)).body == b"NoEvent: the token ***, here"


def test_repeated_address() -> None:
    """What is secret in the address is masked as well: its password in any form, and values of its query."""

    def answer(request: Received) -> Answer:
        return Answer(
            400, body=f"{request.headers['authorization']} {PASSWORD} {SECRET} {quote(SECRET)}".encode()
        )

    with HttpSubscriber.serving() as subscriber:
        subscriber.answer = answer
        address = subscriber.url.replace("http://", f"http://user:{PASSWORD}@")
        assert post(f"{address}?access_token={quote(SECRET)}&x=1").body == b"Basic *** *** *** ***"


def test_nothing_leaves(bus: Bus, subscribing: Start, token_file: Path) -> None:
    """Neither log nor dead letter nor standard error holds a token, whatever the subscriber does with it."""
    with peer(*[f"HTTP/1.1 {STRANGER}\r\n\r\n".encode()] * 2) as server:
        subscription = subscribing(
            back_off=0.02,
            NATS_URL=bus.url,
            SUBSCRIBER_URL=f"{server.url}/?access_token={quote(SECRET)}",
            SUBSCRIBER_TOKEN_FILE=str(token_file),
            ATTEMPTS="2",
        )
        subscription.logged("subscription.ready", subscriber=f"{server.url}/")
        bus.publish("images.created", b"{}", EVENT)
        subscription.logged(
            "delivery.dead_letter", reason="NoReply", detail="No reply: the reply was malformed."
        )
        assert all(quote(SECRET).encode() in request for request in server.requests)
    subscription.stop()
    (letter,) = bus.dead_letters()
    kept = json.loads(letter.data or b"")
    assert base64.b64decode(kept["knativeerrordata"]) == b"No reply: the reply was malformed."
    everything = json.dumps(subscription.lines) + subscription.errors + json.dumps(kept)
    for word in (SECRET, quote(SECRET), STRANGER, "access_token"):
        assert word not in everything


# --- the token of deliveries


def test_bearer_token(
    bus: Bus, http_subscriber: HttpSubscriber, subscribing: Start, token_file: Path
) -> None:
    """Deliveries carry the first token of the file: the new one once it is there, the old one until then."""

    def delivered() -> str:
        http_subscriber.received.clear()
        bus.publish("images.created", b"{}", EVENT)
        (request,) = http_subscriber.wait()
        return request.headers["authorization"]

    subscription = subscribing(
        NATS_URL=bus.url, SUBSCRIBER_URL=http_subscriber.url, SUBSCRIBER_TOKEN_FILE=str(token_file)
    )
    subscription.logged("subscription.ready")
    assert delivered() == f"Bearer {SECRET}"
    token_file.write_text("new\t next\n")
    assert delivered() == "Bearer new"
    for malformed in ("", "\n", "\x7f"):
        token_file.write_text(malformed)
        assert delivered() == "Bearer new"
    token_file.unlink()
    assert delivered() == "Bearer new"
    token_file.write_text("next")
    assert delivered() == "Bearer next"


@pytest.mark.parametrize(
    "content", [None, b"", b" \n", b"\xff", b"a\x00b"], ids=["none", "empty", "blank", "no ASCII", "control"]
)
def test_malformed_token_file(tmp_path: Path, subscribing: Start, content: bytes | None) -> None:
    """A file without a token stops the start with 2 and one sentence."""
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    subscription = subscribing(SUBSCRIBER_URL="http://function/", SUBSCRIBER_TOKEN_FILE=str(path))
    assert subscription.ended() == 2
    assert subscription.errors.startswith("SUBSCRIBER_TOKEN_FILE must be a readable file of tokens ")
    assert subscription.errors.count("\n") == 1


def test_settings_are_not_shown(token_file: Path) -> None:
    """The settings tell nobody what they hold."""
    environ = {"SUBSCRIBER_URL": "http://function/?access_token=x", "SUBSCRIBER_TOKEN_FILE": str(token_file)}
    settings = Settings.from_environ(environ)
    assert settings.subscriber_token
    assert settings.subscriber_token.all() == (SECRET,)
    assert "access_token" not in repr(settings)
    assert SECRET not in f"{settings!r} {settings.subscriber_token!r}"


def test_two_ways_to_sign_in(token_file: Path) -> None:
    """A request has one Authorization: a user in the address and a token are one too many."""
    settings = {"SUBSCRIBER_URL": "http://a:b@function/", "SUBSCRIBER_TOKEN_FILE": str(token_file)}
    with pytest.raises(InvalidSettings, match=r"^SUBSCRIBER_URL must hold no user "):
        Settings.from_environ(settings)


# --- what others may read


@pytest.mark.parametrize(
    ("changed", "count"),
    [
        ({}, 0),
        ({"NATS_URL": "nats://user:password@127.0.0.1,nats://user:password@localhost"}, 0),
        ({"NATS_URL": "nats://bus.example.com"}, 0),
        ({"NATS_URL": "tls://user:password@bus.example.com"}, 0),
        ({"NATS_URL": "nats://127.0.0.1,nats://user:password@bus.example.com"}, 1),
        ({"NATS_URL": "nats://token@bus.example.com"}, 1),
        ({"SUBSCRIBER_URL": "https://function/?access_token=x"}, 0),
        ({"SUBSCRIBER_URL": "http://[::1]/?access_token=x"}, 0),
        ({"SUBSCRIBER_URL": "http://function/?access_token=x"}, 1),
    ],
    ids=str,
)
def test_warnings(changed: dict[str, str], count: int) -> None:
    """A secret that crosses a network in the clear is warned about; the loopback interface is none."""
    warnings = [*Settings.from_environ({"SUBSCRIBER_URL": "http://function/"} | changed).warnings()]
    assert len(warnings) == count
    assert "password@" not in "".join(warnings)


def test_warning_of_the_token(token_file: Path) -> None:
    """A token in a file is warned about as well where it goes over http://."""
    settings = {"SUBSCRIBER_URL": "http://function/", "SUBSCRIBER_TOKEN_FILE": str(token_file)}
    assert [*Settings.from_environ(settings).warnings()] == [
        "SUBSCRIBER_URL begins with http://: anybody on the way can read the token."
    ]


def test_no_log_of_keys(certificate: Path, tmp_path: Path, bus: Bus, subscribing: Start) -> None:
    """SSLKEYLOGFILE does not make the subscription write down the keys of its connections."""
    keys = tmp_path / "keys"
    with peer(certificate=certificate) as server:
        subscription = subscribing(
            back_off=0.02, NATS_URL=bus.url, SUBSCRIBER_URL=server.url, SSLKEYLOGFILE=str(keys), ATTEMPTS="1"
        )
        subscription.logged("subscription.ready")
        bus.publish("images.created", b"{}", EVENT)
        subscription.logged("delivery.dead_letter", reason="NoReply")
    assert not keys.exists() or "SECRET" not in keys.read_text()


# --- what libraries say


def test_a_library_logs(capsys: pytest.CaptureFixture[str]) -> None:
    """Of what a library logs, its name and the place are kept, and not one of its words."""
    logger = logging.getLogger("of-a-test")
    logger.propagate = False
    logger.addHandler(LibraryHandler())
    try:
        int(STRANGER)
    except ValueError:
        logger.exception("it said %s", STRANGER)
    logger.error("it said %s", STRANGER)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["library"], first["reason"], second["reason"]) == ("of-a-test", "ValueError", None)
    assert first["detail"].startswith(f"{Path(__file__).name}:")
    assert second["detail"].startswith(f"{Path(__file__).name}:")
    assert STRANGER not in f"{first} {second}"


def test_places() -> None:
    """Where an error was raised is files and lines, and no value."""
    with pytest.raises(ValueError, match=STRANGER) as raised:
        int(STRANGER)
    assert places(raised.value) == f"{Path(__file__).name}:{raised.traceback[0].lineno + 1}"


def test_passwords_of_the_bus(tmp_path: Path, subscribing: Start) -> None:
    """Where the bus is not there or refuses the sign-in, no password is said."""
    bus = Bus(tmp_path)
    bus.start()
    bus.demand_password()
    url = bus.url.replace("//", f"//someone:{PASSWORD}@")
    refused = subscribing(NATS_URL=url, SUBSCRIBER_URL="http://127.0.0.1:9/")
    assert refused.ended() == 1
    bus.stop()
    away = subscribing(NATS_URL=url, SUBSCRIBER_URL="http://127.0.0.1:9/")
    assert away.ended() == 1
    assert "(the sign-in was refused" in refused.errors
    assert "(the connection was refused)" in away.errors
    assert PASSWORD not in f"{refused.errors} {refused.lines} {away.errors} {away.lines}"
