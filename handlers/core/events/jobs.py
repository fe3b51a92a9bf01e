"""Jobs of IMS: which images a job has made (IMS API reference, "Asynchronous Job Query")."""

from typing import Any

from handlers.core.budget import MAX_IMAGES
from handlers.core.errors import CreationFailed, DeliveryTooLarge, InvalidEvent, JobRunning, UnexpectedReply
from handlers.core.json_access import Json, as_list, object_or_empty, string, uuids_at, without_empty


def images_made(job: Json) -> list[Json]:
    """The id and the name of each image of a job that has ended. job: the answer of IMS.

    Raises JobRunning, CreationFailed, InvalidEvent if the job created no image, DeliveryTooLarge, or
    UnexpectedReply.
    """
    match job.get("status"):
        case "INIT" | "RUNNING":
            raise JobRunning("the job that makes the image still runs")
        case "FAIL":
            said = " ".join(filter(None, (string(job, "error_code"), string(job, "fail_reason"))))
            raise CreationFailed(
                f"the job that was to make the image failed: {said[:200] or 'it gives no reason'}"
            )
        case "SUCCESS":
            if images := images_of_job(job):
                return images
            raise InvalidEvent("the job of the event has ended and has made no image")
    raise UnexpectedReply("the answer to a query for a job shows none; check IMS_ENDPOINT")


def images_of_job(job: Json) -> list[Json]:
    """The id and the name of each image in an answer about a job. Raises DeliveryTooLarge."""
    entities = _entities_of(job)
    results = as_list(entities.get("sub_jobs_result"))
    if len(results) > MAX_IMAGES:
        raise DeliveryTooLarge(f"one event is about {len(results)} images; at most {MAX_IMAGES} are tagged")
    images: dict[str, Json] = {}
    for made in (entities, *map(_entities_of, results)):
        for image_id in uuids_at(made, "image_id"):
            images[image_id] = {"id": image_id} | named(made)
    return list(images.values())


def _entities_of(result: Any) -> Json:
    return object_or_empty(object_or_empty(result).get("entities"))


def named(entities: Json) -> Json:
    """The name of an image, if it has one."""
    return without_empty({"name": string(entities, "image_name")})
