"""What goes into a request in the place of something better."""

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
