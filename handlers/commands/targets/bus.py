"""A bus of NATS for commands, which wait for each answer. Nothing else of the commands is asynchronous."""

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from handlers.commands.files import UsageError
from handlers.commands.targets.connection import Address, connect
from handlers.core.dead_letters.message import Message

STREAM, SUBJECTS = "IMAGES", "images."
DEAD_STREAM, DEAD_SUBJECTS = "IMAGES_DEAD", "images-dead."

CONFIRM_TIMEOUT = 5.0
"""Seconds."""

TOO_LARGE = 10054
"""The server's own error code, which has no name in the client."""

T = TypeVar("T")


class StoredMessage(NamedTuple):
    """A message as a stream keeps it. stored: an aware time."""

    sequence: int
    subject: str
    stored: datetime
    headers: Mapping[str, str]
    data: bytes


class Refused(Exception):
    """The stream does not take a message, in words. stop: it takes no other one either."""

    def __init__(self, words: str, *, stop: bool = False) -> None:
        super().__init__(words)
        self.stop = stop


class Bus:
    """One connection, which is made again once where it was lost, for everything here can be done twice."""

    def __init__(self, place: str, environ: Mapping[str, str]) -> None:
        """Raises UsageError or InvalidSetting."""
        self._address = Address.of(place, environ)
        self._client: Client | None = None
        self._runner = asyncio.Runner()
        try:
            self._runner.run(self._connected())
        except BaseException:
            self._runner.close()
            raise

    def last_sequence(self, stream: str) -> int:
        """The highest sequence so far. Raises UsageError, also where there is no such stream."""
        try:
            return self._do(lambda jetstream: jetstream.stream_info(stream)).state.last_seq
        except nats.js.errors.NotFoundError:
            message = f"there is no stream {stream}; correct the address, or start the subscription once"
            raise UsageError(message) from None

    def message(self, stream: str, sequence: int, next_of: str | None = None) -> StoredMessage | None:
        """The message of this sequence, or with `next_of` the first from there on of such a subject."""
        by_subject = next_of is not None
        try:
            found = self._do(lambda jetstream: jetstream.get_msg(stream, sequence, next_of, next=by_subject))
        except nats.js.errors.NotFoundError:
            return None
        # The client's own reading of stored headers spoils what is not ASCII.
        lines = b64decode(found.hdrs or "").decode(errors="replace").split("\r\n")[1:]
        headers = {name: value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        # The client declares as optional what the server always gives.
        stored = found.time or datetime.min.replace(tzinfo=UTC)
        return StoredMessage(found.seq or 0, found.subject or "", stored, headers, found.data or b"")

    def delete(self, stream: str, sequence: int) -> None:
        """Deletes a message, which may be gone already. Raises UsageError."""
        try:
            self._do(lambda jetstream: jetstream.delete_msg(stream, sequence))
        except nats.js.errors.NotFoundError:
            return
        except nats.js.errors.APIError:
            message = (
                f"{stream} does not let message {sequence} be deleted; allow it in the stream's settings"
            )
            raise UsageError(message) from None

    def publish(self, message: Message, subject: str, message_id: str) -> tuple[int, bool]:
        """Publishes to IMAGES, and waits until it is stored there. Raises Refused.

        message_id: the stream keeps one message of an id, for a while. Gives the sequence, and if it is new.
        """
        headers = dict(message.headers) | ({"Nats-Msg-Id": message_id} if message_id else {})
        try:
            stored = self._do(
                lambda jetstream: jetstream.publish(
                    subject, message.body, timeout=CONFIRM_TIMEOUT, stream=STREAM, headers=headers
                )
            )
        except nats.js.errors.NoStreamResponseError:
            words = f"there is no stream {STREAM}; start the subscription, which makes it"
            raise Refused(words, stop=True) from None
        except nats.errors.MaxPayloadError:
            raise Refused(f"it has {len(message.body)} bytes, more than the server's max_payload") from None
        except nats.js.errors.APIError as error:
            if error.err_code == TOO_LARGE:
                words = f"it has {len(message.body)} bytes, more than {STREAM} takes; raise MAX_EVENT_BYTES"
                raise Refused(words) from None
            words = (
                f"{STREAM} takes no message (error {error.err_code} of the server); see whether it is full"
            )
            raise Refused(words, stop=True) from None
        return stored.seq, not stored.duplicate

    def close(self) -> None:
        """Ends the connection."""
        if self._client:
            self._runner.run(self._lost())
        self._runner.close()

    def _do(self, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        """Raises UsageError where the bus is away. What it answers otherwise is for the caller."""

        async def done() -> T:
            return await work((await self._connected()).jetstream())

        for _ in range(2):
            try:
                return self._runner.run(done())
            except nats.js.errors.ServiceUnavailableError:
                message = "the server has no JetStream; correct the address, or enable JetStream"
                raise UsageError(message) from None
            except (nats.js.errors.Error, nats.errors.MaxPayloadError):
                raise
            except (nats.errors.Error, OSError):
                # While nobody reads from a connection, as in a long wait between two events, it may be lost.
                self._runner.run(self._lost())
        message = "the bus does not answer, or does not let this user do it; see to it, then run this again"
        raise UsageError(message)

    async def _lost(self) -> None:
        if self._client:
            with suppress(OSError):  # it may be lost already
                await self._client.close()
        self._client = None

    async def _connected(self) -> Client:
        if self._client is None:
            self._client = await connect(self._address)
        return self._client
