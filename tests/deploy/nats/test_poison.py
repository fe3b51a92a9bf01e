"""Poison: input that would come back for ever if it were answered with a 5xx. None is, and none is echoed."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.core.budget import MAX_CONTAINERS
from tests.processes.emulator import Ims
from tests.processes.function import Function, created

MARK = "an-echo-of-what-was-sent"
"""Stands in a header and in the event of every request here, and in no reply."""

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
JSON = {"Content-Type": "application/json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
BINARY = {
    "ce-specversion": "1.0",
    "ce-id": MARK,
    "ce-source": "/poison",
    "ce-type": "com.example.image.created",
}


def event(**changed: Any) -> dict[str, Any]:
    """An event that needs nothing of IMS: it is about something else."""
    return created("", type="com.example.other", note=MARK) | changed


def string(json_text: str) -> bytes:
    """An event with this text in the place of its data."""
    return json.dumps(event(data="DATA")).replace('"DATA"', json_text).encode()


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


def post(function: Function, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    """The status and the whole answer. Headers are sent as latin-1 and unchecked, as any client may."""
    lines = {"Host": "function", "X-Note": MARK, "Content-Length": str(len(body))} | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode("latin-1")
    answer = function.raw(b"POST / HTTP/1.1\r\n" + head + b"\r\n" + body)
    return int(answer.split(b" ", 2)[1]), answer


def assert_harmless(function: Function, answer: bytes) -> None:
    """No echo, no traceback, and the function goes on."""
    assert MARK.encode() not in answer
    assert len(answer.partition(b"\r\n\r\n")[2]) <= 512
    assert all("traceback" not in line for line in function.lines())
    assert requests.get(f"{function.url}/healthz", timeout=10).ok


UNPARSABLE = {
    "nothing": b"",
    "a NUL": b"\0",
    "invalid UTF-8": b'{"specversion": "1.0", "id": "\xff"}',
    "a surrogate in UTF-8": string('"x"').replace(b'"x"', b'"\xed\xa0\x80"'),
    "overlong UTF-8": string('"x"').replace(b'"x"', b'"\xc0\xaf"'),
    "UTF-16": json.dumps(event()).encode("utf-16"),
    "UTF-16 without mark": json.dumps(event()).encode("utf-16-be"),
    "UTF-32": json.dumps(event()).encode("utf-32"),
    "half a surrogate pair": string(r'"\ud800"'),
    "the other half": string(r'"\uDC00"'),
    "a pair the wrong way round": string(r'"\udc00\ud800"'),
    "half a pair as a name": string(r'{"\ud800": 1}'),
    "NaN": string("NaN"),
    "Infinity": string("Infinity"),
    "-Infinity": string("[-Infinity]"),
    "1e999": string("1e999"),
    "-1e999": string('{"a": -1e999}'),
    "5000 digits": string("9" * 5000),
    "65 levels": string(deep(64)),
    "5000 levels": string(deep(5000)),
    "100 000 brackets": b"[" * 100_000,
    "100 000 objects": b'{"a":' * 100_000,
    "100 000 brackets inside": string("[" * 100_000),
    "half": json.dumps(event()).encode()[:-9],
    "two": json.dumps(event()).encode() * 2,
    "a comma too many": b'{"specversion": "1.0",}',
    "a control character": string('"\x01"'),
}


def refusal_of(body: bytes) -> int:
    """The status for a body that is no event."""
    return 413 if body.count(b"[") + body.count(b"{") > MAX_CONTAINERS else 400


@pytest.mark.parametrize(
    "headers", [STRUCTURED, JSON, BATCH, {}], ids=["structured", "JSON", "batch", "none"]
)
@pytest.mark.parametrize("body", UNPARSABLE.values(), ids=UNPARSABLE.keys())
def test_what_is_no_json_is_400(function: Function, headers: dict[str, str], body: bytes) -> None:
    """Whatever the bytes are, in structured and in batch mode."""
    for content in (body, b"[" + body + b"]"):
        status, answer = post(function, headers, content)

        assert status == (204 if content == b"[]" else refusal_of(content))
        assert_harmless(function, answer)


NO_JSON = {name: body for name, body in UNPARSABLE.items() if body}


@pytest.mark.parametrize("data", NO_JSON.values(), ids=NO_JSON.keys())
def test_data_that_is_no_json_is_400(function: Function, data: bytes) -> None:
    """Where data is said to be JSON, in headers or in Base64, it has to be."""
    encoded = event(data=None, datacontenttype="application/json")
    encoded["data_base64"] = base64.b64encode(data).decode()

    for headers, body in ((BINARY | JSON, data), (STRUCTURED, json.dumps(encoded).encode())):
        status, answer = post(function, headers, body)

        assert status == refusal_of(data)
        assert_harmless(function, answer)


@pytest.mark.parametrize("data", UNPARSABLE.values(), ids=UNPARSABLE.keys())
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/octet-stream", "nonsense", ";", 'a/b/c;=;"']
)
def test_other_data_is_anything(function: Function, content_type: str, data: bytes) -> None:
    """Data that nobody said was JSON is taken as it is."""
    headers = BINARY | {"Content-Type": content_type, "ce-type": "com.example.other"}

    status, answer = post(function, headers, data)

    assert status == 204
    assert_harmless(function, answer)


@pytest.mark.parametrize(
    "changed",
    [
        *(
            pytest.param({name: value}, id=f"{name} {json.dumps(value)}")
            for name in ("id", "source", "type", "specversion")
            for value in ("", None, 1, True, [], ["1.0"], {}, {"a": 1})
        ),
        pytest.param({"specversion": "2.0"}, id="version 2.0"),
        pytest.param({"specversion": "1.0 "}, id="version with a space"),
        pytest.param({"ID": 5}, id="a second id in capitals"),
        pytest.param({"SpecVersion": []}, id="a second version in capitals"),
        pytest.param({"data_base64": "no Base64!"}, id="bad Base64"),
        pytest.param({"data_base64": "YQ"}, id="Base64 without its end"),
        pytest.param({"data_base64": "é"}, id="Base64 beyond ASCII"),
        pytest.param({"data_base64": 5}, id="Base64 as a number"),
        pytest.param({"data_base64": ["YQ=="]}, id="Base64 as a list"),
        pytest.param({"datacontentencoding": "base64", "data": {}}, id="an object as Base64"),
        pytest.param({"datacontentencoding": "base64", "data": "!"}, id="bad Base64 of 0.3"),
        pytest.param({"deadletterreason": "InvalidEvent"}, id="a dead letter"),
        pytest.param({"deadletterreason": None}, id="a dead letter without reason"),
        pytest.param({"DeadLetterReason": "InvalidEvent"}, id="a dead letter in capitals"),
    ],
)
def test_attributes_that_are_no_texts_are_400(function: Function, changed: dict[str, Any]) -> None:
    """Those that must be there are texts with something in them, in structured mode and in a batch."""
    poison = event(**changed)

    for headers, content in ((STRUCTURED, poison), (JSON, poison), (BATCH, [poison])):
        status, answer = post(function, headers, json.dumps(content).encode())

        assert status == 400
        assert_harmless(function, answer)


VALUES = [
    "",
    "x",
    0,
    -1.5,
    10**30,
    True,
    None,
    [],
    [[]],
    {},
    {"a": {"b": [None]}},
    "\0",
    "\x1b[2J",
    "é\U0001f600",
]


@pytest.mark.parametrize(
    "name",
    [
        *("extensions", "myext", "my-ext", "", " ", "image", "subject", "time", "datacontenttype"),
        *("dataschema", "traceparent", "data", "datacontentencoding", "schemaurl", "é", "\n"),
    ],
)
def test_other_attributes_may_be_anything(function: Function, name: str) -> None:
    """No type and no name of an attribute that is not needed keeps an event from being handled."""
    for value in VALUES:
        odd = event(**{name: value})
        for content in (odd, [odd], odd | {"specversion": "0.3"}):
            status, answer = post(function, JSON, json.dumps(content).encode())

            assert (value, status) == (value, 204)
            assert MARK.encode() not in answer
    assert_harmless(function, answer)


@pytest.mark.parametrize("value", VALUES, ids=json.dumps)
def test_the_type_of_base64_data_may_be_anything(function: Function, value: object) -> None:
    """`datacontenttype` is read only where data is bytes, and need not be text there."""
    odd = event(data=None, datacontenttype=value, data_base64="YQ==")

    status, answer = post(function, STRUCTURED, json.dumps(odd).encode())

    assert status == 204
    assert_harmless(function, answer)


@pytest.mark.parametrize("path", ["image_id", "id", "name", "user", "owner", "created_at", "os_type"])
def test_the_data_of_a_created_image_may_be_anything(function: Function, ims: Ims, path: str) -> None:
    """Facts of an image that are no texts are absent."""
    image_id = ims.image()
    for value in [*VALUES, {"name": {}, "domain": 5}, {"name": "\ud83d\ude00" * 400}]:
        odd = created(image_id, subject=image_id, data={"user": {"name": "ada"}, path: value})

        status, answer = post(function, STRUCTURED, json.dumps(odd).encode())

        assert (value, status) == (value, 204)
    assert_harmless(function, answer)


@pytest.mark.parametrize("field", ["request", "response", "user"])
@pytest.mark.parametrize(
    "text",
    [
        *("{", "[" * 40_000, '{"a":' * 40_000, '{"name": NaN}', '{"begin_time": 1e999, "id": Infinity}'),
        *(r'{"name": "\ud800", "status": "\ud800"}', "\ud800", '{"entities": [], "domain": []}', "null", "5"),
        '{"entities": {"sub_jobs_result": [5, {"entities": 5}, {"entities": {"image_id": 5}}]}}',
    ],
    ids=range(11),
)
def test_json_in_a_text_of_a_trace_may_be_anything(
    function: Function, ims: Ims, field: str, text: str
) -> None:
    """CTS writes JSON as text into a trace, where the checks of the event's own JSON do not look."""
    image_id = ims.image()
    trace = {
        "trace_name": "createImage",
        "service_type": "IMS",
        "resource_type": "ims",
        "resource_id": image_id,
        field: text.replace("\ud800", "\\ud800"),
    }

    status, answer = post(function, STRUCTURED, json.dumps(created(image_id, data=trace)).encode())

    assert status == 204
    assert_harmless(function, answer)


