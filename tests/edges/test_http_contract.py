"""The function's HTTP contract, row by row, against the function under its real server."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.processes.emulator import Ims
from tests.processes.function import LONG_AGO, Function, Serve, created, just_now

TAGS = {"created-by": "ada", "created-on": "2026-01-05"}
JSON = {"content_type": "application/json"}


def binary(event: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of an event in binary mode."""
    headers = {f"ce_{name}": str(value) for name, value in event.items() if name != "data"}
    return json.dumps(event["data"]).encode(), headers


# -- accepted ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "0.3"])
@pytest.mark.parametrize(
    ("headers", "wrap"),
    [
        pytest.param({"content_type": "application/cloudevents+json"}, False, id="structured"),
        pytest.param({"content_type": "Application/CloudEvents+JSON; charset=UTF-8"}, False, id="parameters"),
        pytest.param({"content_type": "application/cloudevents"}, False, id="format by default"),
        pytest.param(JSON, False, id="as JSON"),
        pytest.param({}, False, id="no content type"),
        pytest.param({"content_type": "application/cloudevents-batch+json"}, True, id="batch"),
        pytest.param(JSON, True, id="batch as JSON"),
        pytest.param({}, True, id="batch without content type"),
    ],
)
def test_events_as_json_are_accepted(
    function: Function, ims: Ims, headers: dict[str, str], version: str, *, wrap: bool
) -> None:
    """Structured and batch mode, in both spec versions, under every content type for JSON: 204, empty."""
    image_id = ims.image()
    event = created(image_id, specversion=version)

    reply = function.post([event] if wrap else event, **headers)

    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["Tagging-Outcome"] == "tagged"
    assert ims.tags(image_id) == TAGS


@pytest.mark.parametrize("version", ["1.0", "0.3"])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(JSON, id="JSON"),
        pytest.param({"content_type": "application/vnd.image+json; charset=utf-8"}, id="a JSON of its own"),
        pytest.param({}, id="no content type"),
    ],
)
def test_events_in_headers_are_accepted(
    function: Function, ims: Ims, headers: dict[str, str], version: str
) -> None:
    """Binary mode in both spec versions: 204, empty."""
    image_id = ims.image()
    body, attributes = binary(created(image_id, specversion=version))

    reply = function.post(body, **attributes, **headers)

    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["Tagging-Outcome"] == "tagged"
    assert ims.tags(image_id) == TAGS


def test_an_event_needs_no_data(function: Function, ims: Ims) -> None:
    """In binary mode without a body, the subject can still name the image."""
    image_id = ims.image()
    _, attributes = binary(created(image_id, subject=image_id))

    assert function.post(b"", **attributes).status_code == 204
    assert ims.tags(image_id) == {"created-on": "2026-01-05"}


def test_headers_are_percent_decoded(function: Function, ims: Ims) -> None:
    """Binary mode writes characters beyond ASCII as percent-encoded UTF-8; a quoted value is unquoted."""
    image_id = ims.image()
    body, attributes = binary(created(image_id))

    function.post(body, **attributes | {"ce_source": '"/caf%C3%A9%20\\"1\\""'}, **JSON)

    assert function.lines()[0]["event_source"] == '/café "1"'


def test_data_as_base64_is_read(function: Function, ims: Ims) -> None:
    """Structured JSON data may come as Base64."""
    image_id = ims.image()
    encoded = "eyJ1c2VyIjogeyJuYW1lIjogImFkYSJ9fQ=="
    event = created(image_id, data=None, subject=image_id, datacontenttype="application/json")

    assert function.structured(event | {"data_base64": encoded}).status_code == 204
    assert ims.tags(image_id) == TAGS


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        pytest.param({}, "tagged", id="tagged"),
        pytest.param({"time": None, "data": {}}, "nothing-to-tag", id="no rule has a value"),
        pytest.param({"type": "com.example.image.deleted"}, "ignored", id="about something else"),
    ],
)
def test_what_is_done_is_204(function: Function, ims: Ims, changed: dict[str, Any], outcome: str) -> None:
    """Tagged, nothing to tag, about something else: all accepted, the header tells them apart."""
    image_id = ims.image()

    reply = function.structured(created(image_id, subject=image_id, **changed))

    assert (reply.status_code, reply.content, reply.headers["Tagging-Outcome"]) == (204, b"", outcome)
    assert bool(ims.tags(image_id)) == (outcome == "tagged")


