"""What only dead letters on NATS have: sequences, subjects, deletion, and a bus that may be away."""

import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from deploy.nats.bus import streams
from deploy.nats.bus.binding import cloud_event
from deploy.nats.dead_letters import Failure, dead_letter
from handlers.commands.targets import bus as commands_bus
from tests.processes.bus import Answer, Bus, HttpSubscriber, Subscribing
from tests.processes.commands import Commands
from tests.processes.launch import PATIENCE, eventually
from tests.support.dead_letter_places import ID, Nats, ids, messages, numbered
from tests.support.paths import ROOT

EVENT = {"ce-specversion": "1.0", "ce-id": "42", "ce-source": "/images", "ce-type": "image.created"}
DATA = b'{ "image_id": "62A15F6C-9197-44D2-89C7-708981C1BEC1", "size": 1.10 }'


def publish(
    bus: Bus, subject: str, headers: dict[str, str] = EVENT, data: bytes = DATA, status: int | None = 400
) -> int:
    """Stores a dead letter as the subscription does, and returns its sequence."""
    failure = Failure("http://function/", status, b"InvalidEvent: no image id", 3)
    kept, body = dead_letter(headers, data, cloud_event(headers, data), failure)
    return bus.publish(f"images-dead.{subject}", body, kept)


@pytest.fixture
def three(on_nats: Nats) -> list[int]:
    """The sequences of three dead letters: an event, one without a reply, and what is no CloudEvent."""
    return [
        publish(on_nats.bus, "eu.created"),
        publish(on_nats.bus, "us.created", status=None),
        publish(on_nats.bus, "eu.other", {"Content-Type": "text/csv"}, b"a;b\r\n\xff"),
    ]


def test_both_name_the_same_streams() -> None:
    """The subscription and the commands agree on streams and subjects."""
    ours = (commands_bus.STREAM, commands_bus.SUBJECTS, commands_bus.DEAD_STREAM, commands_bus.DEAD_SUBJECTS)
    assert ours == (streams.STREAM, streams.SUBJECTS, streams.DEAD_STREAM, streams.DEAD_SUBJECTS)


# -- which are meant --------------------------------------------------------------------------------

SUBJECTS: dict[str, tuple[str, list[int]]] = {
    "itself": ("images.eu.created", [0]),
    "a token": ("images.*.created", [0, 1]),
    "the rest": ("images.eu.>", [0, 2]),
    "all": ("images.>", [0, 1, 2]),
    "too few tokens": ("images.*", []),
    "a part of a token": ("images.eu.creat", []),
}


@pytest.mark.parametrize(("pattern", "meant"), SUBJECTS.values(), ids=SUBJECTS)
def test_subjects(on_nats: Nats, three: list[int], pattern: str, meant: list[int]) -> None:
    """A subject, with the wildcards of NATS, chooses by where the event was published."""
    listed = on_nats.run("list", "--json", "--subject", pattern).json["dead_letters"]
    assert [row["position"] for row in listed] == [three[number] for number in meant]


@pytest.mark.parametrize("verb", [["list"], ["show"], ["redrive", "--dry-run"]], ids=" ".join)
def test_sequences(on_nats: Nats, three: list[int], verb: list[str]) -> None:
    """Sequences choose, each once; one that is not there is named, exit code 1, and the others are taken."""
    first, second, third = three
    ran = on_nats.run(*verb, "--json", "--sequence", first, third + 9, second, first, "--code", "none")
    assert ran.code == 1
    assert [row["position"] for row in ran.json["dead_letters"]] == [second]
    (missing,) = ran.json["unreadable"]
    assert (missing["position"], missing["why"]) == (third + 9, "there is no dead letter of this sequence")


def test_show(on_nats: Nats, three: list[int]) -> None:
    """Beside what every place tells, the subject is told, and what is no CloudEvent is shown as it is."""
    first, _, other = on_nats.run("show", "--json").json["dead_letters"]
    assert (first["subject"], first["status"], first["attempts"]) == ("images.eu.created", 400, 3)
    assert first["destination"] == "http://function/"
    assert first["event"]["data"] == json.loads(DATA)
    assert other["event"] == {"headers": {"Content-Type": "text/csv"}, "data_base64": "YTtiDQr/"}
    assert three == [row["position"] for row in on_nats.run("list", "--json").json["dead_letters"]]


