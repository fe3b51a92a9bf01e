"""Processes of the local stack: started in order, watched until ready, stopped in reverse."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deploy.local import left_over
from deploy.local.process_log import Log

ROOT = Path(__file__).parent.parent.parent
LOOPBACK = "127.0.0.1"

READY_WITHIN = 20.0
STOPPED_WITHIN = 35.0
"""Seconds. The subscription finishes what it has begun, so a stop takes as long as its slowest delivery."""


class NotRunning(Exception):
    """A part of the stack did not start or has stopped; the message is for the person at the terminal."""


@dataclass
class Part:
    """One process of the stack. paused: whether somebody has killed it on purpose, and may resume it."""

    name: str
    command: Sequence[str]
    settings: Mapping[str, str]
    ready: Callable[[], Awaitable[bool]]
    log: Log
    process: asyncio.subprocess.Process | None = None
    paused: bool = False


class Processes:
    """Starts processes that write their logs into a folder, and stops them in reverse order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parts: dict[str, Part] = {}
        self._stops = AsyncExitStack()

    async def __aenter__(self) -> Self:
        left_over.note(self.folder, "up", os.getpid())
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
        part = Part(name, command, settings, ready, log)
        self._stops.push_async_callback(_stop, part)
        await self._launch(part)
        self._parts[name] = part
        return log

    async def pause(self, name: str) -> None:
        """Kills one with SIGKILL, as a crash would; nothing is said until `resume` starts it again."""
        part = self._parts[name]
        part.paused = True
        if part.process is not None and part.process.returncode is None:
            os.killpg(part.process.pid, signal.SIGKILL)
            await part.process.wait()

    async def resume(self, name: str) -> None:
        """Starts one again that was paused. Raises NotRunning."""
        part = self._parts[name]
        if part.paused:
            await self._launch(part)
            part.paused = False

    def is_paused(self, name: str) -> bool:
        return self._parts[name].paused

    def check(self) -> None:
        """Raises NotRunning if one that was started has stopped by itself."""
        for part in self._parts.values():
            if not part.paused and part.process is not None and part.process.returncode is not None:
                words = part.log.last_words()
                raise NotRunning(f"The {part.name} has stopped, start again; its last words: {words}")

    async def _launch(self, part: Part) -> None:
        with part.log.path.open("ab") as output:
            part.process = process = await asyncio.create_subprocess_exec(
                *part.command,
                cwd=ROOT,
                env={"PATH": os.environ.get("PATH", os.defpath), **part.settings},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # In a session of its own Ctrl-C reaches it only through us, and in our order.
                start_new_session=True,
            )
        left_over.note(self.folder, part.name, process.pid)
        try:
            async with asyncio.timeout(READY_WITHIN):
                while not await part.ready():
                    if process.returncode is not None:
                        raise NotRunning(f"The start failed. The {part.name} says: {part.log.last_words()}")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            words = part.log.last_words()
            raise NotRunning(f"The {part.name} was not ready within {READY_WITHIN:.0f} s: {words}") from None

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


async def _stop(part: Part) -> None:
    process = part.process
    if process is None or process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(STOPPED_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
