"""`images backfill`: an event for each image that lacks tags, to the function or a bus."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from itertools import chain
from typing import IO, NamedTuple

from handlers.commands.files import UsageError
from handlers.commands.images.assess import Assessment
from handlers.commands.images.coverage import images_with_tags, notes_of
from handlers.commands.images.sending import Sent, ToSend, send_all
from handlers.commands.images.survey import Survey
from handlers.commands.progress import Progress
from handlers.commands.report import Block, Report, Table, counted, json_document
from handlers.commands.targets import open_target
from handlers.core.events.images import FILL_IN
from handlers.core.json_access import Json, string
from handlers.core.patterns.wildcards import Wildcard
from handlers.core.times import parse_time


class Chosen(NamedTuple):
    """Which images are meant; None: any. An image without a time is neither since nor until any."""

    since: datetime | None
    until: datetime | None
    name: Wildcard | str | None
    ids: frozenset[str] | None

    def matches(self, image: Json) -> bool:
        made = parse_time(image.get("created_at"))
        name = string(image, "name") or ""
        return (
            (self.since is None or (made is not None and self.since <= made))
            and (self.until is None or (made is not None and made < self.until))
            and (
                self.name is None
                or (name == self.name if isinstance(self.name, str) else self.name.matches(name))
            )
            and (self.ids is None or image["id"].lower() in self.ids)
        )


class Summary:
    """Counts that add up: images = complete + done + dead letters + not done.

    images: those that are chosen. complete: those of them that need no event.
    """

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.images = 0
        self.complete = 0
        self.sent = Sent(0)

    def __str__(self) -> str:
        return f"{counted(self.images, 'image')}: {self.complete:,} need no event, {self.sent}"

    def report(self) -> Report:
        data = {"images": self.images, "complete": self.complete, **self.sent.as_json()}
        lines = chain(self.sent.lines(), notes_of(self.survey), [str(self)])
        return Report({**data, "notes": self.survey.notes}, lines, 0 if self.sent.is_done else 1)


def backfill(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Raises UsageError, InvalidSetting or InvalidTable, before the first event is sent."""
    if not asked.to and not asked.dry_run:
        raise UsageError("say where the function is with --to URL, or see what would happen with --dry-run")
    chosen = Chosen(asked.since, asked.until, asked.name, frozenset(asked.id) if asked.id else None)
    summary = Summary(Survey(environ))
    wanted = _wanted(summary, chosen, with_differing=asked.overwrite)
    if asked.dry_run:
        return _dry_run(summary, wanted)
    with closing(open_target(asked.to, environ, asked.token_file)) as target, _plan() as plan:
        for each in wanted:
            event = each.event | {FILL_IN: "true"}
            if asked.overwrite:
                del event[FILL_IN]
            plan.write(json.dumps(ToSend(each.image["id"], string(each.image, "name") or "", event)) + "\n")
        plan.seek(0)
        try:
            send_all((ToSend(*json.loads(line)) for line in plan), target, asked.rate, summary.sent)
        except KeyboardInterrupt:
            sys.stderr.write(f"interrupted: {summary}\n")
            raise
    return summary.report()


def _plan() -> IO[str]:
    """A file for the events, so that memory stays flat, and so that it is known how many are left."""
    return tempfile.TemporaryFile("w+", encoding="utf-8")


def _wanted(summary: Summary, chosen: Chosen, *, with_differing: bool) -> Iterator[Assessment]:
    """The chosen images that need an event. All that are chosen are counted. Raises UsageError."""
    states = ("lacking", "differing") if with_differing else ("lacking",)
    with Progress("images looked at", total=None) as progress:
        for each in summary.survey:
            progress.step(f"{summary.sent.total:,} lack tags")
            if not chosen.matches(each.image):
                continue
            summary.images += 1
            if each.state in states:
                summary.sent.total += 1
                yield each
            else:
                summary.complete += 1


def _dry_run(summary: Summary, wanted: Iterator[Assessment]) -> Report:
    rows = (each.as_json() for each in wanted)
    images = (
        (each.image["id"], string(each.image, "name") or "", ", ".join(_pairs(each))) for each in wanted
    )
    body = Table(images_with_tags(images), ("image", "name, and tags that it would get"))

    def rest() -> Json:
        counts = {"images": summary.images, "complete": summary.complete, "lacking": summary.sent.total}
        return {"dry_run": True, **counts, "notes": summary.survey.notes}

    def blocks() -> Iterator[Block]:
        yield body
        yield from notes_of(summary.survey)
        complete = f"{counted(summary.images, 'image')}: {summary.complete:,} need no event"
        yield f"{complete}, {summary.sent.total:,} would get tags"

    return Report(json_document("would_be_tagged", rows, rest), blocks(), 0)


def _pairs(each: Assessment) -> Iterator[str]:
    yield from (f"{key}={value}" for key, value in each.lacking.items())
    yield from (f"{key}={value['would_be']} (not {value['is']})" for key, value in each.differing.items())
