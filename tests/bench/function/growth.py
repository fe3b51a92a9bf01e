"""How what a delivery costs grows with its size."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from handlers.core.budget import MAX_EVENTS, MAX_IMAGES
from tests.bench.function.batch import table_of_tags
from tests.bench.function.rules import event_for_all, table_of
from tests.bench.rig.producer import publish
from tests.bench.rig.served import EVENT, function, tag_api, under_load
from tests.bench.rig.system import delivering
from tests.bench.rows import Row
from tests.bench.system.bus import named_events
from tests.processes.bus import Bus
from tests.support.paths import ROOT

Costs = Mapping[int, Sequence[float]]
"""Microseconds of processor time for each round, by size."""

COUNTED = 1_000
"""Events from the bus that make one figure at the least: fewer take too little time to be measured."""

LONGEST = 300.0
"""Seconds until all events are off the bus."""

SHIPPED = (ROOT / "handlers/rules.toml").read_bytes()


class Delivery(NamedTuple):
    """rules: the table of the function that gets it."""

    body: bytes
    rules: bytes = SHIPPED


def _tags(size: int) -> Delivery:
    return Delivery(EVENT.read_bytes(), table_of_tags(size).encode())


def _rules(size: int) -> Delivery:
    return Delivery(json.dumps(event_for_all()).encode(), table_of(size))


def _images(size: int) -> Delivery:
    event = json.loads(EVENT.read_bytes())
    images = [image["data"]["image_id"] for image in named_events(size)]
    jobs = [{"entities": {"image_id": image, "image_name": "production-db"}} for image in images]
    response = {"job_id": "42", "status": "SUCCESS", "entities": {"sub_jobs_result": jobs}}
    event["data"] |= {"trace_type": "ApiCall", "resource_id": "", "response": json.dumps(response)}
    return Delivery(json.dumps(event).encode())


def _batch(size: int) -> Delivery:
    return Delivery(json.dumps(named_events(size)).encode())


def _body(kilobytes: int) -> Delivery:
    [event] = named_events(1)
    short = 1000 * kilobytes - len(json.dumps(event))
    event["data"]["properties"] = {f"property-{number:06}": "x" * 27 for number in range((short - 20) // 50)}
    return Delivery(json.dumps(event).encode().ljust(1000 * kilobytes))


Quantity = tuple[Callable[[int], Delivery] | None, Sequence[int]]
"""A delivery that has so many of something, none for events on the bus; and how many."""

QUANTITIES: Mapping[str, Quantity] = {
    "tags of an image": (_tags, (1, 3, 10)),
    "rules": (_rules, (10, 100, 1_000)),
    "images of an event": (_images, (1, 30, MAX_IMAGES)),
    "events of a batch": (_batch, (1, 30, MAX_EVENTS)),
    "kilobytes of a body": (_body, (1, 30, 1_000)),
    "events on the bus": (None, (100, 1_000, 10_000)),
}
"""By what there can be more of. The largest of tags, images, events and the body are the limits, or close."""


def growth(
    rounds: int = 5, seconds: float = 2, quantities: Mapping[str, Quantity] = QUANTITIES, plot: str = ""
) -> list[Row]:
    """What a delivery costs at three sizes of all that it can have more of.

    here: processor time of the function for one delivery of this size, where one
    comes after the other, three tags an image by PUT, and an API that answers at
    once. For events that wait on the bus: that of the function, the subscription
    and the bus for one event, until none is left. beside: the smallest size.
    """
    costs = {
        name: _delivered(make, sizes, rounds, seconds) if make else _from_the_bus(sizes, rounds)
        for name, (make, sizes) in quantities.items()
    }
    if plot:
        from tests.bench.function.plot import plot_of  # noqa: PLC0415 - only a picture needs its package

        Path(plot).write_text(plot_of(costs), encoding="utf-8")
    return [
        Row(f"{size:,} {name}", "us", here, () if size == min(of_name) else of_name[min(of_name)])
        for name, of_name in costs.items()
        for size, here in of_name.items()
    ]


def _delivered(make: Callable[[int], Delivery], sizes: Sequence[int], rounds: int, seconds: float) -> Costs:
    costs: dict[int, list[float]] = {size: [] for size in sizes}
    with tag_api() as api, TemporaryDirectory(prefix="growth-") as name, ExitStack() as stack:
        served = {}
        for size in sizes:
            event, rules = Path(name, f"{size}.json"), Path(name, f"{size}.toml")
            delivery = make(size)
            event.write_bytes(delivery.body)
            rules.write_bytes(delivery.rules)
            served[size] = stack.enter_context(function("main.py", api, RULES=str(rules))), event
            under_load(served[size][0], api, 1, seconds / 4, event)
        for _ in range(rounds):
            for size, (one, event) in served.items():
                costs[size].append(under_load(one, api, 1, seconds, event).cpu * 1000)
    return costs


def _from_the_bus(sizes: Sequence[int], rounds: int) -> Costs:
    costs: dict[int, list[float]] = {size: [] for size in sizes}
    with tag_api() as api, TemporaryDirectory(prefix="growth-") as name, ExitStack() as stack:
        bus = Bus(Path(name))
        stack.callback(bus.stop)
        bus.start()
        endpoint = f"http://127.0.0.1:{api.port}"
        settings: dict[str, Any] = {"IMS_ENDPOINT": endpoint, "OS_TOKEN": "of-no-use", "NATS_URL": bus.url}
        pair = stack.enter_context(delivering(Path(name), **settings))

        def cpu() -> float:
            return pair.function.cpu + pair.subscription.cpu + bus.cpu

        def cost(count: int) -> float:
            # Whoever is stopped lets events wait, and has no start to pay for.
            pair.subscription.process.send_signal(signal.SIGSTOP)
            asyncio.run(publish(named_events(count), [bus.url]))
            before, until = cpu(), time.monotonic() + LONGEST
            pair.subscription.process.send_signal(signal.SIGCONT)
            while bus.count():
                if time.monotonic() > until:
                    raise TimeoutError(f"of {count} events, {bus.count()} are still on the bus")
                time.sleep(0.1)
            return (cpu() - before) / count * 1e6

        cost(min(sizes))
        for _ in range(rounds):
            for size in sizes:
                costs[size].append(mean(cost(size) for _ in range(-(-COUNTED // size))))
    return costs
