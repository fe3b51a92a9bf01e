"""The connections to the tag API: how they break, are kept, and trust."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from requests import Request

from handlers.core.errors import TagApiUnavailable
from handlers.edges.http.client import BODY_MAX, HttpClient
from tests.processes.emulator import Ims
from tests.processes.launch import free_port
from tests.processes.scripted_server import CLOSE, NO_CONTENT, Answer, answer, peer
from tests.support.tag_api import (
    DEADLINE,
    ONE,
    TWO,
    api_at,
    assert_unavailable_in_time,
    failure,
    over_both_calls,
    write,
)


def pieces(*said: bytes | float) -> Iterator[bytes]:
    """Bytes to send, and seconds to wait before the next."""
    for piece in said:
        if isinstance(piece, bytes):
            yield piece
        else:
            time.sleep(piece)  # time that passes is what these tests are about


def drip(piece: bytes) -> Iterator[bytes]:
    while True:
        yield piece
        time.sleep(0.05)


def test_a_refused_connection_is_unavailable() -> None:
    """Nobody listens: asked for again, and no other words than ours are told."""
    assert_unavailable_in_time(f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"transport": "close"}, id="closed"),
        pytest.param({"transport": "reset"}, id="reset"),
        pytest.param({"transport": "half", "status": 400}, id="half a body"),
        pytest.param({"transport": "garbage"}, id="garbage"),
        pytest.param({"transport": "slow", "delay": 3, "status": 400}, id="slow body"),
        pytest.param({"delay": 3}, id="late answer"),
    ],
)
@over_both_calls
def test_a_broken_connection_is_unavailable(ims: Ims, fault: dict[str, Any], tag_form: str) -> None:
    """Every transport fault, within the deadline of all calls together."""
    ims.fault(**fault)

    assert_unavailable_in_time(ims.url, tag_form)


HALF = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n{"
OPEN_END = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{"
IN_CHUNKS = b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(lambda: pieces(3.0), id="nothing"),
        pytest.param(lambda: pieces(0.3, HALF, 3.0), id="a late head and a body that stalls"),
        pytest.param(lambda: pieces(0.3, OPEN_END, 3.0), id="a late head and a body without end"),
        pytest.param(lambda: pieces(0.3, IN_CHUNKS, b"5\r\n{", 3.0), id="a late head and half a chunk"),
        pytest.param(lambda: drip(IN_CHUNKS), id="chunks that are none"),
        pytest.param(lambda: drip(OPEN_END), id="a body that never ends"),
        pytest.param(lambda: pieces(b"HTTP/1.1 2", 3.0), id="half a status line"),
    ],
)
def test_a_slow_peer_cannot_outlast_the_deadline(said: Any) -> None:
    """However the time is spread over an answer, the deadline ends it."""
    with peer(said()) as server:
        assert_unavailable_in_time(server.url)


@over_both_calls
def test_after_the_deadline_nothing_is_called(ims: Ims, tag_form: str) -> None:
    """A delivery whose time is up writes no more."""
    writing = write(api_at(ims.url, tag_form=tag_form), ONE, TWO, within=0)

    assert type(failure(writing)) is TagApiUnavailable
    assert ims.calls() == []


def test_of_a_big_answer_only_the_beginning_is_read() -> None:
    """An error body of any size is an answer, and leaves no rest in the way of the next call."""
    page = b"x" * (4 * BODY_MAX)
    with peer(answer(503, page), NO_CONTENT) as server:
        api = api_at(server.url)

        assert type(failure(write(api, ONE))) is TagApiUnavailable
        assert write(api, ONE).failed == []
        assert server.connections == 2


# -- connections ------------------------------------------------------------------------------------

REFUSAL = json.dumps({"error": {"code": "IMG.0115", "message": "no"}}).encode()
CHUNKED = b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(NO_CONTENT, id="204"),
        pytest.param(answer(400, REFUSAL), id="an error with a body"),
        pytest.param(answer(400), id="an error without a body"),
        pytest.param(CHUNKED % (len(REFUSAL), REFUSAL), id="an error in chunks"),
        pytest.param([NO_CONTENT[:9], NO_CONTENT[9:-1], NO_CONTENT[-1:]], id="204 in pieces"),
    ],
)
def test_one_connection_serves_many_calls(said: Answer) -> None:
    """It is kept alive, whatever the answers."""
    with peer(*[said] * 20) as server:
        api = api_at(server.url)
        for _ in range(10):
            write(api, ONE)
            write(api, ONE)

        assert (server.connections, len(server.requests)) == (1, 20)


@pytest.mark.parametrize(
    ("answers", "requests", "written"),
    [
        pytest.param([NO_CONTENT, CLOSE, NO_CONTENT], 3, True, id="sent again"),
        pytest.param([NO_CONTENT, CLOSE, CLOSE, NO_CONTENT], 3, False, id="not a third time"),
        pytest.param([NO_CONTENT], 2, False, id="not after a time-out"),
        pytest.param([NO_CONTENT, answer(503), NO_CONTENT], 2, False, id="not after a status"),
    ],
)
@over_both_calls
def test_a_call_on_a_dead_connection_is_sent_again_once(
    answers: list[Answer], requests: int, *, written: bool, tag_form: str
) -> None:
    """That a kept-alive connection is closed shows only when it is used."""
    with peer(*answers) as server:
        api = api_at(server.url, tag_form=tag_form)
        write(api, ONE)

        writing = write(api, TWO, within=DEADLINE)

        assert (writing.failed == []) == written
        assert len(server.requests) == requests


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 204 No Content\r\nX-Request-Id: r:1\r\n", id="plain"),
        pytest.param(b"HTTP/1.1 204 \r\nDate: today\r\nx-request-id:r:1 \r\n", id="lower case"),
        pytest.param(b"HTTP/1.1 204 No Content\r\nX-Request-Id:\r\n r:1\r\n", id="folded"),
        pytest.param(b"HTTP/1.1 204\nX-Request-Id: r:1\n", id="short lines"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 Yes\r\nX-Request-Id: r:1\r\n", id="after 100"
        ),
        pytest.param(b"HTTP/1.1 204 Yes\r\nA: %s\r\nX-Request-Id: r:1\r\n" % (b"a" * 9000), id="long"),
    ],
)
def test_a_success_is_understood_however_it_is_written(head: bytes) -> None:
    """HTTP has several spellings of one answer, and the request id is read from each."""
    with peer(head + b"\r\n") as server:
        writing = write(api_at(server.url), ONE)

    assert (list(writing.failed), writing.request_ids) == ([], ["r:1"])


@pytest.mark.parametrize(
    ("said", "connections"),
    [
        pytest.param(answer(204, Connection="close"), 2, id="it ends the connection"),
        pytest.param(NO_CONTENT + answer(400, REFUSAL), 1, id="more than one answer"),
    ],
)
def test_nothing_of_a_success_is_taken_for_the_next_answer(said: bytes, connections: int) -> None:
    """What follows a 204 belongs to no call."""
    with peer(said, NO_CONTENT) as server:
        api = api_at(server.url)

        assert [write(api, ONE).failed for _ in range(2)] == [[], []]
        assert server.connections == connections


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_no_header_is_sent_that_has_several_lines(end: str) -> None:
    """The second line could be a header, or a whole request, of somebody else."""
    client = HttpClient("the tag API", "IMS_ENDPOINT", proxy=None, ca_bundle=None)
    with peer(NO_CONTENT) as server:
        request = Request("PUT", server.url, data=b"{}").prepare()
        request.headers["X-Auth-Token"] = f"a{end}X-Other: b"

        with pytest.raises(ValueError, match="a header has several lines"):
            client.send(request, time.monotonic() + 5)
        assert server.requests == []


def test_a_call_on_a_new_connection_is_not_sent_again() -> None:
    """There the other side has closed on purpose."""
    with peer(CLOSE, NO_CONTENT) as server:
        assert type(failure(write(api_at(server.url), ONE))) is TagApiUnavailable
        assert len(server.requests) == 1


def test_the_environment_does_not_steer(ims: Ims, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy and no netrc of the environment: only the settings say who is spoken to, and as whom."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(netrc))

    assert write(api_at(ims.url), ONE, image_id=ims.image()).failed == []
    assert "Authorization" not in ims.calls()[0]["headers"]


def test_the_proxy_of_the_settings_is_used() -> None:
    """With its credentials, and for names that only it can resolve."""
    with peer(NO_CONTENT) as server:
        api = api_at("http://ims.invalid", proxy=f"http://user:word@{server.address}")

        assert write(api, ONE).failed == []
        assert server.requests[0].startswith(b"PUT http://ims.invalid/v1/cloudimages/tags HTTP/1.1\r\n")
        assert b"Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n" in server.requests[0]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(answer(407, b"who are you?"), id="credentials wrong"),
        pytest.param(CLOSE, id="closed"),
        pytest.param(answer(200, b"welcome"), id="a tunnel that is a page"),
    ],
)
def test_a_proxy_without_a_tunnel_is_unavailable(said: Answer) -> None:
    """A proxy that does not connect leaves the API unreached."""
    with peer(said) as server:
        error = failure(write(api_at("https://ims.invalid", proxy=server.url), ONE, within=DEADLINE))

    assert type(error) is TagApiUnavailable


def test_a_proxy_that_closed_a_kept_connection_is_asked_again() -> None:
    """Once, as the API itself is where there is no proxy."""
    with peer(NO_CONTENT, CLOSE, NO_CONTENT) as server:
        api = api_at("http://ims.invalid", proxy=server.url)

        assert [write(api, ONE).failed for _ in range(2)] == [[], []]
        assert len(server.requests) == 3


# -- TLS --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "trusted", "written"),
    [
        pytest.param("own", "own", True, id="trusted"),
        pytest.param("own", None, False, id="self-signed"),
        pytest.param("own", "other", False, id="another is trusted"),
        pytest.param("other", "other", False, id="trusted, for another name"),
    ],
)
def test_certificates_are_verified(
    certificates: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    shown: str,
    trusted: str | None,
    *,
    written: bool,
) -> None:
    """Against what OS_CACERT names, and else the public authorities; the environment adds none."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(certificates[shown]))
    bundle = certificates[trusted].with_suffix(".crt") if trusted else None

    with peer(NO_CONTENT, certificate=certificates[shown]) as server:
        writing = write(api_at(server.url, ca_bundle=bundle), ONE)

    assert (writing.failed == []) == written
    if not written:
        assert "OS_CACERT" in str(failure(writing))
        assert server.requests == []
