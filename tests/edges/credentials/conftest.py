"""The tag API with credentials, in front of the emulator."""

import time
from collections.abc import Callable

import pytest

from handlers.core.errors import TagApiError
from handlers.core.ims.tags import Tag, WriteResult
from handlers.edges.bootstrap import tag_api_for
from handlers.edges.settings import Settings
from handlers.edges.tag_api import TagApi
from tests.processes.emulator import Ims
from tests.support.log import Lines

SECRET = "canary-secret"
OTHER = "fedcba9876543210fedcba9876543210"
TAG = Tag("one", "1")


Connect = Callable[..., TagApi]


@pytest.fixture
def connect(ims: Ims, log: Lines) -> Connect:
    """`connect(NAME="value", ...)`: the tag API as these settings wire it."""

    def connected(headers: dict[str, str] | None = None, **given: str) -> TagApi:
        given = {"IMS_ENDPOINT": ims.url, "PROJECTS": ims.project_id} | given
        return tag_api_for(Settings.from_environ(given), log)(headers or {})

    return connected


def password(ims: Ims, **given: str) -> dict[str, str]:
    """Settings of a user whom the cloud knows."""
    ims.put_user("ada", password=SECRET, projects={ims.project_id: "eu-de", OTHER: "eu-de_other"})
    return {
        "OS_AUTH_URL": f"{ims.url}/v3",
        "OS_USERNAME": "ada",
        "OS_PASSWORD": SECRET,
        "OS_USER_DOMAIN_NAME": "example",
    } | given


def write(
    api: TagApi, image_id: str, project_id: str | None = Ims.project_id, within: float = 5
) -> WriteResult:
    try:
        return api.add_tags(project_id, image_id, [TAG], time.monotonic() + within)
    except TagApiError as error:
        return WriteResult.of_error([TAG], error)  # as the handler takes it


def failure(writing: WriteResult) -> TagApiError:
    [(_, error)] = writing.failed
    assert isinstance(error, TagApiError)
    assert SECRET not in str(error)
    return error
