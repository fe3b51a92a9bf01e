"""The service that keeps dead letters in Knative, under the server that its manifest starts."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.bus import eventually
from tests.commands import Commands
from tests.function import ROOT, free_port

FOLDER = ROOT / "deploy" / "knative"

BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/factory",
    "ce-type": "com.example.image.created",
    "content-type": "application/json",
}
EVENT = {"specversion": "1.0", "id": "1", "source": "/factory", "type": "com.example.image.created"}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}


class Keeper:
    """The running service. path: of the file that it appends to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        address = f"127.0.0.1:{free_port()}"
        documents = yaml.safe_load_all((FOLDER / "dead-letters.yaml").read_text(encoding="utf-8"))
        (deployment,) = [each for each in documents if each["kind"] == "Deployment"]
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        here = {
            ":8080": address,
            "/program": str(FOLDER),
            "gunicorn": str(Path(sys.executable).parent / "gunicorn"),
        }
        self.process = subprocess.Popen(
            [here.get(word, word) for word in (*container["command"], *container["args"])],
            env={container["env"][0]["name"]: str(path), "PYTHONDONTWRITEBYTECODE": "1"},
            stderr=subprocess.DEVNULL,
        )
        self.url = f"http://{address}/"

        def answers() -> bool:
            with suppress(requests.ConnectionError):
                return requests.get(self.url, timeout=5).ok
            return False

        eventually(answers, "health of the service")

    def post(self, body: Any, headers: dict[str, str]) -> requests.Response:
        return requests.post(self.url, body, headers=headers, timeout=10)

    def kept(self) -> list[Any]:
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]


Start = Callable[[Path], Keeper]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Keeper] = []

    def start(path: Path) -> Keeper:
        started.append(Keeper(path))
        return started[-1]

    yield start
    for keeper in started:
        keeper.process.send_signal(signal.SIGTERM)
        assert keeper.process.wait(10) == 0


@pytest.fixture
def keeper(start: Start, tmp_path: Path) -> Keeper:
    return start(tmp_path / "dead-letters.jsonl")


@pytest.mark.parametrize(
    ("headers", "body", "kept"),
    [
        (STRUCTURED, json.dumps(EVENT | {"data": [1], "x": 7}).encode(), EVENT | {"data": [1], "x": 7}),
        (BINARY, b'{"a": 1}', EVENT | {"datacontenttype": "application/json", "data": {"a": 1}}),
        (
            BINARY,
            b'{"a":',
            EVENT
            | {"datacontenttype": "application/json", "data_base64": base64.b64encode(b'{"a":').decode()},
        ),
        (
            BINARY | {"content-type": "text/plain"},
            b"a",
            EVENT | {"datacontenttype": "text/plain", "data_base64": "YQ=="},
        ),
        (
            BINARY | {"ce-subject": "a%20b%C3%BC", "ce-knativeerrorcode": "400"},
            b"",
            EVENT | {"datacontenttype": "application/json", "subject": "a bü", "knativeerrorcode": "400"},
        ),
    ],
    ids=["structured", "binary", "binary, not JSON", "binary, text", "binary, extensions, no data"],
)
def test_kept(keeper: Keeper, headers: dict[str, str], body: bytes, kept: dict[str, Any]) -> None:
    """An event in either mode is kept as one line in structured mode, nothing added, for the owner alone."""
    assert keeper.post(body, headers).status_code == 204
    assert keeper.kept() == [kept]
    assert keeper.path.stat().st_mode & 0o777 == 0o600


def test_chunked(keeper: Keeper) -> None:
    """A body without a length is read to its end."""
    assert keeper.post(iter([b'{"a"', b": 1}"]), BINARY).status_code == 204
    assert keeper.kept()[0]["data"] == {"a": 1}


@pytest.mark.parametrize(
    ("headers", "body"),
    [(STRUCTURED, b"{"), (STRUCTURED, b"[]"), (STRUCTURED, b"[" * 100_000), ({}, b"{}")],
    ids=["broken", "a list", "too deep", "no attributes"],
)
def test_no_event(keeper: Keeper, headers: dict[str, str], body: bytes) -> None:
    """What is no event is refused for good, and leaves nothing behind."""
    assert keeper.post(body, headers).status_code == 400
    assert not keeper.path.exists()


def test_many_at_once(keeper: Keeper) -> None:
    """Events that come together are a line each."""
    ids = [str(number) for number in range(100)]
    with ThreadPoolExecutor(8) as senders:
        replies = senders.map(lambda each: keeper.post(b"{}", BINARY | {"ce-id": each}).status_code, ids)
        assert set(replies) == {204}
    assert sorted(event["id"] for event in keeper.kept()) == sorted(ids)


def test_torn_line(keeper: Keeper) -> None:
    """After a writer that was killed the next event begins a line of its own."""
    keeper.path.write_bytes(b'{"specversion": "1.')
    assert keeper.post(b"{}", BINARY).status_code == 204
    torn, whole = keeper.path.read_bytes().splitlines()
    assert torn == b'{"specversion": "1.'
    assert json.loads(whole)["id"] == "1"


def test_not_kept(start: Start, tmp_path: Path) -> None:
    """Where the disk does not take it the reply asks for another delivery and says why."""
    reply = start(tmp_path / "missing" / "dead-letters.jsonl").post(b"{}", BINARY)
    assert (reply.status_code, reply.text) == (503, f"not kept: {os.strerror(2)}")


def test_read_back(keeper: Keeper, commands: Commands) -> None:
    """The operator's command reads the file."""
    code = base64.b64encode(b"TagQuotaExceeded: the image has 10 tags").decode()
    keeper.post(b"{}", BINARY | {"ce-knativeerrorcode": "400", "ce-knativeerrordata": code})
    ran = commands("dead-letters", "list", keeper.path)
    assert ran.code == 0
    assert "TagQuotaExceeded" in ran.out
