"""Python programs that start fast: forks of a process that has imported what others wrote, nothing of ours.

Most of the time in which a function starts goes into Flask, Gunicorn and the like, which no test is about.
The program, its arguments, its environment, its end: all is as if Python had been started for it. Only its
command is that of the fork server.
"""

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from tests.support.paths import ROOT

IMPORTED = (
    "flask",
    "functions_framework._cli",
    "functions_framework._http.gunicorn",
    "gunicorn.workers.gthread",
    "cloudevents.http",
    "jinja2",
    "requests",
    "nats",
)

NUMBER = struct.Struct("i")


class Forked:
    """A program that was forked, with what the tests use of `subprocess.Popen`."""

    def __init__(self, pid: int, status: int) -> None:
        """status: the pipe from which its exit status can be read."""
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """Its exit status, minus the signal that ended it; None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired after so many seconds."""
        ended = self._ended(timeout)
        if ended is None:
            raise subprocess.TimeoutExpired(f"the fork {self.pid}", timeout or 0)
        return ended

    def _ended(self, within: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], within)[0]:
            status = os.read(self._status, NUMBER.size)
            os.close(self._status)
            self.returncode = NUMBER.unpack(status)[0] if status else -signal.SIGKILL
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Server:
    """The process that forks, one for each process of the tests."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.processes.fork_server", str(theirs.fileno())],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"]},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.stop)

    def fork(self, arguments: Sequence[str], environ: Mapping[str, str], output: int, errors: int) -> Forked:
        status, told = os.pipe()
        request = json.dumps([list(arguments), dict(environ)]).encode()
        try:
            socket.send_fds(self._ours, [NUMBER.pack(len(request))], [output, errors, told])
        finally:
            os.close(told)
        self._ours.sendall(request)
        [pid] = NUMBER.unpack(self._ours.recv(NUMBER.size, socket.MSG_WAITALL))
        return Forked(pid, status)

    def stop(self) -> None:
        if self.owner == os.getpid():
            self._ours.close()
            self._process.wait()


_servers: list[_Server] = []


def fork(command: Sequence[str], environ: Mapping[str, str], output: int, errors: int) -> Forked:
    """Runs a Python program, in the folder of the project, with nothing to read.

    command: as for a shell: a script, or Python itself with `-m`. output, errors: file descriptors.
    """
    if not _servers or _servers[-1].owner != os.getpid():
        _servers[:] = [_Server()]
    arguments = command[1:] if command[0] == sys.executable else command
    return _servers[-1].fork(arguments, environ, output, errors)


def _serve(requests: socket.socket) -> tuple[list[str], dict[str, str]] | None:
    """Forks. Comes back in each fork, with its arguments and environment, and with None at the end of all."""
    waiting: dict[int, tuple[int, int]] = {}
    while True:
        ready, _, _ = select.select([requests.fileno(), *waiting], [], [])
        for each in waiting.keys() & ready:
            pid, told = waiting.pop(each)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            # Whoever asked for it may be gone.
            with suppress(BrokenPipeError):
                os.write(told, NUMBER.pack(status))
            os.close(told)
            os.close(each)
        if requests.fileno() in ready:
            head, descriptors, _, _ = socket.recv_fds(requests, NUMBER.size, 3)
            if not head:
                return None
            [length] = NUMBER.unpack(head)
            arguments, environ = json.loads(requests.recv(length, socket.MSG_WAITALL))
            output, errors, told = descriptors
            pid = os.fork()
            if not pid:
                os.dup2(output, 1)
                os.dup2(errors, 2)
                os.closerange(3, 4096)
                requests.detach()
                return arguments, environ
            waiting[os.pidfd_open(pid)] = pid, told
            os.close(output)
            os.close(errors)
            requests.sendall(NUMBER.pack(pid))


def _run(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """What Python does when it is started with these arguments."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environ)
    if arguments[0] == "-m":
        sys.argv = list(arguments[1:])
        sys.path[0] = str(ROOT)
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(arguments)
        sys.path[0] = str(Path(arguments[0]).resolve().parent)
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    # The tests end it by closing their end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in IMPORTED:
        import_module(name)
    gc.collect()
    # Else the first collection in a fork would copy the pages that it shares with this process.
    gc.freeze()
    given = _serve(socket.socket(fileno=int(sys.argv[1])))
    if given is not None:
        _run(*given)
