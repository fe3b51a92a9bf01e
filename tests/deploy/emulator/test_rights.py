"""The IMS emulator refuses what a caller has no right to."""

from typing import Any

import pytest

from tests.processes.emulator import Ims

TAGS = "/v1/cloudimages/tags"
LIST, GET, UPDATE, TRACES = "ims:images:list", "ims:images:get", "ims:images:update", "cts:trace:list"
PROJECT = f"/v2/{Ims.project_id}/images"


def statuses(ims: Ims, image_id: str, token: str) -> dict[str, int]:
    """What each call answers."""
    batch = {"action": "create", "tags": [{"key": "c", "value": ""}]}
    calls: list[tuple[str, str, Any]] = [
        ("GET", "/v2/cloudimages", None),
        ("GET", "/v2/images", None),
        ("GET", TAGS, None),
        ("GET", f"{PROJECT}/tags", None),
        ("POST", f"{PROJECT}/resource_instances/action", {"action": "count"}),
        ("GET", f"{PROJECT}/{image_id}/tags", None),
        ("GET", f"/v2/images/{image_id}", None),
        ("PUT", TAGS, {"image_id": image_id, "tag": "a.1"}),
        ("POST", f"{PROJECT}/{image_id}/tags", {"tag": {"key": "b", "value": ""}}),
        ("POST", f"{PROJECT}/{image_id}/tags/action", batch),
        ("DELETE", f"{PROJECT}/{image_id}/tags/kept", None),
        ("GET", f"/v3/{Ims.project_id}/traces", None),
    ]
    return {
        f"{method} {path.replace(image_id, '')}": ims.api(method, path, token=token, json=body).status_code
        for method, path, body in calls
    }


@pytest.mark.parametrize(
    ("denied", "refused"),
    [
        pytest.param(
            LIST,
            {
                "GET /v2/cloudimages",
                "GET /v2/images",
                f"GET {TAGS}",
                f"GET {PROJECT}/tags",
                f"GET {PROJECT}//tags",
                f"POST {PROJECT}/resource_instances/action",
            },
            id="list",
        ),
        pytest.param(GET, {"GET /v2/images/", f"PUT {TAGS}"}, id="get"),
        pytest.param(
            UPDATE,
            {
                f"PUT {TAGS}",
                f"POST {PROJECT}//tags",
                f"POST {PROJECT}//tags/action",
                f"DELETE {PROJECT}//tags/kept",
            },
            id="update",
        ),
        pytest.param(TRACES, {f"GET /v3/{Ims.project_id}/traces"}, id="traces"),
    ],
)
def test_a_right_that_is_taken_away_is_missing(ims: Ims, denied: str, refused: set[str]) -> None:
    """403 for the calls that need it, and every other one works."""
    image_id = ims.image(tags={"kept": ""})
    ims.put_token("canary-limited", denied=[denied])

    answers = statuses(ims, image_id, "canary-limited")

    assert {call for call, status in answers.items() if status == 403} == refused
    assert {status for call, status in answers.items() if call not in refused} <= {200, 204}
    assert 403 not in statuses(ims, ims.image(tags={"kept": ""}), ims.token).values()


def test_a_refusal_has_the_body_of_its_service(ims: Ims) -> None:
    """Each service has codes of its own."""
    ims.put_token("canary-limited", denied=[LIST, TRACES])

    images = ims.api("GET", "/v2/cloudimages", token="canary-limited").json()
    traces = ims.api("GET", f"/v3/{ims.project_id}/traces", token="canary-limited").json()

    assert images["error"]["code"] == "IMG.0026"
    assert traces == {"error_code": "CTS.0013", "error_msg": "No permission, Please check roles."}


def test_an_issued_token_lacks_what_its_user_lacks(ims: Ims) -> None:
    """From the next token on."""
    ims.put_user("ada", password="canary-word", denied=[LIST])
    user = {"name": "ada", "password": "canary-word", "domain": {"name": "example"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    auth = {"identity": identity, "scope": {"project": {"id": ims.project_id}}}
    reply = ims.api("POST", "/v3/auth/tokens", json={"auth": auth})
    token = reply.headers["X-Subject-Token"]

    assert ims.api("GET", "/v2/cloudimages", token=token).status_code == 403
    assert ims.api("GET", f"/v3/{ims.project_id}/traces", token=token).status_code == 200


def test_an_unknown_right_is_named(ims: Ims) -> None:
    """A slip would take nothing away."""
    response = ims.api("PUT", "/_emulator/tokens/x", json={"denied": ["ims:image:list"]})

    assert (response.status_code, "'denied'" in response.json()["error"]) == (400, True)
