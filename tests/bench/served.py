"""Functions under functions-framework, in front of a tag API, under load: each in processes of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.function import free_port

ROOT = Path(__file__).parent.parent.parent
FRAMEWORK = str(Path(sys.executable).parent / "functions-framework")
EVENT = ROOT / "tests/events/eventgrid-trace.json"
"""The shipped table gives it three tags."""

PROJECT = "0123456789abcdef0123456789abcdef"
"""Whose image it is."""

STARTS_WITHIN = 30.0
"""Seconds."""

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class Served(NamedTuple):
    """What listens at a port of this machine."""

    process: subprocess.Popen[str]
    port: int

    @property
    def processes(self) -> list[int]:
        """It and its children, as Linux tells them."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return [pid, *map(int, children)]

    @property
    def cpu(self) -> float:
        """Seconds of processor time up to now."""
        stats = [Path(f"/proc/{pid}/stat").read_text(encoding="utf-8") for pid in self.processes]
        # The fields after the name, which can hold spaces: those that proc(5) numbers 14 and 15.
        return sum(sum(map(int, stat.rpartition(")")[2].split()[11:13])) for stat in stats) / TICKS_A_SECOND


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
def tag_api(delay: float = 0) -> Iterator[Served]:
    """delay: seconds until each answer."""
    command = [sys.executable, "-m", "tests.bench.tag_api", str(delay)]
    with _running(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield Served(process, int(process.stdout.readline()))


@contextmanager
def function(source: str, api: Served, **settings: str) -> Iterator[Served]:
    """Listens when it is given, and its first answer may take longer. settings: besides those it needs."""
    port = free_port()
    options = f"--source {source} --target tag_created_image --host 127.0.0.1 --port {port}".split()
    environment = {
        "PATH": os.environ["PATH"],
        "IMS_ENDPOINT": f"http://127.0.0.1:{api.port}",
        "OS_TOKEN": "canary-token-of-the-benchmarks",
        "PROJECTS": PROJECT,
        **settings,
    }
    with _running([FRAMEWORK, *options], stdout=subprocess.DEVNULL, env=environment) as process:
        until = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < until and process.poll() is None:
            with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.001)
        else:
            raise RuntimeError("a function did not start; what it wrote stands above")
        yield Served(process, port)


def under_load(served: Served, api: Served, connections: int, seconds: float) -> Seen:
    """Sends EVENT over so many connections, each time as soon as the one before is answered."""
    served_cpu, api_cpu = served.cpu, api.cpu
    command = [
        sys.executable,
        "-m",
        "tests.bench.load",
        *map(str, (served.port, EVENT, connections, seconds)),
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


@contextmanager
def _running(command: list[str], **options: object) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, cwd=ROOT, text=True, **options) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)
