"""What a draft of the table would change: the tags of the listed events, and of the emulator's images."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from deploy.local.console.doors import CommandFailed
from deploy.local.console.doors.payloads import file_of
from deploy.local.console.explain import event_file
from deploy.local.console.kept_results import Images, Result, Results
from deploy.local.console.results import results
from deploy.local.console.state import Doors
from deploy.local.journal import Record

SHOWN = 100
"""Changes that are shown one by one."""


class Draft(NamedTuple):
    """A table that is not saved. path: of its file."""

    path: str
    text: str


class Subject(NamedTuple):
    """An event of which a table makes something. title, link: of it, or of the image that it is about."""

    title: str
    link: str
    image_ids: list[str]


class Change(NamedTuple):
    title: str
    link: str
    before: Result
    after: Result

    @property
    def keys(self) -> list[tuple[str, str | None, str | None]]:
        """Of the tags that differ: key, value before, value after."""
        keys = sorted(self.before.tags.keys() | self.after.tags.keys())
        pairs = ((key, self.before.tags.get(key), self.after.tags.get(key)) for key in keys)
        return [each for each in pairs if each[1] != each[2]]


class Difference(NamedTuple):
    """events, images: how many there are. changed: those that would get other tags, or end in another way."""

    events: int
    images: int
    changed_events: int
    changed_images: int
    changes: list[Change]
    unseen: int


async def difference(doors: Doors, folder: Path, records: list[Record], draft: Draft) -> Difference | None:
    """None if the draft has faults, or the table in use has."""
    events = {
        str(path): Subject(each.title or each.event_id, f"/events/{each.number}", each.image_ids)
        for each in records
        if (path := file_of(folder, each))
    }
    told = {image_id for each in events.values() for image_id in each.image_ids}
    listed = await doors.emulator.listed()
    untold = {
        str(event_file(folder.parent / "existing", each, doors.stack.settings)): Subject(
            str(each.get("name") or each["id"]), f"/images/{each['id']}", [each["id"]]
        )
        for each in listed
        if each["id"] not in told
    }
    described = await doors.emulator.described(told | {each["id"] for each in listed}, listed)
    try:
        found = await _compared(doors, events | untold, described, draft)
    except CommandFailed:
        return None
    if found is None:
        return None
    of_events, of_images = (_changes(subjects, *found) for subjects in (events, untold))
    return Difference(
        len(events),
        len(untold),
        len(of_events),
        len(of_images),
        [*of_events, *of_images][:SHOWN],
        len(records) - len(events),
    )


async def _compared(
    doors: Doors, subjects: dict[str, Subject], images: Images, draft: Draft
) -> tuple[Results, Results] | None:
    """The results under the table in use, and under the draft; None if one of them has faults."""
    files = {path: each.image_ids for path, each in subjects.items()}
    in_use, version = (doors.table.version(text) for text in (doors.table.read(), draft.text))
    if version == in_use:
        both = await results(doors, files, images, in_use)
        return (both, both) if both else None
    before, after = await asyncio.gather(
        results(doors, files, images, in_use),
        results(doors, files, images, version, "--rules", draft.path),
    )
    return (before, after) if before and after else None


def _changes(subjects: dict[str, Subject], before: Results, after: Results) -> list[Change]:
    return [
        Change(each.title, each.link, before.by_file[path], after.by_file[path])
        for path, each in subjects.items()
        if before.by_file[path] != after.by_file[path]
    ]
