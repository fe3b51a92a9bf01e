"""Dead letters in the function's own sink."""

import fcntl
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from handlers.core.dead_letters.compose import ATTRIBUTES
from handlers.core.errors import DeadLetterFailed
from handlers.edges.sinks import file_sink, http_sink
from tests.processes.bus import Answer, HttpSubscriber
from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve, created
from tests.processes.launch import eventually
from tests.support.paths import ROOT

NO_ID = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/s",
    "type": "x.image.created",
    "data": {"a": ["ü", 1]},
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sink") / "dead-letters.jsonl"


@pytest.fixture
def keeping(serve: Serve, path: Path) -> Function:
    """A function with a file as its sink, which is empty."""
    path.unlink(missing_ok=True)
    return serve(DEAD_LETTER_SINK=f"file://{path}")


LINE = json.dumps(NO_ID).encode() + b"\n"


def original(letter: dict[str, Any]) -> dict[str, Any]:
    """The event of a dead letter."""
    return {name: value for name, value in letter.items() if name not in ATTRIBUTES}


def letters(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_kept(keeping: Function, path: Path) -> None:
    """A dead letter is the event as it was and why it ended; the reply is 204, the file its owner's."""
    reply = keeping.structured(NO_ID)
    assert (reply.status_code, reply.content, reply.headers["Tagging-Outcome"]) == (204, b"", "dead-letter")
    (letter,) = letters(path)
    assert original(letter) == NO_ID
    assert letter["deadletterreason"] == "InvalidEvent"
    assert "image id" in letter["deadlettermessage"]
    assert letter["deadlettertime"].endswith("Z")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_kept_as_it_was_written(keeping: Function, path: Path) -> None:
    """The event stays as its sender wrote it, but for line ends and attributes that only look like ours."""
    body = json.dumps(NO_ID | {"data": "DATA", "deadlettertime": "never", "knativeerrorcode": 7}, indent=1)
    written = '{"price": 1.10, "of": [1.0e+2, -0.0, 12345678901234567890123], "ü": "\\u00fc"}'
    keeping.post(body.replace('"DATA"', written).encode(), content_type="application/cloudevents+json")
    (letter,) = letters(path)
    assert original(letter) == NO_ID | {"data": json.loads(written)}
    assert written in path.read_text(encoding="utf-8")
    assert letter["deadlettertime"] != "never"
    assert "knativeerrorcode" not in letter


def test_reasons_of_the_api(keeping: Function, path: Path, ims: Ims) -> None:
    """The code of the tag API is kept, and a message of any length is cut."""
    ims.fault(status=400, code="IMG.0116", message="m" * 2000)
    assert keeping.structured(created(ims.image())).status_code == 204
    (letter,) = letters(path)
    assert (letter["deadletterreason"], letter["deadlettercode"]) == ("TagQuotaExceeded", "IMG.0116")
    assert len(letter["deadlettermessage"]) <= 256


def test_rule(serve: Serve, ims: Ims, path: Path, tmp_path: Path) -> None:
    """The rule that ended an event is named."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nname = "r"\ntags.a = { value = "{{ data.no }}", on_missing = "fail" }\n')
    path.unlink(missing_ok=True)
    serve(DEAD_LETTER_SINK=f"file://{path}", RULES=str(rules)).structured(created(ims.image()))
    assert letters(path)[0]["deadletterrule"] == "r"


UNPARSABLE = {
    "no JSON": (b"\x80 no JSON", "application/json"),
    "no event": (b'{"a": 1}', "application/json"),
    "no attributes": (b'{"specversion": "1.0"}', "application/cloudevents+json"),
    "nothing": (b"", "text/plain"),
}


@pytest.mark.parametrize(("body", "content_type"), UNPARSABLE.values(), ids=UNPARSABLE)
def test_unparsable(keeping: Function, path: Path, body: bytes, content_type: str) -> None:
    """What is no event is kept byte for byte, as data of an event of ours, each time the same one."""
    for _ in range(2):
        assert keeping.post(body, content_type=content_type).status_code == 204
    first, second = letters(path)
    assert original(first) == original(second)
    assert first["type"] == "image-created-tagger.unparsable"
    assert first["datacontenttype"] == content_type
    assert b64decode(first.get("data_base64", "")) == body
    assert "requestheaders" not in first


def test_unparsable_headers(keeping: Function, path: Path) -> None:
    """Of a request in binary mode that is no event, the event's headers are kept too, and no others."""
    headers = {"ce_id": "e-1", "ce_source": "/s", "ce_type": "x.image.created", "cookie": "c"}
    assert keeping.post(b"{}", content_type="application/json", **headers).status_code == 204
    (letter,) = letters(path)
    assert json.loads(letter["requestheaders"]) == {
        "ce-id": "e-1",
        "ce-source": "/s",
        "ce-type": "x.image.created",
    }


def test_large(serve: Serve, path: Path) -> None:
    """What is no event, or holds too many, is kept whole up to the largest delivery."""
    path.unlink(missing_ok=True)
    function = serve(DEAD_LETTER_SINK=f"file://{path}")
    bodies = [b"x" * 1_048_576, b"[" + b"1," * 1000 + b"1]"]
    for body in bodies:
        assert function.post(body, content_type="text/plain").status_code == 204
    assert [b64decode(letter["data_base64"]) for letter in letters(path)] == bodies
    assert [letter["deadletterreason"] for letter in letters(path)] == ["InvalidEvent", "DeliveryTooLarge"]


def test_no_loop(keeping: Function, path: Path) -> None:
    """A dead letter that comes again is refused and not stored, alone or among others, which are."""
    again = NO_ID | {"id": "e-2", "deadletterreason": "InvalidEvent"}
    assert keeping.structured(again).status_code == 400
    assert not path.exists()
    batch = [NO_ID, again]
    assert keeping.post(batch, content_type="application/cloudevents-batch+json").status_code == 400
    (letter,) = letters(path)
    assert original(letter) == NO_ID
    assert [line.get("stored") for line in keeping.lines()] == [None, True, None]


def test_several(keeping: Function, path: Path, ims: Ims) -> None:
    """Of several events each dead letter is kept, junk among them; with a retry among them none is."""
    batch = "application/cloudevents-batch+json"
    assert keeping.post([NO_ID, created(ims.image()), {"junk": 1}], content_type=batch).status_code == 204
    assert [letter["type"] for letter in letters(path)] == [
        "x.image.created",
        "image-created-tagger.unparsable",
    ]
    path.unlink()
    ims.fault(status=503)
    reply = keeping.post([NO_ID, created(ims.image())], content_type=batch)
    assert reply.status_code == 503
    assert not path.exists()


def test_nothing_else_is_kept(keeping: Function, path: Path, ims: Ims) -> None:
    """Tagged, ignored, too large to be read and other formats leave the sink alone."""
    keeping.structured(created(ims.image()))
    keeping.structured(NO_ID | {"type": "other"})
    keeping.post(b"x" * 2_000_000)
    keeping.post(b"x", content_type="application/cloudevents+avro")
    assert not path.exists()


def test_sink_fails(serve: Serve, tmp_path: Path) -> None:
    """Nothing is acknowledged that is not kept: the reply is a retry, and the log says why."""
    folder = tmp_path / "folder"
    folder.mkdir()
    function = serve(DEAD_LETTER_SINK=f"file://{folder}/letters")
    (folder / "letters").mkdir()
    reply = function.structured(NO_ID)
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
    assert reply.headers["Tagging-Outcome"] == "retry"
    assert [line["detail"] for line in function.lines() if line["message"] == "dead_letter.failed"]


HTTP = {"kept": (202, 204), "refused": (400, 503), "redirect": (302, 503), "failing": (500, 503)}


@pytest.mark.parametrize(("status", "answered"), HTTP.values(), ids=HTTP)
def test_http_sink(serve: Serve, http_subscriber: HttpSubscriber, status: int, answered: int) -> None:
    """An address keeps what it answers with 2xx; anything else is a retry. Its query is told nobody."""
    http_subscriber.answer = lambda _: Answer(status, {"Location": "/elsewhere"})
    function = serve(DEAD_LETTER_SINK=f"{http_subscriber.url}/sink?key=sink-secret")
    reply = function.structured(NO_ID)
    assert reply.status_code == answered
    (request,) = http_subscriber.received
    assert original(json.loads(request.body)) == NO_ID
    assert request.headers["content-type"].startswith("application/cloudevents+json")
    assert "sink-secret" not in reply.text + function.output()


def test_slow_sink() -> None:
    """A sink that drips the head of its reply does not outlast the time that there is for it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                for _ in range(100):
                    connection.sendall(b"H")
                    time.sleep(0.1)

        dripping = threading.Thread(target=drip)
        dripping.start()
        began = time.monotonic()
        with pytest.raises(DeadLetterFailed):
            http_sink(f"http://127.0.0.1:{server.getsockname()[1]}")([LINE], began + 1)
        assert time.monotonic() - began < 5
        dripping.join(20)


@pytest.mark.parametrize(
    "reply", [b"200 OK\r\n\r\nhello", b"202 Accepted\r\nContent-Length: 20\r\n\r\nabc"], ids=["open", "short"]
)
def test_status_decides(reply: bytes) -> None:
    """A sink has kept what it answers with 2xx, whatever becomes of the reply's body."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 " + reply)
                kept.wait(10)

        kept = threading.Event()
        answering = threading.Thread(target=answer)
        answering.start()
        http_sink(f"http://127.0.0.1:{server.getsockname()[1]}")([LINE], time.monotonic() + 5)
        kept.set()
        answering.join(20)


def test_unusable_address() -> None:
    """An address that no request can be made for keeps nothing, and that is said."""
    with pytest.raises(DeadLetterFailed):
        http_sink("http://u:p%E2%82%AC@127.0.0.1:1/")([LINE], time.monotonic() + 5)


WRITER = """
import sys, time
from pathlib import Path
from handlers.edges.sinks import file_sink
keep = file_sink(Path(sys.argv[1]))
for number in range(0, 200, 2):
    ids = (f"{sys.argv[2]}-{each}" for each in (number, number + 1))
    keep([b'{"id": "%s", "data": "%s"}\\n' % (id.encode(), b"x" * 9000) for id in ids], time.monotonic() + 45)
"""


def test_several_processes(tmp_path: Path) -> None:
    """Several processes append to one file without a torn or a lost line."""
    path = tmp_path / "letters"
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, str(number)], cwd=ROOT) for number in range(3)]
    assert [writer.wait(50) for writer in writers] == [0, 0, 0]
    assert {letter["id"] for letter in letters(path)} == {f"{w}-{n}" for w in range(3) for n in range(200)}


