"""The IMS emulator makes images by jobs: what the API answers, and the traces that are left."""

import json
import re
from typing import Any

import pytest
import requests

from deploy.local.ims.state import UUID, Cloud, Image, Job, Jobs, Settings
from tests.processes.emulator import Ims
from tests.processes.launch import eventually

ACTION = "/v2/cloudimages/action"
SERVER = "877a2cda-ba63-4e1e-b95f-e67e48b6129a"
OTHER_PROJECT = "fedcba9876543210fedcba9876543210"
HOUR = 3600.0


def code(response: requests.Response) -> str:
    """The code of an IMS error."""
    assert response.status_code == 400, response.text
    return str(response.json()["error"]["code"])


def names(ims: Ims) -> list[str]:
    """Those of all images that the API lists."""
    return [image["name"] for image in ims.api("GET", "/v2/cloudimages").json()["images"]]


def traces(ims: Ims) -> list[dict[str, Any]]:
    return [event["data"] for event in ims.events()]


# --- creation and query


def test_creation_answers_a_job_and_no_image(ims: Ims) -> None:
    """The whole answer is the id of a job; until that has succeeded, nobody knows of an image."""
    ims.settings(active_after=HOUR)
    response = ims.api("POST", ACTION, json={"name": "web-base", "instance_id": SERVER})

    assert response.status_code == 200
    assert response.json().keys() == {"job_id"}
    job_id = response.json()["job_id"]
    assert re.fullmatch("[0-9a-f]{32}", job_id)
    job = ims.job(job_id)
    assert (job["status"], job["end_time"], job["entities"]) == ("INIT", None, {})
    assert names(ims) == []


