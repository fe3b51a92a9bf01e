"""The journal of the local stack: one record an event, whatever order the news of it comes in."""

from typing import Any

from deploy.local.journal import KEPT, Journal, Record
from deploy.local.journal.record import BODY_KEPT, STEPS

TIME = "2026-01-05T10:15:30.000Z"
NOW = 1767608130.0
"""The same in seconds since the epoch."""


def function(event_id: str | None, outcome: str = "tagged", **fields: Any) -> dict[str, Any]:
    return {"time": TIME, "message": f"event.{outcome}", "event_id": event_id, "outcome": outcome, **fields}


def subscription(sequence: int, event_id: str | None, attempt: int = 1, **fields: Any) -> dict[str, Any]:
    line = {"time": TIME, "message": "delivery.accepted", "sequence": sequence, "attempt": attempt}
    return {**line, "event_id": event_id, **fields}


RETRY: dict[str, Any] = {
    "message": "delivery.retry",
    "reason": "Throttled",
    "detail": "slow down",
    "retry_in": 4,
}


def only(journal: Journal) -> Record:
    [record] = journal
    return record


def test_over_the_bus() -> None:
    """Message, function and subscription tell of one event, which is retried and then tagged."""
    journal = Journal()
    record = journal.publish("a", {}, b"{}", NOW)
    journal.bind(record, 7)
    assert record.outcome == "on its way"
    journal.function_line(function("a", "retry"))
    journal.subscription_line(subscription(7, "a", **RETRY))
    assert (record.outcome, record.attempts, record.due) == ("retry", 1, NOW + 4)
    assert record.retry_reason == "Throttled: slow down"
    journal.function_line(function("a"))
    journal.subscription_line(subscription(7, "a", 2))
    assert (record.outcome, record.attempts, record.due) == ("tagged", 2, None)
    assert only(journal) is record


def test_log_lines_first() -> None:
    """News of the bus that comes after the log lines about the same event makes no second record."""
    journal = Journal()
    journal.function_line(function("a", "retry"))
    assert only(journal).straight
    journal.subscription_line(subscription(7, "a", **RETRY))
    record = journal.publish("a", {}, b"{}", NOW + 1)
    journal.bind(record, 7)
    journal.function_line(function("a"))
    journal.subscription_line(subscription(7, "a", 2))
    assert (only(journal).outcome, record.attempts, record.straight) == ("tagged", 2, False)
    assert record.message


def test_sequence_first() -> None:
    """What is no CloudEvent is one record, also if its place in the stream is known before its message."""
    journal = Journal()
    journal.expect("trace", 7)
    record = journal.publish("", {}, b"{}", NOW)
    journal.bind(record, 7)
    assert only(journal).message
    assert list(journal.dropped) == [record.number]


def test_sent_again() -> None:
    """An event that is sent again is a record of its own."""
    journal = Journal()
    for sequence in (1, 2):
        journal.bind(journal.publish("a", {}, b"{}", NOW), sequence)
        journal.function_line(function("a"))
        journal.subscription_line(subscription(sequence, "a"))
    assert [(each.sequence, each.outcome, len(each.steps)) for each in journal] == [
        (2, "tagged", 3),
        (1, "tagged", 3),
    ]


def test_no_cloud_event() -> None:
    """The function names what the subscription cannot; its lines wait until somebody has read the message."""
    journal = Journal()
    record = journal.publish("", {}, b"{}", NOW)
    journal.bind(record, 7)
    journal.function_line(function("trace"))
    journal.subscription_line(subscription(7, None))
    assert record.outcome == "dead-letter"
    journal.name(record, "trace")
    assert (only(journal).outcome, record.event_id) == ("tagged", "trace")


def test_batch() -> None:
    """The events of one message are one record, whose outcome is the worst."""
    journal = Journal()
    record = journal.publish("", {}, b"[]", NOW)
    journal.bind(record, 7)
    journal.name(record, "a", "b")
    journal.function_line(function("a", "dead-letter"))
    journal.function_line(function("b"))
    journal.subscription_line(subscription(7, None))
    assert only(journal).outcome == "dead-letter"


def test_straight() -> None:
    """What nobody has published was posted straight to the function; each post is one attempt."""
    journal = Journal()
    journal.function_line(function("a", "retry", reason="JobRunning", detail="wait"))
    assert (only(journal).outcome, only(journal).straight) == ("retry", True)
    journal.function_line(function("a"))
    assert (only(journal).outcome, only(journal).attempts) == ("tagged", 2)


def test_nameless() -> None:
    """A line that names no event belongs to the message that is told of next, or else to none."""
    journal = Journal()
    journal.function_line(function(None, "dead-letter", reason="InvalidEvent"))
    journal.bind(journal.publish("", {}, b"x", NOW), 7)
    journal.subscription_line(subscription(7, None, message="delivery.dead_letter"))
    assert only(journal).error == "InvalidEvent"
    journal.function_line({"time": TIME, "message": "request.refused", "status": 415})
    journal.settle(NOW + 1)
    assert len(list(journal)) == 1
    journal.settle(NOW + 2)
    assert next(iter(journal)).outcome == "refused"


def test_duplicate() -> None:
    """A message that the bus had already is forgotten, and who reads along is told."""
    journal = Journal()
    record = journal.publish("a", {}, b"{}", NOW)
    before = journal.changes
    journal.drop(record)
    assert list(journal) == []
    assert journal.changes > before


def test_attempts_run_out() -> None:
    """An event that ends after its last attempt is a dead letter, though the function said retry."""
    journal = Journal()
    journal.function_line(function("a", "retry"))
    journal.subscription_line(subscription(7, "a", 600, message="delivery.dead_letter"))
    assert only(journal).outcome == "dead-letter"


def test_bounds() -> None:
    """Memory is bounded in events, in steps of one event, and in bytes of its body."""
    journal = Journal()
    for number in range(KEPT + 500):
        journal.bind(journal.publish(f"{number}", {}, b"x" * (BODY_KEPT + 1), NOW), number + 1)
    assert len(list(journal)) == KEPT
    newest = next(iter(journal))
    assert newest.message
    assert (newest.message.body, newest.message.size) == (None, BODY_KEPT + 1)
    for attempt in range(STEPS * 2):
        journal.subscription_line(subscription(newest.sequence or 0, newest.event_id, attempt + 1, **RETRY))
    assert (len(newest.steps), newest.attempts) == (STEPS, STEPS * 2)
    assert journal.latest("0").message is None
    assert journal.at(1) is None


def test_changes() -> None:
    """Who has seen everything up to a change is told what came after it, in that order."""
    journal = Journal()
    one, two = (journal.publish(each, {}, b"{}", NOW) for each in "ab")
    seen = journal.changes
    assert journal.changed_since(seen) == []
    journal.touch(one)
    assert journal.changed_since(seen) == [one]
    journal.touch(two)
    assert journal.changed_since(seen) == [one, two]
