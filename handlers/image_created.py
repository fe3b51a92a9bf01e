"""The handler: an event, the images it is about, their tags, the tag API."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from handlers.core.errors import InvalidEvent
from handlers.core.events.jobs import images_made
from handlers.core.events.projects import served_project
from handlers.core.events.recognise import CreationSignals, ImageCreated, ImageJob, OtherEvent, recognise
from handlers.core.ims.tags import FailedTag, Tag, WriteResult
from handlers.core.outcomes import TABLE, Age, Outcome, combine, outcome_of, row_for
from handlers.core.rules.table import RuleTable, TagPlan
from handlers.log_fields import account, in_words, without_values

CLOCK_SKEW_MAX = 300
"""Seconds that an event may come from the future before its time is not believed."""

ATTRIBUTE_MAX = 256
"""Characters of an event's attribute in the log."""

Log = Callable[..., None]


class Needs(NamedTuple):
    """What the handler needs of the world.

    table: gives the rules table in use.
    job: asks for a job by its id. tags_of: reads an image's tags as texts. add_tags: writes tags, in order.
    All are asked for a project, None being the one of the credentials, and end before a deadline of
    `time.monotonic`. projects: the ids of those served; none where it is the one of the credentials.
    not_ready_window: seconds of age until which an event is worth waiting for.
    log: takes an event name and fields. log_tag_values: whether lines and reasons may hold values of tags.
    """

    says: CreationSignals
    table: Callable[[], RuleTable]
    job: Callable[[str, str, float], dict[str, Any]]
    tags_of: Callable[[str | None, str, float], list[str]]
    add_tags: Callable[[str | None, str, Sequence[Tag], float], WriteResult]
    not_ready_window: float
    log: Log
    log_tag_values: bool = True
    projects: Sequence[str] = ()


def tag_images(
    event: dict[str, Any] | Exception, needs: Needs, deadline: float, trace: str | None = None
) -> Outcome:
    """Tags the images that an event says were created, and says how that ended. Raises nothing.

    event: as `edges.binding` gives it; an error stands for what could not be read.
    deadline: of `time.monotonic`, for all calls together. trace: the id of the delivery's trace, for the log.
    """
    began = time.monotonic()
    attributes = {} if isinstance(event, Exception) else event
    about = {f"event_{name}": _cut(attributes.get(name)) for name in ("id", "source", "type")} | {
        "trace": trace
    }
    event_time = None
    try:
        if isinstance(event, Exception):
            raise event  # noqa: TRY301 - it ends as if it had been found out here
        recognised = recognise(event, needs.says)
        if isinstance(recognised, ImageJob):
            about["job_id"], event_time = recognised.job_id, recognised.event_time
            project_id = served_project(recognised.project_id, needs.projects) or recognised.project_id
            if project_id is None:
                raise InvalidEvent("the trace names a job and no project; set PROJECTS to the project")  # noqa: TRY301
            answer = needs.job(project_id, recognised.job_id, deadline)
            recognised = recognised.images(images_made(answer))
    except Exception as error:  # noqa: BLE001 - every error has a row in the table of outcomes
        age = _age(event_time, needs.not_ready_window)
        outcome = outcome_of(error, age, needs.table().outcomes)
        request_ids = filter(None, [getattr(error, "request_id", "")])
        return _ended(outcome, needs.log, about | _times(age, began) | {"request_ids": [*request_ids]}, error)
    if isinstance(recognised, OtherEvent):
        return _ended(Outcome("ignored", "OtherEvent", recognised.why), needs.log, about)
    return combine(_tag_image(image, needs, deadline, about, began) for image in recognised)


def _cut(attribute: Any) -> Any:
    """What a log line holds of an attribute, which may be as long as a delivery."""
    return attribute[:ATTRIBUTE_MAX] if isinstance(attribute, str) else attribute


def _times(age: Age, began: float) -> dict[str, Any]:
    return {
        "age_seconds": None if age.seconds is None else round(age.seconds, 1),
        "milliseconds": round((time.monotonic() - began) * 1000, 1),
    }


def _tag_image(
    image: ImageCreated, needs: Needs, deadline: float, about: dict[str, Any], began: float
) -> Outcome:
    called = time.monotonic()
    table = needs.table()
    derived, writing, errors = TagPlan(), WriteResult([], []), list[Exception]()
    try:
        project_id = served_project(image.project_id, needs.projects)
        derived = table.tags_for(image.event)
        called = time.monotonic()
        if derived.needs_existing_tags:
            derived = derived.without_existing(needs.tags_of(project_id, image.image_id, deadline))
        writing = needs.add_tags(project_id, image.image_id, derived.to_write, deadline)
        errors += dict.fromkeys(failed.error for failed in writing.not_written)
    except Exception as error:  # noqa: BLE001 - every error has a row in the table of outcomes
        errors.append(error)
        request_ids = filter(None, [getattr(error, "request_id", "")])
        writing = WriteResult([FailedTag(tag, error) for tag in derived.to_write], [*request_ids])
    ended = time.monotonic()
    age = _age(image.event_time, needs.not_ready_window)
    fields = about | {
        "image_id": image.image_id,
        **account(derived, writing, values=needs.log_tag_values),
        "batch_fallback": writing.batch_fallback,
        "request_ids": writing.request_ids,
        **_times(age, began),
        "api_milliseconds": round((ended - called) * 1000, 1),
    }
    if not errors:
        tagged = derived.to_write or derived.unchanged
        return _ended(Outcome("tagged" if tagged else "nothing-to-tag"), needs.log, fields)
    # Where one tag is refused for good and another may yet be written, the event comes again for the other.
    ends = [(outcome_of(error, age, table.outcomes), error) for error in errors]
    outcome, decisive = min(ends, key=lambda end: end[0].kind != "retry")
    if not needs.log_tag_values:
        outcome = outcome._replace(message=without_values(outcome.message, derived))
    if writing.not_written:
        outcome = outcome._replace(message=f"{outcome.message}; {in_words(derived, writing)}")
    return _ended(outcome, needs.log, fields, decisive)


def _age(event_time: datetime | None, not_ready_window: float) -> Age:
    seconds = (datetime.now(UTC) - event_time).total_seconds() if event_time else None
    believed = seconds is not None and seconds > -CLOCK_SKEW_MAX
    return Age(seconds if believed else None, not_ready_window)


LOG_NAMES = {
    "tagged": "image.tagged",
    "nothing-to-tag": "image.nothing_to_tag",
    "ignored": "event.ignored",
    "retry": "event.retry",
    "dead-letter": "event.dead_letter",
}


def _ended(outcome: Outcome, log: Log, fields: dict[str, Any], error: Exception | None = None) -> Outcome:
    """Logs the one line that an event or an image gets."""
    row = row_for(error) if error else None
    log(
        LOG_NAMES[outcome.kind],
        severity=row.severity if row else "INFO",
        # Only a fault of ours has a traceback that anybody needs.
        error=error if row is TABLE[Exception] else None,
        outcome=outcome.kind,
        reason=outcome.reason,
        why=outcome.message,
        code=outcome.code,
        rule=outcome.rule,
        retry_after=outcome.retry_after or None,
        **fields,
    )
    return outcome