def test_a_job_succeeds_at_once_by_default(ims: Ims) -> None:
    """The first query gives the image's id, and the image is active, with the attributes of the request."""
    body = {"name": "web-base", "instance_id": SERVER, "description": "a base", "min_ram": 1024}
    job_id = ims.api("POST", ACTION, json=body).json()["job_id"]

    job = ims.job(job_id)
    image_id = job["entities"]["image_id"]

    assert job == {
        "job_id": job_id,
        "job_type": "imsCreateImageByInstance",
        "begin_time": job["begin_time"],
        "end_time": job["end_time"],
        "status": "SUCCESS",
        "error_code": None,
        "fail_reason": None,
        "entities": {"image_name": "web-base", "image_id": image_id},
    }
    for moment in (job["begin_time"], job["end_time"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    image = ims.api("GET", f"/v2/images/{image_id}").json()
    expected = {"status": "active", "name": "web-base", "__description": "a base", "min_ram": 1024}
    assert expected.items() <= image.items()


def test_a_job_runs_for_its_time() -> None:
    """INIT for the first half, RUNNING for the second; it ends when its time is over, and not before."""
    now = 1000.0
    cloud = Cloud([], clock=lambda: now)
    cloud.settings = Settings(active_after=60)
    jobs = Jobs(cloud)
    image = Image("i", "p", now, {"name": "a"})
    job = Job("0" * 32, "imsCreateImageByInstance", "p", now, [image], cloud.settings)
    jobs.add(job)

    seen = []
    for now in (1000.0, 1029.0, 1030.0, 1059.0):
        assert (jobs.finish_due(), jobs.next_end(), cloud.images) == ([], 1060 - now, {})
        seen.append(jobs.status(job))
    now = 1060.0
    ended = jobs.finish_due()

    assert seen == ["INIT", "INIT", "RUNNING", "RUNNING"]
    assert (ended, jobs.status(job), cloud.images) == ([job], "SUCCESS", {"i": image})
    assert (jobs.finish_due(), jobs.next_end()) == ([], None)


def test_a_job_ends_without_being_looked_at(ims: Ims) -> None:
    """The clock ends it, and the second trace comes then."""
    ims.settings(active_after=0.05)
    ims.create("web-base")

    eventually(lambda: len(ims.events()) == 2, "second trace")
    assert names(ims) == ["web-base"]


def test_a_change_of_the_time_applies_to_a_running_job(ims: Ims) -> None:
    """So that a test can decide when a job ends."""
    ims.settings(active_after=HOUR)
    job_id = ims.create("web-base")
    assert ims.job(job_id)["status"] == "INIT"

    ims.settings(active_after=0)

    assert ims.job(job_id)["status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("source", "job_type"),
    [
        pytest.param({"instance_id": SERVER}, "imsCreateImageByInstance", id="server"),
        pytest.param({"image_url": "bucket:centos.qcow2", "min_disk": 40}, "imsImportImageJob", id="file"),
        pytest.param(
            {"volume_id": SERVER, "os_version": "CentOS 7.0 64bit"}, "imsVolumeCreateImageJob", id="disk"
        ),
    ],
)
def test_the_source_decides_the_type_of_the_job(ims: Ims, source: dict[str, Any], job_type: str) -> None:
    """Three ways to one image."""
    job_id = ims.api("POST", ACTION, json={"name": "a"} | source).json()["job_id"]

    assert ims.job(job_id)["job_type"] == job_type
    assert names(ims) == ["a"]


def test_a_job_makes_an_image_of_each_disk(ims: Ims) -> None:
    """Each image has a sub-job, which alone names it."""
    job = ims.job(ims.create("data-1", "data-2"))

    entities = job["entities"]
    results = entities["sub_jobs_result"]
    assert (job["job_type"], job["status"]) == ("imsVolumesToSysDataImagesJob", "SUCCESS")
    assert entities.keys() == {"sub_jobs_result", "sub_jobs_list"}
    assert [result["entities"]["image_name"] for result in results] == ["data-1", "data-2"]
    assert [result["job_id"] for result in results] == entities["sub_jobs_list"]
    assert len({job["job_id"], *entities["sub_jobs_list"]}) == 3
    for result in results:
        assert result.keys() == job.keys()
        image = ims.api("GET", f"/v2/images/{result['entities']['image_id']}").json()
        assert (image["status"], image["virtual_env_type"]) == ("active", "DataImage")


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({"tags": ["env.prod", "x"]}, id="text"),
        pytest.param({"image_tags": [{"key": "env", "value": "prod"}, {"key": "x", "value": ""}]}, id="pair"),
    ],
)
def test_an_image_has_its_tags_from_the_start(ims: Ims, form: dict[str, Any]) -> None:
    """In either form of the creation, and for each disk."""
    server = {"name": "a", "instance_id": SERVER} | form
    disks = {"data_images": [{"name": "b", "volume_id": SERVER} | form]}

    jobs = [ims.job(ims.api("POST", ACTION, json=body).json()["job_id"]) for body in (server, disks)]

    [of_server, of_disks] = [job["entities"] for job in jobs]
    for entities in (of_server, of_disks["sub_jobs_result"][0]["entities"]):
        assert ims.tags(entities["image_id"]) == {"env": "prod", "x": ""}


@pytest.mark.parametrize("images", [pytest.param(["a"], id="one"), pytest.param(["a", "b"], id="several")])
def test_a_job_can_fail(ims: Ims, images: list[str]) -> None:
    """It says why, names no image and leaves none; jobs that had begun before the setting succeed."""
    ims.settings(active_after=HOUR)
    before = ims.create("before")
    ims.settings(jobs_fail=True)
    failing = ims.create(*images)
    ims.settings(active_after=0, jobs_fail=False)

    job = ims.job(failing)

    assert (job["status"], job["error_code"], job["entities"]) == ("FAIL", "IMG.0014", {})
    assert job["fail_reason"]
    assert job["end_time"]
    assert ims.job(before)["status"] == "SUCCESS"
    assert names(ims) == ["before"]


