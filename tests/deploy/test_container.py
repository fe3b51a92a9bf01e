"""The two images as their Dockerfiles make them: another user, an empty environment, nothing to write to."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from deploy.local.samples import UUID
from handlers.commands.files import message_to_send
from tests.processes.bus import Bus, HttpSubscriber
from tests.processes.container import Image, ignored, unavailable
from tests.processes.emulator import Ims
from tests.processes.function import created
from tests.processes.launch import eventually, free_port
from tests.support.paths import ROOT
from tests.support.sample_files import EXPECTED, FOLDER

Process = subprocess.Popen[str]
Start = Callable[..., Process]
Function = Callable[..., tuple[Process, str]]


@pytest.fixture(scope="session")
def images() -> Iterator[Callable[[str], Image]]:
    """`images("deploy/Dockerfile")`: the image, built once a session."""
    if why := unavailable():
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="images-of-the-tests-"))
    built: dict[str, Image] = {}

    def image(dockerfile: str) -> Image:
        if dockerfile not in built:
            built[dockerfile] = Image(ROOT / dockerfile, folder / str(len(built)))
        return built[dockerfile]

    yield image
    shutil.rmtree(folder)


def end(process: Process) -> None:
    """Whatever it has started included."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def start(images: Callable[[str], Image]) -> Iterator[Start]:
    """Starts a container of a Dockerfile; it is ended with the test."""
    with ExitStack() as ends:

        def start(dockerfile: str, *command: str, **settings: str) -> Process:
            process = ends.enter_context(images(dockerfile).start(*command, **settings))
            ends.callback(end, process)
            return process

        yield start


@pytest.fixture
def function(start: Start, ims: Ims) -> Function:
    """Starts the function in its container, and returns its process and address once it answers."""

    def function(**settings: str) -> tuple[Process, str]:
        address = f"http://127.0.0.1:{settings.get('PORT', '8000')}"
        process = start("deploy/Dockerfile", IMS_ENDPOINT=ims.url, OS_TOKEN=ims.token, **settings)

        def answers() -> bool:
            assert process.poll() is None, process.communicate()[0]
            with suppress(requests.ConnectionError):
                return requests.get(f"{address}/healthz", timeout=5).ok
            return False

        eventually(answers, "health of the function")
        return process, address

    return function


def is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False


@pytest.mark.parametrize(
    ("path", "done"), [("/", 204), ("/invoke", 200)], ids=["any platform", "FunctionGraph, on port 8000"]
)
def test_samples(function: Function, ims: Ims, path: str, done: int) -> None:
    """Each sample event ends in the container as it does anywhere, with its tags written."""
    settings = {} if path == "/invoke" else {"PORT": str(free_port())}
    if not settings and not is_free(8000):
        pytest.skip("port 8000, which FunctionGraph calls, is taken here by something else")
    _, address = function(**settings)
    assert requests.post(f"{address}/init", timeout=10).status_code == 200
    for name, expected in EXPECTED.items():
        message = message_to_send(str(FOLDER / name))
        for image_id in set(UUID.findall((FOLDER / name).read_text(encoding="utf-8"))):
            ims.image(id=image_id)
        reply = requests.post(address + path, message.body, headers=dict(message.headers), timeout=10)
        assert reply.headers["Tagging-Outcome"] == expected["outcome"], name
        assert reply.status_code == (400 if expected["outcome"] == "dead-letter" else done), name
        if "tags" in expected:
            assert ims.tags(expected["image_id"]) == expected["tags"], name


def test_nothing_to_write_to(start: Start) -> None:
    """The user is FunctionGraph's, 1003, and it can write to no folder but that of temporary files."""
    tries = "id -u; id -g; for each in / /app /tmp /venv $TMPDIR; do [ -w $each ] && echo $each; done; true"
    process = start("deploy/Dockerfile", "sh", "-c", f"{tries}; echo $TMPDIR")
    user, group, *writable, temporary = process.communicate(timeout=10)[0].split()
    assert (user, group) == ("1003", "1003")
    assert writable == [temporary]


def test_drain(function: Function, ims: Ims) -> None:
    """SIGTERM under load: what has begun is answered; the rest, delivered again elsewhere, is not lost."""
    ids = [str(uuid4()) for _ in range(40)]
    for image_id in ids:
        ims.image(id=image_id)
    ims.fault(delay=0.4)
    process, address = function(PORT=str(free_port()))

    def deliver(image_id: str, to: str) -> int | None:
        """The status of the reply; None where there was none, and the bus would deliver again."""
        headers = {"Content-Type": "application/cloudevents+json"}
        body = json.dumps(created(image_id))
        with suppress(requests.ConnectionError):
            return requests.post(to, body, headers=headers, timeout=30).status_code
        return None

    with ThreadPoolExecutor(8) as bus:
        deliveries = [bus.submit(deliver, image_id, address) for image_id in ids]
        eventually(lambda: len(ims.calls("PUT")) >= 12, "calls of the load")
        begun = {json.loads(call["body"])["image_id"] for call in ims.calls("PUT")}
        stopped = time.monotonic()
        process.terminate()
        replies = {image_id: delivery.result() for image_id, delivery in zip(ids, deliveries, strict=True)}
    assert process.wait(20) == 0
    assert time.monotonic() - stopped < 10
    assert set(replies.values()) == {204, None}
    assert {replies[image_id] for image_id in begun} == {204}

    ims.lift_faults()
    _, address = function(PORT=str(free_port()))
    again = [image_id for image_id in ids if replies[image_id] is None]
    assert {deliver(image_id, address) for image_id in again} == {204}
    assert [image_id for image_id in ids if not ims.tags(image_id)] == []


def test_subscription(start: Start, own_bus: Bus, http_subscriber: HttpSubscriber) -> None:
    """The subscription's image delivers an event from the bus, and ends with 0 on SIGTERM."""
    settings = {"NATS_URL": own_bus.url, "SUBSCRIBER_URL": http_subscriber.url}
    process = start("deploy/nats/Dockerfile", **settings)
    assert process.stdout
    assert json.loads(process.stdout.readline())["message"] == "subscription.ready"
    own_bus.publish("images.created")
    http_subscriber.wait()
    process.terminate()
    assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("path", "kept_out"),
    [
        ("main.py", False),
        ("handlers/core/ims/tags.py", False),
        ("deploy/nats/bus/connection.py", False),
        ("deploy/nats/requirements.txt", False),
        ("handlers/core/ims/__pycache__/tags.cpython-311.pyc", True),
        ("deploy/nats/README.md", True),
        ("deploy/local/stack.py", True),
        (".git/config", True),
        (".venv/bin/python", True),
        ("tests/run", True),
    ],
)
def test_build_context(path: str, *, kept_out: bool) -> None:
    """Builds get what the images copy; no history, no secrets that lie about, nothing of the tests."""
    assert ignored(path) is kept_out
