"""What a trace tells of an image: its name, its times, and who or what asked for it."""

import json
from typing import Any

import pytest

from handlers.core.events import recognise
from tests.support.sample_events import (
    ID,
    PROJECT,
    SAYS,
    TIME,
    USER,
    Json,
    image,
    trace,
)

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
