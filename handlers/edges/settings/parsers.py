"""Reads single settings from the environment. An error is a sentence that names the setting."""

import os
import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, quote, unquote, urlsplit

from handlers.edges.regular_file import read_regular
from handlers.edges.settings.secret import Secret, header_value

T = TypeVar("T")


class InvalidSetting(Exception):
    """A setting is missing or malformed; the message names it and says what to do."""


_HINTS = {
    "IMS_ENDPOINT": "set it to the image service's address, such as https://ims.eu-de.otc.t-systems.com",
    "OS_TOKEN": "set it to a token for the project whose images are to be tagged, or OS_TOKEN_FILE to a file,"
    " or set another way of handlers/settings.md",
    "OS_AUTH_URL": "set it to the identity service's address, such as https://iam.eu-de.otc.t-systems.com/v3",
    "EVENTS_TOKEN": "set it to the tokens that deliveries may carry, or remove it to accept any delivery",
    "PROJECTS": "set it to the ids of the projects whose images are to be tagged",
}
BELONGS = "it belongs to the other credentials that are set"
SECRETS = frozenset(
    (
        *("OS_TOKEN", "OS_AUTH_TOKEN", "OS_PASSWORD", "EVENTS_TOKEN", "PSEUDONYM_KEY"),
        *("OS_ACCESS_KEY", "OS_SECRET_KEY", "OS_SECURITY_TOKEN"),
        *("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
    )
)
"""The settings that can also come from the file that NAME_FILE names."""


def read(environ: Mapping[str, str], name: str, parse: Callable[[str], T], default: str | None = None) -> T:
    """The parsed setting. Raises InvalidSetting."""
    text = environ.get(name, "").strip() or default
    if text is None:
        raise InvalidSetting(f"{name} is not set; {_HINTS.get(name, BELONGS)}")
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidSetting(f"{name} {error}") from None


def optional(environ: Mapping[str, str], name: str, parse: Callable[[str], T]) -> T | None:
    """The parsed setting; None if it is not set or blank. Raises InvalidSetting."""
    return read(environ, name, parse) if environ.get(name, "").strip() else None


def given(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The values of NAME and, for a secret, of NAME_FILE."""
    variables = (name, f"{name}_FILE") if name in SECRETS else (name,)
    return tuple(environ.get(variable, "").strip() for variable in variables)


def is_set(environ: Mapping[str, str], name: str) -> bool:
    """Whether NAME or, for a secret, NAME_FILE has a value."""
    return any(given(environ, name))


def secret(environ: Mapping[str, str], name: str, parse: Callable[[str], str] = header_value) -> Secret:
    """A secret from NAME, or from the file that NAME_FILE names.

    Raises InvalidSetting.
    """
    path = environ.get(f"{name}_FILE", "").strip()
    if not path:
        return Secret(read(environ, name, parse))
    if environ.get(name, "").strip():
        raise InvalidSetting(f"{name} and {name}_FILE are both set; keep one")
    try:
        text = read_regular(path).decode()
    except (OSError, ValueError):
        raise InvalidSetting(f"{name}_FILE names a file that cannot be read") from None
    return Secret(read({name: text}, name, parse), Path(path), parse)


def one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("is malformed; it must be one line of text")
    return text


def endpoint(text: str) -> str:
    parts = http_address(text)
    base = f"{parts.scheme}://{parts.netloc}"
    if "@" in parts.netloc or text.removesuffix("/").lower() != base.lower():
        raise ValueError("must be an address without path, query or user")
    return base


def identity_service(text: str) -> str:
    """An address with or without the version that its paths begin with."""
    return endpoint(text.removesuffix("/").removesuffix("/v3"))


def proxy(text: str) -> str:
    http_address(text)
    return text


def tokens(text: str) -> str:
    """One or several tokens, separated by white space, so that a new one can replace an old one."""
    return " ".join(header_value(token) for token in text.split())


def sink(text: str) -> Path | str:
    """The file that `file:///...` names, or the address of a service."""
    parts = urlsplit(text)
    if text.startswith("/") and text.isprintable():
        raise ValueError(f"is a path; write file://{quote(text)}")
    if parts.scheme != "file":
        http_address(text)
        return text
    path = unquote(parts.path)  # RFC 8089
    # urlsplit drops line ends and tabs, and the others are no part of a path.
    if parts.netloc or not text.isprintable() or {"?", "#"} & set(text) or "\0" in path:
        raise ValueError("must be file:/// and a path, with %3F for ? and %23 for #")
    if not os.path.isdir(os.path.dirname(path)) or not _can_be_file(path):  # noqa: PTH112, PTH120 - as in `file`
        raise ValueError("must be file:/// and the path of a file, in an existing folder")
    return Path(path)


def _can_be_file(path: str) -> bool:
    """Whether a file is there, or nothing: what is written to a pipe or a device is not kept."""
    return os.path.isfile(path) or not os.path.exists(path)  # noqa: PTH110, PTH113 - as in `file`


_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f:.]+", re.ASCII)
"""A host name or an IP address as urlsplit returns it: in lower case, without brackets."""


def http_address(text: str) -> SplitResult:
    """The parts of an address `http(s)://...`. Raises ValueError."""
    try:
        parts = urlsplit(text)
        if parts.scheme in {"http", "https"} and _HOST.fullmatch(parts.hostname or "") and parts.port != 0:
            return parts
    except ValueError:
        pass  # a bad port, or a bracket that is not closed
    raise ValueError("must be an address such as https://ims.eu-de.otc.t-systems.com")


def file(text: str) -> Path:
    if not os.path.isfile(text):  # noqa: PTH113 - Path.is_file raises where the name is too long
        raise ValueError(f"names {text}, which is not a file")
    return Path(text)


def certificates(text: str) -> Path:
    try:
        # The default context would write session keys to the file that SSLKEYLOGFILE names.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file(text))
    except OSError:
        raise ValueError(f"names {text}, which holds no certificates in PEM form") from None
    return Path(text)


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text.lower()

    return parse


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text.strip()) or not lowest <= int(text) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def number(lowest: float, highest: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = -1
        if not lowest <= found <= highest:
            raise ValueError(f"must be a number from {lowest} to {highest}")
        return found

    return parse