# -- their way back ---------------------------------------------------------------------------------


def test_back_to_the_bus(on_nats: Nats, three: list[int]) -> None:
    """Each event is published where it was, byte by byte and without what was added, and then deleted."""
    ran = on_nats.run("redrive", "--rate", "1000")
    assert (ran.code, ran.out) == (0, f"{len(three)} done (3 published), 0 not done\n")
    first, second, third = messages(on_nats.bus, "IMAGES")
    assert [each.subject for each in (first, second, third)] == [
        "images.eu.created",
        "images.us.created",
        "images.eu.other",
    ]
    message_ids = {(each.headers or {}).pop("Nats-Msg-Id") for each in (first, second, third)}
    assert len(message_ids) == 3
    assert (first.data, third.data) == (DATA, b"a;b\r\n\xff")
    for each, headers in ((first, EVENT), (third, {"Content-Type": "text/csv"})):
        assert (each.headers or {}).items() >= headers.items()
        assert not any("knative" in name for name in each.headers or {})
    assert on_nats.left() == []


def test_to_the_function(on_nats: Nats, three: list[int], http_subscriber: HttpSubscriber) -> None:
    """With an address, the events go to the function, and those that it accepts are deleted."""
    http_subscriber.answer = lambda request: Answer(
        204, {"Tagging-Outcome": "tagged" if "ce-id" in request.headers else "retry"}
    )
    ran = on_nats.run("redrive", "--to", http_subscriber.url, "--rate", "1000", "--json")
    assert (ran.code, ran.json["done"]) == (1, {"tagged": 2})
    assert [(each.headers["content-type"], each.body) for each in http_subscriber.received] == [
        ("application/json", DATA),
        ("application/json", DATA),
        ("text/csv", b"a;b\r\n\xff"),
    ]
    assert [each.seq for each in messages(on_nats.bus, "IMAGES_DEAD")] == three[2:]


