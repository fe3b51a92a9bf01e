"""An event and its result as the fields of their log line."""

import re
from typing import Any

from handlers.core.outcomes import TABLE, row_for
from handlers.core.received import Received, Unparsable
from handlers.core.results import ImageResult
from handlers.core.rules import PlannedTag, TagPlan

ATTRIBUTE_MAX = 256
"""Characters of an event's attribute in the log."""

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

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-")


def event_fields(received: Received | Unparsable, traceparent: str | None) -> dict[str, Any]:
    """The fields that name an event. Its attributes can be as long as a delivery, so they are cut.

    traceparent: of the delivery. Its trace comes before that of the event (W3C Trace Context; CloudEvents
    distributed tracing).
    """
    event = {} if isinstance(received, Unparsable) else received.event
    fields = {f"event_{name}": event.get(name) for name in ("id", "source", "type")} | {"trace": None}
    for name, value in fields.items():
        if isinstance(value, str):
            fields[name] = value[:ATTRIBUTE_MAX]
    for named in (traceparent, event.get("traceparent")):
        if isinstance(named, str) and (match := _TRACEPARENT.match(named)):
            fields["trace"] = match[1]
            break
    return fields


def result_fields(
    result: ImageResult,
    *,
    values: bool,
    seconds: float = 0,
    images_not_tried: int = 0,
    stored: bool | None = None,
) -> dict[str, Any]:
    """The fields of a result.

    values: whether they hold the values of tags, which can be names of people. seconds: duration of the
    delivery up to the result. images_not_tried: how many others of the event. stored: True if the function
    has stored the dead letter.
    """
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
        "images_not_tried": images_not_tried or None,
        "milliseconds": round(seconds * 1000, 1),
        "stored": stored,
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
    plan, failed = result.plan, dict(result.write.failed)
    fields: dict[str, list[dict[str, Any]]] = {
        "written": [],
        "unchanged": [],
        "audited": [],
        "not_written": [],
    }
    for planned in plan.unchanged:
        fields["unchanged"].append(_tag_row(planned, values=values))
    for planned in plan.tags:
        row = _tag_row(planned, values=values)
        if planned.audit:
            fields["audited"].append(row)
        elif error := failed.get(planned.tag):
            fields["not_written"].append(row | {"reason": type(error).__name__})
        else:
            fields["written"].append(row)
    for skipped in plan.skipped:
        if not skipped.overridden:
            fields["not_written"].append({"key": skipped.key, "rule": skipped.rule, "detail": skipped.why})
    return fields


def _tag_row(planned: PlannedTag, *, values: bool) -> dict[str, Any]:
    key, value = planned.tag
    return (
        {"key": key, "value": value, "rule": planned.rule} if values else {"key": key, "rule": planned.rule}
    )
