"""What a draft of the table would change: the tags of the listed events, and of the emulator's images."""

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

from deploy.local.console.doors import CommandFailed
from deploy.local.console.doors.observer import NO_IMAGE
from deploy.local.console.doors.payloads import file_of
from deploy.local.console.explain import event_file, explain
from deploy.local.console.state import Doors
from deploy.local.journal import Record

SHOWN = 100
"""Changes that are shown one by one."""

KEPT_RESULTS = 3000
"""Results under the table in use that are kept: the newest."""

PARTED = 100
"""Files from which on two commands on two cores are faster than one: a command takes its time to start."""

Tags = dict[str, str]


class Draft(NamedTuple):
    """A table that is not saved. path: its file. is_in_use: whether it is the table on disk all the same."""

    path: str
    is_in_use: bool


class Result(NamedTuple):
    """What a table makes of an event. tags: of all its images."""

    outcome: str
    tags: Tags


class Results(NamedTuple):
    """By the file of each event. reads_images: whether they depend on more than the table and the event."""

    by_file: dict[str, Result]
    reads_images: bool


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
    files = {str(path): each for each in records if (path := file_of(folder, each))}
    ids = {image_id for each in files.values() for image_id in each.image_ids}
    events = {path: (each.title or each.event_id, f"/events/{each.number}") for path, each in files.items()}
    try:
        of_events, (images, of_images) = await asyncio.gather(
            _changes(doors, events, list(ids), draft),
            _of_images(doors, folder.parent / "existing", ids, draft),
        )
    except CommandFailed:
        return None
    if of_events is None or of_images is None:
        return None
    changes = [*of_events, *of_images][:SHOWN]
    unseen = len(records) - len(files)
    return Difference(len(files), images, len(of_events), len(of_images), changes, unseen)


async def _of_images(
    doors: Doors, folder: Path, told: set[str], draft: Draft
) -> tuple[int, list[Change] | None]:
    """How many images of the emulator no listed event tells of, and the changes of those."""
    images = [image for image in await doors.emulator.listed() if image["id"] not in told]
    subjects = {
        str(event_file(folder, image, doors.stack.settings)): (
            str(image.get("name") or image["id"]),
            f"/images/{image['id']}",
        )
        for image in images
    }
    return len(images), await _changes(doors, subjects, [image["id"] for image in images], draft)


async def _changes(
    doors: Doors, subjects: dict[str, tuple[str, str]], ids: list[str], draft: Draft
) -> list[Change] | None:
    """What differs; None if a table has faults. subjects: a title and a link, by the file of an event."""
    after = await _results(doors, list(subjects), ids, "--rules", draft.path)
    before = after if draft.is_in_use else await _before(doors, list(subjects), ids)
    if before is None or after is None:
        return None
    if draft.is_in_use:
        _keep(doors, after)
    return [
        Change(*subject, before.by_file[path], after.by_file[path])
        for path, subject in subjects.items()
        if before.by_file[path] != after.by_file[path]
    ]


async def _before(doors: Doors, files: list[str], ids: list[str]) -> Results | None:
    """Under the table in use; only of what is not known already."""
    digest, kept = doors.before
    known = {path: kept[path] for path in files if path in kept} if digest == doors.table.digest() else {}
    found = await _results(doors, [path for path in files if path not in known], ids)
    if found is None:
        return None
    _keep(doors, found)
    return Results(known | found.by_file, found.reads_images)


def _keep(doors: Doors, results: Results) -> None:
    """The file of an event never changes: its result holds as long as the table, unless that reads images."""
    digest, kept = doors.before
    if results.reads_images or digest != doors.table.digest():
        kept = {}
    if not results.reads_images:
        kept = dict([*kept.items(), *results.by_file.items()][-KEPT_RESULTS:])
    doors.before = (doors.table.digest(), kept)


async def _results(doors: Doors, files: list[str], ids: list[str], *options: str) -> Results | None:
    """None if the table has faults. Many files are shared between two commands."""
    parts = [files[::2], files[1::2]] if len(files) >= PARTED else [files] if files else []
    answers = await asyncio.gather(*(explain(doors, part, ids, *options) for part in parts))
    if any("files" not in answer for answer in answers):
        return None
    found = [file for answer in answers for file in answer["files"]]
    images = (image for file in found for event in file.get("events", ()) for image in event["images"])
    return Results({file["file"]: _result(file) for file in found}, any(image["fetched"] for image in images))


def _result(file: dict[str, Any]) -> Result:
    events = file.get("events", [])
    tags = {}
    for event in events:
        for image in event["images"]:
            several = f" ({image['image'].get('id', NO_IMAGE)[:8]})" if len(event["images"]) > 1 else ""
            tags.update({f"{key}{several}": value for key, value in image["tags"].items()})
    outcomes = dict.fromkeys(
        ": ".join(filter(None, (event["outcome"]["kind"], event["outcome"]["reason"]))) for event in events
    )
    return Result(", ".join(outcomes) or "no event", tags)
