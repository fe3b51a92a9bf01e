"""What a delivery may take of the function: time for its body, events, lines of the log."""

import socket
import time

import pytest
import requests

from tests.emulator import Ims
from tests.function import Serve, created

BATCH = "application/cloudevents-batch+json"


def test_silent_senders(serve: Serve, ims: Ims) -> None:
    """A sender that announces a body and sends none is answered 408, and its worker is free for others."""
    function = serve(EVENT_TIMEOUT="1", THREADS="2")
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    silent = [socket.create_connection(("127.0.0.1", function.port), timeout=10) for _ in range(4)]
    for connection in silent:
        connection.sendall(request)
    began = time.monotonic()
    assert requests.get(f"{function.url}/healthz", timeout=8).status_code == 200
    assert time.monotonic() - began < 6
    for connection in silent:
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
        connection.close()
    assert function.structured(created(ims.image())).status_code == 204


@pytest.mark.parametrize("body", ["[" + "1," * 1000 + "1]", '{"events": [' + "[]," * 5 + "1," * 1000 + "1]}"])
def test_too_many_events(serve: Serve, body: str) -> None:
    """More than a thousand events are no delivery: they would hold a worker and flood the log."""
    function = serve()
    assert function.post(body.encode(), content_type="application/json").status_code == 413
    assert [line["message"] for line in function.lines()] == ["request.refused"]


def test_long_attributes(serve: Serve, ims: Ims) -> None:
    """An attribute may be as long as a delivery, a line of the log may not."""
    function = serve()
    event = created(ims.image(), id="i" * 500_000)
    assert function.structured(event).status_code == 204
    assert len(function.lines()[0]["event_id"]) == 256
