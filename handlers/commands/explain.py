"""`explain`: what an event would lead to, rule by rule and tag by tag, without network or credentials."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.commands.dry_run import rehearse
from handlers.commands.files import STDIN, UsageError, events_in, relative_to_cwd, table_in
from handlers.commands.report import Report, cut, quoted
from handlers.commands.walk import walk
from handlers.core.errors import InvalidEvent
from handlers.core.events.recognise import CreationSignals, ImageCreated
from handlers.core.rules.table import RuleTable
from handlers.edges.cloudevents.parse import Json
from handlers.edges.settings import settings

FOUND_SHOWN = 3
"""Values of a field; what an array holds beyond them is counted."""


def explain(names: Sequence[str], rules: Path | None, environ: Mapping[str, str]) -> Report:
    """names: of files. rules: instead of RULES. Raises UsageError, InvalidSetting or InvalidTable."""
    says, tag_form = settings.says(environ), settings.tag_form(environ)
    path = rules or settings.rules(environ)
    table = table_in(path)
    files, code = list[Json](), 0
    for name in names:
        try:
            found = [_event(event, table, says, tag_form) for event in events_in(name)]
        except UsageError as error:
            files.append({"file": name, "fault": str(error)})
            code = 2
        except InvalidEvent as error:
            where = "standard input" if name == STDIN else name
            files.append({"file": name, "fault": f"{where} holds no event: {error}"})
            code = max(code, 1)
        else:
            files.append({"file": name, "events": found})
            fine = {each["outcome"]["kind"] for each in found} <= {"tagged", "nothing-to-tag", "ignored"}
            code = code if fine else max(code, 1)
    facts = {"table": relative_to_cwd(path), "tag_form": tag_form, "files": files}
    return Report(facts, _lines(files), code)


def _event(event: Json | InvalidEvent, table: RuleTable, says: CreationSignals, tag_form: str) -> Json:
    rehearsal = rehearse(event, table, says, tag_form)
    attributes = {} if isinstance(event, InvalidEvent) else event
    return {
        "event": {name: attributes.get(name) for name in ("id", "type", "source")},
        "images": [
            _image(tagged.image, table)
            | {name: said for name, said in tagged._asdict().items() if name != "image"}
            | {"calls": [call._asdict() for call in tagged.calls]}
            for tagged in rehearsal.images
        ],
        "outcome": {
            "kind": rehearsal.outcome.kind,
            "reason": rehearsal.outcome.reason,
            "message": rehearsal.outcome.message,
        },
    }


def _image(image: ImageCreated, table: RuleTable) -> Json:
    return {"image": image.event["image"], "rules": walk(table, image.event)}


# -- for people -------------------------------------------------------------------------------------


def _lines(files: Sequence[Json]) -> Iterator[str]:
    for number, file in enumerate(files):
        if number:
            yield ""
        if "fault" in file:
            yield file["fault"]
            continue
        for position, event in enumerate(file["events"], 1):
            several = f", event {position} of {len(file['events'])}" if len(file["events"]) > 1 else ""
            if position > 1:
                yield ""
            yield f"{file['file']}{several}"
            yield from _lines_of_event(event)


def _lines_of_event(event: Json) -> Iterator[str]:
    for name, value in event["event"].items():
        if value is not None:
            yield f"  {name} = {quoted(value)}"
    for image in event["images"]:
        yield from _lines_of_object("image", image["image"])
        for rule in image["rules"]:
            yield from _lines_of_rule(rule)
        for call in image["calls"]:
            yield f"  {call['method']} {call['path']}"
            if call["body"] is not None:
                yield f"    {json.dumps(call['body'])}"
        if len(event["images"]) > 1:
            ended = _ended(image["outcome"], image["reason"], image["message"])
            yield f"  outcome of this image: {ended}"
    yield f"  outcome: {_ended(*event['outcome'].values())}"


def _lines_of_object(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for member, below in value.items():
            yield from _lines_of_object(f"{name}.{member}", below)
    else:
        yield f"  {name} = {quoted(value)}"


def _lines_of_rule(rule: Json) -> Iterator[str]:
    name = f"  rule {quoted(rule['rule'])}{' (audit)' if rule['mode'] == 'audit' else ''}"
    if rule["matches"]:
        yield f"{name} matches{'' if rule['condition'] else ', it is for every event'}"
    else:
        yield f"{name} does not match"
    for each in rule["why_not"]:
        yield f"    {each['field']} is {_found(each['found'])}, wanted {cut(each['wanted'])}"
    for tag in rule["tags"]:
        yield f"    {_tag(tag, rule['mode'])}"


def _tag(tag: Json, mode: str) -> str:
    if tag["value"] is None:
        return f"{tag['key']} is left out: {tag['why']}"
    text = f"{tag['key']} = {quoted(tag['value'])}"
    if tag["mended_from"] is not None:
        text += f", mended from {quoted(tag['mended_from'])}: {tag['why']}"
    if tag["on_existing"] == "keep":
        text += "; a tag of this key that the image has is kept"
    return text + ("; only logged" if mode == "audit" else "")


def _found(values: Sequence[Any]) -> str:
    shown = ", ".join(map(quoted, values[:FOUND_SHOWN]))
    more = len(values) - FOUND_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown or "absent"


def _ended(kind: str, reason: str, message: str) -> str:
    return ": ".join(part for part in (kind, reason if kind != "ignored" else "", message) if part)