def bare(json_text: str) -> bytes:
    """A bare trace of another service with this text in it."""
    trace = {"trace_id": "1", "trace_name": "createServer", "service_type": "ECS", "request": "DATA"}
    return json.dumps(trace).replace('"DATA"', json_text).encode()


LEVELS: dict[str, tuple[dict[str, str], Callable[[str], bytes], int]] = {
    "structured": (STRUCTURED, string, 1),
    "in a batch": (BATCH, lambda text: b"[" + string(text) + b"]", 1),
    "bare": (JSON, bare, 2),
    "in headers": (BINARY | JSON | {"ce-type": "com.example.other"}, str.encode, 1),
    "as text in an envelope": (
        JSON,
        lambda text: json.dumps({"events": [bare(text).decode()]}).encode(),
        2,
    ),
}


@pytest.mark.parametrize(("headers", "written", "above"), LEVELS.values(), ids=LEVELS)
def test_64_levels_are_the_limit(
    function: Function, headers: dict[str, str], written: Callable[[str], bytes], above: int
) -> None:
    """The event itself is the first level, also where what was sent becomes its data."""
    for levels in (64 - above, 65 - above):
        status, answer = post(function, headers, written(deep(levels)))

        assert status == (204 if levels + above == 64 else 400)
        assert_harmless(function, answer)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"ce-id": ""}, 400, id="empty id"),
        pytest.param({"ce-source": " "}, 400, id="blank source"),
        pytest.param({"ce-type": '""'}, 400, id="quoted nothing"),
        pytest.param({"ce-specversion": "2.0"}, 400, id="version"),
        pytest.param({"ce-specversion": "[1.0]"}, 400, id="version list"),
        pytest.param({"ce-id": "%ff"}, 400, id="no UTF-8 behind percent signs"),
        pytest.param({"ce-id": "%ed%a0%80"}, 400, id="a surrogate behind percent signs"),
        pytest.param({"ce-id": "\xff\xfe"}, 400, id="latin-1"),
        pytest.param({"ce-id": "caf\xe9"}, 400, id="latin-1 in a word"),
        pytest.param({"ce-note": "\xff"}, 400, id="latin-1 in an extension"),
        pytest.param({"ce-extensions": "x"}, 400, id="the SDK's own word"),
        pytest.param({"ce-deadletterreason": "x"}, 400, id="a dead letter"),
        pytest.param({"CE-DEADLETTERREASON": ""}, 400, id="a dead letter without reason"),
        pytest.param({"ce-id": "%"}, 204, id="a lone percent sign"),
        pytest.param({"ce-id": "%zz%1"}, 204, id="bad percent encoding"),
        pytest.param({"ce-id": "%00%0d%0a%0d%0a"}, 204, id="control characters"),
        pytest.param({"ce-id": "caf\xc3\xa9"}, 204, id="raw UTF-8"),
        pytest.param({"ce-id": '"\\'}, 204, id="half a quotation"),
        pytest.param({"ce-id": "9" * 5000}, 204, id="5000 digits"),
        pytest.param({"ce-time": "yesterday"}, 204, id="time"),
        pytest.param({"ce-": "x"}, 204, id="no name"),
        pytest.param({"ce-data": "x"}, 204, id="data"),
        pytest.param({"ce-image": "x"}, 204, id="our own word"),
        pytest.param({"ce-datacontenttype": "text/\xc3\xa9"}, 204, id="content type"),
        pytest.param({"traceparent": "00-zz-\xff"}, 204, id="trace"),
    ],
)
def test_headers_may_be_anything(function: Function, headers: dict[str, str], status: int) -> None:
    """Of attributes in headers, what is no text is 400; an odd one is still a text."""
    answered, answer = post(function, BINARY | {"ce-type": "com.example.other"} | headers, b"")

    assert answered == status
    assert_harmless(function, answer)