GOOD = {"name": "a", "instance_id": SERVER}
DISK = {"name": "a", "volume_id": SERVER}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(None, "IMG.0007", id="no body"),
        pytest.param({"instance_id": SERVER}, "IMG.0013", id="no name"),
        pytest.param(GOOD | {"name": 1}, "IMG.0001", id="name is a number"),
        pytest.param({"name": "a"}, "IMG.0001", id="no source"),
        pytest.param(GOOD | {"image_url": "b:f"}, "IMG.0001", id="two sources"),
        pytest.param(GOOD | {"instance_id": None}, "IMG.0001", id="source is null"),
        pytest.param({"data_images": []}, "IMG.0001", id="no disks"),
        pytest.param({"data_images": ["a"]}, "IMG.0001", id="disk is text"),
        pytest.param({"data_images": [DISK, {"volume_id": SERVER}]}, "IMG.0013", id="disk without name"),
        pytest.param({"data_images": [DISK, {"name": "b"}]}, "IMG.0001", id="disk without id"),
        pytest.param(GOOD | {"tags": [], "image_tags": []}, "IMG.0001", id="both forms of tags"),
        pytest.param(GOOD | {"tags": "a.b"}, "IMG.0001", id="tags are text"),
        pytest.param(GOOD | {"image_tags": [{"key": "k"}]}, "IMG.0001", id="pair without value"),
        pytest.param(GOOD | {"tags": ["a b"]}, "IMG.0115", id="invalid tag"),
        pytest.param(GOOD | {"tags": [f"key{n}" for n in range(11)]}, "IMG.0116", id="eleven tags"),
    ],
)
def test_a_wrong_creation_is_refused(ims: Ims, body: object, expected: str) -> None:
    """With the documented code; there is no job, no image and no trace then."""
    assert code(ims.api("POST", ACTION, json=body)) == expected
    assert (names(ims), ims.events()) == ([], [])


def test_a_job_is_shown_to_its_project_alone(ims: Ims) -> None:
    """Another project's job is as unknown as one that never was, and the path names the caller's project."""
    ims.put_token("second", project_id=OTHER_PROJECT)
    job_id = ims.create("web-base")
    own, other = f"/v1/{ims.project_id}/jobs/", f"/v1/{OTHER_PROJECT}/jobs/"

    assert code(ims.api("GET", own + "0" * 32)) == "IMG.0023"
    assert code(ims.api("GET", other + job_id, token="second")) == "IMG.0023"
    assert code(ims.api("GET", own + job_id, token="second")) == "IMG.0067"
    assert ims.api("GET", own + job_id, token="wrong").status_code == 401
    assert ims.api("POST", ACTION, token="wrong", json=GOOD).status_code == 401


def test_a_reset_forgets_jobs(ims: Ims) -> None:
    """What was running never ends, and leaves nothing."""
    ims.settings(active_after=HOUR)
    job_id = ims.create("web-base")

    ims.reset()
    ims.settings(active_after=0)

    assert code(ims.api("GET", f"/v1/{ims.project_id}/jobs/{job_id}")) == "IMG.0023"
    assert (names(ims), ims.events()) == ([], [])


# --- traces


def test_a_job_leaves_two_traces(ims: Ims) -> None:
    """The first knows who and no image, the second the image and nobody; operation and name are the same."""
    user = {"id": "u1", "name": "grace", "domain": {"id": "d1", "name": "navy"}}
    ims.put_token("second", user=user, project_id=OTHER_PROJECT)
    body = {"name": "web-base", "instance_id": SERVER}
    job_id = ims.api("POST", ACTION, token="second", json=body).json()["job_id"]
    job = ims.api("GET", f"/v1/{OTHER_PROJECT}/jobs/{job_id}", token="second").json()

    first, second = ims.events()

    assert (first["type"], second["type"]) == ("IMS:CloudTrace:ApiCall", "IMS:CloudTrace:SystemAction")
    assert len({first["id"], second["id"], first["data"]["trace_id"], second["data"]["trace_id"]}) == 4
    same = {
        "trace_name": "createImage",
        "service_type": "IMS",
        "resource_type": "ims",
        "resource_name": "web-base",
        "project_id": OTHER_PROJECT,
        "trace_rating": "normal",
        "read_only": False,
    }
    assert same.items() <= first["data"].items()
    assert same.items() <= second["data"].items()
    assert {"trace_type": "ApiCall", "user": user, "source_ip": "127.0.0.1"}.items() <= first["data"].items()
    assert "resource_id" not in first["data"]
    assert json.loads(first["data"]["request"]) == body
    assert json.loads(first["data"]["response"]) == {"job_id": job_id}
    expected = {
        "trace_type": "SystemAction",
        "user": None,
        "source_ip": "",
        "resource_id": job["entities"]["image_id"],
    }
    assert expected.items() <= second["data"].items()
    assert json.loads(second["data"]["response"]) == job
    assert 10**12 < first["data"]["time"] <= second["data"]["time"]


