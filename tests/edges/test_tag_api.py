"""The calls of the tag API: what is sent, what each answer means, and one tag among several."""

import json
import time
from typing import Any

import pytest

from handlers.core.errors import (
    ImageNotFound,
    InvalidTag,
    RequestRejected,
    TagApiError,
    TagApiUnavailable,
    TagQuotaExceeded,
    TagRefused,
    Throttled,
    UnexpectedReply,
)
from handlers.core.ims.tags import Tag, WriteResult
from tests.processes.emulator import Ims
from tests.processes.scripted_server import answer, peer
from tests.support.tag_api import (
    DEADLINE,
    ONE,
    THREE,
    TWO,
    api_at,
    assert_unavailable_in_time,
    failure,
    over_both_calls,
    write,
)

# -- the call ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag_form", "body"),
    [
        pytest.param("image_tag", {"image_tag": {"key": "one", "value": "1"}}, id="image_tag"),
        pytest.param("tag", {"tag": "one.1"}, id="tag"),
    ],
)
def test_both_forms_of_a_tag_are_spoken(ims: Ims, tag_form: str, body: dict[str, Any]) -> None:
    """One call a tag, with one of the two documented bodies and never both."""
    image_id = ims.image()

    writing = write(api_at(ims.url, tag_form=tag_form), ONE, image_id=image_id)

    [call] = ims.calls()
    assert (call["method"], call["path"], call["query"]) == ("PUT", "/v1/cloudimages/tags", "")
    assert json.loads(call["body"]) == {"image_id": image_id, **body}
    assert call["headers"]["Content-Type"] == "application/json;charset=UTF-8"
    assert ims.tags(image_id) == {"one": "1"}
    assert writing.failed == []
    assert len(writing.request_ids) == 1


@pytest.mark.parametrize("tag_form", ["image_tag", "tag", "batch"])
@pytest.mark.parametrize("value", ["", "x", "a_-b"])
def test_values_arrive_as_they_are(ims: Ims, tag_form: str, value: str) -> None:
    """Also the empty one, which IMS documents as allowed."""
    image_id = ims.image()

    write(api_at(ims.url, tag_form=tag_form), Tag("key", value), image_id=image_id)

    assert ims.tags(image_id) == {"key": value}


def test_a_key_with_a_dot_has_no_text_form(ims: Ims) -> None:
    """The API would split it at its dot: that tag is reported and not sent, those after it are written."""
    image_id = ims.image()

    writing = write(api_at(ims.url, tag_form="tag"), Tag("a.b", "c"), ONE, image_id=image_id)

    [(tag, error)] = writing.failed
    assert (tag, type(error)) == (Tag("a.b", "c"), InvalidTag)
    assert "TAG_FORM" in str(error)
    assert ims.tags(image_id) == {"one": "1"}


def test_tags_are_written_in_order(ims: Ims) -> None:
    """The order of the table is the order of the calls, and each answer's request id is told."""
    image_id = ims.image()

    writing = write(api_at(ims.url), TWO, ONE, THREE, image_id=image_id)

    sent = [json.loads(call["body"])["image_tag"]["key"] for call in ims.calls()]
    assert sent == ["two", "one", "three"]
    assert len(set(writing.request_ids)) == 3


@over_both_calls
def test_no_tags_are_no_calls(ims: Ims, tag_form: str) -> None:
    """An image without tags to write costs nothing."""
    assert write(api_at(ims.url, tag_form=tag_form)) == WriteResult()
    assert ims.calls() == []


def test_a_batch_is_one_call(ims: Ims) -> None:
    """All tags in their order, in the documented body, for the project in the path."""
    image_id = ims.image(tags={"one": "old"})

    writing = write(api_at(ims.url, tag_form="batch"), TWO, ONE, Tag("three", ""), image_id=image_id)

    [call] = ims.calls()
    path = f"/v2/{ims.project_id}/images/{image_id}/tags/action"
    assert (call["method"], call["path"], call["query"]) == ("POST", path, "")
    tags = [{"key": "two", "value": "2"}, {"key": "one", "value": "1"}, {"key": "three", "value": ""}]
    assert json.loads(call["body"]) == {"action": "create", "tags": tags}
    assert call["headers"]["Content-Type"] == "application/json;charset=UTF-8"
    assert ims.tags(image_id) == {"one": "1", "two": "2", "three": ""}
    assert not writing.failed
    assert (len(writing.request_ids), writing.batch_fallback) == (1, "")


@pytest.mark.parametrize("tags", [[ONE, TWO], [ONE], []], ids=["two", "one", "none"])
def test_without_a_project_there_is_no_batch(ims: Ims, tags: list[Tag]) -> None:
    """Each tag has a call of its own then, and it is told why where there are several."""
    image_id = ims.image()
    api = api_at(ims.url, tag_form="batch")

    writing = api.add_tags(None, image_id, tags, time.monotonic() + 5)

    assert [call["path"] for call in ims.calls()] == ["/v1/cloudimages/tags"] * len(tags)
    assert ims.tags(image_id) == dict(tags)
    assert not writing.failed
    assert ("PROJECTS" in writing.batch_fallback) == (len(tags) > 1)


# -- one tag among several --------------------------------------------------------------------------


