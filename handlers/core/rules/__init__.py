"""The rules table: from an event to the tags of its image. `handlers/rules.md` is its specification."""

from handlers.core.rules.diagnostics import Diagnostic, InvalidTable
from handlers.core.rules.plan import PlannedTag, SkippedTag, TagPlan
from handlers.core.rules.table import RuleTable

__all__ = ["Diagnostic", "InvalidTable", "PlannedTag", "RuleTable", "SkippedTag", "TagPlan"]
