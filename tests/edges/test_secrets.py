"""Secrets: none is in any reply or log line, whoever sent it and whoever repeats it."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve, created, just_now
from tests.processes.launch import free_port
from tests.processes.scripted_server import CLOSE, NO_CONTENT, Answer, answer, peer

CANARY = "canary"
"""The beginning of every secret here, so that a part of one shows too."""

TOKEN = CANARY + r'-to/ken"with\odd<characters>' + "x" * 300
"""All that a token may hold and that JSON writes in several ways."""

PASSWORD = f"{CANARY}-password/with@all"
PROXY_USER = "user"
BASIC = base64.b64encode(f"{PROXY_USER}:{PASSWORD}".encode()).decode()

SENT = {
    "Authorization": f"Bearer {CANARY}-1",
    "Cookie": f"session={CANARY}-2",
    "Proxy-Authorization": f"Basic {CANARY}-3",
    "X-Auth-Token": f"{CANARY}-4",
    "X-Api-Key": f"{CANARY}-5",
    "X-Cff-Security-Access-Key": f"{CANARY}-6",
    "X-Cff-Security-Secret-Key": f"{CANARY}-7",
    "X-Cff-Security-Token": f"{CANARY}-8",
    "X-Cff-Auth-Token": f"{CANARY}-9",
}


def assert_hidden(function: Function, *replies: requests.Response | bytes) -> None:
    said = [reply if isinstance(reply, bytes) else reply.content for reply in replies]
    said += [str(reply.headers).encode() for reply in replies if isinstance(reply, requests.Response)]
    for text in (function.output(), *(text.decode("latin-1") for text in said)):
        for part in (CANARY, BASIC[:12]):
            assert part.lower() not in text.lower()


# -- in what is sent to the function ----------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/invoke", "/init", "/robots.txt", f"/?access_token={CANARY}"])
@pytest.mark.parametrize(
    ("method", "headers", "body"),
    [
        pytest.param("POST", {}, b"", id="nothing"),
        pytest.param("POST", {}, b"{", id="no JSON"),
        pytest.param("POST", {}, b"{}", id="no event"),
        pytest.param("POST", {}, b"[5]", id="junk"),
        pytest.param("POST", {}, json.dumps(created(CANARY, id="1")).encode(), id="dead letter"),
        pytest.param("POST", {}, json.dumps(created(CANARY, id="1", type="x")).encode(), id="ignored"),
        pytest.param("POST", {}, bytes(2_000_000), id="too large"),
        pytest.param("POST", {"ce-id": "%ff", "ce-source": CANARY}, b"", id="bad headers"),
        pytest.param("POST", {"Content-Type": f"application/cloudevents+{CANARY}"}, b"", id="format"),
        pytest.param("POST", {"Content-Type": CANARY}, b"\xff", id="content type"),
        pytest.param("GET", {}, b"", id="GET"),
        pytest.param("PUT", {}, CANARY.encode(), id="PUT"),
        pytest.param("OPTIONS", {"WebHook-Request-Origin": CANARY}, b"", id="handshake"),
    ],
)
def test_secrets_in_a_request_stay_there(
    serve: Serve, method: str, path: str, headers: dict[str, str], body: bytes
) -> None:
    """Whatever is wrong with it, no header, no parameter and no part of the body comes back or is logged."""
    function = serve(LOG_LEVEL="warning")

    reply = requests.request(method, function.url + path, headers=SENT | headers, data=body, timeout=10)

    assert_hidden(function, reply)


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(b"Authorization: Bearer canary\0\r\n\r\n", id="control character"),
        pytest.param(b"Authorization: a\r\n canary\r\n\r\n", id="folded"),
        pytest.param(b"No name: canary\r\n\r\n", id="a space in a name"),
        pytest.param(b"X: " + b"canary" * 2000 + b"\r\n\r\n", id="too long"),
        pytest.param(b"X: canary\r\n" * 101 + b"\r\n", id="too many"),
        pytest.param(b"Transfer-Encoding: odd\r\n\r\n", id="transfer coding"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\ncanary\r\n\r\n", id="chunk size"),
        pytest.param(b"Content-Length: canary\r\n\r\n", id="length"),
        pytest.param(b"Content-Length: 99\r\n\r\ncanary", id="broken off"),
    ],
)
def test_secrets_in_a_request_that_is_no_http_stay_there(serve: Serve, spoilt: bytes) -> None:
    """The server in front refuses it before the function sees it, and repeats no secret header either."""
    function = serve(LOG_LEVEL="warning")
    head = "".join(f"{name}: {value}\r\n" for name, value in SENT.items()).encode()

    reply = function.raw(b"POST / HTTP/1.1\r\nHost: function\r\n" + head + spoilt)

    assert reply.startswith(b"HTTP/1.1 ")
    assert_hidden(function, reply)


# -- in what the function sends ---------------------------------------------------------------------

STATUSES = [200, 204, 302, 400, 401, 403, 404, 407, 409, 429, 500, 503]


def as_json(shape: Callable[[str], Any]) -> Callable[[str], bytes]:
    return lambda secret: json.dumps(shape(secret)).encode()


ECHOES: dict[str, Callable[[str], bytes]] = {
    "message of IMS": as_json(lambda secret: {"error": {"code": "IMG.0087", "message": f"bad {secret}"}}),
    "code of IMS": as_json(lambda secret: {"error": {"code": secret, "message": "bad"}}),
    "message of the gateway": as_json(lambda secret: {"error_code": "APIG.0301", "error_msg": secret}),
    "code of the gateway": as_json(lambda secret: {"error_code": secret, "error_msg": "bad"}),
    "request id": as_json(lambda secret: {"error_code": "X", "error_msg": "bad", "request_id": secret}),
    "beyond the cut": as_json(lambda secret: {"code": "X", "message": "x" * 190 + secret}),
    "request id beyond the cut": as_json(lambda secret: {"request_id": "x" * 60 + secret}),
    "slashes escaped": lambda secret: as_json(lambda s: {"code": "X", "message": s})(secret).replace(
        b"/", rb"\/"
    ),
    "every character escaped": lambda secret: (
        b'{"code": "X", "message": "%s"}'
        % "".join(f"\\u{ord(character):04X}" for character in secret).encode()
    ),
    "a page": lambda secret: f"<html>who is {secret}?</html>".encode(),
    "an array": as_json(lambda secret: [secret]),
    "a text": as_json(lambda secret: secret),
}


def echoes(secret: str, statuses: Sequence[int]) -> Iterator[Answer]:
    """Answers of these statuses that repeat a secret, in the body and in every header that is read."""
    for status in statuses:
        for echo in ECHOES.values():
            body = b"" if status == 204 else echo(secret)
            yield answer(
                status, body, X_Request_Id=f"{'x' * 50}{secret}", Retry_After=secret, Location=secret
            )
            yield answer(status, body)


def deliver_all(function: Function, count: int) -> list[requests.Response]:
    """Young events with two tags: two answers of 204 are one event, any other answer is the end of one."""
    with requests.Session() as session:
        event = json.dumps(created("11111111-2222-4333-8444-555555555501", time=just_now()))
        return [session.post(function.url, data=event, timeout=10) for _ in range(count)]


def test_an_api_that_repeats_the_token_is_not_believed(serve: Serve) -> None:
    """Whatever the status, the shape of the body, the header and the spelling."""
    answers = list(echoes(TOKEN, STATUSES))
    with peer(*answers) as api:
        function = serve(IMS_ENDPOINT=api.url, OS_TOKEN=TOKEN)
        replies = deliver_all(function, len(answers) - len(ECHOES))

    assert len(api.requests) == len(answers)
    assert TOKEN.encode() in api.requests[0]
    assert {reply.status_code for reply in replies} == {204, 400, 429, 503}
    assert_hidden(function, *replies)


def test_an_api_that_repeats_what_signed_the_call_is_not_believed(serve: Serve) -> None:
    """FunctionGraph's keys: neither the access key nor the security token nor the signature is told."""
    names = [f"{CANARY}-ak-{number}" for number in range(len(ECHOES) * 4)]
    shapes = [(status, echo) for status in (400, 401, 403, 503) for echo in ECHOES.values()]
    answers = [
        answer(status, echo(f"{name} {TOKEN}")) for name, (status, echo) in zip(names, shapes, strict=True)
    ]
    event = json.dumps(created("11111111-2222-4333-8444-555555555501", time=just_now()))
    with peer(*answers) as api, requests.Session() as session:
        function = serve(IMS_ENDPOINT=api.url, OS_TOKEN="", CREDENTIALS="functiongraph", PROJECTS="p-1")
        replies = [
            session.post(
                function.url,
                data=event,
                headers={
                    "X-CFF-Security-Access-Key": name,
                    "X-CFF-Security-Secret-Key": f"{CANARY}-sk",
                    "X-CFF-Security-Token": TOKEN,
                },
                timeout=10,
            )
            for name in names
        ]

    assert len(api.requests) == len(answers)
    assert all(f"Access={name}".encode() in sent for name, sent in zip(names, api.requests, strict=True))
    assert not [sent for sent in api.requests if b"canary-sk" in sent]
    assert_hidden(function, *replies)


