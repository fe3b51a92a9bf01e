"""What became of each tag that a matching rule names, for log lines and reasons."""

from typing import Any

from handlers.core.ims.tags import WriteResult
from handlers.core.rules.table import PlannedTag, TagPlan

HIDDEN_MIN = 4
"""Characters from which on a value is taken out of reasons."""


def account(derived: TagPlan, writing: WriteResult, *, values: bool) -> dict[str, list[dict[str, Any]]]:
    """Tags as `written`, `unchanged`, `audited` and `not_written`, each with its rule, the last with why.

    values: whether with their values, which can be names of people.
    """

    def told(row: PlannedTag) -> dict[str, Any]:
        return {"key": row.tag.key} | ({"value": row.tag.value} if values else {}) | {"rule": row.rule}

    failed = {tag: type(error).__name__ for tag, error in writing.not_written}
    rows = [(row, told(row)) for row in derived.tags]
    return {
        "written": [tag for row, tag in rows if not row.audit and row.tag not in failed],
        "unchanged": [told(row) for row in derived.unchanged],
        "audited": [tag for row, tag in rows if row.audit],
        "not_written": [tag | {"why": failed[row.tag]} for row, tag in rows if row.tag in failed]
        + [{"key": left.key, "rule": left.rule, "why": left.why} for left in derived.skipped],
    }


def without_values(text: str, derived: TagPlan) -> str:
    """A reason that may quote, by the tag API's mouth, what was to be written, with *** in its place.

    A value of less than HIDDEN_MIN characters stays: it is a part of other words, which would be garbled.
    """
    # The longest first, or a part of it that is a value too would leave the rest.
    values = (row.tag.value for row in derived.tags if len(row.tag.value) >= HIDDEN_MIN)
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "***")
        for length in range(
            len(value) - 1, HIDDEN_MIN - 1, -1
        ):  # words of the API that are too long are cut, in brackets
            text = text.replace(f"{value[:length]})", "***)")
    return text


def in_words(derived: TagPlan, writing: WriteResult) -> str:
    """Which of the tags that were to be written are there now and which are not; keys only."""
    failed = [failed.tag.key for failed in writing.not_written]
    written = [tag.key for tag in derived.to_write if tag.key not in failed]
    return f"written: {', '.join(written) or 'none'}; not written: {', '.join(failed)}"
