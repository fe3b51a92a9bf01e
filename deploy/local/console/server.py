"""The console's server: it listens at once, and shows something as soon as the stack is up."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from deploy.local.console.doors import Bus, Commands, Emulator, Observer
from deploy.local.console.doors.table import TableFile
from deploy.local.console.protection import protect, set_headers
from deploy.local.console.rendering import environment
from deploy.local.follow_logs import LogFollower
from deploy.local.journal import Journal
from deploy.local.processes import LOOPBACK, Processes
from deploy.local.stack import Stack

PORT = 8090

LARGEST_BODY = 2 * 1024 * 1024

LAST_ANSWERS = 0.2
"""Seconds for answers under way when the console stops; a stream of events never ends by itself."""


@dataclass
class Doors:
    """What is there once the stack is up. dead_letters: how many, None if the bus does not say."""

    stack: Stack
    follower: LogFollower
    bus: Bus
    emulator: Emulator
    commands: Commands
    table: TableFile
    drafting: asyncio.Lock = field(default_factory=asyncio.Lock)
    before: tuple[str, dict[str, Any]] = ("", {})
    """What the table with this digest makes of the file of each event."""
    dead_letters: int | None = None


@dataclass
class Console:
    """Where it is, and what the views share.

    token: of this session; each POST carries it. instance: tells a page that the stack is another one now.
    """

    url: str
    folder: Path
    journal: Journal
    stops: AsyncExitStack
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    instance: str = field(default_factory=lambda: secrets.token_hex(6))

    def __post_init__(self) -> None:
        self.templates = environment()
        self.doors: asyncio.Future[Doors] = asyncio.get_running_loop().create_future()

    @staticmethod
    @asynccontextmanager
    async def served(processes: Processes, journal: Journal) -> AsyncIterator["Console"]:
        """A console that listens. Raises NotRunning if there is no port for it."""
        from deploy.local.console import views  # noqa: PLC0415 - the views know the console

        port = processes.port(PORT)
        async with AsyncExitStack() as stops:
            folder = processes.folder / "events"
            folder.mkdir()
            console = Console(f"http://{LOOPBACK}:{port}", folder, journal, stops)
            app = web.Application(
                middlewares=[protect(port, console.token), views.failures], client_max_size=LARGEST_BODY
            )
            app[views.CONSOLE] = console
            app.add_routes(views.routes)
            app.on_response_prepare.append(set_headers)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_ANSWERS)
            await runner.setup()
            stops.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, LOOPBACK, port, reuse_address=True).start()
            yield console

    async def attach(self, stack: Stack, follower: LogFollower) -> None:
        """The stack is up: the console looks at it from now on."""
        emulator = await self.stops.enter_async_context(Emulator.at(stack.ims, stack.token))
        bus = await self.stops.enter_async_context(Bus.at(stack.bus, self.journal))
        commands = Commands({**stack.settings, "RULES": str(stack.rules)})
        table = TableFile(stack.rules, self.folder.parent / "draft")
        doors = Doors(stack, follower, bus, emulator, commands, table)
        observer = Observer(self.journal, commands, emulator, self.folder)
        for work in (observer.run(), self._count(doors, observer)):
            task = asyncio.create_task(work)
            self.stops.push_async_callback(_cancelled, task)
        self.doors.set_result(doors)

    async def _count(self, doors: Doors, observer: Observer) -> None:
        while True:
            doors.dead_letters = await doors.bus.dead_letters()
            observer.forget()
            await asyncio.sleep(1)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, ExceptionGroup):
        await task
