"""The budget of a delivery, held at the sizes at which it used to break."""

import fcntl
import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from handlers.core.budget import AT_ONCE, MAX_EVENTS, MAX_IMAGES
from handlers.core.values.filters import MAX_INPUT
from tests.fuzz.hostile import BODIES, EVENT_OF_ATTRIBUTES, EVENTS, MEGABYTE, NUMBERS, event_of_no_image
from tests.processes.emulator import Ims
from tests.processes.function import Serve, created
from tests.processes.scripted_server import answer, peer

BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"


@pytest.mark.parametrize(("body", "too_large"), BODIES.values(), ids=BODIES)
def test_a_megabyte(serve: Serve, body: bytes, too_large: bool) -> None:
    """A megabyte of whatever shape is refused with one line of the log, and takes some tens of megabytes."""
    function = serve(EVENT_TIMEOUT="19", MAX_BODY_BYTES="1048576")
    before = function.peak_memory()
    reply = function.post(body, content_type="application/json")
    assert reply.status_code == (413 if too_large else 400)
    assert len(function.lines()) == 1 or not too_large
    assert function.peak_memory() - before < 40 * MEGABYTE


def test_eight_megabytes_at_once(serve: Serve) -> None:
    """Eight such deliveries at once fit into the 256 MiB that the deploy files grant."""
    function = serve(EVENT_TIMEOUT="18")
    bodies = [body for body, _ in BODIES.values()][:8]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda body: function.post(body, content_type="application/json"), bodies))
    assert {reply.status_code for reply in replies} <= {400, 413}
    assert function.peak_memory() < 256 * MEGABYTE
    function.lines()


@pytest.mark.parametrize("body", EVENTS.values(), ids=EVENTS)
def test_eight_events_of_a_megabyte_at_once(serve: Serve, ims: Ims, tmp_path: Path, body: bytes) -> None:
    """Eight events at once, as full of values as a megabyte can be, leave room in 256 MiB for the server."""
    ims.fault(delay=0.5)
    function = serve(EVENT_TIMEOUT="18", DEAD_LETTER_SINK=f"file://{tmp_path}/dead-letters.jsonl")
    content_type = STRUCTURED if b"specversion" in body else "application/json"
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: function.post(body, content_type=content_type), range(8)))
    assert {reply.status_code for reply in replies} == {204}
    assert function.peak_memory() < 224 * MEGABYTE
    function.lines()


LETTERS: dict[str, tuple[bytes, str]] = {
    "as many lists as may be": (event_of_no_image(f"[1],{NUMBERS}"), "ImageNotFound"),
    "as many objects as may be": (event_of_no_image(f'{{"":1}},{NUMBERS}'), "ImageNotFound"),
    "lists": (event_of_no_image("[],"), "DeliveryTooLarge"),
    "lists in lists": (event_of_no_image("[[[]]],"), "DeliveryTooLarge"),
    "objects": (event_of_no_image('{"":1},'), "DeliveryTooLarge"),
    "attributes": (EVENT_OF_ATTRIBUTES, "InvalidEvent"),
}