def test_an_identity_service_that_repeats_the_password_is_not_believed(serve: Serve) -> None:
    """Whatever the status and the shape of the body; the last one begins a pause."""
    answers = list(echoes(PASSWORD, [404, 429, 500, 200, 302, 503]))
    answers.append(answer(401, ECHOES["message of IMS"](PASSWORD)))
    with peer(*answers) as identity:
        function = serve(
            OS_TOKEN="",
            OS_AUTH_URL=identity.url,
            OS_USERNAME="ada",
            OS_PASSWORD=PASSWORD,
            OS_DOMAIN_NAME="example",
            PROJECTS="p-1",
        )
        replies = deliver_all(function, len(answers) + 1)

    assert len(identity.requests) == len(answers)
    assert PASSWORD.encode() in identity.requests[0]
    assert {reply.status_code for reply in replies} == {429, 503}
    assert_hidden(function, *replies)


def test_a_proxy_that_repeats_its_credentials_is_not_believed(serve: Serve) -> None:
    """A page of a proxy can look like an answer of the API."""
    answers = list(echoes(f"{PASSWORD} Basic {BASIC}", [204, 407]))
    with peer(*answers) as proxy:
        function = serve(
            IMS_ENDPOINT="http://ims.invalid",
            IMS_PROXY=f"http://{PROXY_USER}:{quote(PASSWORD, safe='')}@{proxy.address}",
            OS_TOKEN=TOKEN,
        )
        replies = deliver_all(function, len(answers) - len(ECHOES))

    assert BASIC.encode() in proxy.requests[0]
    assert len(proxy.requests) == len(answers)
    assert_hidden(function, *replies)


