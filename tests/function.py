"""The function as users run it: its own process, under its real server, spoken to over HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
import requests

from tests.emulator import SECRETS, Ims

ROOT = Path(__file__).parent.parent
FRAMEWORK = str(Path(sys.executable).parent / "functions-framework")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


class Function:
    """One running function. target: of main.py. settings: its whole environment besides PATH."""

    def __init__(self, output: Path, target: str = "tag_created_image", **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._output = output
        self._read = 0
        with output.open("wb") as log:
            self.process = subprocess.Popen(
                f"{FRAMEWORK} --source main.py --target {target} --host 127.0.0.1 --port {self.port}".split(),
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "THREADS": "8", **settings},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ready(self, within: float = 20) -> Self:
        until = time.monotonic() + within
        while time.monotonic() < until and self.process.poll() is None:
            with suppress(requests.ConnectionError):
                requests.get(f"{self.url}/healthz", timeout=5).raise_for_status()
                return self
            time.sleep(0.02)
        raise AssertionError(f"the function did not start:\n{self.output()}")

    def post(self, body: Any = b"", path: str = "/", **headers: str) -> requests.Response:
        """Delivers a body, bytes or JSON. headers: `ce_id` stands for `ce-id`."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = requests.post(f"{self.url}{path}", data=content, headers=named, timeout=30)
        assert not [secret for secret in SECRETS if secret in f"{reply.headers} {reply.text}"]
        return reply

    def structured(self, event: dict[str, Any], path: str = "/") -> requests.Response:
        return self.post(event, path, content_type="application/cloudevents+json")

    def raw(self, request: bytes) -> bytes:
        """The whole answer to bytes that are sent as they are, and after which no more come."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            # A server may answer before it has read everything, and close.
            with suppress(OSError):
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError):
                while piece := connection.recv(65_536):
                    answer += piece
        return answer

    def worker(self) -> int:
        """The process that answers, as Linux tells."""
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])

    def peak_memory(self) -> int:
        """Bytes that it has had in memory at the most."""
        status = Path(f"/proc/{self.worker()}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def lines(self) -> list[dict[str, Any]]:
        """What the function logged since the last call."""
        with self._output.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        self._read += len(new)
        return [json.loads(line) for line in new.splitlines()]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        assert not [secret for secret in SECRETS if secret in self.output()]


Serve = Callable[..., Function]

LONG_AGO = "2026-01-05T10:15:30Z"


def created(image_id: str, **changed: Any) -> dict[str, Any]:
    """A plain CloudEvent: Ada created this image, long ago. changed: attributes; None takes one out."""
    event = {
        "specversion": "1.0",
        "id": f"event-of-{image_id}",
        "source": "/factory",
        "type": "com.example.image.created",
        "time": LONG_AGO,
        "data": {"image_id": image_id, "user": {"name": "ada"}},
    } | changed
    return {name: value for name, value in event.items() if value is not None}


def just_now() -> str:
    return datetime.now(UTC).isoformat()


@pytest.fixture(scope="session")
def _functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts a function for each different set of settings, once a session."""
    running: dict[tuple[tuple[str, str], ...], Function] = {}

    def serve(**settings: str) -> Function:
        key = tuple(sorted(settings.items()))
        if key not in running:
            running[key] = Function(tmp_path_factory.mktemp("function") / "log", **settings)
        return running[key].ready()

    yield serve
    for function in running.values():
        function.process.terminate()
    for function in running.values():
        function.stop()


@pytest.fixture
def serve(_functions: Serve, ims: Ims) -> Serve:
    """`serve(NAME="value", ...)`: a function with these settings, in front of the emulator."""

    def serve(**settings: str) -> Function:
        function = _functions(**{"IMS_ENDPOINT": ims.url, "OS_TOKEN": ims.token, **settings})
        function.lines()
        return function

    return serve


@pytest.fixture
def function(serve: Serve) -> Function:
    """A function with no settings but those it must have."""
    return serve()
