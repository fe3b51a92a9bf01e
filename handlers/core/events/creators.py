"""What a trace of Cloud Trace Service says of created images, for looking up who made an image that exists.

A creation by a job leaves two traces (`cts`). The first names the creator and perhaps only the job; the
second names the images of the job. Both together say who made each image.
"""

from collections.abc import Sequence
from typing import NamedTuple

from handlers.core.errors import TaggingError
from handlers.core.events import cts
from handlers.core.events.recognise import recognise
from handlers.core.events.recognised import CreationSignals, ImageJob, OtherEvent
from handlers.core.events.shapes import as_cloudevent
from handlers.core.json_access import Json, object_or_empty, uuids_at


class Creation(NamedTuple):
    """images: the id and the name of each; none if the trace names a job alone, or nothing that can be read.
    job_id: or "".
    """

    images: Sequence[Json]
    job_id: str
    names_creator: bool


def creation_in(trace: Json, signals: CreationSignals) -> Creation | None:
    """What a trace says of created images; None if it is about something else."""
    event = as_cloudevent(trace)
    if event is None:
        return None
    try:
        recognised = recognise(event, signals)
    except TaggingError:
        return Creation((), "", names_creator=False)
    if isinstance(recognised, OtherEvent):
        return None
    if isinstance(recognised, ImageJob):
        return Creation((), recognised.job_id, _names_creator(recognised.fields))
    job = cts.job_of(cts.trace_in(trace))
    images = [each.event["image"] for each in recognised]
    return Creation(images, job[1] if job else "", any(map(_names_creator, images)))


def _names_creator(image: Json) -> bool:
    return "name" in image.get("creator", {})


def completed(trace: Json, image: Json) -> Json:
    """A trace that names a job alone, or several images, with this one image of the job as the answer about
    the job names it.

    image: its id and, if it is known, its name.
    """
    entities = {"image_id": image["id"]} | ({"image_name": image["name"]} if image.get("name") else {})
    response = object_or_empty(trace.get("response")) | {"entities": entities}
    # The resource of several images may be any of them. That of a copy is the source.
    is_image = trace.get("trace_name") != cts.COPY and any(uuids_at(trace, "resource_id"))
    return trace | {"response": response} | ({"resource_id": image["id"]} if is_image else {})