def start(*arguments: object) -> "subprocess.Popen[bytes]":
    """`redrive` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "main.py", "dead-letters", "redrive", *map(str, arguments)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_interrupted(on_nats: Nats, how: signal.Signals) -> None:
    """A run that ends in the middle is resumed, and each event is published once."""
    on_nats.put(*map(numbered, range(30)))
    with start(on_nats.address, "--rate", "50") as process:
        eventually(lambda: on_nats.bus.count() >= 5, "five events redriven")
        process.send_signal(how)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == (130 if how == signal.SIGINT else -how)
    assert 0 < len(on_nats.left()) < 30
    assert on_nats.run("redrive", "--rate", "1000").code == 0
    published = [(each.headers or {})["ce-id"] for each in messages(on_nats.bus, "IMAGES")]
    assert published == [str(number) for number in range(30)]
    assert on_nats.left() == []


def test_a_later_one_is_left(on_nats: Nats, three: list[int], http_subscriber: HttpSubscriber) -> None:
    """What comes meanwhile is left, also where somebody has deleted those that were there before it."""

    async def replace(js: JetStreamContext) -> None:
        for sequence in three[1:]:
            await js.delete_msg("IMAGES_DEAD", sequence)

    def answer(_: Any) -> Answer:
        on_nats.bus.do(replace)
        on_nats.put(numbered(4))
        return Answer(204, {"Tagging-Outcome": "tagged"})

    http_subscriber.answer = answer
    assert on_nats.run("redrive", "--to", http_subscriber.url).code == 0
    assert len(http_subscriber.received) == 1
    assert on_nats.left() == ["4"]


def test_published_but_not_deleted(own_bus: Bus, commands: Commands) -> None:
    """What was published and could not be deleted is not published a second time by the next redrive."""

    async def make(js: JetStreamContext) -> None:
        await js.add_stream(StreamConfig("IMAGES", subjects=["images.>"]))
        await js.add_stream(StreamConfig("IMAGES_DEAD", subjects=["images-dead.>"], deny_delete=True))

    own_bus.do(make)
    publish(own_bus, "x")
    for _ in range(2):
        ran = commands("dead-letters", "redrive", own_bus.url)
        assert ran.code == 1
        assert ran.shows("IMAGES_DEAD does not let message 1 be deleted")
        assert own_bus.count() == 1


def test_too_large(on_nats: Nats, three: list[int]) -> None:
    """An event that the stream does not take stays, is named, and holds up no other."""
    before = on_nats.bus.do(lambda js: js.stream_info("IMAGES")).config

    async def limit(js: JetStreamContext) -> None:
        await js.update_stream(before.evolve(max_msg_size=140))

    async def unlimit(js: JetStreamContext) -> None:
        await js.update_stream(before)

    on_nats.bus.do(limit)
    try:
        ran = on_nats.run("redrive", "--rate", "1000", "--json")
    finally:
        on_nats.bus.do(unlimit)
    assert ran.code == 1
    assert ran.json["done"] == {"published": 1}
    assert [row["position"] for row in ran.json["not_done"]] == three[:2]
    assert all("more than IMAGES takes" in row["detail"] for row in ran.json["not_done"])
    assert [each.seq for each in messages(on_nats.bus, "IMAGES_DEAD")] == three[:2]


def test_way_back(
    own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Callable[..., Subscribing], commands: Commands
) -> None:
    """Redriven too early an event is a dead letter again, and that once; after the repair it is accepted."""
    subscription = subscribing(NATS_URL=own_bus.url, SUBSCRIBER_URL=http_subscriber.url)
    subscription.logged("subscription.ready")
    http_subscriber.answer = lambda _: Answer(400, body=b"TagRefused: no (HTTP 400 IMG.0115 no)")
    own_bus.publish("images.created", DATA, EVENT)
    subscription.logged("delivery.dead_letter")
    assert ids(commands("dead-letters", "list", own_bus.url, "--json").json["dead_letters"]) == ["42"]
    coded = commands("dead-letters", "list", own_bus.url, "--json", "--code", "IMG.0115", "--image", ID)
    assert ids(coded.json["dead_letters"]) == ["42"]
    assert commands("dead-letters", "redrive", own_bus.url).code == 0
    subscription.logged("delivery.dead_letter", 2)
    http_subscriber.answer = lambda _: Answer()
    assert commands("dead-letters", "redrive", own_bus.url).code == 0
    subscription.logged("delivery.accepted", event_id="42", attempt=1)
    assert own_bus.count() == own_bus.count("IMAGES_DEAD") == 0


# -- a bus that is not as it should be --------------------------------------------------------------

VERBS = pytest.mark.parametrize("verb", ["list", "show", "redrive"])


@VERBS
def test_no_stream(own_bus: Bus, commands: Commands, verb: str) -> None:
    """Without the stream of dead letters, a command is one sentence and exit code 2."""
    ran = commands("dead-letters", verb, own_bus.url)
    assert (ran.code, ran.out) == (2, "")
    assert ran.shows("there is no stream IMAGES_DEAD")


@VERBS
def test_no_bus(tmp_path: Path, commands: Commands, verb: str) -> None:
    """Without a bus as well, and soon."""
    bus = Bus(tmp_path)
    bus.start()
    bus.stop()
    ran = commands("dead-letters", verb, bus.url)
    assert (ran.code, ran.out) == (2, "")
    assert ran.shows("NATS does not answer; start it or correct the address")


def test_another_server_of_the_bus(on_nats: Nats, three: list[int], tmp_path: Path) -> None:
    """Of several servers, one that answers is enough."""
    gone = Bus(tmp_path)
    gone.start()
    gone.stop()
    on_nats.address = f"{gone.url},{on_nats.bus.url.removeprefix('nats://')}"
    assert len(on_nats.run("list", "--json").json["dead_letters"]) == len(three)


def test_lost_in_the_middle(own_bus: Bus, commands: Commands, http_subscriber: HttpSubscriber) -> None:
    """Where the bus goes away, the run stops with what was done, and can be resumed when it is back."""
    place = Nats(commands, own_bus)
    place.put(*map(numbered, range(3)))

    def answer(_: Any) -> Answer:
        if len(http_subscriber.received) == 2:
            own_bus.kill()
        return Answer(204, {"Tagging-Outcome": "tagged"})

    http_subscriber.answer = answer
    ran = place.run("redrive", "--to", http_subscriber.url, "--rate", "1000", "--json")
    assert ran.code == 1
    assert ran.json["errors"] == ["NATS does not answer; start it or correct the address"]
    own_bus.start()
    assert place.left() == ["1", "2"]
    assert place.run("redrive", "--to", http_subscriber.url, "--rate", "1000").code == 0
    assert place.left() == []


def test_back_in_the_middle(own_bus: Bus, commands: Commands, http_subscriber: HttpSubscriber) -> None:
    """Where the bus loses the connection and is there again, nobody notices."""
    place = Nats(commands, own_bus)
    place.put(*map(numbered, range(3)))

    def answer(_: Any) -> Answer:
        if len(http_subscriber.received) == 2:
            own_bus.kill()
            own_bus.start()
        return Answer(204, {"Tagging-Outcome": "tagged"})

    http_subscriber.answer = answer
    assert place.run("redrive", "--to", http_subscriber.url, "--rate", "1000").code == 0
    assert len(http_subscriber.received) == 3
    assert place.left() == []


def test_no_rights(own_bus: Bus, commands: Commands) -> None:
    """A server that demands a sign-in is one sentence that names the credentials."""
    own_bus.demand_password()
    eventually(
        lambda: commands("dead-letters", "list", own_bus.url).shows("check NATS_CREDS"), "refused sign-in"
    )


INFO = b'INFO {"server_id":"x","version":"2.11.0","headers":true,"max_payload":1048576,"jetstream":true}\r\n'


def test_nothing_is_sent_in_clear(commands: Commands) -> None:
    """Not even the words with which a client signs in go to a server that offers no TLS."""
    received: list[bytes] = []

    class Server(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(INFO)
            received.append(self.request.recv(1000))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Server) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        ran = commands("dead-letters", "list", f"tls://127.0.0.1:{server.server_address[1]}")
        server.shutdown()
        serving.join()
    assert ran.code == 2
    assert ran.shows("the server offers no TLS")
    assert received == [b""]


WRONG: dict[str, tuple[str, dict[str, str], str]] = {
    "a user": ("nats://me:canary@127.0.0.1", {}, "NATS_CREDS names"),
    "a port that is none": ("nats://127.0.0.1:x", {}, "nats://host:port"),
    "nobody": ("tls://", {}, "tls://host:port"),
    "no credentials": ("nats://127.0.0.1", {"NATS_CREDS": "nowhere"}, "NATS_CREDS must name"),
    "other credentials": ("nats://127.0.0.1", {"NATS_CREDS": "README.md"}, "NATS_CREDS must name"),
    "no authority": ("nats://127.0.0.1", {"NATS_CA": "nowhere"}, "NATS_CA names nowhere"),
}


@pytest.mark.parametrize(("address", "settings", "said"), WRONG.values(), ids=WRONG)
def test_wrong_usage(commands: Commands, address: str, settings: dict[str, str], said: str) -> None:
    """An address or a setting that cannot be right is one sentence, and shows no secret."""
    ran = commands("dead-letters", "list", address, **settings)
    assert (ran.code, ran.out) == (2, "")
    assert ran.shows(said)


def test_without_the_package(on_nats: Nats, tmp_path: Path) -> None:
    """Where the package is not installed, one sentence has the command that installs it."""
    (tmp_path / "nats.py").write_text("raise ImportError('it is not installed')")
    ran = subprocess.run(
        [sys.executable, "main.py", "dead-letters", "list", on_nats.address],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "python -m pip install 'nats-py[nkeys]'" in " ".join(ran.stderr.split())
