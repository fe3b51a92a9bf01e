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


# -- what is told of an image -----------------------------------------------------------------------

CREATOR = {"name": "jane", "id": "5f1d", "domain": "acme"}
TOLD: dict[str, tuple[Json, Json]] = {
    "nothing more": (trace(resource_name=...), {"id": ID}),
    "all": (
        trace(
            project_id=PROJECT,
            user=USER,
            time=1767608130000,
            request={"name": "other", "__os_type": "Windows"},
        ),
        {
            "id": ID,
            "name": "web-base",
            "project_id": PROJECT,
            "os_type": "Windows",
            "created_at": TIME,
            "creator": CREATOR,
        },
    ),
    "all of it as text": (
        trace(user=json.dumps(USER), request='{"__os_type": "Linux"}', response=" {}"),
        {"id": ID, "name": "web-base", "os_type": "Linux", "creator": CREATOR},
    ),
    "nulls": (trace(user=None, request=None, response=None, time=None), {"id": ID, "name": "web-base"}),
    "empty texts": (
        trace(user="", request="", response="", time="", record_time="", project_id=""),
        {"id": ID, "name": "web-base"},
    ),
    "the system by the request": (
        trace(request={"os_type": "Linux"}),
        {"id": ID, "name": "web-base", "os_type": "Linux"},
    ),
    "the system by the response": (
        trace(response={"__os_type": "Linux"}),
        {"id": ID, "name": "web-base", "os_type": "Linux"},
    ),
    "the job's name of it": (
        trace(resource_name="job", response={"entities": {"image_name": "web"}}, request={"name": "other"}),
        {"id": ID, "name": "web"},
    ),
    "the request's name of it": (
        trace(resource_name="", request='{"name": "other"}'),
        {"id": ID, "name": "other"},
    ),
}


@pytest.mark.parametrize(("event", "told"), TOLD.values(), ids=TOLD)
def test_told(event: Json, told: Json) -> None:
    """An image has what its trace tells, and nothing in place of what it does not."""
    assert image(event) == told


AGENCY = "sts::7e0d:assumed-agency:builder"
CREATORS: dict[str, tuple[Json, Json]] = {
    "IAM user": ({"type": "User", "user_name": "Jane"}, {"kind": "user", "name": "jane"}),
    "root": ({"type": "User", "principal_is_root_user": "true"}, {"kind": "user", "name": "jane"}),
    "a user with a slash": ({"type": "User", "name": "a/b"}, {"kind": "user", "name": "a/b"}),
    "agency": ({"type": "AssumedAgency", "name": "op"}, {"kind": "agency", "name": "op"}),
    "agency, old form": ({"name": "acme/op_service"}, {"kind": "agency", "name": "acme/op_service"}),
    "agency of an unheard-of type": (
        {"type": "Robot", "name": "acme/op"},
        {"kind": "agency", "name": "acme/op"},
    ),
    "federated": ({"type": "ExternalUser"}, {"kind": "federated", "name": "jane"}),
    "unheard of": ({"type": "Robot"}, {"name": "jane"}),
    "type no text": ({"type": ["User"]}, {"name": "jane"}),
    "old form": ({}, {"name": "jane"}),
}


@pytest.mark.parametrize(("user", "creator"), CREATORS.values(), ids=CREATORS)
def test_creators(user: Json, creator: Json) -> None:
    """The kind of a creator is known by its type, and without one an agency by its account's name."""
    assert image(trace(user=USER | user))["creator"] == creator | {"id": "5f1d", "domain": "acme"}


CREATORS_BY_OTHER_NAMES: dict[str, tuple[Json, Json]] = {
    "user_name": ({"user_name": "Jane"}, {"name": "Jane"}),
    "principal_id": ({"principal_id": "a:b"}, {"id": "a:b"}),
    "domain as text": ({"domain": '{"name": "acme"}'}, {"domain": "acme"}),
}


@pytest.mark.parametrize(("user", "creator"), CREATORS_BY_OTHER_NAMES.values(), ids=CREATORS_BY_OTHER_NAMES)
def test_creators_by_other_names(user: Json, creator: Json) -> None:
    """A creator is found under the other names that traces use."""
    assert image(trace(user=user))["creator"] == creator


@pytest.mark.parametrize("user", [None, "", {}, [], 7, "jane", '["jane"]', {"name": None}], ids=repr)
def test_no_creator(user: Any) -> None:
    """Where no creator is told, there is none, not an empty one."""
    assert "creator" not in image(trace(user=user))


