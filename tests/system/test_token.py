"""The token that deliveries must carry."""

import pytest
import requests

from tests.processes.function import Serve, created

TOKENS = "first-token second-token"
CARRIED = {
    "header": ({"Authorization": "Bearer first-token"}, "", 204),
    "the other": ({"Authorization": "bearer second-token"}, "", 204),
    "query": ({}, "?access_token=second-token", 204),
    "none": ({}, "", 401),
    "wrong": ({"Authorization": "Bearer first-token2"}, "", 401),
    "both in one": ({"Authorization": f"Bearer {TOKENS}"}, "", 401),
    "wrong header, right query": ({"Authorization": "Bearer x"}, "?access_token=first-token", 401),
    "another scheme": ({"Authorization": "Basic first-token"}, "", 401),
    "not ASCII": ({"Authorization": "Bearer f\xfcrst"}, "", 401),
}


@pytest.mark.parametrize(("headers", "query", "status"), CARRIED.values(), ids=CARRIED)
@pytest.mark.parametrize("path", ["/", "/init", "/invoke"])
def test_token(serve: Serve, path: str, headers: dict[str, str], query: str, status: int) -> None:
    """With tokens set, every POST must carry one of them, as a header or in the query; the log tells none."""
    function = serve(EVENTS_TOKEN=TOKENS)
    reply = function.post(created("", type="other"), path + query, content_type="application/json", **headers)
    done = {"/": 204, "/init": 200, "/invoke": 200}[path]
    assert reply.status_code == (done if status == 204 else status)
    assert ("WWW-Authenticate" in reply.headers) == (status == 401)
    assert "first-token" not in function.output() + reply.text


def test_free_of_token(serve: Serve) -> None:
    """The handshake and the health check need no token."""
    function = serve(EVENTS_TOKEN=TOKENS)
    assert requests.options(function.url, timeout=5).status_code == 200
    assert requests.get(f"{function.url}/healthz", timeout=5).status_code == 200
