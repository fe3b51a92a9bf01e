"""A producer as it should be: none of its events is lost, and none is kept twice."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import nats
import nats.errors

CONFIRM_SECONDS = 2.0
AGAIN_SECONDS = 0.1


async def publish(
    events: Sequence[Mapping[str, Any]],
    servers: list[str],
    *,
    batch: int = 250,
    pause: float = 0,
    again: str = "",
    **how: Any,
) -> None:
    """Publish each event, again under the same message id, until the bus has confirmed it.

    batch: how many at once. pause: seconds after each batch. again: what is added to the message ids, so that
    the bus keeps events that it has already. how: for the client, such as credentials.
    """
    bus = await nats.connect(
        servers, max_reconnect_attempts=-1, reconnect_time_wait=AGAIN_SECONDS, error_cb=_quiet, **how
    )
    stream = bus.jetstream(timeout=CONFIRM_SECONDS)

    async def until_kept(event: Mapping[str, Any]) -> None:
        headers = {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": f"{event['id']}{again}"}
        while True:
            with suppress(nats.errors.Error):
                await stream.publish("images.created", json.dumps(event).encode(), headers=headers)
                return
            await asyncio.sleep(AGAIN_SECONDS)

    try:
        for start in range(0, len(events), batch):
            await asyncio.gather(*map(until_kept, events[start : start + batch]))
            await asyncio.sleep(pause)
    finally:
        await bus.close()


async def _quiet(_: Exception) -> None:
    """A bus that was killed is no news."""
