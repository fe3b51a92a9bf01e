"""What an answer of the tag API means: codes first, statuses second, and never an exception."""

import json
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from handlers.core.errors import (
    CredentialsRejected,
    ImageNotFound,
    ImageNotReady,
    PermissionDenied,
    RequestRejected,
    TagApiError,
    TagApiUnavailable,
    TagQuotaExceeded,
    TagRefused,
    Throttled,
    UnexpectedReply,
)
from handlers.core.ims.error_codes import CODES, error_of
from tests.support.vendor_error_codes import GATEWAY, IMS, IMS_OTHERS, SEEN, Documented, error_of_status

NOW = datetime(2026, 1, 5, 10, 15, 30, tzinfo=UTC)
MESSAGE_MAX = 600

Error = type[TagApiError]


def answer(status: int, body: Any = b"", **headers: str) -> TagApiError:
    """headers: `Retry_After` stands for `Retry-After`. A body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})
    return error_of(status, named, content, NOW)


def gateway(code: str, words: str = "words") -> dict[str, Any]:
    return {"error_msg": words, "error_code": code, "request_id": "r-1"}


def ims(code: str, words: str = "words") -> dict[str, Any]:
    return {"error": {"message": words, "code": code}}


# -- codes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("documented", [*IMS, *GATEWAY, *SEEN], ids=str)
def test_documented_codes(documented: Documented) -> None:
    """Each documented code that tagging can meet has its error, in capitals or not and in either body."""
    for written, body in product((documented.code, documented.code.lower()), (ims, gateway)):
        got = answer(documented.status, body(written))
        assert (type(got), got.status, got.code) == (documented.error, documented.status, written)


def test_every_code_is_documented() -> None:
    """No code has an error of its own without a page that names the code."""
    assert CODES.keys() <= {documented.code for documented in (*IMS, *GATEWAY, *SEEN)}


@pytest.mark.parametrize(("first", "last"), IMS_OTHERS)
def test_codes_of_other_operations(first: int, last: int) -> None:
    """A code of another operation of IMS is a refusal, as its status 400 says."""
    own = {documented.code for documented in IMS}
    for number in range(first, last + 1):
        if (code := f"IMG.{number:04}") not in own:
            assert type(answer(400, ims(code))) is RequestRejected, code


CODE_BEFORE_STATUS = [
    (403, "IMG.0026", PermissionDenied),
    (401, "EPS.0003", PermissionDenied),
    (200, "IMG.0116", TagQuotaExceeded),
    (403, "IMG.0060", Throttled),
    (404, "IMG.0061", TagApiUnavailable),
    (500, "IMG.0115", TagRefused),
    (503, "APIGW.0308", Throttled),
    (500, "APIG.0307", CredentialsRejected),
]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    CODE_BEFORE_STATUS,
    ids=[f"{status} {code}" for status, code, _ in CODE_BEFORE_STATUS],
)
def test_a_known_code_outweighs_the_status(status: int, code: str, error: Error) -> None:
    """A known code decides, whatever the status."""
    assert type(answer(status, ims(code))) is error


# -- statuses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("hundred", [100, 200, 300, 400, 500], ids="{}xx".format)
@pytest.mark.parametrize(
    "body",
    [b"", ims("IMG.9999"), gateway("left_out_.1"), {"unheard": "of"}],
    ids=["empty", "unknown code of IMS", "unknown code", "no code"],
)
def test_every_status(hundred: int, body: Any) -> None:
    """Where no known code decides, every status means exactly one error."""
    for status in range(hundred, hundred + 100):
        got = answer(status, body)
        assert (type(got), got.status) == (error_of_status(status), status)


@pytest.mark.parametrize("status", [0, 99, 600, 999])
def test_no_http_status(status: int) -> None:
    """A number that is no status of HTTP is an unexpected reply."""
    assert type(answer(status)) is UnexpectedReply


HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"

NO_CODES = {
    "empty": b"",
    "white space": b" \r\n",
    "a page": HTML,
    "text": b"upstream connect error",
    "binary": bytes(range(256)),
    "half a character": b'{"error_code": "APIG.0308", "error_msg": "\xc3',
    "cut JSON": b'{"error":{"message":"The imagetype is inv',
    "huge": b"x" * 1_000_000,
    "huge JSON": json.dumps({"error": ["x" * 100] * 10_000}).encode(),
    "nested deeply": b'{"error":' * 100_000 + b"1" + b"}" * 100_000,
    "nested lists": b"[" * 100_000,
    "a number too long to read": b'{"error_code":' + b"1" * 5000 + b',"error_msg":""}',
    "a list": b'[{"error_code": "APIG.0308", "error_msg": "words"}]',
    "a text": b'"IMG.0116"',
    "null": b"null",
    "not a number": b"NaN",
    "code null": b'{"error_code": null, "error_msg": null}',
    "code an object": b'{"error": {"code": {}, "message": []}}',
    "too deep to look for": b'{"a": {"b": {"c": {"d": {"code": "IMG.0116", "message": ""}}}}}',
}


@pytest.mark.parametrize("body", NO_CODES.values(), ids=NO_CODES)
@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 429, 502, 503])
def test_bodies_without_a_code(status: int, body: bytes) -> None:
    """A body that holds no code leaves the word to the status."""
    got = answer(status, body)
    assert (type(got), got.code) == (error_of_status(status), "")
    assert len(str(got)) <= MESSAGE_MAX


NOT_FOUND: dict[str, tuple[Any, Error]] = {
    "empty": (b"", ImageNotFound),
    "of IMS": (ims("IMG.9999"), ImageNotFound),
    "of IMS, without a code": ({"message": "no such image"}, ImageNotFound),
    "a page": (HTML, UnexpectedReply),
    "text": (b"404 page not found", UnexpectedReply),
    "the gateway knows no such path": (gateway("APIG.0101"), UnexpectedReply),
    "an unknown code of the gateway": (gateway("APIG.0199"), UnexpectedReply),
    "the same of the shared gateway": (gateway("apigw.0199"), UnexpectedReply),
}


@pytest.mark.parametrize(("body", "error"), NOT_FOUND.values(), ids=NOT_FOUND)
def test_not_found(body: Any, error: Error) -> None:
    """404 is about the image only where IMS says it; a page or the gateway says it of the address."""
    assert type(answer(404, body)) is error


# -- bodies and headers -----------------------------------------------------------------------------

Answer = tuple[int, dict[str, str], Any]
Meaning = tuple[Error, str, float | None]

ANSWERS: dict[str, tuple[Answer, Meaning]] = {
    "IMS": (
        (400, {}, {"error": {"message": "The imagetype is invalid.", "code": "IMG.0024"}}),
        (RequestRejected, "IMG.0024", None),
    ),
    "gateway": (
        (401, {}, gateway("APIG.0301", "decrypt token fail")),
        (CredentialsRejected, "APIG.0301", None),
    ),
    "gateway, throttled": (
        (429, {"Retry_After": "60"}, gateway("APIG.0308", "policy ip over ratelimit,limit:5,time:1 minute")),
        (Throttled, "APIG.0308", 60),
    ),
    "IAM, a whole number": (
        (401, {}, {"error": {"code": 401, "message": "words", "title": "Unauthorized"}}),
        (CredentialsRejected, "401", None),
    ),
    "a policy's refusal": (
        (401, {}, {"error": {"code": "EPS.0003", "message": "policy doesn't allow"}}),
        (PermissionDenied, "EPS.0003", None),
    ),
    "at the top": ((400, {}, {"code": "IMG.0116", "message": "words"}), (TagQuotaExceeded, "IMG.0116", None)),
    "in camel case": (
        (400, {}, {"errorCode": "IMG.0115", "errorMsg": "words"}),
        (TagRefused, "IMG.0115", None),
    ),
    "two objects deep": (
        (400, {}, {"a": 1, "b": {"c": [], "d": {"error_code": "IMG.0046", "error_msg": ""}}}),
        (ImageNotReady, "IMG.0046", None),
    ),
    "with a byte order mark": (
        (400, {}, b"\xef\xbb\xbf" + json.dumps(ims("IMG.0116")).encode()),
        (TagQuotaExceeded, "IMG.0116", None),
    ),
    "the other form of Retry-After": (
        (503, {"Retry_After": "Mon, 05 Jan 2026 10:17:00 GMT"}, b""),
        (TagApiUnavailable, "", 90),
    ),
    "header names in lower case": ((503, {"retry_after": "7"}, b""), (TagApiUnavailable, "", 7)),
}


@pytest.mark.parametrize(("given", "meaning"), ANSWERS.values(), ids=ANSWERS)
def test_answers(given: Answer, meaning: Meaning) -> None:
    """Every published shape of an error body is read, and the others that the vendor's SDK reads."""
    status, headers, body = given
    got = answer(status, body, **headers)
    assert (type(got), got.code, got.retry_after) == meaning
    assert got.status == status


