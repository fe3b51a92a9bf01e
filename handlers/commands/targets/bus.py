"""A bus of NATS for commands, which wait for each answer. Nothing else of the commands knows asyncio."""

import asyncio
import ssl
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from handlers.commands.files import UsageError
from handlers.core.dead_letters.message import Message
from handlers.edges.settings.parsers import certificates, optional

NEEDED = "an address of NATS needs the package nats-py; run: python -m pip install 'nats-py[nkeys]'"

try:
    import nats.errors
    import nats.js.errors
    from nats.aio.client import Client
    from nats.js import JetStreamContext
except ImportError:
    raise UsageError(NEEDED) from None

STREAM, SUBJECTS = "IMAGES", "images."
DEAD_STREAM, DEAD_SUBJECTS = "IMAGES_DEAD", "images-dead."

INBOX = "_INBOX_commands"
"""Replies come below this subject, which no other user needs a right to read."""

CONNECT_TIMEOUT = 3
CONFIRM_TIMEOUT = 5.0
"""Seconds."""

TOO_LARGE = 10054
"""The server's own error code, which has no name in the client."""

NO_ANSWER = (nats.errors.Error, OSError, TimeoutError)

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
        """place: servers of one bus, `nats://host:port[,host:port]`. Raises UsageError or InvalidSetting."""
        self._urls = _servers(place)
        self._credentials = optional(environ, "NATS_CREDS", _credentials)
        authority = optional(environ, "NATS_CA", certificates)
        self._tls = _tls_context(authority)
        self._demands_tls = authority is not None or self._urls[0].startswith("tls://")
        self._client: _Client | None = None
        self._runner = asyncio.Runner()
        try:
            self._runner.run(self._connected())
        except BaseException:
            self._runner.close()
            raise

    def last_sequence(self, stream: str) -> int:
        """The highest sequence so far. Raises UsageError, also where there is no such stream."""

        async def work(jetstream: JetStreamContext) -> int:
            return (await jetstream.stream_info(stream)).state.last_seq

        try:
            return self._do(work)
        except nats.js.errors.NotFoundError:
            message = f"there is no stream {stream}; correct the address, or start the subscription once"
            raise UsageError(message) from None

    def message(self, stream: str, sequence: int, next_of: str | None = None) -> StoredMessage | None:
        """The message of this sequence, or with `next_of` the first from there on of such a subject."""

        async def work(jetstream: JetStreamContext) -> StoredMessage:
            found = await jetstream.get_msg(stream, sequence, next_of, next=next_of is not None)
            # The client's own reading of stored headers spoils what is not ASCII.
            lines = b64decode(found.hdrs or "").decode(errors="replace").split("\r\n")[1:]
            pairs = (line.partition(":") for line in lines if line)
            headers = {name: value.strip() for name, _, value in pairs}
            # The client declares as optional what the server always gives.
            stored = found.time or datetime.min.replace(tzinfo=UTC)
            return StoredMessage(found.seq or 0, found.subject or "", stored, headers, found.data or b"")

        try:
            return self._do(work)
        except nats.js.errors.NotFoundError:
            return None

    def delete(self, stream: str, sequence: int) -> None:
        """Deletes a message, which may be gone already."""

        async def work(jetstream: JetStreamContext) -> None:
            await jetstream.delete_msg(stream, sequence)

        try:
            self._do(work)
        except nats.js.errors.NotFoundError:
            return
        except nats.js.errors.APIError:
            # What is not deleted is redriven by the next run as well.
            message = (
                f"{stream} does not let message {sequence} be deleted; allow it in the stream's settings"
            )
            raise UsageError(message) from None

    def publish(self, message: Message, subject: str, message_id: str) -> tuple[int, bool]:
        """Publishes to IMAGES, and waits until it is stored there. Raises Refused.

        message_id: the stream keeps one message of an id, for a while. Gives the sequence, and if it is new.
        """
        headers = dict(message.headers) | ({"Nats-Msg-Id": message_id} if message_id else {})

        async def work(jetstream: JetStreamContext) -> tuple[int, bool]:
            acknowledged = await jetstream.publish(
                subject, message.body, timeout=CONFIRM_TIMEOUT, stream=STREAM, headers=headers
            )
            return acknowledged.seq, not acknowledged.duplicate

        try:
            return self._do(work)
        except nats.js.errors.NoStreamResponseError:
            words = f"there is no stream {STREAM}; start the subscription, which makes it"
            raise Refused(words, stop=True) from None
        except nats.js.errors.APIError as error:
            if error.err_code == TOO_LARGE:
                words = f"it has {len(message.body)} bytes, more than {STREAM} takes; raise MAX_EVENT_BYTES"
                raise Refused(words) from None
            words = (
                f"{STREAM} takes no message (error {error.err_code} of the server); see whether it is full"
            )
            raise Refused(words, stop=True) from None
        except nats.errors.MaxPayloadError:
            raise Refused(f"it has {len(message.body)} bytes, more than the server's max_payload") from None

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
            except NO_ANSWER:
                # While nobody reads from a connection, as in a long wait between two events, it may be lost.
                self._runner.run(self._lost())
        message = "the bus does not answer, or does not let this user do it; see to it, then run this again"
        raise UsageError(message)

    async def _lost(self) -> None:
        if self._client:
            await self._client.close()
        self._client = None

    async def _connected(self) -> "_Client":
        if self._client:
            return self._client
        faults: list[Exception] = []

        async def fault(error: Exception) -> None:
            faults.append(error)

        client = _Client(demands_tls=self._demands_tls)
        try:
            await client.connect(
                list(self._urls),
                name="image-tagger-commands",
                user_credentials=self._credentials,
                tls=self._tls,
                inbox_prefix=INBOX,
                error_cb=fault,
                allow_reconnect=False,
                connect_timeout=CONNECT_TIMEOUT,
                # Without these a client tries for two minutes.
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
            )
        except NO_ANSWER as error:
            await client.close()
            raise UsageError(_why_not_connected([*faults, error][0])) from None
        except ImportError:  # of what signs in with NATS_CREDS
            raise UsageError(NEEDED) from None
        self._client = client
        return client


