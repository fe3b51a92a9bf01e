"""What an answer of the tag API means: codes first, statuses second, and never an exception."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from handlers.core.errors import (
    CredentialsRejected,
    ImageNotFound,
    ImageNotReady,
    ImageNotTaggable,
    PermissionDenied,
    RequestRejected,
    TagApiError,
    TagApiUnavailable,
    TagQuotaExceeded,
    TagRefused,
    Throttled,
    UnexpectedReply,
)
from handlers.core.ims.error_codes import error_of

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

# IMS API reference, "Error Codes": all with status 400. Those without a class of their own are refusals.
IMS_CODES: dict[Error, str] = {
    RequestRejected: "0001 0007 0021 0028 0031 0066 0084 0105 0167 0168",
    TagRefused: "0115",
    TagQuotaExceeded: "0116",
    ImageNotTaggable: "0047 0083 0106",
    ImageNotFound: "0027 0086 0121 0144",
    ImageNotReady: "0046",
    CredentialsRejected: "0030 0087",
    PermissionDenied: "0025 0026 0041 0067 0104 0108 0145 0161 0238 0239 0241 0242",
    Throttled: "0060 0149 0187",
    TagApiUnavailable: "0014 0016 0018 0023 0035 0036 0037 0053 0061 0064 0065 0114 0148 0154 0155 0156",
    UnexpectedReply: "0017",
}

# Codes of the other operations of IMS, as first-last.
OTHER_IMS_CODES = (
    "0002-0013 0015-0015 0019-0020 0022-0022 0024-0024 0029-0029 0032-0034 0038-0040 0045-0045 0054-0059 "
    "0062-0063 0068-0081 0085-0085 0088-0103 0109-0113 0117-0120 0122-0123 0125-0128 0130-0130 0132-0141 "
    "0150-0153 0160-0160 0162-0166 0169-0186 0188-0198 0212-0212 1075-1075"
)

# API Gateway, "Error Codes": status -> class -> codes.
GATEWAY_CODES: dict[int, dict[Error, str]] = {
    400: {
        RequestRejected: "0106 0201 0602 0607",
        UnexpectedReply: "0204 0205 1009 2102 2201 2202 2203 2204 2205 2206 2207 2208 2209 2210 2211 2212"
        " 2213",
    },
    401: {CredentialsRejected: "0301 0303 0305 0307 0311 0312 0313 1001 1002 1003 1004"},
    403: {PermissionDenied: "0302 0304 0306 0310 0314 0401 0402 0404 0405 0802"},
    404: {UnexpectedReply: "0101"},
    405: {PermissionDenied: "0501 0502"},
    413: {RequestRejected: "0201"},
    414: {RequestRejected: "0201"},
    429: {Throttled: "0308"},
    494: {RequestRejected: "0201"},
    500: {
        TagApiUnavailable: "0103 0104 0105 0107 0201 0601 0605 0606 0608 0609 0611 0612 0615 0616 0617 0705"
    },
    502: {TagApiUnavailable: "0201 0202 0610"},
    503: {TagApiUnavailable: "0613"},
    504: {TagApiUnavailable: "0201 0203"},
}

IMS_ROWS = [(f"IMG.{code}", error) for error, codes in IMS_CODES.items() for code in codes.split()]
GATEWAY_ROWS = [
    (status, f"{prefix}.{code}", error)
    for status, classes in GATEWAY_CODES.items()
    for error, codes in classes.items()
    for code in codes.split()
    for prefix in ("APIG", "APIGW")
]


@pytest.mark.parametrize(("code", "error"), IMS_ROWS, ids=[code for code, _ in IMS_ROWS])
def test_ims_codes(code: str, error: Error) -> None:
    """Each code of IMS that tagging can meet has its class, in capitals or not."""
    for written in (code, code.lower()):
        got = answer(400, ims(written))
        assert (type(got), got.status, got.code) == (error, 400, written)


@pytest.mark.parametrize("codes", OTHER_IMS_CODES.split())
def test_codes_of_other_operations(codes: str) -> None:
    """A code of another operation of IMS is a refusal, as its status 400 says."""
    first, last = map(int, codes.split("-"))
    own = {code for code, _ in IMS_ROWS}
    for number in range(first, last + 1):
        if (code := f"IMG.{number:04}") not in own:
            assert type(answer(400, ims(code))) is RequestRejected, code


@pytest.mark.parametrize(
    ("status", "code", "error"), GATEWAY_ROWS, ids=[f"{status} {code}" for status, code, _ in GATEWAY_ROWS]
)
def test_gateway_codes(status: int, code: str, error: Error) -> None:
    """Each code of the gateway has its class under both prefixes, in capitals or not."""
    for written in (code, code.lower()):
        got = answer(status, gateway(written))
        assert (type(got), got.status, got.code) == (error, status, written)


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

STATUSES: dict[int, Error] = {
    401: CredentialsRejected,
    403: PermissionDenied,
    404: ImageNotFound,
    407: UnexpectedReply,
    408: TagApiUnavailable,
    409: ImageNotReady,
    429: Throttled,
}


def expected_of(status: int) -> Error:
    by_hundred = {1: UnexpectedReply, 2: UnexpectedReply, 3: UnexpectedReply, 4: RequestRejected}
    return STATUSES.get(status) or by_hundred.get(status // 100, TagApiUnavailable)


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
        assert (type(got), got.status) == (expected_of(status), status)


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
    assert (type(got), got.code) == (expected_of(status), "")
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

_texts = st.text(max_size=400) | st.sampled_from([code for code, _ in IMS_ROWS])
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