@pytest.mark.parametrize(
    ("order", "running", "ended"),
    [
        pytest.param("in order", ["ApiCall"], ["ApiCall", "SystemAction"], id="in order"),
        pytest.param("reversed", [], ["SystemAction", "ApiCall"], id="reversed"),
        pytest.param("first only", ["ApiCall"], ["ApiCall"], id="first only"),
        pytest.param("second only", [], ["SystemAction"], id="second only"),
    ],
)
def test_which_traces_come_when_is_a_setting(
    ims: Ims, order: str, running: list[str], ended: list[str]
) -> None:
    """The order of events is not guaranteed in the cloud, so each can be had; the job begun decides."""
    ims.settings(traces=order, active_after=HOUR)
    ims.create("web-base")
    before = [trace["trace_type"] for trace in traces(ims)]

    ims.settings(traces="in order", active_after=0)

    assert before == running
    assert [trace["trace_type"] for trace in traces(ims)] == ended


def test_a_trace_that_is_delayed_trace_keeps_its_time(ims: Ims) -> None:
    """It tells of the request, however late it comes."""
    ims.settings(traces="reversed", active_after=0.05)
    ims.create("web-base")

    eventually(lambda: len(ims.events()) == 2, "both traces")
    second, first = traces(ims)
    assert (second["trace_type"], first["trace_type"]) == ("SystemAction", "ApiCall")
    assert first["time"] < second["time"]


def test_the_second_trace_of_a_failed_job_is_a_warning(ims: Ims) -> None:
    """It says why and names no image."""
    ims.settings(jobs_fail=True)
    job = ims.job(ims.create("web-base"))

    first, second = traces(ims)

    assert (first["trace_rating"], second["trace_rating"]) == ("normal", "warning")
    assert "resource_id" not in second
    response = json.loads(second["response"])
    assert (response["status"], response["error_code"]) == ("FAIL", "IMG.0014")
    assert response == job


def test_the_second_trace_names_several_images_by_their_sub_jobs(ims: Ims) -> None:
    """There is no single image id, and the name is the first one's."""
    job = ims.job(ims.create("data-1", "data-2"))

    first, second = traces(ims)

    assert (first["resource_name"], second["resource_name"]) == ("data-1", "data-1")
    assert "resource_id" not in second
    entities = json.loads(second["response"])["entities"]
    assert entities == job["entities"]
    assert all(UUID.fullmatch(result["entities"]["image_id"]) for result in entities["sub_jobs_result"])


def tag_calls(ims: Ims, image_id: str) -> list[int]:
    """Add a tag by each of the three calls, then one that is not valid; the statuses of the answers."""
    tag, path = {"key": "k", "value": "v"}, f"/v2/{ims.project_id}/images/{image_id}/tags"
    invalid = {"image_id": image_id, "tag": "a b"}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", "/v1/cloudimages/tags", {"image_id": image_id, "image_tag": tag}),
        ("POST", path, {"tag": tag}),
        ("POST", f"{path}/action", {"action": "create", "tags": [tag]}),
        ("PUT", "/v1/cloudimages/tags", invalid),
    ]
    return [ims.api(method, url, json=body).status_code for method, url, body in calls]


@pytest.mark.parametrize(
    ("operation", "resource_type"),
    [pytest.param("addTag", "image", id="addTag"), pytest.param("updateImage", "ims", id="updateImage")],
)
def test_adding_tags_leaves_a_trace_where_set(ims: Ims, operation: str, resource_type: str) -> None:
    """One of each call that succeeds, with the caller and the image; which name it has is not published."""
    ims.settings(trace_tagging=operation)
    image_id = ims.image(attributes={"name": "web-base"})

    assert tag_calls(ims, image_id) == [204, 204, 204, 400]

    expected = {
        "trace_name": operation,
        "trace_type": "ApiCall",
        "resource_type": resource_type,
        "resource_id": image_id,
        "resource_name": "web-base",
    }
    assert len(ims.events()) == 3
    for trace in traces(ims):
        assert expected.items() <= trace.items()
        assert trace["user"]["name"] == "ada@example.com"


def test_adding_tags_leaves_no_trace_by_default(ims: Ims) -> None:
    """So that the events of a test are those of creations alone."""
    assert tag_calls(ims, ims.image()) == [204, 204, 204, 400]
    assert ims.events() == []
