"""The result of an event or of one of its images, for the log, the reply and the commands."""

from typing import NamedTuple

from handlers.core.events import ImageCreated
from handlers.core.ims.tags import WriteResult
from handlers.core.outcomes import Age, Outcome
from handlers.core.rules import TagPlan


class ImageResult(NamedTuple):
    """image: None if the event led to no image. age: of the event; None if it was not needed.

    error: what decided the outcome; None if nothing failed. api_seconds: duration of the calls of the image
    service. job_id: of the job that creates the images, if the event got no further than that.
    tried: False if an earlier image of the event met an error that this one would meet as well.
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
