"""The fault matrix: every error in every mode of delivery, and every kind of answer and of transport fault.

It is a sum and no product. Which error each documented code is, `tests.core.test_error_codes` shows; what
follows from an error at each age, `tests.core.test_outcomes`. Here one code of each error goes through every
mode; each status, page and transport fault goes through one mode, with a call for each tag and with one for
all. What follows from an error is listed here, once, apart from the table in the code.
"""

import itertools
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
import requests

from handlers.core.errors import TagApiError
from handlers.core.outcomes import TABLE
from tests.processes.emulator import Ims
from tests.processes.function import LONG_AGO, Function, Serve, created, just_now
from tests.processes.launch import free_port
from tests.processes.scripted_server import Peer, peer
from tests.support.vendor_error_codes import GATEWAY, IMS, SEEN, STATUSES, Documented, error_of_status

# -- what follows -----------------------------------------------------------------------------------


class Follows(NamedTuple):
    """status, retry_after: of the reply. outcome: its `Tagging-Outcome`. severity: of the log line."""

    status: int
    retry_after: str | None
    outcome: str
    severity: str = "WARNING"


DEAD = Follows(400, None, "dead-letter")


def again(seconds: int, severity: str = "WARNING", status: int = 503) -> Follows:
    return Follows(status, str(seconds), "retry", severity)


YOUNG, OLD = just_now, lambda: LONG_AGO
Age = Callable[[], str]

FOLLOWS: dict[str, dict[Age, Follows]] = {
    "RequestRejected": {YOUNG: DEAD},
    "TagRefused": {YOUNG: DEAD},
    "TagQuotaExceeded": {YOUNG: DEAD},
    "ImageNotTaggable": {YOUNG: DEAD},
    "ImageNotFound": {YOUNG: again(10), OLD: DEAD},
    "ImageNotReady": {YOUNG: again(10), OLD: DEAD},
    "PermissionDenied": {YOUNG: again(60, "ERROR"), OLD: DEAD._replace(severity="ERROR")},
    "CredentialsRejected": {OLD: again(60, "ERROR")},
    "Throttled": {OLD: again(5, status=429)},
    "TagApiUnavailable": {OLD: again(1)},
    "UnexpectedReply": {OLD: again(1, "ERROR")},
}
"""By error, at the age that would tempt to do otherwise; at both where the age decides."""


def test_no_error_is_left_out() -> None:
    """The matrix has a row for every error of the tag API but one, which only an answer about a job tells."""
    of_the_api = {error.__name__ for error in TABLE if issubclass(error, TagApiError)}
    assert FOLLOWS.keys() == of_the_api - {"JobRunning"}
    decided_by_age = {error.__name__ for error, row in TABLE.items() if row.action == "retry-within-window"}
    assert {name for name, ages in FOLLOWS.items() if len(ages) > 1} == decided_by_age


# -- what goes wrong --------------------------------------------------------------------------------


class Fault(NamedTuple):
    """script: of the emulator. error: what it stands for. code: what the log says of the answer's."""

    script: dict[str, Any]
    error: str
    code: str = ""


def _page(status: int) -> dict[str, Any]:
    return {"status": status, "body": "<html>a page</html>"}


def _coded(answer: Documented) -> Fault:
    return Fault({"status": answer.status, "code": answer.code}, answer.error.__name__, answer.code)


REDIRECTS = [301, 302, 303, 307, 308]
REFUSAL = '{"error": {"message": "no room", "code": "IMG.0116"}}'

BY_ERROR = {
    error: _coded(next(answer for answer in (*IMS, *GATEWAY) if answer.error.__name__ == error))
    for error in FOLLOWS
}
"""For each error one code that stands for it."""

OF_THE_GATEWAY = {answer.status: answer for answer in reversed(GATEWAY)}.values()
"""One of each status, since the gateway's bodies have another shape."""

