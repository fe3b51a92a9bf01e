"""`dead-letters list | show | redrive`: the events that could not be tagged, and their way back."""

import argparse
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handlers.commands.files import STDIN, UsageError, read, table_in
from handlers.commands.letters import letters_in
from handlers.commands.listing import list_letters, show_letters
from handlers.commands.redrive import dry_run, redrive
from handlers.commands.redriven import Redriven
from handlers.commands.report import Report
from handlers.commands.selection import Selection, add_selection
from handlers.edges import settings

REDRIVE = """Posts the event of each dead letter to the function again, one after the other. Done is what the
function answers as tagged, nothing-to-tag or ignored. An event that is a dead letter again lands at the
function's sink, as every dead letter does; if that is FILE, it is appended there and left to the next run,
for this one ends at the size that FILE has now. What is done is kept in FILE.redriven and not sent by the
next run; delete that file to send all again. From standard input, an interrupted run cannot be resumed. Exit
code 1: something is not done, or a line is no dead letter."""

RATE_MAX = 1000


def dead_letters(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Raises UsageError, InvalidSetting or InvalidTable."""
    found, says = Selection.asked_for(asked).of(letters_in(asked.file)), settings.signals(environ)
    match asked.verb:
        case "list":
            return list_letters(found, says)
        case "show":
            return show_letters(found, says)
    beside = _beside(asked.file)
    if asked.dry_run:
        table, tag_form = table_in(settings.rules(environ)), settings.tag_form(environ)
        return dry_run(found, Redriven(beside), table, says, tag_form)
    if asked.to is None:
        raise UsageError("say where the function is with --to URL, or see what would happen with --dry-run")
    from handlers.commands.redelivery import Function  # noqa: PLC0415 - the HTTP client takes longer than all else

    function = Function(asked.to, _token(asked.token_file) if asked.token_file else None)
    if beside is None:
        sys.stderr.write("what is done is not kept, for this input cannot be read again: do not interrupt\n")
    return redrive(found, function.deliver, Redriven(beside), asked.rate)


def _beside(name: str) -> Path | None:
    """Where to keep what of a file is redriven; None for what cannot be read a second time."""
    if name == STDIN or not os.path.isfile(name):  # noqa: PTH113 - Path.is_file raises where it is too long
        return None
    return Path(f"{name}.redriven")


def _token(path: Path) -> str:
    """The first token of a file as EVENTS_TOKEN_FILE names one. Raises UsageError."""
    words = read(path).split()
    if not words or not re.fullmatch(rb"[!-~]+", words[0]):
        raise UsageError(f"{path} holds no token; it must be printable ASCII")
    return words[0].decode()


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Adds the verbs and what each can be told."""
    command = commands.add_parser(
        "dead-letters",
        help="list, explain and redrive events that were not tagged",
        description="Lists, explains and redrives events that were not tagged.",
        examples=["dead-letters list dead-letters.jsonl"],
        exit_codes={0: "done", 1: "something is not done", 2: "wrong usage"},
    )
    letters = argparse.ArgumentParser(add_help=False, parents=[shared])
    letters.add_argument(
        "file",
        nargs="?",
        default=STDIN,
        metavar="FILE",
        help="JSON lines: the function's sink, dead letters of a bus, notifications of FunctionGraph; "
        "default: standard input",
    )
    add_selection(letters)

    verbs = command.add_subparsers(title="verbs", dest="verb", metavar="VERB")
    verbs.add_parser(
        "list",
        parents=[letters],
        help="one row a dead letter, and how many of each reason",
        description="Lists dead letters, and counts those of each reason.",
        examples=["dead-letters list dead-letters.jsonl"],
        exit_codes={0: "done", 2: "wrong usage"},
    )
    verbs.add_parser(
        "show",
        parents=[letters],
        help="what happened, why it will not go right by itself, what to do",
        description="Says of each dead letter what happened, why it will not go right by itself, what to do.",
        examples=["dead-letters show dead-letters.jsonl --reason TagQuotaExceeded"],
        exit_codes={0: "done", 2: "wrong usage"},
    )
    verb = verbs.add_parser(
        "redrive",
        parents=[letters],
        help="send the events to the function again",
        description=REDRIVE,
        examples=["dead-letters redrive letters.jsonl --to http://127.0.0.1:8080/"],
        exit_codes={0: "done", 1: "something is not done, or a line is no dead letter", 2: "wrong usage"},
    )
    verb.add_argument("--to", metavar="URL", help="the function's address")
    verb.add_argument("--rate", type=_rate, default=10.0, help="events a second at most; default: 10")
    verb.add_argument("--token-file", type=Path, metavar="PATH", help="holds the token of deliveries")
    verb.add_argument(
        "--dry-run", action="store_true", help="send nothing; say what today's rules would make of each"
    )
    for each in verbs.choices.values():
        each.set_defaults(run=dead_letters)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0
    if not 0 < rate <= RATE_MAX:
        raise argparse.ArgumentTypeError(
            f"{text!a} is no rate; it is above 0 and at most {RATE_MAX} a second"
        )
    return rate
