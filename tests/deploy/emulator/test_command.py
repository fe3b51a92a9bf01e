"""The IMS emulator as a command: how it starts and ends, and the bus that it publishes to."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg

from deploy.local.ims import control
from deploy.local.ims.control import images, scene
from deploy.local.ims.fields import fields_of
from deploy.local.ims.gateway.faults import MATCH, Fault
from deploy.local.ims.state import Settings, Token, identity
from deploy.local.ims.state.identity import Agency, Key, User
from deploy.local.ims.state.traces import TraceSettings
from tests.processes.bus import Bus
from tests.processes.emulator import Ims
from tests.processes.launch import eventually
from tests.support.paths import ROOT

COMMAND = (sys.executable, "-m", "deploy.local.ims")


@pytest.fixture
def start() -> Iterator[Callable[..., Ims]]:
    """Emulators of one test's own, ended with it."""
    started: list[Ims] = []

    def emulator(*arguments: str) -> Ims:
        started.append(Ims(*arguments))
        return started[-1]

    yield emulator
    for process in started:
        process.stop()


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (*COMMAND, *arguments), cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )


def created(ims: Ims, *names: str) -> list[str]:
    """Create images with these names and give the ids of their events."""
    for name in names:
        assert ims.api("POST", "/v2/images", json={"name": name}).status_code == 201
    return [event["id"] for event in ims.events()][-len(names) :]


def kept(bus: Bus) -> list[RawStreamMsg]:
    """What the stream IMAGES holds, in order."""

    async def read(js: JetStreamContext) -> list[RawStreamMsg]:
        state = (await js.stream_info("IMAGES")).state
        return [await js.get_msg("IMAGES", state.first_seq + n) for n in range(state.messages)]

    return bus.do(read)


def published(bus: Bus, count: int) -> list[RawStreamMsg]:
    """Wait until the stream holds so many events."""
    return eventually(lambda: found if len(found := kept(bus)) >= count else [], f"{count} events")


def make_stream(bus: Bus) -> None:
    async def add(js: JetStreamContext) -> Any:
        return await js.add_stream(name="IMAGES", subjects=["images.>"])

    bus.do(add)


# --- start and end


