"""`check`: faults of a rules table, rows in vain, likely slips and, with `--live`, a call of the tag API."""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from handlers.commands.cases import cases_in
from handlers.commands.files import UsageError, read, relative_to_cwd, table_in
from handlers.commands.output.report import Block, Report, Styled, counted, findings
from handlers.core.json_access import Json
from handlers.core.received import Received
from handlers.core.rules import slips, unreachable
from handlers.core.rules.diagnostics import Diagnostic, InvalidTable
from handlers.core.rules.lines import with_lines
from handlers.core.rules.table import RuleTable
from handlers.edges import settings


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Adds the command to those of the command line."""
    command = commands.add_parser(
        "check",
        parents=[shared],
        help="find every fault of a rules table",
        description=(
            "Finds every fault of a rules table, and warns of what can have no effect or is probably a slip."
        ),
        examples=["check", "check my-rules.toml", "check --live"],
        exit_codes={0: "no fault; there may be warnings", 1: "a fault", 2: "wrong usage"},
    )
    command.add_argument("table", nargs="?", type=Path, metavar="TABLE", help="default: the setting RULES")
    command.add_argument(
        "--live", action="store_true", help="also read once from the tag API, with the function's settings"
    )
    command.set_defaults(run=check)


def check(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Raises UsageError or InvalidSetting."""
    path = asked.table or settings.rules(environ)
    data: Json = {"table": relative_to_cwd(path), "rules": None, "faults": [], "warnings": []}
    faults, warnings = list[Diagnostic](), list[Diagnostic]()
    try:
        sound = table_in(path)
    except InvalidTable as invalid:
        faults = invalid.faults
    else:
        data["rules"] = len(sound.rules)
        warnings = _warnings(sound, path)
    data["faults"] = [fault.as_json() for fault in faults]
    data["warnings"] = [warning.as_json() for warning in warnings]
    if asked.live:
        data["live"] = _ask(environ)
    found = data["faults"] or (asked.live and data["live"]["at_fault"])
    return Report(data, _body(data, faults, warnings), 1 if found else 0)


def _warnings(table: RuleTable, path: Path) -> list[Diagnostic]:
    cases = path.with_suffix(".cases.toml")
    names = set[str]()
    with suppress(UsageError):  # there are none, or they have faults, of which `test` tells
        events = (case.event for case in cases_in(cases).cases)
        names.update(*(event.event for event in events if isinstance(event, Received)))
    found = [
        *unreachable.warnings(table, path.name),
        *slips.warnings(table, path.name, slips.Cases(cases.name, names)),
    ]
    return with_lines(found, read(path).decode("utf-8-sig"))


def _ask(environ: Mapping[str, str]) -> Json:
    read = settings.Settings.from_environ(environ)
    from handlers.commands.live_check import ask  # noqa: PLC0415 - the HTTP client takes longer than all other checks

    return ask(read)._asdict()


def _body(data: Json, faults: list[Diagnostic], warnings: list[Diagnostic]) -> Iterator[Block]:
    for kind, found in (("fault", faults), ("warning", warnings)):
        yield findings(kind, ((each.place_with_line, each.message) for each in found))
    rules = "" if faults else f"{counted(data['rules'], 'rule')}, "
    numbers = f"{counted(len(faults), 'fault')}, {counted(len(warnings), 'warning')}"
    style = "fault" if faults else "warning" if warnings else "ok"
    yield Styled(f"{data['table']}: {rules}{numbers}", style)
    if live := data.get("live"):
        fault = f"{live['at_fault']}: " if live["at_fault"] else ""
        yield findings("fault" if fault else "ok", [(live["endpoint"], f"{fault}{live['message']}")])
