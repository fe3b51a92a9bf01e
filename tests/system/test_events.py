"""Every way in which an image's creation is told, over HTTP, up to the tags that the image then has."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from tests.processes.emulator import Ims
from tests.processes.function import LONG_AGO, Function, Serve, created, just_now
from tests.support import sample_files
from tests.support.sample_events import ID, JOB, PROJECT, Json, image, message, trace

JOBS = {"path": "/v1/"}
"""Which calls of the emulator ask for a job."""


def fate(function: Function, event: Any) -> tuple[int, str | None]:
    """The status of the reply to an event, and how it ended."""
    reply = function.post(event, content_type="application/json")
    return reply.status_code, reply.headers.get("Tagging-Outcome")


def tag_calls(ims: Ims) -> int:
    return len(ims.calls("PUT", "/v1/cloudimages/tags"))


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


# -- every shape ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sample_files.IMAGES)
def test_golden_events(function: Function, ims: Ims, name: str) -> None:
    """The bytes of each golden event, as they are, end as expected, and tag the images that they tell of."""
    image_ids = [told["id"] for told in sample_files.IMAGES[name]]
    for image_id in image_ids:
        ims.image(id=image_id)
    content = (sample_files.FOLDER / name).read_bytes()
    head, _, body = content.partition(b"\n\n") if name.endswith(".http") else (b"", b"", content)
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines())

    reply = function.post(body, **headers or {"content-type": "application/json"})

    expected = sample_files.EXPECTED.get(name, {"outcome": "tagged" if image_ids else "ignored"})
    assert reply.status_code == (400 if expected["outcome"] == "dead-letter" else 204)
    lines = function.lines()
    assert [line["outcome"] for line in lines] == [expected["outcome"]] * max(1, len(image_ids))
    assert lines[0].get("reason", "").startswith(expected.get("reason", ""))
    for image_id in image_ids:
        assert ims.tags(image_id) == expected.get("tags", ims.tags(image_id)) != {}


def test_a_message_that_is_no_event(function: Function) -> None:
    """Plain text over SMN can never become a tag: the bus is to keep it, with the reason."""
    reply = function.post(
        message("this is smn message content"),
        content_type="text/plain; charset=UTF-8",
        x_smn_message_type="Notification",
    )
    assert (reply.status_code, reply.text) == (400, "InvalidEvent: an envelope holds text that is not JSON")


def test_events_beside_a_message_that_is_none(function: Function, ims: Ims) -> None:
    """One of several messages that is plain text leaves those beside it alone."""
    image_id = ims.image()
    texts = ["hello", json.dumps(created(image_id))]

    reply = function.post({"record": [{"smn": message(text)} for text in texts]})

    assert (reply.status_code, reply.text) == (400, "InvalidEvent: an envelope holds text that is not JSON")
    assert ims.tags(image_id)


@pytest.mark.parametrize("operation", ["addTag", "updateImage"])
def test_own_traces(function: Function, ims: Ims, operation: str) -> None:
    """The trace that tagging leaves tags nothing, whichever it is, and the log names the row that decided."""
    ims.settings(trace_tagging=operation)
    assert fate(function, trace(resource_id=ims.image(), time=LONG_AGO)) == (204, "tagged")
    own = ims.events()
    assert [event["data"]["trace_name"] for event in own] == [operation]
    calls = tag_calls(ims)
    function.lines()

    assert fate(function, own[0]) == (204, "ignored")

    assert tag_calls(ims) == calls
    [line] = function.lines()
    assert line["detail"] == "the trace is of an operation that is none of IMAGE_CREATED_TRACES"


def test_operations_by_setting(serve: Serve, ims: Ims) -> None:
    """IMAGE_CREATED_TRACES says which operations create images."""
    function = serve(IMAGE_CREATED_TRACES="createImage importImage")
    for name, outcome in {"createImage": "tagged", "importImage": "tagged", "copyImage": "ignored"}.items():
        assert fate(function, trace(trace_name=name, resource_id=ims.image(), time=LONG_AGO))[1] == outcome


# -- jobs -------------------------------------------------------------------------------------------


def of_job(**fields: Any) -> Json:
    """The first trace of a creation: it has a creator and a job, and no image's id."""
    fields = {"user": {"name": "ada"}, "project_id": PROJECT, "response": {"job_id": JOB}} | fields
    return trace(resource_id=..., **fields)


