"""The emulator's events, its control plane and its flow control."""

import json

import pytest
import requests

from deploy.local.ims.gateway.rate import Rate
from tests.deploy.emulator.conftest import ADD, OTHER_PROJECT, add, create
from tests.processes.emulator import Ims

# --- events


def test_creating_an_image_causes_the_event_of_a_cloud(ims: Ims) -> None:
    """One CloudEvent of EventGrid with a CTS trace: who created which image, in which project."""
    user = {"id": "u1", "name": "grace", "domain": {"id": "d1", "name": "navy"}}
    ims.put_token("second", user=user, project_id=OTHER_PROJECT)
    image = ims.api("POST", "/v2/images", token="second", json={"name": "web-base"}).json()

    [event] = ims.events()

    assert (event["specversion"], event["source"], event["type"]) == (
        "1.0",
        "HC.IMS",
        "IMS:CloudTrace:ApiCall",
    )
    trace = event["data"]
    expected = {
        "trace_name": "createImage",
        "service_type": "IMS",
        "resource_type": "image",
        "trace_rating": "normal",
        "resource_id": image["id"],
        "resource_name": "web-base",
        "project_id": OTHER_PROJECT,
        "user": user,
    }
    assert expected.items() <= trace.items()
    assert json.loads(trace["request"]) == {"name": "web-base"}
    assert json.loads(trace["response"])["id"] == image["id"]
    assert trace["record_time"] >= trace["time"] > 10**12


def test_an_image_put_into_the_state_causes_no_event(ims: Ims) -> None:
    """The control plane sets the scene silently, and a refused creation is none."""
    ims.image()
    ims.api("POST", "/v2/images", json={"name": 1})

    assert ims.events() == []


# --- the control plane


def test_calls_are_recorded_without_the_token(ims: Ims) -> None:
    """What was sent and what was answered, in order; the control plane's own calls are left out."""
    image_id = ims.image()
    add(ims, image_id, "env", "prod")
    ims.api("GET", "/v2/cloudimages?name=x", token="wrong")

    first, second = ims.calls()

    assert (first["method"], first["path"], first["status"], first["image_id"]) == ("PUT", ADD, 204, image_id)
    assert json.loads(first["body"])["image_tag"] == {"key": "env", "value": "prod"}
    assert (second["query"], second["status"]) == ("name=x", 401)
    assert {first["headers"]["X-Auth-Token"], second["headers"]["X-Auth-Token"]} == {"***"}
    assert ims.calls("GET", "/v2/cloud") == [second]


def test_a_reset_goes_back_to_the_start(ims: Ims) -> None:
    """Images, tokens, faults, limits, settings, calls and events are forgotten."""
    create(ims, name="a")
    ims.put_token("second")
    ims.fault(status=500)
    ims.limit_rate(1)
    ims.settings(limits="otc")

    ims.reset()

    assert (ims.calls(), ims.events(), ims.faults()) == ([], [], [])
    assert ims.rate()["calls_per_second"] is None
    assert ims.control("PUT", "settings", {})["limits"] == "common"
    assert ims.api("GET", "/v2/cloudimages", token="second").status_code == 401
    assert ims.api("GET", "/v2/cloudimages").json() == {"images": []}


@pytest.mark.parametrize(
    ("method", "path", "given", "named"),
    [
        pytest.param("PUT", "settings", {"limits": "none"}, "'limits'", id="limits"),
        pytest.param("PUT", "settings", {"active_after": True}, "'active_after'", id="active_after"),
        pytest.param("PUT", "settings", {"jobs_fail": 1}, "'jobs_fail'", id="jobs_fail"),
        pytest.param("PUT", "settings", {"traces": "none"}, "'traces'", id="traces"),
        pytest.param("PUT", "settings", {"trace_tagging": True}, "'trace_tagging'", id="trace_tagging"),
        pytest.param("PUT", "settings", {"speed": 1}, "'speed'", id="unknown field"),
        pytest.param("PUT", "settings", [], "JSON object", id="no object"),
        pytest.param(
            "PUT", "rate-limit", {"calls_per_second": 0}, "'calls_per_second'", id="no calls at all"
        ),
        pytest.param("PUT", "tokens/t", {"user": "x"}, "'user'", id="user"),
        pytest.param("POST", "images", {"id": "x"}, "'id'", id="id of an image"),
        pytest.param("POST", "images", {"tags": {"a": 1}}, "'tags'", id="tags of an image"),
    ],
)
def test_nonsense_is_named(ims: Ims, method: str, path: str, given: object, named: str) -> None:
    """The control plane answers 400 with one sentence that names the field."""
    response = requests.request(method, f"{ims.url}/_emulator/{path}", json=given, timeout=5)

    assert response.status_code == 400
    assert named in response.json()["error"]


# --- flow control


def test_calls_over_the_limit_are_refused_and_counted(ims: Ims) -> None:
    """429 with APIG.0308 in the gateway's form, and `Retry-After` where it is set."""
    ims.limit_rate(calls_per_second=0.001, retry_after=7)

    first, second = (ims.api("GET", "/v2/cloudimages") for _ in range(2))

    assert first.status_code == 200
    assert (second.status_code, second.json()["error_code"]) == (429, "APIG.0308")
    assert second.headers["Retry-After"] == "7"
    assert (ims.rate()["answered"], ims.rate()["limited"]) == (1, 1)


def test_the_limit_refills_with_time() -> None:
    """Over any stretch of time, as many calls pass as the limit says, and one second's calls at once."""
    now = 0.0
    rate = Rate(calls_per_second=10, clock=lambda: now)

    at_once = sum(rate.admits() for _ in range(50))
    now = 0.5
    later = sum(rate.admits() for _ in range(50))

    assert (at_once, later) == (10, 5)
    assert (rate.answered, rate.limited) == (15, 85)


def test_pages_of_a_browser(ims: Ims) -> None:
    """A page in a browser of the same machine, which can post anywhere, does not steer the emulator."""
    image_id = ims.image()
    headers = {"Origin": "https://example.com", "Content-Type": "text/plain"}
    response = requests.post(f"{ims.url}/_emulator/reset", headers=headers, timeout=5)
    assert response.status_code == 403
    assert ims.control("GET", f"images/{image_id}")["id"] == image_id
