"""The result of an event or of one of its images, for the log, the reply and the commands."""

from typing import NamedTuple

from handlers.core.events import ImageCreated
from handlers.core.ims.tags import WriteResult
from handlers.core.outcomes import Age, Outcome
from handlers.core.rules import TagPlan


class AbsentParent(NamedTuple):
    """The image that an image was made from, which IMS did not show. error: the reason."""

    id: str
    error: Exception


class ImageResult(NamedTuple):
    """image: None if the event led to no image. age: of the event; None if it was not needed.

    error: what decided the outcome; None if nothing failed. api_seconds: duration of the calls of the image
    service. job_id: of the job that creates the images, if the event got no further than that.
    absent_parent: None if the rules did not ask for the parent, or if it is known or there is none.
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
    absent_parent: AbsentParent | None = None
    tried: bool = True
