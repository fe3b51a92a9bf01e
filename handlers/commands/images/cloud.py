"""The image service and Cloud Trace Service, as the function's settings name them, asked patiently."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import NamedTuple, Self

from handlers.commands.files import ServiceAway, UsageError
from handlers.commands.services import Services
from handlers.commands.targets.rate import Wait
from handlers.core.errors import PermissionDenied, TagApiError, TagApiUnavailable, Throttled, UnexpectedReply
from handlers.core.ims.requests import Call, with_query
from handlers.core.json_access import Json, object_or_empty
from handlers.edges.calls import Calls, CloudService
from handlers.edges.settings import Settings

Get = Callable[[str, Mapping[str, str]], Json]
"""Gets the object at a path with a query. Raises TagApiError."""

ATTEMPTS = 8
PAUSE_MAX = 30.0
"""Seconds. Without a Retry-After, all attempts together wait for a minute and a half."""


class Cloud(NamedTuple):
    """ims, cts: both services, for one project; cts is None if nobody knows its address."""

    projects: tuple[str, ...]
    ims: Callable[[str], Get]
    cts: Callable[[str], Get] | None

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str], wait: Wait = time.sleep) -> Self:
        """Raises InvalidSetting or UsageError."""
        services = Services.of(settings, environ)
        seconds = settings.delivery.event_timeout

        def getter(service: CloudService) -> Callable[[str], Get]:
            return lambda project_id: _Getter(service, project_id, seconds, wait).get

        return cls(services.projects, getter(services.ims), getter(services.cts) if services.cts else None)


@contextmanager
def reading(what: str, project_id: str, verb: str, right: str) -> Iterator[None]:
    """Around calls for a project. Raises UsageError, or ServiceAway, with what cannot be read and why."""
    cannot = f"the {what} of the project {project_id} cannot be {verb}"
    try:
        yield
    except PermissionDenied as error:
        raise UsageError(f"{cannot}, which needs the right {right}; {error}") from None
    except (Throttled, TagApiUnavailable) as error:
        raise ServiceAway(f"{cannot}: {error}") from None
    except TagApiError as error:
        raise UsageError(f"{cannot}: {error}") from None


class _Getter:
    def __init__(self, service: CloudService, project_id: str, seconds: float, wait: Wait) -> None:
        self._service = service
        self._project_id = project_id
        self._seconds = seconds
        self._wait = wait
        self._has_answered = False

    def get(self, path: str, query: Mapping[str, str]) -> Json:
        """Asks up to ATTEMPTS times, as long as the answer is that it may help.

        A service that has never answered is not waited for: its address is wrong more often than it is down.
        """
        call = Call("GET", with_query(path, query))
        for attempt in range(1, ATTEMPTS):
            try:
                return self._get(call)
            except TagApiError as error:
                if not self._may_help(error):
                    raise
                self._wait(min(max(error.retry_after or 0, 2 ** (attempt - 1)), PAUSE_MAX))
        return self._get(call)

    def _get(self, call: Call) -> Json:
        deadline = time.monotonic() + self._seconds
        try:
            reply = Calls(self._service, self._project_id, deadline).make(call, HTTPStatus.OK)
        except TagApiError as error:
            self._has_answered |= error.status != 0
            raise
        self._has_answered = True
        if not (found := object_or_empty(reply.body)):
            raise UnexpectedReply("the answer is no JSON object; check the address and any proxy in between")
        return found

    def _may_help(self, error: TagApiError) -> bool:
        if isinstance(error, TagApiUnavailable) and error.status == 0:
            return self._has_answered
        return isinstance(error, Throttled | TagApiUnavailable)
