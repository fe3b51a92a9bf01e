"""`send`: event files to the function or to a bus, as they are."""

import json
from pathlib import Path

import pytest

from tests.processes.bus import Answer, Bus, HttpSubscriber
from tests.processes.commands import Commands, fits
from tests.processes.emulator import Ims
from tests.processes.function import Serve, created
from tests.support import sample_files
from tests.support.dead_letter_places import make_streams, messages

FAST = ("--rate", "1000")


def sent(name: str) -> bytes:
    """The body that a file of events has."""
    content = (sample_files.FOLDER / name).read_bytes()
    return content.partition(b"\n\n")[2] if name.endswith(".http") else content


@pytest.mark.parametrize("name", ["plain-binary.http", "plain-structured.json", "cts-trigger.json"])
def test_to_the_function(commands: Commands, http_subscriber: HttpSubscriber, name: str) -> None:
    """A file is posted byte by byte, under the content type that it has, and what became of it is told."""
    http_subscriber.answer = lambda _: Answer(204, {"Tagging-Outcome": "tagged"})
    ran = commands("send", sample_files.FOLDER / name, "--to", http_subscriber.url)
    assert (ran.code, ran.err) == (0, "")
    assert ran.shows(f"{name}: tagged")
    (request,) = http_subscriber.received
    assert request.body == sent(name)
    types = {"http": "application/json", "json": "application/cloudevents+json"}
    expected = "application/json" if name.startswith("cts") else types[name.rpartition(".")[2]]
    assert request.headers["content-type"] == expected
    assert ("ce-id" in request.headers) == name.endswith(".http")


@pytest.mark.parametrize("name", ["plain-binary.http", "plain-structured.json", "cts-trigger.json"])
def test_to_a_bus(commands: Commands, own_bus: Bus, name: str) -> None:
    """A file is published byte by byte under its event's id, and a second time the bus keeps one."""
    own_bus.do(make_streams)
    for seen in ("published", "the bus has a message of this id already"):
        ran = commands("send", sample_files.FOLDER / name, "--to", own_bus.url, "--json")
        assert ran.code == 0
        (row,) = ran.json["sent"]
        assert seen in (row["outcome"], row["detail"].partition(",")[0])
    (message,) = messages(own_bus, "IMAGES")
    assert (message.subject, message.data, message.seq) == ("images.created", sent(name), row["sequence"])
    assert (message.headers or {})["Nats-Msg-Id"] == row["id"] != ""


def test_where_to_publish(commands: Commands, own_bus: Bus) -> None:
    """--subject says where, within the subjects of the stream."""
    own_bus.do(make_streams)
    path = sample_files.FOLDER / "plain-structured.json"
    assert commands("send", path, "--to", own_bus.url, "--subject", "images.eu.created").code == 0
    (message,) = messages(own_bus, "IMAGES")
    assert message.subject == "images.eu.created"
    with pytest.raises(SystemExit):
        commands("send", path, "--to", own_bus.url, "--subject", "orders.created")


OUTCOMES: dict[str, tuple[Answer, int, str]] = {
    "tagged": (Answer(204, {"Tagging-Outcome": "tagged"}), 0, "tagged"),
    "ignored": (Answer(204, {"Tagging-Outcome": "ignored"}), 0, "ignored"),
    "several events": (Answer(204), 0, "accepted"),
    "dead letter": (
        Answer(400, {"Tagging-Outcome": "dead-letter"}, b"InvalidTag: bad"),
        1,
        "InvalidTag: bad",
    ),
    "stored": (Answer(204, {"Tagging-Outcome": "dead-letter"}), 1, "dead-letter"),
    "refused": (Answer(413, {}, b"too large"), 1, "the function answered 413 too large"),
}


@pytest.mark.parametrize(("answer", "code", "said"), OUTCOMES.values(), ids=OUTCOMES)
def test_outcomes(
    commands: Commands, http_subscriber: HttpSubscriber, answer: Answer, code: int, said: str
) -> None:
    """What became of each file is told, and the exit code is 1 if an event needs more."""
    http_subscriber.answer = lambda _: answer
    ran = commands("send", sample_files.FOLDER / "plain-structured.json", "--to", http_subscriber.url)
    assert ran.code == code
    assert fits(ran.out)
    assert ran.shows(said)


def test_the_rest_is_not_sent(commands: Commands, tmp_path: Path, http_subscriber: HttpSubscriber) -> None:
    """After a refused token nothing more is sent, and how many files are left is told."""
    tokens = tmp_path / "token"
    tokens.write_text("canary-token")
    http_subscriber.answer = lambda _: Answer(401)
    path = sample_files.FOLDER / "plain-structured.json"
    ran = commands("send", path, path, path, "--to", http_subscriber.url, "--token-file", tokens)
    assert ran.code == 1
    assert ran.shows("2 files not sent")
    assert [each.headers["authorization"] for each in http_subscriber.received] == ["Bearer canary-token"]


NO_EVENTS: dict[str, tuple[str, bytes | None, str]] = {
    "missing": ("missing.json", None, "cannot be read"),
    "folder": (".", None, "cannot be read"),
    "not JSON": ("text.json", b"text", "is not JSON; an event in binary mode needs the ending .http"),
    "not text": ("bytes.json", b"\x80\x81\x00", "is not JSON"),
    "no headers": ("nothing.http", b"hello\n\n{}", "holds no event"),
}


@pytest.mark.parametrize(("name", "content", "said"), NO_EVENTS.values(), ids=NO_EVENTS)
def test_no_event(
    commands: Commands,
    tmp_path: Path,
    http_subscriber: HttpSubscriber,
    name: str,
    content: bytes | None,
    said: str,
) -> None:
    """A file that holds no event is one sentence and exit code 2, before any other is sent."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    good = sample_files.FOLDER / "plain-structured.json"
    ran = commands("send", good, tmp_path / name, "--to", http_subscriber.url)
    assert (ran.code, ran.out) == (2, "")
    assert ran.shows(said)
    assert http_subscriber.received == []


def test_headers_of_any_kind(commands: Commands, tmp_path: Path, serve: Serve, ims: Ims) -> None:
    """Headers of a file reach the function as they are, however they are encoded."""
    image, path = ims.image(), tmp_path / "event.http"
    attributes = {name: value for name, value in created(image).items() if name != "data"}
    head = "".join(f"ce-{name}: {value}\n" for name, value in attributes.items())
    body = json.dumps(created(image)["data"])
    path.write_text(f"{head}ce-subject: Größe 100%25 %C3%BC\nContent-Type: application/json\n\n{body}")
    function = serve()
    ran = commands("send", path, "--to", function.url)
    assert (ran.code, ran.shows("tagged")) == (0, True)


def test_every_sample(commands: Commands, serve: Serve, own_bus: Bus) -> None:
    """Every golden event can be sent, to the function and to a bus."""
    names = [path for path in sorted(sample_files.FOLDER.iterdir()) if path.suffix in {".http", ".json"}]
    names = [path for path in names if path.name != "expected.json"]
    own_bus.do(make_streams)
    assert commands("send", *names, "--to", own_bus.url, *FAST).code == 0
    ran = commands("send", *names, "--to", serve(NOT_READY_WINDOW="0").url, *FAST, "--json")
    assert [row["file"] for row in ran.json["sent"]] == [str(path) for path in names]
