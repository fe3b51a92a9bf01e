import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit


class InvalidSettings(Exception):
    """A setting is missing or malformed; the message is for the person who starts the subscription."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator decides.

    nats_urls: servers of one bus, tried in any order.
    subscriber_url: where events are posted to.
    parallel: deliveries at once, of this process alone.
    attempts: deliveries of one event before it becomes a dead letter.
    delivery_timeout: seconds for one POST, from connecting to the end of the reply.
    max_event_bytes: the largest message that the stream takes: attributes and data together.
    nats_creds: file of credentials, read at every sign-in; without one NATS_URL may hold a user.
    nats_ca: file of certificates to trust instead of the usual ones.
    """

    nats_urls: tuple[str, ...]
    subscriber_url: str
    parallel: int
    attempts: int
    delivery_timeout: int
    max_event_bytes: int
    nats_creds: Path | None = None
    nats_ca: Path | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Raise InvalidSettings at the first setting that is missing or malformed."""
        urls, creds, ca = nats_settings(environ)
        return cls(
            nats_urls=urls,
            subscriber_url=_url("SUBSCRIBER_URL", environ.get("SUBSCRIBER_URL", ""), "http", "https"),
            parallel=_number(environ, "PARALLEL", default=16, largest=256),
            attempts=_number(environ, "ATTEMPTS", default=24, largest=1000),
            delivery_timeout=_number(environ, "DELIVERY_TIMEOUT", default=30, largest=3600),
            max_event_bytes=_number(environ, "MAX_EVENT_BYTES", default=1048576, largest=2**25),
            nats_creds=creds,
            nats_ca=ca,
        )


def nats_settings(environ: Mapping[str, str]) -> tuple[tuple[str, ...], Path | None, Path | None]:
    """The servers of the bus, credentials and certificates: what a command needs, too.

    Raise InvalidSettings at the first that is malformed.
    """
    urls = environ.get("NATS_URL", "nats://127.0.0.1:4222").split(",")
    return (
        tuple(_url("NATS_URL", url.strip(), "nats", "tls") for url in urls),
        _credentials(environ),
        _certificates(environ),
    )


def public(url: str) -> str:
    """The URL without what may be a secret: no user information, no query, no fragment."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _url(name: str, value: str, *schemes: str) -> str:
    fault = f"{name} must be a URL such as {schemes[0]}://host:port."
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and parts.hostname and parts.port != 0
    except ValueError:
        # The value is not repeated: it may hold a password.
        raise InvalidSettings(fault) from None
    if not usable or any(character.isspace() for character in value):
        raise InvalidSettings(fault)
    return value


def _credentials(environ: Mapping[str, str]) -> Path | None:
    if not (path := environ.get("NATS_CREDS", "")):
        return None
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError):
        text = ""
    if "-----BEGIN NATS USER JWT-----" not in text:
        raise InvalidSettings(f"NATS_CREDS must be a readable file of NATS credentials, not {path!r}.")
    return Path(path)


def _certificates(environ: Mapping[str, str]) -> Path | None:
    if not (path := environ.get("NATS_CA", "")):
        return None
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError):
        message = f"NATS_CA must be a readable file of certificates in PEM form, not {path!r}."
        raise InvalidSettings(message) from None
    return Path(path)


def _number(environ: Mapping[str, str], name: str, *, default: int, largest: int) -> int:
    value = environ.get(name, str(default))
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= largest):
        raise InvalidSettings(f"{name} must be a whole number from 1 to {largest}, not {value!r}.")
    return int(value)
