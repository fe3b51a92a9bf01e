"""The console's server: it listens at once, and shows something as soon as the stack is up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Self

from aiohttp import web

from deploy.local.console import views
from deploy.local.console.doors import Bus, Commands, Emulator, Observer
from deploy.local.console.doors.table import TableFile
from deploy.local.console.protection import protect, set_headers
from deploy.local.console.state import STATE, Doors, State
from deploy.local.follow_logs import LogFollower
from deploy.local.journal import Journal
from deploy.local.processes import LOOPBACK, Processes
from deploy.local.stack import Stack

PORT = 8090

LARGEST_BODY = 2 * 1024 * 1024

LAST_ANSWERS = 0.2
"""Seconds for answers under way when the console stops; a stream of events never ends by itself."""


class Console:
    def __init__(self, state: State, stops: AsyncExitStack) -> None:
        self._state = state
        self._stops = stops
        self.url = state.url

    @classmethod
    @asynccontextmanager
    async def served(cls, processes: Processes, journal: Journal) -> AsyncIterator[Self]:
        """A console that listens. Raises NotRunning if there is no port for it."""
        port = processes.port(PORT)
        folder = processes.folder / "events"
        folder.mkdir()
        state = State(f"http://{LOOPBACK}:{port}", folder, journal)
        app = web.Application(
            middlewares=[protect(port, state.token), views.failures], client_max_size=LARGEST_BODY
        )
        app[STATE] = state
        app.add_routes(views.routes)
        app.on_response_prepare.append(set_headers)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_ANSWERS)
        await runner.setup()
        async with AsyncExitStack() as stops:
            stops.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, LOOPBACK, port, reuse_address=True).start()
            yield cls(state, stops)

    async def attach(self, stack: Stack, follower: LogFollower) -> None:
        """The stack is up: the console looks at it from now on."""
        state = self._state
        emulator = await self._stops.enter_async_context(Emulator.at(stack.ims, stack.token))
        bus = await self._stops.enter_async_context(Bus.at(stack.bus, state.journal))
        commands = Commands({**stack.settings, "RULES": str(stack.rules)})
        table = TableFile(stack.rules, state.folder.parent / "draft")
        doors = Doors(stack, follower, bus, emulator, commands, table)
        observer = Observer(state.journal, commands, emulator, state.folder)
        for work in (observer.run(), _count(doors, observer)):
            self._stops.push_async_callback(_cancelled, asyncio.create_task(work))
        state.doors.set_result(doors)
        if (task := asyncio.current_task()) and task.cancelling():
            # The client of NATS swallows a stop that comes while it connects.
            raise asyncio.CancelledError


async def _count(doors: Doors, observer: Observer) -> None:
    while True:
        doors.dead_letters = await doors.bus.dead_letters()
        observer.forget()
        await asyncio.sleep(1)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, ExceptionGroup):
        await task
