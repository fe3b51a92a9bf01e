"""`explain` for people: the image of an event, its rules, tags, calls and outcome."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from handlers.commands.output.report import (
    Block,
    Styled,
    Table,
    Words,
    counted,
    counts,
    cut,
    fields,
    heading,
    quoted,
)
from handlers.core.json_access import Json

FINE = frozenset({"tagged", "nothing-to-tag", "ignored"})
"""Outcomes that need no repair."""

EVENTS_SHOWN = 200
"""Events. If there are more, those that need repair take precedence."""

INDENT = 2

FOUND_SHOWN = 3
"""Values of a field that is an array; the others are counted."""


def body_of(files: Sequence[Json]) -> Iterator[Block]:
    """files: as in the JSON of `explain`."""
    explained = list[tuple[str, Json]]()
    for file in files:
        events = file.get("events", [])
        for number, event in enumerate(events, 1):
            several = f", event {number} of {len(events)}" if len(events) > 1 else ""
            explained.append((f"{file['file']}{several}", event))
    worst_first = sorted(
        range(len(explained)), key=lambda each: explained[each][1]["outcome"]["kind"] in FINE
    )
    for each in sorted(worst_first[:EVENTS_SHOWN]):
        yield from _event(*explained[each])
        if len(files) > 1 or len(explained) > 1:
            yield ""
    yield Table((Styled("fault", "fault"), file["fault"]) for file in files if "fault" in file)
    if len(explained) > 1:
        yield from _summary([event["outcome"] for _, event in explained])


def _summary(outcomes: Sequence[Json]) -> Iterator[Block]:
    if (more := len(outcomes) - EVENTS_SHOWN) > 0:
        yield Styled(f"{counted(more, 'event')} not shown; --json explains all", "warning")
    kinds = (
        each["kind"] if each["kind"] in FINE else f"{each['kind']} ({each['reason']})" for each in outcomes
    )
    yield f"{counted(len(outcomes), 'event')}: {counts(dict(Counter(kinds).most_common()))}"


def _event(title: str, event: Json) -> Iterator[Block]:
    yield heading(title)
    pairs = [(name, quoted(value)) for name, value in event["event"].items() if value is not None]
    for image in event["images"]:
        yield fields([*pairs, *_members("image", image["image"]), *_fetched(image)], INDENT)
        pairs = []
        yield ""
        yield Table(map(_rule, image["rules"]), ("rule", "matches", "because"), INDENT)
        if tags := [_tag(tag, rule) for rule in image["rules"] for tag in rule["tags"]]:
            yield ""
            yield Table(tags, ("tag", "value", "from rule", "note"), INDENT)
        if image["calls"]:
            yield ""
            rows = chain.from_iterable(map(_call, image["calls"]))
            yield Table(rows, ("call", "path and body"), INDENT)
        yield ""
        if len(event["images"]) > 1:
            ended = _outcome(image["outcome"], image["reason"], image["message"])
            yield fields([("outcome of this image", ended)], INDENT)
            yield ""
    yield fields([*pairs, ("outcome", _outcome(*event["outcome"].values()))], INDENT)


_WHOSE = {"ims": "image", "parent": "image that it was made from"}


def _fetched(image: Json) -> Iterator[tuple[str, str]]:
    """What IMS says of the image and its parent, as far as it is known here."""
    for name in image["unknown"]:
        yield name, f"would be fetched; give the JSON of the {_WHOSE[name]} with --image FILE"
    for name, described in image["fetched"].items():
        if described is None:
            yield name, "none in this region"
        else:
            yield from _members(name, described)
    if image["fills_in"]:
        yield "fills in", "writes a tag only where the image has none of that key"


def _members(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for member, below in value.items():
            yield from _members(f"{name}.{member}", below)
    else:
        yield name, quoted(value)


def _rule(rule: Json) -> tuple[Words, Words, Words]:
    audit = " (audit)" if rule["mode"] == "audit" else ""
    if rule["matches"]:
        because = "each condition holds" if rule["condition"] else "it is for every event"
        return cut(rule["rule"]), Styled(f"yes{audit}", "ok"), because
    because = "; ".join(
        f"{each['field']} is {_found(each['found'])}, wanted {cut(each['wanted'])}"
        for each in rule["why_not"]
    )
    return cut(rule["rule"]), Styled(f"no{audit}", "note"), because


def _tag(tag: Json, rule: Json) -> tuple[Words, Words, Words, Words]:
    notes = []
    if tag["value"] is None:
        notes = [f"left out: {tag['why']}"]
    elif tag["mended_from"] is not None:
        notes = [f"sanitized from {quoted(tag['mended_from'])}: {tag['why']}"]
    if tag["value"] is not None and tag["on_existing"] == "keep":
        notes.append("a tag of this key that the image has is kept")
    if tag["value"] is not None and rule["mode"] == "audit":
        notes.append("only logged")
    value = Styled("-", "note") if tag["value"] is None else Styled(quoted(tag["value"]), "heading")
    return tag["key"], value, cut(rule["rule"]), "; ".join(notes)


def _call(call: Json) -> Iterator[tuple[str, str]]:
    yield call["method"], call["path"]
    if call["body"] is not None:
        yield "", json.dumps(call["body"])


def _found(values: Sequence[Any]) -> str:
    shown = ", ".join(map(quoted, values[:FOUND_SHOWN]))
    more = len(values) - FOUND_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown or "absent"


def _outcome(kind: str, reason: str, message: str) -> Styled:
    words = (kind, reason if kind != "ignored" else "", message)
    return Styled(": ".join(filter(None, words)), "ok" if kind in FINE else "fault")
