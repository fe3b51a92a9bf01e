"""`check`: every fault of a rules table, what it says in vain and, on request, a call of the tag API."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from handlers.commands.files import relative_to_cwd, table_in
from handlers.commands.report import Report, counted
from handlers.core.json_access import Json
from handlers.core.rules.diagnostics import InvalidTable
from handlers.core.rules.unreachable import warnings
from handlers.edges import settings


def check(table: Path | None, environ: Mapping[str, str], *, live: bool) -> Report:
    """table: instead of the setting RULES. Raises UsageError or InvalidSetting."""
    path = table or settings.rules(environ)
    facts: Json = {"table": relative_to_cwd(path), "rules": None, "faults": [], "warnings": []}
    try:
        sound = table_in(path)
    except InvalidTable as invalid:
        facts["faults"] = [fault._asdict() for fault in invalid.faults]
    else:
        facts["rules"] = len(sound.rules)
        facts["warnings"] = [warning._asdict() for warning in warnings(sound, path.name)]
    if live:
        facts["live"] = _ask(environ)
    found = facts["faults"] or (live and facts["live"]["at_fault"])
    return Report(facts, _lines(facts), 1 if found else 0)


def _ask(environ: Mapping[str, str]) -> Json:
    read = settings.Settings.from_environ(environ)
    from handlers.commands.live_check import ask  # noqa: PLC0415 - the HTTP client takes longer than all other checks

    return ask(read)._asdict()


def _lines(facts: Json) -> Iterator[str]:
    for fault in facts["faults"]:
        yield f"{fault['place']}: {fault['message']}"
    for warning in facts["warnings"]:
        yield f"warning: {warning['place']}: {warning['message']}"
    found = f"{counted(len(facts['faults']), 'fault')}, {counted(len(facts['warnings']), 'warning')}"
    read = "" if facts["faults"] else f"{counted(facts['rules'], 'rule')}, "
    yield f"{facts['table']}: {read}{found}"
    if "live" in facts:
        live = facts["live"]
        fault = f"at fault is the {live['at_fault']}: " if live["at_fault"] else ""
        yield f"{live['endpoint']}: {fault}{live['message']}"
