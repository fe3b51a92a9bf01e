"""Cases: events as data, each with the tags or the outcome that the rules table must give it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from handlers.commands.files import UsageError, events_in, read
from handlers.core.received import Received, Unparsable
from handlers.core.rules.diagnostics import Diagnostics, InvalidTable, Place
from handlers.core.rules.lines import with_lines
from handlers.core.rules.load import read_toml
from handlers.edges import cloudevents
from handlers.edges.cloudevents import HttpMessage

OUTCOMES = ("ignored", "nothing-to-tag", "dead-letter")


class Case(NamedTuple):
    """tags: exactly those expected; {} unless the outcome is "tagged". reason: "" for any."""

    name: str
    event: Received | Unparsable
    tags: dict[str, str]
    outcome: str
    reason: str


class Cases(NamedTuple):
    """rules: the table that the cases name, or None."""

    rules: Path | None
    cases: list[Case]


def cases_in(path: Path) -> Cases:
    """Reads a file of cases. Raises UsageError, which lists every fault in it."""
    try:
        text, top = read_toml(read(path), path.name)
    except InvalidTable as invalid:
        raise UsageError(*map(str, invalid.faults)) from None
    faults = Diagnostics(path.name)
    faults.names(Place(), top, "rules", "case")
    rules = faults.member(Place(), top, "rules", str)
    rows = top.get("case")
    if not isinstance(rows, list) or not rows:
        faults.add(Place("", ("case",)), "it has no case; add a [[case]] with name, event and tags")
        rows = []
    cases = [case for number, row in enumerate(rows, 1) if (case := _case(number, row, path.parent, faults))]
    if faults.found:
        raise UsageError(*map(str, with_lines(faults.found, text)))
    return Cases(path.parent / rules if rules else None, cases)


def _case(number: int, row: Any, folder: Path, faults: Diagnostics) -> Case | None:
    where = Place(f"case {number}", ("case", number - 1))
    if not isinstance(row, dict):
        faults.add(where, "a case is a table; write [[case]]")
        return None
    name = faults.member(where, row, "name", str)
    if name:
        where = Place(f'case "{name}"', where.path)
    faults.names(where, row, "name", "event", "tags", "outcome", "reason")
    if name is None and "name" not in row:
        faults.add(where, "it has no name; add one that says what it shows")
    if ("tags" in row) == ("outcome" in row):
        faults.add(where, "it needs either tags or an outcome")
    tags = faults.member(where, row, "tags", dict) or {}
    for key in (key for key, value in tags.items() if not isinstance(value, str)):
        faults.add(where.at("tags", key), f'the tag "{key}" must be text in quotes')
    outcome = "tagged" if tags else "nothing-to-tag"
    if "outcome" in row:
        outcome = faults.choice(where, row, "outcome", *OUTCOMES)
    reason = faults.member(where, row, "reason", str) or ""
    event = _event(where.at("event"), row.get("event"), folder, faults)
    return Case(name or where.words, event, tags, outcome, reason) if event else None


def _event(where: Place, value: Any, folder: Path, faults: Diagnostics) -> Received | Unparsable | None:
    try:
        match value:
            case str():
                found = events_in(str(folder / value))
                if len(found) == 1:
                    return found[0]
                faults.add(where, f"{value} holds {len(found)} events; name a file with one")
            case dict():
                return cloudevents.events_in(HttpMessage({}, json.dumps(value).encode()))[0]
            case _:
                faults.add(where, "it needs an event: the name of a file, or a table [case.event]")
    except UsageError as error:
        faults.add(where, str(error))
    except TypeError:
        faults.add(where, "JSON has no dates and times; write those of the event in quotes")
    return None
