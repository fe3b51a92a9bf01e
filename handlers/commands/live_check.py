"""`check --live`: one reading call of the tag API, and which setting its answer puts in doubt."""

import time
from typing import NamedTuple

from handlers.commands.services import demand_own_credentials
from handlers.core.errors import (
    CredentialsRejected,
    ImageNotFound,
    PermissionDenied,
    TagApiError,
    TagApiUnavailable,
    UnexpectedReply,
)
from handlers.core.ims.image import NO_IMAGE
from handlers.edges.bootstrap import tag_api_for
from handlers.edges.settings import Settings, StaticToken
from handlers.edges.settings.secret import Secret
from handlers.edges.tag_api import TagApi

PROJECT_CODES = {"IMG.0067", "IMG.0104", "IMG.0108", "IMG.0145", "APIG.0310", "APIGW.0310"}
"""Codes of a PermissionDenied that concern the project (IMS and API Gateway, "Error Codes")."""


class Live(NamedTuple):
    """at_fault: "endpoint", "credentials", "project", "right" or "tag API"; None where nothing is."""

    endpoint: str
    at_fault: str | None
    message: str


def ask(settings: Settings) -> Live:
    """Asks each project for an image that does not exist. Waits no longer for each than for one event.

    Raises UsageError where the credentials come with requests alone.
    """
    demand_own_credentials(settings)
    for project_id in settings.projects or (None,):
        found = _ask(settings, project_id, time.monotonic() + settings.delivery.event_timeout)
        if found.at_fault:
            where = f"project {project_id}: " if len(settings.projects) > 1 else ""
            return Live(settings.ims_endpoint, found.at_fault, f"{where}{found.message}")
    return Live(settings.ims_endpoint, *found)


class _Found(NamedTuple):
    at_fault: str | None
    message: str


def _ask(settings: Settings, project_id: str | None, deadline: float) -> _Found:
    api = _tag_api(settings)
    try:
        api.log_in(project_id, deadline)
    except TagApiError as error:
        return _Found("credentials", str(error))
    try:
        api.image(project_id, NO_IMAGE, deadline)  # "not found" shows that the credentials may read
    except ImageNotFound as error:
        if not error.code and not _wants_credentials(settings, deadline):
            return _Found(
                "endpoint",
                f"it answers HTTP {error.status} without looking at the credentials, so it is another server;"
                " check IMS_ENDPOINT",
            )
        return _Found(
            None,
            "the endpoint answers, the credentials are valid and have the right ims:images:get; "
            "whether they have ims:images:update, which writing needs, shows only when a tag is written",
        )
    except TagApiError as error:
        return _Found(_at_fault(error), f"{error}{_doubt(error)}")
    return _Found(
        "endpoint", "it shows an image that does not exist, so it is no image service; check IMS_ENDPOINT"
    )


def _tag_api(settings: Settings) -> TagApi:
    return tag_api_for(settings, log=lambda *_, **__: None)({})


def _wants_credentials(settings: Settings, deadline: float) -> bool:
    """Whether the endpoint treats a wrong token in another way than the credentials.

    Every web server knows "not found", and the body with which IMS says it is not published.
    """
    nobody = settings._replace(credentials=StaticToken(Secret("none")))
    try:
        _tag_api(nobody).image(None, NO_IMAGE, deadline)
    except ImageNotFound:
        return False
    except TagApiError:
        return True
    return False


def _doubt(error: TagApiError) -> str:
    """What to add if a refusal has no code, which those of IMS and of its gateway have."""
    if isinstance(error, CredentialsRejected | PermissionDenied) and error.status and not error.code:
        return "; the answer has no code of IMS, so it may be another server: check IMS_ENDPOINT, too"
    return ""


def _at_fault(error: TagApiError) -> str:
    match error:
        case CredentialsRejected():
            return "credentials"
        case PermissionDenied():
            return "project" if error.code.upper() in PROJECT_CODES else "right"
        case UnexpectedReply() | TagApiUnavailable(status=0):
            return "endpoint"
        case _:
            return "tag API"
