"""The whole system as processes: bus, IMS emulator, function, subscription."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from deploy.local.processes import Log
from tests.bus import Bus, eventually
from tests.emulator import Ims
from tests.function import FRAMEWORK, free_port

ROOT = Path(__file__).parent.parent.parent

SUBSCRIPTION = ("-m", "deploy.nats")


class Part:
    """A process that can be killed and started again, with one log for all its lives."""

    def __init__(self, log: Path, *command: str, **environ: str) -> None:
        self.log = Log(log)
        self._command = command
        self._environ = {"PATH": os.environ["PATH"], **environ}
        self._process: subprocess.Popen[bytes] | None = None

    def keep_up(self) -> None:
        """Start it, unless it runs."""
        if self._process is None or self._process.poll() is not None:
            with self.log.path.open("ab") as output:
                self._process = subprocess.Popen(
                    self._command,
                    cwd=ROOT,
                    env=self._environ,
                    stdout=output,
                    stderr=output,
                    # The function is a master and a worker, and a crash of the machine spares neither.
                    start_new_session=True,
                )

    def kill(self) -> None:
        """As a crash would: nothing is finished, nobody is told."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@dataclass(frozen=True)
class System:
    bus: Bus
    ims: Ims
    function: Part
    subscription: Part

    def keep_up(self) -> None:
        """Start what has ended, as whatever supervises processes does."""
        self.function.keep_up()
        self.subscription.keep_up()

    def drain(self, within: float) -> None:
        """Wait until the bus has no event left. Raise TimeoutError if that takes more seconds."""
        until = time.monotonic() + within
        while left := self.bus.count():
            if time.monotonic() > until:
                raise TimeoutError(f"{left} events are still on the bus after {within:g} s")
            self.keep_up()
            time.sleep(0.1)

    def dead_letters(self, *verb: str) -> Any:
        return dead_letters(self.bus.url, *verb)


def dead_letters(place: str, verb: str, *options: str, **settings: str) -> Any:
    """What the operator's command prints, as JSON. Raise CalledProcessError if it fails."""
    answer = subprocess.run(
        (sys.executable, "main.py", "dead-letters", verb, place, "--json", *options),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return json.loads(answer.stdout)


def reasons_of(listed: Any) -> dict[str, str]:
    """Why each event of a list became a dead letter, by its id."""
    rows = listed["dead_letters"]
    return {row["id"]: ": ".join(filter(None, (row["reason"], row["detail"]))) for row in rows}


@contextmanager
def running(subscription: Sequence[str] = SUBSCRIPTION, **settings: str) -> Iterator[System]:
    """The system, ready, and killed in the end.

    subscription: what Python is told to run as it. settings: of function and subscription, besides addresses.
    """
    with TemporaryDirectory(prefix="image-tagger-") as name, ExitStack() as ends:
        folder = Path(name)
        bus = Bus(folder)
        ends.callback(bus.stop)
        bus.start()
        ims = Ims()
        ends.callback(ims.stop)
        addresses = {"IMS_ENDPOINT": ims.url, "OS_TOKEN": ims.token, "NATS_URL": bus.url}
        pair = ends.enter_context(delivering(folder, subscription, **addresses, **settings))
        yield System(bus, ims, pair.function, pair.subscription)


class Pair(NamedTuple):
    """A function and a subscription that posts to it. url: of the function."""

    url: str
    function: Part
    subscription: Part


@contextmanager
def delivering(folder: Path, subscription: Sequence[str] = SUBSCRIPTION, **settings: str) -> Iterator[Pair]:
    """The two, ready, and killed in the end.

    folder: for their logs. subscription: what Python is told to run as it. settings: of both, besides where
    the function is.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    framework = f"{FRAMEWORK} --source main.py --target tag_created_image --host 127.0.0.1 --port {port}"
    log = folder / f"subscription-{port}.log"
    function = Part(folder / f"function-{port}.log", *framework.split(), **settings)
    subscribing = Part(log, sys.executable, *subscription, SUBSCRIBER_URL=url, **settings)
    with ExitStack() as ends:
        for part in (function, subscribing):
            ends.callback(part.kill)
            part.keep_up()
        eventually(lambda: _answers(port) and b"subscription.ready" in log.read_bytes(), "start of all parts")
        yield Pair(url, function, subscribing)


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