@pytest.mark.parametrize(("body", "reason"), LETTERS.values(), ids=LETTERS)
def test_a_dead_letter_of_a_megabyte(serve: Serve, tmp_path: Path, body: bytes, reason: str) -> None:
    """An event that becomes a dead letter takes no more memory than one that is refused."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nname = "all"\ntags.made = "yes"\n', encoding="utf-8")
    sink = tmp_path / "dead-letters.jsonl"
    function = serve(EVENT_TIMEOUT="19", RULES=str(rules), DEAD_LETTER_SINK=f"file://{sink}")
    before = function.peak_memory()
    assert function.post(body, content_type=STRUCTURED).status_code == 204
    assert function.peak_memory() - before < 40 * MEGABYTE
    assert json.loads(sink.read_bytes())["deadletterreason"] == reason
    function.lines()


def test_large_deliveries_wait(serve: Serve, ims: Ims) -> None:
    """Large deliveries wait for each other, no longer than EVENT_TIMEOUT, and hold up no small one."""
    image_id = ims.image()
    ims.fault(delay=60, match={"path": "/v1/cloudimages/tags"}, times=2)
    function = serve(EVENT_TIMEOUT="4")
    large = created(image_id, data={"image_id": image_id, "x": "x" * (MEGABYTE - 1000)})
    body = json.dumps(large).encode()
    head = f"POST / HTTP/1.1\r\nContent-Type: {STRUCTURED}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with (
        ThreadPoolExecutor(2) as pool,
        socket.create_connection(("127.0.0.1", function.port), timeout=10) as waiting,
    ):
        waiting.sendall(head[:1])  # so its time ends before that of the others
        time.sleep(0.5)
        first = [pool.submit(function.structured, large) for _ in range(2)]
        while len(ims.calls("PUT")) < 2:
            time.sleep(0.02)
        waiting.sendall(head[1:] + body)
        assert function.structured(created(image_id)).status_code == 204
        answer = waiting.recv(1000)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 1\r\n" in answer
        assert {each.result().status_code for each in first} == {503}
    assert "request.refused" in [line["message"] for line in function.lines()]
    assert function.structured(large).status_code == 204
    function.lines()


def test_kept_whole(serve: Serve, tmp_path: Path) -> None:
    """With a sink, a delivery that holds too many events is kept whole and can be looked at."""
    sink = tmp_path / "dead-letters.jsonl"
    function = serve(DEAD_LETTER_SINK=f"file://{sink}")
    body = json.dumps([created(str(uuid4())) for _ in range(MAX_EVENTS + 1)]).encode()
    assert function.post(body, content_type=BATCH).status_code == 204
    [letter] = map(json.loads, sink.read_text(encoding="utf-8").splitlines())
    assert letter["deadletterreason"] == "DeliveryTooLarge"
    assert (letter["datacontenttype"], len(letter["data_base64"])) == (BATCH, (len(body) + 2) // 3 * 4)


def test_as_many_events_as_may_be(serve: Serve) -> None:
    """A thousand events are a delivery, and each has its line."""
    function = serve()
    body = json.dumps([{"specversion": "1.0"}] * MAX_EVENTS).encode()
    assert function.post(body, content_type=BATCH).status_code == 400
    assert len(function.lines()) == MAX_EVENTS


def trace_of(images: list[str], **changed: Any) -> dict[str, Any]:
    """A trace of a job that made these images."""
    results = [{"entities": {"image_id": image, "image_name": "disk"}} for image in images]
    return {
        "trace_id": str(uuid4()),
        "trace_name": "createImage",
        "service_type": "IMS",
        "resource_type": "ims",
        "trace_type": "ApiCall",
        "user": {"name": "ada"},
        "response": {"entities": {"sub_jobs_result": results}},
        **changed,
    }


def test_too_many_images_of_an_event(serve: Serve, ims: Ims) -> None:
    """A trace about eleven thousand images is refused without a call, with one line."""
    function = serve(EVENT_TIMEOUT="3")
    reply = function.post(trace_of([str(uuid4()) for _ in range(11_000)]))
    assert (reply.status_code, reply.text.partition(":")[0]) == (413, "DeliveryTooLarge")
    assert ims.calls() == []
    [line] = function.lines()
    assert len(json.dumps(line)) < 1000


def test_too_many_images_of_a_delivery(serve: Serve, ims: Ims) -> None:
    """The images of all events are counted together; those that are within the budget are tagged."""
    function = serve(EVENT_TIMEOUT="60", RULES="tests/events/../../handlers/rules.toml")
    several = [trace_of([ims.image() for _ in range(4)]), trace_of([str(uuid4()) for _ in range(MAX_IMAGES)])]
    reply = function.post(several)
    assert reply.status_code == 413
    assert len({call["image_id"] for call in ims.calls()} - {None}) <= MAX_IMAGES
    function.lines()


def test_an_error_of_all_images_ends_an_event(serve: Serve, ims: Ims) -> None:
    """Where the API throttles, it is not asked for every other image of the event."""
    images = [ims.image() for _ in range(300)]
    ims.fault(code="APIG.0308", match={"path": "/v1/cloudimages/tags"})
    function = serve()
    assert function.post(trace_of(images)).status_code == 429
    assert len(ims.calls("PUT")) <= 3 * AT_ONCE
    lines = function.lines()
    assert {line["reason"] for line in lines} == {"Throttled"}
    assert lines[0]["images_not_tried"] == 300 - len(lines)


MANY_NETWORKS = "".join(
    f'[[rule]]\nwhen.data.addresses = [{{ cidr = "10.{number}.0.0/16" }}]\ntags.a{number} = "x"\n'
    for number in range(50)
)


@pytest.mark.parametrize("extra", ["", 'when.image.name = ["disk"]\n'], ids=["alike", "told apart"])
def test_rules_are_within_the_time(serve: Serve, ims: Ims, tmp_path: Path, extra: str) -> None:
    """Fifty networks, a thousand addresses and sixty images: matched once, or ended when the time is up."""
    rules = tmp_path / "rules.toml"
    rules.write_text(MANY_NETWORKS + f'[[rule]]\nname = "last"\n{extra}tags.found = "yes"\n')
    function = serve(EVENT_TIMEOUT="3", RULES=str(rules))
    images = [ims.image() for _ in range(60)]
    addresses = [f"192.168.{number // 250}.{number % 250}" for number in range(1000)]
    reply = function.post(trace_of(images, addresses=addresses))
    assert reply.status_code in ({204} if not extra else {204, 413, 503})
    assert ims.tags(images[0]) == {"found": "yes"}
    function.lines()


def test_empty_arrays_of_many_images(serve: Serve, tmp_path: Path) -> None:
    """Of a field with 45,000 empty arrays, which hold no value, a pattern looks into some for each image."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nwhen.data.x = ["a"]\nwhen.image.name = ["disk"]\ntags.a = "x"\n')
    trace = json.dumps(trace_of([str(uuid4()) for _ in range(MAX_IMAGES)], x="X"))
    body = trace.replace('"X"', f"[{'[],' * 45_000}1]").encode()
    function = serve(RULES=str(rules), EVENT_TIMEOUT="10")
    assert function.post(body).status_code == 204
    function.lines()


