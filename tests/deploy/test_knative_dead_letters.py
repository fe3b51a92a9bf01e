"""The second target of `main.py`, which keeps the dead letters that a bus delivers, under its real server."""

import base64
import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from handlers.core.received import Received
from handlers.edges.cloudevents import HttpMessage, events_in
from tests.processes.commands import Commands
from tests.processes.function import ForkedFunction, Function, Serve
from tests.processes.launch import eventually, framework

COMMAND = partial(framework, target="keep_dead_letters")
MEGABYTE = 1_048_576

EVENT = {"specversion": "1.0", "id": "1", "source": "/factory", "type": "com.example.image.created"}
UNPARSABLE = {
    "type": "image-created-tagger.unparsable",
    "datacontenttype": "application/json",
    "data_base64": "ew==",
    "deadletterreason": "InvalidEvent",
}
BINARY = {f"ce-{name}": value for name, value in EVENT.items()} | {"content-type": "application/json"}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
JSON = {"datacontenttype": "application/json"}


class Keeper:
    """The running function. path: of the file that it appends to."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.path = folder / "dead-letters.jsonl"
        sink = f"file://{self.path}"
        self.function = ForkedFunction(folder / "log", COMMAND, DEAD_LETTER_SINK=sink, **settings).ready()

    def post(self, body: Any, headers: dict[str, str], query: str = "") -> requests.Response:
        return requests.post(f"{self.function.url}/{query}", body, headers=headers, timeout=10)

    def lines(self) -> list[bytes]:
        return self.path.read_bytes().splitlines()

    def kept(self) -> list[Any]:
        return [json.loads(line) for line in self.lines()]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path_factory.mktemp("keeper"))
    yield keeper
    keeper.function.stop()


@pytest.fixture
def keeper(running: Keeper) -> Keeper:
    """One that has kept nothing yet."""
    running.path.unlink(missing_ok=True)
    running.function.lines()
    return running


def structured(data: str, **attributes: Any) -> bytes:
    """An event with this JSON text as its data."""
    return json.dumps(EVENT | attributes | {"data": "DATA"}).replace('"DATA"', data).encode()


# -- events -----------------------------------------------------------------------------------------

KEPT: dict[str, tuple[dict[str, str], bytes, dict[str, Any]]] = {
    "structured": (STRUCTURED, structured("[1]", x=7), EVENT | {"data": [1], "x": 7}),
    "binary": (BINARY, b'{"a": 1}', EVENT | JSON | {"data": {"a": 1}}),
    "binary, text": (
        BINARY | {"content-type": "text/plain"},
        b"a",
        EVENT | {"datacontenttype": "text/plain", "data": "a"},
    ),
    "binary, bytes": (
        BINARY | {"content-type": "image/png"},
        b"\xff",
        EVENT | {"datacontenttype": "image/png", "data_base64": "/w=="},
    ),
    "binary, extensions, no data": (
        BINARY | {"ce-subject": "a%20b%C3%BC", "ce-knativeerrorcode": "400"},
        b"",
        EVENT | JSON | {"subject": "a bü", "knativeerrorcode": "400"},
    ),
    "binary, raw UTF-8 in a header": (
        BINARY | {"ce-subject": "b\u00fc \u955c\u50cf".encode().decode("latin-1")},
        b"",
        EVENT | JSON | {"subject": "b\u00fc \u955c\u50cf"},
    ),
    "the function's own, which was no event": (
        STRUCTURED,
        json.dumps(EVENT | UNPARSABLE).encode(),
        EVENT | UNPARSABLE,
    ),
    "the function's own dead letter": (
        STRUCTURED,
        structured("1", deadletterreason="InvalidEvent", deadlettertime="2026-01-05T10:15:30Z"),
        EVENT | {"deadletterreason": "InvalidEvent", "deadlettertime": "2026-01-05T10:15:30Z", "data": 1},
    ),
}


@pytest.mark.parametrize(("headers", "body", "kept"), KEPT.values(), ids=KEPT)
def test_kept(keeper: Keeper, headers: dict[str, str], body: bytes, kept: dict[str, Any]) -> None:
    """An event in either mode is kept as one line in structured mode, nothing added, for the owner alone."""
    reply = keeper.post(body, headers)
    assert (reply.status_code, reply.content) == (204, b"")
    assert keeper.kept() == [kept]
    assert keeper.path.stat().st_mode & 0o777 == 0o600
    [line] = keeper.function.lines()
    assert (line["message"], line["events"]) == ("dead_letter.kept", 1)


WRITTEN = '{"a": [1.10, 1.0e+2, -0.0, 12345678901234567890123], "\\u00fc": "\u00fc\u2028"}'


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (STRUCTURED, structured(WRITTEN)),
        (BATCH, b"[" + structured(WRITTEN) + b"]"),
        (BINARY, WRITTEN.encode()),
    ],
    ids=["structured", "batch", "binary"],
)
def test_kept_as_it_was_written(keeper: Keeper, headers: dict[str, str], body: bytes) -> None:
    """JSON stays in the words of its sender."""
    assert keeper.post(body, headers).status_code == 204
    [line] = keeper.lines()
    assert WRITTEN.encode() in line


def test_chunked(keeper: Keeper) -> None:
    """A body without a length is read to its end."""
    assert keeper.post(iter([b'{"a"', b": 1}"]), BINARY).status_code == 204
    assert keeper.kept()[0]["data"] == {"a": 1}


def test_batch(keeper: Keeper) -> None:
    """Each event of a batch is a line, in their order."""
    ids = [str(number) for number in range(100)]
    batch = b"[" + b",\n".join(structured("{}", id=each) for each in ids) + b"]"
    assert keeper.post(batch, BATCH).status_code == 204
    assert [event["id"] for event in keeper.kept()] == ids


def test_many_at_once(keeper: Keeper) -> None:
    """Events that come together are a line each."""
    ids = [str(number) for number in range(100)]
    with ThreadPoolExecutor(8) as senders:
        replies = senders.map(lambda each: keeper.post(b"{}", BINARY | {"ce-id": each}).status_code, ids)
        assert set(replies) == {204}
    assert sorted(event["id"] for event in keeper.kept()) == sorted(ids)


# -- what is no event -------------------------------------------------------------------------------

UNFIT = {
    "NaN": b"[NaN]",
    "-Infinity": b'{"a": -Infinity}',
    "beyond all floats": b"[1e999]",
    "half of a surrogate pair": b'["\\ud800"]',
    "100 levels": b"[" * 100 + b"]" * 100,
    "100,000 levels": b"[" * 100_000,
    "5,000 digits": b"9" * 5000,
    "Latin-1": b'["\xfc"]',
    "UTF-16": '["ü"]'.encode("utf-16"),
    "broken": b'{"a":',
    "bytes": bytes(range(256)),
}


def the_one_unparsable(keeper: Keeper, body: bytes, content_type: str) -> dict[str, Any]:
    """The one letter, of a whole request that can be read back."""
    [line] = keeper.lines()
    [received] = events_in(HttpMessage(STRUCTURED, line))
    assert isinstance(received, Received)
    letter = json.loads(line)
    assert (letter["type"], letter["datacontenttype"]) == (UNPARSABLE["type"], content_type)
    assert base64.b64decode(letter.get("data_base64", "")) == body
    assert isinstance(letter, dict)
    return letter


@pytest.mark.parametrize("data", UNFIT.values(), ids=UNFIT)
def test_unparsable_structured(keeper: Keeper, data: bytes) -> None:
    """A structured event that is none is kept to its last byte, and can be read back."""
    body = structured("DATA").replace(b"DATA", data)
    assert keeper.post(body, STRUCTURED).status_code == 204
    assert "requestheaders" not in the_one_unparsable(keeper, body, STRUCTURED["content-type"])


@pytest.mark.parametrize("data", UNFIT.values(), ids=UNFIT)
def test_unparsable_binary(keeper: Keeper, data: bytes) -> None:
    """Of an event in binary mode whose data is not the JSON that it says, its attributes are kept too."""
    subject = "b\u00fc".encode().decode("latin-1")
    headers = BINARY | {"ce-subject": subject, "ce-knativeerrorcode": "400", "cookie": "c"}
    assert keeper.post(data, headers).status_code == 204
    letter = the_one_unparsable(keeper, data, "application/json")
    kept = {name: value for name, value in headers.items() if name.startswith("ce-")}
    assert json.loads(letter["requestheaders"]) == kept


NO_EVENTS: dict[str, tuple[dict[str, str], bytes]] = {
    "nothing": ({"content-type": "text/plain"}, b""),
    "text": ({"content-type": "text/plain"}, b"hello"),
    "no attributes": ({"content-type": "application/json"}, b"{}"),
    "a number": (STRUCTURED, b"5"),
    "a batch that is none": (BATCH, b"{}"),
    "a batch that breaks off": (BATCH, b"[" + structured("1") + b","),
    "too many": (BATCH, b"[" + b"1," * 1000 + b"1]"),
}


@pytest.mark.parametrize(("headers", "body"), NO_EVENTS.values(), ids=NO_EVENTS)
def test_no_event(keeper: Keeper, headers: dict[str, str], body: bytes) -> None:
    """What is no event, or holds too many, is kept whole all the same: it is somebody's dead letter."""
    assert keeper.post(body, headers).status_code == 204
    the_one_unparsable(keeper, body, headers["content-type"])


