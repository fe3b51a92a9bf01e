"""A result as the fields of its log line."""

from typing import Any

from handlers.core.outcomes import TABLE, row_for
from handlers.core.results import ImageResult
from handlers.core.rules import PlannedTag, TagPlan

REDACT_MIN_LENGTH = 4
"""Characters of the shortest value that is taken out of reasons."""

LOG_NAMES = {
    "tagged": "image.tagged",
    "nothing-to-tag": "image.nothing_to_tag",
    "ignored": "event.ignored",
    "retry": "event.retry",
    "dead-letter": "event.dead_letter",
}
"""The name of the log line for each kind of outcome."""


def result_fields(result: ImageResult, *, values: bool) -> dict[str, Any]:
    """The fields of a log line. values: whether it holds the values of tags, which can be names of people."""
    outcome, row = result.outcome, row_for(result.error) if result.error else None
    fields = {
        "severity": row.severity if row else "INFO",
        # Only a bug of the function needs a traceback.
        "error": result.error if row is TABLE[Exception] else None,
        "outcome": outcome.kind,
        "reason": outcome.reason,
        "detail": outcome.message,
        "code": outcome.code,
        "rule": outcome.rule,
        "retry_after": outcome.retry_after or None,
        "job_id": result.image.job_id if result.image else result.job_id,
        "age_seconds": None
        if result.age is None or result.age.seconds is None
        else round(result.age.seconds, 1),
    }
    if result.image is None:
        return fields | {"request_ids": [*filter(None, [getattr(result.error, "request_id", "")])]}
    return fields | {
        "image_id": result.image.id,
        **_tag_fields(result, values=values),
        "batch_fallback": result.write.batch_fallback,
        "request_ids": result.write.request_ids,
        "api_milliseconds": round((result.api_seconds or 0) * 1000, 1),
    }


def redact_values(text: str, plan: TagPlan) -> str:
    """A reason with *** in place of the values of tags, which the tag API may quote.

    A value shorter than REDACT_MIN_LENGTH stays, because replacing it would garble other words.
    """
    # The longest first: if a shorter value is a part of it, the rest of the longer one would stay.
    values = (planned.tag.value for planned in plan.tags if len(planned.tag.value) >= REDACT_MIN_LENGTH)
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "***")
        # Long error texts of the API are cut, in brackets, so a value at their end may be cut as well.
        for length in range(len(value) - 1, REDACT_MIN_LENGTH - 1, -1):
            text = text.replace(f"{value[:length]})", "***)")
    return text


def _tag_fields(result: ImageResult, *, values: bool) -> dict[str, list[dict[str, Any]]]:
    """The tags as `written`, `unchanged`, `audited` and `not_written`, each with its rule.

    Tags that were not written also have a reason or a detail.
    """

    def shown(planned: PlannedTag) -> dict[str, Any]:
        key, value = planned.tag
        return (
            {"key": key, "value": value, "rule": planned.rule}
            if values
            else {"key": key, "rule": planned.rule}
        )

    plan, failed = result.plan, {tag: type(error).__name__ for tag, error in result.write.failed}
    rows = [(planned, shown(planned)) for planned in plan.tags]
    return {
        "written": [row for planned, row in rows if not planned.audit and planned.tag not in failed],
        "unchanged": [shown(planned) for planned in plan.unchanged],
        "audited": [row for planned, row in rows if planned.audit],
        "not_written": [
            row | {"reason": failed[planned.tag]}
            for planned, row in rows
            if not planned.audit and planned.tag in failed
        ]
        + [
            {"key": skipped.key, "rule": skipped.rule, "detail": skipped.why}
            for skipped in plan.skipped
            if not skipped.overridden
        ],
    }
