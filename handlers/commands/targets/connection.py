"""A connection to NATS: its address and settings, and why there is none, in a sentence.

The subscription in `deploy/nats` has a client of its own, because neither of the two imports the other.
"""

import ssl
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import nats.errors
from nats.aio.client import Client

from handlers.commands.files import UsageError
from handlers.edges.regular_file import read_regular
from handlers.edges.settings.parsers import certificates, optional

INBOX = "_INBOX_commands"
"""Replies come below this subject, which no other user needs a right to read."""

CONNECT_TIMEOUT = 3
"""Seconds."""


class Address(NamedTuple):
    """The servers of one bus, and how to sign in. demands_tls: a server has to offer TLS."""

    servers: tuple[str, ...]
    credentials: Path | None
    tls: ssl.SSLContext
    demands_tls: bool

    @classmethod
    def of(cls, place: str, environ: Mapping[str, str]) -> "Address":
        """place: `nats://host:port[,host:port]`, or `tls://`. Raises UsageError or InvalidSetting."""
        servers = _servers(place)
        authority = optional(environ, "NATS_CA", certificates)
        demands_tls = authority is not None or place.startswith("tls://")
        credentials = optional(environ, "NATS_CREDS", _credentials)
        return cls(servers, credentials, _tls_context(authority), demands_tls)


async def connect(address: Address) -> Client:
    """A connection to the bus. Raises UsageError."""
    faults: list[Exception] = []

    async def fault(error: Exception) -> None:
        faults.append(error)

    client = _Client(demands_tls=address.demands_tls)
    try:
        await client.connect(
            list(address.servers),
            name="image-tagger-commands",
            user_credentials=address.credentials,
            tls=address.tls,
            inbox_prefix=INBOX,
            error_cb=fault,
            allow_reconnect=False,
            connect_timeout=CONNECT_TIMEOUT,
            # Without these a client tries for two minutes.
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
        )
    except (nats.errors.Error, OSError) as error:
        with suppress(OSError):  # it may be lost already
            await client.close()
        raise UsageError(_why_not_connected([*faults, error][0])) from None
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
        text = read_regular(path).decode()
    except (OSError, ValueError):
        text = ""
    if "-----BEGIN NATS USER JWT-----" not in text or "BEGIN USER NKEY SEED" not in text:
        raise ValueError("must name a readable file of NATS credentials")
    return Path(path)
