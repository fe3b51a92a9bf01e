"""The golden events, as the function takes them at its door."""

import json
from typing import Any

from handlers.commands.files import message_in
from handlers.core.received import Received
from handlers.edges.cloudevents import HttpMessage, events_in
from tests.support.paths import ROOT

FOLDER = ROOT / "tests" / "events"

_FACTS: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))

IMAGES: dict[str, list[dict[str, Any]]] = {name: facts["images"] for name, facts in _FACTS.items()}
"""By file name, all that rules see under `image` of each image that its events tell of."""

EXPECTED = {name: facts for name, facts in _FACTS.items() if "outcome" in facts}
"""By file name, what should come of it; only of the files that the local stack sends too."""


def message(name: str) -> HttpMessage:
    """The message of one file; JSON has the one header that says so."""
    content = (FOLDER / name).read_bytes()
    return (
        message_in(content)
        if name.endswith(".http")
        else HttpMessage({"content-type": "application/json"}, content)
    )


def events(name: str) -> list[dict[str, Any]]:
    """The events of one file: one, or those of a batch."""
    found = events_in(message(name))
    events = [received.event for received in found if isinstance(received, Received)]
    assert len(events) == len(found)
    return events
