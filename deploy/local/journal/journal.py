"""What is told of events, put together, in whatever order the news comes."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from deploy.local.journal.record import BODY_KEPT, Message, Record, Step, moment_of
from deploy.local.journal.records import Records

ENDS = {"delivery.accepted", "delivery.dead_letter"}

UNPLACED_FOR = 1.5
"""Seconds that a line of the function waits for news of the bus about the same delivery."""

LATE = 2.0
"""Seconds that the news of the bus may come later than the log lines about the same event."""

Line = Mapping[str, Any]


class Journal(Records):
    """Takes news of events and keeps a record of each."""

    def __init__(self) -> None:
        super().__init__()
        self._nameless: deque[Line] = deque()
        self._unplaced: deque[Line] = deque()

    def publish(self, event_id: str, headers: Mapping[str, str], body: bytes, moment: float) -> Record:
        """A message came to the bus. event_id: "" if it is no CloudEvent."""
        message = Message(dict(headers), body if len(body) <= BODY_KEPT else None, len(body))
        # What is too long to keep is never explained, and nothing has to wait for that.
        explained = bool(event_id) or message.body is None
        record = self._unseen(event_id, moment) or self.add(moment, event_id=event_id)
        record.message, record.explained, record.straight = message, explained, False
        record.began = record.began or moment
        record.title = None
        record.steps.appendleft(Step(moment, "published", {}))
        self.touch(record)
        return record

    def expect(self, event_id: str, sequence: int = 0) -> None:
        """An event is on the bus, of which nobody else may have told."""
        record = self._by_sequence.get(sequence) or self.latest(event_id)
        record.straight = False
        self.name(record, event_id)
        if sequence:
            self.bind(record, sequence)

    def bind(self, record: Record, sequence: int) -> None:
        """The place of a record in the stream of the bus is known."""
        other = self._by_sequence.get(sequence)
        if other and other is not record and other.message is None:
            # The log lines came before the news that it is on the bus.
            other.message, other.title = record.message, None
            self.touch(other)
            self.drop(record)
            return
        record.sequence = sequence
        self._by_sequence[sequence] = record

    def name(self, record: Record, *event_ids: str) -> None:
        """How the function reads a message is known: the events in it, or none."""
        record.explained = True
        for event_id in event_ids:
            record.event_id = record.event_id or event_id
            if record not in (known := self._by_id.setdefault(event_id, [])):
                known.append(record)
            for line in [each for each in self._unplaced if each["event_id"] == event_id]:
                self._unplaced.remove(line)
                self._tell(record, line)

    def function_line(self, line: Line) -> None:
        """A log line of the function.

        It waits if it names no event, or one that may be in a message of which nobody knows yet how the
        function reads it.
        """
        if event_id := line.get("event_id"):
            record = self._open(event_id)
            if record is None and any(not each.explained and each.message for each in self):
                self._unplaced.append(line)
            else:
                self._tell(record or self.add(0, event_id=event_id, straight=True), line)
        elif "outcome" in line or line.get("message") == "request.refused":
            self._nameless.append(line)

    def subscription_line(self, line: Line) -> Record | None:
        """A log line of the subscription; the record that it is about, if it is about one."""
        if "attempt" not in line:
            return None
        record, moment = self._of_delivery(line), moment_of(line)
        while self._nameless and not line.get("event_id"):
            self._tell(record, self._nameless.popleft())
        record.straight, record.attempts = False, line["attempt"]
        record.reply = ": ".join(filter(None, (line.get("reason"), line.get("detail"))))
        record.ended = line["message"] in ENDS
        record.due = None
        if not record.ended:
            record.retry_reason = record.reply
            record.due = moment + float(line.get("retry_in", 0))
        self._step(record, line)
        return record

    def settle(self, now: float) -> None:
        """What the bus does not tell of within a while was posted straight to the function."""
        for waiting in (self._nameless, self._unplaced):
            while waiting and moment_of(waiting[0]) < now - UNPLACED_FOR:
                line = waiting.popleft()
                event_id = line.get("event_id", "")
                open_ = self._open(event_id) if event_id else None
                self._tell(open_ or self.add(0, event_id=event_id, straight=True), line)

    def _of_delivery(self, line: Line) -> Record:
        sequence, event_id = int(line["sequence"]), line.get("event_id") or ""
        record = self._by_sequence.get(sequence)
        if record is None and event_id:
            unplaced = (each for each in self._by_id.get(event_id, ()) if each.sequence is None)
            record = next(unplaced, None)
        record = record or self.add(moment_of(line), event_id=event_id)
        self.bind(record, sequence)
        return record

    def _unseen(self, event_id: str, moment: float) -> Record | None:
        """The record of an event whose log lines came before the news that it is on the bus."""
        known = self._by_id.get(event_id, ()) if event_id else ()
        return next(
            (
                each
                for each in known
                if each.message is None and (not each.began or moment - each.began < LATE)
            ),
            None,
        )

    def _open(self, event_id: str) -> Record | None:
        known = self._by_id.get(event_id, ())
        return next((each for each in reversed(known) if not each.ended), None)

    def _tell(self, record: Record, line: Line) -> None:
        record.last_line = line
        record.type = record.type or str(line.get("event_type") or "")
        if record.straight:
            # Whoever posted it may post it again; the function cannot know.
            record.attempts += 1
            record.ended = line.get("outcome") != "retry"
            record.retry_reason = record.reason if not record.ended else record.retry_reason
        record.image_ids = list(dict.fromkeys([*record.image_ids, *filter(None, [line.get("image_id")])]))
        record.began = record.began or moment_of(line)
        self._step(record, line)

    def _step(self, record: Record, line: Line) -> None:
        record.steps.append(Step(moment_of(line), str(line["message"]), line))
        self.touch(record)
