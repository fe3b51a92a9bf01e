"""Several projects of one region: each event is handled as its own project, and no other is."""

import json
from typing import Any

import pytest

from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve, created
from tests.support.paths import ROOT

SECRET = "canary-secret"
OTHER = "fedcba9876543210fedcba9876543210"
FOREIGN = "00000000000000000000000000000000"
TRACE = ROOT / "tests" / "events" / "eventgrid-trace.json"


@pytest.fixture(params=["keys", "password"])
def function(request: pytest.FixtureRequest, serve: Serve, ims: Ims) -> Function:
    """A function that serves two projects."""
    if request.param == "keys":
        ims.put_key("AK", secret=SECRET, projects=[ims.project_id, OTHER])
        way = {"OS_ACCESS_KEY": "AK", "OS_SECRET_KEY": SECRET}
    else:
        ims.put_user("ada", password=SECRET, projects={ims.project_id: "one", OTHER: "other"})
        way = {
            "OS_AUTH_URL": ims.url,
            "OS_USERNAME": "ada",
            "OS_PASSWORD": SECRET,
            "OS_DOMAIN_NAME": "example",
        }
    return serve(OS_TOKEN="", PROJECTS=f"{ims.project_id} {OTHER}", **way)


def of_project(image_id: str, project_id: str | None) -> dict[str, Any]:
    data = {"image_id": image_id, "user": {"name": "ada"}}
    return created(image_id, data=data | ({"project_id": project_id} if project_id else {}))


@pytest.mark.parametrize("project_id", [Ims.project_id, OTHER])
def test_the_scope_follows_the_event(function: Function, ims: Ims, project_id: str) -> None:
    """An image of either project is tagged."""
    image_id = ims.image(project_id=project_id)

    assert function.structured(of_project(image_id, project_id)).status_code == 204
    assert ims.tags(image_id)


def test_a_job_is_asked_for_as_its_project(function: Function, ims: Ims) -> None:
    """Where the event names a job and no image."""
    job_id = ims.create("web-base")
    event = json.loads(TRACE.read_text(encoding="utf-8"))
    del event["data"]["resource_id"]
    event["data"] |= {"project_id": ims.project_id, "response": json.dumps({"job_id": job_id})}

    assert function.structured(event).status_code == 204
    assert ims.tags(ims.job(job_id)["entities"]["image_id"])


@pytest.mark.parametrize(
    ("project_id", "reason"),
    [
        pytest.param(FOREIGN, "ProjectNotServed", id="not served"),
        pytest.param(None, "InvalidEvent", id="not said"),
    ],
)
def test_any_other_project_is_a_dead_letter(
    function: Function, ims: Ims, project_id: str | None, reason: str
) -> None:
    """It says so, and nothing is called."""
    reply = function.structured(of_project(ims.image(), project_id))

    assert (reply.status_code, reply.text.partition(":")[0]) == (400, reason)
    assert ims.calls() == []


def test_a_token_serves_its_project_alone(serve: Serve, ims: Ims) -> None:
    """Where it is named; else the event's project is not looked at."""
    image_id = ims.image()
    named, unnamed = serve(PROJECTS=ims.project_id), serve()

    assert named.structured(of_project(image_id, FOREIGN)).status_code == 400
    assert unnamed.structured(of_project(image_id, FOREIGN)).status_code == 204
