"""What an event is about: created images, a job that creates images, or something else."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from handlers.core.events.jobs import images_made
from handlers.core.json_access import Json
from handlers.core.patterns.wildcards import Wildcard


class ImageCreated(NamedTuple):
    """One image that was created.

    project_id: from the event; None if the event does not name it.
    event: the CloudEvent as JSON, as rules see it, with the object `image`.
    event_time: from the event; None if the event has no time that can be read.
    job_id: the job that created the image, if the event names the job but no image; otherwise "".
    fills_in: the event writes a tag only if the image has none with that key.
    """

    id: str
    project_id: str | None
    event: Json
    event_time: datetime | None
    job_id: str = ""
    fills_in: bool = False


class ImageJob(NamedTuple):
    """Images are being created, and only their job is known. fields: those that all of them share."""

    event: Json
    event_time: datetime | None
    project_id: str | None
    job_id: str
    fields: Json
    fills_in: bool = False

    def resolve(self, answer: Json) -> list[ImageCreated]:
        """The images that the job created. answer: of IMS, about the job. Raises as `images_made` does."""
        images = images_made(answer)
        return [
            created(self.event, self.fields | image, self.event_time, self.job_id, fills_in=self.fills_in)
            for image in images
        ]


class OtherEvent(NamedTuple):
    """The event is about something else. why: what decided that."""

    why: str


class CreationSignals(NamedTuple):
    """The signs that an image was created. The cloud does not publish them, so they are settings.

    event_types: types of plain CloudEvents. trace_names: operations in traces of Cloud Trace Service.
    """

    event_types: Sequence[Wildcard | str]
    trace_names: Collection[str]

    def names(self, event: Json) -> bool:
        """Whether the type of an event is one of `event_types`."""
        kind = event["type"]
        for wanted in self.event_types:
            if kind == wanted if isinstance(wanted, str) else wanted.matches(kind):
                return True
        return False


Recognised = list[ImageCreated] | ImageJob | OtherEvent


FILL_IN = "tagfillin"
"""The extension attribute of events that tell of an image again, such as a redrive."""


def created(
    event: Json, image: Json, event_time: datetime | None, job_id: str = "", *, fills_in: bool = False
) -> ImageCreated:
    """The image with these fields. Fields without a value are left out.

    fills_in: the event knows less than another one of the same creation.
    """
    fills_in = fills_in or event.get(FILL_IN) not in (None, False, "", "false")
    seen = event | {"image": {name: value for name, value in image.items() if value}}
    return ImageCreated(image["id"], image.get("project_id") or None, seen, event_time, job_id, fills_in)
