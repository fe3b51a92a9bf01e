"""What several files about tables share."""

from handlers.core.rules.diagnostics import Diagnostic, InvalidTable
from handlers.core.rules.table import RuleTable


def faults(table: str | bytes) -> list[str]:
    """What is wrong with a table, a line each, without the file's name and line."""
    return [": ".join(filter(None, (fault.where, fault.message))) for fault in found(table)]


def found(table: str | bytes) -> list[Diagnostic]:
    content = table.encode() if isinstance(table, str) else table
    try:
        RuleTable.load(content, "r.toml")
    except InvalidTable as error:
        return error.faults
    return []
