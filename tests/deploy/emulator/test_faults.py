"""Every scripted fault of the IMS emulator, as a real client sees it."""

import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.processes.emulator import Ims

ADD = "/v1/cloudimages/tags"
UNREADABLE = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def add(ims: Ims, image_id: str, **options: Any) -> requests.Response:
    """A tag on a connection of its own, as faults of transport need it."""
    body = {"image_id": image_id, "tag": "k.v"}
    headers = {"X-Auth-Token": ims.token}
    return requests.put(ims.url + ADD, json=body, headers=headers, timeout=10, **options)


@pytest.mark.parametrize(
    ("script", "status", "body"),
    [
        pytest.param(
            {"status": 400, "code": "IMG.0060", "message": "Wait."},
            400,
            {"error": {"code": "IMG.0060", "message": "Wait."}},
            id="IMS body",
        ),
        pytest.param(
            {"code": "IMG.0115"},
            400,
            {"error": {"code": "IMG.0115", "message": "The tag is not valid."}},
            id="known code alone",
        ),
        pytest.param(
            {"status": 401, "code": 401, "message": "No."},
            401,
            {"error": {"code": 401, "message": "No."}},
            id="integer code",
        ),
    ],
)
def test_a_fault_answers_with_an_ims_body(
    ims: Ims, script: dict[str, Any], status: int, body: object
) -> None:
    """Status, code and message are as scripted, and the call has no effect."""
    image_id = ims.image()
    ims.fault(**script)

    response = add(ims, image_id)

    assert (response.status_code, response.json()) == (status, body)
    assert ims.tags(image_id) == {}


@pytest.mark.parametrize(
    "script",
    [
        pytest.param({"status": 503, "code": "APIG.0201"}, id="by its code"),
        pytest.param({"status": 503, "code": "X", "shape": "gateway"}, id="by its shape"),
    ],
)
def test_a_fault_answers_with_a_gateway_body(ims: Ims, script: dict[str, Any]) -> None:
    """Codes of the gateway come in the gateway's form, and so does any other if asked for."""
    ims.fault(**script)

    response = add(ims, ims.image())

    assert response.status_code == 503
    assert response.json()["error_code"] == script["code"]
    assert response.json()["request_id"] == response.headers["X-Request-Id"]


def test_a_fault_answers_with_a_raw_body(ims: Ims) -> None:
    """A proxy's page for example, with its content type and headers."""
    ims.fault(status=200, body="<html>login</html>", content_type="text/html", headers={"Via": "proxy"})

    response = add(ims, ims.image())

    assert (response.status_code, response.text) == (200, "<html>login</html>")
    assert (response.headers["Content-Type"], response.headers["Via"]) == ("text/html", "proxy")


def test_a_bare_status_has_no_body(ims: Ims) -> None:
    """IMS promises a body with status 400 only."""
    ims.fault(status=502)

    response = add(ims, ims.image())

    assert (response.status_code, response.content) == (502, b"")