BY_KIND = {
    **{f"{answer.status} {answer.code}": _coded(answer) for answer in (*OF_THE_GATEWAY, *SEEN)},
    **{
        f"{answer.status} alone": Fault({"status": answer.status}, answer.error.__name__)
        for answer in STATUSES
    },
    **{
        f"{status} elsewhere": Fault({"status": status, "headers": {"Location": "/v2/x"}}, "UnexpectedReply")
        for status in REDIRECTS
    },
    **{
        f"a page with {status}": Fault(_page(status), error_of_status(status).__name__)
        for status in (200, 201, 401, 500, 502, 503)
    },
    "a page with 404": Fault(_page(404), "UnexpectedReply"),
    "an error as text": Fault(
        {"status": 400, "body": REFUSAL, "content_type": "text/plain"}, "TagQuotaExceeded", "IMG.0116"
    ),
    "an error without type": Fault(
        {"status": 400, "body": REFUSAL, "content_type": "nonsense"}, "TagQuotaExceeded", "IMG.0116"
    ),
    **{
        transport: Fault({"transport": transport}, "TagApiUnavailable")
        for transport in ("close", "reset", "half", "garbage")
    },
    **{
        f"{transport} after the work": Fault({"transport": transport, "after": "after"}, "TagApiUnavailable")
        for transport in ("close", "reset", "half")
    },
}


# -- how it is delivered ----------------------------------------------------------------------------

Event = dict[str, Any]
Post = Callable[[Function, list[Event]], requests.Response]


def _binary(function: Function, events: list[Event]) -> requests.Response:
    (event,) = events
    attributes = {f"ce_{name}": value for name, value in event.items() if name != "data"}
    return function.post(event["data"], content_type="application/json", **attributes)


def _structured(function: Function, events: list[Event]) -> requests.Response:
    (event,) = events
    return function.structured(event)


def _batch(function: Function, events: list[Event]) -> requests.Response:
    return function.post(events, content_type="application/cloudevents-batch+json")


MODES: dict[str, tuple[Post, int]] = {
    "binary": (_binary, 1),
    "structured": (_structured, 1),
    "batch of one": (_batch, 1),
    "batch of two": (_batch, 2),
}

# -- the cells --------------------------------------------------------------------------------------


def assert_cell(function: Function, mode: str, age: Age, image_ids: list[str], fault: Fault) -> None:
    """A delivery in this mode has the reply, the outcome and the log lines that the fault's row says."""
    post, events = MODES[mode]
    follows = FOLLOWS[fault.error][age]

    reply = post(function, [created(image_id, time=age()) for image_id in image_ids])

    dead = follows.outcome == "dead-letter"
    counted = f"{events} dead letters, the first: " if dead and events > 1 else ""
    assert (reply.status_code, reply.headers.get("Retry-After")) == follows[:2]
    assert reply.headers.get("Tagging-Outcome") == (follows.outcome if events == 1 else None)
    assert reply.text.startswith(f"{fault.error}: {counted}")
    assert len(reply.content) <= 512

    lines = [line for line in function.lines() if line.get("image_id") in image_ids]
    assert [line["image_id"] for line in lines] == image_ids
    for line in lines:
        assert line["message"] == ("event.dead_letter" if dead else "event.retry")
        assert (line["severity"], line["outcome"]) == (follows.severity, follows.outcome)
        assert (line["reason"], line.get("code", "")) == (fault.error, fault.code)
        assert line.get("retry_after") == (None if follows.retry_after is None else int(follows.retry_after))
        assert line["event_id"] == f"event-of-{line['image_id']}"
        assert line["detail"]
        assert "traceback" not in line


ONE_CALL = {"TAG_FORM": "batch", "PROJECTS": Ims.project_id}

CELLS = [
    *(
        pytest.param(fault, mode, age, settings, id=f"{name}, {'young' if age is YOUNG else 'old'}, {form}")
        for name, fault in BY_ERROR.items()
        for age in FOLLOWS[fault.error]
        for mode, settings, form in [*((mode, {}, mode) for mode in MODES), ("binary", ONE_CALL, "one call")]
    ),
    *(
        pytest.param(fault, "structured", next(iter(FOLLOWS[fault.error])), settings, id=f"{name}, {form}")
        for name, fault in BY_KIND.items()
        for settings, form in ((dict[str, str](), "a call for each tag"), (ONE_CALL, "one call"))
    ),
]


@pytest.mark.parametrize(("fault", "mode", "age", "settings"), CELLS)
def test_cell(serve: Serve, ims: Ims, fault: Fault, mode: str, age: Age, settings: dict[str, str]) -> None:
    """An answer, or a connection that breaks at once: its error, and what follows from it."""
    function = serve(**settings)
    image_ids = [ims.image() for _ in range(MODES[mode][1])]
    ims.fault(**fault.script)

    assert_cell(function, mode, age, image_ids, fault)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "address",
    [
        pytest.param(lambda _: f"http://127.0.0.1:{free_port()}", id="refused"),
        pytest.param(lambda ims: ims.url.replace("http:", "https:"), id="no TLS"),
    ],
)
def test_not_reached(
    serve: Serve, ims: Ims, addresses: dict[Any, str], address: Callable[[Ims], str], mode: str
) -> None:
    """Nobody listens, or nobody who speaks TLS."""
    at = addresses.setdefault(address, address(ims))
    image_ids = [ims.image() for _ in range(MODES[mode][1])]

    function = serve(IMS_ENDPOINT=at)

    assert_cell(function, mode, OLD, image_ids, Fault({}, "TagApiUnavailable"))
    assert ims.calls("PUT") == []


