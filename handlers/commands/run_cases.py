"""`test`: runs cases through the rules table and shows where they differ."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from handlers.commands.cases import Case, cases_in
from handlers.commands.dry_run import dry_run
from handlers.commands.files import relative_to_cwd, table_in
from handlers.commands.output.report import Block, Report, Styled, Table, Words, counted, quoted
from handlers.core.events import CreationSignals
from handlers.core.json_access import Json
from handlers.core.rules.table import RuleTable
from handlers.edges import settings


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Adds the command to those of the command line."""
    command = commands.add_parser(
        "test",
        parents=[shared],
        help="run the cases of a rules table",
        description="Runs cases, which are events with the tags or the outcome that the rules must give.",
        examples=["test", "test my-rules.cases.toml"],
        exit_codes={0: "all pass", 1: "a case fails, or the table has faults", 2: "wrong usage"},
    )
    command.add_argument(
        "cases", nargs="*", type=Path, metavar="CASES", help="default: TABLE.cases.toml beside the table"
    )
    command.set_defaults(run=run_cases)


def run_cases(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Raises UsageError, InvalidSetting or InvalidTable."""
    says, tag_form = settings.signals(environ), settings.tag_form(environ)
    rows = list[Json]()
    for path in asked.cases or [settings.rules(environ).with_suffix(".cases.toml")]:
        rules, cases = cases_in(path)
        table = table_in(rules or settings.rules(environ))
        rows += [
            {
                "file": relative_to_cwd(path),
                "case": case.name,
                "differences": _run(case, table, says, tag_form),
            }
            for case in cases
        ]
    failed = sum(bool(row["differences"]) for row in rows)
    data = {"passed": len(rows) - failed, "failed": failed, "cases": rows}
    return Report(data, _body(data), 1 if failed else 0)


def _run(case: Case, table: RuleTable, says: CreationSignals, tag_form: str) -> list[Json]:
    """How what the function would do differs from what the case expects, key by key."""
    outcome, images = dry_run(case.event, table, says, tag_form)
    differences = []
    if outcome.kind != case.outcome:
        differences.append(_difference("outcome", case.outcome, outcome.kind, outcome.message))
    elif case.reason and outcome.reason != case.reason:
        differences.append(_difference("reason", case.reason, outcome.reason, outcome.message))
    for image in images:
        for key in case.tags | image.tags:
            expected, got = case.tags.get(key), image.tags.get(key)
            difference = _difference(f"tags.{key}", expected, got)
            if expected != got and difference not in differences:
                differences.append(difference)
    return differences


def _difference(what: str, expected: str | None, got: str | None, why: str = "") -> Json:
    return {"what": what, "expected": expected, "got": got, "why": why}


def _body(data: Json) -> Iterator[Block]:
    for row in (row for row in data["cases"] if row["differences"]):
        yield Table([(Styled("failed", "fault"), f"{row['file']}: {quoted(row['case'])}")])
        yield Table(map(_columns, row["differences"]), ("", "expected", "got", ""), indent=2)
        yield ""
    of = f"{data['passed']} of " if data["failed"] else ""
    total = counted(data["passed"] + data["failed"], "case")
    yield Styled(f"{of}{total} passed", "fault" if data["failed"] else "ok")


def _columns(difference: Json) -> tuple[Words, ...]:
    expected, got = (_shown(difference[name]) for name in ("expected", "got"))
    return difference["what"], Styled(expected, "ok"), Styled(got, "fault"), difference["why"]


def _shown(value: Any) -> str:
    return "none" if value is None else quoted(value)