@pytest.mark.parametrize("value", ["\u0301" * 200_000, "\u0300\u0323" * 100_000, "x" * 700_000])
def test_text_of_any_length(serve: Serve, ims: Ims, tmp_path: Path, value: str) -> None:
    """A filter takes no text of many times what a tag can hold; without a filter any text becomes a tag."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\ntags.a = "{{ data.text | slug }}"\n[[rule]]\ntags.b = "{{ data.text }}"\n')
    image_id = ims.image()
    event = json.dumps(created(image_id, data={"image_id": image_id, "text": value}), ensure_ascii=False)
    reply = serve(RULES=str(rules)).post(event.encode(), content_type=STRUCTURED)
    assert (reply.status_code, reply.text.partition(":")[0]) == (400, "InvalidTag")
    rules.write_text('[[rule]]\ntags.b = "{{ data.text }}"\n')
    reply = serve(RULES=str(rules), LOG_LEVEL="warning").post(event.encode(), content_type=STRUCTURED)
    assert reply.status_code == 204


def test_marks_of_many_images(serve: Serve, ims: Ims, tmp_path: Path) -> None:
    """Slugs of as many combining marks as a filter takes, for 300 images, fit into EVENT_TIMEOUT."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\ntags.a = "x{{ data.text | slug }}"\n')
    images = [ims.image() for _ in range(300)]
    function = serve(EVENT_TIMEOUT="12", RULES=str(rules))
    trace = trace_of(images, text="\u0300\u0323" * (MAX_INPUT // 2))
    assert function.post(trace).status_code == 204
    assert all(ims.tags(image_id) for image_id in images)
    function.lines()


def test_a_batch_fits(serve: Serve, ims: Ims) -> None:
    """Fifty events at 100 ms a call fit into two seconds, because they are tagged side by side."""
    ims.fault(delay=0.1, match={"method": "PUT"})
    images = [ims.image() for _ in range(50)]
    function = serve(EVENT_TIMEOUT="2")
    reply = function.post([created(image_id) for image_id in images], content_type=BATCH)
    assert reply.status_code == 204
    assert all(ims.tags(image_id) for image_id in images)
    function.lines()


def test_a_batch_that_never_fits(serve: Serve, ims: Ims) -> None:
    """Where some events are done and the rest had no time, the reply is no retry and says how many fit."""
    ims.fault(delay=0.4, match={"method": "PUT"})
    images = [ims.image() for _ in range(100)]
    function = serve(EVENT_TIMEOUT="2")
    reply = function.post([created(image_id) for image_id in images], content_type=BATCH)
    assert reply.status_code == 413
    said = re.search(r"DeliveryTooLarge: .*?(\d+) of 100 events fit into EVENT_TIMEOUT", reply.text)
    assert said
    tagged = [line for line in function.lines() if line["message"] == "image.tagged"]
    assert 0 < int(said[1]) == len(tagged) < 100


def test_what_did_not_fit_is_kept_one_by_one(serve: Serve, ims: Ims, tmp_path: Path) -> None:
    """With a sink, only the events that had no time become dead letters, each by itself."""
    ims.fault(delay=0.4, match={"method": "PUT"})
    sink = tmp_path / "dead-letters.jsonl"
    images = [ims.image() for _ in range(100)]
    function = serve(EVENT_TIMEOUT="3", DEAD_LETTER_SINK=f"file://{sink}")
    events = [created(image_id) for image_id in images]
    assert function.post(events, content_type=BATCH).status_code == 204
    kept = {json.loads(line)["id"] for line in sink.read_text(encoding="utf-8").splitlines()}
    done = {line["event_id"] for line in function.lines() if line["message"] == "image.tagged"}
    assert kept
    assert done
    assert kept | done == {event["id"] for event in events}
    assert not kept & done


def test_a_small_batch_is_never_too_large(serve: Serve, ims: Ims) -> None:
    """Of a batch of EventGrid's size no event has to wait, so a slow API is a reason to retry and no
    other.
    """
    ims.fault(delay=5, match={"method": "PUT"}, times=3)
    images = [ims.image() for _ in range(20)]
    function = serve(EVENT_TIMEOUT="2")
    reply = function.post([created(image_id) for image_id in images], content_type=BATCH)
    assert reply.status_code == 503
    assert "TagApiUnavailable" in reply.text
    assert sum(line["message"] == "image.tagged" for line in function.lines()) >= 17


def test_slow_sink(serve: Serve) -> None:
    """Thirty dead letters are posted side by side, within one deadline."""
    replies = [[answer(204)]] * 30

    def slow() -> Any:
        time.sleep(0.3)
        yield answer(204)

    with peer(*(slow() for _ in replies)) as sink:
        function = serve(EVENT_TIMEOUT="6", DEAD_LETTER_SINK=f"{sink.url}/")
        body = [created("none", id=str(number)) for number in range(30)]
        assert function.post(body, content_type=BATCH).status_code == 204
        assert len(sink.requests) == 30
    assert {line["stored"] for line in function.lines()} == {True}


def test_silent_sink(serve: Serve) -> None:
    """A sink that says nothing makes the delivery a retry at its deadline, and no line says that it
    stored.
    """
    with peer() as sink:
        function = serve(EVENT_TIMEOUT="2", DEAD_LETTER_SINK=f"{sink.url}/")
        reply = function.post([created("none"), created("none")], content_type=BATCH)
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
    lines = function.lines()
    assert [line["message"] for line in lines] == ["dead_letter.failed", "event.retry", "event.retry"]
    assert all("not stored" in line["detail"] for line in lines[1:])


def test_foreign_lock(serve: Serve, ims: Ims, tmp_path: Path) -> None:
    """A lock that another program holds costs a delivery its time, and no other thread."""
    path = tmp_path / "dead-letters.jsonl"
    function = serve(EVENT_TIMEOUT="2", THREADS="4", DEAD_LETTER_SINK=f"file://{path}")
    with path.open("ab") as foreign:
        fcntl.flock(foreign, fcntl.LOCK_EX)
        waiting = [threading.Thread(target=function.structured, args=[created("none")]) for _ in range(3)]
        for each in waiting:
            each.start()
        assert function.structured(created(ims.image())).status_code == 204
        for each in waiting:
            each.join()
    assert [line["message"] for line in function.lines()].count("dead_letter.failed") == 3
    assert function.structured(created("none")).status_code == 204
    assert function.lines()[-1]["stored"] is True


def test_silent_senders(serve: Serve, ims: Ims) -> None:
    """A sender that announces a body and sends none is answered 408, and its worker is free for others."""
    function = serve(EVENT_TIMEOUT="1", THREADS="2")
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    silent = [socket.create_connection(("127.0.0.1", function.port), timeout=10) for _ in range(4)]
    for connection in silent:
        connection.sendall(request)
    assert requests.get(f"{function.url}/healthz", timeout=8).status_code == 200
    for connection in silent:
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
        connection.close()
    assert function.structured(created(ims.image())).status_code == 204


def test_long_attributes(serve: Serve, ims: Ims) -> None:
    """An attribute may be as long as a delivery, a line of the log may not."""
    function = serve()
    event = created(ims.image(), id="i" * 500_000)
    assert function.structured(event).status_code == 204
    assert len(function.lines()[0]["event_id"]) == 256
