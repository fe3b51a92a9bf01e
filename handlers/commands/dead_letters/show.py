"""`dead-letters show`: what happened, why it was not retried, what to do, and the event."""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from handlers.commands.dead_letters.list import UNKNOWN, row_of
from handlers.commands.dead_letters.reading import Reading
from handlers.commands.dead_letters.stores import Entry
from handlers.commands.output.report import (
    Block,
    Report,
    counted,
    cut,
    fields,
    heading,
    json_document,
    without_binary,
)
from handlers.core.budget import MAX_DEPTH
from handlers.core.dead_letters.advice import advice
from handlers.core.dead_letters.message import Message
from handlers.core.events import CreationSignals
from handlers.core.json_access import Json
from handlers.core.json_text import NotJson, load

EVENT_LINES_SHOWN = 100

FACTS = ("reason", "code", "status", "rule", "attempts", "destination", "subject", "detail")
QUESTIONS = {
    "what_happened": "What happened",
    "why_not_retried": "Why it was not retried",
    "what_to_do": "What to do",
}


def show_dead_letters(reading: Reading, signals: CreationSignals) -> Report:
    """Each is printed as it is read."""
    sheets = (_sheet(entry, signals) for entry in reading)
    data = json_document("dead_letters", sheets, lambda: reading.data)
    return Report(data, _blocks(reading, sheets), lambda: reading.code)


def _sheet(entry: Entry, signals: CreationSignals) -> Json:
    dead_letter = entry.dead_letter
    more = {
        "source": dead_letter.attributes.get("source"),
        "rule": dead_letter.rule,
        "destination": dead_letter.destination,
        "subject": dead_letter.subject,
        "event": _event(dead_letter.message, dead_letter.attributes),
    }
    return row_of(entry, signals) | advice(dead_letter)._asdict() | more


def _event(message: Message, attributes: Json) -> Any:
    """What is sent again as JSON, else as the text that it is, else as bytes."""
    content = _json(message.body)
    if any(name.lower().startswith("ce-") for name in message.headers):
        context = {name: value for name, value in attributes.items() if name not in {"data", "data_base64"}}
        return context | _data(message.body, content)
    if content is not None:
        return content
    try:
        return message.body.decode()
    except UnicodeDecodeError:
        return {"headers": dict(message.headers)} | _data(message.body, None)


def _json(body: bytes) -> Any:
    """The JSON value that some bytes are; None where they are none, or `null`."""
    with suppress(NotJson, UnicodeDecodeError):
        return load(body.decode("utf-8-sig"), MAX_DEPTH)
    return None


def _data(body: bytes, content: Any) -> Json:
    if content is not None or not body:
        return {} if content is None else {"data": content}
    try:
        return {"data": body.decode()}
    except UnicodeDecodeError:
        return {"data_base64": b64encode(body).decode()}


# -- for people -------------------------------------------------------------------------------------


def _blocks(reading: Reading, sheets: Iterator[Json]) -> Iterator[Block]:
    for sheet in sheets:
        place = f"{reading.store.position} {sheet['position']}"
        yield heading(f"Dead letter at {place}, of {sheet['time'] or 'unknown time'}")
        yield from _sheet_blocks(sheet)
    yield from reading.lines
    yield counted(reading.reasons.total(), "dead letter")


def _sheet_blocks(sheet: Json) -> Iterator[Block]:
    known = [(name, cut(str(sheet[name] or UNKNOWN))) for name in ("id", "type", "source")]
    yield fields([*known, *(("image", image_id) for image_id in sheet["images"])], indent=2)
    for name, question in QUESTIONS.items():
        yield ""
        yield heading(question)
        yield f"  {sheet[name]}"
        if name == "what_happened":
            yield fields([(fact, str(sheet[fact])) for fact in FACTS if sheet[fact]], indent=2)
    yield ""
    yield heading("The event")
    yield from (f"  {line}" for line in _printed(sheet["event"]))
    yield ""


def _printed(event: Any) -> Iterator[str]:
    event = without_binary(event)
    text = event if isinstance(event, str) else json.dumps(event, indent=2, ensure_ascii=False)
    lines = text.splitlines() or ["(empty)"]
    yield from lines[:EVENT_LINES_SHOWN]
    if len(lines) > EVENT_LINES_SHOWN:
        yield f"... {len(lines) - EVENT_LINES_SHOWN} more lines; --json has them all"
