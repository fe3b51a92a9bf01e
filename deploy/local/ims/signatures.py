"""Signatures SDK-HMAC-SHA256 as whoever checks them computes them. Pure.

"API Gateway user guide", "Making an API Request", and huaweicloudsdkcore, the vendor's SDK, which signs so.
Written apart from the function's own signatures, and to stay so: it is an independent check, by which a slip
in one is found by the other.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"
_FORM = re.compile(rf"{ALGORITHM} Access=(\S+), SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{{64}})")


class Claim(NamedTuple):
    """What an `Authorization` header says."""

    access: str
    signed_headers: Sequence[str]
    signature: str


class Request(NamedTuple):
    """A request as it came. target: path and query, percent-encoded. headers: names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def claim_of(authorization: str) -> Claim | None:
    """None for another form, and where the host or the date is not signed."""
    form = _FORM.fullmatch(authorization)
    if form is None:
        return None
    names = form[2].split(";")
    return Claim(form[1], names, form[3]) if {"host", "x-sdk-date"} <= set(names) else None


def is_valid(claim: Claim, request: Request, secret: str) -> bool:
    return hmac.compare_digest(claim.signature, _signature(claim, request, secret))


def _signature(claim: Claim, request: Request, secret: str) -> str:
    path, _, query = request.target.partition("?")
    lines = [request.method, _reencoded(path).removesuffix("/") + "/", _sorted(query)]
    lines += [f"{name}:{request.headers.get(name, '').strip()}" for name in claim.signed_headers]
    content = hashlib.sha256(request.body).hexdigest()
    if request.body:
        content = request.headers.get("x-sdk-content-sha256", content)
    lines += ["", ";".join(claim.signed_headers), content]
    canonical = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    message = f"{ALGORITHM}\n{request.headers['x-sdk-date']}\n{canonical}"
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def _sorted(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    decoded = sorted((unquote(name), unquote(value)) for name, _, value in pairs)
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in decoded)


def _reencoded(path: str) -> str:
    return "/".join(quote(unquote(part), safe="~") for part in path.split("/"))