def script_job(ims: Ims, answer: Json | str) -> None:
    body = answer if isinstance(answer, str) else json.dumps(answer)
    ims.fault(status=200, body=body, content_type="application/json", match=JOBS)


AGES: dict[str, str | None] = {
    "now": "",
    "long ago": LONG_AGO,
    "no time": None,
    "the future": "2999-01-01T00:00:00Z",
}


@pytest.mark.parametrize("status", ["INIT", "RUNNING"])
@pytest.mark.parametrize("time", AGES.values(), ids=AGES)
def test_a_running_job(function: Function, ims: Ims, time: str | None, status: str) -> None:
    """IMS itself says that the image is still being made: it is waited for at any age, 10 s at a time."""
    script_job(ims, {"job_id": JOB, "status": status, "entities": {}})

    reply = function.structured(of_job(time=just_now() if time == "" else time))

    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "10")
    assert (reply.headers["Tagging-Outcome"], reply.text[:11]) == ("retry", "JobRunning:")
    [line] = function.lines()
    assert (line["reason"], line["job_id"], line["severity"]) == ("JobRunning", JOB, "WARNING")
    assert [call["path"] for call in ims.calls()] == [f"/v1/{PROJECT}/jobs/{JOB}"]


def test_a_job_that_ends(function: Function, ims: Ims) -> None:
    """The event of a job that ran comes again, finds the image, and gives it its creator's tag."""
    ims.settings(active_after=600)
    job_id = ims.create("prod-web")
    [requested] = ims.events()
    assert fate(function, requested) == (503, "retry")

    ims.settings(active_after=0)

    assert fate(function, requested) == (204, "tagged")
    image_id = ims.job(job_id)["entities"]["image_id"]
    day = ims.job(job_id)["begin_time"][:10]
    assert ims.tags(image_id) == {"created-by": "ada", "created-on": day, "created-for": "production"}
    assert function.lines()[-1]["job_id"] == job_id


def test_a_job_that_fails(function: Function, ims: Ims) -> None:
    """There will be no image: the first trace is a dead letter with the job's reason, the second says so."""
    ims.settings(jobs_fail=True)
    job = ims.job(ims.create("web"))
    requested, ended = ims.events()

    reply = function.structured(requested)

    assert (reply.status_code, reply.headers["Tagging-Outcome"]) == (400, "dead-letter")
    assert reply.text.startswith("CreationFailed: ")
    assert f"{job['error_code']} {job['fail_reason']}" in reply.text
    function.lines()
    assert fate(function, ended) == (204, "ignored")
    assert function.lines()[0]["detail"] == "the creation failed"
    assert tag_calls(ims) == 0


def test_a_job_of_several_images(function: Function, ims: Ims) -> None:
    """Each image gets its tags and its line, by its own name; one event has one reply."""
    job_id = ims.create("prod-1", "data-2")
    [requested, ended] = ims.events()
    parts = ims.job(job_id)["entities"]["sub_jobs_result"]
    image_ids = [part["entities"]["image_id"] for part in parts]

    for event in (requested, ended):
        function.lines()
        assert fate(function, event) == (204, "tagged")
        assert [line["image_id"] for line in function.lines()] == image_ids

    tags = [ims.tags(image_id) for image_id in image_ids]
    assert [each["created-by"] for each in tags] == ["ada", "ada"]
    assert [each.get("created-for") for each in tags] == ["production", None]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param({"status": 503}, (503, "TagApiUnavailable"), id="503"),
        pytest.param({"code": "IMG.0023"}, (503, "TagApiUnavailable"), id="not queried"),
        pytest.param({"code": "APIG.0308"}, (429, "Throttled"), id="throttled"),
        pytest.param({"status": 401}, (503, "CredentialsRejected"), id="401"),
        pytest.param({"status": 403}, (400, "PermissionDenied"), id="no right, for long"),
        pytest.param({"status": 404}, (400, "ImageNotFound"), id="unknown, for long"),
        pytest.param({"status": 200, "body": "<p>"}, (503, "UnexpectedReply"), id="a page"),
        pytest.param({"status": 200, "body": "{}"}, (503, "UnexpectedReply"), id="no job"),
        pytest.param({"status": 200, "body": '{"status": "SUCCESS"}'}, (400, "InvalidEvent"), id="no image"),
    ],
)
def test_a_job_that_is_not_told_of(
    function: Function, ims: Ims, fault: Json, expected: tuple[int, str]
) -> None:
    """Asking for a job ends as any call of the API does, and nothing is tagged."""
    ims.fault(**fault, match=JOBS)

    reply = function.structured(of_job(time=LONG_AGO))

    assert (reply.status_code, reply.text.partition(":")[0]) == expected
    assert tag_calls(ims) == 0


