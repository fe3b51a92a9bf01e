"""The one table that says what follows from an error: another delivery, or a dead letter."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from handlers.core import errors

OutcomeOverride = Literal["retry", "dead-letter"]
Kind = Literal["tagged", "nothing-to-tag", "ignored", "retry", "dead-letter"]

RETRY_AFTER_MAX = 3600
"""Seconds. A longer wait that the API asks for is not passed on."""


OVERRIDE_RETRY_AFTER = 10
"""Seconds, for a code that the rules table overrides with "retry" and whose row has no wait."""


class Outcome(NamedTuple):
    """How an event, or one of its images, ended.

    reason: the name of the error, or why an event was ignored; "" if nothing failed.
    message: the reason in words.
    code, rule: the code of the tag API and the rule that led to the outcome, or "".
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

    action: "retry-within-window" is a retry while the event is young, and then a dead letter.
    why: in words, for an operator.
    retry_after: seconds, if the API names none.
    severity: of the log line.
    """

    action: Literal["retry", "retry-within-window", "dead-letter"]
    why: str
    retry_after: float = 0
    severity: Literal["WARNING", "ERROR"] = "WARNING"


TABLE: dict[type[Exception], Row] = {
    errors.InvalidEvent: Row("dead-letter", "its producer must be fixed"),
    errors.ProjectNotServed: Row("dead-letter", "add its project to PROJECTS, or route it elsewhere"),
    errors.CreationFailed: Row("dead-letter", "there is no image to tag"),
    errors.DeliveryTooLarge: Row(
        "dead-letter", "the same delivery would be too large again; send fewer events at a time"
    ),
    errors.MissingAttribute: Row("dead-letter", "a rule needs an attribute that the event will never have"),
    errors.InvalidTag: Row("dead-letter", "the rule or the producer must be fixed"),
    errors.RequestRejected: Row("dead-letter", "the same request would be refused again"),
    errors.TagRefused: Row("dead-letter", "the same tag would be refused again; `limits` may be wrong"),
    errors.TagQuotaExceeded: Row("dead-letter", "somebody must delete a tag"),
    errors.ImageNotTaggable: Row("dead-letter", "the image is public or belongs to somebody else"),
    errors.ImageNotFound: Row("retry-within-window", "images take minutes to become visible", 10),
    errors.ImageNotReady: Row("retry-within-window", "images take minutes to become active", 10),
    errors.JobRunning: Row("retry", "IMS itself says that the image is still being made", 10),
    errors.OutOfTime: Row("retry", "the next delivery may take less time", 1),
    errors.PermissionDenied: Row(
        "retry-within-window",
        "rights take minutes to take effect, and a wrong right must not make dead letters of all events",
        60,
        "ERROR",
    ),
    errors.CredentialsRejected: Row("retry", "the event is not at fault", 60, "ERROR"),
    errors.Throttled: Row("retry", "the event is not at fault", 5),
    errors.TagApiUnavailable: Row("retry", "the event is not at fault; in the end the bus gives up", 1),
    errors.UnexpectedReply: Row(
        "retry", "the event is not at fault; in the end the bus gives up", 1, "ERROR"
    ),
    errors.DeadLetterFailed: Row(
        "retry", "an event is acknowledged only once its dead letter is stored", 1, "ERROR"
    ),
    Exception: Row("retry", "a bug in the function must not lose an event", 10, "ERROR"),
}


CLOCK_SKEW_MAX = 300
"""Seconds that the time of an event may be in the future. Beyond that, it counts as unknown."""


class Age(NamedTuple):
    """The age of an event, and the age until which it counts as young; both in seconds.

    seconds: None if the event has no plausible time.
    """

    seconds: float | None
    not_ready_window: float

    @classmethod
    def at(cls, now: datetime, event_time: datetime | None, not_ready_window: float) -> "Age":
        """The age of an event. Both times are aware."""
        seconds = (now - event_time).total_seconds() if event_time else None
        believed = seconds is not None and seconds > -CLOCK_SKEW_MAX
        return cls(seconds if believed else None, not_ready_window)

    @property
    def within_window(self) -> bool:
        return self.seconds is not None and self.seconds < self.not_ready_window

    def __str__(self) -> str:
        if self.seconds is None:
            return "the event has no plausible time, so it is not young"
        window = f"{self.not_ready_window:.0f} s"
        return f"the event is {_in_words(self.seconds)} old, and NOT_READY_WINDOW is {window}"


def _in_words(seconds: float) -> str:
    """A duration that people can take in: an age can be years."""
    for unit, length in (("days", 86_400), ("hours", 3_600)):
        if seconds >= 3 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def row_for(error: Exception) -> Row:
    """The row of the error's class or of its nearest base class. Every error has one."""
    return next(TABLE[cls] for cls in type(error).__mro__ if cls in TABLE)


def outcome_of(error: Exception, age: Age, overrides: Mapping[str, OutcomeOverride]) -> Outcome:
    """What follows from this error for an event of this age.

    overrides: the outcomes that the rules table gives single codes of the tag API, by upper-case code.
    """
    row = row_for(error)
    code = error.code if isinstance(error, errors.TagApiError) else ""
    if action := overrides.get(code.upper()):
        row = row._replace(action=action, retry_after=row.retry_after or OVERRIDE_RETRY_AFTER)
    rule = error.rule if isinstance(error, errors.RuleError) else ""
    reason = type(error).__name__
    message = str(error) if isinstance(error, errors.TaggingError) else "a bug in the function; see its log"
    if row.action == "retry" or (row.action == "retry-within-window" and age.within_window):
        asked = error.retry_after if isinstance(error, errors.TagApiError) else None
        wait = row.retry_after if asked is None else min(asked, RETRY_AFTER_MAX)
        return Outcome("retry", reason, message, code, rule, wait)
    if row.action == "retry-within-window":
        message = f"{message}; {age}"
    return Outcome("dead-letter", reason, message, code, rule)


def combine(outcomes: Sequence[Outcome]) -> Outcome:
    """One outcome for several events of a delivery, or several images of an event.

    A retry wins, because writing a tag twice is harmless and losing one is not. It has the longest wait of
    all retries, and is "Throttled" only if all are. A dead letter comes next, then the other outcomes.
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
