"""What the function logs: one JSON line for each event and image, with what a person has to know."""

import json
import re
import time
from collections.abc import Sequence
from typing import Any

import pytest

from handlers.core.errors import ImageNotFound
from handlers.core.ims.tags import Tag, WriteResult
from handlers.core.outcomes import Outcome
from handlers.core.received import Received
from handlers.core.rules import RuleTable
from handlers.delivery import Deliveries
from handlers.edges.log import log_to_stdout
from handlers.edges.settings import signals
from handlers.image_created import Services
from tests.processes.emulator import Ims
from tests.processes.function import Function, created, just_now

CREATED_BY = {"key": "created-by", "value": "ada", "rule": "who created the image"}
CREATED_ON = {"key": "created-on", "value": "2026-01-05", "rule": "on which day, UTC"}


def line_of(function: Function, event: dict[str, Any]) -> dict[str, Any]:
    """The one line that an event leaves."""
    function.structured(event)
    [line] = function.lines()
    return line


def test_a_tagged_image_is_told_whole(function: Function, ims: Ims) -> None:
    """Which event, which image, which tags by which rule, how long it took and what the API called it."""
    image_id = ims.image()

    line = line_of(function, created(image_id))

    times = [line.pop("milliseconds"), line.pop("api_milliseconds")]
    assert times[0] >= times[1] > 0
    assert line.pop("age_seconds") > 0
    assert len(line.pop("request_ids")) == 2
    assert line.pop("time").endswith("Z")
    assert line == {
        "severity": "INFO",
        "message": "image.tagged",
        "outcome": "tagged",
        "event_id": f"event-of-{image_id}",
        "event_source": "/factory",
        "event_type": "com.example.image.created",
        "image_id": image_id,
        "written": [CREATED_BY, CREATED_ON],
    }


def test_a_tag_without_a_value_is_told(function: Function, ims: Ims) -> None:
    """A tag that a matching rule names and the event has no value for: which rule's, and why."""
    image_id = ims.image()

    line = line_of(function, created(image_id, data={"image_id": image_id}))

    [left] = line["not_written"]
    assert (left["key"], left["rule"]) == ("created-by", "who created the image")
    assert "image.creator.name" in left["detail"]
    assert line["written"] == [CREATED_ON]


def test_a_refused_tag_is_told(function: Function, ims: Ims) -> None:
    """Tags that were written and tags that were not, each with its rule; code and words of the API."""
    ims.fault(code="IMG.0115", times=1)

    line = line_of(function, created(ims.image()))

    assert (line["severity"], line["message"], line["outcome"]) == (
        "WARNING",
        "event.dead_letter",
        "dead-letter",
    )
    assert (line["reason"], line["code"]) == ("TagRefused", "IMG.0115")
    assert line["written"] == [CREATED_ON]
    assert line["not_written"] == [CREATED_BY | {"reason": "TagRefused"}]
    assert "written: created-on; not written: created-by" in line["detail"]


@pytest.mark.parametrize(
    ("fault", "severity", "told"),
    [
        pytest.param({"status": 503}, "WARNING", {"reason": "TagApiUnavailable", "retry_after": 1}, id="503"),
        pytest.param(
            {"code": "APIG.0308"}, "WARNING", {"reason": "Throttled", "code": "APIG.0308"}, id="429"
        ),
        pytest.param(
            {"status": 401}, "ERROR", {"reason": "CredentialsRejected", "retry_after": 60}, id="401"
        ),
        pytest.param({"status": 403}, "ERROR", {"reason": "PermissionDenied", "retry_after": 60}, id="403"),
        pytest.param({"status": 302}, "ERROR", {"reason": "UnexpectedReply"}, id="302"),
    ],
)
def test_a_retry_is_told(
    function: Function, ims: Ims, fault: dict[str, Any], severity: str, told: dict[str, Any]
) -> None:
    """What somebody has to repair is an error, what passes by itself is a warning."""
    ims.fault(**fault, headers={"X-Request-Id": "r-7"})

    line = line_of(function, created(ims.image(), time=just_now()))

    assert (line["severity"], line["message"], line["outcome"]) == (severity, "event.retry", "retry")
    assert line | told == line
    assert line["request_ids"] == ["r-7"]
    assert [tag["key"] for tag in line["not_written"]] == ["created-by", "created-on"]
    assert "written" not in line


def test_the_time_in_the_api_is_told_apart(function: Function, ims: Ims) -> None:
    """Slow calls show as slow calls."""
    ims.fault(delay=0.1)

    line = line_of(function, created(ims.image()))

    assert line["milliseconds"] >= line["api_milliseconds"] >= 200


@pytest.mark.parametrize(
    ("event", "message", "told"),
    [
        pytest.param({"type": "other"}, "event.ignored", {"reason": "OtherEvent"}, id="ignored"),
        pytest.param({"data": {}}, "event.dead_letter", {"reason": "InvalidEvent"}, id="which image"),
    ],
)
def test_an_event_without_an_image_is_told(
    function: Function, event: dict[str, Any], message: str, told: dict[str, Any]
) -> None:
    """One line, with the event's identity and why."""
    line = line_of(function, created("x", **event))

    assert (line["message"], line["event_id"]) == (message, "event-of-x")
    assert line | told == line
    assert line["detail"]


def test_nothing_to_tag_is_told(function: Function, ims: Ims) -> None:
    """Every tag that was left out is in the line."""
    image_id = ims.image()

    line = line_of(function, created(image_id, time=None, data={"image_id": image_id}))

    assert line["message"] == "image.nothing_to_tag"
    assert [left["key"] for left in line["not_written"]] == ["created-by", "created-on"]


