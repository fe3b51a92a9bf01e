"""What several files about dead letters share."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from handlers.core.dead_letters import dead_letter
from handlers.core.errors import InvalidEvent
from handlers.core.outcomes import Outcome
from handlers.core.received import Unparsable
from tests.processes.bus import Answer as Says
from tests.processes.bus import HttpSubscriber
from tests.processes.bus import Received as Request
from tests.processes.function import created
from tests.support import sample_files
from tests.support.dead_letter_places import ID, Json, Place, StandardInput, by_bus, by_function, encoded

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAID = "TagQuotaExceeded: the image is full"
TRACE = (sample_files.FOLDER / "cts-trigger.json").read_text()


def notification(payload: Any, response: str = "", **context: Any) -> Json:
    """As FunctionGraph publishes it, with its unusual timestamp."""
    return {
        "timestamp": "2020-08-20T12:00:00.000Z+08:00",
        "request_context": {"request_id": "1167bf8c", "approximate_invoke_count": 3},
        "request_payload": payload,
        "response_context": {"function_error": "", **context},
        "response_payload": response,
    }


def unparsable(body: bytes, content_type: str = "text/plain") -> Json:
    """What the function's sink stores of a request that holds no event."""
    request = Unparsable(body, content_type, InvalidEvent("it is none"))
    stored: Json = json.loads(dead_letter(request, Outcome("dead-letter", "InvalidEvent"), NOW))
    return stored


AT_NOON, QUOTA = "2026-03-01T12:00:00Z", "TagQuotaExceeded"

A = by_function(created(ID, id="a"))
C = by_bus(created(ID, id="c"), 400, encoded(f"{SAID} (HTTP 400 IMG.0116 no)"), deadlettertime=AT_NOON)


FAST = ("--rate", "1000")


def said(outcome: str, status: int = 204, body: str = "", **headers: str) -> Says:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Says(status, {"Tagging-Outcome": outcome, **named} if outcome else named, body.encode())


TAGGED = said("tagged")


def sent_ids(received: list[Request]) -> list[str]:
    return [request.headers["ce-id"] for request in received]


@pytest.fixture
def tagger(http_subscriber: HttpSubscriber) -> HttpSubscriber:
    """In the place of the function; tags everything."""
    http_subscriber.answer = lambda _: TAGGED
    return http_subscriber


def resumed(place: Place) -> bool:
    return not isinstance(place, StandardInput)
