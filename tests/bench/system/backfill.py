"""What `images backfill` and `images coverage` take, with many images and an API that limits calls."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.rig.measured import Ran, run
from tests.bench.rig.system import System, running
from tests.bench.rows import Row, none

RULES = """
[[rule]]
name = "one tag"
tags.created-on = "{{ image.created_at | date }}"
"""
CALLS = 2
"""Of an event that fills in one tag: one reads the image, one writes the tag."""

RULES_WITH_PARENT = """
[[rule]]
name = "what it was made from"
tags.base = "{{ parent.name | default('none') }}"
tags.created-by = "{{ image.creator.name }}"
"""

LONG_AGO = 1767608130.0
PARENTS, TRACES = 100, 1_000
IMAGE_PAGE, TRACE_PAGE = 500, 200
NAMES = 2
"""Operations that create images: each is asked for."""


def backfill(images: int = 10_000, calls_a_second: int = 100, few: int = 100) -> list[Row]:
    """How long a backfill takes at an API that limits calls, and how much memory.

    here: `images backfill` for images that lack one tag, sent to the function at the
    rate that the limit allows, half as many events as calls; then onto the bus as
    fast as it takes them, until all are tagged. beside: the time that the limit
    takes for the calls, and the memory of the same for a hundred images. A call
    above the limit is answered 429 with Retry-After: 1. Then the calls of
    `images coverage`, beside pages, parents and pages of traces.
    """
    rate = str(calls_a_second / CALLS)
    rows = []
    with _system(RULES) as (system, rules):
        ends = (("to the function", system.url, rate), ("onto the bus", system.bus.url, "1000"))
        for how, to, of in ends:
            small = _backfill(system, rules, few, None, to, "1000")
            big = _backfill(system, rules, images, calls_a_second, to, of)
            limited = system.ims.rate()
            calls = limited["answered"] + limited["limited"]
            rows += [
                Row(f"{how}", "s", [big.seconds], [(_pages(images) + CALLS * images) / calls_a_second], 1.1),
                Row("- calls answered 429", "%", [100 * limited["limited"] / calls], goal=5),
                Row("- peak memory", "MiB", [big.memory], [small.memory], goal=1.2),
                none("- images without their tag", _untagged(system)),
            ]
    with _system(RULES_WITH_PARENT) as (system, rules):
        small = _coverage(system, rules, few)
        big = _coverage(system, rules, images)
        called = system.ims.control("GET", "calls")["total"]
        pages = _pages(images) + PARENTS + ceil(TRACES / TRACE_PAGE) - 1
        rows += [
            Row("coverage, calls", "", [called], [pages], goal=1.0, must=True),
            Row("- peak memory", "MiB", [big.memory], [small.memory], goal=1.2),
            Row("- took", "s", [big.seconds]),
        ]
    return rows


def _pages(images: int) -> int:
    """Calls for all images and no trace. The page after the last full one is empty."""
    return images // IMAGE_PAGE + 1 + NAMES


def _backfill(system: System, rules: str, images: int, calls_a_second: int | None, to: str, rate: str) -> Ran:
    """Until all are tagged."""
    system.ims.reset()
    system.ims.images([{"created_at": LONG_AGO + number} for number in range(images)])
    system.ims.limit_rate(calls_a_second, retry_after=1)
    began = time.monotonic()
    ran = run(system.of_commands(RULES=rules), "images", "backfill", "--json", "--to", to, "--rate", rate)
    summary = json.loads(ran.out)
    assert summary["images"] == images == sum(summary["done"].values()), summary
    system.drain(within=10 * images + 30)
    return ran._replace(seconds=time.monotonic() - began)


def _untagged(system: System) -> int:
    return sum(not image["tags"] for image in system.ims.control("GET", "images")["images"])


def _coverage(system: System, rules: str, images: int) -> Ran:
    """Of images that have PARENTS parents in all, and TRACES traces."""
    ims = system.ims
    ims.reset()
    parents = ims.images([{"public": True, "attributes": {"name": f"base-{n}"}} for n in range(PARENTS)])
    made = ims.images(
        [
            {
                "created_at": LONG_AGO + number,
                "attributes": {"name": "web", "__originalimagename": parents[number % PARENTS]},
            }
            for number in range(images)
        ]
    )
    ims.put_traces(*({"resource_id": made[number % images]} for number in range(TRACES)))
    ran = run(system.of_commands(RULES=rules), "images", "coverage", "--json")
    lines = ran.out.splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["lacking"] * images, lines[-1:]
    return ran


@contextmanager
def _system(table: str) -> Iterator[tuple[System, str]]:
    """The system, and the file of its rules."""
    with TemporaryDirectory(prefix="backfill-") as folder:
        rules = Path(folder) / "rules.toml"
        rules.write_text(table, encoding="utf-8")
        with running(RULES=str(rules)) as system:
            yield system, str(rules)
