"""A dead letter is the whole delivery or event, in its sender's words, or nothing is acknowledged."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.core.budget import MAX_DEPTH
from handlers.core.dead_letters import dead_letter, kept_dead_letter
from handlers.core.json_text import split_members
from handlers.core.outcomes import Outcome
from handlers.core.received import Received, Unparsable
from handlers.edges.cloudevents import HttpMessage, events_in
from tests.processes.emulator import Ims
from tests.processes.function import Serve, created

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
ENDED = Outcome("dead-letter", "InvalidEvent", "it lacks an id", "IMG.0116", "a rule")
NOW = datetime(2026, 1, 5, tzinfo=UTC)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=12,
)


def letters(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def kept_at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sink") / "dead-letters.jsonl"


@pytest.fixture
def sink(kept_at: Path) -> Path:
    """The sink of one function for all tests, without a letter."""
    kept_at.unlink(missing_ok=True)
    return kept_at


def test_a_sink_with_escapes(serve: Serve, tmp_path: Path) -> None:
    """An escape in the address of a file stands for its character."""
    sink = tmp_path / "what is 100% dead?.jsonl"
    function = serve(DEAD_LETTER_SINK=sink.as_uri())
    assert function.post(b"{", content_type="application/json").status_code == 204
    assert len(letters(sink)) == 1


@pytest.mark.parametrize("size", [1, 65_537, 700_000])
def test_unparsable_is_kept_whole(serve: Serve, sink: Path, size: int) -> None:
    """What is no event is kept to its last byte, whatever its size."""
    body = b"\xff" * size
    assert serve(DEAD_LETTER_SINK=f"file://{sink}").post(body, content_type="text/x").status_code == 204
    [letter] = letters(sink)
    assert (base64.b64decode(letter["data_base64"]), letter["datacontenttype"]) == (body, "text/x")


def test_one_unparsable_of_a_batch(serve: Serve, ims: Ims, sink: Path) -> None:
    """Of a batch with one piece that is no JSON number, the other three hundred are events."""
    events = [json.dumps(created(ims.image())) for _ in range(300)]
    bad = '{"specversion": "1.0", "id": "1", "source": "/", "type": "a.image.created", "data": 1e999}'
    body = f"[{', '.join([*events[:150], bad, *events[150:]])}]"
    function = serve(DEAD_LETTER_SINK=f"file://{sink}")
    assert function.post(body.encode(), content_type=BATCH).status_code == 204
    assert sum(line["message"] == "image.tagged" for line in function.lines()) == 300
    [letter] = letters(sink)
    assert base64.b64decode(letter["data_base64"]).decode() == bad


@pytest.mark.parametrize("held", ["NaN", "-Infinity", "1e999", "1" * 400 + ".0", '"\\ud800"'])
def test_one_unparsable_in_an_envelope(held: str) -> None:
    """The same holds inside an envelope."""
    good = json.dumps(created(str(uuid4())))
    found = events_in(HttpMessage({}, f'{{"events": [{good}, {{"a": {held}}}, {good}]}}'.encode()))
    assert [type(each) for each in found] == [Received, Unparsable, Received]


EVENT = json.dumps(created("none"))[1:]
TWICE = {
    "a structured event": (STRUCTURED, f'{{"id": "first", {EVENT}', None),
    "in capital letters once": (STRUCTURED, f'{{"ID": "first", {EVENT}', None),
    "the data": (STRUCTURED, f'{{"data": "first", {EVENT}', None),
    "of a batch": (BATCH, f'[{{"id": "first", {EVENT}]', f'{{"id": "first", {EVENT}'),
    "in an envelope": (
        "application/json",
        f'{{"events": [{{"id": "first", {EVENT}]}}',
        '{"id":"first",' + json.dumps(created("none"), separators=(",", ":"))[1:],
    ),
}


@pytest.mark.parametrize(("content_type", "body", "kept"), TWICE.values(), ids=TWICE)
def test_an_attribute_that_occurs_twice(
    serve: Serve, sink: Path, content_type: str, body: str, kept: str | None
) -> None:
    """An event of which an attribute has two values is not an event, and both values are kept."""
    function = serve(DEAD_LETTER_SINK=f"file://{sink}")
    assert function.post(body.encode(), content_type=content_type).status_code == 204
    [letter] = letters(sink)
    assert letter["deadletterreason"] == "InvalidEvent"
    assert "occurs twice" in letter["deadlettermessage"]
    assert base64.b64decode(letter["data_base64"]).decode() == (kept or body)
    function.lines()


def test_a_name_in_the_data_that_occurs_twice(serve: Serve, ims: Ims) -> None:
    """Deeper names may occur twice: the letter of such an event is its sender's text anyway."""
    image_id = ims.image()
    body = json.dumps(created(image_id)).replace('"user"', '"user": {"name": "eve"}, "user"')
    assert serve().post(body.encode(), content_type=STRUCTURED).status_code == 204
    assert ims.tags(image_id)


def test_request_headers_are_kept(serve: Serve, sink: Path) -> None:
    """Of a request in binary mode whose payload is no JSON, the attributes are kept beside the bytes."""
    headers = {"ce-specversion": "1.0", "ce-id": "42", "ce-source": "/s", "ce-type": "a.image.created"}
    function = serve(DEAD_LETTER_SINK=f"file://{sink}")
    assert function.post(b"{", content_type="application/json", **headers).status_code == 204
    [letter] = letters(sink)
    assert base64.b64decode(letter["data_base64"]) == b"{"
    assert json.loads(letter["requestheaders"]) == headers


def event_with(data: str, **attributes: str) -> str:
    """A structured event whose data is this JSON text."""
    members = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"} | attributes
    return json.dumps(members, ensure_ascii=False)[:-1] + f', "data": {data}}}'


