"""The places that keep dead letters, each real: a file, standard input, a stream on a NATS server."""

import base64
import json
import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nats.js.errors
import pytest
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RawStreamMsg, RetentionPolicy

from tests.processes.bus import Bus
from tests.processes.commands import Commands, Ran
from tests.processes.function import created

Json = dict[str, Any]

ID = "62a15f6c-9197-44d2-89c7-708981c1bec1"
OTHER = "67437ebd-2563-46e0-887e-ad1923977fa1"


def encoded(text: str) -> str:
    """Base64, as brokers keep the reply."""
    return base64.b64encode(text.encode()).decode()


def by_function(event: Json, reason: str = "TagQuotaExceeded", **more: str) -> Json:
    """As the function's sink stores it. more: `code`, `message`, `rule`, `time`."""
    said = {"reason": reason, "code": "IMG.0116", "message": "the image is full"}
    said |= {"time": "2026-03-01T12:00:00Z"} | more
    return event | {f"deadletter{name}": value for name, value in said.items() if value}


def by_bus(event: Json, status: int | None, reply: str, **more: Any) -> Json:
    """As brokers deliver it to a dead-letter sink. reply: as it is kept."""
    added = {"knativeerrordest": "http://tagger/", "knativeerrorcode": status, "knativeerrordata": reply}
    return event | {name: value for name, value in (added | more).items() if value is not None}


def numbered(number: int) -> Json:
    """A dead letter whose event has this number as its id."""
    return by_function(created(ID, id=f"{number}"))


def written(folder: Path, *lines: Any) -> Path:
    """A file of lines: bytes as they are, all else as JSON."""
    path = folder / "dead-letters.jsonl"
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines]
    path.write_bytes(b"".join(texts))
    return path


@contextmanager
def standard_input(content: bytes) -> Iterator[None]:
    """Standard input as a pipe that holds this."""
    reading, writing = os.pipe()

    def write() -> None:
        with suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
            pipe.write(content)

    writer, before = threading.Thread(target=write), sys.stdin
    writer.start()
    sys.stdin = os.fdopen(reading)
    try:
        yield
    finally:
        sys.stdin.close()
        sys.stdin = before
        writer.join()


class Place(ABC):
    """position: what the commands call where a dead letter stands. address: as they take it."""

    position = "line"
    address = ""

    def __init__(self, commands: Commands) -> None:
        self.commands = commands

    @abstractmethod
    def put(self, *dead_letters: Json) -> None:
        """Keeps dead letters, after those that are there."""

    @abstractmethod
    def left(self) -> list[str]:
        """The ids of the events that nobody has redriven yet."""

    def run(self, verb: str, *options: object, **environ: str) -> Ran:
        return self.commands("dead-letters", verb, self.address, *options, **environ)


class File(Place):
    def __init__(self, commands: Commands, folder: Path) -> None:
        super().__init__(commands)
        self.path = folder / "dead-letters.jsonl"
        self.address = str(self.path)
        self.checkpoint = folder / f"{self.path.name}.redriven"
        self.path.touch()

    def put(self, *dead_letters: Json) -> None:
        with self.path.open("a") as file:
            file.writelines(json.dumps(each) + "\n" for each in dead_letters)

    def left(self) -> list[str]:
        lines = self.checkpoint.read_text().split("\n") if self.checkpoint.exists() else []
        done = [line.split("-")[0] for line in lines]
        offset, left = 0, []
        for line in self.path.read_bytes().splitlines(keepends=True):
            left += [] if f"{offset}" in done else [json.loads(line)["id"]]
            offset += len(line)
        return left


class StandardInput(Place):
    address = "-"

    def __init__(self, commands: Commands) -> None:
        super().__init__(commands)
        self._content: list[Json] = []

    def put(self, *dead_letters: Json) -> None:
        self._content += dead_letters

    def left(self) -> list[str]:
        return [each["id"] for each in self._content]

    def run(self, verb: str, *options: object, **environ: str) -> Ran:
        with standard_input("".join(json.dumps(each) + "\n" for each in self._content).encode()):
            return super().run(verb, *options, **environ)


async def make_streams(js: JetStreamContext) -> None:
    """The streams of the subscription, empty."""
    for name, subjects in (("IMAGES", "images.>"), ("IMAGES_DEAD", "images-dead.>")):
        try:
            await js.purge_stream(name)
        except nats.js.errors.NotFoundError:
            await js.add_stream(
                name=name,
                subjects=[subjects],
                retention=RetentionPolicy.WORK_QUEUE,
                discard=DiscardPolicy.NEW,
            )


def messages(bus: Bus, stream: str) -> list[RawStreamMsg]:
    """What a stream holds, in order; it stays."""

    async def read(js: JetStreamContext) -> list[RawStreamMsg]:
        found, state = list[RawStreamMsg](), (await js.stream_info(stream)).state
        for sequence in range(state.first_seq, state.last_seq + 1):
            with suppress(nats.js.errors.NotFoundError):
                found.append(await js.get_msg(stream, sequence))
        return found

    return bus.do(read)


class Nats(Place):
    position = "sequence"

    def __init__(self, commands: Commands, bus: Bus) -> None:
        super().__init__(commands)
        self.bus = bus
        self.address = bus.url
        bus.do(make_streams)

    def put(self, *dead_letters: Json) -> None:
        async def publish(js: JetStreamContext) -> None:
            for each in dead_letters:
                data = json.dumps(each).encode()
                headers = {"Content-Type": "application/cloudevents+json"}
                await js.publish("images-dead.created", data, headers=headers)

        self.bus.do(publish)

    def left(self) -> list[str]:
        return [json.loads(message.data or b"")["id"] for message in messages(self.bus, "IMAGES_DEAD")]


@pytest.fixture(params=["a file", "standard input", "NATS"])
def place(request: pytest.FixtureRequest, commands: Commands, tmp_path: Path) -> Place:
    """Each place that keeps dead letters."""
    match request.param:
        case "a file":
            return File(commands, tmp_path)
        case "standard input":
            return StandardInput(commands)
        case _:
            return Nats(commands, request.getfixturevalue("bus"))


@pytest.fixture
def on_nats(commands: Commands, bus: Bus) -> Nats:
    return Nats(commands, bus)


def ids(rows: Sequence[Json]) -> list[str]:
    """Those of the events of some rows."""
    return [row["id"] for row in rows]