def test_torn_line(tmp_path: Path) -> None:
    """A line that a dying process left half written does not spoil the next one."""
    path = tmp_path / "letters"
    path.write_bytes(b'{"id": "to')
    file_sink(path)([b'{"id": "next"}\n'], time.monotonic() + 5)
    assert path.read_bytes() == b'{"id": "to\n{"id": "next"}\n'


@pytest.mark.parametrize("gone", [True, False], ids=["removed", "replaced"])
def test_moved_away(serve: Serve, path: Path, gone: bool) -> None:
    """If a program that holds the lock moves the file away, the letters that wait go to the next file."""
    function = serve(DEAD_LETTER_SINK=f"file://{path}")
    path.write_bytes(LINE)
    with path.open("rb") as moved:
        fcntl.flock(moved, fcntl.LOCK_EX)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(function.structured, NO_ID)
            eventually(lambda: _has_open(function.worker(), path), "the wait for the lock")
            path.rename(path.with_name("moved"))
            if not gone:
                path.write_bytes(LINE)
            fcntl.flock(moved, fcntl.LOCK_UN)
            assert waiting.result().status_code == 204
    assert [letter["id"] for letter in letters(path)] == ["e-1"] * (1 if gone else 2)
    assert path.with_name("moved").read_bytes() == LINE


