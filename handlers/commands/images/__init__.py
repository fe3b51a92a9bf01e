"""`images coverage | backfill | replay`: images that no event told of.

All three read with the function's settings and credentials. They write nothing themselves: they send events
through the function or a bus, so that rules, retries and dead letters are the ones there are.

A verb is imported when it is run: what it needs to speak HTTP takes longer than most commands.
"""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handlers.commands import targets
from handlers.commands.image_ids import image_id
from handlers.commands.moments import add_period
from handlers.commands.output.report import Report
from handlers.core.patterns.wildcards import InvalidWildcard, Wildcard, parse_wildcard

COVERAGE = """Compares the tags of every own image of the served projects with those that the rules
would give it. It knows what the image service says of the image and of its parent and, for seven days,
the trace of its creation. It writes nothing. It needs the right ims:images:list, and cts:trace:list to
know who made an image. With --json it prints a line of JSON for each image."""

BACKFILL = """Sends an event for each image that lacks tags, to the function or a bus. The events fill in:
they write a tag only if the image has none of that key. Run it again after an interruption: images that
have their tags need no event any more."""

REPLAY = """Sends the traces of created images that Cloud Trace Service recorded, oldest first, each as the
event that EventGrid would have made of it. The events fill in: they write a tag only if the image has
none of that key. With --follow it goes on for ever: it looks for new traces each minute, sends each once,
and prints a line for each, with --json a line of JSON."""


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Adds the verbs and what each can be told."""
    command = commands.add_parser(
        "images",
        help="find and tag images that no event told of",
        description="Finds and tags images that no event told of.",
        examples=["images coverage", "images backfill --to http://127.0.0.1:8080/"],
        exit_codes={0: "done", 1: "something is not done, or lacks tags", 2: "wrong usage"},
    )
    verbs = command.add_subparsers(title="verbs", dest="verb", metavar="VERB")
    _add_coverage(verbs, shared)
    _add_backfill(verbs, shared)
    _add_replay(verbs, shared)


def _add_coverage(verbs: Any, shared: argparse.ArgumentParser) -> None:
    verb = verbs.add_parser(
        "coverage",
        parents=[shared],
        help="which images lack tags of the rules",
        description=COVERAGE,
        examples=["images coverage", "images coverage --json | jq .state", "images coverage --csv"],
        exit_codes={0: "no image lacks a tag", 1: "one does", 2: "wrong usage, or images cannot be listed"},
    )
    verb.add_argument("--csv", action="store_true", help="print a table for spreadsheets, a row an image")
    verb.add_argument(
        "--limit", type=_count, default=20, metavar="N", help="images to show that lack tags; default: 20"
    )
    verb.set_defaults(run=_coverage)


def _add_backfill(verbs: Any, shared: argparse.ArgumentParser) -> None:
    verb = verbs.add_parser(
        "backfill",
        parents=[shared],
        help="send an event for each image that lacks tags",
        description=BACKFILL,
        examples=[
            "images backfill --dry-run",
            "images backfill --to http://127.0.0.1:8080/ --name 'prod-*'",
            "images backfill --to nats://127.0.0.1:4222 --since 30d",
        ],
        exit_codes={0: "done", 1: "an event is a dead letter, or an image is not done", 2: "wrong usage"},
    )
    targets.add_options(verb, required=False)
    verb.add_argument(
        "--dry-run", action="store_true", help="send nothing; show each image and the tags that it would get"
    )
    verb.add_argument(
        "--overwrite",
        action="store_true",
        help="replace tags of other values as well; without it, only missing ones are added",
    )
    add_period(verb, "images made")
    verb.add_argument(
        "--name", type=_wildcard, metavar="PATTERN", help="only images of this name; * stands for any text"
    )
    verb.add_argument("--id", type=image_id, nargs="+", metavar="UUID", help="only these images")
    verb.set_defaults(run=_backfill)


def _add_replay(verbs: Any, shared: argparse.ArgumentParser) -> None:
    verb = verbs.add_parser(
        "replay",
        parents=[shared],
        help="send the recorded traces of created images",
        description=REPLAY,
        examples=[
            "images replay --since 2h --to http://127.0.0.1:8080/",
            "images replay CloudTraces/ --to nats://127.0.0.1:4222",
            "images replay --follow --state replay.json --to http://127.0.0.1:8080/",
        ],
        exit_codes={
            0: "done, or ended by a signal",
            1: "an event is a dead letter, or not done",
            2: "wrong usage",
        },
    )
    verb.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="files of traces instead of the service, or folders of them: .json or .json.gz, as in OBS",
    )
    targets.add_options(verb, required=True)
    add_period(verb, "traces", "; default: 1h (one hour ago), in files all")
    verb.add_argument(
        "--follow",
        action="store_true",
        help="go on for ever; needs --state; --since counts only if there is no state yet",
    )
    verb.add_argument("--state", type=Path, metavar="FILE", help="file in which --follow keeps its place")
    verb.set_defaults(run=_replay)


def _coverage(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    from handlers.commands.images.coverage import coverage  # noqa: PLC0415 - the HTTP client takes longer than --help

    return coverage(asked, environ)


def _backfill(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    from handlers.commands.images.backfill import backfill  # noqa: PLC0415 - the HTTP client takes longer than --help

    return backfill(asked, environ)


def _replay(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    from handlers.commands.images.replay import replay  # noqa: PLC0415 - the HTTP client takes longer than --help

    return replay(asked, environ)


def _wildcard(text: str) -> Wildcard | str:
    try:
        return parse_wildcard(text)
    except InvalidWildcard as error:
        raise argparse.ArgumentTypeError(f"{text!a} is no pattern: it {error}") from None


def _count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!a} is no number; write a whole one such as 20")
    return int(text)
