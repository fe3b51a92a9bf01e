"""What the function would make of events: `explain`, with the images that the table reads."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.local.console.doors.payloads import written_images
from deploy.local.console.state import Doors


async def explain(doors: Doors, files: list[str], image_ids: list[str], *options: str) -> Any:
    """`explain`, and once more with the images as IMS describes them where the table reads those."""
    answer = await doors.commands("explain", *options, *files)
    events = [event for file in answer.get("files", ()) for event in file.get("events", ())]
    if any(image["unknown"] for event in events for image in event["images"]):
        described = await doors.emulator.described(image_ids)
        files_of_images = written_images(doors.stack.processes.folder / "images", described)
        given_images = [part for path in files_of_images for part in ("--image", str(path))]
        answer = await doors.commands("explain", *options, *given_images, *files)
    return answer


def event_file(folder: Path, image: dict[str, Any], settings: Mapping[str, str]) -> Path:
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
