"""What a draft of the table would change: the tags of the listed events, and of the emulator's images."""

import asyncio
import json
from pathlib import Path
from typing import Any, NamedTuple

from deploy.local.console.doors import CommandFailed
from deploy.local.console.doors.observer import NO_IMAGE
from deploy.local.console.doors.payloads import file_of
from deploy.local.console.server import Doors
from deploy.local.console.views.events import explain
from deploy.local.journal import Record

SHOWN = 100
"""Changes that are shown one by one."""

Tags = dict[str, str]


class Result(NamedTuple):
    """What a table makes of an event. tags: of all its images."""

    outcome: str
    tags: Tags


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


async def difference(
    doors: Doors, folder: Path, records: list[Record], draft: str, *, same: bool
) -> Difference | None:
    """None if the draft has faults, or the table in use has. same: whether the draft is the table in use."""
    images = await doors.emulator.images()
    files = {path: each for each in records if (path := file_of(folder, each))}
    subjects = {
        **{str(path): (each.title or each.event_id, f"/events/{each.number}") for path, each in files.items()}
    }
    for image in images:
        path = _event_file(
            folder.parent / "existing", image, doors.stack.settings.get("IMAGE_CREATED_TYPES", "")
        )
        subjects[str(path)] = (str(image.get("name") or image["id"]), f"/images/{image['id']}")
    ids = [each["id"] for each in images]
    try:
        after = await _results(doors, list(subjects), ids, "--rules", draft)
        before = after if same else await _before(doors, list(subjects), ids)
    except CommandFailed:
        return None
    if before is None or after is None:
        return None
    changes = [
        Change(*subjects[path], before[path], after[path]) for path in subjects if before[path] != after[path]
    ]
    of_images = sum(change.link.startswith("/images") for change in changes)
    unseen = len(records) - len(files)
    return Difference(len(files), len(images), len(changes) - of_images, of_images, changes[:SHOWN], unseen)


async def _before(doors: Doors, files: list[str], ids: list[str]) -> dict[str, Result] | None:
    """Under the table in use. A file of an event never changes, so that this is kept as long as the table."""
    digest = doors.table.digest()
    if doors.before[0] != digest:
        doors.before = (digest, {})
    known = doors.before[1]
    if new := [path for path in files if path not in known]:
        found = await _results(doors, new, ids)
        if found is None:
            return None
        known.update(found)
    for gone in known.keys() - set(files):
        del known[gone]
    return dict(known)


async def _results(doors: Doors, files: list[str], ids: list[str], *options: str) -> dict[str, Result] | None:
    if not files:
        return {}
    halves = [half for half in (files[::2], files[1::2]) if half]
    answers = await asyncio.gather(*(explain(doors, half, ids, *options) for half in halves))
    if any("files" not in answer for answer in answers):
        return None
    return {file["file"]: _result(file) for answer in answers for file in answer["files"]}


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


def _event_file(folder: Path, image: dict[str, Any], types: str) -> Path:
    """An event that tells of an image that exists, as `images backfill` would."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{image['id']}.json"
    if not path.exists():
        type_ = (
            (types.split(",", maxsplit=1)[0].strip() or "image.created").replace("*", "").replace("?", "x")
        )
        data = {
            "image_id": image["id"],
            "name": image.get("name"),
            "project_id": image.get("owner"),
            "created_at": image.get("created_at"),
            "os_type": image.get("__os_type"),
        }
        event = {"specversion": "1.0", "id": image["id"], "source": "/console", "type": type_}
        event |= {
            "time": image.get("created_at"),
            "data": {name: value for name, value in data.items() if value},
        }
        path.write_text(json.dumps(event), encoding="utf-8")
    return path
