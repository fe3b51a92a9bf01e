"""The IMS emulator copies images within a region, and knows what images were made of."""

import json
from typing import Any

import pytest
import requests

from tests.processes.emulator import Ims

SERVER = "877a2cda-ba63-4e1e-b95f-e67e48b6129a"
UNKNOWN = "62a15f6c-9197-44d2-89c7-708981c1bec1"
OTHER_PROJECT = "fedcba9876543210fedcba9876543210"
HOUR = 3600.0


def code(response: requests.Response) -> str:
    """The code of an IMS error."""
    assert response.status_code == 400, response.text
    return str(response.json()["error"]["code"])


def copied(ims: Ims, job_id: str) -> dict[str, Any]:
    """The image that a job has made, as the API shows it."""
    image_id = ims.job(job_id)["entities"]["image_id"]
    return dict(ims.api("GET", f"/v2/images/{image_id}").json())


def traces(ims: Ims) -> list[dict[str, Any]]:
    return [event["data"] for event in ims.events()]


def test_a_copy_is_made_by_a_job(ims: Ims) -> None:
    """The whole answer is the id of a job, which makes an image with an id of its own."""
    source = ims.image(attributes={"name": "web-base", "__os_type": "Windows"})
    response = ims.api("POST", f"/v1/cloudimages/{source}/copy", json={"name": "web-copy"})

    assert (response.status_code, response.json().keys()) == (200, {"job_id"})
    job = ims.job(response.json()["job_id"])
    assert (job["job_type"], job["status"]) == ("imsCopyImageInRegionJob", "SUCCESS")
    assert job["entities"].keys() == {"image_name", "image_id"}
    assert job["entities"]["image_name"] == "web-copy"
    copy = copied(ims, job["job_id"])
    assert copy["id"] != source
    expected = {"name": "web-copy", "status": "active", "owner": ims.project_id, "__os_type": "Windows"}
    assert expected.items() <= copy.items()


def test_a_copy_names_its_source(ims: Ims) -> None:
    """As recorded answers of the real service do: the origin with its region, and the parent by its id."""
    source = ims.image(
        attributes={"name": "a", "__data_origin": "instance,x", "__originalimagename": UNKNOWN}
    )

    copy = copied(ims, ims.copy(source, "b"))

    assert (copy["__data_origin"], copy["__originalimagename"]) == (f"image,eu-de,{source}", source)


def test_what_a_copy_has_of_its_source(ims: Ims) -> None:
    """Neither tags, nor protection, nor a description; what the call names is as it says."""
    attributes = {"name": "a", "protected": True, "__description": "the source", "__system__cmkid": "k1"}
    source = ims.image(attributes=attributes, tags={"owner": "ada"})
    given = {"description": "a copy", "cmk_id": "k2", "enterprise_project_id": "0"}

    bare, described = copied(ims, ims.copy(source, "b")), copied(ims, ims.copy(source, "c", **given))

    assert (bare["tags"], bare["protected"]) == ([], False)
    assert not {"__description", "__system__cmkid", "enterprise_project_id"} & bare.keys()
    expected = {"__description": "a copy", "__system__cmkid": "k2", "enterprise_project_id": "0"}
    assert expected.items() <= described.items()


