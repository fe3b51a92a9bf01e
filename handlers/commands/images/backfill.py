"""`images backfill`: an event for each image that lacks tags, to the function or a bus."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import chain
from typing import IO

from handlers.commands.files import UsageError, temporary_files
from handlers.commands.images.assess import Assessment
from handlers.commands.images.coverage import images_with_tags, notes_of
from handlers.commands.images.sending import Sent, ToSend, send_all
from handlers.commands.images.survey import Chosen, Survey
from handlers.commands.output.progress import Progress
from handlers.commands.output.report import FAULTS, USAGE, Block, Report, Table, counted, json_document
from handlers.commands.targets import NO_TARGET, open_target
from handlers.core.events.recognised import FILL_IN
from handlers.core.json_access import Json, string

LESS = "and nobody knows any more what that was made of; correct the other tags by hand"


class Summary:
    """Counts that add up: images = complete + done + dead letters + not done.

    images: those that are chosen. complete: those of them that need no event. undecidable: how many of these
    may lack tags. error: why not all images could be looked at, or "".
    """

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.images = 0
        self.complete = 0
        self.undecidable = 0
        self.sent = Sent(0)
        self.error = ""

    def __str__(self) -> str:
        return f"{self.looked_at()}, {self.sent}"

    def looked_at(self) -> str:
        return f"{counted(self.images, 'image')}: {self.complete:,} need no event"

    def notes(self) -> list[str]:
        if not self.undecidable:
            return self.survey.notes
        number = f"{self.undecidable:,} of those that need no event"
        note = f"{number} may lack tags that need what nobody knows; see them with `images coverage`"
        return [*self.survey.notes, note]

    def report(self) -> Report:
        data = {"images": self.images, "complete": self.complete, **self.sent.as_json()}
        lines = chain(self.sent.lines(), notes_of(self.notes()), [str(self)])
        return Report({**data, "notes": self.notes()}, lines, 0 if self.sent.is_done else FAULTS)


def backfill(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Raises UsageError, InvalidSetting or InvalidTable, before the first event is sent."""
    if not asked.to and not asked.dry_run:
        raise UsageError(NO_TARGET)
    chosen = Chosen(asked.since, asked.until, asked.name, frozenset(asked.id) if asked.id else None)
    summary = Summary(Survey(environ))
    wanted = _wanted(summary, chosen, overwrite=asked.overwrite)
    if asked.dry_run:
        return _dry_run(summary, wanted)
    with closing(open_target(asked.to, environ, asked.token_file)) as target:
        try:
            with _plan(wanted, overwrite=asked.overwrite) as plan:
                send_all((ToSend(*json.loads(line)) for line in plan), target, asked.rate, summary.sent)
        except KeyboardInterrupt:
            sys.stderr.write(f"interrupted: {summary}\n")
            raise
    return summary.report()


@contextmanager
def _plan(wanted: Iterator[Assessment], *, overwrite: bool) -> Iterator[IO[str]]:
    """A file of the events, so that memory stays flat, and so that it is known how many are left.

    Raises UsageError.
    """
    with temporary_files(), tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        for each in wanted:
            event = each.event
            if overwrite and each.differing:
                event = {name: value for name, value in event.items() if name != FILL_IN}
            file.write(f"{json.dumps(ToSend(each.image['id'], string(each.image, 'name') or '', event))}\n")
        file.seek(0)
        yield file


def _wanted(summary: Summary, chosen: Chosen, *, overwrite: bool) -> Iterator[Assessment]:
    """The chosen images that need an event. All that are chosen are counted. Raises UsageError."""
    with Progress("images looked at", total=None) as progress:
        for each in summary.survey:
            progress.step(f"{summary.sent.total:,} lack tags")
            if not chosen.matches(each.image):
                continue
            summary.images += 1
            if overwrite and each.differing and each.at_risk:
                name, keys = string(each.image, "name") or "", ", ".join(each.at_risk)
                summary.sent.leave(each.image["id"], name, f"--overwrite would replace {keys} too, {LESS}")
            elif each.state == "lacking" or (overwrite and each.differing):
                summary.sent.total += 1
                yield each
            else:
                summary.complete += 1
                summary.undecidable += each.state == "undecidable"


def _dry_run(summary: Summary, wanted: Iterator[Assessment]) -> Report:
    def rows() -> Iterator[Json]:
        try:
            yield from (each.as_json() for each in wanted)
        except UsageError as error:  # what is printed already must become a whole document
            summary.error = str(error)

    def rest() -> Json:
        counts = {"images": summary.images, "complete": summary.complete, "lacking": summary.sent.not_sent}
        found = {"dry_run": True, **counts, "not_done": summary.sent.not_done, "notes": summary.notes()}
        return found | ({"errors": [summary.error]} if summary.error else {})

    def blocks() -> Iterator[Block]:
        images = (
            (each.image["id"], string(each.image, "name") or "", ", ".join(_pairs(each))) for each in wanted
        )
        yield Table(images_with_tags(images), ("image", "name, and tags that it would get"))
        yield from summary.sent.reasons()
        yield from notes_of(summary.notes())
        left = f", {len(summary.sent.not_done):,} would be left" if summary.sent.not_done else ""
        yield f"{summary.looked_at()}, {summary.sent.not_sent:,} would get tags{left}"

    return Report(
        json_document("would_be_tagged", rows(), rest), blocks(), lambda: USAGE if summary.error else 0
    )


def _pairs(each: Assessment) -> Iterator[str]:
    yield from (f"{key}={value}" for key, value in each.lacking.items())
    yield from (f"{key}={value['would_be']} (not {value['is']})" for key, value in each.differing.items())