@over_both_calls
def test_a_refused_tag_does_not_stop_the_rest(ims: Ims, tag_form: str) -> None:
    """IMG.0115 is about one tag, also where all were sent in one call."""
    image_id, refused = ims.image(), Tag("not a key", "x")

    writing = write(api_at(ims.url, tag_form=tag_form), ONE, refused, TWO, image_id=image_id)

    [(tag, error)] = writing.failed
    assert (tag, type(error)) == (refused, TagRefused)
    assert ims.tags(image_id) == {"one": "1", "two": "2"}
    batches = len(ims.calls("POST", "/v2/"))
    assert batches == (tag_form == "batch")
    assert len(writing.request_ids) == len(set(writing.request_ids)) == 3 + batches
    assert ("TagRefused" in writing.batch_fallback) == bool(batches)


@over_both_calls
def test_a_full_image_does_not_stop_the_rest(ims: Ims, tag_form: str) -> None:
    """IMG.0116 is about keys that are new: one that is there already can still get its value."""
    image_id = ims.image(tags={f"k{number}": "old" for number in range(10)})

    writing = write(api_at(ims.url, tag_form=tag_form), ONE, Tag("k3", "new"), TWO, image_id=image_id)

    assert [(tag, type(error)) for tag, error in writing.failed] == [
        (ONE, TagQuotaExceeded),
        (TWO, TagQuotaExceeded),
    ]
    assert ims.tags(image_id)["k3"] == "new"
    assert ("TagQuotaExceeded" in writing.batch_fallback) == (tag_form == "batch")


@over_both_calls
def test_the_first_tags_have_what_room_there_is(ims: Ims, tag_form: str) -> None:
    """Of those that do not all fit, the earliest are written."""
    image_id = ims.image(tags={f"k{number}": "old" for number in range(8)})

    writing = write(api_at(ims.url, tag_form=tag_form), TWO, ONE, THREE, image_id=image_id)

    assert [tag for tag, _ in writing.failed] == [THREE]
    assert list(ims.tags(image_id))[8:] == ["two", "one"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        pytest.param("IMG.0115", TagRefused, id="refused"),
        pytest.param("IMG.0116", TagQuotaExceeded, id="no room"),
    ],
)
def test_a_batch_of_one_is_refused_once(ims: Ims, code: str, error: type[TagApiError]) -> None:
    """Which tag is meant is certain then."""
    ims.fault(code=code)

    writing = write(api_at(ims.url, tag_form="batch"), ONE, image_id=ims.image())

    assert type(failure(writing)) is error
    assert (len(ims.calls()), len(writing.request_ids), writing.batch_fallback) == (1, 1, "")


def test_the_deadline_is_for_the_batch_and_what_follows_it(ims: Ims) -> None:
    """A batch that is refused late leaves no time for calls of single tags."""
    ims.fault(code="IMG.0115", delay=DEADLINE / 2, times=1)
    ims.fault(delay=9)

    assert_unavailable_in_time(ims.url, tag_form="batch")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param({"status": 400}, RequestRejected, id="rejected"),
        pytest.param({"code": "IMG.0027"}, ImageNotFound, id="no image"),
        pytest.param({"status": 503}, TagApiUnavailable, id="unavailable"),
        pytest.param({"code": "APIG.0308"}, Throttled, id="throttled"),
        pytest.param({"transport": "close"}, TagApiUnavailable, id="closed"),
    ],
)
@over_both_calls
def test_any_other_error_stops_the_rest(
    ims: Ims, tag_form: str, fault: dict[str, Any], error: type[TagApiError]
) -> None:
    """What was not tried is reported as not written, for the same reason; what was written stays.

    A batch that is refused for good may be refused for being one: the first tag alone has to be refused too.
    """
    image_id = ims.image()
    write(api_at(ims.url, tag_form=tag_form), ONE, image_id=image_id)
    ims.fault(**fault)

    writing = write(api_at(ims.url, tag_form=tag_form), TWO, THREE, image_id=image_id)

    assert [tag for tag, _ in writing.failed] == [TWO, THREE]
    assert type(failure(writing)) is error
    again = tag_form == "batch" and error is RequestRejected
    assert len(ims.calls()) == (3 if again else 2)
    assert bool(writing.batch_fallback) == again
    assert ims.tags(image_id) == {"one": "1"}


@over_both_calls
def test_an_error_tells_what_the_api_told(ims: Ims, tag_form: str) -> None:
    """Status, code, request id and the wished wait."""
    ims.fault(status=429, code="APIG.0308", retry_after=7, headers={"X-Request-Id": "r-1"})

    writing = write(api_at(ims.url, tag_form=tag_form), ONE, TWO, image_id=ims.image())

    error = failure(writing)
    assert (error.status, error.code, error.request_id, error.retry_after) == (429, "APIG.0308", "r-1", 7)
    assert writing.request_ids == ["r-1"]


@over_both_calls
@pytest.mark.parametrize("status", [200, 201, 202, 205, 206, 300, 304])
def test_only_204_is_success(status: int, tag_form: str) -> None:
    """A page of a proxy is often a 200, and nothing was written then."""
    body = b"" if status in {205, 304} else b"<p>welcome</p>"
    with peer(answer(status, body)) as server:
        assert type(failure(write(api_at(server.url, tag_form=tag_form), ONE, TWO))) is UnexpectedReply


@over_both_calls
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(ims: Ims, status: int, tag_form: str) -> None:
    """The token is for one host only."""
    ims.fault(status=status, headers={"Location": f"{ims.url}/elsewhere"}, times=1)

    assert type(failure(write(api_at(ims.url, tag_form=tag_form), ONE, TWO))) is UnexpectedReply
    [call] = ims.calls()
    assert call["path"].startswith(("/v1/cloudimages/tags", f"/v2/{ims.project_id}/images/"))