def test_the_function_before_it(keeper: Keeper, serve: Serve) -> None:
    """What the function could not parse and sends here as its sink keeps its reason and its bytes."""
    function = serve(DEAD_LETTER_SINK=keeper.function.url)
    assert function.post(b"{", content_type="application/json").status_code == 204
    letter = the_one_unparsable(keeper, b"{", "application/json")
    assert letter["deadletterreason"] == "InvalidEvent"


@pytest.mark.parametrize("data", ["[NaN]", '["\\ud800"]', "[" * 100 + "]" * 100], ids=["NaN", "half", "deep"])
def test_an_unparsable_element(keeper: Keeper, data: str) -> None:
    """Of a batch, only the element that is no event is kept as bytes, its own and no others."""
    bad, good = structured(data), structured("1")
    assert keeper.post(b"[" + b", ".join([good, bad, good]) + b"]", BATCH).status_code == 204
    first, second, third = keeper.kept()
    assert first == third == EVENT | {"data": 1}
    assert (second["type"], base64.b64decode(second["data_base64"])) == (UNPARSABLE["type"], bad)


def test_another_format(keeper: Keeper) -> None:
    """What comes in another format of CloudEvents than JSON is kept whole."""
    content_type = "application/cloudevents+xml"
    assert keeper.post(b"<x/>", {"content-type": content_type, "ce-id": "1"}).status_code == 204
    letter = the_one_unparsable(keeper, b"<x/>", content_type)
    assert json.loads(letter["requestheaders"]) == {"ce-id": "1"}