def test_nobody_knows_of_a_copy_before_its_job_has_succeeded(ims: Ims) -> None:
    """As of any other image that a job makes; and a job that fails leaves none."""
    source = ims.image(status="active")
    ims.settings(active_after=HOUR, jobs_fail=True)
    job_id = ims.copy(source, "b")
    assert ims.job(job_id)["entities"] == {}

    ims.settings(active_after=0)

    assert (ims.job(job_id)["status"], ims.job(job_id)["entities"]) == ("FAIL", {})
    assert [image["id"] for image in ims.api("GET", "/v2/cloudimages").json()["images"]] == [source]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param("x", "IMG.0066", id="no UUID"),
        pytest.param(UNKNOWN, "IMG.0027", id="unknown"),
        pytest.param({"public": True}, "IMG.0083", id="public"),
        pytest.param({"project_id": OTHER_PROJECT}, "IMG.0106", id="another project's"),
        pytest.param({"status": "saving"}, "IMG.0046", id="not active"),
    ],
)
def test_what_cannot_be_copied_is_refused(ims: Ims, image: Any, expected: str) -> None:
    """There is no job and no trace then."""
    source = image if isinstance(image, str) else ims.image(**image)

    assert code(ims.api("POST", f"/v1/cloudimages/{source}/copy", json={"name": "b"})) == expected
    assert ims.events() == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(None, "IMG.0007", id="no body"),
        pytest.param({}, "IMG.0013", id="no name"),
        pytest.param({"name": 1}, "IMG.0001", id="name is a number"),
        pytest.param({"name": "b", "description": []}, "IMG.0001", id="description is a list"),
    ],
)
def test_a_wrong_copy_is_refused(ims: Ims, body: object, expected: str) -> None:
    """With the codes of a creation."""
    assert code(ims.api("POST", f"/v1/cloudimages/{ims.image()}/copy", json=body)) == expected
    assert ims.events() == []


def test_a_copy_leaves_two_traces_about_its_source(ims: Ims) -> None:
    """Both name the source as their resource; only the job in the second names the copy."""
    source = ims.image(attributes={"name": "web-base"})
    job = ims.job(ims.copy(source, "web-copy"))

    first, second = traces(ims)

    same = {
        "trace_name": "copyImage",
        "service_type": "IMS",
        "resource_type": "ims",
        "resource_id": source,
        "resource_name": "web-base",
        "project_id": ims.project_id,
    }
    assert same.items() <= first.items()
    assert same.items() <= second.items()
    assert (first["trace_type"], first["user"]["name"]) == ("ApiCall", "ada@example.com")
    assert json.loads(first["request"]) == {"name": "web-copy"}
    assert json.loads(first["response"]) == {"job_id": job["job_id"]}
    assert (second["trace_type"], second["user"]) == ("SystemAction", None)
    assert json.loads(second["response"]) == job


def test_the_resource_of_a_copy_is_a_setting(ims: Ims) -> None:
    """Its traces may name the copy, of which the first knows the name alone."""
    ims.settings(copy_resource="copy")
    copy = copied(ims, ims.copy(ims.image(attributes={"name": "web-base"}), "web-copy"))

    first, second = traces(ims)

    assert (first["resource_name"], second["resource_name"]) == ("web-copy", "web-copy")
    assert "resource_id" not in first
    assert second["resource_id"] == copy["id"]


def test_which_traces_of_a_copy_come_is_a_setting(ims: Ims) -> None:
    """The same one as of a creation."""
    ims.settings(traces="reversed")
    ims.copy(ims.image(), "b")

    assert [trace["trace_type"] for trace in traces(ims)] == ["SystemAction", "ApiCall"]


def test_an_image_of_a_server_names_it(ims: Ims) -> None:
    """With the image that the server was made from as parent, where that is known; others name nothing."""
    parent = ims.image()
    ims.put_server(SERVER.upper(), parent)
    bodies = [{"instance_id": SERVER}, {"instance_id": UNKNOWN}, {"image_url": "bucket:centos.qcow2"}]
    jobs = [ims.api("POST", "/v2/cloudimages/action", json={"name": "a"} | body).json() for body in bodies]

    known, unknown, file = [copied(ims, job["job_id"]) for job in jobs]

    assert (known["__data_origin"], known["__originalimagename"]) == (f"instance,{SERVER}", parent)
    assert unknown["__data_origin"] == f"instance,{UNKNOWN}"
    assert "__originalimagename" not in unknown
    assert not {"__data_origin", "__originalimagename"} & file.keys()


def test_a_server_without_an_image_makes_no_sense(ims: Ims) -> None:
    """The control plane says what it needs."""
    with pytest.raises(AssertionError, match="A server needs an 'image_id'"):
        ims.control("PUT", f"servers/{SERVER}", {})
