"""The processes that tests, benchmarks and fuzzing start: how a function is started stands here alone."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from deploy.local.process_log import Log
from tests.processes.forked import Forked
from tests.support.paths import ROOT

FRAMEWORK = str(Path(sys.executable).parent / "functions-framework")

PATIENCE = 15.0
"""Seconds."""

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")

T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def eventually(look: Callable[[], T], what: str) -> T:
    """The first true answer of `look`; fail after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:g} seconds"
        time.sleep(0.01)
    return found


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def framework(port: int, source: str = "main.py", target: str = "tag_created_image") -> list[str]:
    """The command that serves a function."""
    options = f"--source {source} --target {target} --host 127.0.0.1 --port {port}"
    return [FRAMEWORK, *options.split()]


def cpu_of(pids: Iterable[int]) -> float:
    """Seconds of processor time that these processes have had up to now."""
    stats = [Path(f"/proc/{pid}/stat").read_text(encoding="utf-8") for pid in pids]
    # The fields after the name, which can hold spaces: those that proc(5) numbers 14 and 15.
    return sum(sum(map(int, stat.rpartition(")")[2].split()[11:13])) for stat in stats) / TICKS_A_SECOND


class Process:
    """A process that can be killed and started again, with one log for all its lives.

    environ: all of its environment besides PATH.
    """

    def __init__(self, log: Path, *command: str, **environ: str) -> None:
        self.log = Log(log)
        self._command = command
        # Gunicorn's socket for control: in the home folder, functions would take it away from one another.
        self._environ = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(log.parent), **environ}
        log.write_bytes(b"")
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes] | Forked":
        with self.log.path.open("ab") as output:
            return subprocess.Popen(self._command, cwd=ROOT, env=self._environ, stdout=output, stderr=output)

    @property
    def pids(self) -> list[int]:
        """It and its children, as Linux tells them; a function is a master and its workers."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return [pid, *map(int, children)]

    @property
    def cpu(self) -> float:
        """Seconds of processor time up to now, of it and its children."""
        return cpu_of(self.pids)

    def keep_up(self) -> None:
        """Start it, unless it runs."""
        if self.process.poll() is not None:
            self.process = self._start()

    def kill(self) -> None:
        """As a crash of the machine would: nothing is finished, nobody is told, no child is spared."""
        if self.process.poll() is None:
            for pid in self.pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, 9)
            self.process.wait()


class ForkedProcess(Process):
    """A Python program of which no test is about how it starts: it starts as a fork, which is faster."""

    def _start(self) -> Forked:
        with self.log.path.open("ab") as output:
            return Forked(self._command, self._environ, output.fileno(), output.fileno())
