"""`test`: runs cases through the rules table and shows where they differ."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.commands.cases import Case, cases_in
from handlers.commands.dry_run import dry_run
from handlers.commands.files import relative_to_cwd, table_in
from handlers.commands.report import Report, counted, quoted
from handlers.core.events import CreationSignals
from handlers.core.json_access import Json
from handlers.core.rules.table import RuleTable
from handlers.edges import settings


def run_cases(paths: Sequence[Path], environ: Mapping[str, str]) -> Report:
    """paths: of cases; none: those beside the table. Raises UsageError, InvalidSetting or InvalidTable."""
    says, tag_form = settings.signals(environ), settings.tag_form(environ)
    rows = list[Json]()
    for path in paths or [settings.rules(environ).with_suffix(".cases.toml")]:
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
    facts = {"passed": len(rows) - failed, "failed": failed, "cases": rows}
    return Report(facts, _lines(facts), 1 if failed else 0)


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


def _lines(facts: Json) -> Iterator[str]:
    for row in facts["cases"]:
        if row["differences"]:
            yield f"{row['file']}: {quoted(row['case'])} failed"
        for each in row["differences"]:
            why = f": {each['why']}" if each["why"] else ""
            yield f"  {each['what']}: expected {_shown(each['expected'])}, got {_shown(each['got'])}{why}"
    all_of = facts["passed"] + facts["failed"]
    of = f"{facts['passed']} of " if facts["failed"] else ""
    yield f"{of}{counted(all_of, 'case')} passed"


def _shown(value: Any) -> str:
    return "none" if value is None else quoted(value)
