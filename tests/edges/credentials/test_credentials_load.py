"""The function as it runs, with many events at once, while its credentials end or are wrong."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest
import requests

from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve, created

SECRET = "canary-secret"
EVENTS = 400
THREADS = 16

Send = Callable[[Function, list[str]], Iterator[requests.Response]]


@pytest.fixture
def send() -> Iterator[Send]:
    """`send(function, image_ids)`: the replies to an event about each, from 16 threads, as they come."""
    own = threading.local()
    with ExitStack() as ends:
        threads = ends.enter_context(ThreadPoolExecutor(THREADS))

        def deliver(url: str, image_id: str) -> requests.Response:
            if not hasattr(own, "session"):
                own.session = ends.enter_context(requests.Session())
            reply: requests.Response = own.session.post(url, json=created(image_id), timeout=30)
            return reply

        yield lambda function, image_ids: threads.map(lambda each: deliver(function.url, each), image_ids)


def test_a_token_that_ends_under_load(serve: Serve, ims: Ims, send: Send) -> None:
    """400 events in 16 threads, the token revoked twice: all are tagged, and nobody sees a 401."""
    ims.put_user("ada", password=SECRET)
    function = serve(
        OS_TOKEN="",
        OS_AUTH_URL=ims.url,
        OS_USERNAME="ada",
        OS_PASSWORD=SECRET,
        OS_USER_DOMAIN_NAME="example",
        PROJECTS=ims.project_id,
        THREADS=str(THREADS),
    )
    image_ids = [ims.image(id=str(UUID(int=number + 1))) for number in range(EVENTS)]

    statuses = []
    for number, reply in enumerate(send(function, image_ids)):
        statuses.append(reply.status_code)
        if number == EVENTS // 3:
            ims.revoke_tokens()
        if number == 2 * EVENTS // 3:
            ims.expire_tokens()

    assert statuses == [204] * EVENTS
    assert all(ims.tags(image_id) for image_id in image_ids)
    # One to begin with, and at most two for each end.
    assert 3 <= len(ims.calls("POST", "/v3/auth/tokens")) <= 5
    lines = function.lines()
    assert [line["outcome"] for line in lines if "outcome" in line] == ["tagged"] * EVENTS
    assert [line for line in lines if line["message"] == "credentials.refused"] == []


def test_a_wrong_key_and_its_repair(serve: Serve, ims: Ims, tmp_path: Path, send: Send) -> None:
    """However many events come, the cloud sees at most two calls; none is lost; the mended file ends it."""
    ims.put_key("AK", secret=SECRET)
    file = tmp_path / "secret"
    file.write_text("canary-wrong")
    function = serve(
        OS_TOKEN="",
        OS_ACCESS_KEY="AK",
        OS_SECRET_KEY_FILE=str(file),
        PROJECTS=ims.project_id,
        THREADS=str(THREADS),
    )
    image_ids = [ims.image() for _ in range(100)]

    refused = [reply for _ in range(3) for reply in send(function, image_ids)]

    assert {reply.status_code for reply in refused} == {503}
    assert {reply.headers["Tagging-Outcome"] for reply in refused} == {"retry"}
    assert {reply.headers["Retry-After"] for reply in refused} == {"60"}
    assert len(ims.calls()) <= 2
    assert ims.key("AK")["in_a_row"] <= 2
    lines = function.lines()
    [why] = [line for line in lines if line["message"] == "credentials.refused"]
    assert "verify aksk signature fail" in why["detail"]
    assert len([line for line in lines if line["message"] == "event.retry"]) == len(refused)

    file.write_text(SECRET)

    assert {reply.status_code for reply in send(function, image_ids)} == {204}
    assert all(ims.tags(image_id) for image_id in image_ids)
    assert "canary" not in function.output()