@pytest.mark.parametrize(
    "stop", [pytest.param(signal.SIGTERM, id="SIGTERM"), pytest.param(signal.SIGINT, id="SIGINT")]
)
def test_it_says_one_line_and_ends_with_0(stop: signal.Signals) -> None:
    """Standard output is the address alone; a signal ends it at once, an answer under way or not."""
    with subprocess.Popen(
        COMMAND, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name, _, url = process.stdout.readline().strip().partition(": ")
        requests.post(f"{url}/_emulator/faults", json={"delay": 60}, timeout=5)
        with suppress(requests.Timeout):
            requests.get(f"{url}/v2/cloudimages", timeout=0.05)
        process.send_signal(stop)
        rest, errors = process.communicate(timeout=5)

    assert name == "IMS emulator"
    assert url.startswith("http://127.0.0.1:")
    assert (process.returncode, rest, errors) == (0, "", "")


def test_a_port_in_use_is_one_clear_sentence() -> None:
    """Exit status 1, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("--port", str(port))

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"Cannot listen on 127.0.0.1:{port}")
    assert ended.stderr.count("\n") == 1


def test_a_bus_that_is_not_there_is_one_clear_sentence() -> None:
    """Exit status 1, no traceback, after a few seconds of waiting for it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"nats://127.0.0.1:{port}"
    ended = run("--nats", url)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"No NATS server answers at {url}: start one, or correct --nats.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--port", "65536"), id="no port"),
        pytest.param(("--port", "x"), id="no number"),
        pytest.param(("--color",), id="unknown"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    """As every command does, with the argument named."""
    ended = run(*arguments)

    assert ended.returncode == 2
    assert arguments[0] in ended.stderr


def test_it_takes_several_tokens(start: Callable[..., Ims]) -> None:
    """Each given token is valid, and nothing else is."""
    ims = start("--token", "one", "two")

    statuses = [
        ims.api("GET", "/v2/cloudimages", token=token).status_code for token in ("one", "two", "local-token")
    ]
    assert statuses == [200, 200, 401]


# --- the bus


def test_events_are_published_in_order(own_bus: Bus, start: Callable[..., Ims]) -> None:
    """As structured CloudEvents with the event's id as the message id."""
    make_stream(own_bus)
    ims = start("--nats", own_bus.url, "--subject", "images.created")
    ids = created(ims, "a", "b", "c")

    messages = published(own_bus, 3)

    assert [json.loads(message.data or b"") for message in messages] == ims.events()
    assert [message.subject for message in messages] == ["images.created"] * 3
    assert [message.headers for message in messages] == [
        {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": id_} for id_ in ids
    ]


def test_the_traces_of_jobs_are_published_as_they_come(own_bus: Bus, start: Callable[..., Ims]) -> None:
    """Both of a job in the order that the settings say, and those of tagging behind them."""
    make_stream(own_bus)
    ims = start("--nats", own_bus.url)

    job = ims.job(ims.create("a"))
    ims.settings(traces="reversed", trace_tagging="addTag")
    ims.create("b")
    tag = {"image_id": job["entities"]["image_id"], "tag": "k.v"}
    assert ims.api("PUT", "/v1/cloudimages/tags", json=tag).status_code == 204

    events = [json.loads(message.data or b"") for message in published(own_bus, 5)]
    assert events == ims.events()
    assert [(event["data"]["resource_name"], event["data"]["trace_type"]) for event in events] == [
        ("a", "ApiCall"),
        ("a", "SystemAction"),
        ("b", "SystemAction"),
        ("b", "ApiCall"),
        ("a", "ApiCall"),
    ]
    assert events[-1]["data"]["trace_name"] == "addTag"


def test_events_wait_for_a_stream(
    own_bus: Bus, start: Callable[..., Ims], capfd: pytest.CaptureFixture[str]
) -> None:
    """Events are tried again until JetStream confirms them; one line tells of the failure, one of its end."""
    ims = start("--nats", own_bus.url)
    log = ""

    def logged(text: str) -> bool:
        nonlocal log
        log += capfd.readouterr().err
        return text in log

    ids = created(ims, "a", "b")
    eventually(lambda: logged("Publishing events fails"), "line about the failure")
    make_stream(own_bus)
    eventually(lambda: logged("works again"), "line about the recovery")

    messages = published(own_bus, 2)
    assert [(message.headers or {})["Nats-Msg-Id"] for message in messages] == ids
    assert log.count("\n") == 2


def test_creating_images_does_not_need_the_bus(
    own_bus: Bus, start: Callable[..., Ims], capfd: pytest.CaptureFixture[str]
) -> None:
    """While the bus is down images are created all the same, and their events arrive when it is back.

    However often it was tried in the meantime, one line tells of the failure.
    """
    make_stream(own_bus)
    ims = start("--nats", own_bus.url)
    before = created(ims, "a")
    published(own_bus, 1)

    own_bus.kill()
    meanwhile = created(ims, "b", "c")
    own_bus.start()

    messages = published(own_bus, 3)
    assert [(message.headers or {})["Nats-Msg-Id"] for message in messages] == before + meanwhile
    assert capfd.readouterr().err.count("Publishing events fails") == 1


def test_it_ends_without_the_bus_and_says_what_is_lost(
    own_bus: Bus, start: Callable[..., Ims], capfd: pytest.CaptureFixture[str]
) -> None:
    """Events that no bus took are not lost in silence."""
    ims = start("--nats", own_bus.url)
    own_bus.kill()
    created(ims, "a", "b")

    ims.process.terminate()

    assert ims.process.wait(timeout=5) == 0
    assert "Events dropped before they were published: 2." in capfd.readouterr().err


def test_help() -> None:
    """The help tells of the control plane and of every field of a fault, and the page has a row for each."""
    shown = " ".join(run("--help").stdout.split())
    page = (ROOT / "deploy" / "local" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", page.partition("### The fields of a fault")[2], re.MULTILINE)
    assert rows == list(fields_of(Fault))
    for name in (*fields_of(Fault), *MATCH):
        assert re.search(rf"\b{name}\b", shown.partition("Fields of a fault: ")[2])
    named = [
        *MATCH,
        *images.IMAGE,
        *scene.RATE,
    ]
    for kind in (Fault, Settings, TraceSettings, identity.Settings, Token, User, Agency, Key):
        named += fields_of(kind)
    assert [name for name in named if f"`{name}`" not in page] == []
    for route in control.routes:
        path = re.sub(r"\{\w+\}", "", route.path)
        assert path in page, f"{route.method} {route.path}"
