"""Asking the consumer for as many events as there are places for.

The client's own `fetch` takes every message with a header `Status` for a word of the server. A producer may
set that header: its event would be dropped at every delivery, or would end the process.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Self

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from deploy.nats.bus.streams import CONSUMER, STREAM

NEXT = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{CONSUMER}"

# How long one request waits at the server, and so how long a stop may take with nothing in hand.
PULL_SECONDS = 1.0

# Seconds that the server's word about the end of a request may be late.
GRACE = 1.0

NO_MESSAGES, EXPIRED, NO_RESPONDERS = "404", "408", "503"


class Puller:
    """Asks for events, and tells them from what the server says of the requests."""

    def __init__(self, bus: Client, inbox: str, replies: asyncio.Queue[Msg]) -> None:
        self._bus = bus
        self._inbox = inbox
        self._replies = replies
        self._requests = 0

    @classmethod
    async def at(cls, bus: Client) -> Self:
        inbox = bus.new_inbox()
        replies: asyncio.Queue[Msg] = asyncio.Queue()
        # The client's own `next_msg` makes two tasks for each message.
        await bus.subscribe(f"{inbox}.*", cb=replies.put)
        return cls(bus, inbox, replies)

    async def pull(self, most: int) -> AsyncIterator[Msg]:
        """Events, each as soon as it is there, until there are so many or PULL_SECONDS are over.

        Raise nats.errors.NoRespondersError if no server answers for the consumer, and another
        nats.errors.Error where the bus is away or refuses the request.
        """
        self._requests += 1
        address = f"{self._inbox}.{self._requests}"
        request = json.dumps({"batch": most, "expires": int(PULL_SECONDS * 1e9)})
        await self._bus.publish(NEXT, request.encode(), reply=address)
        while most:
            try:
                async with asyncio.timeout(PULL_SECONDS + GRACE):
                    message = await self._replies.get()
            except TimeoutError:
                return
            # An event says where to acknowledge it. What the server says of a request does not.
            if message.reply.startswith("$JS.ACK."):
                most -= 1
                yield message
            # Otherwise a word about an earlier request came late.
            elif message.subject == address:
                _check(message.headers or {})
                return


def _check(headers: Mapping[str, str]) -> None:
    """Raise nats.errors.Error unless they say that there is no event now."""
    status = headers.get("Status", "")
    if status == NO_RESPONDERS:
        raise nats.errors.NoRespondersError
    if status not in {NO_MESSAGES, EXPIRED}:
        code = int(status) if status.isdecimal() else None
        raise nats.js.errors.APIError(code=code, description=headers.get("Description"))
