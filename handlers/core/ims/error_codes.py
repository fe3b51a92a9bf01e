"""Classifies the answers of the tag API: one error for every answer but 204.

IMS puts most meanings in the code of the error body, not in the status (API reference, "Error Codes"). So
does the gateway in front of it (API Gateway, "Error Codes"). Therefore codes count first, and statuses count
second. The vendor documents the codes and their texts. Their classes here are inferred.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple

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
from handlers.core.json_access import value_of
from handlers.core.times import parse_http_date

_IMS: dict[type[TagApiError], str] = {
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

# 0201 is missing on purpose, because its status, 400 to 504, says more than the code.
_GATEWAY: dict[type[TagApiError], str] = {
    CredentialsRejected: "0301 0303 0305 0307 0311 0312 0313 1001 1002 1003 1004",
    PermissionDenied: "0302 0304 0306 0310 0314 0401 0402 0404 0405 0501 0502 0802",
    Throttled: "0308",
    RequestRejected: "0106 0602 0607",
    TagApiUnavailable: "0103 0104 0105 0107 0202 0203 0601 0605 0606 0608 0609 0610 0611 0612 0613 0615 0616"
    " 0617 0705",
    # From 1009 on: codes of calls that IMS does not have.
    UnexpectedReply: "0101 0204 0205 1009 2102 2201 2202 2203 2204 2205 2206 2207 2208 2209 2210"
    " 2211 2212 2213",
}

CODES: dict[str, type[TagApiError]] = {
    **{f"IMG.{code}": error for error, codes in _IMS.items() for code in codes.split()},
    # The list is published for the prefix APIG; the shared gateway of Huawei Cloud writes APIGW.
    **{
        f"{prefix}.{code}": error
        for prefix in ("APIG", "APIGW")
        for error, codes in _GATEWAY.items()
        for code in codes.split()
    },
    # Cloud Trace Service: "Query failed ... try again later".
    **dict.fromkeys(("CTS.0001", "CTS.0300"), TagApiUnavailable),
    # A policy refuses the call. It was seen with status 401.
    "EPS.0003": PermissionDenied,
}

STATUSES: dict[int, type[TagApiError]] = {
    401: CredentialsRejected,
    403: PermissionDenied,
    404: ImageNotFound,
    407: UnexpectedReply,  # from a proxy, never from the API
    408: TagApiUnavailable,
    409: ImageNotReady,
    429: Throttled,
}

CLOCK_SKEW_MIN = 300
"""Seconds between the clocks above which a refusal of credentials mentions them."""

_ADVICE = {
    CredentialsRejected: "{service} does not accept the credentials; renew or replace them",
    PermissionDenied: "the credentials lack a right, or are for another project or account",
    Throttled: "{service} throttles the calls",
    TagApiUnavailable: "{service} has a fault of its own",
    RequestRejected: "{service} refuses the request",
    UnexpectedReply: "the answer is not from {service}; check {setting} and any proxy in between",
}

_ADVICE_ON_IMAGES = {
    ImageNotFound: "IMS does not know the image, or not yet",
    ImageNotReady: "the image is not ready to be tagged",
    ImageNotTaggable: "the image is public or belongs to another account",
    TagRefused: "IMS refuses the tag",
    TagQuotaExceeded: "the image has all the tags it may have; delete one that is not needed",
}


class Service(NamedTuple):
    """Who answers. name: in messages. setting: holds its address. has_images: it answers about images."""

    name: str
    setting: str
    has_images: bool = True


TAG_API = Service("the tag API", "IMS_ENDPOINT")


def error_of(
    status: int, headers: Mapping[str, str], body: bytes, now: datetime, service: Service = TAG_API
) -> TagApiError:
    """The error for an answer other than 204.

    headers: of the answer, in a mapping that ignores case. body: the part that was read.
    now: an aware time, to turn a `Retry-After` with a date into seconds.
    """
    content = value_of(body)
    code, words = _code_and_message(content)
    error = CODES.get(code.upper()) or _by_status(status, code, body, content)
    said = " ".join(part for part in (f"HTTP {status}", code, words) if part)
    known = error if service.has_images or error in _ADVICE else RequestRejected
    advice = (_ADVICE | _ADVICE_ON_IMAGES)[known].format(service=service.name, setting=service.setting)
    skew = _skew(headers.get("Date", ""), now, service) if error is CredentialsRejected else ""
    return error(
        f"{advice} ({said}){skew}",
        status=status,
        code=code,
        request_id=_one_line(headers.get("X-Request-Id") or _text(content, "request_id"), 64),
        retry_after=seconds_of(headers.get("Retry-After", ""), now),
    )


def code_and_message(body: bytes) -> tuple[str, str]:
    """The code and the message of an error body, each "" if there is none."""
    return _code_and_message(value_of(body))


def _by_status(status: int, code: str, body: bytes, content: Any) -> type[TagApiError]:
    page = body.strip() and not isinstance(content, dict)
    if status == HTTPStatus.NOT_FOUND and (page or code.upper().startswith("APIG")):
        return UnexpectedReply  # IMS itself did not look for the image
    if status in STATUSES:
        return STATUSES[status]
    return {4: RequestRejected, 5: TagApiUnavailable}.get(status // 100, UnexpectedReply)


def _code_and_message(content: Any, depth: int = 3) -> tuple[str, str]:
    """Reads an error body in the shapes that IMS, the gateway and IAM publish.

    The vendor's SDK also accepts the names of the third pair, and nested objects.
    """
    if not isinstance(content, dict) or not depth:
        return "", ""
    for code, message in (("error_code", "error_msg"), ("code", "message"), ("errorCode", "errorMsg")):
        if code in content and message in content:
            return _text(content, code), _text(content, message)
    nested = (_code_and_message(member, depth - 1) for member in content.values())
    return next((found for found in nested if found[0]), ("", ""))


def _text(content: Any, name: str) -> str:
    value = content.get(name) if isinstance(content, dict) else None
    return _one_line(str(value), 200) if isinstance(value, str | int) else ""


def _one_line(text: str, length: int) -> str:
    return "".join(character if character.isprintable() else " " for character in text[:length])


def _skew(date: str, now: datetime, service: Service) -> str:
    """A note about a clock that differs from the API's. The gateway refuses signatures above 15 minutes."""
    there = parse_http_date(date) or now
    ahead = (now - there).total_seconds()
    if abs(ahead) < CLOCK_SKEW_MIN:
        return ""
    way = "ahead of" if ahead > 0 else "behind"
    return f"; the clock here is {abs(ahead) / 60:.0f} minutes {way} {service.name}'s, so set it"


def seconds_of(retry_after: str, now: datetime) -> float | None:
    """`Retry-After` in seconds, from a number or an HTTP date (RFC 9110, section 10.2.3)."""
    if re.fullmatch(r"\d{1,9}", retry_after.strip()):
        return float(retry_after)
    date = parse_http_date(retry_after)
    return max(0.0, (date - now).total_seconds()) if date else None
