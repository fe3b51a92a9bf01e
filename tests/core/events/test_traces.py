"""CTS traces: which of them tell of created images, and what they tell of them."""

import json
from typing import Any, cast

import pytest

from handlers.core.errors import InvalidEvent
from handlers.core.events import CreationSignals, ImageCreated, ImageJob, OtherEvent, recognise
from tests.support.sample_events import (
    ID,
    JOB,
    OTHER_ID,
    PROJECT,
    SAYS,
    TIME,
    USER,
    Json,
    bare_trace,
    image,
    images,
    job,
    plain,
    trace,
)

CREATED: dict[str, Json] = {
    "all": trace(),
    "native": trace(resource_type="image"),
    "small letters": trace(service_type="ims", resource_type="IMS"),
    "rating in capitals": trace(trace_rating="NORMAL"),
    "without a rating": trace(trace_rating=...),
    "empty rating": trace(trace_rating="", trace_status=""),
    "both ratings": trace(trace_status="normal"),
    "rating no text": trace(trace_rating=None, trace_status=7),
    "no read": trace(read_only=False),
    "code 0": trace(code=0),
    "an error's code": trace(code="400"),
    "job done": trace(response={"status": "SUCCESS", "error_code": None, "fail_reason": None}),
    "empty error code": trace(response={"error_code": ""}),
    "response no object": trace(response="FAIL"),
    "response cut": trace(response='{"status": "FAIL"'),
    "whatever the event's type": trace() | {"type": "x"},
    "whatever the event's type, even one of Glance": trace() | {"type": "image.update"},
    "response.entities.image_id": trace(resource_id=..., response={"entities": {"image_id": ID}}),
    "response.image_id": trace(resource_id=..., response={"image_id": ID}),
    "response.id": trace(resource_id=..., response={"id": ID}),
    "response.image.id": trace(resource_id=..., response={"image": {"id": ID}}),
    "response as text": trace(resource_id=..., response=json.dumps({"entities": {"image_id": ID}})),
    "resource_id is a name": trace(resource_id="test4", response={"id": ID}),
    "resource_id is a URN": trace(resource_id=f"urn:ims:eu-de:{PROJECT}:image:x", response={"id": ID}),
    "resource_id is {}": trace(resource_id={}, response={"id": ID}),
    "resource_id is empty": trace(resource_id="", response={"id": ID}),
    "an id beside a job": trace(project_id=PROJECT, response={"job_id": JOB}),
    "one sub-job": trace(
        resource_id="", response={"entities": {"sub_jobs_result": [{"entities": {"image_id": ID}}]}}
    ),
    "one image, told twice": trace(
        response={"entities": {"image_id": ID, "sub_jobs_result": [{"entities": {"image_id": ID}}]}}
    ),
}

SERVICE = "the trace is of another service than IMS"
RESOURCE = "the trace is of another resource than an image"
OPERATION = "the trace is of an operation that is none of IMAGE_CREATED_TRACES"
READS = "the trace is of a call that only reads"
FAILED = "the creation failed"

IGNORED: dict[str, tuple[Json, str]] = {
    "ECS": (trace(service_type="ECS", resource_type="ecs", trace_name="createServer"), SERVICE),
    "FunctionGraph": (trace(service_type="FunctionGraph"), SERVICE),
    "service no text": (trace(service_type=None), SERVICE),
    "another service, whatever the type says": (
        trace(service_type="ECS") | {"type": "image.created"},
        SERVICE,
    ),
    "a member": (trace(resource_type="member"), RESOURCE),
    "no resource": (trace(resource_type=...), RESOURCE),
    **{
        name: (trace(trace_name=name), OPERATION)
        for name in (
            *("updateImage", "deleteImage", "exportImage", "addTag", "deleteTag"),
            *("addMember", "updateMember", "deleteMember", "deleteMemeber", "CREATEIMAGE", ""),
        )
    },
    "name no text": (trace(trace_name=["createImage"]), OPERATION),
    "a tag, whatever the type says": (trace(trace_name="addTag") | {"type": "image.created"}, OPERATION),
    "a read": (trace(read_only=True), READS),
    "warning": (trace(trace_rating="warning"), FAILED),
    "incident": (trace(trace_rating="incident"), FAILED),
    "warning in capitals": (trace(trace_rating="WARNING"), FAILED),
    "status warning": (trace(trace_rating=..., trace_status="warning"), FAILED),
    "rating normal, status warning": (trace(trace_status="warning"), FAILED),
    "job failed": (trace(response={"status": "FAIL"}), FAILED),
    "job failed, as text": (trace(response='{"status": "FAIL"}'), FAILED),
    "an error code": (trace(response={"error_code": "IMG.0001"}), FAILED),
    "failed and without an id": (trace(trace_rating="warning", resource_id=...), FAILED),
    "failed, a job alone": (
        trace(trace_rating="warning", resource_id=..., project_id=PROJECT, response={"job_id": JOB}),
        FAILED,
    ),
}


