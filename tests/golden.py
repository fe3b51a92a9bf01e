"""The golden events, as the function takes them at its door."""

import email
import json
from pathlib import Path
from typing import Any

from handlers.edges.cloudevents.parse import from_content, from_headers, load_json

FOLDER = Path(__file__).parent / "events"

_FACTS: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))

IMAGES: dict[str, list[dict[str, Any]]] = {name: facts["images"] for name, facts in _FACTS.items()}
"""By file name, all that rules see under `image` of each image that its events tell of."""

EXPECTED = {name: facts for name, facts in _FACTS.items() if "outcome" in facts}
"""By file name, what should come of it; only of the files that the local stack sends too."""


def events(name: str) -> list[dict[str, Any]]:
    """The events of one file: one, or those of a batch."""
    content = (FOLDER / name).read_bytes()
    if name.endswith(".http"):
        message = email.message_from_bytes(content)
        attributes = {header: value for header, value in message.items() if header.startswith("ce-")}
        body = message.get_payload(decode=True)
        assert isinstance(body, bytes)
        return [from_headers(attributes, message.get_content_type(), body)]
    found = from_content(load_json(content))
    assert all(isinstance(event, dict) for event in found)
    return [event for event in found if isinstance(event, dict)]
