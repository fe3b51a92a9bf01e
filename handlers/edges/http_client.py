"""Calls of one service over kept-alive connections, each within a deadline, steered by the settings alone."""

import json
import re
import threading
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import requests
from requests.utils import get_auth_from_url
from urllib3 import Timeout
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from handlers.core.errors import TagApiUnavailable
from handlers.edges.bounded import BoundedAdapter

CONNECT_TIMEOUT = 5.0
"""Seconds."""

BODY_MAX = 65_536
"""Bytes that are read of an answer's body; published ones have a few hundred, an image some thousand."""


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """Sends requests to one service.

    service, setting: what it is called in errors, and which setting says where it is.
    ca_bundle: certificates to trust instead of those that requests brings.
    Nothing else steers it: no proxy, certificate or netrc of the environment. Redirects are not followed.
    """

    def __init__(self, service: str, setting: str, *, proxy: str | None, ca_bundle: Path | None) -> None:
        self._service = service
        self._setting = setting
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        user, password = get_auth_from_url(proxy or "")
        self._secrets = [password, b64encode(f"{user}:{password}".encode()).decode()] * bool(password)
        self._verify = str(ca_bundle) if ca_bundle else True
        # An adapter a thread: none waits for another's connection, and each knows whether its own was used.
        self._thread = threading.local()

    def send(self, request: requests.PreparedRequest, deadline: float, *secrets: str) -> Reply:
        """The answer, whatever its status. Raises TagApiUnavailable.

        deadline: of `time.monotonic`. secrets: that the body of the request holds.
        No answer is trusted not to repeat what it was sent, not even one that says "200 OK": its words may be
        told, as those of a job that failed are.
        """
        try:
            reply = self._send(request, deadline)
            content = _read(reply)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise TagApiUnavailable(self._what_broke(error)) from error
        sent = [*secrets, *_secrets_in(request.headers), *self._secrets]
        if "X-Request-Id" in reply.headers:
            reply.headers["X-Request-Id"] = _hide(reply.headers["X-Request-Id"], sent)
        return Reply(reply.status_code, reply.headers, _hide_in_json(content, sent))

    def _send(self, request: requests.PreparedRequest, deadline: float) -> requests.Response:
        adapter, used = self._adapter()

        def sent() -> requests.Response:
            timeout = _timeout(deadline)
            return adapter.send(
                request, timeout=timeout, stream=True, verify=self._verify, proxies=self._proxies
            )

        try:
            return sent()
        except requests.ConnectionError as error:
            # That the other side has closed a kept-alive connection shows only now. The call is idempotent.
            if not used or not isinstance(error.args[0], ProtocolError):
                raise
            return sent()

    def _adapter(self) -> tuple[BoundedAdapter, bool]:
        """This thread's adapter, and whether it was used before.

        Not a session: it would do what nobody needs here, keep cookies and look for redirects, and take a
        tenth of a call's processor time for it.
        """
        adapter: BoundedAdapter | None = getattr(self._thread, "adapter", None)
        if adapter is not None:
            return adapter, True
        adapter = self._thread.adapter = BoundedAdapter(pool_connections=1, pool_maxsize=1)
        return adapter, False

    def _what_broke(self, error: Exception) -> str:
        """Words without the exception's own: those hold addresses, and of a proxy its password."""
        match error:
            case requests.exceptions.ProxyError():
                return f"the proxy did not connect to {self._service}; check IMS_PROXY"
            case requests.exceptions.SSLError():
                return f"TLS with {self._service} failed; check {self._setting} and OS_CACERT"
            case requests.Timeout() | ReadTimeoutError():
                return f"{self._service} did not answer in time; for one event in all that is EVENT_TIMEOUT"
            case _:
                return (
                    f"{self._service} was not reached, or the connection broke;"
                    f" check {self._setting} if it stays"
                )


def _timeout(deadline: float) -> Any:
    """A time-out for connecting and answering together, which `requests` takes and its types do not know."""
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise requests.Timeout
    return Timeout(total=remaining, connect=min(CONNECT_TIMEOUT, remaining))


def _read(reply: requests.Response) -> bytes:
    """What there is of the body; read to its end, the connection can be used again."""
    content = b""
    with reply:
        while len(content) < BODY_MAX and (chunk := reply.raw.read1(BODY_MAX)):
            content += chunk
    return content[:BODY_MAX]


def _secrets_in(headers: Mapping[str, str]) -> list[str]:
    signed = headers.get("Authorization", "")
    parts = re.findall(r"(?:Access|Signature)=([^,]+)", signed)
    return [headers.get("X-Auth-Token", ""), headers.get("X-Security-Token", ""), signed, *parts]


def _hide_in_json(content: bytes, secrets: Sequence[str]) -> bytes:
    try:  # with every character in one spelling, as JSON has several
        content = json.dumps(json.loads(content), ensure_ascii=False).encode(errors="replace")
    except (ValueError, RecursionError):
        return content  # a page: nothing of it is told
    return _hide(
        content.decode(), [json.dumps(secret, ensure_ascii=False)[1:-1] for secret in secrets]
    ).encode()


def _hide(text: str, secrets: Sequence[str]) -> str:
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text