def test_what_a_message_says() -> None:
    """A message says what to do, and what the API said."""
    got = answer(400, ims("IMG.0116", "Tag quota exceeded."))
    assert str(got).endswith("(HTTP 400 IMG.0116 Tag quota exceeded.)")
    assert str(got).startswith("the image has all the tags it may have; delete one")


def test_authorization_details_stay_out_of_the_message() -> None:
    """What a refusal encodes about rights is for nobody's log."""
    body = gateway("APIG.0302") | {"encoded_authorization_message": "c2VjcmV0"}
    assert "c2VjcmV0" not in str(answer(403, body))


REQUEST_IDS: dict[str, tuple[dict[str, str], Any, str]] = {
    "header": ({"X_Request_Id": "from-header"}, b"", "from-header"),
    "body": ({}, gateway("APIG.0308"), "r-1"),
    "both": ({"x_request_id": "from-header"}, gateway("APIG.0308"), "from-header"),
    "neither": ({}, b"", ""),
    "no text": ({}, {"request_id": ["r"]}, ""),
    "long": ({"X_Request_Id": "r" * 1000}, b"", "r" * 64),
    "two lines": ({"X_Request_Id": "a\x85b"}, b"", "a b"),
}


@pytest.mark.parametrize(("headers", "body", "request_id"), REQUEST_IDS.values(), ids=REQUEST_IDS)
def test_request_ids(headers: dict[str, str], body: Any, request_id: str) -> None:
    """The request id is the header's, else the body's, in one short line."""
    assert answer(503, body, **headers).request_id == request_id


