"""Python programs that start fast: forks of a process that has imported what others wrote, nothing of ours.

Most of the time in which a function starts goes into Flask, Gunicorn and the like, which no test is about.
The program, its arguments, its environment and its exit status are as if Python had been started for it.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from tests.support.paths import ROOT

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "flask",
        "functions_framework._cli",
        "functions_framework._http.gunicorn",
        "gunicorn.workers.gthread",
        "cloudevents.http",
        "jinja2",
        "requests",
        "nats",
    ]
)


class Forked:
    """A program that was forked, with what the tests use of `subprocess.Popen`."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], output: int, errors: int) -> None:
        """Starts it in the folder of the project, with nothing to read.

        command: as for a shell: a script, or Python itself with `-m`. environ: all of its environment.
        output, errors: file descriptors.
        """
        arguments = list(command[1:] if command[0] == sys.executable else command)
        with (
            Connection(os.dup(output), readable=False) as to_output,
            Connection(os.dup(errors), readable=False) as to_errors,
        ):
            self._process = _FORKS.Process(target=_run, args=(arguments, dict(environ), to_output, to_errors))
            self._process.start()
        self.pid = self._process.pid or 0

    def poll(self) -> int | None:
        """Its exit status, minus the signal that ended it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired after so many seconds."""
        self._process.join(timeout)
        if (ended := self.poll()) is None:
            raise subprocess.TimeoutExpired(f"the fork {self.pid}", timeout or 0)
        return ended

    def send_signal(self, number: int) -> None:
        # The fork server may have seen its end before it tells.
        with suppress(ProcessLookupError):
            if self.poll() is None:
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(arguments: list[str], environ: Mapping[str, str], output: Connection, errors: Connection) -> None:
    """What Python does when it is started with these arguments."""
    os.dup2(output.fileno(), 1)
    os.dup2(errors.fileno(), 2)
    output.close()
    errors.close()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environ)
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path[0] = str(ROOT)
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path[0] = str(Path(arguments[0]).resolve().parent)
        runpy.run_path(arguments[0], run_name="__main__")
