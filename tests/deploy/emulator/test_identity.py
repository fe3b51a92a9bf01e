"""The emulator's identity: tokens and keys end as the cloud's do, and the control plane ends them."""

import json
import time
from typing import Any

import pytest
import requests

from tests.processes.emulator import Ims

LOGIN = "/v3/auth/tokens"


PASSWORD = "canary-word"


def login(ims: Ims, password: str = PASSWORD, scope: Any = None) -> requests.Response:
    user = {"name": "ada", "password": password, "domain": {"name": "example"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    scope = scope or {"project": {"id": ims.project_id}}
    auth = {"identity": identity, "scope": scope}
    return requests.post(ims.url + LOGIN, json={"auth": auth}, timeout=5)


def status(ims: Ims, token: str) -> tuple[int, str | None]:
    reply = ims.api("GET", "/v2/cloudimages", token=token)
    return reply.status_code, reply.json().get("error_code")


@pytest.fixture(autouse=True)
def ada(ims: Ims) -> None:
    ims.put_user("ada", password=PASSWORD)


@pytest.mark.parametrize(
    "scope",
    [{"project": {"id": Ims.project_id}}, {"project": {"name": "eu-de"}}],
    ids=["by id", "by name"],
)
def test_a_password_gives_a_token(ims: Ims, scope: Any) -> None:
    """In the header, with what it is for in the body."""
    reply = login(ims, scope=scope)

    assert reply.status_code == 201
    project = reply.json()["token"]["project"]
    assert (project["id"], project["name"], project["domain"]["name"]) == (ims.project_id, "eu-de", "example")
    assert status(ims, reply.headers["X-Subject-Token"]) == (200, None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"password": "wrong"}, 401, id="password"),
        pytest.param({"scope": {"project": {"id": "none"}}}, 401, id="project"),
        pytest.param({"scope": {"domain": {"name": "none"}}}, 401, id="domain"),
    ],
)
def test_what_is_wrong_is_refused(ims: Ims, given: dict[str, Any], expected: int) -> None:
    """With a body whose code is a number, as the reference shows it."""
    reply = login(ims, **given)

    assert (reply.status_code, reply.json()["error"]["code"]) == (expected, expected)


def test_tokens_end(ims: Ims) -> None:
    """By their time and by the control plane with 0307; revoked ones are unknown, 0301."""
    lasting = login(ims).headers["X-Subject-Token"]
    ims.identity(token_life=0)
    short = login(ims).headers["X-Subject-Token"]

    seen = [status(ims, lasting), status(ims, short)]
    ims.expire_tokens()
    seen.append(status(ims, lasting))
    ims.revoke_tokens()
    seen.append(status(ims, lasting))

    assert seen == [(200, None), (401, "APIG.0307"), (401, "APIG.0307"), (401, "APIG.0301")]
    assert status(ims, ims.token) == (200, None)


def test_calls_are_recorded_without_secrets(ims: Ims) -> None:
    """Neither passwords nor signatures."""
    login(ims)
    requests.get(f"{ims.url}/v2/cloudimages", headers={"Authorization": "canary"}, timeout=5)

    assert "canary" not in json.dumps(ims.calls())


def test_a_reset_forgets_identities(ims: Ims) -> None:
    """Users, keys, their failures, and settings."""
    ims.put_key("AK", secret="canary", ends_at=time.time() + 60)
    ims.identity(token_life=5)

    ims.reset()

    assert login(ims).status_code == 401
    assert ims.control("PUT", "identity", {})["token_life"] == 86_400


@pytest.mark.parametrize(
    ("path", "given", "named"),
    [
        pytest.param("users/u", {"password": 5}, "'password'", id="password"),
        pytest.param("keys/k", {"projects": "p"}, "'projects'", id="projects"),
        pytest.param("agencies/a", {"x": 1}, "'x'", id="unknown"),
        pytest.param("identity", {"token_life": -1}, "'token_life'", id="token_life"),
    ],
)
def test_nonsense_is_named(ims: Ims, path: str, given: dict[str, Any], named: str) -> None:
    """The control plane answers 400 with one sentence."""
    reply = requests.put(f"{ims.url}/_emulator/{path}", json=given, timeout=5)

    assert (reply.status_code, named in reply.json()["error"]) == (400, True)