def test_several_events_have_a_line_each(function: Function, ims: Ims) -> None:
    """Junk in a batch too: dead letters come last, once it is known whether they are stored."""
    function.post([created(ims.image()), 5, created("x", type="other"), created(ims.image())])

    messages = [line["message"] for line in function.lines()]
    assert messages == ["image.tagged", "event.ignored", "image.tagged", "event.dead_letter"]


A = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
B = "00-11111111111111111111111111111111-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("headers", "extension", "trace"),
    [
        pytest.param({"traceparent": A}, {}, A[3:35], id="header"),
        pytest.param({}, {"traceparent": A}, A[3:35], id="extension"),
        pytest.param({"traceparent": A}, {"traceparent": B}, A[3:35], id="both"),
        pytest.param({}, {}, None, id="neither"),
        pytest.param({"traceparent": "junk"}, {}, None, id="junk"),
        pytest.param({}, {"traceparent": 5}, None, id="a number"),
    ],
)
def test_the_trace_is_told(
    function: Function, headers: dict[str, str], extension: dict[str, Any], trace: str | None
) -> None:
    """That of the delivery's HTTP header, else that of the event."""
    function.post(created("x", type="other", **extension), **headers)

    [line] = function.lines()
    assert line.get("trace") == trace


FORGERY = '\r\n{"severity": "INFO", "message": "image.tagged"}\n\u2028\u2029\x85\x1b[2K\x00'


@pytest.mark.parametrize("name", ["id", "source", "type"])
def test_no_attribute_forges_a_line(function: Function, name: str) -> None:
    """Control characters stay inside the JSON of one line, whatever splits lines."""
    given = created("x", type="other") | {name: f"x{FORGERY}"}

    line = line_of(function, given)

    assert line[f"event_{name}"] == given[name]
    assert function.output().isascii()


def test_no_answer_of_the_api_forges_a_line(function: Function, ims: Ims) -> None:
    """Words, code and request id of an error body are what somebody else wrote."""
    body = json.dumps({"error_code": f"X{FORGERY}", "error_msg": FORGERY, "request_id": FORGERY})
    ims.fault(status=400, body=body, headers={"X-Request-Id": ""})

    line = line_of(function, created(ims.image()))

    assert line["outcome"] == "dead-letter"
    assert "\n" not in line["detail"] + line["code"]


TABLE = RuleTable.load(
    b'[[rule]]\nname = "all"\ntags.a = "1"\ntags.b = { value = "2", on_existing = "keep" }'
)


def fails(error: Exception) -> Any:
    def fail(*_: object) -> None:
        raise error

    return fail


def handled(event: dict[str, Any], **given: Any) -> Outcome:
    """What becomes of an event with these services, logged to standard output."""

    def add_tags(
        _project_id: str | None, _image_id: str, _tags: Sequence[Tag], _deadline: float
    ) -> WriteResult:
        return WriteResult([], [])

    fields: dict[str, Any] = {
        "signals": signals({}),
        "rules": lambda: TABLE,
        "projects": (),
        "not_ready_window": 1800,
        "job": fails(AssertionError("no job is asked for")),
        "image": lambda _project_id, _image_id, _deadline: {"tags": []},
        "add_tags": add_tags,
    }
    deliveries = Deliveries(log_to_stdout("info"), None, event_timeout=5, log_tag_values=True)
    services = Services(**fields | given)
    return deliveries.handle([Received(event)], services, time.monotonic() + 5).outcome


@pytest.mark.parametrize("part", ["add_tags", "image"])
def test_a_bug_is_told_with_its_traceback(capsys: pytest.CaptureFixture[str], part: str) -> None:
    """It is retried, so that no event is lost to it, and nothing is said to be written that may not be.

    The traceback has places alone: what an exception of no kind of ours says may hold anything.
    """
    event = created("11111111-2222-4333-8444-555555555501")

    outcome = handled(event, **{part: fails(RuntimeError("a slip"))})

    assert (outcome.kind, outcome.reason, outcome.retry_after) == ("retry", "RuntimeError", 10)
    assert "a slip" not in outcome.message
    output = capsys.readouterr().out
    assert "a slip" not in output
    [line] = map(json.loads, output.splitlines())
    assert (line["severity"], line["message"]) == ("ERROR", "event.retry")
    assert line["traceback"][0] == "RuntimeError"
    assert re.fullmatch(r".*/tests/edges/test_log.py:\d+ fail", line["traceback"][-1])
    assert "written" not in line
    assert line["not_written"] == [
        {"key": "a", "value": "1", "rule": "all", "reason": "RuntimeError"},
        {"key": "b", "value": "2", "rule": "all", "reason": "RuntimeError"},
    ]


def test_only_a_bug_has_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """An error that has a row is told in one sentence; the request id of a failed look goes with it."""
    event = created("11111111-2222-4333-8444-555555555501")
    error = ImageNotFound("not there", status=404, request_id="r-9")

    handled(event, image=fails(error))

    [line] = map(json.loads, capsys.readouterr().out.splitlines())
    assert "traceback" not in line
    assert "written" not in line
    assert line["request_ids"] == ["r-9"]


@pytest.mark.parametrize(("level", "told"), [("debug", 3), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_leaves_lines_out(capsys: pytest.CaptureFixture[str], level: str, told: int) -> None:
    """`LOG_LEVEL` is the lowest severity that is told."""
    log = log_to_stdout(level)
    for severity in ("INFO", "WARNING", "ERROR"):
        log("name", severity=severity, empty=None, none=[], nothing="", zero=0)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == told
    assert all(line.keys() == {"time", "severity", "message", "zero"} for line in lines)
