"""Signs requests with an access key and a secret key: SDK-HMAC-SHA256, identical to the vendor's SDK.

Sources: huaweicloudsdkcore, with whose signer the tests compare this one; "API Gateway user guide", "Making
an API Request", for the form of the `Authorization` header.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from requests import PreparedRequest
from requests.auth import AuthBase

ALGORITHM = "SDK-HMAC-SHA256"


class Keys(NamedTuple):
    """An access key and its secret key; temporary ones have a security token."""

    access: str
    secret: str
    security_token: str = ""

    def __repr__(self) -> str:
        return "Keys(***)"

    @property
    def fingerprint(self) -> str:
        return sha256("\n".join(self).encode()).hexdigest()

    def for_project(self, project_id: str | None) -> AuthBase:
        return Signed(self, project_id)


class Signable(NamedTuple):
    """The parts of a request that a signature covers.

    path: percent-encoded or not. query: pairs as they are, not encoded.
    headers: all that are to be signed, including `Host` and `X-Sdk-Date`. Names with an underscore are left
    out, as in the vendor's SDK.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes


def canonical_query(pairs: Sequence[tuple[str, str]]) -> str:
    """The query in the form that is signed and must therefore be sent."""
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(pairs))


def authorization(request: Signable, keys: Keys) -> str:
    """The `Authorization` header of a request."""
    headers = {name.lower(): value.strip() for name, value in request.headers.items() if "_" not in name}
    names = ";".join(sorted(headers))
    uri = "/".join(map(_encoded, unquote(request.path).split("/")))
    # A declared hash replaces that of the body, unless the body is empty.
    declared = headers.get("x-sdk-content-sha256") if request.body else None
    canonical = "\n".join(
        (
            request.method.upper(),
            uri if uri.endswith("/") else f"{uri}/",
            canonical_query(request.query),
            "".join(f"{name}:{headers[name]}\n" for name in sorted(headers)),
            names,
            declared or sha256(request.body).hexdigest(),
        )
    )
    to_sign = f"{ALGORITHM}\n{headers['x-sdk-date']}\n{sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(keys.secret.encode(), to_sign.encode(), sha256).hexdigest()
    return f"{ALGORITHM} Access={keys.access}, SignedHeaders={names}, Signature={signature}"


class Signed(AuthBase):
    """Signs a request for one project when it is sent.

    clock: returns the time that is signed. It signs only headers that no proxy changes.
    """

    def __init__(
        self, keys: Keys, project_id: str | None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._keys = keys
        self._project_id = project_id
        self._clock = clock

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        parts = urlsplit(request.url or "")
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        request.url = urlunsplit(parts._replace(query=canonical_query(pairs)))
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        added = {
            "Host": parts.netloc,
            "X-Sdk-Date": self._clock().strftime("%Y%m%dT%H%M%SZ"),
            "X-Project-Id": self._project_id or "",
            "X-Security-Token": self._keys.security_token,
        }
        content_type = request.headers.get("Content-Type", "")
        if content_type and not content_type.startswith(("application/json", "application/bson")):
            added["X-Sdk-Content-Sha256"] = "UNSIGNED-PAYLOAD"
        request.headers.update({name: value for name, value in added.items() if value})
        signed = {name: request.headers[name] for name in ("Content-Type", *added) if name in request.headers}
        signable = Signable(request.method or "", parts.path, pairs, signed, body)
        request.headers["Authorization"] = authorization(signable, self._keys)
        return request


def _encoded(text: str) -> str:
    return quote(text, safe="~")
