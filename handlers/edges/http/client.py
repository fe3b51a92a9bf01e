"""Calls one service over kept-alive connections, each within a deadline. Only the settings configure it."""

import ssl
import time
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from http.client import BadStatusLine
from pathlib import Path
from typing import Any, NamedTuple

from requests import PreparedRequest
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_auth_from_url
from urllib3 import (
    BaseHTTPResponse,
    HTTPConnectionPool,
    PoolManager,
    ProxyManager,
    Retry,
    Timeout,
    exceptions,
)
from urllib3.util import parse_url

from handlers.core.errors import TagApiUnavailable
from handlers.edges.http.connections import bounded
from handlers.edges.http.masking import redact, redact_json, secrets_in

CONNECT_TIMEOUT = 5.0
"""Seconds."""

BODY_MAX = 65_536
"""Bytes that are read of a body. Published ones have a few hundred; that of an image has some thousand."""


IDLE_MAX = 32
"""Idle connections that are kept. Others are closed after use."""


NEVER = Retry(total=False, redirect=False)
"""urllib3 repeats nothing."""

COMMON = {"Accept-Encoding": "identity", "User-Agent": "image-created-tagger"}
"""Headers of all requests. A compressed error body could expand to any size."""


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """Sends requests to one service.

    service, setting: the name of the service in error messages, and the setting with its address.
    ca_bundle: certificates to trust instead of those that requests brings. body_max: bytes that are read.
    It reads no proxy, certificate or netrc of the environment, and follows no redirect. All requests must go
    to the host of the first one, whose connections are kept.
    """

    def __init__(
        self,
        service: str,
        setting: str,
        *,
        proxy: str | None,
        ca_bundle: Path | None,
        body_max: int = BODY_MAX,
    ) -> None:
        self._service = service
        self._setting = setting
        self._proxy = proxy
        self._body_max = body_max
        self._host = ""
        user, password = get_auth_from_url(proxy or "")
        basic = b64encode(f"{user}:{password}".encode()).decode()
        self._proxy_headers = {"Proxy-Authorization": f"Basic {basic}"} if user else {}
        self._secrets = [password, basic] * bool(password)
        self._ca_bundle = str(ca_bundle or DEFAULT_CA_BUNDLE_PATH)
        # Pools of one connection each, so that no call waits for the connection of another.
        self._idle: deque[HTTPConnectionPool] = deque(maxlen=IDLE_MAX)

    def send(self, request: PreparedRequest, deadline: float, *secrets: str) -> Reply:
        """The answer, whatever its status. Raises TagApiUnavailable.

        deadline: of `time.monotonic`. secrets: those in the body of the request.
        Secrets of the request are masked in every answer, even in a "200 OK", because the log may quote it.
        """
        pool, used = self._acquire(request)
        try:
            reply = self._open(pool, request, deadline, used=used)
            content = b"" if reply.status == HTTPStatus.NO_CONTENT else _read(reply, self._body_max)
            reply.release_conn()
            reply.close()
        except (exceptions.HTTPError, OSError) as error:
            raise TagApiUnavailable(self._describe(error)) from None
        finally:
            self._idle.append(pool)
        if not content and "X-Request-Id" not in reply.headers:
            return Reply(reply.status, reply.headers, content)
        sent = [*secrets, *secrets_in(request.headers), *self._secrets]
        if "X-Request-Id" in reply.headers:
            reply.headers["X-Request-Id"] = redact(reply.headers["X-Request-Id"], sent)
        return Reply(reply.status, reply.headers, redact_json(content, sent) if content else content)

    def status(self, request: PreparedRequest, deadline: float) -> int:
        """The status of the answer, without its body. Raises TagApiUnavailable."""
        pool, used = self._acquire(request)
        try:
            reply = self._open(pool, request, deadline, used=used)
            reply.close()
        except (exceptions.HTTPError, OSError) as error:
            raise TagApiUnavailable(self._describe(error)) from None
        finally:
            pool.close()
        return reply.status

    def _open(
        self, pool: HTTPConnectionPool, request: PreparedRequest, deadline: float, *, used: bool
    ) -> BaseHTTPResponse:
        """The answer, before its body is read. used: whether the pool may hold an old connection."""
        url = request.url or ""
        # A proxy gets the whole address, unless it only tunnels TLS.
        address = url if self._proxy and url.startswith("http://") else request.path_url
        headers = {"Host": self._host, **COMMON, **request.headers}
        while True:
            try:
                return pool.urlopen(
                    request.method or "",
                    address,
                    request.body,
                    headers,
                    retries=NEVER,
                    redirect=False,
                    assert_same_host=False,
                    timeout=_timeout(deadline),
                    preload_content=False,
                    decode_content=False,
                )
            except (exceptions.ProtocolError, exceptions.ProxyError):
                # The other side, or a proxy, may have closed the kept-alive connection. It is safe to send
                # these requests twice.
                if not used:
                    raise
                used = False

    def _acquire(self, request: PreparedRequest) -> tuple[HTTPConnectionPool, bool]:
        """A pool of one connection for one call, and whether it was used before.

        It is a pool of urllib3. A session of requests uses one too, but also handles cookies, redirects and
        proxies for each call.
        """
        try:
            return self._idle.pop(), True
        except IndexError:
            return self._new_pool(request.url or ""), False

    def _new_pool(self, url: str) -> HTTPConnectionPool:
        self._host = parse_url(url).netloc or ""
        options: Any = {"num_pools": 1, "maxsize": 1}
        if url.startswith("https://"):
            options["ssl_context"] = self._ssl_context
        if not self._proxy:
            return bounded(PoolManager(**options).connection_from_url(url))
        if self._proxy.startswith("https://"):
            options["proxy_ssl_context"] = self._ssl_context
        manager = ProxyManager(self._proxy, proxy_headers=self._proxy_headers, **options)
        return bounded(manager.connection_from_url(url))

    @cached_property
    def _ssl_context(self) -> ssl.SSLContext:
        """One context for all connections. Unlike that of urllib3, it ignores SSLKEYLOGFILE."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(self._ca_bundle)
        return context

    def _describe(self, error: Exception) -> str:
        """A sentence for an exception, whose own message may hold addresses and the password of a proxy."""
        match error:
            case exceptions.ProxyError():
                return f"the proxy did not connect to {self._service}; check IMS_PROXY"
            case exceptions.SSLError():
                return f"TLS with {self._service} failed; check {self._setting} and OS_CACERT"
            case exceptions.NameResolutionError():
                return f"the name of the host of {self._service} is unknown; check {self._setting}"
            case exceptions.NewConnectionError(__cause__=ConnectionRefusedError()):
                return f"the connection to {self._service} was refused; check {self._setting}"
            case exceptions.ConnectTimeoutError() if not isinstance(error, exceptions.NewConnectionError):
                return (
                    f"no connection to {self._service} came about in time; check {self._setting},"
                    f" and whether a firewall is in between"
                )
            case exceptions.TimeoutError() | TimeoutError() if not isinstance(
                error, exceptions.NewConnectionError
            ):
                return f"{self._service} did not answer in time; EVENT_TIMEOUT is for all calls of a delivery"
            case exceptions.ProtocolError(args=(_, BadStatusLine())) if not isinstance(
                error.args[1], ConnectionError
            ):
                return f"{self._service} does not speak HTTP, so it is another server; check {self._setting}"
            case _:
                return (
                    f"{self._service} was not reached, or the connection broke;"
                    f" check {self._setting} if this goes on"
                )


def _timeout(deadline: float) -> Timeout:
    """The time-out for connecting and answering together."""
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    return Timeout(total=remaining, connect=min(CONNECT_TIMEOUT, remaining))


def _read(reply: BaseHTTPResponse, most: int) -> bytes:
    """The body, up to so many bytes. The connection can be reused if it was read to its end."""
    content = bytearray()
    with reply:
        while len(content) < most and (chunk := reply.read1(BODY_MAX)):
            content += chunk
    return bytes(content[:most])
