"""A real bus, the subscription as a process of its own, and an HTTP subscriber that answers as told."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import nats
import nats.js.errors
import pytest
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg

from tests.processes.forked import Forked
from tests.processes.launch import PATIENCE, cpu_of, eventually
from tests.support.paths import ROOT

T = TypeVar("T")

__all__ = ["PATIENCE", "ROOT", "Answer", "Bus", "HttpSubscriber", "Received", "Subscribing"]
__all__ += ["eventually", "in_turn"]


class Bus:
    """A nats-server with JetStream in a folder of its own; killed, it starts again where it was."""

    def __init__(self, folder: Path, max_payload: int = 8 * 2**20, *, more: str = "") -> None:
        """more: lines for its configuration."""
        self._folder = folder
        self.configuration = folder / "conf"
        self._port = -1
        self._process: subprocess.Popen[bytes] | None = None
        self.configuration.write_text(
            f'max_payload: {max_payload}\njetstream {{ store_dir: "{folder / "store"}" }}\n{more}\n'
        )

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    @property
    def cpu(self) -> float:
        """Seconds of processor time since it was started."""
        assert self._process
        return cpu_of([self._process.pid])

    def start(self) -> None:
        """Return when it answers; the first time on a port that it finds itself."""
        server = Path(sysconfig.get_path("scripts")) / "nats-server"
        where = ("-c", "conf", "-a", "127.0.0.1", "-p", str(self._port), "--ports_file_dir", ".")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen((server, *where), cwd=self._folder, stderr=log)
        ports = self._folder / f"nats-server_{self._process.pid}.ports"
        eventually(lambda: ports.exists() and ports.read_text().endswith("}"), "start of the bus")
        self._port = int(json.loads(ports.read_text())["nats"][0].rpartition(":")[2])
        eventually(self._answers, "answer of the bus")

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
            return connection.recv(4) == b"INFO"
        return False

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(PATIENCE)

    def kill(self) -> None:
        """As a crash would: no farewell to clients, nothing written any more."""
        assert self._process
        self._process.kill()
        self._process.wait(PATIENCE)

    def demand_password(self) -> None:
        """From now on, of those who are connected too."""
        assert self._process
        with self.configuration.open("a") as conf:
            conf.write("authorization { user: someone, password: else }\n")
        self._process.send_signal(signal.SIGHUP)

    def do(self, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        """Run `work` on a connection made for it."""

        async def connected() -> T:
            client = await nats.connect(self.url, allow_reconnect=False)
            try:
                return await work(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(connected())

    def publish(self, subject: str, data: bytes = b"{}", headers: Mapping[str, str] | None = None) -> int:
        """Publish to a stream and return the sequence that it got there."""
        return self.do(lambda js: js.publish(subject, data, headers=dict(headers or {}))).seq

    def publish_bytes(self, subject: bytes, headers: bytes | None = None) -> None:
        """Publish what no client would: the subject and the block of headers as they are, and `{}`."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE) as server:
            server.sendall(b'CONNECT {"verbose": false, "headers": true}\r\n')
            if headers is None:
                server.sendall(b"PUB %s 2\r\n{}\r\nPING\r\n" % subject)
            else:
                size = len(headers)
                server.sendall(b"HPUB %s %d %d\r\n%s{}\r\nPING\r\n" % (subject, size, size + 2, headers))
            heard = b""
            while b"PONG\r\n" not in heard:
                more = server.recv(4096)
                assert more, heard
                heard += more

    def count(self, stream: str = "IMAGES") -> int:
        """How many messages the stream holds."""
        return self.do(lambda js: js.stream_info(stream)).state.messages

    def dead_letters(self) -> list[RawStreamMsg]:
        """The messages of IMAGES_DEAD in order; they stay."""

        async def read(js: JetStreamContext) -> list[RawStreamMsg]:
            state = (await js.stream_info("IMAGES_DEAD")).state
            if not state.messages:
                return []
            return [
                await js.get_msg("IMAGES_DEAD", seq) for seq in range(state.first_seq, state.last_seq + 1)
            ]

        return self.do(read)

    def empty(self) -> None:
        """Leave both streams empty, if they are there."""

        async def purge(js: JetStreamContext) -> None:
            for stream in ("IMAGES", "IMAGES_DEAD"):
                with suppress(nats.js.errors.NotFoundError):
                    await js.purge_stream(stream)

        self.do(purge)


