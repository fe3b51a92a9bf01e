"""What an event can turn out to be about: created images, a job that creates some, or something else."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from handlers.core.events.jobs import images_made
from handlers.core.json_access import Json
from handlers.core.patterns.wildcards import Wildcard


class ImageCreated(NamedTuple):
    """One image that was created.

    project_id: as the event says; None where it does not.
    event: the CloudEvent as JSON, as rules see it, with the object `image` in it.
    event_time: when it was created, as the event says; None where the event has no time that can be read.
    job_id: of the job that made it, where the event names the job and no image.
    """

    id: str
    project_id: str | None
    event: Json
    event_time: datetime | None
    job_id: str = ""


class ImageJob(NamedTuple):
    """Images are being made, and only the job that makes them is known. fields: known of all of them."""

    event: Json
    event_time: datetime | None
    project_id: str | None
    job_id: str
    fields: Json

    def resolve(self, answer: Json) -> list[ImageCreated]:
        """The images that the job has made. answer: of IMS, about the job. Raises as `images_made` does."""
        images = images_made(answer)
        return [
            created(self.event, self.fields | image, self.event_time)._replace(job_id=self.job_id)
            for image in images
        ]


class OtherEvent(NamedTuple):
    """The event is about something else; `why` names what decided."""

    why: str


class CreationSignals(NamedTuple):
    """What says that an image was created, where the cloud does not publish it.

    event_types: of plain CloudEvents. trace_names: of operations in traces of Cloud Trace Service.
    """

    event_types: Sequence[Wildcard | str]
    trace_names: Collection[str]

    def names(self, event: Json) -> bool:
        """Whether the type of an event is one of these."""
        kind = event["type"]
        return any(
            kind == wanted if isinstance(wanted, str) else wanted.matches(kind) for wanted in self.event_types
        )


Recognised = list[ImageCreated] | ImageJob | OtherEvent


def created(event: Json, image: Json, event_time: datetime | None) -> ImageCreated:
    """An image with these fields; those without a value are absent."""
    seen = event | {"image": {name: value for name, value in image.items() if value}}
    return ImageCreated(image["id"], image.get("project_id") or None, seen, event_time)