@pytest.mark.parametrize(
    "retry_after",
    [pytest.param(9, id="seconds"), pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", id="HTTP date")],
)
def test_a_fault_can_name_the_time_to_retry(ims: Ims, retry_after: float | str) -> None:
    """`Retry-After` is passed as scripted."""
    ims.fault(status=429, code="APIG.0308", retry_after=retry_after)

    assert add(ims, ims.image()).headers["Retry-After"] == str(retry_after)


def test_a_fault_after_the_call_leaves_its_effect(ims: Ims) -> None:
    """The tag is written, and the client cannot know."""
    image_id = ims.image()
    ims.fault(status=504, after="after")

    assert add(ims, image_id).status_code == 504
    assert ims.tags(image_id) == {"k": "v"}


def test_a_delay_alone_changes_nothing_but_time(ims: Ims) -> None:
    """The real answer, later."""
    image_id = ims.image()
    ims.fault(delay=0.1)

    begun = time.monotonic()
    response = add(ims, image_id)

    assert time.monotonic() - begun >= 0.1
    assert response.status_code == 204
    assert ims.tags(image_id) == {"k": "v"}


@pytest.mark.parametrize(
    ("transport", "error"),
    [
        pytest.param("close", "RemoteDisconnected", id="close"),
        pytest.param("reset", "ConnectionResetError", id="reset"),
        pytest.param("half", "IncompleteRead", id="half"),
        pytest.param("garbage", "BadStatusLine", id="garbage"),
    ],
)
def test_a_broken_connection_is_an_error_of_its_kind(ims: Ims, transport: str, error: str) -> None:
    """The client sees each as it would see it of a real server; the record has no status but for half."""
    image_id = ims.image()
    ims.fault(transport=transport, times=1)

    with pytest.raises(UNREADABLE, match=error):
        add(ims, image_id)

    [call] = ims.calls()
    assert call["status"] == (500 if transport == "half" else None)
    assert ims.tags(image_id) == {}
    assert add(ims, image_id).status_code == 204


def test_a_connection_can_break_after_the_call(ims: Ims) -> None:
    """The tag is written although no answer comes."""
    image_id = ims.image()
    ims.fault(transport="close", after="after")

    with pytest.raises(requests.ConnectionError):
        add(ims, image_id)

    assert ims.tags(image_id) == {"k": "v"}


def test_a_kept_alive_connection_dies_on_its_next_use(ims: Ims) -> None:
    """The second call of a connection is closed without an answer, as by a server that had just let go."""
    ims.fault(transport="close", match={"method": "GET"})
    image_id = ims.image()
    place = urlsplit(ims.url)
    request = f"%s /v2/images/{image_id} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {ims.token}\r\n\r\n"

    with socket.create_connection((place.hostname, place.port), timeout=5) as connection:
        connection.sendall((request % "DELETE").encode())
        assert b"204" in connection.recv(4096)
        connection.sendall((request % "GET").encode())
        assert connection.recv(4096) == b""


def test_a_slow_body_comes_in_slices(ims: Ims) -> None:
    """The head is there at once, the whole body only after the scripted time."""
    ims.fault(transport="slow", delay=0.2, status=400, code="IMG.0061")

    begun = time.monotonic()
    response = add(ims, ims.image(), stream=True)
    head = time.monotonic() - begun
    body = response.json()

    assert head < 0.15
    assert time.monotonic() - begun >= 0.2
    assert body["error"]["code"] == "IMG.0061"


def test_a_fault_ends_after_its_times(ims: Ims) -> None:
    """`times` counts the calls that it took; then everything is as before."""
    image_id = ims.image()
    fault_id = ims.fault(status=503, times=2)

    assert [add(ims, image_id).status_code for _ in range(3)] == [503, 503, 204]
    assert [(fault["id"], fault["applied"]) for fault in ims.faults()] == [(fault_id, 2)]
    assert [call["fault"] for call in ims.calls()] == [fault_id, fault_id, None]


def test_a_fault_takes_a_share_that_its_seed_repeats(ims: Ims) -> None:
    """The same seed takes the same calls, and about the share that was asked for."""
    image_id = ims.image()

    runs = []
    for _ in range(2):
        ims.fault(status=503, share=0.3, seed=1)
        runs.append([add(ims, image_id).status_code for _ in range(40)])
        ims.lift_faults()

    assert runs[0] == runs[1]
    assert 5 <= runs[0].count(503) <= 20


@pytest.mark.parametrize(
    ("match", "taken"),
    [
        pytest.param({"method": "PUT"}, True, id="method"),
        pytest.param({"method": "GET"}, False, id="other method"),
        pytest.param({"path": "/v1/"}, True, id="path prefix"),
        pytest.param({"path": "/v2/"}, False, id="other path"),
        pytest.param({"image_id": "3f7185de-b59a-4bb8-aa1d-7a513528b0e9"}, True, id="image in the body"),
        pytest.param({"image_id": "00000000-b59a-4bb8-aa1d-7a513528b0e9"}, False, id="other image"),
        pytest.param({"method": "PUT", "path": "/v2/"}, False, id="all have to match"),
    ],
)
def test_a_fault_takes_only_the_calls_that_match(ims: Ims, match: dict[str, str], taken: bool) -> None:
    """Method, beginning of the path, image: all that are given."""
    image_id = ims.image(id="3f7185de-b59a-4bb8-aa1d-7a513528b0e9")
    ims.fault(status=503, match=match)

    assert (add(ims, image_id).status_code == 503) is taken


def test_the_image_of_a_match_is_also_found_in_the_path(ims: Ims) -> None:
    """So that one image can fail whichever call is used."""
    image_id = ims.image()
    ims.fault(status=503, match={"image_id": image_id})

    assert ims.api("GET", f"/v2/images/{image_id}").status_code == 503
    assert ims.api("GET", "/v2/cloudimages").status_code == 200


def test_lifted_faults_are_gone(ims: Ims) -> None:
    """`DELETE` lifts all of them."""
    ims.fault(status=503)
    ims.lift_faults()

    assert add(ims, ims.image()).status_code == 204


@pytest.mark.parametrize(
    ("script", "named"),
    [
        pytest.param({}, "effect", id="no effect"),
        pytest.param({"times": 1}, "effect", id="only a number of times"),
        pytest.param({"status": 99}, "'status'", id="no status of HTTP"),
        pytest.param({"status": "503"}, "'status'", id="status as text"),
        pytest.param({"status": 503, "times": 0}, "'times'", id="never"),
        pytest.param({"status": 503, "share": 1.5}, "'share'", id="more than all"),
        pytest.param({"status": 503, "seed": 1}, "'share'", id="seed without share"),
        pytest.param({"status": 503, "match": {"verb": "PUT"}}, "'verb'", id="unknown match"),
        pytest.param({"status": 503, "headers": {"A": "b\r\nC: d"}}, "'headers'", id="line end in a header"),
        pytest.param({"status": 503, "headers": {"A:": "b"}}, "'headers'", id="no name of a header"),
        pytest.param({"status": 503, "body": "\ud800"}, "'body'", id="half a character"),
        pytest.param({"transport": "explode"}, "'transport'", id="unknown transport"),
        pytest.param({"status": 204, "transport": "half"}, "204", id="half of nothing"),
        pytest.param({"delay": -1}, "'delay'", id="delay into the past"),
        pytest.param({"explode": True}, "'explode'", id="unknown field"),
    ],
)
def test_a_nonsense_fault_is_refused(ims: Ims, script: dict[str, Any], named: str) -> None:
    """400 and one sentence that names what is wrong; no fault is in force then."""
    response = requests.post(f"{ims.url}/_emulator/faults", json=script, timeout=5)

    assert response.status_code == 400
    assert named in response.json()["error"]
    assert ims.faults() == []