def without_id(response: Any, **fields: Any) -> Json:
    return trace(resource_id=..., response=response, **fields)


INVALID: dict[str, Json] = {
    "no id": trace(resource_id=...),
    "a name": trace(resource_id="test4"),
    "id in the subject alone": trace(resource_id=...) | {"subject": ID},
    "no sub-jobs": without_id({"entities": {"sub_jobs_result": []}}),
    "sub-jobs no list": without_id({"entities": {"sub_jobs_result": {"id": ID}}}),
    "sub-jobs without an image": without_id({"entities": {"sub_jobs_result": [{"entities": {}}, None]}}),
    "a project without a job": without_id({}, project_id=PROJECT),
    "the job outside the response": without_id({}, project_id=PROJECT, job_id=JOB),
}

PATHS = (
    "..",
    "../../v2/images",
    "/",
    "a/b",
    "%2f",
    "a%2fb",
    "a b",
    " ",
    "",
    "a?b",
    "a#b",
    "a;b",
    "a\n",
    "a\\b",
)
HOSTILE: dict[str, Json] = {
    **{f"job {text!r}": without_id({"job_id": text}, project_id=PROJECT) for text in PATHS},
    "job too long": without_id({"job_id": "a" * 65}, project_id=PROJECT),
    "job of another script": without_id({"job_id": "é"}, project_id=PROJECT),
    "job a number": without_id({"job_id": 7}, project_id=PROJECT),
    "job an object": without_id({"job_id": {"a": 1}}, project_id=PROJECT),
}
NO_PROJECT: dict[str, Json] = {
    "absent": without_id({"job_id": JOB}),
    **{f"project {text!r}": without_id({"job_id": JOB}, project_id=text) for text in PATHS},
    "project too short": without_id({"job_id": JOB}, project_id=PROJECT[1:]),
    "project too long": without_id({"job_id": JOB}, project_id=f"{PROJECT}0"),
    "project and a path": without_id({"job_id": JOB}, project_id=f"{PROJECT}/../x"),
    "project and a line's end": without_id({"job_id": JOB}, project_id=f"{PROJECT}\n"),
    "project a number": without_id({"job_id": JOB}, project_id=7),
}


@pytest.mark.parametrize("event", CREATED.values(), ids=CREATED)
def test_created(event: Json) -> None:
    """These tell of one created image."""
    assert image(event)["id"] == ID


@pytest.mark.parametrize(("event", "why"), IGNORED.values(), ids=IGNORED)
def test_ignored(event: Json, why: str) -> None:
    """These are about something else, and the row that decided is named."""
    assert recognise(event, SAYS) == OtherEvent(why)


@pytest.mark.parametrize("event", INVALID.values(), ids=INVALID)
def test_invalid(event: Json) -> None:
    """These say that an image was created, and neither which nor by which job."""
    with pytest.raises(InvalidEvent, match="neither an image id, which is a UUID, nor the id of a job"):
        recognise(event, SAYS)


@pytest.mark.parametrize("event", HOSTILE.values(), ids=HOSTILE)
def test_what_would_not_be_a_name_in_a_path_is_no_job(event: Json) -> None:
    """A job's id becomes a part of a path of the API, and so is never more than a name."""
    with pytest.raises(InvalidEvent):
        recognise(event, SAYS)


@pytest.mark.parametrize("event", NO_PROJECT.values(), ids=NO_PROJECT)
def test_what_would_not_be_a_name_in_a_path_is_no_project(event: Json) -> None:
    """Nor is a project's: what is no project id is as if the trace named none, as older forms do not."""
    recognised = recognise(event, SAYS)
    assert isinstance(recognised, ImageJob)
    assert (recognised.project_id, recognised.job_id) == (None, JOB)


def test_other_operations_by_setting() -> None:
    """The operations that create images are what IMAGE_CREATED_TRACES says, and nothing else."""
    says = CreationSignals(SAYS.event_types, ["importImage"])
    recognised = recognise(trace(trace_name="importImage"), says)
    assert isinstance(recognised, list)
    assert recognise(trace(), says) == OtherEvent(OPERATION)


# -- copies -----------------------------------------------------------------------------------------

COPIES: dict[str, Json] = {
    "by a job's answer": {"response": {"status": "SUCCESS", "entities": {"image_id": OTHER_ID}}},
    "as text": {"response": json.dumps({"entities": {"image_id": OTHER_ID}})},
    "by the answer itself": {"response": {"image_id": OTHER_ID}},
}


@pytest.mark.parametrize("fields", COPIES.values(), ids=COPIES)
def test_the_image_of_a_copy(fields: Json) -> None:
    """A copy is what the response names; the resource, which may be the source, gives no id and no name."""
    copy = image(trace(trace_name="copyImage", request={"name": "web-copy"}, **fields))
    assert (copy["id"], copy["name"]) == (OTHER_ID, "web-copy")


def test_the_name_of_a_copy_in_its_second_trace() -> None:
    """It has no request: the job names the copy."""
    entities = {"image_id": OTHER_ID, "image_name": "web-copy"}
    event = trace(trace_name="copyImage", trace_type="SystemAction", response={"entities": entities})
    assert image(event)["name"] == "web-copy"


