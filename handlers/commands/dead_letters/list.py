"""`dead-letters list`: one row a dead letter, and how many there are of each reason."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain

from handlers.commands.dead_letters.reading import Reading
from handlers.commands.dead_letters.stores import Entry
from handlers.commands.files import events_in_message
from handlers.commands.output.report import (
    Block,
    Report,
    Styled,
    Table,
    Words,
    counted,
    counts,
    cut,
    json_document,
)
from handlers.core.dead_letters.model import DeadLetter
from handlers.core.errors import DeliveryTooLarge, InvalidEvent
from handlers.core.events import CreationSignals, recognise
from handlers.core.json_access import Json, rfc3339
from handlers.core.received import Received

UNKNOWN = "-"


def list_dead_letters(reading: Reading, signals: CreationSignals) -> Report:
    """Rows are printed as they are read, so that a store may hold any number of dead letters."""
    rows = (row_of(entry, signals) for entry in reading)
    data = json_document("dead_letters", rows, lambda: {"reasons": reading.reasons} | reading.data)
    return Report(data, _blocks(reading, rows), lambda: reading.code)


def row_of(entry: Entry, signals: CreationSignals) -> Json:
    dead_letter = entry.dead_letter
    return {
        "position": entry.position,
        "time": rfc3339(dead_letter.time),
        "reason": dead_letter.error,
        "detail": dead_letter.detail,
        "code": dead_letter.code,
        "status": dead_letter.status,
        "attempts": dead_letter.attempts,
        "images": _image_ids(dead_letter, signals),
        "id": dead_letter.event_id,
        "type": dead_letter.attributes.get("type"),
    }


def code_of(row: Json) -> str:
    """The code of the tag API, else the status of the last reply."""
    return str(row["code"] or row["status"] or UNKNOWN)


def _image_ids(dead_letter: DeadLetter, signals: CreationSignals) -> list[str]:
    ids = list[str]()
    for received in events_in_message(dead_letter.message):
        with suppress(InvalidEvent, DeliveryTooLarge):
            recognised = recognise(received.event, signals) if isinstance(received, Received) else []
            ids += [image.id for image in recognised] if isinstance(recognised, list) else []
    return ids


# -- for people -------------------------------------------------------------------------------------


def _blocks(reading: Reading, rows: Iterator[Json]) -> Iterator[Block]:
    header = (reading.store.position, "time (UTC), image or event", "reason and code, type")
    yield Table(chain.from_iterable(map(_lines, rows)), header)
    yield from reading.lines
    reasons = counts({each or "without a reason": number for each, number in reading.reasons.most_common()})
    number = counted(reading.reasons.total(), "dead letter")
    yield f"{number}: {reasons}" if reasons else number


def _lines(row: Json) -> Iterator[Sequence[Words]]:
    reason = Styled(cut(row["reason"], 30) or UNKNOWN, "place")
    yield (f"{row['position']}", row["time"] or UNKNOWN, (reason, "  ", cut(code_of(row), 20)))
    yield ("", _about(row), cut(str(row["type"] or UNKNOWN), 60))


def _about(row: Json) -> str:
    """The first image of a dead letter, else its event."""
    first, *others = row["images"] or [cut(row["id"], 60) or UNKNOWN]
    return f"{first} and {len(others)} more" if others else str(first)
