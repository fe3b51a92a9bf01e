"""Looks up what no log line tells of an event: what the function reads in it, and its image's tags."""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploy.local.console.doors.commands import CommandFailed, Commands
from deploy.local.console.doors.emulator import Emulator
from deploy.local.console.doors.payloads import file_of
from deploy.local.journal import Journal, Record

EVERY = 0.05
"""Seconds between two looks at the journal."""

AT_ONCE = 250
"""Events that one command explains."""

TITLE = 300
"""Characters of a title that are kept."""

IMAGES = 5
"""Images of one event whose tags are kept."""

REMEMBERED = 5000
"""Images whose tags are remembered."""

NO_IMAGE = "00000000-0000-0000-0000-000000000000"
"""Stands in the commands' answers for an image of which only the job is known."""


class Observer:
    """folder: for the files of events."""

    def __init__(self, journal: Journal, commands: Commands, emulator: Emulator, folder: Path) -> None:
        self._journal = journal
        self._commands = commands
        self._emulator = emulator
        self._folder = folder
        self._tags: OrderedDict[str, dict[str, str]] = OrderedDict()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._repeat(self._explain))
            tasks.create_task(self._repeat(self._look_at_images))

    async def _repeat(self, look: Any) -> None:
        seen = -1
        while True:
            if seen != self._journal.changes:
                seen = self._journal.changes
                await look()
            await asyncio.sleep(EVERY)

    async def _explain(self) -> None:
        """Names events by what the function reads in their messages, many with one command."""
        untitled = [each for each in self._journal if each.title is None and each.message]
        fresh = [(each, path) for each in untitled[:AT_ONCE] if (path := file_of(self._folder, each))]
        for record in untitled:
            if record.message and record.message.body is None:
                record.title = ""
        if not fresh:
            return
        try:
            answer = await self._commands("explain", *(str(path) for _, path in fresh))
            files = answer["files"]
        except (CommandFailed, KeyError):
            # The table has a fault just now; what it does not reach is named another time.
            files = [{} for _ in fresh]
        for (record, _), file in zip(fresh, files, strict=True):
            self._learn(record, file.get("events", []))

    def _learn(self, record: Record, events: list[Any]) -> None:
        images = [image["image"] for event in events for image in event["images"]]
        names = dict.fromkeys(str(image["name"]) for image in images if image.get("name"))
        record.title = ", ".join(names)[:TITLE]
        ids = [image["id"] for image in images if image.get("id") not in {None, NO_IMAGE}]
        record.image_ids = list(dict.fromkeys([*record.image_ids, *ids]))[:IMAGES]
        read = [event["event"] for event in events]
        record.type = record.type or str((read[0] if read else {}).get("type") or "")
        self._journal.name(record, *(str(event["id"]) for event in read if event.get("id")))
        self._journal.touch(record)

    async def _look_at_images(self) -> None:
        """The tags of the images of what has ended, and their names where nobody has seen the event."""
        for record in list(self._journal):
            ended = record.ended and not record.tags_after and record.image_ids
            if ended or (record.title is None and record.message is None and record.attempts):
                found = [(each, await self._emulator.image(each)) for each in record.image_ids[:IMAGES]]
                images = {image_id: image for image_id, image in found if image}
                if record.title is None and record.message is None:
                    names = (str(image["attributes"].get("name", "")) for image in images.values())
                    record.title = ", ".join(dict.fromkeys(names))[:TITLE]
                if ended:
                    self._compare(record, {each: dict(image["tags"]) for each, image in images.items()})
                self._journal.touch(record)

    def _compare(self, record: Record, after: dict[str, dict[str, str]]) -> None:
        """What an image had before: its tags without this event's, and what was seen of those last."""
        written: dict[str, set[str]] = {}
        for step in record.steps:
            for tag in step.line.get("written", ()):
                written.setdefault(str(step.line.get("image_id")), set()).add(str(tag.get("key")))
        for image_id, tags in after.items():
            own, last = written.get(image_id, set()), self._tags.get(image_id, {})
            before = {key: value for key, value in tags.items() if key not in own}
            record.tags_before[image_id] = before | {key: last[key] for key in own if key in last}
            self._tags[image_id] = tags
            self._tags.move_to_end(image_id)
        record.tags_after = after or {"": {}}
        while len(self._tags) > REMEMBERED:
            self._tags.popitem(last=False)

    def forget(self) -> None:
        """Removes the files of events that the journal has forgotten."""
        kept = {str(record.number) for record in self._journal}
        for path in self._folder.iterdir():
            if path.stem not in kept:
                with suppress(OSError):
                    path.unlink()