def test_a_copy_whose_job_alone_is_known() -> None:
    """The resource is no image that was created, so the job is asked."""
    started = job(trace(trace_name="copyImage", request={"name": "web-copy"}, response={"job_id": JOB}))
    assert (started.job_id, started.fields["name"]) == (JOB, "web-copy")


def test_a_copy_that_nothing_names() -> None:
    """The resource is not taken in its place."""
    with pytest.raises(InvalidEvent, match="neither an image id"):
        recognise(trace(trace_name="copyImage", request={"name": "web-copy"}), SAYS)


# -- events that fill in ----------------------------------------------------------------------------

FILLS_IN: dict[str, tuple[Json, Json, bool]] = {
    "the system's": ({"trace_type": "SystemAction"}, {}, True),
    "the system's, with a user": ({"trace_type": "SystemAction", "user": USER}, {}, True),
    "the system's, of a copy": (
        {"trace_type": "SystemAction", "trace_name": "copyImage", "response": {"image_id": ID}},
        {},
        True,
    ),
    "a call's": ({"trace_type": "ApiCall"}, {}, False),
    "a person's": ({"trace_type": "ConsoleAction"}, {}, False),
    "a call's, sent again": ({"trace_type": "ApiCall"}, {"tagfillin": True}, True),
    "of no type": ({"trace_type": ...}, {}, False),
    "the system's, said not to": ({"trace_type": "SystemAction"}, {"tagfillin": False}, True),
}


@pytest.mark.parametrize(("fields", "attributes", "fills_in"), FILLS_IN.values(), ids=FILLS_IN)
def test_fills_in(fields: Json, attributes: Json, fills_in: bool) -> None:
    """The trace of the system does, and any event that says so; with an image's id and with a job alone."""
    recognised = recognise(trace(**fields) | attributes, SAYS)
    assert isinstance(recognised, list)
    assert [created.fills_in for created in recognised] == [fills_in]

    event = trace(**fields | {"resource_id": ..., "response": {"job_id": JOB}}) | attributes
    [of_job] = job(event).resolve({"status": "SUCCESS", "entities": {"image_id": ID}})
    assert (of_job.fills_in, of_job.job_id) == (fills_in, JOB)


def test_fills_in_from_a_trigger() -> None:
    """The system's trace is known as such in what a FunctionGraph trigger puts around it."""
    [created] = cast(
        "list[ImageCreated]", recognise(plain({"cts": bare_trace(trace_type="SystemAction")}), SAYS)
    )
    assert created.fills_in


@pytest.mark.parametrize("value", [None, False, "false", ""], ids=str)
def test_the_extension_that_says_no(value: object) -> None:
    """False in the types that an attribute has in its formats, and nothing at all."""
    [created] = cast("list[ImageCreated]", recognise(plain({"image_id": ID}, tagfillin=value), SAYS))
    assert created.fills_in is False


# -- jobs and several images ------------------------------------------------------------------------


@pytest.mark.parametrize("job_id", [JOB, "8abf-1", "A" * 64], ids=str)
def test_a_job_alone(job_id: str) -> None:
    """Without an image's id the trace names the job that makes it, and what is known of the image."""
    event = without_id(
        json.dumps({"job_id": job_id}), project_id=PROJECT, user=USER, time=1767608130000, user_agent="packer"
    )
    started = job(event)
    assert (started.project_id, started.job_id) == (PROJECT, job_id)
    assert str(started.event_time) == "2026-01-05 10:15:30+00:00"
    assert started.event == event

    jobs = [
        {"entities": {"image_id": ID, "image_name": "disk-1"}},
        {"entities": {"image_id": OTHER_ID}},
    ]
    made = started.resolve({"status": "SUCCESS", "entities": {"sub_jobs_result": jobs}})

    known = {
        "project_id": PROJECT,
        "created_at": TIME,
        "creator": {"name": "jane", "id": "5f1d", "domain": "acme", "tool": "packer"},
    }
    assert [created.event["image"] for created in made] == [
        known | {"id": ID, "name": "disk-1"},
        known | {"id": OTHER_ID, "name": "web-base"},
    ]
    assert {created.event_time for created in made} == {started.event_time}


SUB_JOBS = [
    {"entities": {"image_id": ID, "image_name": "disk-1"}},
    {"entities": {}},
    None,
    {"entities": {"image_id": OTHER_ID}},
]


@pytest.mark.parametrize("resource_id", ["import", "", ID, "11111111-2222-4333-8444-555555555501"])
def test_several_images(resource_id: str) -> None:
    """The import of several disks makes an image each, with its own name; no resource hides any of them."""
    told = images(trace(resource_id=resource_id, response={"entities": {"sub_jobs_result": SUB_JOBS}}))
    assert [(each["id"], each["name"]) for each in told] == [(ID, "disk-1"), (OTHER_ID, "web-base")]