@pytest.mark.parametrize(
    "path",
    ["/", "/images/new", "/healthz", "/invoke/again", "//twice", "/%ff", "/?access=1", "/static/x"],
)
def test_every_path_takes_deliveries(function: Function, ims: Ims, path: str) -> None:
    """Any POST path but /init is a delivery."""
    image_id = ims.image()

    assert function.structured(created(image_id), path).status_code == 204
    assert ims.tags(image_id) == TAGS


# -- retry ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param({"status": 503}, (503, "1", "TagApiUnavailable"), id="503"),
        pytest.param({"status": 500, "code": "IMG.0014"}, (503, "1", "TagApiUnavailable"), id="a code"),
        pytest.param({"transport": "close"}, (503, "1", "TagApiUnavailable"), id="closed connection"),
        pytest.param({"status": 302, "headers": {"Location": "/"}}, (503, "1", "UnexpectedReply"), id="302"),
        pytest.param({"status": 200, "body": "<p>"}, (503, "1", "UnexpectedReply"), id="a page"),
        pytest.param({"code": "APIG.0308"}, (429, "5", "Throttled"), id="throttled"),
        pytest.param({"status": 400, "code": "IMG.0060"}, (429, "5", "Throttled"), id="throttled by code"),
        pytest.param({"status": 401}, (503, "60", "CredentialsRejected"), id="401"),
        pytest.param({"status": 403}, (503, "60", "PermissionDenied"), id="403"),
        pytest.param({"code": "IMG.0027"}, (503, "10", "ImageNotFound"), id="not visible yet"),
        pytest.param({"code": "IMG.0046"}, (503, "10", "ImageNotReady"), id="not active yet"),
    ],
)
def test_what_may_go_right_later_is_asked_for_again(
    function: Function, ims: Ims, fault: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    """503, or 429 where the tag API throttled, with the seconds of the error's row."""
    ims.fault(**fault)

    reply = function.structured(created(ims.image(), time=just_now()))

    reason, _, words = reply.text.partition(": ")
    assert (reply.status_code, reply.headers["Retry-After"], reason) == expected
    assert reply.headers["Tagging-Outcome"] == "retry"
    assert words


@pytest.mark.parametrize("status", [503, 429])
@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        pytest.param("7", (7, 7), id="seconds"),
        pytest.param("0", (0, 0), id="at once"),
        pytest.param("3601", (3600, 3600), id="capped"),
        pytest.param("999999999999", (0, 3600), id="absurd"),
        pytest.param(timedelta(seconds=100), (90, 100), id="a date"),
        pytest.param(timedelta(days=9), (3600, 3600), id="a date beyond the cap"),
        pytest.param(timedelta(days=-9), (0, 0), id="a date that has passed"),
        pytest.param("soon", (1, 5), id="nonsense"),
        pytest.param("-5", (1, 5), id="negative"),
        pytest.param("Thu, 99 Foo 2026 99:99:99 GMT", (1, 5), id="no date"),
    ],
)
def test_the_wait_of_the_api_is_passed_on(
    function: Function, ims: Ims, status: int, asked: str | timedelta, waits: tuple[int, int]
) -> None:
    """`Retry-After` of the API, in seconds or as an HTTP date, at most 3600 s; nonsense is not."""
    date = asked if isinstance(asked, str) else format_datetime(datetime.now(UTC) + asked, usegmt=True)
    ims.fault(status=status, retry_after=date)

    reply = function.structured(created(ims.image()))

    assert reply.status_code == status
    least, most = waits
    assert least <= int(reply.headers["Retry-After"]) <= most


