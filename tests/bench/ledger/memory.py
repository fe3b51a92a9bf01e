"""What the emulator remembers: images, who made them, and which traces of that were recorded. Pure."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from tests.bench.ledger.table import Json, Seen


class Creation(NamedTuple):
    """An image and the events of its creation.

    first: names the creator. second: of the system, names the images of a job; None where there is none.
    """

    image_id: str
    first: Json
    second: Json | None

    @property
    def creator(self) -> str:
        return str(self.first["data"]["user"]["name"])

    @property
    def events(self) -> list[Json]:
        return [event for event in (self.first, self.second) if event]


def creations_in(events: Iterable[Json]) -> dict[str, Creation]:
    """By the image's id. events: all that calls and jobs caused."""
    jobs: dict[str, Json] = {}
    found: dict[str, Creation] = {}
    for event in events:
        trace, answer = event["data"], json.loads(event["data"]["response"])
        if trace["trace_type"] == "SystemAction":
            for image_id in _images_of(answer["entities"]):
                found[image_id] = Creation(image_id, jobs[answer["job_id"]], event)
        elif "job_id" in answer:
            jobs[answer["job_id"]] = event
        else:
            found[answer["id"]] = Creation(answer["id"], event, None)
    return found


def _images_of(entities: Json) -> list[str]:
    parts = entities.get("sub_jobs_result", [{"entities": entities}])
    return [part["entities"]["image_id"] for part in parts]


class Memory(NamedTuple):
    """images: as the emulator shows them, by id. recorded: ids of traces. delivered: ids of events.

    project_id: the one that is served.
    """

    images: Mapping[str, Json]
    creations: Mapping[str, Creation]
    recorded: frozenset[str]
    delivered: frozenset[str]
    project_id: str

    def is_own(self, image_id: str) -> bool:
        image = self.images[image_id]
        return image["project_id"] == self.project_id and not image["public"]

    def seen(self, image_id: str) -> Seen:
        image = self.images[image_id]
        parent = image["attributes"].get("__originalimagename")
        return Seen(
            image["attributes"]["name"],
            image["attributes"].get("__data_origin", ""),
            datetime.fromtimestamp(image["created_at"], UTC).date().isoformat(),
            self.seen(parent) if parent in self.images else None,
            image["tags"],
        )

    def recorded_creator(self, image_id: str) -> str | None:
        """Who made an image, as far as its traces say it. The first of a job does not name the image."""
        creation = self.creations.get(image_id)
        if creation and all(event["data"]["trace_id"] in self.recorded for event in creation.events):
            return creation.creator
        return None

    def known_creator(self, image_id: str) -> str | None:
        """Who made an image, as far as an event or a trace ever said it."""
        creation = self.creations.get(image_id)
        if creation and (
            creation.first["id"] in self.delivered or creation.first["data"]["trace_id"] in self.recorded
        ):
            return creation.creator
        return None

    def refused(self) -> set[str]:
        """Ids of the events that have to be dead letters: of images that are public, or not ours.

        Those that a replay makes of traces have the ids of the traces.
        """
        wrong = [each for each in self.creations.values() if not self.is_own(each.image_id)]
        ids = {event["id"] for each in wrong for event in each.events} & self.delivered
        ours = [each for each in wrong if self.images[each.image_id]["project_id"] == self.project_id]
        return ids | {event["data"]["trace_id"] for each in ours for event in each.events} & self.recorded
