"""Dead letters: the event as it was, in structured mode, and why it ended.

The attributes are those of design and README; a subscription adds its own, with the names that Knative uses.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from handlers.core.errors import InvalidEvent
from handlers.core.json_access import Json, without_empty
from handlers.core.outcomes import Outcome

MESSAGE_MAX = 256
"""Characters of `deadlettermessage`."""

SOURCE = "/image-created-tagger"
UNPARSABLE_TYPE = "image-created-tagger.unparsable"
UNPARSABLE_MAX = 65_536
"""Bytes of an unparsable request that are kept."""

OURS = ("deadletterreason", "deadlettercode", "deadlettermessage", "deadlettertime", "deadletterrule")
SUBSCRIPTIONS = ("knativeerrordest", "knativeerrorcode", "knativeerrordata", "deliveryattempts")


Sink = Callable[[Json, float], None]
"""Keeps one dead letter before a deadline of `time.monotonic`. Raises DeadLetterFailed."""


def letter_of(event: Json | Exception, outcome: Outcome, now: datetime) -> Json | None:
    """The dead letter of what ended with this outcome: of an event, or of bytes that were none.

    None for what must not be kept: a dead letter that comes again would come for ever.
    """
    if isinstance(event, InvalidEvent):
        return dead_letter(event.letter(), outcome, now) if event.letter else None
    return None if isinstance(event, Exception) else dead_letter(event, outcome, now)


def dead_letter(event: Json, outcome: Outcome, now: datetime) -> Json:
    """The event, a CloudEvent as JSON, and why it ended."""
    # A bare event may lack what a CloudEvent must have; the same event gets the same.
    digest = sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()[:32]
    reasons = {
        "deadletterreason": outcome.reason,
        "deadlettercode": outcome.code,
        "deadlettermessage": outcome.message[:MESSAGE_MAX],
        "deadlettertime": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "deadletterrule": outcome.rule,
    }
    return {"id": digest, "source": SOURCE} | event | without_empty(reasons)


def original(letter: Json) -> Json:
    """The event of a dead letter as it was before."""
    return {name: value for name, value in letter.items() if name not in OURS + SUBSCRIPTIONS}


def unparsable(body: bytes, content_type: str | None) -> Json:
    """An event of ours around a request that holds none: the same request is the same event."""
    return {
        "specversion": "1.0",
        "id": sha256(body).hexdigest()[:32],
        "source": SOURCE,
        "type": UNPARSABLE_TYPE,
        "datacontenttype": content_type or "application/octet-stream",
        "bodybytes": len(body),
        "data_base64": b64encode(body[:UNPARSABLE_MAX]).decode(),
    }