@pytest.mark.parametrize("user", [None, USER, {"name": "aaa/op_service"}], ids=["null", "user", "service"])
def test_the_creator_is_not_the_service_that_did_the_work(user: Any) -> None:
    """The result of a job has no user, or a service as its user, which asked for nothing."""
    event = trace(trace_type="SystemAction", user=user, user_agent="terraform")
    assert image(event)["creator"] == {"kind": "service"}


TOOLS: dict[str, tuple[Json, str | None]] = {
    "none known": ({"user_agent": "curl/8"}, None),
    "none told": ({}, None),
    "console": ({"trace_type": "ConsoleAction", "user_agent": "Mozilla/5.0"}, "console"),
    "Packer": ({"user_agent": "HashiCorp Packer/1.11 gophercloud"}, "packer"),
    "Packer's session": ({"user": USER | {"principal_urn": f"{AGENCY}/packer-run-42"}}, "packer"),
    "Terraform": ({"user_agent": "Terraform/1.9 gophertelekomcloud"}, "terraform"),
    "OpenTofu": ({"user_agent": "OpenTofu/1.8"}, "terraform"),
    "GitLab": ({"user": USER | {"principal_urn": f"{AGENCY}/gitlab-4711"}}, "ci"),
    "GitHub": ({"user_agent": "github-actions"}, "ci"),
    "Jenkins, in the console": ({"trace_type": "ConsoleAction", "user_agent": "Jenkins"}, "ci"),
    "an agency's own name": (
        {"user": USER | {"principal_urn": "sts::7e0d:assumed-agency:terraform/jane"}},
        None,
    ),
    "a user's own name": ({"user": USER | {"principal_urn": "iam::7e0d:user:jenkins"}}, None),
    "agent no text": ({"user_agent": ["packer"], "user": USER | {"principal_urn": 7}}, None),
}


@pytest.mark.parametrize(("fields", "tool"), TOOLS.values(), ids=TOOLS)
def test_tools(fields: Json, tool: str | None) -> None:
    """The tool of a creator is known by its user agent or its session, never by somebody's name."""
    assert image(trace(**({"user": USER} | fields)))["creator"].get("tool") == tool


TIMES: dict[str, tuple[Json, str]] = {
    "milliseconds": ({"time": 1765788999507}, "2025-12-15T08:56:39Z"),
    "milliseconds as text": ({"time": "1765788999507"}, "2025-12-15T08:56:39Z"),
    "seconds": ({"time": 1529996047}, "2018-06-26T06:54:07Z"),
    "seconds as text": ({"time": "1529996047"}, "2018-06-26T06:54:07Z"),
    "CTS text": ({"time": "2016/12/08 11:07:28 GMT+08:00"}, "2016-12-08T03:07:28Z"),
    "RFC 3339": ({"time": "2026-01-05T10:15:30+01:00"}, "2026-01-05T09:15:30Z"),
    "time before record_time": ({"time": 1529996047, "record_time": 1529996050}, "2018-06-26T06:54:07Z"),
    "record_time for an empty time": ({"time": "", "record_time": 1529996050}, "2018-06-26T06:54:10Z"),
    "record_time for no time": ({"record_time": "1529996050"}, "2018-06-26T06:54:10Z"),
    "record_time for nonsense": ({"time": {}, "record_time": 1529996050}, "2018-06-26T06:54:10Z"),
    "the event's own": ({"time": "", "record_time": None}, TIME),
}


@pytest.mark.parametrize(("fields", "moment"), TIMES.values(), ids=TIMES)
def test_times(fields: Json, moment: str) -> None:
    """A trace's time counts, else when it was recorded, else the event's."""
    recognised = recognise(trace(**fields) | {"time": TIME}, SAYS)
    assert isinstance(recognised, list)
    (created,) = recognised
    assert created.event_time is not None
    assert created.event_time.strftime("%Y-%m-%dT%H:%M:%SZ") == moment
    assert created.event["image"]["created_at"] == moment


def test_the_result_of_a_job_tells_when_it_began() -> None:
    """Both traces of one creation name one moment, while the age counts from each one's own."""
    result = trace(time="2026-01-06T00:04:00Z", response={"begin_time": "2026-01-05T23:58:00.438Z"})
    recognised = recognise(result, SAYS)
    assert isinstance(recognised, list)
    assert recognised[0].event["image"]["created_at"] == "2026-01-05T23:58:00Z"
    assert str(recognised[0].event_time) == "2026-01-06 00:04:00+00:00"


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"a":' * 100_000], ids=["lists", "objects"])
def test_deep_text(deep: str) -> None:
    """Text that nests deeper than Python can read is no object."""
    assert image(trace(user=deep, request="{" + deep, response=deep))["id"] == ID
