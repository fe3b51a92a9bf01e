"""`images coverage`: which images have the tags of the rules, and which lack some."""

import argparse
import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from handlers.commands.files import UsageError
from handlers.commands.images.assess import STATES, Assessment
from handlers.commands.images.survey import Survey
from handlers.commands.output.progress import Progress
from handlers.commands.output.report import (
    FAULTS,
    USAGE,
    Block,
    Report,
    Styled,
    Table,
    Words,
    counted,
    cut,
    heading,
)
from handlers.core.json_access import string
from handlers.core.json_text import plain

COLUMNS = ("image_id", "name", "project_id", "state", "lacking", "differing", "undecidable", "why")

STYLES = {
    "complete": "ok",
    "lacking": "fault",
    "differing": "warning",
    "undecidable": "name",
    "nothing-to-tag": "note",
}
MEANINGS = {
    "complete": "have every tag of the rules",
    "lacking": "would get more tags",
    "differing": "have another value in a tag",
    "undecidable": "may lack what nobody knows any more",
    "nothing-to-tag": "get no tag from the rules",
}
KINDS = {"complete": "have it", "lacking": "lack it", "differing": "differ", "undecidable": "not known"}

BAR = 20
"""Columns."""

FORMULA = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet would run. Anybody may name an image so."""


class Coverage:
    """What a survey has counted so far. tags: by key and rule, how many images have it, lack it, differ."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.states = Counter[str]()
        self.tags = dict[tuple[str, str], Counter[str]]()
        self.error = ""

    def __iter__(self) -> Iterator[Assessment]:
        """Ends early with `error` where the images cannot be listed any more."""
        try:
            with Progress("images looked at", total=None) as progress:
                for each in self.survey:
                    self._count(each)
                    yield each
                    progress.step(f"{self.states['lacking']:,} lack tags")
        except UsageError as error:
            self.error = str(error)

    def code(self) -> int:
        return USAGE if self.error else FAULTS if self.states["lacking"] else 0

    def _count(self, image: Assessment) -> None:
        self.states[image.state] += 1
        for key, rule in image.rules.items():
            kind = (
                "lacking" if key in image.lacking else "differing" if key in image.differing else "complete"
            )
            self.tags.setdefault((key, rule), Counter())[kind] += 1
        for key in image.undecidable:
            self.tags.setdefault((key, ""), Counter())["undecidable"] += 1


def coverage(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Raises UsageError, InvalidSetting or InvalidTable."""
    if asked.json and asked.csv:
        raise UsageError("--json and --csv are two forms of the same output; leave one out")
    found = Coverage(Survey(environ))
    if asked.json:
        return Report(_json_lines(found), None, found.code)
    if asked.csv:
        return Report(_csv_lines(found), None, found.code)
    return Report(None, _blocks(found, asked.limit), found.code)


def _json_lines(found: Coverage) -> Iterator[str]:
    for each in found:
        yield json.dumps(each.as_json())
    _note_on_stderr(found)
    if found.error:
        yield json.dumps({"errors": [found.error]})


def _csv_lines(found: Coverage) -> Iterator[str]:
    yield ",".join(COLUMNS)
    for each in found:
        row = each.as_json()
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(_cell(row[name]) for name in COLUMNS)
        yield line.getvalue()
    _note_on_stderr(found)
    if found.error:
        raise UsageError(found.error)


def _note_on_stderr(found: Coverage) -> None:
    """The notes have no place among the rows."""
    sys.stderr.writelines(f"note: {plain(note)}\n" for note in found.survey.notes)


def _cell(value: Any) -> str:
    text = plain(value) if isinstance(value, str) else json.dumps(value) if value else ""
    return f"'{text}" if text.startswith(FORMULA) else text


def _blocks(found: Coverage, limit: int) -> Iterator[Block]:
    lacking = list[tuple[str, str, str]]()
    for each in found:
        if each.state == "lacking" and len(lacking) < limit:
            tags = ", ".join(f"{key}={value}" for key, value in each.lacking.items())
            lacking.append((each.image["id"], string(each.image, "name") or "", tags))
    if found.error:
        raise UsageError(found.error)
    total = found.states.total()
    yield heading(counted(total, "image"))
    yield Table(
        (
            Styled(state, STYLES[state]),
            f"{number:,}",
            Styled(_bar(number / total), STYLES[state]),
            MEANINGS[state],
        )
        for state in STATES
        if (number := found.states[state])
    )
    if found.tags:
        yield ""
        rows = (
            (key, rule or "(not known)", *(f"{number[kind]:,}" for kind in KINDS))
            for (key, rule), number in sorted(found.tags.items())
        )
        yield Table(rows, ("tag", "rule", *KINDS.values()))
    if lacking:
        yield ""
        yield Table(images_with_tags(lacking), ("image", "name, and tags that it lacks"))
    if (more := found.states["lacking"] - len(lacking)) > 0:
        yield f"and {more:,} more; see them with --limit {found.states['lacking']}"
    yield from notes_of(found.survey.notes)


def _bar(share: float) -> str:
    """Its share of the width, and at least one place, in a character that every terminal has."""
    return "#" * max(1, round(BAR * share))


def images_with_tags(images: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """Two rows an image: its id and its name, and its tags below."""
    for image_id, name, tags in images:
        yield image_id, cut(name)
        yield "", tags


def notes_of(notes: Iterable[str]) -> Iterator[Words]:
    """What could not be known, for people."""
    return ((Styled("note: ", "warning"), note) for note in notes)
