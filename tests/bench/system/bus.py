"""What the way through the bus costs."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

from tests.bench.rig.chaos_script import hear
from tests.bench.rig.producer import publish
from tests.bench.rig.system import Pair, delivering
from tests.bench.rig.tag_api import TagApi
from tests.bench.rows import Row
from tests.bench.system.ceiling import ceiling
from tests.processes.bus import Bus
from tests.processes.function import created

AT_ONCE = 16
"""Deliveries to each of the functions: what a subscription has in hand if nobody sets PARALLEL."""

CALLS = 3
"""That the shipped rules make for an event of these."""

TAGGED = re.compile(rb'"image_id": *"([^"]+)"')


class Call(NamedTuple):
    """time: of the monotonic clock."""

    time: float
    image_id: str


class Recorded(TagApi):
    """A tag API that keeps its calls."""

    def __init__(self, delay: float, calls: list[Call]) -> None:
        super().__init__(delay)
        self._calls = calls

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._calls += [Call(now, image_id.decode()) for image_id in TAGGED.findall(data)]
        super().data_received(data)


def bus(count: int = 5_000, rounds: int = 4, delay: float = 0.05) -> list[Row]:
    """How long two functions take for events from the bus.

    here: for events that all wait on the bus when two subscriptions start, each of
    which posts to one of the functions. beside: for as many that a client posts to
    the same functions, as many at once. Every event makes three calls of a tag API
    that answers after 50 ms; the time is from the first call to the last. In all,
    20,000 events go through the bus.
    ceiling: events a second, start included, to a subscriber that answers at once.
    beside: one process that posts the same 10,000 bodies with aiohttp, 16 at once.
    """
    return asyncio.run(_measured(count, rounds, delay)) + ceiling()


async def _measured(count: int, rounds: int, delay: float) -> list[Row]:
    calls: list[Call] = []
    said: dict[str, str] = {}
    through_bus: list[dict[str, Any]] = []
    here, beside = [], []
    api = await asyncio.get_running_loop().create_server(lambda: Recorded(delay, calls), "127.0.0.1", 0)
    with TemporaryDirectory(prefix="image-tagger-") as name, ExitStack() as ends:
        stream = Bus(Path(name))
        ends.callback(stream.stop)
        stream.start()
        settings = {
            "IMS_ENDPOINT": f"http://127.0.0.1:{api.sockets[0].getsockname()[1]}",
            "OS_TOKEN": "of-no-use",
            "THREADS": str(AT_ONCE),
            "NATS_URL": stream.url,
            "PARALLEL": str(AT_ONCE),
        }
        pairs = [ends.enter_context(delivering(Path(name), **settings)) for _ in range(2)]
        for pair in pairs:
            pair.subscription.kill()
        for _ in range(rounds):
            await _post_all(pairs, named_events(count))
            beside.append(_seconds(calls[-CALLS * count :]))
            events = named_events(count)
            await publish(events, [stream.url])
            through_bus += events
            before = len(calls)
            await asyncio.to_thread(_drain, stream, pairs, within=10 * beside[-1] + 30)
            here.append(_seconds(calls[before:]))
        for pair in pairs:
            hear(said, pair.function.log.new_lines())
        left, dead = [await asyncio.to_thread(stream.count, of) for of in ("IMAGES", "IMAGES_DEAD")]
    api.close()
    made = Counter(call.image_id for call in calls)
    untagged = sum(said.get(event["id"]) != "tagged" for event in through_bus)
    missed = sum(made[event["data"]["image_id"]] < CALLS for event in through_bus)
    return [
        Row("all events", "s", here, beside, goal=1 / 0.9),
        Row("events a second", "", [count / took for took in here], [count / took for took in beside]),
        Row("events through the bus", "", [len(through_bus)]),
        *(
            Row(what, "", [number], goal=0, must=True)
            for what, number in (
                ("events not tagged", untagged),
                ("images with a call too few", missed),
                ("events left on the bus", left),
                ("dead letters", dead),
            )
        ),
    ]


def named_events(count: int) -> list[dict[str, Any]]:
    """Events that the shipped rules make CALLS calls for."""
    images = [str(uuid4()) for _ in range(count)]
    about = {"name": "prod-1", "user": {"name": "ada"}}
    return [created(image, data={"image_id": image, **about}) for image in images]


async def _post_all(pairs: Sequence[Pair], events: Sequence[dict[str, Any]]) -> None:
    bodies = (json.dumps(event).encode() for event in events)
    await asyncio.gather(*(_post(pair.url, bodies) for pair in pairs for _ in range(AT_ONCE)))


async def _post(url: str, bodies: Iterator[bytes]) -> None:
    """Post what is left of them over one connection, each when that before it is answered."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    head = f"POST / HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/cloudevents+json\r\n"
    for body in bodies:
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 204 "):
            raise RuntimeError(f"an event was answered {answer!r}")
    writer.close()


def _drain(stream: Bus, pairs: Sequence[Pair], within: float) -> None:
    """Have the subscriptions deliver until the bus is empty, or so many seconds are over."""
    for pair in pairs:
        pair.subscription.keep_up()
    until = time.monotonic() + within
    # A look at the bus costs time that is not the bus's, so it is a rare one.
    while time.monotonic() < until and stream.count():
        time.sleep(0.5)
    for pair in pairs:
        pair.subscription.kill()


def _seconds(calls: Sequence[Call]) -> float:
    return calls[-1].time - calls[0].time
