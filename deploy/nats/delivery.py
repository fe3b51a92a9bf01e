"""One message in hand: what it is, and the ways to settle it with the bus."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from .bus.acknowledge import CONFIRM_SECONDS, Acknowledger
from .bus.binding import attribute, cloud_event, http_headers
from .bus.streams import DEAD_STREAM, DEAD_SUBJECTS, SUBJECTS
from .dead_letters import Failure, dead_letter
from .errors import describe

LONGEST_SUBJECT = 512
"""Characters of a dead letter's subject. That of an event may fill a line of the protocol: 4,096 bytes."""

SHORT_ADDRESS = 9
"""Tokens of the address of an acknowledgement that names neither domain nor account."""


class Delivery:
    """One delivery of one message.

    event: as `binding.cloud_event` reads it; with None the message is no CloudEvent, or is taken as none.
    attempt: how often the bus has delivered the message, 1 = the first time.
    """

    def __init__(
        self, js: JetStreamContext, acks: Acknowledger, message: Msg, event: Mapping[str, str] | None = None
    ) -> None:
        self._js = js
        self._acks = acks
        self._settled = False
        self._message = message
        self._event = event
        self.attempt, self._sequence = _counts(message.reply)

    @classmethod
    def of(cls, js: JetStreamContext, acks: Acknowledger, message: Msg) -> Self:
        return cls(js, acks, message, cloud_event(message.headers or {}, message.data))

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
            "sequence": self._sequence,
            "attempt": self.attempt,
        }

    async def in_progress(self) -> None:
        """Tell the bus that the message is being worked on."""
        # While the bus is away nobody hears it; when it is back, the next one may be in time.
        with suppress(nats.errors.Error):
            if not self._settled:
                await self._message.in_progress()

    async def ack(self) -> bool:
        """Acknowledge; False if the bus did not confirm, and so may deliver the message again."""
        self._settled = await self._acks.ack(self._message)
        return self._settled

    async def nak(self, delay: float) -> None:
        """Ask for another delivery after `delay` seconds."""
        # Unheard, the bus delivers again for want of an acknowledgement.
        with suppress(nats.errors.Error):
            await self._message.nak(delay)
            self._settled = True

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


def _counts(reply: str) -> tuple[int, int]:
    """How often the message was delivered, and its sequence in the stream.

    reply: where to acknowledge it, which says both. The client's own `metadata` makes eight values of it, a
    date among them, and that for each event.
    """
    tokens = reply.split(".")
    # $JS.ACK, then the domain and the account where the server knows them, then the stream and the consumer.
    at = 4 if len(tokens) == SHORT_ADDRESS else 6
    return int(tokens[at]), int(tokens[at + 1])
