"""The server in front of the function: how it starts, fails and stops."""

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tests.edges.conftest import RefusedStart
from tests.edges.server.conftest import answers, connections
from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve, created
from tests.processes.launch import FRAMEWORK, free_port
from tests.support.paths import ROOT


def ended(
    environ: dict[str, str], *options: str, target: str = "tag_created_image", port: int | None = None
) -> tuple[int, str]:
    """How a start ends that must not serve: exit code and output."""
    found = subprocess.run(
        f"{FRAMEWORK} --source main.py --target {target} --host 127.0.0.1 --port "
        f"{port or free_port()} {' '.join(options)}".split(),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "IMS_ENDPOINT": "https://ims.example", "OS_TOKEN": "x", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=40,
        check=False,
    )
    return found.returncode, found.stdout


@pytest.mark.parametrize(
    ("options", "environ", "name"),
    [
        pytest.param([], {"DEBUG": "true"}, "DEBUG", id="DEBUG=true"),
        pytest.param([], {"DEBUG": "1"}, "DEBUG", id="DEBUG=1"),
        pytest.param(["--debug"], {}, "DEBUG", id="--debug"),
        pytest.param([], {"FUNCTION_USE_ASGI": "yes"}, "FUNCTION_USE_ASGI", id="FUNCTION_USE_ASGI"),
        pytest.param(["--asgi"], {}, "FUNCTION_USE_ASGI", id="--asgi"),
    ],
)
def test_other_servers(options: list[str], environ: dict[str, str], name: str) -> None:
    """The function does not start under a server that has no bounds, and says what to unset."""
    code, output = ended(environ, *options)
    assert code == 2
    assert output.startswith(f"the function does not start: {name} ")
    assert "unset it" in output
    assert len(output.splitlines()) == 1


@pytest.mark.parametrize("name", ["THREADS", "WORKERS"])
@pytest.mark.parametrize("value", ["x", "0", "", "-1", "1.5", "99999999", "9" * 5000])
def test_numbers_of_the_server(refused_start: RefusedStart, name: str, value: str) -> None:
    """A number of threads or workers that the server cannot have stops the start with a sentence."""
    code, output = refused_start({"IMS_ENDPOINT": "https://ims.example", "OS_TOKEN": "x", name: value})
    assert code == 2
    assert output.startswith(f"the function does not start: {name} must be a whole number from 1 to ")
    assert len(output.splitlines()) == 1


@pytest.mark.parametrize("value", ["65536", "99999", "-1"])
def test_port_that_is_none(value: str) -> None:
    """A port that no machine has stops the start with a sentence."""
    code, output = ended({"PORT": value})
    assert (code, output) == (2, "the function does not start: PORT must be a whole number from 0 to 65535\n")


def test_no_threads() -> None:
    """The framework's process ends with the sentence too, before the server has read the number."""
    code, output = ended({"THREADS": "x"})
    assert code == 2
    assert output == "the function does not start: THREADS must be a whole number from 1 to 1000\n"


def test_unknown_target() -> None:
    """A target that is not there stops the start with a sentence that names the targets."""
    code, output = ended({}, target="tag_create_image")
    assert code == 2
    assert output.startswith("the function does not start: there is no target tag_create_image; take ")
    assert len(output.splitlines()) == 1


def test_false_debug(serve: Serve) -> None:
    """DEBUG set to something false is no debugger."""
    assert requests.get(f"{serve(DEBUG='false').url}/healthz", timeout=10).status_code == 200


def test_port_in_use(function: Function) -> None:
    """What the server says of a port that is taken is JSON."""
    code, output = ended({}, port=function.port)
    lines = [json.loads(line) for line in output.splitlines()]
    assert code == 1
    assert {(line["severity"], line["message"]) for line in lines} == {("ERROR", "server.error")}
    assert "Connection in use" in lines[0]["detail"]


@pytest.fixture
def own(ims: Ims, tmp_path: Path) -> Iterator[Function]:
    """A function that the test may harm, with a home folder of its own."""
    settings = {"EVENT_TIMEOUT": "900", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    function = Function(tmp_path / "log", IMS_ENDPOINT=ims.url, OS_TOKEN=ims.token, **settings)
    try:
        yield function.ready()
    finally:
        function.process.kill()
        function.process.wait()


def test_worker_that_is_killed(own: Function) -> None:
    """Another takes its place, and the line about it is JSON."""
    os.kill(own.worker(), signal.SIGKILL)
    own.process.poll()
    own.ready()
    assert [(line["severity"], "SIGKILL" in line["detail"]) for line in own.lines()] == [("ERROR", True)]


def test_worker_that_fails(own: Function) -> None:
    """An error of the server itself, here that no file is left for a connection, ends the worker in JSON."""
    pid = own.worker()
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (files + 1, files + 1))
    with connections(own, 5), suppress(AssertionError):
        own.ready(within=2)
    own.ready()
    lines = own.lines()
    assert lines
    assert {(line["severity"], line["message"]) for line in lines} == {("ERROR", "server.error")}


def test_stop(own: Function, ims: Ims, tmp_path: Path) -> None:
    """SIGTERM lets end what has begun, waits for no silent client, and nothing but JSON was ever written."""
    image_id = ims.image()
    ims.fault(delay=0.5)
    with connections(own, 50) as silent, ThreadPoolExecutor(1) as sender:
        reply = sender.submit(own.structured, created(image_id))
        while not ims.calls("PUT"):
            time.sleep(0.02)
        assert [path.name for path in tmp_path.iterdir()] == ["log"]  # no control socket of gunicorn's
        own.process.send_signal(signal.SIGTERM)
        assert own.process.wait(20) == 0
        assert reply.result().status_code == 204
        assert [answers(connection) for connection in silent] == [b""] * 50
    assert ims.tags(image_id)
    assert [line["message"] for line in own.lines()] == ["image.tagged"]


def test_workers_of_one_thread(serve: Serve, ims: Ims) -> None:
    """WORKERS and THREADS are the framework's as ever, and the bounds hold for few threads, too."""
    function = serve(WORKERS="2", THREADS="1", EVENT_TIMEOUT="900")
    image_id = ims.image()
    with connections(function, 10, b"P"):
        assert function.structured(created(image_id)).status_code == 204
    assert ims.tags(image_id)
    workers = Path(f"/proc/{function.process.pid}/task/{function.process.pid}/children")
    while len(workers.read_text(encoding="ascii").split()) < 2:
        time.sleep(0.02)  # gunicorn starts them a little apart