def _has_open(pid: int, path: Path) -> bool:
    """Whether a process has the file open."""
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if each.readlink() == path:
                return True
    return False


def test_no_room(path: Path) -> None:
    """Letters of which only a part fits leave the file as it was, so that smaller ones still fit."""
    path.write_bytes(LINE)
    command = [sys.executable, "-c", CRAMPED, str(path), str(len(LINE) + 100)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "kept\n"
    assert path.read_bytes() == LINE + b"{}\n"


CRAMPED = """
import resource, sys, time
from pathlib import Path
from handlers.core.errors import DeadLetterFailed
from handlers.edges.sinks import file_sink
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
keep = file_sink(Path(sys.argv[1]))
try:
    keep([b"{}\\n", b"x" * 200], time.monotonic() + 5)
except DeadLetterFailed:
    keep([b"{}\\n"], time.monotonic() + 5)
    print("kept")
"""


def test_a_pipe_for_a_sink(keeping: Function, path: Path) -> None:
    """If a pipe takes the place of the file, no delivery waits for somebody to read from it."""
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    reply = keeping.structured(NO_ID | {"data": "x" * 200_000})
    assert (reply.status_code, os.read(reading, 1)) == (503, b"")
    os.close(reading)
    path.unlink()
    assert keeping.lines()[0]["detail"] == "the dead letter could not be written: it is no regular file"
