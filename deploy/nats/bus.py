import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.client import Client

from .log import log

CONNECT_SECONDS = 3.0


class BusUnfit(Exception):
    """The bus is not there, or not as it has to be; the message says what to do."""


@asynccontextmanager
async def connected(urls: tuple[str, ...], stopping: asyncio.Event) -> AsyncIterator[Client]:
    """A connection that comes back for as long as `stopping` is not set, and sets it if it cannot.

    Raise BusUnfit if no server answers at first, and at the end if the server closed the connection for good.
    """
    bus = Client()
    faults: list[Exception] = []
    given_up = False

    async def fault(error: Exception) -> None:
        faults[:] = [error]

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
                error_cb=fault,
                disconnected_cb=lost,
                reconnected_cb=back,
                closed_cb=closed,
                max_reconnect_attempts=-1,
                reconnect_time_wait=1,
                # Nothing is kept for a bus that is away: requests sent late would bring deliveries
                # that nobody waits for.
                pending_size=0,
            )
    except TimeoutError:
        why = f" ({faults[-1]})" if faults else ""
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