@pytest.fixture(scope="module")
def addresses() -> dict[Any, str]:
    """One a kind, so that its four deliveries share a function."""
    return {}


# -- what takes time --------------------------------------------------------------------------------

EVENT_TIMEOUT = 2
MARGIN = 1.9
"""Seconds; the machine's own, less than two events one after the other would take."""


def dribble(head: bytes, piece: bytes) -> Callable[[], Iterator[bytes]]:
    """An answer that never ends, though something always comes."""

    def pieces() -> Iterator[bytes]:
        yield head
        for each in itertools.cycle([piece]):
            time.sleep(0.05)  # time that passes is what these tests are about
            yield each

    return pieces


LATE: dict[str, dict[str, Any] | Callable[[], Iterator[bytes]] | None] = {
    "never connected": None,
    "late": {"delay": 9},
    "late error": {"delay": 9, "status": 400, "code": "IMG.0115"},
    "slow body": {"transport": "slow", "delay": 9, "status": 400},
    "status line dribbled": dribble(b"HTTP/1.1 204 ", b"x"),
    "header dribbled": dribble(b"HTTP/1.1 204 No Content\r\nX-Request-Id: ", b"x"),
    "headers without end": dribble(b"HTTP/1.1 204 No Content\r\n", b"X-More: x\r\n"),
    "interim answers": dribble(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body dribbled": dribble(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 60000\r\n\r\n", b"x"),
    "chunks dribbled": dribble(
        b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"
    ),
}


@pytest.fixture(scope="module")
def dribbling() -> Iterator[Peer]:
    with peer() as server:
        yield server


@pytest.fixture(scope="module")
def deaf() -> Iterator[str]:
    """The address of one whose queue of connections is full, so that the kernel lets no other in."""
    with ExitStack() as open_ones:
        queue = open_ones.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = open_ones.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(queue.getsockname())
        yield f"http://127.0.0.1:{queue.getsockname()[1]}"


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_late_cell(serve: Serve, ims: Ims, dribbling: Peer, deaf: str, late: Any) -> None:
    """However an answer takes its time, EVENT_TIMEOUT ends it, for both events of a batch together.

    All modes at once, since each takes that time.
    """
    at = {}
    if late is None:
        at = {"IMS_ENDPOINT": deaf}
    elif isinstance(late, dict):
        ims.fault(**late)
    else:
        at = {"IMS_ENDPOINT": dribbling.url}
        dribbling.answers = (late() for _ in itertools.count())
    function = serve(EVENT_TIMEOUT=str(EVENT_TIMEOUT), THREADS="16", **at)
    images = {mode: [ims.image() for _ in range(events)] for mode, (_, events) in MODES.items()}
    began = time.monotonic()

    def deliver(mode: str) -> tuple[requests.Response, float]:
        reply = MODES[mode][0](function, [created(image_id) for image_id in images[mode]])
        return reply, time.monotonic() - began

    with ThreadPoolExecutor(len(MODES)) as pool:
        replies = dict(zip(MODES, pool.map(deliver, MODES), strict=True))

    follows = FOLLOWS["TagApiUnavailable"][OLD]
    for mode, (reply, seconds) in replies.items():
        assert (mode, reply.status_code, reply.headers["Retry-After"]) == (mode, *follows[:2])
        assert reply.headers.get("Tagging-Outcome") == (None if mode == "batch of two" else follows.outcome)
        assert (mode, ("no connection" if late is None else "EVENT_TIMEOUT") in reply.text) == (mode, True)
        assert EVENT_TIMEOUT - 0.1 < seconds < EVENT_TIMEOUT + MARGIN, mode
    lines = {line["image_id"]: line for line in function.lines()}
    assert lines.keys() == {image_id for image_ids in images.values() for image_id in image_ids}
    for line in lines.values():
        assert (line["message"], line["severity"]) == ("event.retry", follows.severity)
        assert (line["outcome"], line["reason"]) == ("retry", "TagApiUnavailable")
        assert str(line["retry_after"]) == follows.retry_after