class Subscribing:
    """A process that runs the subscription, and the log lines that it wrote."""

    def __init__(self, *arguments: str, **environ: str) -> None:
        """arguments: those of Python."""
        lines, output = os.pipe()
        words, errors = os.pipe()
        environ = {"PATH": os.environ["PATH"], **environ}
        self._process = Forked((sys.executable, *arguments), environ, output, errors)
        os.close(output)
        os.close(errors)
        self._output, self._errors = os.fdopen(lines), os.fdopen(words)
        self.lines: list[dict[str, Any]] = []
        self.errors = ""
        self._readers = [
            threading.Thread(target=self._read_lines),
            threading.Thread(target=self._read_errors),
        ]
        for reader in self._readers:
            reader.start()

    @classmethod
    def run(cls, *, ack_wait: float = 60, back_off: float | None = None, **environ: str) -> "Subscribing":
        """`python -m deploy.nats` with these settings; with `back_off` its `main` with these seconds."""
        if back_off is None:
            return cls("-m", "deploy.nats", **environ)
        return cls("-m", "tests.processes.hasty_subscription", str(ack_wait), str(back_off), **environ)

    def _read_lines(self) -> None:
        with self._output as lines:
            for line in lines:
                self.lines.append(json.loads(line))

    def _read_errors(self) -> None:
        with self._errors as errors:
            self.errors = errors.read()

    def logged(self, message: str, count: int = 1, **fields: object) -> dict[str, Any]:
        """Wait for the count-th line with this message and these fields."""

        def look() -> list[dict[str, Any]]:
            lines = [
                line for line in self.lines if line["message"] == message and fields.items() <= line.items()
            ]
            return lines[count - 1 :]

        return eventually(look, f"log line {message} {fields} (have: {self.lines})")[0]

    def ended(self) -> int:
        """Wait for the end of the process and return its exit status."""
        status = self._process.wait(PATIENCE)
        for reader in self._readers:
            reader.join()
        return status

    def terminate(self) -> None:
        self._process.terminate()

    def stop(self) -> int:
        self.terminate()
        return self.ended()

    def kill(self) -> None:
        self._process.kill()
        self.ended()


@dataclass(frozen=True)
class Answer:
    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Received:
    """A request as it came; header names in lower case, `time` of the monotonic clock."""

    headers: Mapping[str, str]
    body: bytes
    time: float


def in_turn(*answers: Answer) -> Callable[[Received], Answer]:
    """Answer with the first, then the next; after the last one always 204."""
    left = iter(answers)
    return lambda _: next(left, Answer())


class HttpSubscriber:
    """Keeps what it receives, and answers with what `answer` makes of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[Received] = []
        self.answer: Callable[[Received], Answer] = in_turn()

    def wait(self, count: int = 1) -> list[Received]:
        """Return what has been received as soon as it is so much."""
        return eventually(lambda: self.received[count - 1 :] and self.received, f"request {count}")

    @classmethod
    @contextmanager
    def serving(cls) -> Iterator["HttpSubscriber"]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Received(headers, body, time.monotonic())
                subscriber.received.append(request)
                answer = subscriber.answer(request)
                # The other side may have been killed meanwhile.
                with suppress(ConnectionError):
                    self.send_response(answer.status)
                    for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                """Standard error belongs to the tests."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            subscriber = cls(f"http://127.0.0.1:{server.server_port}/")
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield subscriber
            finally:
                server.shutdown()
                thread.join()


@pytest.fixture(scope="session")
def session_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    bus = Bus(tmp_path_factory.mktemp("bus"))
    bus.start()
    yield bus
    bus.stop()


@pytest.fixture
def bus(session_bus: Bus) -> Iterator[Bus]:
    """The bus of the session, left with empty streams."""
    yield session_bus
    session_bus.empty()


@pytest.fixture
def own_bus(tmp_path: Path) -> Iterator[Bus]:
    """A bus for one test alone, to break it or to have no other subscription at it."""
    bus = Bus(tmp_path)
    bus.start()
    yield bus
    bus.stop()


@pytest.fixture
def http_subscriber() -> Iterator[HttpSubscriber]:
    with HttpSubscriber.serving() as subscriber:
        yield subscriber


@pytest.fixture
def subscribing() -> Iterator[Callable[..., Subscribing]]:
    """`Subscribing.run`; whatever still runs after the test is killed."""
    started: list[Subscribing] = []

    def start(**how: Any) -> Subscribing:
        started.append(Subscribing.run(**how))
        return started[-1]

    yield start
    for process in started:
        process.kill()
