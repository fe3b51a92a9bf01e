"""The tag API: the calls that tag an image, and the meaning of each answer for the tags."""

from collections.abc import Sequence
from http import HTTPStatus

from handlers.core.errors import (
    InvalidTag,
    RequestRejected,
    TagApiError,
    TagQuotaExceeded,
    TagRefused,
    UnexpectedReply,
)
from handlers.core.ims.requests import BATCH_MIN, Call, batch_call, image_call, job_call, tag_calls
from handlers.core.ims.tags import FailedTag, Tag, WriteResult
from handlers.core.json_access import Json, object_or_empty
from handlers.edges.calls import Calls, CloudService


class TagApi:
    """The tag calls of one image service. Each is for a project, and ends before a deadline of
    `time.monotonic`.

    tag_form: "image_tag" or "tag", the two bodies of the call for one tag, or "batch", one call for all.
    """

    def __init__(self, service: CloudService, *, tag_form: str) -> None:
        self._service = service
        self._tag_form = tag_form

    def log_in(self, project_id: str | None, deadline: float) -> None:
        """Gets the credentials for calls, if they must be fetched. Raises TagApiError."""
        Calls(self._service, project_id, deadline)

    def add_tags(
        self, project_id: str | None, image_id: str, tags: Sequence[Tag], deadline: float
    ) -> WriteResult:
        """Writes tags in order. Writing a tag that exists already changes nothing. Raises TagApiError.

        If IMS refuses a tag or has no room for it, the others are still tried. Any other error ends it.
        """
        if not tags:
            return WriteResult()
        calls = Calls(self._service, project_id, deadline)
        if self._tag_form != "batch" or len(tags) < BATCH_MIN:
            return self._one_by_one(calls, image_id, tags)
        if project_id is None:
            why = "the path of the batch call needs the project; set PROJECTS"
            return self._one_by_one(calls, image_id, tags)._replace(batch_fallback=why)
        try:
            reply = calls.make(batch_call(project_id, image_id, tags), HTTPStatus.NO_CONTENT)
            return WriteResult(request_ids=[*filter(None, [reply.headers.get("X-Request-Id", "")[:64]])])
        except TagApiError as error:
            no_such_call = isinstance(error, UnexpectedReply) and error.status == HTTPStatus.NOT_FOUND
            if not (no_such_call or isinstance(error, RequestRejected)):
                return _written([FailedTag(tag, error) for tag in tags], [])
            refused = error
        # One tag may be the cause. It is not published whether an answer names it, whether the others are
        # written then, and whether every gateway has the batch call.
        result = self._one_by_one(calls, image_id, tags)
        return _written(result.failed, [refused.request_id, *result.request_ids])._replace(
            batch_fallback=f"the batch was refused as a whole: {type(refused).__name__}"
        )

    def _one_by_one(self, calls: Calls, image_id: str, tags: Sequence[Tag]) -> WriteResult:
        request_ids: list[str] = []
        failed: list[FailedTag] = []
        for position, (tag, call) in enumerate(
            zip(tags, tag_calls(image_id, tags, self._tag_form), strict=True)
        ):
            if isinstance(call, InvalidTag):
                failed.append(FailedTag(tag, call))
                continue
            try:
                reply = calls.make(call, HTTPStatus.NO_CONTENT)
                request_ids.append(reply.headers.get("X-Request-Id", "")[:64])
            except (TagRefused, TagQuotaExceeded) as error:
                failed.append(FailedTag(tag, error))
            except TagApiError as error:
                failed.extend(FailedTag(untried, error) for untried in tags[position:])
                break
        return _written(failed, request_ids)

    def image(self, project_id: str | None, image_id: str, deadline: float) -> Json:
        """An image as IMS describes it. Raises TagApiError."""
        image = self._get(project_id, image_call(image_id), deadline)
        if not isinstance(image.get("tags"), list):
            raise UnexpectedReply("the answer to a query for an image shows none; check IMS_ENDPOINT")
        return image

    def job(self, project_id: str, job_id: str, deadline: float) -> Json:
        """The answer about a job; `core.events.jobs` reads it. Raises TagApiError."""
        return self._get(project_id, job_call(project_id, job_id), deadline)

    def _get(self, project_id: str | None, call: Call, deadline: float) -> Json:
        reply = Calls(self._service, project_id, deadline).make(call, HTTPStatus.OK)
        return object_or_empty(reply.body)


def _written(failed: Sequence[FailedTag], request_ids: Sequence[str]) -> WriteResult:
    """The result with each request id once, including those of errors."""
    ids = [*request_ids, *(getattr(failed.error, "request_id", "") for failed in failed)]
    return WriteResult(failed, list(dict.fromkeys(filter(None, ids))))