def test_many_attributes(keeper: Keeper) -> None:
    """An event of hundreds of attributes is kept."""
    attributes = {f"ce-a{number}": "x" for number in range(900)}
    assert keeper.post(b"{}", BINARY | attributes).status_code == 204
    [letter] = keeper.kept()
    assert {name.removeprefix("ce-") for name in attributes} < letter.keys()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_without_end(keeper: Keeper, tmp_path: Path, *, chunked: bool) -> None:
    """Of 200 MB in one request nothing is kept, and it takes next to no memory."""
    size, before = 200 * MEGABYTE, keeper.function.peak_memory()
    with (tmp_path / "large").open("w+b") as large:
        large.truncate(size)
        pieces = iter(lambda: large.read(65_536), b"")
        reply = keeper.post(pieces if chunked else large, BINARY)
    assert reply.status_code == 413
    assert "MAX_BODY_BYTES" in reply.text
    assert keeper.function.peak_memory() - before < 40 * MEGABYTE
    assert not keeper.path.exists()
    assert keeper.post(b"{}", BINARY).status_code == 204


# -- secrets ----------------------------------------------------------------------------------------

SECRET_ADDRESS = "http://user:canary-password@sink.example/path?access_token=canary-token#canary"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (STRUCTURED, structured("1", knativeerrordest=SECRET_ADDRESS)),
        (STRUCTURED, structured("1", KnativeErrorDest=SECRET_ADDRESS)),
        (BATCH, b"[" + structured("1", knativeerrordest=SECRET_ADDRESS) + b"]"),
        (BINARY | {"ce-knativeerrordest": SECRET_ADDRESS}, b"{}"),
        (BINARY | {"CE-KnativeErrorDest": SECRET_ADDRESS}, b"{"),
    ],
    ids=["structured", "in capitals", "batch", "binary", "binary, not JSON"],
)
def test_no_secret_is_written(keeper: Keeper, headers: dict[str, str], body: bytes) -> None:
    """Of the address that did not take the event, what may be secret is left out."""
    assert keeper.post(body, headers).status_code == 204
    [line] = keeper.lines()
    assert b"canary" not in line
    assert b"http://sink.example/path" in line
    assert "canary" not in keeper.function.output()


def test_the_token(tmp_path: Path) -> None:
    """With EVENTS_TOKEN set, nothing is kept of a request that carries no such token."""
    keeper = Keeper(tmp_path, EVENTS_TOKEN="canary-one canary-two")
    try:
        assert keeper.post(b"{}", BINARY).status_code == 401
        assert keeper.post(b"{}", BINARY | {"authorization": "Bearer canary-three"}).status_code == 401
        assert not keeper.path.exists()
        assert keeper.post(b"{}", BINARY | {"authorization": "Bearer canary-one"}).status_code == 204
        assert keeper.post(b"{}", BINARY, "?access_token=canary-two").status_code == 204
        assert len(keeper.lines()) == 2
        assert requests.get(f"{keeper.function.url}/healthz", timeout=5).status_code == 200
        assert b"canary" not in keeper.path.read_bytes()
    finally:
        keeper.function.stop()


