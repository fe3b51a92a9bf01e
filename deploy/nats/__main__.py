"""`python -m deploy.nats`: wires the parts and runs them."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable

import uvloop

from . import policy
from .bus.connection import BusNotReady, connect
from .bus.streams import CONSUMER, STREAM, prepare
from .errors import LibraryHandler, places
from .log import log
from .settings import InvalidSettings, Settings, public
from .subscriber import Subscriber
from .subscription import Subscription

# After so many seconds without a sign of a delivery the bus gives the event to another process.
# A living one gives four signs in that time.
ACK_WAIT = 60.0


def main(*, ack_wait: float = ACK_WAIT, back_off: Callable[[int], float] = policy.back_off) -> int:
    """Run the subscription until SIGTERM or SIGINT, and return the exit status.

    0: stopped. 1: the bus is not there or not ready, or a fault of the subscription ended it. 2: a setting is
    missing or malformed.
    """
    logging.basicConfig(handlers=[LibraryHandler(logging.ERROR)], force=True)
    try:
        uvloop.run(_run(Settings.from_environ(os.environ), ack_wait=ack_wait, back_off=back_off))
    except InvalidSettings as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    except BusNotReady as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    except Exception as fault:  # noqa: BLE001 - a traceback would repeat what came from outside
        while isinstance(fault, ExceptionGroup):
            fault = fault.exceptions[0]
        sys.stderr.write(
            f"A fault of the subscription ended it: {type(fault).__name__} at {places(fault)}.\n"
        )
        return 1
    return 0


async def _run(settings: Settings, *, ack_wait: float, back_off: Callable[[int], float]) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    for warning in settings.warnings():
        log("settings.warning", "WARNING", reason="SecretInClear", detail=warning)
    async with (
        connect(settings.nats_urls, stopping, creds=settings.nats_creds, ca=settings.nats_ca) as bus,
        Subscriber.at(
            settings.subscriber_url,
            token=settings.subscriber_token,
            seconds=settings.delivery_timeout,
            parallel=settings.parallel,
        ) as subscriber,
    ):
        await prepare(bus, max_event_bytes=settings.max_event_bytes, ack_wait=ack_wait)
        subscription = Subscription(
            bus, subscriber, settings, ack_wait=ack_wait, back_off=back_off, stopping=stopping
        )
        log(
            "subscription.ready",
            stream=STREAM,
            consumer=CONSUMER,
            subscriber=public(settings.subscriber_url),
            parallel=settings.parallel,
            attempts=settings.attempts,
        )
        # What is here stays. To look through it for garbage again and again takes a twentieth of the time.
        gc.freeze()
        await subscription.run()
    log("subscription.stopped")


if __name__ == "__main__":
    sys.exit(main())
