"""`dead-letters list | show | redrive`: the events that could not be tagged, and their way back.

One set of commands serves every place that keeps dead letters (`stores`) and every target
(`commands.targets`).
"""

import argparse
import re
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from handlers.commands import targets
from handlers.commands.dead_letters.list import list_dead_letters
from handlers.commands.dead_letters.reading import Reading
from handlers.commands.dead_letters.redrive import redrive, redrive_dry_run
from handlers.commands.dead_letters.selection import Selection
from handlers.commands.dead_letters.show import show_dead_letters
from handlers.commands.dead_letters.stores import open_store
from handlers.commands.files import STDIN, UsageError, table_in
from handlers.commands.output.report import Report
from handlers.commands.targets import NO_TARGET, is_nats, open_target
from handlers.edges import settings

PLACE = """a file of JSON lines: the function's sink, dead letters of a broker, notifications of
FunctionGraph; -: the same on standard input (default); nats://HOST:PORT or tls://HOST:PORT: the stream
IMAGES_DEAD there, with NATS_CREDS and NATS_CA from the environment"""

REDRIVE = """Sends the event of each dead letter again, one after the other. --to says where: the
function, or a bus. From NATS, the events go back to the same bus without --to. At the function, an event
is done when the answer is tagged, nothing-to-tag or ignored; on a bus, when it is stored there. What is
done is recorded before the next event is sent: in FILE.redriven, or by deletion from IMAGES_DEAD. So an
interrupted run can be resumed, except from standard input. Delete FILE.redriven to send everything again.
An event that becomes a dead letter again is stored with the others, and left to the next run."""

EXIT_CODES = {0: "done", 1: "something is not done, or is no dead letter", 2: "wrong usage"}


def dead_letters(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Raises UsageError, InvalidSetting or InvalidTable."""
    signals = settings.signals(environ)
    if asked.verb == "redrive" and not asked.dry_run and not asked.to and not is_nats(asked.place):
        raise UsageError(NO_TARGET)
    table = table_in(settings.rules(environ)) if asked.verb == "redrive" and asked.dry_run else None
    store = open_store(asked.place, environ, asked.sequence, asked.subject)
    reading = Reading(store, Selection.of(asked))
    if asked.verb == "list":
        return list_dead_letters(reading, signals)
    if asked.verb == "show":
        return show_dead_letters(reading, signals)
    if table:
        return redrive_dry_run(reading, table, signals, settings.tag_form(environ))
    with closing(store), closing(open_target(asked.to or asked.place, environ, asked.token_file)) as target:
        return redrive(reading, target, asked.rate, overwrite=asked.overwrite)


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Adds the verbs and what each can be told."""
    command = commands.add_parser(
        "dead-letters",
        help="list, explain and redrive events that were not tagged",
        description="Lists, explains and redrives events that were not tagged, wherever they are kept.",
        examples=["dead-letters list dead-letters.jsonl", "dead-letters show nats://127.0.0.1:4222"],
        exit_codes=EXIT_CODES,
    )
    verbs = command.add_subparsers(title="verbs", dest="verb", metavar="VERB")
    common = _common_arguments(shared)
    verbs.add_parser(
        "list",
        parents=[common],
        help="one row a dead letter, and how many of each reason",
        description="Lists dead letters, and counts those of each reason.",
        examples=["dead-letters list dead-letters.jsonl", "dead-letters list nats://127.0.0.1:4222"],
        exit_codes=EXIT_CODES,
    )
    verbs.add_parser(
        "show",
        parents=[common],
        help="what happened, why it was not retried, what to do, and the event",
        description="Says for each dead letter what happened, why it was not retried, and what to do.",
        examples=["dead-letters show dead-letters.jsonl --reason TagQuotaExceeded"],
        exit_codes=EXIT_CODES,
    )
    verb = verbs.add_parser(
        "redrive",
        parents=[common],
        help="send the events again, to the function or the bus",
        description=REDRIVE,
        examples=[
            "dead-letters redrive letters.jsonl --to http://127.0.0.1:8080/",
            "dead-letters redrive nats://127.0.0.1:4222 --sequence 7 9",
        ],
        exit_codes=EXIT_CODES,
    )
    targets.add_options(verb, required=False)
    verb.add_argument(
        "--dry-run", action="store_true", help="send nothing; say what today's rules would make of each event"
    )
    verb.add_argument(
        "--overwrite",
        action="store_true",
        help="let the events replace tags that were written since; without it, they only add missing ones",
    )
    for each in verbs.choices.values():
        each.set_defaults(run=dead_letters)


def _common_arguments(shared: argparse.ArgumentParser) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, parents=[shared])
    common.add_argument("place", nargs="?", default=STDIN, metavar="PLACE", help=PLACE)
    Selection.add_options(common)
    common.add_argument(
        "--sequence", type=_sequence, nargs="+", default=[], metavar="N", help="only these, of NATS"
    )
    common.add_argument(
        "--subject",
        metavar="PATTERN",
        help="only what was published there on NATS, such as 'images.*.created'",
    )
    return common


def _sequence(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,17}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!a} is no sequence; write a whole number such as 7")
    return int(text)
