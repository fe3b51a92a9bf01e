"""The settings of the function. `handlers/settings.md` describes each of them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from handlers.core.events import CreationSignals
from handlers.core.events.cts import CREATIONS
from handlers.core.patterns.wildcards import InvalidWildcard, Wildcard, parse_wildcard
from handlers.edges.log import LEVELS
from handlers.edges.settings import credentials
from handlers.edges.settings.credentials import CredentialSource, Password, credential_source, projects_of
from handlers.edges.settings.parsers import (
    SECRETS,
    InvalidSetting,
    certificates,
    endpoint,
    file,
    is_set,
    number,
    one_of,
    optional,
    proxy,
    read,
    secret,
    sink,
    tokens,
    whole_number,
)
from handlers.edges.settings.secret import Secret

_OF_THE_SERVER = {"WORKERS": whole_number(1, 100), "THREADS": whole_number(1, 1000)}
"""Settings of the framework. It does not check them."""

SHIPPED_RULES = Path(__file__).parents[2] / "rules.toml"

NAMES = frozenset(
    (
        *("IMS_ENDPOINT", "RULES", "RULES_TABLE", "TAG_FORM", "NOT_READY_WINDOW", "EVENT_TIMEOUT"),
        *("MAX_BODY_BYTES", "PORT", "WORKERS", "THREADS"),
        *("IMAGE_CREATED_TYPES", "IMAGE_CREATED_TRACES", "PSEUDONYM_KEY", "DEAD_LETTER_SINK", "EVENTS_TOKEN"),
        *("INVOKE_RETRY_SECONDS", "IMS_PROXY", "OS_CACERT", "LOG_LEVEL", "LOG_TAG_VALUES", "CREDENTIALS"),
        *("OS_AUTH_URL", *credentials.USER, *credentials.DOMAIN, *credentials.PROJECT_NAME),
        *(*credentials.AGENCY, *credentials.TOKEN, *credentials.ACCESS, *credentials.SECRET),
        *(*credentials.SECURITY_TOKEN, *credentials.PROJECTS),
        *(f"{name}_FILE" for name in SECRETS),
    )
)
"""Every name that the function reads."""


class DeliverySettings(NamedTuple):
    """The settings that both targets have: limits of a delivery, tokens, and the sink.

    Times are in seconds, sizes in bytes. events_tokens: every POST must carry one of them; None if anybody
    may send. dead_letter_sink: a file, or the address of a service.
    """

    event_timeout: float
    max_body_bytes: int
    events_tokens: Secret | None
    dead_letter_sink: Path | str | None
    log_level: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "DeliverySettings":
        """Raises InvalidSetting."""
        for name, parse in _OF_THE_SERVER.items():
            if name in environ:
                read(environ, name, parse, "blank")  # the framework has no default for a blank setting
        optional(environ, "PORT", whole_number(0, 65_535))  # the framework does not check it either
        guarded = any(name in environ for name in ("EVENTS_TOKEN", "EVENTS_TOKEN_FILE"))
        return cls(
            event_timeout=read(environ, "EVENT_TIMEOUT", number(1, 900), "20"),
            max_body_bytes=int(read(environ, "MAX_BODY_BYTES", number(1024, 2**30), "1048576")),
            # Set but blank stops the start, because it would silently let everybody in.
            events_tokens=secret(environ, "EVENTS_TOKEN", tokens) if guarded else None,
            dead_letter_sink=optional(environ, "DEAD_LETTER_SINK", sink),
            log_level=read(environ, "LOG_LEVEL", one_of(*LEVELS), "info"),
        )

    def __repr__(self) -> str:
        return "DeliverySettings(...)"


class Settings(NamedTuple):
    """All settings of the function. Times are in seconds.

    credentials: their source. projects: those that are served; none if the credentials are for one anyway.
    rules_table: the rules table itself; None if it is in the file `rules`.
    """

    delivery: DeliverySettings
    ims_endpoint: str
    credentials: CredentialSource
    projects: tuple[str, ...]
    rules: Path
    rules_table: str | None
    tag_form: str
    pseudonym_key: str | None
    not_ready_window: float
    signals: CreationSignals
    invoke_retry_seconds: float
    proxy: str | None
    ca_bundle: Path | None
    log_tag_values: bool

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises InvalidSetting for the first setting that is missing or malformed."""
        ims_endpoint = read(environ, "IMS_ENDPOINT", endpoint)
        source = credential_source(environ)
        return cls(
            delivery=DeliverySettings.from_environ(environ),
            ims_endpoint=ims_endpoint,
            credentials=source,
            projects=projects_of(environ, source),
            rules=rules(environ),
            rules_table=_rules_table(environ),
            tag_form=tag_form(environ),
            pseudonym_key=secret(environ, "PSEUDONYM_KEY")() if is_set(environ, "PSEUDONYM_KEY") else None,
            not_ready_window=read(environ, "NOT_READY_WINDOW", number(0, 86_400), "1800"),
            signals=signals(environ),
            invoke_retry_seconds=read(environ, "INVOKE_RETRY_SECONDS", number(0, 900), "0"),
            proxy=optional(environ, "IMS_PROXY", proxy),
            ca_bundle=optional(environ, "OS_CACERT", certificates),
            log_tag_values=read(environ, "LOG_TAG_VALUES", one_of("true", "false"), "true") == "true",
        )

    def __repr__(self) -> str:
        """No values, because some of them are secret."""
        return "Settings(...)"

    @property
    def sends_credentials_in_clear(self) -> bool:
        """Whether tokens or passwords cross a network unencrypted. The loopback interface does not count."""
        identity_service = [self.credentials.auth_url] if isinstance(self.credentials, Password) else []
        return any(_in_clear(address) for address in (self.ims_endpoint, *identity_service))


# Functions of their own, because the operator's commands need only these settings.


def rules(environ: Mapping[str, str]) -> Path:
    return read(environ, "RULES", file, str(SHIPPED_RULES))


def tag_form(environ: Mapping[str, str]) -> str:
    return read(environ, "TAG_FORM", one_of("image_tag", "tag", "batch"), "image_tag")


def cts_endpoint(environ: Mapping[str, str], ims_endpoint: str) -> str | None:
    """The address of Cloud Trace Service; None if it is neither set nor derived. Raises InvalidSetting."""
    if given := optional(environ, "CTS_ENDPOINT", endpoint):
        return given
    scheme, _, host = ims_endpoint.partition("://")
    return f"{scheme}://cts.{host[4:]}" if host.startswith("ims.") else None


def signals(environ: Mapping[str, str]) -> CreationSignals:
    return CreationSignals(
        event_types=read(environ, "IMAGE_CREATED_TYPES", _types, "*image.created*"),
        trace_names=read(environ, "IMAGE_CREATED_TRACES", str.split, " ".join(CREATIONS)),
    )


def _rules_table(environ: Mapping[str, str]) -> str | None:
    if environ.get("RULES", "").strip() and environ.get("RULES_TABLE", "").strip():
        raise InvalidSetting("RULES and RULES_TABLE are both set; keep one")
    return optional(environ, "RULES_TABLE", str)


def _in_clear(address: str) -> bool:
    parts = urlsplit(address)
    loopback = re.fullmatch(r"localhost|::1|127(\.\d+){3}", parts.hostname or "")
    return parts.scheme == "http" and not loopback


def _types(text: str) -> list[Wildcard | str]:
    try:
        return [parse_wildcard(pattern) for pattern in text.split()]
    except InvalidWildcard as error:
        raise ValueError(f"is malformed: a type with wildcards {error}") from None
