"""The settings as the fields of a log line: those that a person has to know, without any secret."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from handlers.edges.settings.credentials import (
    EcsAgency,
    FunctionGraphAgency,
    Password,
    StaticKeys,
    StaticToken,
)
from handlers.edges.settings.settings import DeliverySettings, Settings

_WAYS = {
    StaticToken: "token",
    StaticKeys: "keys",
    Password: "password",
    EcsAgency: "agency of the machine",
    FunctionGraphAgency: "agency of the function",
}


def settings_fields(settings: Settings) -> dict[str, Any]:
    """Times are in seconds."""
    source = settings.credentials
    user = source if isinstance(source, Password) else None
    return {
        "ims_endpoint": settings.ims_endpoint,
        "credentials": "agency of another account" if user and user.agency else _WAYS[type(source)],
        "projects": settings.projects or (user.project_name if user else None),
        "tag_form": settings.tag_form,
        **delivery_fields(settings.delivery),
        "not_ready_window": settings.not_ready_window,
        "invoke_retry_seconds": settings.invoke_retry_seconds or None,
    }


def delivery_fields(settings: DeliverySettings) -> dict[str, Any]:
    """Times are in seconds."""
    sink = settings.dead_letter_sink
    return {"dead_letter_sink": sink and public(sink), "event_timeout": settings.event_timeout}


def public(sink: Path | str) -> str:
    """The address of a sink without what may be secret: a file, or else a scheme and a host."""
    if isinstance(sink, Path):
        return sink.as_uri()
    parts = urlsplit(sink)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
