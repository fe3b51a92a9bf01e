"""The forms in which somebody keeps a dead letter, each read into the one model.

The function's own sink, the brokers of Knative and the subscription on NATS add attributes to the event. The
subscription keeps what is no CloudEvent as it came, and adds headers. FunctionGraph publishes a notification
of a failed asynchronous call ("Configuring Asynchronous Execution Notification").
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from handlers.core.budget import MAX_ENVELOPES
from handlers.core.dead_letters.compose import ATTRIBUTES, UNPARSABLE_TYPE
from handlers.core.dead_letters.message import (
    DATA,
    Message,
    decoded,
    is_content_type,
    message_of,
    wire_value,
)
from handlers.core.dead_letters.model import DeadLetter, dead_letter_of
from handlers.core.events import shapes
from handlers.core.json_access import Json, object_or_empty, string, value_of
from handlers.core.json_text import NotJson, split_members

ADDED = ATTRIBUTES - {"knativebrokerttl"}
"""The attributes that make an event a dead letter."""

BYTES = "application/octet-stream"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def parse_dead_letter(text: str) -> DeadLetter | None:
    """The dead letter that a JSON object is, or None. Raises NotJson."""
    members = split_members(text)
    if "request_payload" in members:
        return _of_notification(members)
    if "specversion" in members and not ADDED.isdisjoint(members):
        return _of_event(members)
    return None


def dead_letter_from_nats(
    headers: Mapping[str, str], data: bytes, *, subject: str, stored: datetime
) -> DeadLetter:
    """The dead letter that a message of NATS is. subject: of its event. stored: an aware time."""
    lower = {name.lower(): value for name, value in headers.items()}
    kept = {name: value for name, value in headers.items() if _is_kept(name.lower())}
    time = stored.isoformat()
    structured = lower.get("content-type", "").lower().startswith("application/cloudevents")
    # Facts among the headers say so: what they were added to was no CloudEvent, whatever it looks like.
    if structured and ADDED.isdisjoint(lower):
        with suppress(NotJson, UnicodeDecodeError):
            members = {"deadlettertime": json.dumps(time)} | split_members(data.decode())
            event = _of_event(members)
            beside = {name: value for name, value in kept.items() if not _is_of_event(name.lower())}
            message = event.message._replace(headers=beside | dict(event.message.headers))
            return replace(event, subject=subject, message=message)
    in_headers = {
        name.removeprefix("ce-"): unquote(value) for name, value in lower.items() if name[:3] == "ce-"
    }
    attributes = {name: value for name, value in in_headers.items() if not _is_added(name)} or _event_in(data)
    facts = {"deadlettertime": time} | lower | in_headers
    dead_letter = dead_letter_of(facts, attributes, Message(kept, data))
    return replace(dead_letter, subject=subject, is_event=bool(attributes))


def _of_event(members: Mapping[str, str]) -> DeadLetter:
    facts = {name: value_of(text) for name, text in members.items() if name not in DATA}
    event = {name: text for name, text in members.items() if not _is_added(name)}
    attributes = {name: facts[name] for name in event if name in facts}
    if attributes.get("type") == UNPARSABLE_TYPE:
        return replace(dead_letter_of(facts, attributes, _request(event, attributes)), is_event=False)
    return dead_letter_of(facts, attributes, message_of(event))


def _request(event: Mapping[str, str], attributes: Json) -> Message:
    """The request that an event of the function's own holds because it could not be read as an event."""
    content_type = string(attributes, "datacontenttype") or BYTES
    headers = {
        name: wire_value(value.encode("latin-1", errors="replace"))  # as WSGI hands on headers
        for name, value in object_or_empty(attributes.get("requestheaders")).items()
        if re.fullmatch("ce-[a-z0-9]+", name) and isinstance(value, str)
    }
    headers["Content-Type"] = content_type if is_content_type(content_type) else BYTES
    return Message(headers, decoded(value_of(event.get("data_base64", ""))) or b"")


def _of_notification(members: Mapping[str, str]) -> DeadLetter:
    payload = value_of(text := members["request_payload"])
    body = (payload if isinstance(payload, str) else text).encode(errors="replace")
    context = object_or_empty(value_of(members.get("response_context", "")))
    request = object_or_empty(value_of(members.get("request_context", "")))
    facts = {
        # The page's table has the second name, its sample the first.
        "knativeerrorcode": context.get("status_code", context.get("statusCode")),
        "knativeerrordata": value_of(members.get("response_payload", "")) or context.get("function_error"),
        "deliveryattempts": request.get("approximate_invoke_count"),
    }
    attributes = _event_in(body)
    # The notification's own timestamp has a Z and an offset; which of them counts is not published.
    dead_letter = dead_letter_of(facts, attributes, Message({"Content-Type": "application/json"}, body))
    return replace(dead_letter, is_event=bool(attributes))


def _event_in(body: bytes) -> Json:
    """The first event in a body, as far as its JSON shows it, or {}."""
    content: Any = body.decode(errors="replace")
    for _ in range(MAX_ENVELOPES):
        if isinstance(content, str):
            content = value_of(content)
        if isinstance(content, list):
            content = content[0] if content else None
        if not isinstance(content, dict) or (held := shapes.unwrap(content)) is None:
            break
        content = held[0] if held else None
    if not isinstance(content, dict):
        return {}
    return content if "specversion" in content else shapes.as_cloudevent(content) or {}


def _is_added(name: str) -> bool:
    """Whether an attribute was added: by the function, by the subscription, or by Knative, under any name."""
    return name in ADDED or name.startswith("knative")


def _is_of_event(name: str) -> bool:
    """Whether a header is a part of the event in its binding."""
    return name.startswith("ce-") or name == "content-type"


def _is_kept(name: str) -> bool:
    """Whether a header of a dead letter on NATS was the event's, and can be written again.

    `Nats-*` headers are orders to the server, such as to drop duplicates, for the first publication alone.
    """
    if name.startswith("nats-") or not _TOKEN.fullmatch(name):
        return False
    return not _is_added(name.removeprefix("ce-"))
