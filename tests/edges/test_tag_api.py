"""The client of the tag API, against the emulator and against peers that misbehave."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from requests import Request

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
from handlers.edges.calls import CloudService
from handlers.edges.credentials.auth import Accounts, ProjectCredentials, StaticProvider, Token
from handlers.edges.http.client import BODY_MAX, HttpClient
from handlers.edges.tag_api import TagApi
from tests.processes.emulator import Ims
from tests.processes.launch import free_port
from tests.processes.scripted_server import CLOSE, NO_CONTENT, Answer, answer, peer

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


# -- transport --------------------------------------------------------------------------------------

DEADLINE = 0.4
MARGIN = 0.3


def pieces(*said: bytes | float) -> Iterator[bytes]:
    """Bytes to send, and seconds to wait before the next."""
    for piece in said:
        if isinstance(piece, bytes):
            yield piece
        else:
            time.sleep(piece)  # time that passes is what these tests are about


def drip(piece: bytes) -> Iterator[bytes]:
    while True:
        yield piece
        time.sleep(0.05)


def assert_unavailable_in_time(url: str, tag_form: str = "image_tag") -> None:
    began = time.monotonic()

    writing = write(api_at(url, tag_form=tag_form), ONE, TWO, within=DEADLINE)

    assert time.monotonic() - began < DEADLINE + MARGIN
    assert [tag for tag, _ in writing.failed] == [ONE, TWO]
    assert type(failure(writing)) is TagApiUnavailable


def test_a_refused_connection_is_unavailable() -> None:
    """Nobody listens: asked for again, and no other words than ours are told."""
    assert_unavailable_in_time(f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"transport": "close"}, id="closed"),
        pytest.param({"transport": "reset"}, id="reset"),
        pytest.param({"transport": "half", "status": 400}, id="half a body"),
        pytest.param({"transport": "garbage"}, id="garbage"),
        pytest.param({"transport": "slow", "delay": 3, "status": 400}, id="slow body"),
        pytest.param({"delay": 3}, id="late answer"),
    ],
)
@over_both_calls
def test_a_broken_connection_is_unavailable(ims: Ims, fault: dict[str, Any], tag_form: str) -> None:
    """Every transport fault, within the deadline of all calls together."""
    ims.fault(**fault)

    assert_unavailable_in_time(ims.url, tag_form)


HALF = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n{"
OPEN_END = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{"
IN_CHUNKS = b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(lambda: pieces(3.0), id="nothing"),
        pytest.param(lambda: pieces(0.3, HALF, 3.0), id="a late head and a body that stalls"),
        pytest.param(lambda: pieces(0.3, OPEN_END, 3.0), id="a late head and a body without end"),
        pytest.param(lambda: pieces(0.3, IN_CHUNKS, b"5\r\n{", 3.0), id="a late head and half a chunk"),
        pytest.param(lambda: drip(IN_CHUNKS), id="chunks that are none"),
        pytest.param(lambda: drip(OPEN_END), id="a body that never ends"),
        pytest.param(lambda: pieces(b"HTTP/1.1 2", 3.0), id="half a status line"),
    ],
)
def test_a_slow_peer_cannot_outlast_the_deadline(said: Any) -> None:
    """However the time is spread over an answer, the deadline ends it."""
    with peer(said()) as server:
        assert_unavailable_in_time(server.url)


@over_both_calls
def test_after_the_deadline_nothing_is_called(ims: Ims, tag_form: str) -> None:
    """A delivery whose time is up writes no more."""
    writing = write(api_at(ims.url, tag_form=tag_form), ONE, TWO, within=0)

    assert type(failure(writing)) is TagApiUnavailable
    assert ims.calls() == []


def test_of_a_big_answer_only_the_beginning_is_read() -> None:
    """An error body of any size is an answer, and leaves no rest in the way of the next call."""
    page = b"x" * (4 * BODY_MAX)
    with peer(answer(503, page), NO_CONTENT) as server:
        api = api_at(server.url)

        assert type(failure(write(api, ONE))) is TagApiUnavailable
        assert write(api, ONE).failed == []
        assert server.connections == 2


# -- connections ------------------------------------------------------------------------------------

REFUSAL = json.dumps({"error": {"code": "IMG.0115", "message": "no"}}).encode()
CHUNKED = b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(NO_CONTENT, id="204"),
        pytest.param(answer(400, REFUSAL), id="an error with a body"),
        pytest.param(answer(400), id="an error without a body"),
        pytest.param(CHUNKED % (len(REFUSAL), REFUSAL), id="an error in chunks"),
        pytest.param([NO_CONTENT[:9], NO_CONTENT[9:-1], NO_CONTENT[-1:]], id="204 in pieces"),
    ],
)
def test_one_connection_serves_many_calls(said: Answer) -> None:
    """It is kept alive, whatever the answers."""
    with peer(*[said] * 20) as server:
        api = api_at(server.url)
        for _ in range(10):
            write(api, ONE)
            write(api, ONE)

        assert (server.connections, len(server.requests)) == (1, 20)


@pytest.mark.parametrize(
    ("answers", "requests", "written"),
    [
        pytest.param([NO_CONTENT, CLOSE, NO_CONTENT], 3, True, id="sent again"),
        pytest.param([NO_CONTENT, CLOSE, CLOSE, NO_CONTENT], 3, False, id="not a third time"),
        pytest.param([NO_CONTENT], 2, False, id="not after a time-out"),
        pytest.param([NO_CONTENT, answer(503), NO_CONTENT], 2, False, id="not after a status"),
    ],
)
@over_both_calls
def test_a_call_on_a_dead_connection_is_sent_again_once(
    answers: list[Answer], requests: int, *, written: bool, tag_form: str
) -> None:
    """That a kept-alive connection is closed shows only when it is used."""
    with peer(*answers) as server:
        api = api_at(server.url, tag_form=tag_form)
        write(api, ONE)

        writing = write(api, TWO, within=DEADLINE)

        assert (writing.failed == []) == written
        assert len(server.requests) == requests


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 204 No Content\r\nX-Request-Id: r:1\r\n", id="plain"),
        pytest.param(b"HTTP/1.1 204 \r\nDate: today\r\nx-request-id:r:1 \r\n", id="lower case"),
        pytest.param(b"HTTP/1.1 204 No Content\r\nX-Request-Id:\r\n r:1\r\n", id="folded"),
        pytest.param(b"HTTP/1.1 204\nX-Request-Id: r:1\n", id="short lines"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 Yes\r\nX-Request-Id: r:1\r\n", id="after 100"
        ),
        pytest.param(b"HTTP/1.1 204 Yes\r\nA: %s\r\nX-Request-Id: r:1\r\n" % (b"a" * 9000), id="long"),
    ],
)
def test_a_success_is_understood_however_it_is_written(head: bytes) -> None:
    """HTTP has several spellings of one answer, and the request id is read from each."""
    with peer(head + b"\r\n") as server:
        writing = write(api_at(server.url), ONE)

    assert (list(writing.failed), writing.request_ids) == ([], ["r:1"])


@pytest.mark.parametrize(
    ("said", "connections"),
    [
        pytest.param(answer(204, Connection="close"), 2, id="it ends the connection"),
        pytest.param(NO_CONTENT + answer(400, REFUSAL), 1, id="more than one answer"),
    ],
)
def test_nothing_of_a_success_is_taken_for_the_next_answer(said: bytes, connections: int) -> None:
    """What follows a 204 belongs to no call."""
    with peer(said, NO_CONTENT) as server:
        api = api_at(server.url)

        assert [write(api, ONE).failed for _ in range(2)] == [[], []]
        assert server.connections == connections


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_no_header_is_sent_that_has_several_lines(end: str) -> None:
    """The second line could be a header, or a whole request, of somebody else."""
    client = HttpClient("the tag API", "IMS_ENDPOINT", proxy=None, ca_bundle=None)
    with peer(NO_CONTENT) as server:
        request = Request("PUT", server.url, data=b"{}").prepare()
        request.headers["X-Auth-Token"] = f"a{end}X-Other: b"

        with pytest.raises(ValueError, match="a header has several lines"):
            client.send(request, time.monotonic() + 5)
        assert server.requests == []


def test_a_call_on_a_new_connection_is_not_sent_again() -> None:
    """There the other side has closed on purpose."""
    with peer(CLOSE, NO_CONTENT) as server:
        assert type(failure(write(api_at(server.url), ONE))) is TagApiUnavailable
        assert len(server.requests) == 1


def test_the_environment_does_not_steer(ims: Ims, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy and no netrc of the environment: only the settings say who is spoken to, and as whom."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(netrc))

    assert write(api_at(ims.url), ONE, image_id=ims.image()).failed == []
    assert "Authorization" not in ims.calls()[0]["headers"]


def test_the_proxy_of_the_settings_is_used() -> None:
    """With its credentials, and for names that only it can resolve."""
    with peer(NO_CONTENT) as server:
        api = api_at("http://ims.invalid", proxy=f"http://user:word@{server.address}")

        assert write(api, ONE).failed == []
        assert server.requests[0].startswith(b"PUT http://ims.invalid/v1/cloudimages/tags HTTP/1.1\r\n")
        assert b"Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n" in server.requests[0]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(answer(407, b"who are you?"), id="credentials wrong"),
        pytest.param(CLOSE, id="closed"),
        pytest.param(answer(200, b"welcome"), id="a tunnel that is a page"),
    ],
)
def test_a_proxy_without_a_tunnel_is_unavailable(said: Answer) -> None:
    """A proxy that does not connect leaves the API unreached."""
    with peer(said) as server:
        error = failure(write(api_at("https://ims.invalid", proxy=server.url), ONE, within=DEADLINE))

    assert type(error) is TagApiUnavailable


def test_a_proxy_that_closed_a_kept_connection_is_asked_again() -> None:
    """Once, as the API itself is where there is no proxy."""
    with peer(NO_CONTENT, CLOSE, NO_CONTENT) as server:
        api = api_at("http://ims.invalid", proxy=server.url)

        assert [write(api, ONE).failed for _ in range(2)] == [[], []]
        assert len(server.requests) == 3


# -- TLS --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "trusted", "written"),
    [
        pytest.param("own", "own", True, id="trusted"),
        pytest.param("own", None, False, id="self-signed"),
        pytest.param("own", "other", False, id="another is trusted"),
        pytest.param("other", "other", False, id="trusted, for another name"),
    ],
)
def test_certificates_are_verified(
    certificates: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    shown: str,
    trusted: str | None,
    *,
    written: bool,
) -> None:
    """Against what OS_CACERT names, and else the public authorities; the environment adds none."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(certificates[shown]))
    bundle = certificates[trusted].with_suffix(".crt") if trusted else None

    with peer(NO_CONTENT, certificate=certificates[shown]) as server:
        writing = write(api_at(server.url, ca_bundle=bundle), ONE)

    assert (writing.failed == []) == written
    if not written:
        assert "OS_CACERT" in str(failure(writing))
        assert server.requests == []
