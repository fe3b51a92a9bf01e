"""Authenticated calls of the cloud's services. This is the one place that turns failures into errors of
`core.errors`.
"""

import json
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus

from requests import PreparedRequest, Request
from requests.auth import AuthBase

from handlers.core.errors import CredentialsRejected
from handlers.core.ims.error_codes import TAG_API, Service, error_of
from handlers.core.ims.requests import Call
from handlers.edges.credentials.auth import Accounts
from handlers.edges.http.client import HttpClient, Reply

_HEADERS = {"Content-Type": "application/json;charset=UTF-8", "Accept": "application/json"}


class CloudService:
    """A service of the cloud at one address."""

    def __init__(
        self, endpoint: str, client: HttpClient, accounts: Accounts, service: Service = TAG_API
    ) -> None:
        self._endpoint = endpoint
        self._service = service
        self._client = client
        self._accounts = accounts

    def send(self, call: Call, success: HTTPStatus, auth: AuthBase, deadline: float) -> Reply:
        """Sends one call once. Raises a TagApiError for every answer with another status than `success`."""
        request = self._prepared.copy()
        request.method, request.url = call.method, f"{self._endpoint}{call.path}"
        if call.body is not None:
            request.body = json.dumps(call.body).encode()
            request.headers["Content-Length"] = str(len(request.body))
        reply = self._client.send(auth(request), deadline)
        if reply.status == success:
            return reply
        raise error_of(reply.status, reply.headers, reply.body, datetime.now(UTC), self._service)

    @cached_property
    def _prepared(self) -> PreparedRequest:
        """The part that all requests share, prepared once."""
        return Request("GET", self._endpoint, headers=_HEADERS).prepare()


class Calls:
    """Makes calls for one project, one after the other, with its credentials.

    project_id: None if the credentials are for one project anyway. deadline: of `time.monotonic`, for all.
    Raises TagApiError if there are no credentials.
    """

    def __init__(self, service: CloudService, project_id: str | None, deadline: float) -> None:
        accounts = service._accounts  # noqa: SLF001 - the two are one idea
        self._service = service
        self._project_id = project_id
        self._deadline = deadline
        self._account = accounts[project_id if project_id in accounts else None]
        self._credential = self._account.provider.current(deadline)
        self._auth = self._credential.for_project(project_id)

    def make(self, call: Call, success: HTTPStatus) -> Reply:
        """Makes one call. Raises a TagApiError for every answer with another status than `success`.

        After a refusal, it renews the credentials once, never twice, because failures in a row lock a key.
        """
        try:
            return self._make(call, success, last=False)
        except CredentialsRejected as refusal:
            newer = self._account.refreshed(self._credential, refusal, self._deadline)
            if newer is None:
                raise
        self._credential, self._auth = newer, newer.for_project(self._project_id)
        return self._make(call, success, last=True)

    def _make(self, call: Call, success: HTTPStatus, *, last: bool) -> Reply:
        if self._account.lockout is None:
            return self._service.send(call, success, self._auth, self._deadline)
        with self._account.lockout.guard(self._credential.fingerprint, self._deadline, last=last):
            return self._service.send(call, success, self._auth, self._deadline)
