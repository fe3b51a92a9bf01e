"""Why something failed, in a sentence of ours by the exception's class.

An exception of a library may quote what must stay in: aiohttp's quotes the address of the subscriber with its
token, and others quote what a peer has sent. So its own words are never repeated. One exception to this rule:
JetStream describes its errors for people, and those descriptions hold names of streams and limits alone.
"""

import errno
import logging
import re
import socket
import ssl
import traceback
from pathlib import Path

import aiohttp
import nats.errors
import nats.js.errors

from .log import log

# The first class that fits counts, so a class stands before those that it is derived from.
BY_CLASS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "the server's certificate is not trusted, or is not for this server"),
    (ssl.SSLError, "TLS failed"),
    (socket.gaierror, "the name of the host is unknown"),
    (ConnectionRefusedError, "the connection was refused"),
    (aiohttp.ClientPayloadError, "the reply was cut short or malformed"),
    (aiohttp.ClientResponseError, "the reply was malformed"),
    (aiohttp.InvalidURL, "the address is unusable"),
    (aiohttp.ServerDisconnectedError, "the connection broke"),
    (ConnectionError, "the connection broke"),
    (nats.errors.UnexpectedEOF, "the connection broke"),
    (nats.errors.StaleConnectionError, "the server fell silent"),
    (nats.errors.AuthorizationError, "the sign-in was refused"),
    (nats.errors.InvalidUserCredentialsError, "the file of credentials is malformed"),
    (
        nats.errors.SecureConnWantedError,
        "the server offers no TLS, which tls:// in NATS_URL or NATS_CA demands",
    ),
    (nats.errors.MaxPayloadError, "the message is larger than the server's max_payload"),
    (nats.errors.NoServersError, "no server could be reached"),
    (nats.errors.NoRespondersError, "nobody answers for it"),
    (nats.errors.OutboundBufferLimitError, "there is no connection"),
    (nats.errors.ConnectionClosedError, "there is no connection"),
    (nats.js.errors.NoStreamResponseError, "no stream takes it"),
    (nats.js.errors.ServiceUnavailableError, "JetStream is not available"),
    (TimeoutError, "nothing answered in time"),
)
# What a server says before it closes a connection; the client knows no classes for it.
BY_TEXT = (
    ("authorization violation", "the sign-in was refused"),
    ("authentication", "the sign-in was refused"),
    ("maximum connections exceeded", "the server takes no more connections"),
    ("maximum control line exceeded", "a subject is longer than the server takes"),
)


def describe(error: BaseException) -> str:
    """Why it failed: without a capital at its start and a full stop at its end, for a sentence."""
    if isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error
    for kind, words in BY_CLASS:
        if isinstance(error, kind):
            return words
    if isinstance(error, nats.js.errors.APIError):
        text = "".join(filter(str.isprintable, error.description or ""))[:200]
        return f"JetStream answers with error {error.err_code or error.code}: {text or 'no description'}"
    if isinstance(error, nats.errors.Error):
        said = str(error).lower()
        if right := re.search('permissions violation for ([a-z]+) to "([ -!#-~]{1,200})', said):
            return f"the right is missing for {right[1]} to {right[2]}"
        for text, words in BY_TEXT:
            if text in said:
                return words
    if isinstance(error, OSError):
        return f"the connection failed ({errno.errorcode.get(error.errno or 0, type(error).__name__)})"
    return f"something unexpected happened ({type(error).__name__})"


def sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def places(error: BaseException) -> str:
    """Where it was raised, innermost first, without any value: `delivery.py:88 < subscription.py:130`."""
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))


class LibraryHandler(logging.Handler):
    """Logs that a library has logged something, and where, without its words."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        log(
            "library.error",
            record.levelname,
            library=record.name,
            reason=type(error).__name__ if error else None,
            detail=places(error) if error else f"{record.filename}:{record.lineno}",
        )