class _Client(Client):
    """demands_tls: refuse a server that offers no TLS, before anything is sent to it.

    The client itself encrypts only if the server asks for it, whatever the scheme of its address is.
    """

    def __init__(self, *, demands_tls: bool) -> None:
        super().__init__()
        self._demands_tls = demands_tls

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        if initial_connection and self._demands_tls:
            if not (info.get("tls_required") or info.get("tls_available")):
                raise nats.errors.SecureConnWantedError
            info["tls_required"] = True
        await super()._process_info(info, initial_connection)


def _tls_context(authority: Path | None) -> ssl.SSLContext:
    """Unlike the default one, it writes no session keys where SSLKEYLOGFILE says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authority:
        context.load_verify_locations(authority)
    else:
        context.load_default_certs()
    return context


def _why_not_connected(error: Exception) -> str:
    match error:
        case nats.errors.SecureConnWantedError():
            return "the server offers no TLS; correct the address, or write nats:// and leave out NATS_CA"
        case ssl.SSLError():
            return "TLS with NATS failed; check the address and NATS_CA"
        case OSError() | nats.errors.NoServersError():
            return "NATS does not answer; start it or correct the address"
        case _:
            return "NATS refuses the connection; check NATS_CREDS"


def _servers(place: str) -> tuple[str, ...]:
    """The addresses of a place. Raises UsageError; the place is not repeated, for it may hold a password."""
    scheme, _, rest = place.partition("://")
    servers = tuple(f"{scheme}://{each.strip().removeprefix(f'{scheme}://')}" for each in rest.split(","))
    for server in servers:
        try:
            parts = urlsplit(server)
            sound = parts.hostname and parts.port != 0 and f"{scheme}://{parts.netloc}" == server.rstrip("/")
        except ValueError:
            sound = False
        if not sound or "@" in server or any(each.isspace() for each in server):
            raise UsageError(
                f"an address of NATS is {scheme}://host:port, and more of one bus follow after a comma; "
                "a user does not belong there, but in the file that NATS_CREDS names"
            )
    return servers


def _credentials(path: str) -> Path:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError):
        text = ""
    if "-----BEGIN NATS USER JWT-----" not in text or "BEGIN USER NKEY SEED" not in text:
        raise ValueError("must name a readable file of NATS credentials")
    return Path(path)
