"""`dead-letters list` and `dead-letters show`."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from handlers.commands.advice import advice_on
from handlers.commands.letter import Letter
from handlers.commands.letters import Found, Skipped
from handlers.commands.report import WIDTH, Report, counted, cut
from handlers.core.budget import MAX_DEPTH
from handlers.core.errors import InvalidEvent
from handlers.core.events import CreationSignals, recognise
from handlers.core.json_access import Json, rfc3339
from handlers.core.json_text import load
from handlers.core.received import Received

EVENT_LINES_SHOWN = 100
SKIPPED_SHOWN = 20
UNKNOWN = "-"


def list_letters(found: Iterable[Found | Skipped], says: CreationSignals) -> Report:
    """One row a letter, and how many there are of each reason."""
    letters, skipped = list[Json](), list[Json]()
    for each in found:
        if isinstance(each, Skipped):
            skipped.append(each._asdict())
        else:
            letters.append(_row(each, says))
    reasons = Counter(row["reason"] for row in letters).most_common()
    facts = {"letters": letters, "reasons": dict(reasons), "skipped": skipped}
    return Report(facts, _table(facts), 0)


def show_letters(found: Iterable[Found | Skipped], says: CreationSignals) -> Report:
    """Each letter with what happened, why it stays so and what to do, then its event."""
    letters, skipped = list[Json](), list[Json]()
    for each in found:
        if isinstance(each, Skipped):
            skipped.append(each._asdict())
            continue
        letter = each.letter
        more = {"source": letter.about.get("source"), "message": letter.message, "rule": letter.rule}
        advice = advice_on(letter)._asdict()
        letters.append(_row(each, says) | more | advice | {"event": _content(letter.body)})
    facts = {"letters": letters, "skipped": skipped}
    return Report(facts, _sheets(facts), 0)


def lines_of_skipped(skipped: Sequence[Json]) -> Iterator[str]:
    """Why the first of the lines that are no dead letters are none, and how many there are."""
    for each in skipped[:SKIPPED_SHOWN]:
        yield f"line {each['line']} is left out: {each['why']}"
    if skipped:
        yield f"{counted(len(skipped), 'line')} left out"


def _row(found: Found, says: CreationSignals) -> Json:
    letter = found.letter
    return {
        "line": found.line,
        "time": rfc3339(letter.time),
        "reason": letter.reason,
        "code": letter.code,
        "images": _image_ids(letter, says),
        "id": letter.event_id,
        "type": letter.about.get("type"),
    }


def _image_ids(letter: Letter, says: CreationSignals) -> list[str]:
    ids = list[str]()
    for event in letter.events:
        try:
            recognised = recognise(event.event, says) if isinstance(event, Received) else []
        except InvalidEvent:
            continue
        ids += [image.id for image in recognised] if isinstance(recognised, list) else []
    return ids


def _content(body: bytes) -> Any:
    """What would be sent again: JSON, or the text that it is instead."""
    try:
        return load(body.decode(), MAX_DEPTH)
    except ValueError:
        return body.decode(errors="backslashreplace")


# -- for people -------------------------------------------------------------------------------------


def _table(facts: Json) -> Iterator[str]:
    if facts["letters"]:
        yield f"{'time (UTC)':<20}  {'reason':<20}  code"
        yield "    image or event, type"
    for row in facts["letters"]:
        yield f"{row['time'] or UNKNOWN:<20}  {cut(row['reason'], 30) or UNKNOWN:<20}  {cut(row['code'], 20)}"
        more = f" and {len(row['images']) - 1} more" if len(row["images"]) > 1 else ""
        about = row["images"][0] if row["images"] else cut(row["id"], 60) or UNKNOWN
        yield f"    {about}{more}  {cut(str(row['type'] or UNKNOWN), 60)}"
    yield from lines_of_skipped(facts["skipped"])
    counts = ", ".join(
        f"{number} {reason or 'without a reason'}" for reason, number in facts["reasons"].items()
    )
    yield f"{counted(len(facts['letters']), 'dead letter')}{f': {counts}' if counts else ''}"


def _sheets(facts: Json) -> Iterator[str]:
    for row in facts["letters"]:
        yield f"Dead letter in line {row['line']}, of {row['time'] or 'unknown time'}"
        for name in ("id", "type", "source"):
            yield f"  {name:<7}{cut(str(row[name] or UNKNOWN))}"
        for image_id in row["images"]:
            yield f"  image  {image_id}"
        yield ""
        yield "What happened"
        yield from _paragraph(row["happened"])
        yield from (f"  {name}: {row[name]}" for name in ("reason", "code", "rule", "message") if row[name])
        yield ""
        yield "Why it will not go right by itself"
        yield from _paragraph(row["why_it_stays"])
        yield ""
        yield "What to do"
        yield from _paragraph(row["to_do"])
        yield ""
        yield "The event"
        yield from (f"  {line}" for line in _printed(row["event"]))
        yield ""
    yield from lines_of_skipped(facts["skipped"])
    yield counted(len(facts["letters"]), "dead letter")


def _paragraph(sentences: str) -> list[str]:
    return textwrap.wrap(
        sentences, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )


def _printed(content: Any) -> Iterator[str]:
    text = content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False)
    lines = text.splitlines() or ["(empty)"]
    yield from lines[:EVENT_LINES_SHOWN]
    if len(lines) > EVENT_LINES_SHOWN:
        yield f"... {len(lines) - EVENT_LINES_SHOWN} more lines; --json has them all"