def test_a_job_that_repeats_the_token(function: Function, ims: Ims) -> None:
    """The words of an answer that is no error are told too, and so are rid of what they were sent."""
    script_job(ims, {"status": "FAIL", "fail_reason": f"who sent me {ims.token}?"})

    reply = function.structured(of_job(time=LONG_AGO))

    assert reply.text.endswith("who sent me ***?")
    assert ims.token not in function.output()


@pytest.mark.parametrize("job_id", ["../../v2/images", "a/b", "%2e%2e%2f", "a b", "a?b=c"])
def test_a_hostile_job_is_never_asked_for(function: Function, ims: Ims, job_id: str) -> None:
    """What an event has as the id of a job does not choose the path of a call."""
    assert fate(function, of_job(response={"job_id": job_id})) == (400, "dead-letter")
    assert fate(function, of_job(project_id=job_id)) == (400, "dead-letter")
    assert ims.calls() == []


# -- two traces of one creation ---------------------------------------------------------------------

DAYS = {
    "one day": ("2026-01-05T10:00:00Z", "2026-01-05T10:00:01.195Z", "2026-01-05T10:04:00Z"),
    "the job ends after midnight": (
        "2026-01-05T23:58:00Z",
        "2026-01-05T23:58:01.195Z",
        "2026-01-06T00:03:00Z",
    ),
    "the job begins after midnight": (
        "2026-01-05T23:59:59Z",
        "2026-01-06T00:00:00.195Z",
        "2026-01-06T00:05:00Z",
    ),
}
"""When a creation was requested, and when its job began and ended."""


def two_traces(ims: Ims, times: tuple[str, str, str]) -> tuple[Json, Json, str]:
    """Both traces of one creation, as of these times, and the image's id."""
    requested, began, ended = times
    job_id = ims.create("prod-web")
    first, second = deepcopy(ims.events())
    for event, time in ((first, requested), (second, ended)):
        event["time"] = event["data"]["time"] = event["data"]["record_time"] = time
    answer = json.loads(second["data"]["response"]) | {"begin_time": began, "end_time": ended}
    second["data"]["response"] = json.dumps(answer)
    return first, second, str(ims.job(job_id)["entities"]["image_id"])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "reversed"])
@pytest.mark.parametrize("times", DAYS.values(), ids=DAYS)
def test_both_traces(
    function: Function, ims: Ims, times: tuple[str, str, str], order: tuple[int, int]
) -> None:
    """Whichever comes last, the image has what the first tells; what comes late never undoes it."""
    *events, image_id = two_traces(ims, times)
    told = {"created-by": "ada", "created-on": "2026-01-05", "created-for": "production"}

    for position in order:
        assert fate(function, events[position]) == (204, "tagged")
        if position == 0:
            assert ims.tags(image_id) == told

    assert ims.tags(image_id) == told


@pytest.mark.parametrize("order", sorted(set(permutations([0, 1, 0, 1]))), ids=str)
def test_duplicates(function: Function, ims: Ims, order: tuple[int, ...]) -> None:
    """A bus may deliver twice and in any order: every delivery is accepted, and the tags are the same."""
    *events, image_id = two_traces(ims, DAYS["the job begins after midnight"])

    for position in order:
        assert fate(function, events[position]) == (204, "tagged")

    assert ims.tags(image_id) == {
        "created-by": "ada",
        "created-on": "2026-01-05",
        "created-for": "production",
    }


def test_the_second_trace_alone(function: Function, ims: Ims) -> None:
    """Where the first is never seen, the image still has a day, and no creator that did not create it."""
    _, second, image_id = two_traces(ims, DAYS["one day"])
    assert fate(function, second) == (204, "tagged")
    assert ims.tags(image_id) == {"created-on": "2026-01-05", "created-for": "production"}


