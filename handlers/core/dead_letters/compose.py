"""Makes dead letters: an event as it was sent, in structured mode, with attributes that say why it failed."""

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from handlers.core.dead_letters.secrets import without_secrets
from handlers.core.json_access import Json, rfc3339, without_empty
from handlers.core.json_text import join_members, split_members
from handlers.core.outcomes import Outcome
from handlers.core.received import Received, Unparsable

MESSAGE_MAX = 256
"""Characters of `deadlettermessage`."""

SOURCE = "/image-created-tagger"
UNPARSABLE_TYPE = "image-created-tagger.unparsable"
"""The type of an event of the function that holds a request without an event."""

FUNCTION_ATTRIBUTES = (
    "deadletterreason",
    "deadlettercode",
    "deadlettermessage",
    "deadlettertime",
    "deadletterrule",
)
BUS_ATTRIBUTES = (
    "knativeerrordest",
    "knativeerrorcode",
    "knativeerrordata",
    "knativebrokerttl",
    "deliveryattempts",
)
"""What Knative and the subscription on NATS add."""

DEAD_LETTER_MARK = "deadletterreason"
"""The attribute that every dead letter of the function has."""

ATTRIBUTES = frozenset(FUNCTION_ATTRIBUTES + BUS_ATTRIBUTES)


Sink = Callable[[Sequence[bytes], float], None]
"""Stores dead letters, each a line of JSON, before a deadline of `time.monotonic`. Raises
DeadLetterFailed."""


def dead_letter(received: Received | Unparsable, outcome: Outcome, now: datetime) -> bytes:
    """The dead letter as one line of JSON in UTF-8. now: an aware time."""
    reasons = {
        "deadletterreason": outcome.reason,
        "deadlettercode": outcome.code,
        "deadlettermessage": outcome.message[:MESSAGE_MAX],
        "deadlettertime": rfc3339(now),
        "deadletterrule": outcome.rule,
    }
    members = _without(event_text(received), ATTRIBUTES)
    return _line(members | {name: _json(reason) for name, reason in without_empty(reasons).items()})


def kept_dead_letter(received: Received | Unparsable) -> bytes:
    """A dead letter of a bus as one line of JSON: the event as it came, without secrets in an address."""
    members = event_text(received)
    if isinstance(received, Received) and isinstance(address := received.event.get("knativeerrordest"), str):
        members["knativeerrordest"] = _json(without_secrets(address))
    return _line(members)


def event_text(received: Received | Unparsable) -> dict[str, str]:
    """The members of the event in structured mode, as JSON text: as sent, if the sender sent JSON."""
    if isinstance(received, Unparsable):
        return {name: _json(value) for name, value in _unparsable(received).items()}
    event, text, data_text = received
    if text:
        return {name.lower(): value for name, value in split_members(text).items()}
    members = {name: _json(value) for name, value in event.items()}
    if data_text:
        members["data"] = data_text
    # A bare event may lack required attributes. The same event always gets the same ones.
    digest = sha256(_json(event).encode(errors="replace")).hexdigest()[:32]
    return {"id": _json(digest), "source": _json(SOURCE)} | members


def _unparsable(request: Unparsable) -> Json:
    """An event that holds a whole request. The same request always gives the same event."""
    known = dict(request.headers)
    if address := known.get("ce-knativeerrordest"):
        known["ce-knativeerrordest"] = without_secrets(address)
    headers = json.dumps(known) if known else ""
    return without_empty(
        {
            "specversion": "1.0",
            "id": sha256(request.body + headers.encode()).hexdigest()[:32],
            "source": SOURCE,
            "type": UNPARSABLE_TYPE,
            "datacontenttype": request.content_type or "application/octet-stream",
            "requestheaders": headers,
            "data_base64": b64encode(request.body).decode(),
        }
    )


def _without(members: dict[str, str], names: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in members.items() if name not in names}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _line(members: dict[str, str]) -> bytes:
    return join_members(members).encode(errors="replace") + b"\n"
