import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats.errors
import nats.js.errors
from nats.aio.client import Client

from .log import log

CONNECT_SECONDS = 3

# A server whose machine is gone says no farewell. Asked so often, it is taken for lost at the second silence;
# the client's own default would have nothing delivered for six minutes.
PING_SECONDS = 10


class BusUnfit(Exception):
    """The bus is not there, or not as it has to be; the message says what to do."""


@asynccontextmanager
async def visited(
    urls: tuple[str, ...], *, creds: Path | None = None, ca: Path | None = None
) -> AsyncIterator[Client]:
    """A connection for one command; `creds` and `ca` as of `connected`.

    Raise BusUnfit if no server answers, and if one does not do what it is asked for.
    """
    bus = Client()
    faults: list[Exception] = []

    async def fault(error: Exception) -> None:
        faults.append(error)

    try:
        await bus.connect(
            list(urls),
            name="images",
            user_credentials=creds,
            tls=ssl.create_default_context(cafile=ca),
            error_cb=fault,
            allow_reconnect=False,
            connect_timeout=CONNECT_SECONDS,
            # Without these a client tries for two minutes.
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
        )
    except (OSError, nats.errors.Error) as error:
        why = [*faults, error][0]
        raise BusUnfit(f"NATS does not answer ({why}); start it or correct NATS_URL.") from None
    try:
        yield bus
    except (nats.errors.Error, nats.js.errors.Error) as error:
        raise BusUnfit(f"The bus did not do its part ({error}); run the command again.") from None
    finally:
        await bus.close()


@asynccontextmanager
async def connected(
    urls: tuple[str, ...],
    stopping: asyncio.Event,
    *,
    creds: Path | None = None,
    ca: Path | None = None,
    ping_every: int = PING_SECONDS,
) -> AsyncIterator[Client]:
    """A connection that comes back for as long as `stopping` is not set, and sets it if it cannot.

    creds: file of credentials; ca: file of certificates to trust instead of the usual ones.
    ping_every: seconds.
    Raise BusUnfit if no server answers at first, and at the end if the server closed the connection for good.
    """
    bus = Client()
    faults: list[Exception] = []
    given_up = False

    async def fault(error: Exception) -> None:
        # The last three that differ: a refused sign-in is told once, and then the connection is reset.
        faults[:] = [*(other for other in faults[-2:] if str(other) != str(error)), error]

    async def lost() -> None:
        if not stopping.is_set():
            log("bus.lost", "WARNING", reason=str(faults[-1]) if faults else "")

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
                tls=ssl.create_default_context(cafile=ca),
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
        why = f" ({'; '.join(map(str, faults))})" if faults else ""
        raise BusUnfit(f"NATS does not answer{why}; start it or correct NATS_URL.") from None
    faults.clear()
    try:
        yield bus
    finally:
        stopping.set()
        await bus.close()
    if given_up:
        raise BusUnfit(
            f"NATS closed the connection for good ({bus.last_error}); start again when that is mended."
        )