def test_a_proxy_that_does_not_connect_is_not_told(serve: Serve) -> None:
    """The errors of the HTTP client hold the proxy's address with its password; ours do not."""
    pages = [answer(407, f"who is {PASSWORD} {BASIC}?".encode()), answer(502), CLOSE, NO_CONTENT]
    with peer(*pages) as proxy:
        for address in (proxy.address, f"127.0.0.1:{free_port()}"):
            function = serve(
                IMS_ENDPOINT="https://ims.invalid",
                IMS_PROXY=f"http://{PROXY_USER}:{quote(PASSWORD, safe='')}@{address}",
                OS_TOKEN=TOKEN,
                EVENT_TIMEOUT="1",
            )
            replies = deliver_all(function, len(pages))

            assert {reply.status_code for reply in replies} == {503}
            assert_hidden(function, *replies)


@pytest.mark.parametrize(
    "fault",
    [
        *(pytest.param({"transport": kind}, id=kind) for kind in ("close", "reset", "half", "garbage")),
        pytest.param({"transport": "slow", "delay": 0.1}, id="slow"),
        pytest.param({"status": 500, "body": "<p>"}, id="page"),
        pytest.param({"code": "APIG.0301"}, id="token refused"),
        pytest.param({"code": "IMG.0115"}, id="tag refused"),
        pytest.param({"headers": {"X-Any": "any"}}, id="token unknown"),
    ],
)
def test_no_fault_of_the_api_tells_the_token(serve: Serve, ims: Ims, fault: dict[str, Any]) -> None:
    """However a call fails, what was sent with it is not told."""
    function = serve(OS_TOKEN=TOKEN, LOG_LEVEL="debug")
    ims.fault(**fault)

    assert_hidden(function, *deliver_all(function, 3))
