"""Processes of the local stack: started in order, watched until ready, stopped in reverse."""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parent.parent.parent
LOOPBACK = "127.0.0.1"

READY_WITHIN = 20.0
STOPPED_WITHIN = 35.0
"""Seconds. The subscription finishes what it has begun, so a stop takes as long as its slowest delivery."""


class NotRunning(Exception):
    """A part of the stack did not start or has stopped; the message is for the person at the terminal."""


class Log:
    """The lines that a process has written so far, read a piece at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = 0

    def new_lines(self) -> list[dict[str, Any]]:
        """What JSON lines came since the last call. A line that is still being written waits for the next."""
        text = self.path.read_bytes()
        end = text.rfind(b"\n") + 1
        new, self._read = text[self._read : end], max(end, self._read)
        return [line for raw in new.splitlines() if isinstance(line := _json(raw), dict)]

    def last_words(self) -> str:
        lines = self.path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it wrote nothing"


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


class Processes:
    """Starts processes that write their logs into a folder, and stops them in reverse order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[tuple[str, asyncio.subprocess.Process, Log]] = []
        self._stops = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stops.aclose()

    async def start(
        self,
        name: str,
        command: Sequence[str],
        settings: Mapping[str, str],
        ready: Callable[[], Awaitable[bool]],
    ) -> Log:
        """Starts one, asks until it is ready, and returns its log. Raises NotRunning.

        settings: its environment besides PATH.
        """
        log = Log(self.folder / f"{name.replace(' ', '-')}.log")
        with log.path.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=ROOT,
                env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONDONTWRITEBYTECODE": "1", **settings},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # In a session of its own Ctrl-C reaches it only through us, and in our order.
                start_new_session=True,
            )
        self._stops.push_async_callback(_stop, process)
        try:
            async with asyncio.timeout(READY_WITHIN):
                while not await ready():
                    if process.returncode is not None:
                        raise NotRunning(f"The start failed. The {name} says: {log.last_words()}")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            message = f"The {name} was not ready within {READY_WITHIN:.0f} s: {log.last_words()}"
            raise NotRunning(message) from None
        self._running.append((name, process, log))
        return log

    def check(self) -> None:
        """Raises NotRunning if one that was started has stopped by itself."""
        for name, process, log in self._running:
            if process.returncode is not None:
                raise NotRunning(f"The {name} has stopped, start again; its last words: {log.last_words()}")

    def port(self, wanted: int) -> int:
        """The wanted port of this machine or the next free one, kept until the end. Raises NotRunning."""
        for port in range(wanted, wanted + 1000):
            # The UDP port of the same number is held, which keeps away a stack that starts at the same time.
            with ExitStack() as claim, socket.socket() as probe, suppress(OSError):
                claim.enter_context(socket.socket(type=socket.SOCK_DGRAM)).bind((LOOPBACK, port))
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((LOOPBACK, port))
                self._stops.enter_context(claim.pop_all())
                return port
        raise NotRunning(f"No port from {wanted} to {wanted + 999} is free; stop something and try again.")


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(STOPPED_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
