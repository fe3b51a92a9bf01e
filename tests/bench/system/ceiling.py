"""What the subscription delivers at most, beside `python -m tests.bench.system.ceiling URL FILE`.

That posts the lines of a file with aiohttp, 16 at once: no delivery that begins with a POST is faster.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from uuid import uuid4

import aiohttp
import nats

from deploy.nats.bus.streams import prepare
from tests.bench.rig.producer import publish
from tests.bench.rig.system import SUBSCRIPTION
from tests.bench.rig.tag_api import TagApi
from tests.bench.rows import Row, none
from tests.processes.bus import Bus
from tests.processes.function import created
from tests.processes.launch import Process

AT_ONCE = 16
"""What a subscription has in hand if nobody sets PARALLEL."""

LONGEST = 120.0
"""Seconds for one round."""

STRUCTURED = {"Content-Type": "application/cloudevents+json"}


class Subscriber(TagApi):
    """Answers at once, and counts the events of all connections in `heard`."""

    def __init__(self, heard: list[int]) -> None:
        super().__init__(0)
        self._heard = heard

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._heard[0] += not self._received


class Took(NamedTuple):
    """seconds: from the start of the processes to the last event. cpu: seconds of them all."""

    seconds: float
    cpu: float


def ceiling(count: int = 10_000, rounds: int = 4) -> list[Row]:
    """Events a second that subscriptions deliver to a subscriber that answers at once, their start included.

    All events wait on the bus when one subscription starts, or two do. beside: one process posts the same
    bodies with aiohttp, without a bus.
    """
    return asyncio.run(_measured(count, rounds))


async def _measured(count: int, rounds: int) -> list[Row]:
    heard = [0]
    one: list[Took] = []
    two: list[Took] = []
    beside: list[Took] = []
    server = await asyncio.get_running_loop().create_server(lambda: Subscriber(heard), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with TemporaryDirectory(prefix="image-tagger-") as name, ExitStack() as ends:
        stream = Bus(Path(name))
        ends.callback(stream.stop)
        stream.start()
        log, bodies = Path(name, "processes.log"), Path(name, "bodies")
        poster = (sys.executable, "-m", "tests.bench.system.ceiling", url, str(bodies))
        subscription = (sys.executable, *SUBSCRIPTION)
        settings = {"NATS_URL": stream.url, "SUBSCRIBER_URL": url, "PARALLEL": str(AT_ONCE)}

        def took(copies: int, *command: str, **settings: str) -> Took:
            began, before = time.monotonic(), heard[0]
            processes = [Process(log, *command, **settings) for _ in range(copies)]
            for process in processes:
                ends.callback(process.kill)
            while heard[0] < before + count and time.monotonic() < began + LONGEST:
                time.sleep(0.002)
            seconds, cpu = time.monotonic() - began, sum(process.cpu for process in processes)
            while stream.count() and time.monotonic() < began + LONGEST:
                time.sleep(0.1)
            for process in processes:
                process.kill()
            return Took(seconds, cpu)

        def post_all(events: Sequence[Mapping[str, Any]]) -> Took:
            bodies.write_text("".join(f"{json.dumps(event)}\n" for event in events))
            return took(1, *poster)

        async with await nats.connect(stream.url) as bus:
            await prepare(bus, max_event_bytes=2**20, ack_wait=60)
        for _ in range(rounds):
            events = [created(str(uuid4())) for _ in range(count)]
            beside.append(await asyncio.to_thread(post_all, events))
            for copies, found in ((1, one), (2, two)):
                await publish(events, [stream.url], again=f" {copies}")
                found.append(await asyncio.to_thread(took, copies, *subscription, **settings))
        left = await asyncio.to_thread(stream.count)
    server.close()
    rates = [[count / each.seconds for each in side] for side in (one, two, beside)]
    cpus = [[each.cpu / count * 1000 for each in side] for side in (one, two, beside)]
    return [
        Row("ceiling, one copy", "", rates[0], goal=1_600, least=True),
        Row("ceiling, two copies", "", rates[1], goal=2_000, least=True),
        Row("one copy / aiohttp", "", rates[0], rates[2], goal=2 / 3, least=True),
        Row("processor time / aiohttp", "ms", cpus[0], cpus[2]),
        none("events left by the ceiling", left),
        none("events heard twice", heard[0] - 3 * count * rounds),
    ]


async def _post_all(url: str, bodies: Iterable[bytes]) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:

        async def post() -> None:
            for body in bodies:
                async with session.post(url, headers=STRUCTURED, data=body) as reply:
                    reply.raise_for_status()

        await asyncio.gather(*(post() for _ in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(_post_all(sys.argv[1], iter(Path(sys.argv[2]).read_bytes().splitlines())))
