"""What goes into a request in the place of something better."""

from base64 import b64encode
from typing import Any

TEXTS = [
    *(
        "",
        " ",
        "\0",
        "\r\nce-id: x",
        '"',
        '"\\',
        "%",
        "%00",
        "%ff",
        "%ed%a0%80",
        "\xff\xfe",
        "\u202e",
        "\x1b[2J",
    ),
    *("1.0", "0.3", "2.0", "9" * 5000, "-1", "1e999", "NaN", "null", "../../etc/passwd", "${jndi:ldap://x}"),
    *("{{ 7 * 7 }}", "{% for x in y %}", "é\U0001f600", "2999-01-01T00:00:00Z", "0000-00-00", "x" * 40_000),
    *("IMS:CloudTrace:ApiCall", "com.example.image.created", "createImage", "InvalidEvent", "base64"),
]
VALUES: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**400, 1e-300, [], {}, [[]], [None] * 100, {"a": {"b": {}}}),
    *({"image_id": 5}, {"name": {}, "domain": 5}, "{}", "[" * 70, '{"a":' * 70, '{"name": NaN}'),
]
RAW = [
    *(
        b"\0",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xc0\xaf",
        rb"\ud800",
        rb"\udc00\ud800",
        b"NaN",
        b"-Infinity",
        b"1e999",
    ),
    *(b"[" * 100, b"]", b"{", b"}", b'"', b",", b":", b"\\", b"\xef\xbb\xbf", b"9" * 5000, b"[" * 100_000),
    *(b'{"a":' * 20_000, b'"specversion":"1.0",', b'"deadletterreason":"x",', b'"data_base64":"!",'),
]
CONTENT_TYPES = [
    *("application/cloudevents+json", "application/cloudevents-batch+json", "application/json", "text/plain"),
    *(
        "application/cloudevents",
        "application/cloudevents+avro",
        "application/octet-stream",
        "",
        ";",
        "a/b;c=\xff",
    ),
    *(
        "application/cloudevents+json; charset=utf-16",
        "multipart/form-data; boundary=x",
        "text/plain; " + "x" * 4000,
    ),
    *("application/x-www-form-urlencoded", "APPLICATION/JSON", "application/vnd.x+json"),
]
HEADERS = [
    *(
        "ce-specversion",
        "ce-id",
        "ce-source",
        "ce-type",
        "ce-time",
        "ce-subject",
        "ce-data",
        "ce-",
        "ce-extensions",
    ),
    *(
        "ce-datacontenttype",
        "ce-deadletterreason",
        "ce-image",
        "traceparent",
        "authorization",
        "content-encoding",
    ),
    *("host", "expect", "x-forwarded-for", "cookie", "accept", "range", "if-match", "transfer-encoding"),
]
METHODS = ["GET", "HEAD", "PUT", "OPTIONS", "DELETE", "PATCH", "TRACE", "post", "BREW", ""]
PATHS = [
    "/invoke",
    "/init",
    "/healthz",
    "//",
    "/../x",
    "/\xff",
    "/a" * 500,
    "/?x",
    "/robots.txt",
    "/static/x",
    "",
]
LENGTHS = ["0", "1", "-1", "", "abc", "1048577", "99999999999999999999", "1 1", "0x10", "+5"]

MEGABYTE = 1_048_576


def filled(start: str, piece: str, end: str) -> bytes:
    """A body of a megabyte, as full of pieces as it can be."""
    size = len(piece.encode())
    pieces = (MEGABYTE - len(start) - len(end)) // size - 1
    return (start + piece * pieces + piece.rstrip(",") + end).encode()


