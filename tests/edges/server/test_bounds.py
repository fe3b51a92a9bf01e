"""The server in front of the function: what a client can make it take."""

import json
import os
import signal
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
import requests
from gunicorn.http import errors

from handlers.edges.server.bounds import CONNECTIONS_MAX
from handlers.edges.server.connection import Connection
from handlers.edges.server.refusals import refusal_of
from tests.edges.server.conftest import answers, connections
from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve, created

MIB = 1024 * 1024
END = b"\r\n\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: function\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: function\r\nContent-Type: application/json\r\n"
MARK = b"mark-of-the-request"
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def stat(pid: int) -> list[str]:
    """What proc(5) has of a process, from its state on."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def cpu(pid: int) -> float:
    """Seconds of processor time up to now."""
    return (int(stat(pid)[11]) + int(stat(pid)[12])) / TICKS_A_SECOND


def peak_memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def dripped(function: Function, begin: bytes, rest: bytes, pause: float) -> bytes:
    """The answer to a request of which the rest comes byte by byte."""
    with socket.create_connection(("127.0.0.1", function.port), timeout=20) as connection:
        connection.sendall(begin)
        answered = threading.Event()

        def drip() -> None:
            for byte in rest:
                with suppress(ConnectionError):
                    connection.sendall(bytes((byte,)))
                if answered.wait(pause):
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            return answers(connection)
        finally:
            answered.set()
            dripping.join()


def assert_harmless(answer: bytes) -> None:
    """A short text, which says nothing of the request."""
    head, _, body = answer.partition(END)
    assert len(body) <= 512
    assert b"text/html" not in head
    assert MARK not in answer


# -- what one request may take ------------------------------------------------------------------------

LARGE = {
    "request line of 16 MB": (b"GET /" + b"a" * 16_000_000 + b" HTTP/1.1" + END, 414),
    "query of 3 MB": (b"POST /?access_token=" + b"a" * 3_000_000 + b" HTTP/1.1" + END, 414),
    "query of 1.5 million parameters": (b"POST /?" + b"a&" * 1_500_000 + b" HTTP/1.1" + END, 414),
    "method of 16 MB": (b"G" * 16_000_000, 414),
    "100,000 header lines": (GET[:-2] + b"a: b\r\n" * 100_000 + b"\r\n", 431),
    "1,001 header lines": (GET[:-2] + b"a: b\r\n" * 1000 + b"\r\n", 431),
    "header of 10 MB": (GET[:-2] + b"a: " + b"b" * 10_000_000 + END, 431),
    "header of 8191 bytes": (GET[:-2] + b"a: " + b"b" * 8190 + END, 431),
    "folded header of 10 MB": (GET[:-2] + b"a: b\r\n" + b" b\r\n" * 2_500_000 + b"\r\n", 431),
    "carriage returns": (GET[:-2] + b"\r" * 10_000_000, 431),
    "a MiB in chunks of a byte": (
        POST + b"Transfer-Encoding: chunked" + END + b"1\r\n \r\n" * MIB + b"0" + END,
        400,
    ),
    "180,000 chunks of a byte": (
        POST + b"Transfer-Encoding: chunked" + END + b"1\r\n \r\n" * 180_000 + b"0" + END,
        400,
    ),
    "chunks with extensions of 20 MB": (
        POST + b"Transfer-Encoding: chunked" + END + (b"1;" + b"a" * 8000 + b"\r\n \r\n") * 2500 + b"0" + END,
        400,
    ),
    "trailers of 10 MB": (
        POST + b"Transfer-Encoding: chunked" + END + b"0\r\n" + b"a: b\r\n" * 1_700_000 + b"\r\n",
        400,
    ),
}


@pytest.mark.parametrize(("request_bytes", "status"), LARGE.values(), ids=LARGE)
def test_large_requests(function: Function, request_bytes: bytes, status: int) -> None:
    """However large a request is, refusing it takes little processor time and memory."""
    pid = function.worker()
    before, peak = cpu(pid), peak_memory(pid)
    answer = function.raw(request_bytes)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert_harmless(answer)
    assert (b"its chunks are" in answer) == (status == 400)
    assert cpu(pid) - before < (1.5 if status == 400 else 0.5)
    assert peak_memory(pid) - peak < 40 * MIB
    assert [line["message"] for line in function.lines()] == ["request.refused"]


def test_a_body_token_by_token(function: Function, ims: Ims) -> None:
    """A sender may write its JSON token by token, each as a chunk of its own."""
    image_id = ims.image()
    event = created(image_id, data={"image_id": image_id, "x": [{"a": 1}] * 1000})
    tokens = (token.encode() for token in json.JSONEncoder().iterencode(event))
    reply = requests.post(function.url, data=tokens, headers={"Content-Type": "application/json"}, timeout=10)
    assert reply.status_code == 204
    assert ims.tags(image_id)


def test_large_head(function: Function, ims: Ims) -> None:
    """A head of 60,000 bytes is served, which is about as much as Envoy lets pass."""
    image_id = ims.image()
    headers = {f"X-Note-{number}": "x" * 7500 for number in range(8)}
    reply = requests.post(function.url, json=created(image_id), headers=headers, timeout=10)
    assert reply.status_code == 204
    assert ims.tags(image_id)


# -- who sends slowly, or not at all ------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"P", POST], ids=["nothing", "a byte", "half a head"])
def test_silence(serve: Serve, ims: Ims, sent: bytes) -> None:
    """A connection without a whole head holds no thread, so that health and deliveries do not wait for it."""
    function = serve(EVENT_TIMEOUT="900")
    image_id = ims.image()
    with connections(function, 50, sent):
        assert requests.get(f"{function.url}/healthz", timeout=10).status_code == 200
        assert function.structured(created(image_id)).status_code == 204
    assert ims.tags(image_id)


def test_more_connections_than_there_is_room_for(serve: Serve) -> None:
    """The connection that has waited longest for its head makes room for a new one."""
    function = serve(EVENT_TIMEOUT="900")
    with connections(function, CONNECTIONS_MAX + 50, b"G") as opened:
        assert requests.get(f"{function.url}/healthz", timeout=10).status_code == 200
        assert answers(opened[0]).startswith(b"HTTP/1.1 408 ")
        opened[-1].sendall(GET[1:])
        assert opened[-1].recv(100).startswith(b"HTTP/1.1 200 ")
    assert {line["status"] for line in function.lines()} == {408}


def test_room_made_by_one_that_speaks(serve: Serve) -> None:
    """A connection may have to make room in the very moment in which it sends something."""
    function = serve(EVENT_TIMEOUT="900")
    pid = function.worker()
    with connections(function, CONNECTIONS_MAX - 1) as opened:
        opened[-1].sendall(GET)
        assert opened[-1].recv(12) == b"HTTP/1.1 200"  # so all of them have been accepted
        os.kill(pid, signal.SIGSTOP)
        while stat(pid)[0] != "T":
            time.sleep(0.02)
        try:
            with connections(function, 3, GET) as late:
                for connection in opened:
                    connection.sendall(b"G")
                os.kill(pid, signal.SIGCONT)
                assert [connection.recv(12) for connection in late] == [b"HTTP/1.1 200"] * 3
        finally:
            os.kill(pid, signal.SIGCONT)
    assert function.worker() == pid


def test_head_that_does_not_end(serve: Serve) -> None:
    """A head has EVENT_TIMEOUT: 408, and a connection on which nothing came is closed without a word."""
    function = serve(EVENT_TIMEOUT="1")
    with connections(function, 1, b"POST / HTT") as begun, connections(function, 1) as silent:
        assert answers(begun[0]).startswith(b"HTTP/1.1 408 ")
        assert answers(silent[0]) == b""
    assert [line["status"] for line in function.lines()] == [408]


@pytest.mark.parametrize(
    ("begin", "rest"),
    [
        pytest.param(POST, b"X-Note: " + b"x" * 500 + END, id="head"),
        pytest.param(POST + b"Content-Length: 500" + END, b" " * 500, id="body"),
        pytest.param(POST + b"Transfer-Encoding: chunked" + END, b"1\r\n \r\n" * 80, id="chunks"),
    ],
)
def test_dripping(serve: Serve, begin: bytes, rest: bytes) -> None:
    """A request that comes byte by byte ends with 408, wherever it is then."""
    answer = dripped(serve(EVENT_TIMEOUT="1"), begin, rest, pause=0.02)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert_harmless(answer)


def test_one_deadline(serve: Serve) -> None:
    """Head and body have EVENT_TIMEOUT together: where each takes two thirds of it, the request is late."""
    request = (POST + b"Content-Length: 120" + END).ljust(240)
    answer = dripped(serve(EVENT_TIMEOUT="3"), b"", request, pause=4 / len(request))
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_connection_in_advance(serve: Serve) -> None:
    """A connection may be there before its request: the time begins with the first byte."""
    with connections(serve(EVENT_TIMEOUT="2"), 1) as [connection]:
        time.sleep(1.5)
        connection.sendall(POST + b"Content-Length: 2" + END)
        time.sleep(1)
        connection.sendall(b"[]")
        assert connection.recv(100).startswith(b"HTTP/1.1 204 ")


def test_dripping_bodies_of_many(serve: Serve, ims: Ims) -> None:
    """Fifty senders of slow bodies hold the threads for EVENT_TIMEOUT, and not one after the other."""
    function = serve(EVENT_TIMEOUT="2")
    image_id = ims.image()
    with connections(function, 50, POST + b"Content-Length: 500" + END):
        before = time.monotonic()
        assert requests.get(f"{function.url}/healthz", timeout=20).status_code == 200
        assert function.structured(created(image_id)).status_code == 204
        assert time.monotonic() - before < 7  # one after the other they would take 14
    assert ims.tags(image_id)


@pytest.mark.parametrize("send", [Connection.send, Connection.sendall])
def test_replies_that_nobody_reads(send: Callable[[Connection, bytes], object]) -> None:
    """A thread does not wait until a client that sends without reading has room for its replies."""
    ours, theirs = socket.socketpair()
    with theirs, Connection(fileno=ours.detach()) as connection:
        connection.settimeout(5)
        with pytest.raises(ConnectionResetError):
            deque(send(connection, bytes(65_536)) for _ in count())


def test_refused_while_it_sends(serve: Serve) -> None:
    """A client that is refused before it has sent everything is not reset: it can send on and read why."""
    function = serve(EVENTS_TOKEN="canary-token-of-the-events")
    with connections(function, 1, POST + b"Content-Length: 500000" + END) as [connection]:
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")
        for _ in range(50):
            connection.sendall(bytes(10_000))
        while connection.recv(65_536):
            pass


def test_clients_that_go_away(function: Function) -> None:
    """A connection that is reset leaves no line, at whatever point of its request it is."""
    for sent in (b"", b"P", GET, GET * 2):
        for _ in range(10):
            with connections(function, 1, sent) as [connection]:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert requests.get(f"{function.url}/healthz", timeout=10).status_code == 200
    assert function.lines() == []


# -- requests one after the other ---------------------------------------------------------------------


def test_pipelined(function: Function) -> None:
    """Requests that arrive together are answered one after the other, also where one ends in the middle."""
    with connections(function, 1, GET * 3 + GET[:9]) as [connection]:
        answer = b""
        while answer.count(b"200 OK") < 3:
            answer += connection.recv(65_536)
        connection.sendall(GET[9:])
        assert b"200 OK" in connection.recv(65_536)


def test_one_reply_a_request(function: Function) -> None:
    """What comes after a request that has its reply is no second one, however malformed it is."""
    answer = function.raw(
        POST.replace(b"/", b"/init", 1) + b"Transfer-Encoding: chunked" + END + b"nonsense" + END
    )
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1") == 1


# -- what is answered before the function ------------------------------------------------------------

HOST = b"Host: function\r\n"
REFUSED = {
    "lower case": (b"get / HTTP/1.1\r\n" + HOST, 400),
    "no version": (b"GET /mark-of-the-request\r\n" + HOST, 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n", 400),
    "HTTP/3": (b"GET / HTTP/3.0\r\n" + HOST, 400),
    "nothing": (b"\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 400),
    "line feeds alone": (b"GET / HTTP/1.1\nX-Note: mark-of-the-request\n\n", 400),
    "a line feed in the head": (GET[:-2] + b"a: mark-of-the-request\nb: c\r\n", 400),
    "no colon": (GET[:-2] + b"mark-of-the-request\r\n", 400),
    "a space before the colon": (GET[:-2] + b"a : mark-of-the-request\r\n", 400),
    "folded": (GET[:-2] + b"a: b\r\n mark-of-the-request\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\n" + HOST * 2, 400),
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n", 400),
    "no length": (POST + b"Content-Length: mark-of-the-request\r\n", 400),
    "length and chunks": (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
    "gzip": (POST + b"Transfer-Encoding: gzip\r\n", 400),
    "gzip in chunks": (POST + b"Transfer-Encoding: gzip, chunked\r\n", 501),
    "gzip and then chunks": (POST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501),
    "identity in chunks": (POST + b"Transfer-Encoding: identity, chunked\r\n", 501),
    "chunks of HTTP/1.0": (POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n", 400),
    "another coding": (POST + b"Transfer-Encoding: mark-of-the-request\r\n", 501),
    "another expectation": (POST + b"Expect: mark-of-the-request\r\n", 417),
    "line of 8191 bytes": (b"GET /" + b"a" * 8177 + b" HTTP/1.1\r\n" + HOST, 414),
}


@pytest.mark.parametrize(("head", "status"), REFUSED.values(), ids=REFUSED)
def test_refused_heads(function: Function, head: bytes, status: int) -> None:
    """What gunicorn refuses is answered in a sentence, logged, and not quoted."""
    answer = function.raw(head + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.partition(END)[2]
    assert_harmless(answer)
    assert [(line["message"], line["status"]) for line in function.lines()] == [("request.refused", status)]


def test_http_1_0(function: Function, ims: Ims) -> None:
    """Proxies and health checks that speak HTTP/1.0 are answered, and the connection is closed."""
    image_id = ims.image()
    body = json.dumps(created(image_id)).encode()
    head = b"POST / HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d" % len(body)
    assert function.raw(head + END + body).startswith(b"HTTP/1.0 204 ")
    assert function.raw(b"GET /healthz HTTP/1.0" + END).startswith(b"HTTP/1.0 200 ")
    assert ims.tags(image_id)


@pytest.mark.parametrize(
    "fields", [b"SCRIPT_NAME: /x\r\n", b"X-Forwarded-Proto: http\r\nX-Forwarded-Ssl: on\r\n"]
)
def test_words_of_a_proxy(function: Function, fields: bytes) -> None:
    """What a proxy on the same host says of a request changes nothing, however much it contradicts itself."""
    answer = function.raw(b"GET /healthz HTTP/1.1\r\nHost: function\r\n" + fields + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert function.lines() == []


ERRORS = [error for error in vars(errors).values() if isinstance(error, type)]
OURS = {errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName}


@pytest.mark.parametrize("error", ERRORS)
def test_faults_of_requests(error: type[Exception]) -> None:
    """Every error of gunicorn's parser is refused, but not those that are no fault of the request."""
    refused = issubclass(error, errors.ParseException) and error not in OURS
    assert bool(refusal_of(error.__new__(error))) == refused


