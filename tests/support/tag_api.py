"""The tag API at an address."""

import time
from pathlib import Path

import pytest

from handlers.core.errors import TagApiError, TagApiUnavailable
from handlers.core.ims.tags import Tag, WriteResult
from handlers.edges.calls import CloudService
from handlers.edges.credentials.auth import Accounts, ProjectCredentials, StaticProvider, Token
from handlers.edges.http.client import HttpClient
from handlers.edges.tag_api import TagApi
from tests.processes.emulator import Ims

ONE, TWO, THREE = Tag("one", "1"), Tag("two", "2"), Tag("three", "3")


def api_at(
    url: str, *, tag_form: str = "image_tag", proxy: str | None = None, ca_bundle: Path | None = None
) -> TagApi:
    client = HttpClient("the tag API", "IMS_ENDPOINT", proxy=proxy, ca_bundle=ca_bundle)
    accounts: Accounts = {None: ProjectCredentials(StaticProvider(lambda: Token(Ims.token)), None)}
    return TagApi(CloudService(url, client, accounts), tag_form=tag_form)


def write(api: TagApi, *tags: Tag, image_id: str = "any", within: float = 5) -> WriteResult:
    return api.add_tags(Ims.project_id, image_id, tags, time.monotonic() + within)


def failure(writing: WriteResult) -> TagApiError:
    """The one error that kept all these tags from being written."""
    error = writing.failed[0].error
    assert isinstance(error, TagApiError)
    assert all(failed.error is error for failed in writing.failed)
    return error


over_both_calls = pytest.mark.parametrize("tag_form", ["image_tag", "batch"])
"""One call a tag, or one for all of them: what comes of it is the same."""


DEADLINE = 0.4
MARGIN = 0.3


def assert_unavailable_in_time(url: str, tag_form: str = "image_tag") -> None:
    began = time.monotonic()

    writing = write(api_at(url, tag_form=tag_form), ONE, TWO, within=DEADLINE)

    assert time.monotonic() - began < DEADLINE + MARGIN
    assert [tag for tag, _ in writing.failed] == [ONE, TWO]
    assert type(failure(writing)) is TagApiUnavailable
