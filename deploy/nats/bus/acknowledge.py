"""Acknowledgements that the bus confirms.

The client's own `ack_sync` draws a random name for each reply and makes a task wait for it, which adds a
twentieth to the processor time of an event.
"""

import asyncio

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

CONFIRM_SECONDS = 5.0


class Acknowledger:
    """Acknowledges messages, and hears the bus confirm it."""

    def __init__(self, bus: Client) -> None:
        self._bus = bus
        self._loop = asyncio.get_running_loop()
        self._inbox = bus.new_inbox()
        self._sent = 0
        self._waiting: dict[str, asyncio.Future[bool]] = {}

    async def listen(self) -> None:
        """To be called once, before the first acknowledgement."""
        await self._bus.subscribe(f"{self._inbox}.*", cb=self._hear)

    async def ack(self, message: Msg) -> bool:
        """Acknowledge; False if the bus did not confirm, and so may deliver the message again."""
        self._sent += 1
        address = f"{self._inbox}.{self._sent}"
        confirmed: asyncio.Future[bool] = self._loop.create_future()
        self._waiting[address] = confirmed
        timer = self._loop.call_later(CONFIRM_SECONDS, _settle, confirmed, False)
        try:
            await self._bus.publish(message.reply, reply=address)
            return await confirmed
        except nats.errors.Error:
            return False
        finally:
            timer.cancel()
            del self._waiting[address]

    async def _hear(self, message: Msg) -> None:
        if confirmed := self._waiting.get(message.subject):
            # A header comes from a server that knows nobody who takes the acknowledgement.
            _settle(confirmed, not message.headers)


def _settle(confirmed: asyncio.Future[bool], answer: bool) -> None:
    if not confirmed.done():
        confirmed.set_result(answer)
