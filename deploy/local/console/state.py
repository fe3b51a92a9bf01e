"""What the console knows, and what its views share."""

import asyncio
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from deploy.local.console.doors import Bus, Commands, Emulator
from deploy.local.console.doors.table import TableFile
from deploy.local.console.kept_results import KeptResults
from deploy.local.console.rendering import environment
from deploy.local.follow_logs import LogFollower
from deploy.local.journal import Journal
from deploy.local.stack import Stack


@dataclass
class Doors:
    """What is there once the stack is up."""

    stack: Stack
    follower: LogFollower
    bus: Bus
    emulator: Emulator
    commands: Commands
    table: TableFile

    drafting: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever has a draft of the table on disk."""

    kept: KeptResults = field(default_factory=KeptResults)
    """What the newest tables make of events."""

    explained: dict[tuple[str, str], Any] = field(default_factory=dict)
    """What `explain` answered for the file of one event, under this version of the table."""

    reading: set[tuple[str, ...]] = field(default_factory=set)
    """The options of `explain` with which a table read images the last time."""

    dead_letters: int | None = None
    """How many there are; None if the bus does not say."""


class State:
    """url: of the console. folder: for the files of events."""

    def __init__(self, url: str, folder: Path, journal: Journal) -> None:
        self.url = url
        self.folder = folder
        self.journal = journal
        self.templates = environment()
        self.token = secrets.token_urlsafe(24)
        """Of this session; each POST carries it."""
        self.instance = secrets.token_hex(6)
        """Tells a page that the stack is another one now."""
        self.doors: asyncio.Future[Doors] = asyncio.get_running_loop().create_future()


STATE = web.AppKey("STATE", State)
