"""A message of NATS as an HTTP request, and what is kept of it as a dead letter."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.nats.bus.binding import cloud_event, http_headers
from deploy.nats.dead_letters import Failure, dead_letter
from tests.deploy.nats.conftest import EVENT, STRUCTURED

FAILURE = Failure("http://function/", 400, b"no", 2)
FACTS = {
    "knativeerrordest": "http://function/",
    "knativeerrorcode": 400,
    "knativeerrordata": "bm8=",
    "deliveryattempts": 2,
}


# --- NATS message to HTTP request


@pytest.mark.parametrize(
    ("message", "request_headers"),
    [
        ({}, {"Content-Type": "application/json"}),
        ({"content-TYPE": "text/csv", "Other": "1"}, {"Content-Type": "text/csv"}),
        (STRUCTURED | EVENT, STRUCTURED),
        ({"content-type": "Application/CloudEvents"}, {"Content-Type": "Application/CloudEvents"}),
        (EVENT, EVENT | {"Content-Type": "application/json"}),
        (EVENT | {"Content-Type": "text/plain"}, EVENT | {"Content-Type": "text/plain"}),
        (
            EVENT | {"Content-Type": "text/plain", "CE-DataContentType": "text/plain;%20charset=utf-8"},
            EVENT | {"Content-Type": "text/plain; charset=utf-8"},
        ),
        (
            {"Ce-SpecVersion": "1.0", "CE-ID": "a%20b%25", "ce-x": "ü \n"},
            {
                "ce-specversion": "1.0",
                "ce-id": "a%20b%25",
                "ce-x": "%C3%BC %0A",
                "Content-Type": "application/json",
            },
        ),
        (EVENT | {"ce-b(d": "1", "Authorization": "no"}, EVENT | {"Content-Type": "application/json"}),
    ],
    ids=[
        "bare",
        "other",
        "structured wins",
        "case",
        "binary",
        "type",
        "attribute wins",
        "encoding",
        "only ce",
    ],
)
def test_http_headers(message: dict[str, str], request_headers: dict[str, str]) -> None:
    """Content type and ce-* headers pass, encoded once and no more; nothing else does."""
    assert http_headers(message) == request_headers


# --- dead letters


def letter(headers: dict[str, str], data: bytes) -> tuple[dict[str, str], bytes]:
    return dead_letter(headers, data, cloud_event(headers, data), FAILURE)


@pytest.mark.parametrize(
    ("content_type", "data", "member"),
    [
        ("application/json", b' {"n": 1.10, "n": 1e999}', b'"data": {"n": 1.10, "n": 1e999},'),
        ("application/x+JSON; charset=utf-8", b"null", b'"data":null,'),
        ("application/json", b"{nonsense", b'"data_base64":"e25vbnNlbnNl",'),
        ("application/json", b"NaN", b'"data_base64":"TmFO",'),
        ("text/plain", "é \n".encode(), '"data":"é \\n",'.encode()),
        ("text/plain", b"\x01\x02\x03\x04", b'"data_base64":"AQIDBA==",'),
        ("text/plain; charset=latin-1", b"e", b'"data_base64":"ZQ==",'),
        ("text/plain", b"\xff", b'"data_base64":"/w==",'),
        ("image/png", b"png", b'"data_base64":"cG5n",'),
        ("application/json", b"", b""),
    ],
    ids=["json", "+json", "no json", "nan", "text", "many escapes", "latin-1", "no utf-8", "bytes", "none"],
)
def test_binary_dead_letter(content_type: str, data: bytes, member: bytes) -> None:
    """A binary-mode event becomes structured; JSON stays as written, no byte of other data is lost."""
    headers, body = letter(EVENT | {"ce-datacontenttype": content_type}, data)
    attributes = {name.removeprefix("ce-"): value for name, value in EVENT.items()}
    kept = json.loads(body)
    assert headers == {"Content-Type": "application/cloudevents+json"}
    assert member in body
    assert kept.items() >= (attributes | FACTS | {"datacontenttype": content_type}).items()
    assert ("data" in kept or "data_base64" in kept) == bool(data)


def test_attributes_are_decoded_once() -> None:
    """Attribute values are unquoted and percent-decoded, and that once."""
    _, body = letter(EVENT | {"ce-subject": "100%2525 %e2%82%ac", "ce-x": r'"a \"b\""'}, b"")
    kept = json.loads(body)
    assert (kept["subject"], kept["x"]) == ("100%25 €", 'a "b"')


def test_structured_dead_letter() -> None:
    """A structured event keeps its text; only facts of an earlier failure are replaced."""
    start = b'{ "specversion":"1.0","id":"\\u0061","source":"s","type":"t","n":1.0e+2 '
    old = b',"knativeerrordata":"old", "deliveryattempts":9,"data": {"a" : [1, 2]}}'
    headers, body = letter(STRUCTURED | {"Trace": "1", "Nats-TTL": "1s"}, start + old)
    assert headers == {"Content-Type": "application/cloudevents+json", "Trace": "1"}
    assert b'"id":"\\u0061"' in body
    assert b'"n":1.0e+2' in body
    assert b'"data":{"a" : [1, 2]}' in body
    assert body.count(b"knativeerrordata") == body.count(b"deliveryattempts") == 1
    assert json.loads(body).items() >= FACTS.items()


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        (STRUCTURED, b'{"specversion":"1.0","id":"1","source":"s"}'),
        (STRUCTURED, b'{"specversion":"1.0","id":1,"source":"s","type":"t"}'),
        (STRUCTURED, b'{"specversion":"1.0","id":"1","source":"s","type":"t","id":"2"}'),
        (STRUCTURED, b'{"specversion":"1.0","id":"1","source":"s","type":"t"} x'),
        (STRUCTURED, b'{"specversion":"1.0","id":"1"{"source":"s","type":"t"}'),
        (STRUCTURED, b',"specversion":"1.0","id":"1","source":"s","type":"t"}'),
        (STRUCTURED, b'{"specversion":"1.0","id":"1","source":"s","type":"t","\\q":1}'),
        (STRUCTURED, b"[" * 100_000),
        (STRUCTURED, b"\xff{}"),
        (STRUCTURED, b""),
        ({"content-type": "application/cloudevents-batch+json"}, b"[{}]"),
        ({"Content-Type": "text/plain"}, b"hello"),
        ({}, b"\x00"),
        (EVENT | {"ce-id": ""}, b"{}"),
        (EVENT | {"ce-subject": "%C0%A0"}, b"{}"),
        (EVENT | {"ce-subject": "%00"}, b"{}"),
        (EVENT | {"ce-data": "1"}, b"{}"),
        (EVENT | {"ce-my_name": "1"}, b"{}"),
    ],
    ids=[
        *(
            "no type",
            "number",
            "repeated",
            "rest",
            "brace",
            "comma",
            "escape",
            "deep",
            "no utf-8",
            "empty",
            "batch",
            "other",
            "bare",
        ),
        *("empty id", "overlong", "control", "data attribute", "name"),
    ],
)
def test_no_cloud_event_dead_letter(headers: dict[str, str], data: bytes) -> None:
    """What is no CloudEvent, or a malformed one, keeps its bytes and headers; the facts become headers."""
    old = {"KnativeErrorDest": "old", "Nats-Msg-Id": "x", "b(d": "no token"}
    kept = {name: str(fact) for name, fact in FACTS.items()}
    assert letter(headers | old, data) == (headers | kept, data)


def test_no_reply_has_no_code() -> None:
    """Where there was no reply there is no code, and `knativeerrordata` says why."""
    facts = Failure("http://function/", None, b"No reply", 3).facts()
    assert "knativeerrorcode" not in facts
    assert facts["knativeerrordata"] == base64.b64encode(b"No reply").decode()


def test_error_data_is_bounded() -> None:
    """Of a long reply, what fits into 1024 characters of base64 is kept."""
    data = str(Failure("http://function/", 500, b"x" * 5000, 3).facts()["knativeerrordata"])
    assert base64.b64decode(data, validate=True) == b"x" * 768


@given(
    st.dictionaries(
        st.sampled_from(["Content-Type", "ce-id", "ce-type", "ce-source", "ce-specversion", "ce-x", "X"]),
        st.text(max_size=12) | st.sampled_from(["application/cloudevents", "text/plain", "1.0"]),
    ),
    st.binary(max_size=40) | st.text('{}[]",:\\ud8001aé ', max_size=20).map(str.encode),
)
def test_any_message_can_be_kept(headers: dict[str, str], data: bytes) -> None:
    """Whatever a message is, it has an HTTP request and a dead letter, and its data comes back from it."""
    assert all(value.isascii() and value.isprintable() for value in http_headers(headers).values())
    kept_headers, body = letter(headers, data)
    if "knativeerrordest" in kept_headers:
        assert body == data
    elif "application/cloudevents" not in headers.get("Content-Type", "").lower():
        event = json.loads(body)
        text = event.get("data")
        assert data == base64.b64decode(event.get("data_base64", "")) or data in body or data.decode() == text
