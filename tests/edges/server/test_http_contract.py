"""The replies to deliveries of one event or several."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.edges.server.conftest import binary
from tests.processes.emulator import Ims
from tests.processes.function import LONG_AGO, Function, Serve, created, just_now

TAGS = {"created-by": "ada", "created-on": "2026-01-05"}
JSON = {"content_type": "application/json"}


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