RETRY_AFTER: dict[str, float | None] = {
    "0": 0,
    "120": 120,
    " 7 ": 7,
    "999999999": 999999999,
    "Mon, 05 Jan 2026 10:15:31 GMT": 1,
    "Mon, 05 Jan 2026 11:15:31 +0100": 1,
    "Monday, 05-Jan-26 10:15:40 GMT": 10,
    "Mon Jan  5 10:15:40 2026": 10,
    "Sun, 06 Nov 1994 08:49:37 GMT": 0,
    "": None,
    "soon": None,
    "-5": None,
    "1.5": None,
    "1e3": None,
    "0x10": None,
    "inf": None,
    "nan": None,
    "5, 6": None,
    "120 s": None,
    "1" * 5000: None,
    "Mon, 99 Jan 2026 10:15:31 GMT": None,
    "Mon, 05 Jan 2026 99:15:31 GMT": None,
    "Mon, 05 Jan 99999 10:15:31 GMT": None,
    "Mon, 05 Jan 2026 10:15:31 +9999": None,
    "2026-01-05T10:15:31Z": None,
}


@pytest.mark.parametrize(
    ("value", "seconds"), RETRY_AFTER.items(), ids=[value[:40] or "empty" for value in RETRY_AFTER]
)
def test_retry_after(value: str, seconds: float | None) -> None:
    """`Retry-After` is a number of seconds or a date of HTTP; what is neither says nothing."""
    assert answer(429, Retry_After=value).retry_after == seconds


# -- whatever comes ---------------------------------------------------------------------------------

_texts = st.text(max_size=400) | st.sampled_from([documented.code for documented in IMS])
_names = st.sampled_from(
    ["error", "error_code", "error_msg", "errorCode", "errorMsg", "code", "message", "request_id"]
) | st.text(max_size=3)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=12,
)
_bodies = st.binary(max_size=200) | _json.map(lambda content: json.dumps(content).encode())


@given(status=st.integers(0, 999), body=_bodies, retry_after=st.text(), request_id=st.text())
def test_any_answer(status: int, body: bytes, retry_after: str, request_id: str) -> None:
    """Any answer is one error of the tree, whose words are one short printable line."""
    got = answer(status, body, Retry_After=retry_after, X_Request_Id=request_id)
    assert isinstance(got, TagApiError)
    assert type(got) is not TagApiError
    assert 0 < len(str(got)) <= MESSAGE_MAX
    for words in (str(got), got.code, got.request_id):
        assert words.isprintable()
    assert got.retry_after is None or got.retry_after >= 0


LINE_BREAKS_AND_WORSE = ["\n", "\r\n", "\x00", "\x1b[31m", "\x85", "\u2028", "\u2029", "\u202e", "\ud800"]


@pytest.mark.parametrize("character", LINE_BREAKS_AND_WORSE, ids=ascii)
def test_what_the_api_says_stays_one_line(character: str) -> None:
    """No line break, terminal sequence or change of writing direction gets from an answer into a log."""
    got = answer(400, ims(f"IMG{character}9", f"before{character}after"))
    assert str(got).isprintable()
    assert got.code.isprintable()
    assert "before" in str(got)
    assert "after" in str(got)