# -- the disk ---------------------------------------------------------------------------------------


def test_torn_line(keeper: Keeper) -> None:
    """After a writer that was killed the next event begins a line of its own."""
    keeper.path.write_bytes(b'{"specversion": "1.')
    assert keeper.post(b"{}", BINARY).status_code == 204
    torn, whole = keeper.lines()
    assert torn == b'{"specversion": "1.'
    assert json.loads(whole)["id"] == "1"


def test_killed_in_the_middle(tmp_path: Path) -> None:
    """What was answered 204 is in the file, however often the process is killed; no torn line spoils one."""
    keeper, acknowledged, data = Keeper(tmp_path), list[str](), b'{"a": "%s"}' % (b"x" * 500_000)
    ended = threading.Event()

    def send(sender: int) -> None:
        number = 0
        while not ended.is_set():
            number += 1
            event_id = f"{sender}-{number}"
            with suppress(requests.ConnectionError):
                if keeper.post(data, BINARY | {"ce-id": event_id}).status_code == 204:
                    acknowledged.append(event_id)

    with ThreadPoolExecutor(4) as senders:
        sending = [senders.submit(send, sender) for sender in range(4)]
        try:
            for _ in range(5):
                goal = len(acknowledged) + 10
                eventually(lambda goal=goal: len(acknowledged) >= goal, "events to be kept")  # type: ignore[misc]
                os.kill(keeper.function.worker(), signal.SIGKILL)
        finally:
            ended.set()
        for each in sending:
            each.result(20)
    keeper.function.ready().stop()
    kept = set[str]()
    for line in keeper.lines():
        with suppress(ValueError):
            kept.add(json.loads(line)["id"])
    assert set(acknowledged) <= kept


def test_not_kept(tmp_path: Path) -> None:
    """Where the disk does not take it the reply asks for another delivery, and the log says why."""
    keeper = Keeper(tmp_path)
    keeper.path.mkdir()
    try:
        reply = keeper.post(b"{}", BINARY)
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
        assert reply.text == f"the dead letter could not be written: {os.strerror(21)}"
        [line] = keeper.function.lines()
        assert (line["message"], line["severity"]) == ("dead_letter.failed", "ERROR")
        assert line["detail"] == reply.text
    finally:
        keeper.function.stop()


# -- the door ---------------------------------------------------------------------------------------


def test_health(keeper: Keeper) -> None:
    """A health check and the handshake of a webhook leave nothing behind; other methods are refused."""
    assert requests.get(f"{keeper.function.url}/healthz", timeout=5).status_code == 200
    assert requests.options(keeper.function.url, timeout=5).headers["WebHook-Allowed-Origin"] == "*"
    assert requests.get(keeper.function.url, timeout=5).status_code == 405
    assert keeper.post(b"", BINARY, "init").status_code == 200
    assert not keeper.path.exists()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "DEAD_LETTER_SINK is not set; set it to "),
        ({"DEAD_LETTER_SINK": "file:///no/such/folder/letters"}, "DEAD_LETTER_SINK must be file:///"),
        ({"DEAD_LETTER_SINK": "file:///tmp/x", "EVENTS_TOKEN": " "}, "EVENTS_TOKEN is not set; set it to "),
    ],
    ids=["no sink", "no folder", "a blank token"],
)
def test_start(tmp_path: Path, settings: dict[str, str], told: str) -> None:
    """It needs a sink and none of the settings of the image service, and says what is wrong with one."""
    function = Function(tmp_path / "log", COMMAND, **settings)
    assert function.process.wait(20) == 2
    assert function.output().startswith(f"the function does not start: {told}")
    assert len(function.output().splitlines()) == 1


# -- reading it back --------------------------------------------------------------------------------


def test_read_back(keeper: Keeper, commands: Commands) -> None:
    """The operator's command reads the file, also what was no event."""
    code = base64.b64encode(b"TagQuotaExceeded: the image has 10 tags").decode()
    keeper.post(b"{}", BINARY | {"ce-knativeerrorcode": "400", "ce-knativeerrordata": code})
    keeper.post(structured("1", deadletterreason="TagRefused"), STRUCTURED)
    ran = commands("dead-letters", "list", keeper.path)
    assert ran.code == 0
    assert "TagQuotaExceeded" in ran.out
    assert "TagRefused" in ran.out
