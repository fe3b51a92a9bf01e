"""Start-up and memory of the function."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from tempfile import NamedTemporaryFile

from tests.bench.function.rules import unmatched_rules
from tests.bench.rig.served import EVENT, STARTS_WITHIN, TagApi, function, tag_api, under_load
from tests.bench.rows import Row
from tests.processes.function import Function
from tests.support.paths import ROOT

QUANTITIES = (
    ("start to healthy", "ms", 1.08, 1.15),
    ("start to first event answered", "ms", 1.08, 1.15),
    ("RSS warm, master and worker", "MiB", None, None),
    ("PSS warm, master and worker", "MiB", 1.10, None),
)
"""What each start yields, in this order, with the goals for the shipped table and for one of 100 rules.

RSS counts the pages that master and worker share twice.
"""

MORE = 97
"""Rules that are added to the three shipped ones."""


def start(rounds: int = 30, warm: float = 3) -> list[Row]:
    """How long the function takes to start, and the memory that it has when warm.

    here: the function with the shipped table, which writes three tags for each
    event, and with a table of 100 rules. beside: a function that imports requests
    and answers 204. All run under functions-framework with 8 threads; warm is
    after three seconds under load.
    """
    with tag_api() as api, NamedTemporaryFile(suffix=".toml") as rules:
        rules.write(_large_table())
        rules.flush()
        starts = [
            (
                _start("main.py", api, warm),
                _start("main.py", api, warm, RULES=rules.name),
                _start("tests/bench/baselines/bare.py", api, warm),
            )
            for _ in range(rounds + 1)
        ]
    # The first start of each has written the bytecode that the others read.
    shipped, large, bare = (list(zip(*each, strict=True)) for each in zip(*starts[1:], strict=True))
    return [
        row
        for (what, unit, goal, large_goal), *seen in zip(QUANTITIES, shipped, large, bare, strict=True)
        for row in _rows(what, unit, goal, large_goal, *seen)
    ]


def _large_table() -> bytes:
    rules = "".join(
        f'[[rule]]\nname = "{number}"\n{body}\n' for number, body in enumerate(unmatched_rules(MORE))
    )
    return (ROOT / "handlers/rules.toml").read_bytes() + rules.encode()


def _rows(
    what: str,
    unit: str,
    goal: float | None,
    large_goal: float | None,
    shipped: Sequence[float],
    large: Sequence[float],
    bare: Sequence[float],
) -> Iterator[Row]:
    yield Row(what, unit, shipped, bare, goal)
    if large_goal:
        yield Row(f"{what}, with 100 rules", unit, large, bare, large_goal)


def _start(source: str, api: TagApi, warm: float, **settings: str) -> tuple[float, ...]:
    """Starts a function, has it answer events, stops it. Gives its QUANTITIES. warm: seconds of load."""
    began = time.perf_counter()
    with function(source, api, THREADS="8", **settings) as served:
        _first_answer(served)
        healthy = time.perf_counter()
        _call(served.port, "POST", "/", EVENT.read_bytes())
        answered = time.perf_counter()
        under_load(served, api, 8, warm)
        return (healthy - began) * 1000, (answered - began) * 1000, *_memory(served)


def _first_answer(served: Function) -> None:
    until = time.perf_counter() + STARTS_WITHIN
    while time.perf_counter() < until and served.process.poll() is None:
        with suppress(ConnectionError):
            return _call(served.port, "GET", "/healthz")
        time.sleep(0.001)
    raise RuntimeError("a function did not start; what it wrote stands above")


def _call(port: int, method: str, path: str, body: bytes | None = None) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=STARTS_WITHIN)
    try:
        connection.request(method, path, body, {"Content-Type": "application/cloudevents+json"})
        answer = connection.getresponse()
        if answer.status not in {200, 204}:
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {answer.read(512)!r}")
    finally:
        connection.close()


def _memory(served: Function) -> tuple[float, float]:
    """RSS and PSS in MiB of a process and its children, as Linux has them."""
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii") for pid in served.pids]
    rows = [line.split() for rollup in rollups for line in rollup.splitlines()]
    rss, pss = (sum(int(row[1]) for row in rows if row[0] == name) / 1024 for name in ("Rss:", "Pss:"))
    return rss, pss
