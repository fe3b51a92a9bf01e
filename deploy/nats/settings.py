"""The settings: the environment, read once."""

import ipaddress
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from .bearer_token import BearerToken


class InvalidSettings(Exception):
    """A setting is missing or malformed; the message is for the person who starts the subscription."""


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """What an operator decides. Its `repr` tells nothing, because some of it is secret.

    nats_urls: servers of one bus, tried in any order.
    subscriber_url: where events are posted to.
    parallel: deliveries at once, of this process alone.
    attempts: deliveries of one event before it becomes a dead letter.
    delivery_timeout: seconds for one POST, from connecting to the end of the reply.
    max_event_bytes: the largest message that the stream takes: attributes and data together.
    nats_creds: file of credentials, read at every sign-in; without one NATS_URL may hold a user.
    nats_ca: file of certificates to trust instead of the usual ones.
    subscriber_token: what deliveries carry; None: nothing.
    """

    nats_urls: tuple[str, ...]
    subscriber_url: str
    parallel: int
    attempts: int
    delivery_timeout: int
    max_event_bytes: int
    nats_creds: Path | None = None
    nats_ca: Path | None = None
    subscriber_token: BearerToken | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Raise InvalidSettings at the first setting that is missing or malformed."""
        urls, creds, ca = nats_settings(environ)
        url = _url("SUBSCRIBER_URL", environ.get("SUBSCRIBER_URL", ""), "http", "https")
        return cls(
            nats_urls=urls,
            subscriber_url=url,
            parallel=_number(environ, "PARALLEL", default=16, largest=256),
            attempts=_number(environ, "ATTEMPTS", default=600, largest=10_000),
            delivery_timeout=_number(environ, "DELIVERY_TIMEOUT", default=30, largest=3600),
            max_event_bytes=_number(environ, "MAX_EVENT_BYTES", default=1048576, largest=2**25),
            nats_creds=creds,
            nats_ca=ca,
            subscriber_token=_token(environ, url),
        )

    def warnings(self) -> Iterator[str]:
        """A sentence for each secret that somebody on the way may be able to read."""
        optional_tls = not demands_tls(self.nats_urls, self.nats_ca)
        if optional_tls and any("@" in url and not _is_loopback(url) for url in self.nats_urls):
            yield (
                "NATS_URL holds a password and begins with nats://: if a server offers no TLS, anybody on the"
                " way can read the password. Write tls://."
            )
        secret = self.subscriber_token or self.subscriber_url != public(self.subscriber_url)
        if secret and self.subscriber_url.startswith("http:") and not _is_loopback(self.subscriber_url):
            yield "SUBSCRIBER_URL begins with http://: anybody on the way can read the token."


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


def demands_tls(nats_urls: tuple[str, ...], ca: Path | None) -> bool:
    """Whether every server of the bus has to offer TLS."""
    return ca is not None or any(url.startswith("tls:") for url in nats_urls)


def public(url: str) -> str:
    """The URL without what may be a secret: no user information, no query, no fragment."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def tls_context(ca: Path | None = None) -> ssl.SSLContext:
    """For a client. Raise OSError if `ca` holds no certificates.

    ssl.create_default_context would, where SSLKEYLOGFILE is set, write down the keys of each connection.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca:
        context.load_verify_locations(cafile=ca)
    else:
        context.load_default_certs()
    return context


def _url(name: str, value: str, *schemes: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and _is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not value.isprintable() or " " in value:
        # The value is not repeated: it may hold a password.
        raise InvalidSettings(f"{name} must be a URL such as {schemes[0]}://host:port.")
    return value


def _is_host(host: str) -> bool:
    """Raise ValueError for a name that cannot be looked up."""
    if ":" in host:
        return bool(ipaddress.IPv6Address(host))
    # With an empty label, or one of more than 63 characters, it is none.
    return bool(re.fullmatch(r"[a-z0-9_.-]+", host.encode("idna").decode()))


def _is_loopback(url: str) -> bool:
    return bool(re.fullmatch(r"localhost|::1|127(\.\d+){3}", urlsplit(url).hostname or ""))


def _credentials(environ: Mapping[str, str]) -> Path | None:
    if (path := environ.get("NATS_CREDS")) is None:
        return None
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError):
        text = ""
    if "-----BEGIN NATS USER JWT-----" not in text:
        raise InvalidSettings(f"NATS_CREDS must be a readable file of NATS credentials, not {path!r}.")
    return Path(path)


def _certificates(environ: Mapping[str, str]) -> Path | None:
    if (path := environ.get("NATS_CA")) is None:
        return None
    try:
        tls_context(Path(path))
    except (OSError, ValueError):
        message = f"NATS_CA must be a readable file of certificates in PEM form, not {path!r}."
        raise InvalidSettings(message) from None
    return Path(path)


def _token(environ: Mapping[str, str], url: str) -> BearerToken | None:
    if (path := environ.get("SUBSCRIBER_TOKEN_FILE")) is None:
        return None
    if "@" in urlsplit(url).netloc:
        # A request has one Authorization.
        raise InvalidSettings("SUBSCRIBER_URL must hold no user where SUBSCRIBER_TOKEN_FILE is set.")
    try:
        return BearerToken(Path(path))
    except (OSError, ValueError):
        raise InvalidSettings(
            "SUBSCRIBER_TOKEN_FILE must be a readable file of tokens in printable ASCII, separated by white"
            f" space, not {path!r}."
        ) from None


def _number(environ: Mapping[str, str], name: str, *, default: int, largest: int) -> int:
    value = environ.get(name, str(default))
    if not (re.fullmatch("[0-9]{1,9}", value) and 1 <= int(value) <= largest):
        raise InvalidSettings(f"{name} must be a whole number from 1 to {largest}, not {value!r}.")
    return int(value)
