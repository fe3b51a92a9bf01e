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

An error says what happened. What follows from it, another delivery or a dead letter, stands in one
table: `core.outcomes`.
"""

from typing import Self


class TaggingError(Exception):
    """Why an event was not tagged, in words for the person who has to act on it."""


class InvalidEvent(TaggingError):
    """It says that an image was created, but lacks what is needed to tag it; or it is no event at all."""


class ProjectNotServed(TaggingError):
    """The image is in a project that this deployment does not serve."""


class CreationFailed(TaggingError):
    """There is no image: the job that was to make it has failed."""


class DeliveryTooLarge(TaggingError):
    """The delivery holds more than one delivery may: more events, more images, or more than EVENT_TIMEOUT
    allows.
    """


class OutOfTime(TaggingError):
    """EVENT_TIMEOUT has passed before the image was tagged."""


class RuleError(TaggingError):
    """A rule cannot be applied to this event."""

    def __init__(self, message: str, *, rule: str = "", key: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.key = key


class MissingAttribute(RuleError):
    """A value names an attribute that this event lacks, and its rule says "fail"."""


class InvalidTag(RuleError):
    """IMS would refuse this tag, and its rule does not allow it to be mended."""


class TagApiError(TaggingError):
    """The tag API did not do what it was asked to.

    status: of the reply, 0 where there was none.
    code: of the error body, such as "IMG.0116", or "".
    request_id: the reply's `X-Request-Id`, for the vendor's support, or "".
    retry_after: seconds until the API wants to be asked again, None where it does not say.
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
        """Whether the gateway, which counts refused credentials, let the call pass to IMS."""
        return self.code.upper().startswith("IMG.")

    def copy(self) -> Self:
        """The same error, to be kept and raised later. A raised exception keeps its traceback alive."""
        return type(self)(
            str(self),
            status=self.status,
            code=self.code,
            request_id=self.request_id,
            retry_after=self.retry_after,
        )


class RequestRejected(TagApiError):
    """The API understood the request and refuses it: any 4xx without a row of its own."""


class TagRefused(RequestRejected):
    """The tag breaks a rule of IMS (IMG.0115)."""


class TagQuotaExceeded(RequestRejected):
    """The image has as many tags as it may have (IMG.0116)."""


class ImageNotTaggable(RequestRejected):
    """A public image, or somebody else's."""


class CredentialsRejected(TagApiError):
    """The token or the keys are not, or no longer, valid."""


class PermissionDenied(TagApiError):
    """The credentials are valid and lack a right, or are for another project or account."""


class ImageNotFound(TagApiError):
    """IMS knows no such image, or not yet."""


class ImageNotReady(TagApiError):
    """The image is still being made."""


class JobRunning(TagApiError):
    """The job that makes the image still runs, by IMS's own word."""


class Throttled(TagApiError):
    """Too many calls."""


class TagApiUnavailable(TagApiError):
    """The API has a fault of its own, or was not reached in time."""


class UnexpectedReply(TagApiError):
    """No answer of the tag API: a redirect, a page of a proxy, a path that the gateway does not know."""


class DeadLetterFailed(TaggingError):
    """The sink did not keep the dead letter."""
