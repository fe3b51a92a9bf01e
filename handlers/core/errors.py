"""Everything that can keep an event from being tagged.

    TaggingError
    ├── InvalidEvent
    ├── ProjectNotServed
    ├── CreationFailed
    ├── DeliveryTooLarge
    ├── OutOfTime
    ├── RuleError
    │   ├── MissingAttribute
    │   └── InvalidTag
    ├── TagApiError
    │   ├── RequestRejected
    │   │   ├── TagRefused
    │   │   ├── TagQuotaExceeded
    │   │   └── ImageNotTaggable
    │   ├── CredentialsRejected
    │   ├── PermissionDenied
    │   ├── ImageNotFound
    │   ├── ImageNotReady
    │   ├── JobRunning
    │   ├── Throttled
    │   ├── TagApiUnavailable
    │   └── UnexpectedReply
    └── DeadLetterFailed

An error says what happened. One table, in `core.outcomes`, says what follows from it: another delivery or a
dead letter.
"""

from typing import Self


class TaggingError(Exception):
    """Why an event was not tagged, in words for the person who has to act on it."""


class InvalidEvent(TaggingError):
    """The event lacks what is needed to tag its image, or it is not an event at all."""


class ProjectNotServed(TaggingError):
    """The image is in a project that this deployment does not serve."""


class CreationFailed(TaggingError):
    """The job that was to create the image has failed, so there is no image."""


class DeliveryTooLarge(TaggingError):
    """The delivery has too many events, images or values, or more than fit into EVENT_TIMEOUT."""


class OutOfTime(TaggingError):
    """EVENT_TIMEOUT passed before the image was tagged."""


class RuleError(TaggingError):
    """A rule cannot be applied to this event."""

    def __init__(self, message: str, *, rule: str = "", key: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.key = key


class MissingAttribute(RuleError):
    """A value names an attribute that this event lacks, and its rule says "fail"."""


class InvalidTag(RuleError):
    """IMS would refuse this tag and its rule says "fail", or a value cannot become text."""


class TagApiError(TaggingError):
    """A call of the tag API failed.

    status: of the reply; 0 if there was none.
    code: of the error body, such as "IMG.0116", or "".
    request_id: the reply's `X-Request-Id`, for the vendor's support, or "".
    retry_after: the seconds that the API asks to wait; None if it names none.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after

    @property
    def reached_ims(self) -> bool:
        """Whether the call reached IMS. The gateway in front of it counts refused credentials."""
        return self.code.upper().startswith("IMG.")

    def copy(self) -> Self:
        """The same error, to be stored and raised later. A raised exception keeps its traceback alive."""
        return type(self)(
            str(self),
            status=self.status,
            code=self.code,
            request_id=self.request_id,
            retry_after=self.retry_after,
        )


class RequestRejected(TagApiError):
    """The API refuses the request: any 4xx that has no other class."""


class TagRefused(RequestRejected):
    """The tag breaks a rule of IMS (IMG.0115)."""


class TagQuotaExceeded(RequestRejected):
    """The image has as many tags as an image may have (IMG.0116)."""


class ImageNotTaggable(RequestRejected):
    """The image is public or belongs to somebody else."""


class CredentialsRejected(TagApiError):
    """The token or the keys are not valid, or no longer."""


class PermissionDenied(TagApiError):
    """The credentials are valid but lack a right, or are for another project or account."""


class ImageNotFound(TagApiError):
    """IMS does not know the image, or not yet."""


class ImageNotReady(TagApiError):
    """The image is still being made."""


class JobRunning(TagApiError):
    """IMS itself says that the job that creates the image is still running."""


class Throttled(TagApiError):
    """The API limits the rate of calls."""


class TagApiUnavailable(TagApiError):
    """The API failed, or was not reached in time."""


class UnexpectedReply(TagApiError):
    """The answer is not the tag API's: a redirect, a page of a proxy, an unknown path of the gateway."""


class DeadLetterFailed(TaggingError):
    """The sink did not store the dead letter."""
