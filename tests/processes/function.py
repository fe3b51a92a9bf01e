"""The function as users run it: its own process, under its real server, spoken to over HTTP."""

import json
import signal
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
import requests

from tests.processes.emulator import SECRETS, Ims
from tests.processes.launch import FRAMEWORK, ForkedProcess, Process, framework, free_port
from tests.support.paths import ROOT

__all__ = ["FRAMEWORK", "LONG_AGO", "ROOT", "Function", "Serve", "created", "free_port", "just_now"]


class Function(Process):
    """One running function. command: that serves it on a port. settings: its environment besides PATH."""

    def __init__(
        self, output: Path, command: Callable[[int], list[str]] = framework, /, **settings: str
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._read: int | None = None
        super().__init__(output, *command(self.port), **{"THREADS": "8", **settings})

    def ready(self, within: float = 20) -> Self:
        until = time.monotonic() + within
        while time.monotonic() < until and self.process.poll() is None:
            with suppress(requests.ConnectionError):
                requests.get(f"{self.url}/healthz", timeout=5).raise_for_status()
                if self._read is None:
                    self._read = self.log.path.stat().st_size
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
        """The process that answers."""
        _, worker = self.pids
        return worker

    def peak_memory(self) -> int:
        """Bytes that it has had in memory at the most."""
        status = Path(f"/proc/{self.worker()}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def output(self) -> str:
        return self.log.path.read_text(encoding="utf-8")

    def lines(self) -> list[dict[str, Any]]:
        """What the function logged since it was ready for the first time, or since the last call."""
        with self.log.path.open("rb") as log:
            start = log.seek(self._read or 0)
            new = log.read()
        self._read = start + len(new)
        return [json.loads(line) for line in new.splitlines()]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        assert not [secret for secret in SECRETS if secret in self.output()]


Serve = Callable[..., Function]

RUNNING_MAX = 6
"""How many functions wait for tests at once, since each takes some 75 MiB in two processes."""

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


class ForkedFunction(Function, ForkedProcess):
    """One that starts as a fork."""


class _Functions:
    """The functions that run, one for each set of settings, the one used last at the end.

    A function that is ended may still be drawing its last breath; what it said is judged at the end of all.
    """

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._running: OrderedDict[frozenset[tuple[str, str]], Function] = OrderedDict()
        self._ended: list[Function] = []

    def __call__(self, **settings: str) -> Function:
        key = frozenset(settings.items())
        if key not in self._running:
            if len(self._running) == RUNNING_MAX:
                self._end_oldest()
            self._running[key] = ForkedFunction(self._folders.mktemp("function") / "log", **settings)
        self._running.move_to_end(key)
        return self._running[key].ready()

    def _end_oldest(self) -> None:
        _, function = self._running.popitem(last=False)
        function.process.terminate()
        self._ended.append(function)

    def end_all(self) -> None:
        while self._running:
            self._end_oldest()
        for function in self._ended:
            function.stop()


@pytest.fixture(scope="session")
def _functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Functions]:
    functions = _Functions(tmp_path_factory)
    yield functions
    functions.end_all()


@pytest.fixture
def serve(_functions: _Functions, ims: Ims) -> Serve:
    """`serve(NAME="value", ...)`: a function with these settings, in front of the emulator.

    It is one that runs already, if its settings are the same.
    """

    def serve(**settings: str) -> Function:
        function = _functions(**{"IMS_ENDPOINT": ims.url, "OS_TOKEN": ims.token, **settings})
        function.lines()
        return function

    return serve


@pytest.fixture
def function(serve: Serve) -> Function:
    """A function with no settings but those it must have."""
    return serve()
