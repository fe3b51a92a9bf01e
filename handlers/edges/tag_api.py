"""The client of the image service. Whatever goes wrong becomes an error of `core.errors` here, once."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus

import requests
from requests.auth import AuthBase

from handlers.core.errors import (
    CredentialsRejected,
    InvalidTag,
    RequestRejected,
    TagApiError,
    TagQuotaExceeded,
    TagRefused,
    UnexpectedReply,
)
from handlers.core.ims.error_codes import error_of
from handlers.core.ims.requests import BATCH_MIN, Call, batch_call, tag_call
from handlers.core.ims.tags import FailedTag, Tag, WriteResult
from handlers.core.json_access import Json, object_or_empty
from handlers.edges.credentials.auth import Accounts, ProjectCredentials
from handlers.edges.http.client import HttpClient, Reply

_HEADERS = {
    "Content-Type": "application/json;charset=UTF-8",
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # a compressed error body could unfold to any size
    "User-Agent": "image-created-tagger",
}


class TagApi:
    """The tag calls of one image service.

    Each is for a project: the credentials are its own then. None: there is but one that they are for.
    tag_form: "image_tag" or "tag", the two bodies of the call for one tag, or "batch", one call for all.
    """

    def __init__(self, endpoint: str, client: HttpClient, accounts: Accounts, *, tag_form: str) -> None:
        self._endpoint = endpoint
        self._client = client
        self._accounts = accounts
        self._tag_form = tag_form

    def log_in(self, project_id: str | None, deadline: float) -> None:
        """Gets what calls are made with, where there is something to get. Raises TagApiError."""
        self._account(project_id).provider.current(deadline)

    def add_tags(
        self, project_id: str | None, image_id: str, tags: Sequence[Tag], deadline: float
    ) -> WriteResult:
        """Writes tags in order; writing one that is there already changes nothing.

        deadline: of `time.monotonic`, for all calls together.
        A tag that IMS refuses, or has no room for, does not stop the others; any other error does.
        """
        if self._tag_form != "batch" or len(tags) < BATCH_MIN:
            return self._one_by_one(project_id, image_id, tags, deadline)
        if project_id is None:
            why = "the path of the batch call needs the project; set PROJECTS"
            return self._one_by_one(project_id, image_id, tags, deadline)._replace(batch_fallback=why)
        try:
            return _written([], [self._write(project_id, batch_call(project_id, image_id, tags), deadline)])
        except TagApiError as error:
            no_such_call = isinstance(error, UnexpectedReply) and error.status == HTTPStatus.NOT_FOUND
            if not (no_such_call or isinstance(error, RequestRejected)):
                return _written([FailedTag(tag, error) for tag in tags], [])
            refused = error
        # One tag may be why. That an answer tells which, or writes the others, is not published, nor
        # that every gateway has the batch call.
        result = self._one_by_one(project_id, image_id, tags, deadline)
        return _written(result.failed, [refused.request_id, *result.request_ids])._replace(
            batch_fallback=f"the batch was refused as a whole: {type(refused).__name__}"
        )

    def _one_by_one(
        self, project_id: str | None, image_id: str, tags: Sequence[Tag], deadline: float
    ) -> WriteResult:
        request_ids: list[str] = []
        failed: list[FailedTag] = []
        for position, tag in enumerate(tags):
            try:
                call = tag_call(image_id, tag, self._tag_form)
                request_ids.append(self._write(project_id, call, deadline))
            except (InvalidTag, TagRefused, TagQuotaExceeded) as error:
                failed.append(FailedTag(tag, error))
            except TagApiError as error:
                failed.extend(FailedTag(untried, error) for untried in tags[position:])
                break
        return _written(failed, request_ids)

    def existing_tags(self, project_id: str | None, image_id: str, deadline: float) -> list[str]:
        """The tags of an image as image objects list them. Raises TagApiError."""
        # GET /v2/images/{image_id} (IMS API reference, "Querying Image Details (Native OpenStack API)"): of
        # the calls that show tags, the one that needs no project and no right that writing does not need.
        tags = self._get(project_id, f"/v2/images/{image_id}", deadline).get("tags")
        if not isinstance(tags, list):
            raise UnexpectedReply("an image was asked for, and the answer shows none; check IMS_ENDPOINT")
        return [tag for tag in tags if isinstance(tag, str)]

    def job(self, project_id: str, job_id: str, deadline: float) -> Json:
        """The answer about a job; `core.jobs` reads it. Raises TagApiError."""
        # GET /v1/{project_id}/jobs/{job_id} (IMS API reference, "Asynchronous Job Query")
        return self._get(project_id, f"/v1/{project_id}/jobs/{job_id}", deadline)

    def _get(self, project_id: str | None, path: str, deadline: float) -> Json:
        reply = self._call(project_id, Call("GET", path), HTTPStatus.OK, deadline)
        return object_or_empty(reply.body.decode(errors="replace"))

    def _write(self, project_id: str | None, call: Call, deadline: float) -> str:
        reply = self._call(project_id, call, HTTPStatus.NO_CONTENT, deadline)
        return reply.headers.get("X-Request-Id", "")[:64]

    def _call(self, project_id: str | None, call: Call, success: HTTPStatus, deadline: float) -> Reply:
        """Makes one call. Raises a TagApiError for every answer with another status than `success`.

        After a refusal, credentials are renewed once, never twice: failures in a row lock a key.
        """
        account = self._account(project_id)
        credential = account.provider.current(deadline)
        try:
            with account.guard(credential, deadline, last=False):
                return self._send(call, credential.for_project(project_id), success, deadline)
        except CredentialsRejected as refusal:
            newer = account.refreshed(credential, refusal, deadline)
            if newer is None:
                raise
        with account.guard(newer, deadline, last=True):
            return self._send(call, newer.for_project(project_id), success, deadline)

    def _send(self, call: Call, auth: AuthBase, success: HTTPStatus, deadline: float) -> Reply:
        reply = self._client.send(auth(self._request(call)), deadline)
        if reply.status == success:
            return reply
        raise error_of(reply.status, reply.headers, reply.body, datetime.now(UTC))

    def _account(self, project_id: str | None) -> ProjectCredentials:
        return self._accounts[project_id if project_id in self._accounts else None]

    def _request(self, call: Call) -> requests.PreparedRequest:
        request = _prepared(self._endpoint).copy()
        request.method, request.url = call.method, f"{self._endpoint}{call.path}"
        if call.body is not None:
            request.body = json.dumps(call.body).encode()
            request.headers["Content-Length"] = str(len(request.body))
        return request


@cache
def _prepared(endpoint: str) -> requests.PreparedRequest:
    """What all requests of the image service have in common, prepared once and not for every call."""
    return requests.Request("GET", endpoint, headers=_HEADERS).prepare()


def _written(failed: Sequence[FailedTag], request_ids: Sequence[str]) -> WriteResult:
    """Each request id once, those of errors too."""
    ids = [*request_ids, *(getattr(failed.error, "request_id", "") for failed in failed)]
    return WriteResult(failed, list(dict.fromkeys(filter(None, ids))))
