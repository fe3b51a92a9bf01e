"""What a stack leaves behind that was killed with SIGKILL: found by the next one, named and ended.

Each stack notes its processes in its own folder of temporary files. A number of a process may be given to
another one later, so the moment of its start is noted as well.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

FOLDERS = "image-tagger-"
"""How the name of a stack's folder begins."""

NOTES = "processes.jsonl"

ENDED_WITHIN = 5.0
"""Seconds from SIGTERM to SIGKILL."""


class Noted(NamedTuple):
    name: str
    pid: int
    started: str

    @property
    def runs(self) -> bool:
        return _started(self.pid) == self.started


def note(folder: Path, name: str, pid: int) -> None:
    """Notes a process in a stack's folder. The first is `up` itself, whose end makes the others left over."""
    with (folder / NOTES).open("a", encoding="utf-8") as notes:
        notes.write(json.dumps([name, pid, _started(pid)]) + "\n")


def end() -> Iterator[str]:
    """Ends what stacks have left behind that were this user's own, and gives a sentence about each."""
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{FOLDERS}*")):
        with suppress(OSError, ValueError):
            if folder.stat().st_uid != os.getuid():
                continue
            noted = [Noted(*json.loads(line)) for line in (folder / NOTES).read_text().splitlines()]
            if not noted or noted[0].runs:
                continue
            running = [each for each in noted[1:] if each.runs]
            _end(running)
            if running:
                names = ", ".join(f"{each.name} ({each.pid})" for each in running)
                yield f"Ended what an earlier run had left running: {names}."
            if kept := remove(folder):
                yield f"The rules table that you saved in an earlier run is {kept}"


def remove(folder: Path) -> Path | None:
    """Removes a stack's folder, but for a table that somebody has saved there, and gives its path."""
    table, original = folder / "rules" / "rules.toml", folder / "rules" / ".original.toml"
    saved = table.is_file() and original.is_file() and table.read_bytes() != original.read_bytes()
    for entry in folder.iterdir() if saved else ():
        if entry != table.parent:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    if not saved:
        shutil.rmtree(folder)
    return table if saved else None


def _end(running: list[Noted]) -> None:
    for signal_ in (signal.SIGTERM, signal.SIGKILL):
        for each in running:
            with suppress(ProcessLookupError, PermissionError):
                # Each part has a session of its own: its group has its workers as well.
                os.killpg(each.pid, signal_)
        deadline = time.monotonic() + ENDED_WITHIN
        while any(each.runs for each in running) and time.monotonic() < deadline:
            time.sleep(0.05)


def _started(pid: int) -> str:
    """When a process began, as the system writes it; "" if there is none, or only what is left of one."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self").exists():
            return ""
    else:
        return "" if fields[0] == "Z" else fields[19]
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
