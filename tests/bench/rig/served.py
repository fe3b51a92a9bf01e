"""Functions under functions-framework, in front of a tag API, under load: each in processes of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.processes.function import Function
from tests.processes.launch import Process, eventually, framework, listens
from tests.support.paths import ROOT

EVENT = ROOT / "tests/events/eventgrid-trace.json"
"""The shipped table gives it three tags."""

PROJECT = "0123456789abcdef0123456789abcdef"
"""Whose image it is."""

STARTS_WITHIN = 30.0
"""Seconds."""


class TagApi(Process):
    """The API of `tests.bench.rig.tag_api`. delay: seconds until each answer."""

    def __init__(self, log: Path, delay: float) -> None:
        super().__init__(log, sys.executable, "-m", "tests.bench.rig.tag_api", str(delay))
        self.port = int(eventually(lambda: log.read_text() if b"\n" in log.read_bytes() else "", "its port"))


Served = Function | TagApi


class Seen(NamedTuple):
    """A function under load.

    milliseconds: of an answer, the median. cpu: milliseconds of the function's processes for an event.
    api, load: the share in percent of a core that the tag API and the load had of it.
    """

    events_a_second: float
    milliseconds: float
    cpu: float
    api: float
    load: float


@contextmanager
def tag_api(delay: float = 0) -> Iterator[TagApi]:
    """delay: seconds until each answer."""
    with TemporaryDirectory(prefix="bench-") as folder:
        api = TagApi(Path(folder) / "log", delay)
        try:
            yield api
        finally:
            api.kill()


@contextmanager
def function(source: str, api: TagApi, **settings: str) -> Iterator[Function]:
    """Listens when it is given, and its first answer may take longer. settings: besides those it needs."""
    environ = {
        "IMS_ENDPOINT": f"http://127.0.0.1:{api.port}",
        "OS_TOKEN": "canary-token-of-the-benchmarks",
        "PROJECTS": PROJECT,
        **settings,
    }
    with TemporaryDirectory(prefix="bench-") as folder:
        served = Function(Path(folder) / "log", partial(framework, source=source), **environ)
        try:
            until = time.monotonic() + STARTS_WITHIN
            while not listens(served.port):
                if time.monotonic() > until or served.process.poll() is not None:
                    raise RuntimeError(f"a function did not start:\n{served.output()}")
                time.sleep(0.001)
            yield served
        finally:
            served.stop()


def under_load(served: Served, api: Served, connections: int, seconds: float, event: Path = EVENT) -> Seen:
    """Sends an event over so many connections, each time as soon as the one before is answered."""
    served_cpu, api_cpu = served.cpu, api.cpu
    command = [
        sys.executable,
        "-m",
        "tests.bench.rig.load",
        *map(str, (served.port, event, connections, seconds)),
    ]
    found = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    served_cpu, api_cpu = served.cpu - served_cpu, api.cpu - api_cpu
    events, took = len(found["answers"]), found["seconds"]
    return Seen(
        events / took,
        median(found["answers"]) * 1000,
        served_cpu / events * 1000,
        api_cpu / took * 100,
        found["cpu"] / took * 100,
    )