# -- dead letters -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "fault", "reason"),
    [
        pytest.param({"data": {}}, {}, "InvalidEvent", id="which image"),
        pytest.param({}, {"status": 400}, "RequestRejected", id="400"),
        pytest.param({}, {"code": "IMG.0115"}, "TagRefused", id="tag refused"),
        pytest.param({}, {"code": "IMG.0116"}, "TagQuotaExceeded", id="no room"),
        pytest.param({}, {"code": "IMG.0083"}, "ImageNotTaggable", id="public image"),
        pytest.param({}, {"code": "IMG.0027"}, "ImageNotFound", id="an old event's image"),
        pytest.param({"time": None}, {"status": 404}, "ImageNotFound", id="an event without time"),
        pytest.param({"time": "2999-01-01T00:00:00Z"}, {"status": 409}, "ImageNotReady", id="future"),
        pytest.param({}, {"status": 403}, "PermissionDenied", id="no right for long"),
    ],
)
def test_what_never_goes_right_is_400(
    function: Function, ims: Ims, changed: dict[str, Any], fault: dict[str, Any], reason: str
) -> None:
    """A dead letter without a sink is 400 and its reason, so that the bus keeps the event."""
    if fault:
        ims.fault(**fault)

    reply = function.structured(created(ims.image(), **changed))

    assert (reply.status_code, reply.headers["Tagging-Outcome"]) == (400, "dead-letter")
    assert reply.text.startswith(f"{reason}: ")
    assert len(reply.content) <= 512
    assert "Retry-After" not in reply.headers


def test_a_reason_has_at_most_512_bytes(serve: Serve, ims: Ims, tmp_path: Path) -> None:
    """However long the API's words and the table's keys are; no character is cut in two."""
    rules = tmp_path / "rules.toml"
    keys = "\n".join(f'tags.{letter * 36} = "x"' for letter in "abcdefghij")
    rules.write_text(f"[[rule]]\n{keys}", encoding="utf-8")
    ims.fault(status=400, code="IMG.9999", message="é" * 5000)

    reply = serve(RULES=str(rules)).structured(created(ims.image()))

    assert reply.status_code == 400
    assert 500 < len(reply.content) <= 512
    assert "é" in reply.content.decode()


# -- no delivery ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/healthz", "/init", "/invoke"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_other_methods_are_405(function: Function, method: str, path: str) -> None:
    """And the reply names those that are allowed."""
    if (method, path) == ("GET", "/healthz"):
        return

    reply = requests.request(method, function.url + path, data=b"x" * 10, timeout=10)

    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST, OPTIONS")
    assert len(reply.content) <= 512


@pytest.mark.parametrize(
    ("method", "path"),
    [pytest.param("GET", "/healthz", id="health"), pytest.param("POST", "/init", id="init")],
)
def test_health_and_initialization_are_200(function: Function, method: str, path: str) -> None:
    """Neither is a delivery, whatever comes with it."""
    for body in (b"", b"{", b"x" * 5000):
        reply = requests.request(method, function.url + path, data=body, timeout=10)

        assert (reply.status_code, reply.content) == (200, b"")
        assert "Tagging-Outcome" not in reply.headers


def test_the_handshake_is_answered_by_headers(function: Function) -> None:
    """A webhook's consent is in the reply, to anybody; the callback that it offers is never called."""
    with socket.create_server(("127.0.0.1", 0)) as callback:
        callback.setblocking(False)
        asked = {
            "WebHook-Request-Origin": "eventemitter.example.com",
            "WebHook-Request-Rate": "120",
            "WebHook-Request-Callback": f"http://127.0.0.1:{callback.getsockname()[1]}/",
        }

        reply = requests.options(f"{function.url}/any", headers=asked, timeout=10)

        assert (reply.status_code, reply.content) == (200, b"")
        assert reply.headers["WebHook-Allowed-Origin"] == "*"
        assert reply.headers["WebHook-Allowed-Rate"] == "*"
        assert reply.headers["Allow"] == "POST, OPTIONS"
        with pytest.raises(BlockingIOError):
            callback.accept()


# -- not parsable, too large, another format --------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"", "application/cloudevents+json", id="no structured event"),
        pytest.param(b"hello", "text/plain", id="text"),
        pytest.param(b"{", "application/json", id="half an object"),
        pytest.param(b"{}", "application/json", id="no event"),
        pytest.param(b'{"cts": {}}', "application/json", id="an empty trace"),
        pytest.param(b"42", "application/cloudevents+json", id="a number"),
        pytest.param(b"{}", "application/cloudevents-batch+json", id="a batch that is none"),
        pytest.param(b"null", "application/cloudevents-batch+json", id="a batch of nothing"),
    ],
)
def test_what_is_no_event_is_400(function: Function, body: bytes, content_type: str | None) -> None:
    """A dead letter like any other: one short reason, and a line in the log."""
    reply = function.post(body, **({"content_type": content_type} if content_type else {}))

    assert (reply.status_code, reply.headers["Tagging-Outcome"]) == (400, "dead-letter")
    assert reply.text.startswith("InvalidEvent: ")
    assert len("InvalidEvent: ") < len(reply.content) <= 512
    [line] = function.lines()
    assert (line["message"], line["reason"]) == ("event.dead_letter", "InvalidEvent")


