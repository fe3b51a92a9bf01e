"""The replies to what is no delivery, or none that can be read."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.edges.server.conftest import binary
from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve, created

# -- no delivery ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/healthz", "/init", "/invoke"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_other_methods_are_405(function: Function, method: str, path: str) -> None:
    """And the reply names those that are allowed."""
    if (method, path) == ("GET", "/healthz"):
        return

    reply = requests.request(method, function.url + path, data=b"x" * 10, timeout=10)

    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST, OPTIONS")
    assert len(reply.content) <= 512


@pytest.mark.parametrize(
    ("method", "path"),
    [pytest.param("GET", "/healthz", id="health"), pytest.param("POST", "/init", id="init")],
)
def test_health_and_initialization_are_200(function: Function, method: str, path: str) -> None:
    """Neither is a delivery, whatever comes with it."""
    for body in (b"", b"{", b"x" * 5000):
        reply = requests.request(method, function.url + path, data=body, timeout=10)

        assert (reply.status_code, reply.content) == (200, b"")
        assert "Tagging-Outcome" not in reply.headers


def test_the_handshake_is_answered_by_headers(function: Function) -> None:
    """A webhook's consent is in the reply, to anybody; the callback that it offers is never called."""
    with socket.create_server(("127.0.0.1", 0)) as callback:
        callback.setblocking(False)
        asked = {
            "WebHook-Request-Origin": "eventemitter.example.com",
            "WebHook-Request-Rate": "120",
            "WebHook-Request-Callback": f"http://127.0.0.1:{callback.getsockname()[1]}/",
        }

        reply = requests.options(f"{function.url}/any", headers=asked, timeout=10)

        assert (reply.status_code, reply.content) == (200, b"")
        assert reply.headers["WebHook-Allowed-Origin"] == "*"
        assert reply.headers["WebHook-Allowed-Rate"] == "*"
        assert reply.headers["Allow"] == "POST, OPTIONS"
        with pytest.raises(BlockingIOError):
            callback.accept()


# -- not parsable, too large, another format --------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"", "application/cloudevents+json", id="no structured event"),
        pytest.param(b"hello", "text/plain", id="text"),
        pytest.param(b"{", "application/json", id="half an object"),
        pytest.param(b"{}", "application/json", id="no event"),
        pytest.param(b'{"cts": {}}', "application/json", id="an empty trace"),
        pytest.param(b"42", "application/cloudevents+json", id="a number"),
        pytest.param(b"{}", "application/cloudevents-batch+json", id="a batch that is none"),
        pytest.param(b"null", "application/cloudevents-batch+json", id="a batch of nothing"),
    ],
)
def test_what_is_no_event_is_400(function: Function, body: bytes, content_type: str | None) -> None:
    """A dead letter like any other: one short reason, and a line in the log."""
    reply = function.post(body, **({"content_type": content_type} if content_type else {}))

    assert (reply.status_code, reply.headers["Tagging-Outcome"]) == (400, "dead-letter")
    assert reply.text.startswith("InvalidEvent: ")
    assert len("InvalidEvent: ") < len(reply.content) <= 512
    [line] = function.lines()
    assert (line["message"], line["reason"]) == ("event.dead_letter", "InvalidEvent")


@pytest.mark.parametrize(
    "media_type",
    [
        "application/cloudevents+avro",
        "application/cloudevents+xml; charset=utf-8",
        "application/cloudevents+protobuf",
        "application/cloudevents-batch+avro",
        "Application/CloudEvents+CBOR",
    ],
)
def test_another_format_is_415(function: Function, ims: Ims, media_type: str) -> None:
    """The webhook specification demands it of formats that are not understood, headers or not."""
    body, attributes = binary(created(ims.image()))

    assert function.post(body, content_type=media_type, **attributes).status_code == 415
    assert function.post(body, content_type=media_type).status_code == 415
    assert [(line["message"], line["status"]) for line in function.lines()] == [("request.refused", 415)] * 2


LIMIT = 1_048_576


def padded(event: dict[str, Any], size: int) -> bytes:
    return json.dumps(event).encode().ljust(size)


def in_chunks(body: bytes) -> Iterator[bytes]:
    yield from (body[start : start + 65_536] for start in range(0, len(body), 65_536))


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(LIMIT, 204, id="at the limit"),
        pytest.param(LIMIT + 1, 413, id="one byte more"),
        pytest.param(LIMIT + 2, 413, id="two bytes more"),
        pytest.param(20 * LIMIT, 413, id="far more"),
    ],
)
def test_a_body_over_the_limit_is_413(
    function: Function, ims: Ims, size: int, status: int, *, chunked: bool
) -> None:
    """Also where only its end shows how long it is; never is a part of it taken for the whole."""
    image_id = ims.image()
    body = padded(created(image_id), size)

    reply = requests.post(function.url, data=in_chunks(body) if chunked else body, timeout=10)

    assert reply.status_code == status
    assert bool(ims.tags(image_id)) == (status == 204)


def test_the_limit_is_a_setting(serve: Serve, ims: Ims) -> None:
    """`MAX_BODY_BYTES`; the reply names it."""
    reply = serve(MAX_BODY_BYTES="1024").post(padded(created(ims.image()), 1025))

    assert reply.status_code == 413
    assert "MAX_BODY_BYTES" in reply.text
    assert "Tagging-Outcome" not in reply.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("POST", "/", 413, id="delivery"),
        pytest.param("PUT", "/", 405, id="another method"),
        pytest.param("POST", "/init", 200, id="initialization"),
        pytest.param("OPTIONS", "/", 200, id="handshake"),
    ],
)
def test_a_big_upload_is_not_kept_in_memory(serve: Serve, method: str, path: str, status: int) -> None:
    """The reply comes without the body being read, and the next request is served as ever."""
    function = serve(MAX_BODY_BYTES="1025")
    before = function.peak_memory()

    with requests.Session() as session:
        reply = session.request(method, function.url + path, data=bytes(64 * LIMIT), timeout=10)
        after = session.get(f"{function.url}/healthz", timeout=10)

    assert (reply.status_code, after.status_code) == (status, 200)
    assert function.peak_memory() - before < 16 * LIMIT


def test_a_connection_is_kept_after_every_kind_of_reply(function: Function, ims: Ims) -> None:
    """A bus delivers over one connection, whatever becomes of the single delivery."""
    connection = HTTPConnection("127.0.0.1", function.port, timeout=10)
    with closing(connection):
        connection.connect()
        first = connection.sock
        for body in (json.dumps(created(ims.image())), "{", json.dumps(created(str(uuid4()))), "[]"):
            connection.request("POST", "/", body)
            connection.getresponse().read()

            assert connection.sock is first
