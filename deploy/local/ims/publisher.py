"""Publishing events to NATS JetStream, in order, each until it is kept."""

import asyncio
import json
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError

FIRST_CONNECTION = 3.0
"""Seconds that the bus has to be there at the start."""
NEXT_ATTEMPT = 0.5
"""Seconds between attempts to publish."""
CONFIRMATION = 2.0
"""Seconds that JetStream has to confirm an event."""


class BusUnreachable(Exception):
    pass


class Publisher:
    def __init__(self, connection: Client, subject: str) -> None:
        self._connection = connection
        self._subject = subject
        self._failing = False
        self._arrived = asyncio.Event()
        # Not bounded: an event that the bus does not keep yet exists nowhere else.
        self._pending: deque[dict[str, Any]] = deque()

    def publish(self, event: dict[str, Any]) -> None:
        self._pending.append(event)
        self._arrived.set()

    def forget(self) -> None:
        """Drop what is not yet published, and say so."""
        if self._pending:
            print(f"Events dropped before they were published: {len(self._pending)}.", file=sys.stderr)
        self._pending.clear()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._pending:
                event = self._pending[0]
                if not await self._kept(event):
                    await asyncio.sleep(NEXT_ATTEMPT)
                elif self._pending and self._pending[0] is event:
                    # Still there: nobody has called `forget` in the meantime.
                    self._pending.popleft()

    async def _kept(self, event: dict[str, Any]) -> bool:
        """Whether JetStream confirmed the event. The message id makes repeated attempts harmless."""
        headers = {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": event["id"]}
        try:
            # Without a connection the client would buffer one more copy with each attempt.
            if not self._connection.is_connected:
                raise ConnectionError("no connection to the bus")
            body = json.dumps(event).encode()
            stream = self._connection.jetstream(timeout=CONFIRMATION)
            await stream.publish(self._subject, body, headers=headers)
        except (NatsError, OSError) as problem:
            if not self._failing:
                reason = str(problem) or type(problem).__name__
                print(f"Publishing events fails and is tried again: {reason}.", file=sys.stderr)
            self._failing = True
            return False
        if self._failing:
            print("Publishing events works again.", file=sys.stderr)
        self._failing = False
        return True


@asynccontextmanager
async def publisher(url: str | None, subject: str) -> AsyncIterator[Publisher | None]:
    """A publisher at work, or none without an address. Raises `BusUnreachable`."""
    if url is None:
        yield None
        return
    connection = await _connection(url)
    publisher = Publisher(connection, subject)
    publishing = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        publishing.cancel()
        publisher.forget()
        await connection.close()


async def _connection(url: str) -> Client:
    """One that comes back by itself for ever, once it was there."""

    async def quiet(_: Exception) -> None:
        """The publisher says what matters, once."""

    try:
        async with asyncio.timeout(FIRST_CONNECTION):
            return await nats.connect(url, error_cb=quiet, max_reconnect_attempts=-1, reconnect_time_wait=1)
    except (NatsError, OSError, ValueError) as problem:
        raise BusUnreachable(f"No NATS server answers at {url}: start one, or correct --nats.") from problem
