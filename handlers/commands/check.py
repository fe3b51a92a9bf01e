"""`check`: faults of a rules table, rows without effect and, with `--live`, a call of the tag API."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from handlers.commands.files import relative_to_cwd, table_in
from handlers.commands.report import Block, Report, Styled, counted, findings
from handlers.core.json_access import Json
from handlers.core.rules.diagnostics import InvalidTable
from handlers.core.rules.unreachable import warnings as warnings_of
from handlers.edges import settings


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Adds the command to those of the command line."""
    command = commands.add_parser(
        "check",
        parents=[shared],
        help="find every fault of a rules table",
        description="Finds every fault of a rules table, and warns of what can have no effect.",
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
    try:
        sound = table_in(path)
    except InvalidTable as invalid:
        data["faults"] = [fault._asdict() for fault in invalid.faults]
    else:
        data["rules"] = len(sound.rules)
        data["warnings"] = [warning._asdict() for warning in warnings_of(sound, path.name)]
    if asked.live:
        data["live"] = _ask(environ)
    found = data["faults"] or (asked.live and data["live"]["at_fault"])
    return Report(data, _body(data), 1 if found else 0)


def _ask(environ: Mapping[str, str]) -> Json:
    read = settings.Settings.from_environ(environ)
    from handlers.commands.live_check import ask  # noqa: PLC0415 - the HTTP client takes longer than all other checks

    return ask(read)._asdict()


def _body(data: Json) -> Iterator[Block]:
    for kind in ("fault", "warning"):
        yield findings(kind, ((each["place"], each["message"]) for each in data[f"{kind}s"]))
    faults, warnings = counted(len(data["faults"]), "fault"), counted(len(data["warnings"]), "warning")
    rules = "" if data["faults"] else f"{counted(data['rules'], 'rule')}, "
    style = "fault" if data["faults"] else "warning" if data["warnings"] else "ok"
    yield Styled(f"{data['table']}: {rules}{faults}, {warnings}", style)
    if live := data.get("live"):
        fault = f"{live['at_fault']}: " if live["at_fault"] else ""
        yield findings("fault" if fault else "ok", [(live["endpoint"], f"{fault}{live['message']}")])
