"""What became of an event or of one of its images: read by the log, the reply and the commands."""

from typing import NamedTuple

from handlers.core.events import ImageCreated
from handlers.core.ims.tags import WriteResult
from handlers.core.outcomes import Age, Outcome
from handlers.core.rules import TagPlan


class ImageResult(NamedTuple):
    """image: None for an event that came to no image. age: of its event, None where nobody asked.

    error: what decided the outcome, None where all went well. api_seconds: for the calls of the image
    service.
    job_id: of the job that makes the images, where the event came no further. tried: False where an earlier
    image of
    the same event met an error that all of them would meet.
    """

    outcome: Outcome
    image: ImageCreated | None = None
    plan: TagPlan = TagPlan()
    write: WriteResult = WriteResult()
    age: Age | None = None
    error: Exception | None = None
    api_seconds: float | None = None
    job_id: str = ""
    tried: bool = True
