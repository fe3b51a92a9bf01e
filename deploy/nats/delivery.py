"""One message in hand: what it is, and the ways to settle it with the bus."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from .bus.binding import attribute, cloud_event, http_headers
from .bus.streams import DEAD_STREAM, DEAD_SUBJECTS, SUBJECTS
from .dead_letters import Failure, dead_letter
from .errors import describe

CONFIRM_SECONDS = 5.0

LONGEST_SUBJECT = 512
"""Characters of a dead letter's subject. That of an event may fill a line of the protocol: 4,096 bytes."""


class Delivery:
    """One delivery of one message.

    event: as `binding.cloud_event` reads it; with None the message is no CloudEvent, or is taken as none.
    attempt: how often the bus has delivered the message, 1 = the first time.
    """

    def __init__(self, js: JetStreamContext, message: Msg, event: Mapping[str, str] | None = None) -> None:
        self._js = js
        self._message = message
        self._event = event
        self.attempt = message.metadata.num_delivered

    @classmethod
    def of(cls, js: JetStreamContext, message: Msg) -> Self:
        return cls(js, message, cloud_event(message.headers or {}, message.data))

    @property
    def request(self) -> tuple[dict[str, str], bytes]:
        """The headers and the body to post."""
        return http_headers(self._message.headers or {}), self._message.data

    @property
    def fields(self) -> dict[str, Any]:
        """What log lines say of it; names of a CloudEvent are null where it is none."""
        return {
            "event_id": attribute(self._event, "id"),
            "event_source": attribute(self._event, "source"),
            "event_type": attribute(self._event, "type"),
            "subject": self._message.subject,
            "sequence": self._message.metadata.sequence.stream,
            "attempt": self.attempt,
        }

    async def in_progress(self) -> None:
        """Tell the bus that the message is being worked on."""
        # While the bus is away nobody hears it; when it is back, the next one may be in time.
        with suppress(nats.errors.Error):
            if not self._message.is_acked:
                await self._message.in_progress()

    async def ack(self) -> bool:
        """Acknowledge; False if the bus did not confirm, and so may deliver the message again."""
        try:
            await self._message.ack_sync(CONFIRM_SECONDS)
        except nats.errors.Error:
            return False
        return True

    async def nak(self, delay: float) -> None:
        """Ask for another delivery after `delay` seconds."""
        # Unheard, the bus delivers again for want of an acknowledgement.
        with suppress(nats.errors.Error):
            await self._message.nak(delay)

    async def keep(self, failure: Failure) -> str | None:
        """Store the dead letter; why the bus did not confirm it, None if it did."""
        metadata = self._message.metadata
        headers, data = dead_letter(self._message.headers or {}, self._message.data, self._event, failure)
        # A sequence begins anew when a stream is made anew; with the time of storage it is unique.
        headers["Nats-Msg-Id"] = (
            f"{metadata.stream}.{metadata.sequence.stream}.{metadata.timestamp.isoformat()}"
        )
        subject = self._message.subject.removeprefix(SUBJECTS)[:LONGEST_SUBJECT].rstrip(".")
        try:
            await self._js.publish(
                DEAD_SUBJECTS + subject, data, timeout=CONFIRM_SECONDS, stream=DEAD_STREAM, headers=headers
            )
        except nats.errors.Error as error:
            return describe(error)
        return None
