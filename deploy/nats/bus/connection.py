"""The connection to the bus: it comes back when it was lost, and demands TLS where it has to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from deploy.nats.errors import describe, sentence
from deploy.nats.log import log
from deploy.nats.settings import demands_tls, tls_context

CONNECT_SECONDS = 3

# A server whose machine is gone says no farewell. Asked so often, it is taken for lost at the second silence;
# the client's own default would have nothing delivered for six minutes.
PING_SECONDS = 10

INBOX = "_INBOX_subscription"
"""Replies come below this subject, which no other user needs a right to read."""


class BusNotReady(Exception):
    """The bus is not there, or not as it has to be; the message says what to do."""


class _Client(Client):
    """NATS' own client, made safe against servers, producers and files that are not as they should be.

    demands_tls: refuse servers that offer no TLS, before anything is sent to them. The client itself encrypts
    only if the server asks for it, whatever the scheme of its URL is. ca: file of certificates to trust
    instead of the usual ones.
    """

    def __init__(self, *, demands_tls: bool, ca: Path | None) -> None:
        super().__init__()
        self._demands_tls = demands_tls
        self._ca = ca

    # Asked for where a connection is encrypted: to read the usual certificates takes as long as 100 events.
    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        return tls_context(self._ca)

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        # Each connection begins here, also one to a server that the cluster has named.
        if initial_connection and self._demands_tls:
            if not (info.get("tls_required") or info.get("tls_available")):
                raise nats.errors.SecureConnWantedError
            info["tls_required"] = True
        await super()._process_info(info, initial_connection)

    async def _process_connect_init(self) -> None:
        try:
            await super()._process_connect_init()
        except Exception:
            # At a reconnection nobody else does.
            if self._transport:
                self._transport.close()  # type: ignore[no-untyped-call]  # nats-py gives it no types
            raise

    def _connect_command(self) -> bytes:
        try:
            return super()._connect_command()
        except Exception:  # noqa: BLE001 - whatever is in the file must not end the attempts to connect again
            raise nats.errors.InvalidUserCredentialsError from None

    # What a producer has sent must not end the loop that reads.

    async def _process_headers(self, headers: bytes) -> dict[str, str] | None:
        try:
            return await super()._process_headers(headers)
        except (IndexError, ValueError):
            return None

    def _build_message(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None
    ) -> Msg:
        readable = subject.decode(errors="replace").encode()
        message: Msg = super()._build_message(sid, readable, reply, data, headers)
        return message


@asynccontextmanager
async def connect(
    urls: tuple[str, ...],
    stopping: asyncio.Event,
    *,
    creds: Path | None = None,
    ca: Path | None = None,
    ping_every: int = PING_SECONDS,
) -> AsyncIterator[Client]:
    """A connection that comes back for as long as `stopping` is not set, and sets it if it cannot.

    creds: file of credentials. ca: file of certificates to trust instead of the usual ones; with it, or with
    tls:// in one of the URLs, every server has to offer TLS. ping_every: seconds.
    Raise BusNotReady if no server answers at first, and at the end if the server closed the connection for
    good.
    """
    bus = _Client(demands_tls=demands_tls(urls, ca), ca=ca)
    # Each once: at the start, and then since the connection was last made.
    faults: list[str] = []
    started = given_up = False

    async def fault(error: Exception) -> None:
        if (why := describe(error)) not in faults:
            faults.append(why)
            if started:
                log("bus.error", "WARNING", reason="BusError", detail=sentence(why))

    async def lost() -> None:
        if not stopping.is_set():
            log("bus.lost", "WARNING", reason="BusLost", detail=sentence(faults[-1]) if faults else None)

    async def back() -> None:
        faults.clear()
        log("bus.back")

    async def closed() -> None:
        nonlocal given_up
        given_up = not stopping.is_set()
        stopping.set()

    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await bus.connect(
                list(urls),
                name="images",
                user_credentials=creds,
                inbox_prefix=INBOX,
                error_cb=fault,
                disconnected_cb=lost,
                reconnected_cb=back,
                closed_cb=closed,
                max_reconnect_attempts=-1,
                reconnect_time_wait=1,
                ping_interval=ping_every,
                max_outstanding_pings=1,
                # Nothing is kept for a bus that is away: requests sent late would bring deliveries
                # that nobody waits for.
                pending_size=0,
            )
    except TimeoutError:
        why = f" ({'; '.join(faults)})" if faults else ""
        raise BusNotReady(f"NATS does not answer{why}; start it or correct NATS_URL.") from None
    faults.clear()
    started = True
    try:
        yield bus
    finally:
        stopping.set()
        with suppress(OSError):  # the bus may have gone first
            await bus.close()
    if given_up:
        why = describe(bus.last_error) if bus.last_error else "it gave no reason"
        raise BusNotReady(f"NATS closed the connection for good ({why}); start again when that is mended.")