# -- images that are not active yet -----------------------------------------------------------------

OLD = "s old, and NOT_READY_WINDOW is 1800 s"
NOT_BELIEVED = "no plausible time"
WAITS: dict[str, tuple[dict[str, float] | None, dict[str, float] | None, str]] = {
    "the trace is young": ({"minutes": 1}, {"days": 9}, ""),
    "the trace is old": ({"hours": 1}, {"minutes": 1}, OLD),
    "the trace is just too old": ({"seconds": 1801}, None, OLD),
    "the trace has no time, the event is young": (None, {"minutes": 1}, ""),
    "the trace has no time, the event is old": (None, {"hours": 1}, OLD),
    "neither has a time": (None, None, NOT_BELIEVED),
    "the clocks differ a little": ({"minutes": -4}, None, ""),
    "the clocks differ too much": ({"minutes": -6}, None, NOT_BELIEVED),
}


@pytest.mark.parametrize(("of_trace", "of_event", "why"), WAITS.values(), ids=WAITS)
def test_an_image_that_is_not_active(
    function: Function,
    ims: Ims,
    of_trace: dict[str, float] | None,
    of_event: dict[str, float] | None,
    why: str,
) -> None:
    """It is waited for while the event is young, by the trace's own time before the event's."""
    ims.settings(taggable_before_active=False)
    time = ago(**of_trace) if of_trace else ""
    event = trace(resource_id=ims.image(status="queued"), time=time, user={"name": "ada"})
    if of_event:
        event["time"] = ago(**of_event)

    reply = function.structured(event)

    assert reply.text.startswith("ImageNotReady: ")
    if why:
        assert (reply.status_code, "Retry-After" in reply.headers) == (400, False)
        assert why in reply.text
    else:
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "10")


@pytest.mark.parametrize("minutes", [1, -4, 60, -6, None], ids=str)
def test_a_plain_event_waits_by_its_own_time(function: Function, ims: Ims, minutes: float | None) -> None:
    """So it is without a trace; an event that has no time is not given that of its arrival."""
    ims.settings(taggable_before_active=False)
    event = created(ims.image(status="saving"), time=None if minutes is None else ago(minutes=minutes))
    assert fate(function, event)[0] == (503 if minutes in {1, -4} else 400)


def test_an_image_that_becomes_active(function: Function, ims: Ims) -> None:
    """The event of an image that was not ready comes again and tags it."""
    ims.settings(taggable_before_active=False, active_after=600)
    image_id = ims.api("POST", "/v2/images", json={"name": "web"}).json()["id"]
    [event] = ims.events()
    assert fate(function, event) == (503, "retry")
    assert ims.tags(image_id) == {}

    ims.settings(active_after=0)

    assert fate(function, event) == (204, "tagged")
    assert ims.tags(image_id)["created-by"] == "ada"


def test_a_trace_of_the_emulator_is_one_of_ours(ims: Ims) -> None:
    """The emulator makes its traces without knowing the function, and both agree on where an id sits."""
    image_id = ims.api("POST", "/v2/images", json={"name": "web"}).json()["id"]
    assert image(ims.events()[0])["id"] == image_id != ID


# -- older traces, and triggers inside a CloudEvent -------------------------------------------------


def test_a_job_without_a_project(serve: Serve, ims: Ims) -> None:
    """Older traces name no project: the job is asked for in the one that is served, if there is one."""
    job_id = ims.create("web")
    ended = trace(resource_id=..., project_id=..., response={"job_id": job_id}, user={"name": "jane"})
    assert fate(serve(PROJECTS=ims.project_id), ended) == (204, "tagged")
    assert ims.tags(ims.job(job_id)["entities"]["image_id"])["created-by"] == "jane"
    assert fate(serve(), ended) == (400, "dead-letter")


def test_a_trigger_inside_a_cloudevent(function: Function, ims: Ims) -> None:
    """What a bridge makes of a FunctionGraph trigger, a CloudEvent around it, tells of its trace."""
    inner = trace(resource_id=ims.image(), user={"name": "jane"})["data"]
    event = trace() | {"data": {"cts": inner}, "type": "bridge.forwarded"}
    assert fate(function, event) == (204, "tagged")
