"""The bus as an onlooker sees it: every event as it is published, and its place in the stream.

The stream IMAGES is a work queue, which allows no second consumer. A plain subscription to its subjects gets
a copy of each message all the same, takes nothing away, and sees the whole event, which no log line holds.
The place in the stream, by which the subscription's log names what is no CloudEvent, is in the confirmation
that the bus sends to the publisher: the onlooker reads it along.
"""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Self

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from deploy.local.journal import Journal, Record
from deploy.nats.bus.binding import attribute, cloud_event

SUBJECT = "images.console"
"""Where the console publishes."""

DEAD_STREAM = "IMAGES_DEAD"

CONFIRMATIONS = ("_INBOX.>", "_INBOX_commands.>")
"""Where publishers are answered: those of NATS' own clients by default, and the commands of `main.py`."""

SEEN_WITHIN = 100
"""Hundredths of a second in which the onlooker sees what it has published itself."""

AWAITED = 1000
"""Messages whose confirmation is awaited, and confirmations whose message is; the newest."""


class Bus:
    """Tells a journal what is published, and publishes."""

    def __init__(self, client: Client, journal: Journal) -> None:
        self._client = client
        self._journal = journal
        self._unconfirmed: OrderedDict[str, Record] = OrderedDict()
        self._early: OrderedDict[str, int] = OrderedDict()

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, journal: Journal) -> AsyncIterator[Self]:
        async def quiet(_: Exception) -> None:
            """The stack itself tells when the bus has stopped."""

        client = await nats.connect(url, error_cb=quiet, max_reconnect_attempts=-1, reconnect_time_wait=1)
        try:
            bus = cls(client, journal)
            await client.subscribe("images.>", cb=bus._published)
            for subject in CONFIRMATIONS:
                await client.subscribe(subject, cb=bus._confirmed)
            await client.flush()
            yield bus
        finally:
            with suppress(OSError):  # the bus may have stopped first
                await client.close()

    async def publish(self, headers: Mapping[str, str], body: bytes) -> Record | None:
        """Publishes a message, also one that was published before, and gives its record. Raises OSError."""
        # With its old orders to the bus, such as the id of the message, it would count as a duplicate.
        own = {name: value for name, value in headers.items() if not name.lower().startswith("nats-")}
        try:
            stored = await self._client.jetstream(timeout=5).publish(SUBJECT, body, headers=own)
        except (NatsError, OSError) as error:
            raise OSError(f"The bus did not take the event: {type(error).__name__}.") from None
        for _ in range(SEEN_WITHIN):
            if record := self._journal.at(stored.seq):
                return record
            await asyncio.sleep(0.01)
        return None

    async def dead_letters(self) -> int | None:
        """How many there are; None if the bus does not say."""
        try:
            return int((await self._client.jetstream(timeout=2).stream_info(DEAD_STREAM)).state.messages)
        except (NotFoundError, NatsError, OSError):
            return None

    async def _published(self, message: Msg) -> None:
        event = cloud_event(message.headers or {}, message.data)
        event_id = attribute(event, "id") or ""
        record = self._journal.publish(event_id, message.headers or {}, message.data, time.time())
        record.type = attribute(event, "type") or ""
        if (sequence := self._early.pop(message.reply, None)) is not None:
            self._journal.bind(record, sequence)
        elif message.reply:
            self._unconfirmed[message.reply] = record
            _bound(self._unconfirmed)

    async def _confirmed(self, message: Msg) -> None:
        try:
            confirmation = json.loads(message.data)
            if confirmation["stream"] != "IMAGES":
                return
            sequence = int(confirmation["seq"])
        except (ValueError, LookupError, TypeError):
            return
        if record := self._unconfirmed.pop(message.subject, None):
            if confirmation.get("duplicate"):
                # The bus has it already: nothing comes of this message.
                self._journal.drop(record)
            else:
                self._journal.bind(record, sequence)
        elif not confirmation.get("duplicate"):
            self._early[message.subject] = sequence
            _bound(self._early)


def _bound(awaited: OrderedDict[str, Record] | OrderedDict[str, int]) -> None:
    if len(awaited) > AWAITED:
        awaited.popitem(last=False)
