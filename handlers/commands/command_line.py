"""The command line: the commands, their help, and what wrong usage is answered with."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from handlers.commands import check, dead_letters, explain, images, probe, run_cases, schema, send
from handlers.commands.files import ServiceAway, UsageError
from handlers.commands.output.report import FAULTS, USAGE, Report, Styled, emit, findings
from handlers.core.json_text import plain
from handlers.core.rules.diagnostics import InvalidTable, did_you_mean
from handlers.edges.settings import InvalidSetting

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells report it."""

COMMANDS = (check, explain, run_cases, schema, send, images, probe, dead_letters)


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs one command and gives its exit code. Raises SystemExit for --help and for wrong usage."""
    asked = _parser().parse_args(arguments)
    if "run" not in asked:
        asked.parser.exit(USAGE, asked.parser.format_help())
    try:
        return emit(_report(asked, environ), sys.stdout, as_json=asked.json)
    except (UsageError, InvalidSetting) as error:
        lines = [(Styled("error: ", "fault"), each) for each in error.args]
        stream = sys.stdout if asked.json else sys.stderr
        code = FAULTS if isinstance(error, ServiceAway) else USAGE
        return emit(Report({"errors": error.args}, lines, code), stream, as_json=asked.json)
    except KeyboardInterrupt:
        return INTERRUPTED


def _report(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    try:
        report: Report = asked.run(asked, environ)
    except InvalidTable as invalid:
        body = findings("fault", ((fault.place_with_line, fault.message) for fault in invalid.faults))
        return Report({"faults": [fault.as_json() for fault in invalid.faults]}, [body], FAULTS)
    return report


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python main.py",
        description="Commands for the rules table, for events and for dead letters.",
        examples=["check", "explain tests/events/plain-structured.json", "COMMAND --help"],
        exit_codes={0: "done", 1: "found faults", 2: "wrong usage"},
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print one JSON document")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        command.add_command(commands, shared)
    return parser


class Parser(argparse.ArgumentParser):
    """A parser whose help ends with examples and exit codes, and whose errors suggest what was meant.

    A command sets the default `run`: a function that takes the arguments and the environment and returns a
    Report. A parser without `run` has subcommands; its help is shown if none is named.

    examples: without `python main.py`. exit_codes: the meaning of each.
    """

    def __init__(
        self, *, examples: Sequence[str] = (), exit_codes: Mapping[int, str] = {}, **options: Any
    ) -> None:
        lines = ["examples:", *(f"  python main.py {example}" for example in examples), ""]
        lines += ["exit codes:", *(f"  {code}  {meaning}" for code, meaning in exit_codes.items())]
        epilog = "\n".join(lines) if examples else None
        super().__init__(epilog=epilog, formatter_class=_Help, **options)
        self.set_defaults(parser=self)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuses unknown arguments here, because the parser above would show its own usage."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown and unknown[0].startswith("-"):
            self.error(
                f'there is no option "{unknown[0]}"{did_you_mean(unknown[0], self._option_string_actions)}'
            )
        if unknown:
            self.error(f"too many arguments: {' '.join(unknown)}")
        return known, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            what = "command" if not action.option_strings else str(action.metavar or "value").lower()
            self.error(f'there is no {what} "{value}"{did_you_mean(value, action.choices)}')

    def error(self, message: str) -> NoReturn:
        """Shows the usage of this command, then the message with its control characters escaped."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"error: {plain(message)}\n")


class _Help(argparse.HelpFormatter):
    def format_help(self) -> str:
        self._action_max_length += 2  # argparse forgets the indent of commands
        return super().format_help()

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wraps each paragraph, unless it has indented lines."""
        paragraphs = text.split("\n\n")
        return "\n\n".join(
            each if "\n  " in each else super(_Help, self)._fill_text(each, width, indent)
            for each in paragraphs
        )
