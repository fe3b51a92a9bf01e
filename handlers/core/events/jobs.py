"""Jobs of IMS: what the answer about one says of the images that it makes."""

from handlers.core.errors import CreationFailed, InvalidEvent, JobRunning, UnexpectedReply
from handlers.core.events.cts import images_of_job
from handlers.core.json_access import Json, string


def images_made(job: Json) -> list[Json]:
    """The id and the name of each image (IMS API reference, "Asynchronous Job Query").

    Raises JobRunning, CreationFailed, InvalidEvent where a job has made no image, or UnexpectedReply.
    """
    match job.get("status"):
        case "INIT" | "RUNNING":
            raise JobRunning("the job that makes the image still runs")
        case "FAIL":
            said = " ".join(filter(None, (string(job, "error_code"), string(job, "fail_reason"))))
            raise CreationFailed(
                f"the job that was to make the image failed: {said[:200] or 'it says no reason'}"
            )
        case "SUCCESS":
            if images := images_of_job(job):
                return images
            raise InvalidEvent("the job of the event has ended and has made no image")
    raise UnexpectedReply("a job was asked for, and the answer shows none; check IMS_ENDPOINT")