@pytest.mark.parametrize("missing", ["ce-specversion", "ce-id", "ce-source", "ce-type"])
def test_headers_that_must_be_there_are_not_made_up(function: Function, missing: str) -> None:
    """An invented id would make every delivery a new event."""
    headers = {name: value for name, value in BINARY.items() if name != missing}

    status, answer = post(function, headers, b"{}")

    assert status == 400
    assert_harmless(function, answer)


@pytest.mark.parametrize("body", [b"{", b"[]", b"[5]", b"5", b"{}", b"\xff", b""], ids=repr)
def test_headers_beside_a_structured_event_do_not_matter(function: Function, body: bytes) -> None:
    """The content type decides on the mode, so a bad body is bad whatever the headers say."""
    status, answer = post(function, BINARY | STRUCTURED, body)

    assert status == (204 if body == b"[]" else 400)
    assert_harmless(function, answer)


HEAD = f"POST / HTTP/1.1\r\nHost: function\r\nX-Note: {MARK}\r\n".encode()
IN_HEADERS = HEAD + "".join(f"{name}: {value}\r\n" for name, value in BINARY.items()).encode()
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(HEAD + b"Content-Length: 999\r\n\r\n" + json.dumps(event()).encode(), id="structured"),
        pytest.param(IN_HEADERS + b"Content-Length: 5\r\n\r\n", id="binary, nothing sent"),
        pytest.param(IN_HEADERS + b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhel", id="binary"),
        pytest.param(IN_HEADERS + CHUNKED + b"5\r\nhel", id="inside a chunk"),
        pytest.param(IN_HEADERS + CHUNKED + b"3\r\nhel\r\n", id="no last chunk"),
        pytest.param(IN_HEADERS + CHUNKED + b"zz\r\nhel\r\n0\r\n\r\n", id="no chunk size"),
        pytest.param(IN_HEADERS + CHUNKED + b"-1\r\nhel\r\n0\r\n\r\n", id="negative chunk size"),
        pytest.param(IN_HEADERS + CHUNKED + b"2\r\nhelXX0\r\n\r\n", id="chunk longer than it says"),
        pytest.param(IN_HEADERS + b"Content-Length: -5\r\n\r\nhello", id="negative length"),
        pytest.param(IN_HEADERS + b"Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello", id="two lengths"),
    ],
)
def test_a_part_is_never_taken_for_the_whole(function: Function, request_bytes: bytes) -> None:
    """A body that breaks off is no event, also where what came of it could be one; the bus sends it again."""
    answer = function.raw(request_bytes)

    assert answer.split()[1] in {b"400", b"408"}
    assert_harmless(function, answer)
    assert all(line["message"] == "request.refused" for line in function.lines())


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["id", "source", "type", "specversion", "time", "subject", "data", "data_base64"])
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30)
TYPES = [
    "cloudevents+json",
    "cloudevents-batch+json",
    "json",
    "cloudevents",
    "cloudevents+xml",
    "octet-stream",
]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changed=st.dictionaries(NAMES | st.text(max_size=12), ANY_JSON, max_size=3),
    headers=st.dictionaries(NAMES | st.from_regex("[a-z]{1,9}", fullmatch=True), HEADER, max_size=3),
    media_type=st.none() | st.sampled_from([f"application/{name}" for name in TYPES]) | HEADER,
    shape=st.sampled_from(["alone", "in a batch", "as data"]),
    cut=st.none() | st.integers(0, 200),
    noise=st.binary(max_size=4),
)
def test_no_request_makes_the_function_fail(
    function: Function,
    ims: Ims,
    changed: dict[str, Any],
    headers: dict[str, str],
    media_type: str | None,
    shape: str,
    cut: int | None,
    noise: bytes,
) -> None:
    """However a good request is spoilt: it is done, or refused for good, and nothing of it comes back."""
    odd = created(ims.image(), note=MARK) | changed
    text = json.dumps([odd, odd] if shape == "in a batch" else odd)
    body = (text if cut is None else text[:cut]).encode() + noise
    sent = {f"ce-{name}": value for name, value in headers.items()} | (BINARY if shape == "as data" else {})

    status, answer = post(function, sent | ({"Content-Type": media_type} if media_type else {}), body)

    assert status in {204, 400, 415}
    assert_harmless(function, answer)
