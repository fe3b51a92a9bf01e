"""The command `explain`: its options, and what it reads."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.commands.dry_run import ImageRun, dry_run
from handlers.commands.explain.explanation import FINE, body_of
from handlers.commands.explain.rules import explain_rules
from handlers.commands.files import STDIN, UsageError, events_in, read, relative_to_cwd, table_in
from handlers.commands.output.progress import Progress
from handlers.commands.output.report import Report
from handlers.core.budget import MAX_DEPTH
from handlers.core.events import CreationSignals
from handlers.core.json_access import Json
from handlers.core.json_text import NotJson, load
from handlers.core.received import Received, Unparsable
from handlers.core.rules.table import RuleTable
from handlers.edges import settings


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Adds the command to those of the command line."""
    command = commands.add_parser(
        "explain",
        parents=[shared],
        help="say what an event would lead to, and why",
        description="Says what an event would lead to, rule by rule and tag by tag, without any network.",
        examples=[
            "explain tests/events/plain-structured.json",
            "explain --rules my-rules.toml - < event.json",
        ],
        exit_codes={
            0: "each event would be tagged, have nothing to tag, or be ignored",
            1: "a dead letter, a file without an event, or a table with faults",
            2: "wrong usage",
        },
    )
    command.add_argument(
        "events", nargs="*", default=[STDIN], metavar="EVENT", help="a .json or .http file; default: -"
    )
    command.add_argument("--rules", type=Path, metavar="TABLE", help="default: the setting RULES")
    command.add_argument(
        "--image",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="the JSON of the image, or of its parent, for rules that read ims, parent or existing tags",
    )
    command.set_defaults(run=explain)


def explain(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Raises UsageError, InvalidSetting or InvalidTable."""
    signals, tag_form = settings.signals(environ), settings.tag_form(environ)
    path = asked.rules or settings.rules(environ)
    table = table_in(path)
    images = [_image_in(name) for name in asked.image]
    files, code = list[Json](), 0
    for name in asked.events:
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
        else:
            files.append({"file": name, "events": found})
    with Progress("events explained", sum(len(file.get("events", ())) for file in files)) as progress:
        for events in (file["events"] for file in files if "events" in file):
            for number, event in enumerate(events):
                events[number] = _event(event, table, signals, tag_form, images)
                code = code if events[number]["outcome"]["kind"] in FINE else max(code, 1)
                progress.step()
    data = {"table": relative_to_cwd(path), "tag_form": tag_form, "files": files}
    return Report(data, body_of(files), code)


def _image_in(path: Path) -> Json:
    """An image as `GET /v2/images/{image_id}` answers it. Raises UsageError."""
    try:
        image = load(read(path).decode("utf-8-sig"), MAX_DEPTH)
    except UnicodeDecodeError:
        raise UsageError(f"{path} holds no image: it is not JSON in UTF-8") from None
    except NotJson as error:
        raise UsageError(f"{path} holds no image: {error}") from None
    if not isinstance(image, dict):
        raise UsageError(f"{path} holds no image: it is the JSON object that GET /v2/images/IMAGE_ID answers")
    return image


def _event(
    event: Received | Unparsable,
    table: RuleTable,
    signals: CreationSignals,
    tag_form: str,
    images: Sequence[Json],
) -> Json:
    run = dry_run(event, table, signals, tag_form, images)
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
        "fetched": {name: event.get(name) for name in sorted(table.reads - run.unknown)},
        "unknown": sorted(run.unknown),
        "fills_in": run.result.image is not None and run.result.image.fills_in,
        "rules": explain_rules(table, event, run.result),
        "outcome": outcome.kind,
        "reason": outcome.reason,
        "message": outcome.message,
        "tags": run.tags,
        "calls": [call._asdict() for call in run.calls],
    }