BODIES: dict[str, tuple[bytes, bool]] = {
    "numbers": (filled("[", "1,", "]"), True),
    "objects": (filled("[", "{},", "]"), True),
    "an envelope of numbers": (filled('{"events": [', "1,", "]}"), True),
    "thirty envelopes": (filled('{"events": [' * 30 + "[", "1,", "]" + "]}" * 30), False),
    "envelopes in envelopes": (filled('{"events": [', '{"events": [{},{},{},{}]},', "]}"), True),
    "objects as data": (filled('{"specversion": "1.0", "data": [', "{},", "]}"), True),
    "members": (filled('{"specversion": "1.0", "data": [', '{"": 1},', "]}"), True),
    "members that occur twice": (
        filled('{"specversion": "1.0", "data": [', '{"": {}, "": {}},', "]}"),
        True,
    ),
    "deep and wide": (filled("[" * 60, "{},", "]" * 60), True),
    "numbers that grow": (filled('{"specversion": "1.0", "data": [', "1e15,", "]}"), False),
    "escapes": (filled('{"specversion": "1.0", "data": "', "\\u00e9", '"}'), False),
    "JSON as text": (filled('{"topic_urn": "t", "type": "Notification", "message": "[', "1,", ']"}'), True),
    "lists in Base64": (
        b'{"specversion": "1.0", "id": "1", "source": "/s", "type": "x",'
        b' "datacontenttype": "application/json", "data_base64": "%s"}'
        % b64encode(b"[%s[]]" % (b"[]," * 260_000)),
        True,
    ),
    "combining marks": (
        filled(
            '{"specversion": "1.0", "id": "1", "source": "/s", "type": "com.example.image.created",'
            ' "time": "2026-01-05T10:15:30Z", "data": {"image_id": "i", "name": "',
            "\u0300",
            '"}}',
        ),
        False,
    ),
    "images": (
        filled(
            '{"trace_name": "createImage", "service_type": "IMS", "trace_id": "1", "resource_type": "ims",'
            ' "response": {"entities": {"sub_jobs_result": [',
            '{"entities":{"image_id":"0123456789abcdef"}},',
            "]}}}",
        ),
        True,
    ),
}
"""By name, a body of a megabyte and whether it is more than a delivery may hold."""

_EVENT = '{"specversion": "1.0", "id": "1", "source": "/s", "type": "com.example.%s", "data": '
_TRACE = r"{\"trace_id\": \"1\", \"trace_name\": \"x\", \"service_type\": \"x\", \"x\": ["
_NOTIFICATION = r"{\"event_type\": \"image.activate\", \"message_id\": \"1\", \"payload\": ["
_IMAGE = '{"image_id": "3f7185de-b59a-4bb8-aa1d-7a513528b0e9", "x": ['


def event_of_no_image(values: str) -> bytes:
    """An event of a megabyte about an image that there is not, full of these values."""
    return filled(f"{_EVENT % 'image.created'}{_IMAGE}", values, "]}}")


EVENT_OF_ATTRIBUTES = (
    _EVENT % "image.created" + f"{_IMAGE}]}}" + "".join(f',"{number:x}":1' for number in range(90_000)) + "}"
).encode()
"""An event of nearly a megabyte with 90,000 attributes."""


NUMBERS = "1.5," * 5
"""Text enough beside an array or an object that a megabyte holds no more of these than a delivery may."""

EVENTS: dict[str, bytes] = {
    "lists in an oslo.message": filled(f'{{"oslo.message": "{_NOTIFICATION}', f"[],{NUMBERS}", ']}"}'),
    "lists that escapes hide": filled(f'{{"oslo.message": "{_NOTIFICATION}', r"\u005b\u005d,", ']}"}'),
    "objects in a message of SMN": filled(
        f'{{"topic_urn": "t", "type": "Notification", "message": "{_TRACE}', f"{{}},{NUMBERS}", ']}"}'
    ),
    "lists as data": filled(_EVENT % "other" + "[", f"[[]],{NUMBERS}{NUMBERS}", "]}"),
    "members as data": filled(_EVENT % "other" + "[", f'{{"":1}},{NUMBERS}', "]}"),
    "members of an event of an image": event_of_no_image(f'{{"":1}},{NUMBERS}'),
}
"""By name, a body of a megabyte that is an event, and takes as much memory as it can."""