@pytest.mark.parametrize(
    "media_type",
    [
        "application/cloudevents+avro",
        "application/cloudevents+xml; charset=utf-8",
        "application/cloudevents+protobuf",
        "application/cloudevents-batch+avro",
        "Application/CloudEvents+CBOR",
    ],
)
def test_another_format_is_415(function: Function, ims: Ims, media_type: str) -> None:
    """The webhook specification demands it of formats that are not understood, headers or not."""
    body, attributes = binary(created(ims.image()))

    assert function.post(body, content_type=media_type, **attributes).status_code == 415
    assert function.post(body, content_type=media_type).status_code == 415
    assert [(line["message"], line["status"]) for line in function.lines()] == [("request.refused", 415)] * 2


LIMIT = 1_048_576


def padded(event: dict[str, Any], size: int) -> bytes:
    return json.dumps(event).encode().ljust(size)


def in_chunks(body: bytes) -> Iterator[bytes]:
    yield from (body[start : start + 65_536] for start in range(0, len(body), 65_536))


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(LIMIT, 204, id="at the limit"),
        pytest.param(LIMIT + 1, 413, id="one byte more"),
        pytest.param(LIMIT + 2, 413, id="two bytes more"),
        pytest.param(20 * LIMIT, 413, id="far more"),
    ],
)
def test_a_body_over_the_limit_is_413(
    function: Function, ims: Ims, size: int, status: int, *, chunked: bool
) -> None:
    """Also where only its end shows how long it is; never is a part of it taken for the whole."""
    image_id = ims.image()
    body = padded(created(image_id), size)

    reply = requests.post(function.url, data=in_chunks(body) if chunked else body, timeout=10)

    assert reply.status_code == status
    assert bool(ims.tags(image_id)) == (status == 204)


def test_the_limit_is_a_setting(serve: Serve, ims: Ims) -> None:
    """`MAX_BODY_BYTES`; the reply names it."""
    reply = serve(MAX_BODY_BYTES="1024").post(padded(created(ims.image()), 1025))

    assert reply.status_code == 413
    assert "MAX_BODY_BYTES" in reply.text
    assert "Tagging-Outcome" not in reply.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("POST", "/", 413, id="delivery"),
        pytest.param("PUT", "/", 405, id="another method"),
        pytest.param("POST", "/init", 200, id="initialization"),
        pytest.param("OPTIONS", "/", 200, id="handshake"),
    ],
)
def test_a_big_upload_is_not_kept_in_memory(serve: Serve, method: str, path: str, status: int) -> None:
    """The reply comes without the body being read, and the next request is served as ever."""
    function = serve(MAX_BODY_BYTES="1025")
    before = function.peak_memory()

    with requests.Session() as session:
        reply = session.request(method, function.url + path, data=bytes(64 * LIMIT), timeout=10)
        after = session.get(f"{function.url}/healthz", timeout=10)

    assert (reply.status_code, after.status_code) == (status, 200)
    assert function.peak_memory() - before < 16 * LIMIT


def test_a_connection_is_kept_after_every_kind_of_reply(function: Function, ims: Ims) -> None:
    """A bus delivers over one connection, whatever becomes of the single delivery."""
    connection = HTTPConnection("127.0.0.1", function.port, timeout=10)
    with closing(connection):
        connection.connect()
        first = connection.sock
        for body in (json.dumps(created(ims.image())), "{", json.dumps(created(str(uuid4()))), "[]"):
            connection.request("POST", "/", body)
            connection.getresponse().read()

            assert connection.sock is first


# -- FunctionGraph ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "fault", "status"),
    [
        pytest.param({}, {}, 200, id="tagged"),
        pytest.param({"type": "other"}, {}, 200, id="ignored"),
        pytest.param({"data": {}}, {}, 400, id="dead letter"),
        pytest.param({}, {"status": 500}, 503, id="retry"),
        pytest.param({}, {"code": "APIG.0308"}, 429, id="throttled"),
    ],
)
def test_invoke_answers_200_for_204(
    function: Function, ims: Ims, changed: dict[str, Any], fault: dict[str, Any], status: int
) -> None:
    """FunctionGraph knows 200 as the only success; nothing else differs."""
    if fault:
        ims.fault(**fault)

    assert function.structured(created(ims.image(), **changed), "/invoke").status_code == status


