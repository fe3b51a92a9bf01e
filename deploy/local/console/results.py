"""What a table makes of many events at once."""

from collections.abc import Iterable, Mapping
from typing import Any

from deploy.local.console.doors.observer import NO_IMAGE
from deploy.local.console.explain import explain, lacks_images, reads_images
from deploy.local.console.kept_results import Images, Result, Results
from deploy.local.console.state import Doors

STRANGER: Images = {"none": {}}
"""Stands for an image that does not exist, of which a command would else take the first that it is given."""

Files = Mapping[str, list[str]]
"""Events as files that the commands take, each with the ids of its images."""


async def results(doors: Doors, files: Files, images: Images, version: str, *options: str) -> Results | None:
    """What a version of the table makes of these events; None if it has faults. What is known is not asked.

    images: those of the events, and those that they were made from. options: name the table, if it is not the
    one in use.
    """
    known = doors.kept.known(version, images)
    new = {path: ids for path, ids in files.items() if path not in known.by_file}
    found = await _results(doors, new, images, *options) if new else known
    if found is not None:
        read = found.images if known.images is None else known.images
        found = Results({**known.by_file, **found.by_file}, read)
        doors.kept.keep(version, found)
    return found


async def _results(doors: Doors, files: Files, images: Images, *options: str) -> Results | None:
    """To read images takes a while, so a table gets them only if the one before at the same place read some,
    or if it turns out to.
    """
    given = {**STRANGER, **_family((each for ids in files.values() for each in ids), images)}
    answer = await explain(doors, list(files), given if options in doors.reading else {}, *options)
    if lacks_images(answer):
        answer = await explain(doors, list(files), given, *options)
    if "files" not in answer:
        return None
    reads = reads_images(answer)
    (doors.reading.add if reads else doors.reading.discard)(options)
    return Results({file["file"]: _result(file) for file in answer["files"]}, images if reads else None)


def _family(image_ids: Iterable[str], images: Images) -> Images:
    """Those of the images that have these ids, and those that they were made from."""
    found: dict[str, Mapping[str, Any]] = {}
    waiting = list(image_ids)
    while waiting:
        image_id = waiting.pop()
        if image_id in images and image_id not in found:
            found[image_id] = images[image_id]
            waiting.append(str(images[image_id].get("__originalimagename") or ""))
    return found


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
