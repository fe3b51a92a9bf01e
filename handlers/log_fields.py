"""A result as the fields of its log line."""

from typing import Any

from handlers.core.outcomes import TABLE, row_for
from handlers.core.results import ImageResult
from handlers.core.rules import PlannedTag, TagPlan

REDACT_MIN_LENGTH = 4
"""Characters from which on a value is taken out of reasons."""

LOG_NAMES = {
    "tagged": "image.tagged",
    "nothing-to-tag": "image.nothing_to_tag",
    "ignored": "event.ignored",
    "retry": "event.retry",
    "dead-letter": "event.dead_letter",
}
"""The name of the line, by the kind of the outcome."""


def result_fields(result: ImageResult, *, values: bool) -> dict[str, Any]:
    """The fields of a line. values: whether those of tags are among them; they can be names of people."""
    outcome, row = result.outcome, row_for(result.error) if result.error else None
    fields = {
        "severity": row.severity if row else "INFO",
        # Only a fault of ours has a traceback that anybody needs.
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
    """A reason, in which the tag API may quote the values that were to be written, with *** in their place.

    A value shorter than REDACT_MIN_LENGTH stays: it is a part of other words, which would be garbled.
    """
    # The longest first, or a part of it that is a value too would leave the rest.
    values = (planned.tag.value for planned in plan.tags if len(planned.tag.value) >= REDACT_MIN_LENGTH)
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "***")
        # The API's words are cut where they are too long, in brackets, and so may be the value in them.
        for length in range(len(value) - 1, REDACT_MIN_LENGTH - 1, -1):
            text = text.replace(f"{value[:length]})", "***)")
    return text


def _tag_fields(result: ImageResult, *, values: bool) -> dict[str, list[dict[str, Any]]]:
    """Tags as `written`, `unchanged`, `audited` and `not_written`, each with its rule, the last with its
    reason or detail.
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
