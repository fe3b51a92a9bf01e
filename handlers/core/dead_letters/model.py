"""What is known of a dead letter, whoever keeps it."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from handlers.core.dead_letters.message import Message, decoded
from handlers.core.dead_letters.secrets import without_secrets
from handlers.core.json_access import Json, string
from handlers.core.times import parse_time

# The function replies `Reason: message`. Where the tag API refused a call, the message holds its answer as
# `(HTTP 400 IMG.0116 words)`.
_REPLY = re.compile(r"([A-Z][A-Za-z]*): (.*)", re.DOTALL)
_CODE = re.compile(r"\(HTTP \d{3} ([A-Za-z]+\.\w+)")
_DATA_BASE64 = re.compile(rb'"data_base64"\s*:\s*"([A-Za-z0-9+/=]*)"')


@dataclass(frozen=True, slots=True)
class DeadLetter:
    message: Message
    """What delivers its event again, without what was added to it."""

    attributes: Json
    """Of the event, as far as they are known."""

    error: str
    """Name of the error that ended it, such as "TagQuotaExceeded"; "" where nobody says."""

    detail: str
    """The error in words, or how the last reply began; "" where there are none."""

    code: str
    """Of the tag API, such as "IMG.0116", or ""."""

    status: int | None
    """Of the last reply to the bus; None where there was none, or no bus."""

    rule: str
    """Name of the rule that ended it, or ""."""

    time: datetime | None
    """When it became a dead letter, else the time of the event; None where neither is known."""

    attempts: int | None
    """How often the bus delivered it, where the bus says."""

    destination: str
    """The address that the bus delivered it to, without secrets, or ""."""

    subject: str = ""
    """Where it was published on NATS; "" elsewhere."""

    is_event: bool = True
    """False where it is a request in which nothing could be read as an event."""

    @property
    def event_id(self) -> str:
        return string(self.attributes, "id") or ""

    @property
    def is_given_up_by_function(self) -> bool:
        """Whether the function itself gave it up: it stored it, or answered 400 and so told the bus to."""
        return self.status == HTTPStatus.BAD_REQUEST or not (self.status or self.destination)

    def mentions(self, image_id: str) -> bool:
        """Whether this UUID stands anywhere in the message, encoded data included."""
        body = self.message.body
        texts = [*(value.encode(errors="replace") for value in self.message.headers.values()), body]
        texts += [decoded(encoded.decode()) or b"" for encoded in _DATA_BASE64.findall(body)]
        return any(image_id.lower().encode() in text.lower() for text in texts)


def dead_letter_of(facts: Json, attributes: Json, message: Message) -> DeadLetter:
    """The dead letter of an event with these attributes.

    facts: what was added to the event, by the name of its attribute. message: what delivers the event again.
    """
    reply = without_secrets(_text(facts.get("knativeerrordata")))
    named = _REPLY.fullmatch(reply)
    code = _CODE.search(reply)
    return DeadLetter(
        message=message,
        attributes=attributes,
        error=string(facts, "deadletterreason") or (named[1] if named else ""),
        detail=without_secrets(string(facts, "deadlettermessage") or (named[2] if named else reply)),
        code=string(facts, "deadlettercode") or (code[1] if code else ""),
        status=_number(facts.get("knativeerrorcode")),
        rule=string(facts, "deadletterrule") or "",
        time=parse_time(facts.get("deadlettertime")) or parse_time(attributes.get("time")),
        attempts=_number(facts.get("deliveryattempts")),
        destination=without_secrets(string(facts, "knativeerrordest") or ""),
    )


def _text(error_data: object) -> str:
    """`knativeerrordata`: Base64 from brokers, plain in Knative's documentation."""
    if not isinstance(error_data, str):
        return ""
    try:
        return (decoded(error_data) or error_data.encode()).decode()
    except UnicodeError:
        return error_data


def _number(value: object) -> int | None:
    text = json.dumps(value) if isinstance(value, int) else value
    return int(text) if isinstance(text, str) and re.fullmatch("[0-9]{1,9}", text, re.ASCII) else None
