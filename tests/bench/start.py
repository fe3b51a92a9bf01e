"""Start-up and memory of the function."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path

from tests.bench.rows import Row
from tests.emulator import Ims
from tests.function import free_port

ROOT = Path(__file__).parent.parent.parent
FRAMEWORK = str(Path(sys.executable).parent / "functions-framework")
EVENT = ROOT / "tests/events/eventgrid-trace.json"
IMAGE_ID = "3f7185de-b59a-4bb8-aa1d-7a513528b0e9"

STARTS_WITHIN = 30.0
"""Seconds."""

QUANTITIES = (
    ("start to healthy", "ms", 1.10),
    ("start to first event answered", "ms", 1.10),
    ("RSS, master and worker", "MiB", None),
    ("PSS, master and worker", "MiB", None),
)
"""What each start yields, in this order. RSS counts the pages that master and worker share twice."""


def start(rounds: int = 10) -> list[Row]:
    """How long the function takes to start, and the memory that it has then.

    here: the function with the shipped table; its first event makes it write three
    tags to the IMS emulator. beside: a function that imports requests and answers
    204. Both run under functions-framework.
    """
    with ExitStack() as stack:
        ims = Ims()
        stack.callback(ims.stop)
        ims.image(id=IMAGE_ID)
        environment = {"PATH": os.environ["PATH"], "IMS_ENDPOINT": ims.url, "OS_TOKEN": ims.token}
        pairs = [
            (_start("main.py", environment), _start("tests/bench/baseline_bare.py", environment))
            for _ in range(rounds + 1)
        ]
    # The first start of each has written the bytecode that the others read.
    here, beside = (zip(*starts, strict=True) for starts in zip(*pairs[1:], strict=True))
    return [
        Row(what, unit, ours, bare, goal)
        for (what, unit, goal), ours, bare in zip(QUANTITIES, here, beside, strict=True)
    ]


def _start(source: str, environment: dict[str, str]) -> tuple[float, ...]:
    """Starts a function, has it answer an event, stops it. Gives its QUANTITIES."""
    port = free_port()
    options = f"--source {source} --target tag_created_image --host 127.0.0.1 --port {port}".split()
    began = time.perf_counter()
    process = subprocess.Popen([FRAMEWORK, *options], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        _first_answer(process, port)
        healthy = time.perf_counter()
        _call(port, "POST", "/", EVENT.read_bytes())
        answered = time.perf_counter()
        return (healthy - began) * 1000, (answered - began) * 1000, *_memory(process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _first_answer(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.perf_counter() + STARTS_WITHIN
    while time.perf_counter() < until and process.poll() is None:
        with suppress(ConnectionError):
            return _call(port, "GET", "/healthz")
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


def _memory(master: int) -> tuple[float, float]:
    """RSS and PSS in MiB of a process and its children, as Linux has them."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii") for pid in (master, *children)]
    rows = [line.split() for rollup in rollups for line in rollup.splitlines()]
    rss, pss = (sum(int(row[1]) for row in rows if row[0] == name) / 1024 for name in ("Rss:", "Pss:"))
    return rss, pss