# -- several in one ---------------------------------------------------------------------------------

OTHER = {"type": "com.example.image.deleted"}
WAITS: dict[str, tuple[int, int | None]] = {
    "503, 1 s": (503, None),
    "503, 9 s": (503, 9),
    "429, 5 s": (429, None),
    "429, 8 s": (429, 8),
}


def element(ims: Ims, kind: str) -> Any:
    """An element of a delivery that ends in this way."""
    image_id = ims.image()
    if kind in WAITS:
        status, seconds = WAITS[kind]
        wait: dict[str, Any] = {"retry_after": seconds} if seconds else {}
        ims.fault(match={"image_id": image_id}, status=status, **wait)
    changes: dict[str, dict[str, Any]] = {"ignored": OTHER, "dead": {"data": {}}}
    return 42 if kind == "junk" else created(image_id, **changes.get(kind, {}))


@pytest.mark.parametrize(
    ("kinds", "status", "seconds"),
    [
        pytest.param([], 204, None, id="nothing"),
        pytest.param(["tagged", "tagged"], 204, None, id="all tagged"),
        pytest.param(["tagged", "ignored"], 204, None, id="some ignored"),
        pytest.param(["tagged", "503, 1 s", "503, 9 s"], 503, "9", id="largest wait"),
        pytest.param(["503, 9 s", "429, 8 s"], 503, "9", id="not all throttled"),
        pytest.param(["429, 8 s", "503, 1 s"], 503, "8", id="the wait of another"),
        pytest.param(["429, 5 s", "429, 8 s", "tagged"], 429, "8", id="all throttled"),
        pytest.param(["dead", "429, 5 s"], 429, "5", id="retry before dead letter"),
        pytest.param(["junk", "503, 1 s"], 503, "1", id="retry before junk"),
    ],
)
def test_several_events_have_one_reply(
    function: Function, ims: Ims, kinds: list[str], status: int, seconds: str | None
) -> None:
    """Any retry wins, with the largest wait, and is 429 only if the tag API throttled every one of them."""
    reply = function.post([element(ims, kind) for kind in kinds], **JSON)

    assert (reply.status_code, reply.headers.get("Retry-After")) == (status, seconds)
    assert "Tagging-Outcome" not in reply.headers
    # Of a delivery without an event there is a line too: it may be a transform that went wrong.
    assert len(function.lines()) == max(1, len(kinds))


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [
        pytest.param(["tagged", "dead"], "InvalidEvent: none of", id="one"),
        pytest.param(["dead", "tagged", "dead", "dead"], "InvalidEvent: 3 dead letters", id="three"),
        pytest.param(["junk", "tagged", "dead"], "InvalidEvent: 2 dead letters", id="junk counts"),
    ],
)
def test_dead_letters_of_several_are_counted(
    function: Function, ims: Ims, kinds: list[str], reason: str
) -> None:
    """400 with the count and the first reason, and the other elements are handled all the same."""
    elements = [element(ims, kind) for kind in kinds]

    reply = function.post(elements, **JSON)

    assert (reply.status_code, reply.text[: len(reason)]) == (400, reason)
    tagged = elements[kinds.index("tagged")]["data"]["image_id"]
    assert ims.tags(tagged) == TAGS


def test_an_event_about_several_images_is_one_event(function: Function, ims: Ims) -> None:
    """Each image is handled and logged; the reply to the one event says how they ended together."""
    image_ids = [ims.image(), ims.image()]
    # Late, so that the other image is in hand already: such an error stops those that are not.
    ims.fault(match={"image_id": image_ids[0]}, status=503, delay=0.3)
    jobs = [{"entities": {"image_id": image_id}} for image_id in image_ids]
    trace = {
        "trace_name": "createImage",
        "service_type": "IMS",
        "resource_type": "ims",
        "time": LONG_AGO,
        "user": {"name": "ada"},
        "response": {"entities": {"sub_jobs_result": jobs}},
    }

    reply = function.structured(created("", type="IMS:CloudTrace:ApiCall", data=trace))

    assert (reply.status_code, reply.headers["Tagging-Outcome"]) == (503, "retry")
    assert [line["image_id"] for line in function.lines()] == image_ids
    assert [ims.tags(image_id) for image_id in image_ids] == [{}, TAGS]
