"""`explain`: what an event would lead to, rule by rule and tag by tag, without network or credentials."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.commands.dry_run import ImageRun, dry_run
from handlers.commands.explain_rules import explain_rules
from handlers.commands.files import STDIN, UsageError, events_in, relative_to_cwd, table_in
from handlers.commands.report import Report, cut, quoted
from handlers.core.events import CreationSignals
from handlers.core.json_access import Json
from handlers.core.received import Received, Unparsable
from handlers.core.rules.table import RuleTable
from handlers.edges import settings

FOUND_SHOWN = 3
"""Values of a field; what an array holds beyond them is counted."""


def explain(names: Sequence[str], rules: Path | None, environ: Mapping[str, str]) -> Report:
    """names: of files. rules: instead of RULES. Raises UsageError, InvalidSetting or InvalidTable."""
    signals, tag_form = settings.signals(environ), settings.tag_form(environ)
    path = rules or settings.rules(environ)
    table = table_in(path)
    files, code = list[Json](), 0
    for name in names:
        try:
            found = events_in(name)
        except UsageError as error:
            files.append({"file": name, "fault": str(error)})
            code = 2
            continue
        if len(found) == 1 and isinstance(none := found[0], Unparsable):
            where = "standard input" if name == STDIN else name
            files.append({"file": name, "fault": f"{where} holds no event: {none.error}"})
            code = max(code, 1)
            continue
        events = [_event(event, table, signals, tag_form) for event in found]
        files.append({"file": name, "events": events})
        fine = {each["outcome"]["kind"] for each in events} <= {"tagged", "nothing-to-tag", "ignored"}
        code = code if fine else max(code, 1)
    data = {"table": relative_to_cwd(path), "tag_form": tag_form, "files": files}
    return Report(data, _lines(files), code)


def _event(event: Received | Unparsable, table: RuleTable, signals: CreationSignals, tag_form: str) -> Json:
    run = dry_run(event, table, signals, tag_form)
    attributes = {} if isinstance(event, Unparsable) else event.event
    return {
        "event": {name: attributes.get(name) for name in ("id", "type", "source")},
        "images": [_image(each, table) for each in run.images],
        "outcome": {name: getattr(run.outcome, name) for name in ("kind", "reason", "message")},
    }


def _image(run: ImageRun, table: RuleTable) -> Json:
    event = run.result.image.event if run.result.image else {}
    outcome = run.result.outcome
    return {
        "image": event["image"],
        "rules": explain_rules(table, event, run.result),
        "outcome": outcome.kind,
        "reason": outcome.reason,
        "message": outcome.message,
        "tags": run.tags,
        "calls": [call._asdict() for call in run.calls],
    }


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
