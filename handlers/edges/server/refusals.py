"""The replies to requests that gunicorn refuses before the function sees them; its own quote the request."""

from http import HTTPStatus

from gunicorn.http import errors

HEAD_MAX = 65_536
"""Bytes of a head: a little more than the 60 KiB that Envoy lets pass by default."""

LINE_MAX = FIELD_MAX = 8190
"""Bytes of the request line, and of a header field. It is the maximum and the default of gunicorn."""

FIELDS_MAX = 1000
"""Of one head. A broker adds some to those of an event when it hands over a dead letter."""

Refusal = tuple[HTTPStatus, str]
"""The status and the reason."""

LATE = (HTTPStatus.REQUEST_TIMEOUT, "the head did not come in time")
FAILED = (HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed")
_LONG_LINE = (HTTPStatus.REQUEST_URI_TOO_LONG, f"the request line has over {LINE_MAX} bytes")
_LARGE_HEAD = (
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    f"the head has over {HEAD_MAX} bytes, {FIELDS_MAX} fields or {FIELD_MAX} bytes of one field",
)
_REFUSALS: dict[type[Exception], Refusal | None] = {
    errors.ConfigurationProblem: None,
    errors.InvalidResponseHeader: None,
    errors.InvalidResponseHeaderName: None,
    errors.LimitRequestLine: _LONG_LINE,
    errors.LimitRequestHeaders: _LARGE_HEAD,
    errors.ExpectationFailed: (HTTPStatus.EXPECTATION_FAILED, "no expectation but 100-continue can be met"),
    errors.UnsupportedTransferCoding: (
        HTTPStatus.NOT_IMPLEMENTED,
        "chunked is the only transfer coding here",
    ),
}
_NO_REQUEST = (HTTPStatus.BAD_REQUEST, "the head is not that of an HTTP/1.1 or HTTP/1.0 request")


def refusal_of(error: Exception) -> Refusal | None:
    """The refusal for an error; None if the client did not cause it."""
    return _REFUSALS.get(type(error), _NO_REQUEST if isinstance(error, errors.ParseException) else None)


def refusal_of_large(head: bytearray) -> Refusal:
    """The refusal for a head of more than HEAD_MAX bytes."""
    return _LARGE_HEAD if b"\n" in head else _LONG_LINE


def reply_of(status: HTTPStatus, why: str) -> bytes:
    """The bytes of the reply, after which the connection is closed."""
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Connection: close",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(why)}",
        "",
        why,
    )
    return "\r\n".join(lines).encode()
