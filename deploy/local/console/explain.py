"""What the function would make of events: `explain`, with the images that the table reads."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.local.console.doors.payloads import written_images
from deploy.local.console.kept_results import Images
from deploy.local.console.state import Doors

KEPT = 20
"""Answers that are kept, each of up to some megabytes: a page asks again with all news of its event."""


async def explain(doors: Doors, files: Sequence[str], images: Images, *options: str) -> Any:
    """`explain` of events in files, with these images for a table that reads them."""
    paths = written_images(doors.stack.processes.folder / "images", images)
    return await doors.commands(
        "explain", *options, *(part for path in paths for part in ("--image", str(path))), *files
    )


async def explain_one(doors: Doors, file: str, image_ids: list[str]) -> Any:
    """`explain` of one event, and once more with its images if the table reads those.

    The file of an event never changes, so without images the answer holds for this version of the table.
    """
    asked = file, doors.table.version(doors.table.read())
    if asked in doors.explained:
        return doors.explained[asked]
    answer = await explain(doors, [file], {})
    if lacks_images(answer):
        return await explain(doors, [file], await doors.emulator.described(image_ids))
    if "files" in answer:
        if len(doors.explained) == KEPT:
            del doors.explained[next(iter(doors.explained))]
        doors.explained[asked] = answer
    return answer


def lacks_images(answer: Any) -> bool:
    """Whether the table reads what IMS says of an image, and nobody gave it."""
    return any(image["unknown"] for image in _images(answer))


def reads_images(answer: Any) -> bool:
    """Whether the table reads what IMS says of an image, given or not."""
    return any(image["fetched"] or image["unknown"] for image in _images(answer))


def event_file(folder: Path, image: Mapping[str, Any], settings: Mapping[str, str]) -> Path:
    """An event that tells of an image that exists, of a type that the function takes."""
    types = settings.get("IMAGE_CREATED_TYPES", "image.created")
    folder.mkdir(exist_ok=True)
    path = folder / f"{image['id']}.json"
    if not path.exists():
        type_ = (types.split()[0] or "image.created").replace("*", "").replace("?", "x")
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


def _images(answer: Any) -> list[dict[str, Any]]:
    """Of all events of an answer; none where the table has faults."""
    events = [event for file in answer.get("files", ()) for event in file.get("events", ())]
    return [image for event in events for image in event["images"]]
