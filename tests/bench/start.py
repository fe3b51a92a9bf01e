"""Start-up and memory of the function."""

import time
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

from tests.bench.rig.served import EVENT, STARTS_WITHIN, TagApi, function, tag_api, under_load
from tests.bench.rows import Row
from tests.processes.function import Function

QUANTITIES = (
    ("start to healthy", "ms", 1.10),
    ("start to first event answered", "ms", 1.10),
    ("RSS warm, master and worker", "MiB", None),
    ("PSS warm, master and worker", "MiB", 1.10),
)
"""What each start yields, in this order. RSS counts the pages that master and worker share twice."""


def start(rounds: int = 30, warm: float = 3) -> list[Row]:
    """How long the function takes to start, and the memory that it has when warm.

    here: the function with the shipped table, which writes three tags for each
    event. beside: a function that imports requests and answers 204. Both run
    under functions-framework with 8 threads; warm is after three seconds under load.
    """
    with tag_api() as api:
        pairs = [
            (_start("main.py", api, warm), _start("tests/bench/baselines/bare.py", api, warm))
            for _ in range(rounds + 1)
        ]
    # The first start of each has written the bytecode that the others read.
    here, beside = (zip(*starts, strict=True) for starts in zip(*pairs[1:], strict=True))
    return [
        Row(what, unit, ours, bare, goal)
        for (what, unit, goal), ours, bare in zip(QUANTITIES, here, beside, strict=True)
    ]


def _start(source: str, api: TagApi, warm: float) -> tuple[float, ...]:
    """Starts a function, has it answer events, stops it. Gives its QUANTITIES. warm: seconds of load."""
    began = time.perf_counter()
    with function(source, api, THREADS="8") as served:
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
