"""The operator's commands: `python main.py check | explain | test | schema | dead-letters`.

None but `check --live` and `dead-letters redrive` needs a network, and only the first needs credentials.
Exit codes: 0 done, 1 found faults, 2 wrong usage.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from handlers.commands import check, dead_letters, explain, run_cases, schema
from handlers.commands.files import UsageError
from handlers.commands.report import Report, emit
from handlers.core.rules.diagnostics import InvalidTable
from handlers.edges.settings import InvalidSetting

FAULTS = 1
USAGE = 2
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells report it."""


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs one command and gives its exit code. Raises SystemExit for --help and for wrong usage."""
    asked = _parser().parse_args(arguments)
    try:
        return emit(_report(asked, environ), sys.stdout, as_json=asked.json)
    except (UsageError, InvalidSetting) as error:
        report = Report({"errors": error.args}, error.args, USAGE)
        return emit(report, sys.stdout if asked.json else sys.stderr, as_json=asked.json)
    except KeyboardInterrupt:
        return INTERRUPTED


def _report(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    try:
        match asked.command:
            case "check":
                return check.check(asked.table, environ, live=asked.live)
            case "explain":
                return explain.explain(asked.events, asked.rules, environ)
            case "test":
                return run_cases.run_cases(asked.cases, environ)
            case "dead-letters":
                return dead_letters.dead_letters(asked, environ)
            case _:
                return schema.schema()
    except InvalidTable as invalid:
        faults = [fault._asdict() for fault in invalid.faults]
        return Report({"faults": faults}, [str(fault) for fault in invalid.faults], FAULTS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python main.py",
        description="Commands for the rules table and for dead letters. "
        "Exit codes: 0 done, 1 found faults, 2 wrong usage.",
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print one JSON document")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    command = commands.add_parser("check", parents=[shared], help="find every fault of a rules table")
    command.add_argument("table", nargs="?", type=Path, metavar="TABLE", help="default: the setting RULES")
    command.add_argument("--live", action="store_true", help="also read once from the tag API, as configured")

    command = commands.add_parser(
        "explain", parents=[shared], help="say what an event would lead to, and why"
    )
    command.add_argument(
        "events", nargs="*", default=["-"], metavar="EVENT", help="a .json or .http file, or -"
    )
    command.add_argument("--rules", type=Path, metavar="TABLE", help="default: the setting RULES")

    command = commands.add_parser("test", parents=[shared], help="run the cases of a rules table")
    command.add_argument(
        "cases", nargs="*", type=Path, metavar="CASES", help="default: TABLE.cases.toml beside the table"
    )

    commands.add_parser(
        "schema", parents=[shared], help="print the JSON Schema of a rules table, for editors"
    )

    command = commands.add_parser(
        "dead-letters", help="list, explain and redrive events that were not tagged"
    )
    dead_letters.add_arguments(command, shared)
    return parser
