"""What a trace of Cloud Trace Service says of created images, for looking up who made an image that exists.

A creation by a job leaves two traces (`cts`). The first names the creator and perhaps only the job; the
second names the images of the job. Both together say who made each image.
"""

from collections.abc import Sequence
from typing import NamedTuple

from handlers.core.errors import TaggingError
from handlers.core.events import cts
from handlers.core.events.images import CreationSignals, ImageJob, OtherEvent
from handlers.core.events.recognise import recognise
from handlers.core.events.shapes import as_cloudevent
from handlers.core.json_access import Json, object_or_empty


class Creation(NamedTuple):
    """images: the id and the name of each; none if the trace names a job alone. job_id: or "".

    by_system: the trace does not name the creator.
    """

    images: Sequence[Json]
    job_id: str
    by_system: bool


def creation_in(trace: Json, signals: CreationSignals) -> Creation | None:
    """What a trace says of created images; None if it is about something else, or names neither."""
    event = as_cloudevent(trace)
    if event is None:
        return None
    try:
        recognised = recognise(event, signals)
    except TaggingError:
        return None
    if isinstance(recognised, OtherEvent):
        return None
    if isinstance(recognised, ImageJob):
        return Creation((), recognised.job_id, recognised.fills_in)
    job = cts.job_of(cts.trace_in(trace))
    images = [each.event["image"] for each in recognised]
    return Creation(images, job[1] if job else "", any(each.fills_in for each in recognised))


def completed(trace: Json, image: Json) -> Json:
    """A trace that names a job alone, with one image of the job as the answer about the job names it.

    image: its id and, if it is known, its name.
    """
    entities = {"image_id": image["id"]} | ({"image_name": image["name"]} if image.get("name") else {})
    return trace | {"response": object_or_empty(trace.get("response")) | {"entities": entities}}
