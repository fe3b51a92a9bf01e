"""What a command of the product takes."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

from tests.support.paths import ROOT

LOOK_EVERY = 0.02
"""Seconds."""


class Ran(NamedTuple):
    """A command that has ended. memory: MiB that it had at the most."""

    out: str
    seconds: float
    memory: float


def run(environ: Mapping[str, str], *arguments: str) -> Ran:
    """`python main.py ARGUMENTS`. environ: all of its environment."""
    command = (sys.executable, "main.py", *arguments)
    began, peak = time.monotonic(), 0
    with (
        TemporaryFile("w+", encoding="utf-8") as out,
        subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=subprocess.DEVNULL) as process,
    ):
        while process.poll() is None:
            peak = max(peak, _peak_of(process.pid))
            time.sleep(LOOK_EVERY)
        seconds = time.monotonic() - began
        out.seek(0)
        return Ran(out.read(), seconds, peak / 1024)


def _peak_of(pid: int) -> int:
    """KiB that a process has had in memory at the most, as Linux tells it; 0 once it has ended."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int((status.partition("VmHWM:")[2].split() or ["0"])[0])