def letter_of(message: HttpMessage) -> dict[str, str]:
    """The dead letter of a delivery of one event, as the texts of its members."""
    [received] = events_in(message)
    assert isinstance(received, Received)
    line = dead_letter(received, ENDED, NOW)
    assert line.count(b"\n") == 1
    return split_members(line.decode())


def without_reasons(letter: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in letter.items() if not name.startswith("deadletter")}


@given(JSON, st.booleans())
def test_structured_is_kept_in_the_words_of_its_sender(data: Any, ascii_only: bool) -> None:
    """Numbers, escapes and letters beyond ASCII stay as they were, so that a letter is as long as its
    event.
    """
    text = event_with(json.dumps(data, ensure_ascii=ascii_only))
    letter = letter_of(HttpMessage({"content-type": STRUCTURED}, text.encode(errors="surrogatepass")))
    assert without_reasons(letter) == split_members(text)


NUMBERS = ["1.10", "1.0e+2", "1E15", "123456789012345678901234567890", "-0", "[1e15, 1e15]"]


@pytest.mark.parametrize("data", NUMBERS)
@pytest.mark.parametrize("mode", ["structured", "batch", "binary"])
def test_numbers_stay_as_they_were_written(data: str, mode: str) -> None:
    """In each mode the payload of the letter is the payload that was sent."""
    event = event_with(data)
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t"}
    message = {
        "structured": HttpMessage({"content-type": STRUCTURED}, event.encode()),
        "batch": HttpMessage({"content-type": BATCH}, f"[{event}]".encode()),
        "binary": HttpMessage(headers | {"content-type": "application/json"}, data.encode()),
    }[mode]
    assert letter_of(message)["data"] == data


@pytest.mark.parametrize("payload", [b"\x00" * 100_000, "\u00e9".encode() * 100_000, b"\xff" * 100_000])
@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "application/json"])
def test_binary_payloads_grow_by_a_third_at_most(payload: bytes, content_type: str) -> None:
    """However its bytes are written in JSON, a letter is at most as long as Base64 makes it."""
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t"}
    [received] = events_in(HttpMessage(headers | {"content-type": content_type}, payload))
    assert len(dead_letter(received, ENDED, NOW)) <= len(payload) * 4 / 3 + 1000


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("message", "levels"),
    [
        (lambda data: HttpMessage({"content-type": STRUCTURED}, event_with(data).encode()), MAX_DEPTH - 1),
        (
            lambda data: HttpMessage(
                {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t"}, data.encode()
            ),
            MAX_DEPTH - 1,
        ),
        (
            lambda data: HttpMessage(
                {}, f'{{"trace_id": "1", "trace_name": "createImage", "a": {data}}}'.encode()
            ),
            MAX_DEPTH - 2,
        ),
    ],
    ids=["structured", "binary", "bare"],
)
def test_a_letter_can_be_sent_again(message: Any, levels: int) -> None:
    """An event as deep as may be becomes a letter that is no deeper than what the function accepts."""
    letter = without_reasons(letter_of(message(nested(levels))))
    again = events_in(
        HttpMessage(
            {"content-type": STRUCTURED},
            json.dumps({name: json.loads(text) for name, text in letter.items()}).encode(),
        )
    )
    assert isinstance(again[0], Received)
    [deeper] = events_in(message(nested(levels + 1)))
    assert isinstance(deeper, Unparsable) or "data_base64" in deeper.event


RESERVED = {
    "deadlettercode": "mine",
    "deadletterrule": "mine",
    "deliveryattempts": "7",
    "knativeerrordest": "http://user:canary-password@x/?access_token=canary",
    "knativeerrorcode": "500",
    "knativeerrordata": "eA==",
    "knativebrokerttl": "255",
}


def test_reasons_are_ours_alone() -> None:
    """Attributes of these names that an event brings itself do not survive as if they were ours."""
    letter = letter_of(HttpMessage({"content-type": STRUCTURED}, event_with("1", **RESERVED).encode()))
    ours = {name: text for name, text in letter.items() if name in RESERVED}
    assert ours == {"deadlettercode": '"IMG.0116"', "deadletterrule": '"a rule"'}


def test_a_kept_letter_is_as_it_came_but_for_secrets() -> None:
    """What a bus has added stays, without user, query and fragment of the address."""
    message = HttpMessage({"content-type": STRUCTURED}, event_with("1.10", **RESERVED).encode())
    letter = split_members(kept_dead_letter(events_in(message)[0]).decode())
    assert letter["knativeerrordest"] == '"http://x/"'
    assert (letter["data"], letter["knativebrokerttl"]) == ("1.10", '"255"')


def test_a_returned_letter_does_not_keep_the_others_out(serve: Serve, sink: Path) -> None:
    """Of a batch with a dead letter that was delivered again, the other dead letters are stored."""
    batch = [
        created("none", id="1"),
        created("none", id="2", deadletterreason="InvalidEvent"),
        created("none", id="3"),
    ]
    function = serve(DEAD_LETTER_SINK=f"file://{sink}")
    assert function.post(batch, content_type=BATCH).status_code == 400
    assert [letter["id"] for letter in letters(sink)] == ["1", "3"]


def test_a_dead_letter_beside_a_retry_is_not_yet_one(serve: Serve, ims: Ims, sink: Path) -> None:
    """Where the delivery comes again, nothing is stored, and no line says that it was."""
    ims.fault(status=503, match={"path": "/v1/cloudimages/tags"})
    function = serve(DEAD_LETTER_SINK=f"file://{sink}")
    reply = function.post([created("none"), created(ims.image())], content_type=BATCH)
    assert reply.status_code == 503
    assert not sink.exists()
    assert {line["message"] for line in function.lines()} == {"event.retry"}