@pytest.mark.parametrize("path", ["/robots.txt", "/favicon.ico", "/static/x", "/static/", "//twice"])
@pytest.mark.parametrize(
    ("method", "status"),
    [
        pytest.param("GET", 405, id="GET"),
        pytest.param("HEAD", 405, id="HEAD"),
        pytest.param("CONNECT", 405, id="CONNECT"),
        pytest.param("BREW", 405, id="BREW"),
        pytest.param("OPTIONS", 200, id="OPTIONS"),
        pytest.param("POST", 400, id="POST"),
    ],
)
def test_paths_of_the_framework(function: Function, method: str, path: str, status: int) -> None:
    """Every path is the function's, those included that the framework would answer."""
    answer = function.raw(f"{method} {path} HTTP/1.1\r\nHost: function\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert (b"WebHook-Allowed-Origin: *" in answer) == (method == "OPTIONS")
    assert_harmless(answer)


@pytest.mark.parametrize("path", ["/robots.txt", "/static/x"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_uploads_to_paths_of_the_framework(serve: Serve, method: str, path: str) -> None:
    """No path takes a body that nobody has asked for into memory, and none does without the token."""
    function = serve(EVENTS_TOKEN="canary-token-of-the-events")
    pid = function.worker()
    peak = peak_memory(pid)
    reply = requests.request(method, function.url + path, data=bytes(64 * MIB), timeout=10)
    assert reply.status_code == {"GET": 405, "OPTIONS": 200, "POST": 401}[method]
    assert peak_memory(pid) - peak < 16 * MIB
