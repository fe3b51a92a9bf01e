"""The whole system as processes: bus, IMS emulator, function, subscription."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.processes.bus import Bus
from tests.processes.emulator import Ims
from tests.processes.launch import Process, eventually, framework, free_port, listens
from tests.support.paths import ROOT

SUBSCRIPTION = ("-m", "deploy.nats")


@dataclass(frozen=True)
class System:
    """url: of the function."""

    bus: Bus
    ims: Ims
    function: Process
    subscription: Process
    url: str

    def keep_up(self) -> None:
        """Start what has ended, as whatever supervises processes does."""
        self.function.keep_up()
        self.subscription.keep_up()

    def kills(self) -> dict[str, Callable[[], None]]:
        """What can be killed, and how; the bus is there again at once."""

        def kill_bus() -> None:
            self.bus.kill()
            self.bus.start()

        return {
            "function killed": self.function.kill,
            "subscription killed": self.subscription.kill,
            "bus killed": kill_bus,
        }

    def drain(self, within: float) -> None:
        """Wait until the bus has no event left. Raise TimeoutError if that takes more seconds."""
        until = time.monotonic() + within
        while left := self.bus.count():
            if time.monotonic() > until:
                raise TimeoutError(f"{left} events are still on the bus after {within:g} s")
            self.keep_up()
            time.sleep(0.1)

    def of_commands(self, **settings: str) -> dict[str, str]:
        """The environment of the commands about images. settings: besides PATH and addresses."""
        ims = self.ims
        addresses = {"IMS_ENDPOINT": ims.url, "CTS_ENDPOINT": ims.url}
        own = {"OS_TOKEN": ims.token, "PROJECTS": ims.project_id}
        return {"PATH": os.environ["PATH"], **addresses, **own, **settings}

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
        yield System(bus, ims, pair.function, pair.subscription, pair.url)


class Pair(NamedTuple):
    """A function and a subscription that posts to it. url: of the function."""

    url: str
    function: Process
    subscription: Process


@contextmanager
def delivering(folder: Path, subscription: Sequence[str] = SUBSCRIPTION, **settings: str) -> Iterator[Pair]:
    """The two, ready, and killed in the end.

    folder: for their logs. subscription: what Python is told to run as it. settings: of both, besides where
    the function is.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = folder / f"subscription-{port}.log"
    with ExitStack() as ends:
        function = Process(folder / f"function-{port}.log", *framework(port), **settings)
        ends.callback(function.kill)
        subscribing = Process(log, sys.executable, *subscription, SUBSCRIBER_URL=url, **settings)
        ends.callback(subscribing.kill)
        eventually(lambda: listens(port) and b"subscription.ready" in log.read_bytes(), "start of all parts")
        yield Pair(url, function, subscribing)
