"""The calls of the probe: counted, two a second, each once."""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from handlers.commands.files import UsageError
from handlers.commands.probe.answers import CLIENT_ERRORS, Answer
from handlers.commands.services import Services
from handlers.commands.targets.rate import Pace, Wait
from handlers.core.errors import CredentialsRejected, TagApiError, TagApiUnavailable
from handlers.core.ims.requests import Call, with_query
from handlers.core.json_access import object_or_empty
from handlers.edges.calls import Calls, CloudService

CALLS_MAX = 58
"""Calls of one run. A login and one renewal of the credentials may come on top: 60 in all."""

SPARE = 4
"""Those of them that are kept for removing tags at the end, beyond what is reckoned with."""

NONE: Mapping[str, str] = {}

RATE = 2.0
"""Calls a second."""


class OutOfCalls(Exception):
    """The run has no call left."""


class Caller:
    """Calls both services for one project. seconds: for each answer. wait, clock: in seconds."""

    def __init__(self, services: Services, seconds: float, wait: Wait, clock: Callable[[], float]) -> None:
        self.projects = services.projects
        self.project_id = self.projects[0]
        self.calls = 0
        self.limit = CALLS_MAX - SPARE
        self.wait = wait
        self.clock = clock
        self._services = services
        self._seconds = seconds
        self._pace = Pace(RATE, wait, clock)

    @property
    def left(self) -> int:
        return CALLS_MAX - self.calls

    @property
    def has_traces(self) -> bool:
        """Whether anybody knows the address of Cloud Trace Service."""
        return self._services.cts is not None

    def wait_until(self, moment: float) -> None:
        """moment: of the clock."""
        self.wait(max(0.0, moment - self.clock()))

    def ims(
        self, method: str, path: str, body: dict[str, Any] | None = None, query: Mapping[str, str] = NONE
    ) -> Answer:
        """Raises UsageError if the credentials are refused, or OutOfCalls."""
        return self._ask(self._services.ims, Call(method, with_query(path, query), body))

    def cts(self, path: str, query: Mapping[str, str]) -> Answer:
        """Raises UsageError if the credentials are refused or nobody knows the address, or OutOfCalls."""
        if self._services.cts is None:
            raise UsageError("the address of Cloud Trace Service is not known; set CTS_ENDPOINT")
        return self._ask(self._services.cts, Call("GET", with_query(path, query)))

    def _ask(self, service: CloudService, call: Call) -> Answer:
        answer = self._once(service, call)
        # IMS says "try again" with 400 as well. An answer that comes again is about what was asked.
        if answer.status in CLIENT_ERRORS and answer.error is TagApiUnavailable and self.calls < self.limit:
            return self._once(service, call)
        return answer

    def _once(self, service: CloudService, call: Call) -> Answer:
        if self.calls >= self.limit:
            raise OutOfCalls
        self._pace.begin()
        self.calls += 1
        success = HTTPStatus.OK if call.method == "GET" else HTTPStatus.NO_CONTENT
        try:
            deadline = time.monotonic() + self._seconds
            reply = Calls(service, self.project_id, deadline).make(call, success)
        except CredentialsRejected as error:
            raise UsageError(str(error)) from None
        except TagApiError as error:
            if self.calls == 1 and error.status == 0:
                raise UsageError(str(error)) from None
            return Answer(error.status, error.code.upper(), type(error))
        return Answer(reply.status, body=object_or_empty(reply.body))
