"""Creates images and has their events delivered, while whatever can be killed is killed."""

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain

from tests.bench.ledger.courier import Courier
from tests.bench.ledger.scene import Scene
from tests.bench.rig.system import System
from tests.bench.rows import Row

HOUR = 3600.0
BATCHES = 10
"""How often in an hour the events so far are published."""

UNRECORDED, LOSS = 0.9, 0.5
"""From which share of the creations on Cloud Trace Service loses traces, and how many of them."""

SETTLED_WITHIN = 900.0
"""Seconds."""


class Delivery:
    """takes: seconds of a job that makes an image. What is not published of the cloud, `rng` chooses."""

    def __init__(self, system: System, rng: random.Random, takes: float) -> None:
        self._system = system
        self._rng = rng
        self._takes = takes
        self._kills: Counter[str] = Counter()
        self._made = 0
        system.ims.settings(copy_resource=rng.choice(("source", "copy")), page_info=rng.choice((True, False)))
        system.ims.trace_settings(
            bodies=rng.choice(("text", "objects")),
            marker_on_last_page=rng.choice((True, False)),
            doubles=0.05,
            delay=30,
            seed=rng.getrandbits(31),
        )
        # What chance decides must not depend on how often something is killed.
        self.scene = Scene(system.ims, random.Random(rng.getrandbits(31)))  # noqa: S311 - repeatable, no secret
        self.courier = Courier(system.ims, system.bus.url, random.Random(rng.getrandbits(31)))  # noqa: S311 - the same

    def run(self, count: int, pause: float) -> None:
        """Until the bus has nothing left. pause: seconds between two kills on average."""
        kills = self._system.kills()
        each_once = self._rng.sample(sorted(kills), len(kills))
        until = time.monotonic() + SETTLED_WITHIN
        with ThreadPoolExecutor(1) as pool:
            producing = pool.submit(self._produce, count)
            for name in chain(each_once, iter(lambda: self._rng.choice(sorted(kills)), None)):
                time.sleep(self._rng.uniform(0, 2 * pause))
                if len(self._kills) == len(kills) and self._is_settled(producing, until):
                    break
                kills[name]()
                self._kills[name] += 1
                self._system.keep_up()
            producing.result()
        self._system.drain(SETTLED_WITHIN)

    def _is_settled(self, producing: "Future[None]", until: float) -> bool:
        return (producing.done() and not self._system.bus.count()) or time.monotonic() > until

    def _produce(self, count: int) -> None:
        for hour in range(2):
            # The second hour is the present one.
            self._system.ims.settings(clock_ahead=(hour - 1) * HOUR, active_after=self._takes)
            for batch in range(1, BATCHES + 1):
                self._create(round(count * (hour + batch / BATCHES) / 2), count)
                self.courier.carry()
                sys.stderr.write(f"ledger: {self._made:,} creations, {len(self.courier.events):,} events\n")
            self._end_jobs()
            self.courier.carry()
            self._system.ims.settings(clock_ahead=hour * HOUR)
            self.courier.carry_late()

    def _create(self, up_to: int, count: int) -> None:
        for number in range(self._made, up_to):
            if number == int(count * UNRECORDED):
                self._end_jobs()
                self._system.ims.trace_settings(loss=LOSS)
            self.scene.create(number)
        self._made = up_to

    def _end_jobs(self) -> None:
        """What has begun is ended by the same rules."""
        for seconds in (0, self._takes):
            self._system.ims.settings(active_after=seconds)

    def rows(self) -> Iterator[Row]:
        for kind, number in self.scene.created.items():
            yield Row(f"{kind} images", "", [number])
        yield Row("events", "", [len(self.courier.events)])
        for name in ("lost", "doubled", "delayed"):
            yield Row(f"- {name}", "", [getattr(self.courier, name)])
        for name, times in sorted(self._kills.items()):
            yield Row(name, "times", [times])
