import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg

from .bus import BusNotReady
from .delivery import CONFIRM_SECONDS
from .letter import Letter
from .streams import DEAD_STREAM, DEAD_SUBJECTS, STREAM

# The server's own error code, which has no name in the client.
TOO_LARGE = 10054


class DeadStream:
    """The stream of dead letters. Reading takes nothing out of it and needs no consumer."""

    def __init__(self, js: JetStreamContext) -> None:
        self._js = js

    async def last(self) -> int:
        """The highest sequence so far. Raise BusNotReady if there is no such stream."""
        try:
            return (await self._js.stream_info(DEAD_STREAM)).state.last_seq
        except nats.js.errors.ServiceUnavailableError:
            raise BusNotReady("The server has no JetStream; correct NATS_URL or enable JetStream.") from None
        except nats.js.errors.NotFoundError:
            raise BusNotReady(
                f"There is no stream {DEAD_STREAM}; correct NATS_URL, or start the subscription once."
            ) from None

    async def letter(self, sequence: int) -> Letter | None:
        """The dead letter with this sequence, if there is one."""
        try:
            return _letter(await self._js.get_msg(DEAD_STREAM, sequence))
        except nats.js.errors.NotFoundError:
            return None

    async def letters(self, last: int) -> AsyncIterator[Letter]:
        """All in order, up to a sequence, however many come meanwhile."""
        sequence = 1
        while sequence <= last:
            try:
                message = await self._js.get_msg(DEAD_STREAM, sequence, f"{DEAD_SUBJECTS}>", next=True)
            except nats.js.errors.NotFoundError:
                return
            letter = _letter(message)
            if letter.sequence <= last:
                yield letter
            sequence = letter.sequence + 1

    async def redrive(self, letter: Letter) -> str | None:
        """Publish the event again, and when that is confirmed delete the dead letter.

        Return why the event cannot be published, None if it was. Raise BusNotReady if no event can.
        """
        headers, data = letter.message
        # The same for the same dead letter: what was interrupted before the deletion is not published twice.
        headers["Nats-Msg-Id"] = f"redrive.{letter.sequence}.{letter.stored.isoformat()}"
        try:
            await self._js.publish(
                letter.event_subject, data, timeout=CONFIRM_SECONDS, stream=STREAM, headers=headers
            )
        except nats.js.errors.NoStreamResponseError:
            raise BusNotReady(
                f"There is no stream {STREAM}; start the subscription, which makes it."
            ) from None
        except nats.js.errors.APIError as error:
            if error.err_code == TOO_LARGE:
                return f"the event has {len(data)} bytes, more than {STREAM} takes; raise MAX_EVENT_BYTES"
            raise BusNotReady(
                f"{STREAM} takes no events ({error.description}); mend that and run the command again."
            ) from None
        await self._js.delete_msg(DEAD_STREAM, letter.sequence)
        return None


def _letter(message: RawStreamMsg) -> Letter:
    # The client's own reading of stored headers spoils what is not ASCII.
    lines = base64.b64decode(message.hdrs or "").decode(errors="replace").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if line)
    headers = {name: value.strip() for name, _, value in pairs}
    # The client declares as optional what the server always gives.
    stored = message.time or datetime.min.replace(tzinfo=UTC)
    return Letter(message.seq or 0, message.subject or "", stored, headers, message.data or b"")
