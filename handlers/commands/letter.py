"""One dead letter, from each form in which somebody keeps it.

The function's own sink and the brokers of Knative keep the event with more attributes; the subscription on
NATS lists it beside facts; FunctionGraph tells of a failed asynchronous call (FunctionGraph, "Configuring
Asynchronous Execution Notification").
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from handlers.core.dead_letters.attributes import ATTRIBUTES, UNPARSABLE_TYPE
from handlers.core.json_access import Json, object_or_empty, string
from handlers.core.received import Received, Unparsable
from handlers.core.times import parse_time
from handlers.edges.cloudevents import HttpMessage, events_in

STRUCTURED = "application/cloudevents+json; charset=utf-8"
BYTES = "application/octet-stream"


class Letter(NamedTuple):
    """One dead letter.

    about: the attributes of its event, as far as they are known.
    body, content_type: of the request that delivers it again. events: what the function reads in it.
    reason: the error's name; "" where nobody said. code: of the tag API, else the status of the last answer.
    message: the reason in words. time: when it became one, else the event's own.
    request_bytes: of a request that was no event, how many it had; `body` may be only the first of them.
    """

    about: Json
    body: bytes
    content_type: str
    events: list[Received | Unparsable]
    reason: str
    code: str
    message: str
    rule: str
    time: datetime | None
    request_bytes: int | None = None

    @property
    def event_id(self) -> str:
        return string(self.about, "id") or ""

    def mentions(self, image_id: str) -> bool:
        """Whether this UUID stands anywhere in what is delivered, or in what the function decodes of it."""
        decoded = json.dumps([event.event for event in self.events if isinstance(event, Received)]).encode()
        return image_id.lower().encode() in self.body.lower() + decoded.lower()


def letter_of(found: Json) -> Letter | None:
    """The dead letter that a JSON object is, or None."""
    return next((form.letter(found) for form in FORMS if form.matches(found)), None)


def _of_event(found: Json) -> Letter:
    event = {name: value for name, value in found.items() if name not in ATTRIBUTES}
    body, content_type, request_bytes = json.dumps(event).encode(), STRUCTURED, None
    if event.get("type") == UNPARSABLE_TYPE:
        body = _bytes(string(event, "data_base64")) or b""
        content_type = string(event, "datacontenttype") or BYTES
        request_bytes = event["bodybytes"] if isinstance(event.get("bodybytes"), int) else len(body)
    reason, message = _reason_in(_text(found.get("knativeerrordata")))
    return Letter(
        about=event,
        body=body,
        content_type=content_type if re.fullmatch("[!-~][ -~]*", content_type) else BYTES,
        events=_events_in(body),
        reason=string(found, "deadletterreason") or reason,
        code=string(found, "deadlettercode") or _status(found.get("knativeerrorcode")),
        message=string(found, "deadlettermessage") or message,
        rule=string(found, "deadletterrule") or "",
        time=parse_time(found.get("deadlettertime")) or parse_time(event.get("time")),
        request_bytes=request_bytes,
    )


def _of_listing(found: Json) -> Letter:
    """As the subscription on NATS lists it with `--json`."""
    facts = {"knativeerrorcode": found.get("code"), "knativeerrordata": found.get("reason")}
    letter = _of_event(facts | object_or_empty(found["event"]))
    return letter._replace(time=parse_time(found.get("stored")) or letter.time)


def _of_notification(found: Json) -> Letter:
    payload, ended = found["request_payload"], object_or_empty(found.get("response_context"))
    body = (payload if isinstance(payload, str) else json.dumps(payload)).encode()
    within = _events_in(body)
    about = next((event.event for event in within if isinstance(event, Received)), {})
    reason, message = _reason_in(string(found, "response_payload") or string(ended, "function_error") or "")
    return Letter(
        about=about,
        body=body,
        content_type="application/json",
        events=within,
        reason=reason,
        # The page's table has the second name, its sample the first.
        code=_status(ended.get("status_code", ended.get("statusCode"))),
        message=message,
        rule="",
        # The notification's own timestamp has a Z and an offset; which of them counts is not published.
        time=parse_time(about.get("time")),
    )


class Form(NamedTuple):
    matches: Callable[[Json], bool]
    letter: Callable[[Json], Letter]


FORMS = (
    Form(lambda found: "request_payload" in found, _of_notification),
    Form(lambda found: "specversion" in found and bool(ATTRIBUTES & found.keys()), _of_event),
    Form(
        lambda found: "sequence" in found and "specversion" in object_or_empty(found.get("event")),
        _of_listing,
    ),
)


def _events_in(body: bytes) -> list[Received | Unparsable]:
    return events_in(HttpMessage({}, body))


def _reason_in(said: str) -> tuple[str, str]:
    """Reason and message of a reply of the function, which is `Reason: message`."""
    match = re.fullmatch(r"([A-Z][A-Za-z]*): (.*)", said, re.DOTALL)
    return (match[1], match[2]) if match else ("", said)


def _status(value: object) -> str:
    return str(value) if isinstance(value, int | str) else ""


def _text(error_data: object) -> str:
    """`knativeerrordata`: Base64 from brokers, plain in Knative's documentation."""
    if not isinstance(error_data, str):
        return ""
    try:
        return (_bytes(error_data) or error_data.encode()).decode()
    except UnicodeDecodeError:
        return error_data


def _bytes(encoded: str | None) -> bytes | None:
    try:
        return b64decode(encoded or "", validate=True)
    except ValueError:
        return None
