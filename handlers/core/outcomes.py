"""What follows from an error: another delivery, or a dead letter. Only this table says so."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from handlers.core import errors

OutcomeOverride = Literal["retry", "dead-letter"]
Kind = Literal["tagged", "nothing-to-tag", "ignored", "retry", "dead-letter"]

RETRY_AFTER_MAX = 3600
"""Seconds; what an API asks for beyond this is not passed on."""


OVERRIDE_RETRY_AFTER = 10
"""Seconds, for a code that the rules table moved to retry and whose row has no time."""


class Outcome(NamedTuple):
    """How an event, or one of its images, ended.

    reason: the error's name, or why an event was ignored; "" where all went well.
    message: the reason in words.
    code, rule: of the tag API's answer and of the rules table, where they are the reason.
    retry_after: seconds until the next delivery makes sense; 0 unless `kind` is "retry".
    """

    kind: Kind
    reason: str = ""
    message: str = ""
    code: str = ""
    rule: str = ""
    retry_after: float = 0


class Row(NamedTuple):
    """One row of the table.

    action: "retry", "dead-letter", or "retry-within-window": a retry that becomes a dead letter with age.
    retry_after: seconds, where the API names none.
    severity: of the log line.
    """

    action: Literal["retry", "retry-within-window", "dead-letter"]
    why: str
    retry_after: float = 0
    severity: Literal["WARNING", "ERROR"] = "WARNING"


TABLE: dict[type[Exception], Row] = {
    errors.InvalidEvent: Row("dead-letter", "its producer must be mended"),
    errors.ProjectNotServed: Row("dead-letter", "PROJECTS must list its project, or its route must change"),
    errors.CreationFailed: Row("dead-letter", "there is no image to tag"),
    errors.DeliveryTooLarge: Row("dead-letter", "the same delivery is as large again; send fewer at a time"),
    errors.MissingAttribute: Row("dead-letter", "a rule asks for what its event will never have"),
    errors.InvalidTag: Row("dead-letter", "the rule or the producer must be mended"),
    errors.RequestRejected: Row("dead-letter", "the same request is refused again"),
    errors.TagRefused: Row("dead-letter", "the same tag is refused again; `limits` may be wrong"),
    errors.TagQuotaExceeded: Row("dead-letter", "somebody must delete a tag"),
    errors.ImageNotTaggable: Row("dead-letter", "it stays public or somebody else's"),
    errors.ImageNotFound: Row("retry-within-window", "images take minutes to become visible", 10),
    errors.ImageNotReady: Row("retry-within-window", "images take minutes to become active", 10),
    errors.JobRunning: Row("retry", "IMS itself says that the image is still being made", 10),
    errors.OutOfTime: Row("retry", "the next delivery may take less time", 1),
    errors.PermissionDenied: Row(
        "retry-within-window", "rights take minutes to spread, and a slip must not drain the bus", 60, "ERROR"
    ),
    errors.CredentialsRejected: Row("retry", "not the event's fault", 60, "ERROR"),
    errors.Throttled: Row("retry", "not the event's fault", 5),
    errors.TagApiUnavailable: Row("retry", "not the event's fault; the bus's own limit ends it", 1),
    errors.UnexpectedReply: Row("retry", "not the event's fault; the bus's own limit ends it", 1, "ERROR"),
    errors.DeadLetterFailed: Row("retry", "nothing is acknowledged that is not kept", 1, "ERROR"),
    Exception: Row("retry", "a fault of ours must not lose an event", 10, "ERROR"),
}


CLOCK_SKEW_MAX = 300
"""Seconds that an event may come from the future before its time is not believed."""


class Age(NamedTuple):
    """How old an event is, and until when it counts as young; both in seconds.

    seconds: None where the event has no time that can be believed.
    """

    seconds: float | None
    not_ready_window: float

    @classmethod
    def at(cls, now: datetime, event_time: datetime | None, not_ready_window: float) -> "Age":
        """The age of an event of this time; both times aware."""
        seconds = (now - event_time).total_seconds() if event_time else None
        believed = seconds is not None and seconds > -CLOCK_SKEW_MAX
        return cls(seconds if believed else None, not_ready_window)

    @property
    def within_window(self) -> bool:
        return self.seconds is not None and self.seconds < self.not_ready_window

    def __str__(self) -> str:
        if self.seconds is None:
            return "the event has no time that can be believed, so it is not waited for"
        return f"the event is {self.seconds:.0f} s old and is waited for {self.not_ready_window:.0f} s"


def row_for(error: Exception) -> Row:
    """The row of the nearest class in the error's ancestry. Every error has one."""
    return next(TABLE[cls] for cls in type(error).__mro__ if cls in TABLE)


def outcome_of(error: Exception, age: Age, overrides: Mapping[str, OutcomeOverride]) -> Outcome:
    """What follows from this error for an event of this age.

    overrides: by upper-case code of the tag API, what the rules table wants to follow instead.
    """
    row = row_for(error)
    code = error.code if isinstance(error, errors.TagApiError) else ""
    if action := overrides.get(code.upper()):
        row = row._replace(action=action, retry_after=row.retry_after or OVERRIDE_RETRY_AFTER)
    rule = error.rule if isinstance(error, errors.RuleError) else ""
    reason = type(error).__name__
    message = str(error) if isinstance(error, errors.TaggingError) else "a fault of the function; see its log"
    if row.action == "retry" or (row.action == "retry-within-window" and age.within_window):
        asked = error.retry_after if isinstance(error, errors.TagApiError) else None
        wait = row.retry_after if asked is None else min(asked, RETRY_AFTER_MAX)
        return Outcome("retry", reason, message, code, rule, wait)
    if row.action == "retry-within-window":
        message = f"{message}; {age}"
    return Outcome("dead-letter", reason, message, code, rule)


def combine(outcomes: Sequence[Outcome]) -> Outcome:
    """One outcome for several events of a delivery, or several images of an event.

    A retry wins, since writing tags twice is harmless and losing one is not; it waits as long as the one
    that wants to wait longest, and is "Throttled" only if all are. Then a dead letter, then what was done.
    """
    for kind in ("retry", "dead-letter", "tagged", "nothing-to-tag", "ignored"):
        if some := [outcome for outcome in outcomes if outcome.kind == kind]:
            break
    else:
        return Outcome("ignored", "NoEvents", "the delivery holds no event")
    if len(some) > 1 and kind == "retry":
        first = next((outcome for outcome in some if outcome.reason != "Throttled"), some[0])
        return first._replace(retry_after=max(outcome.retry_after for outcome in some))
    if len(some) > 1 and kind == "dead-letter":
        return some[0]._replace(message=f"{len(some)} dead letters, the first: {some[0].message}")
    return some[0]
