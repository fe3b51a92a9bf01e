"""The newest records, found by their number, the id of their events, or their place in the stream."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Any

from deploy.local.journal.record import Record

KEPT = 1000
"""Records; older ones are forgotten."""


class Records:
    """`changes` numbers what is new, for whoever reads along; `dropped` are the numbers of what is gone."""

    def __init__(self) -> None:
        self.changes = 0
        self.dropped: deque[int] = deque(maxlen=KEPT)
        self._numbered = 0
        self._records: OrderedDict[int, Record] = OrderedDict()
        self._by_sequence: dict[int, Record] = {}
        self._by_id: dict[str, list[Record]] = {}

    def __iter__(self) -> Iterator[Record]:
        """The newest first."""
        return reversed(self._records.values())

    def get(self, number: int) -> Record | None:
        return self._records.get(number)

    def at(self, sequence: int) -> Record | None:
        return self._by_sequence.get(sequence)

    def latest(self, event_id: str) -> Record:
        """The last record of this event; a new one if there is none."""
        known = self._by_id.get(event_id)
        return known[-1] if known else self.add(0, event_id=event_id)

    def title_of(self, event_id: str) -> str:
        """The names of the images of an event, as far as they are known."""
        return next((each.title for each in self._by_id.get(event_id, ()) if each.title), "")

    def changed_since(self, change: int) -> list[Record]:
        return sorted((each for each in self if each.changed > change), key=lambda each: each.changed)

    def touch(self, record: Record) -> None:
        """Something about it is new."""
        self.changes += 1
        record.changed = self.changes

    def drop(self, record: Record) -> None:
        """A message of which nothing comes: the bus had it already."""
        if self._records.pop(record.number, None):
            self._forget(record)
            self.dropped.append(record.number)
            self.changes += 1

    def add(self, moment: float, **known: Any) -> Record:
        self._numbered += 1
        record = self._records[self._numbered] = Record(self._numbered, moment, **known)
        if record.event_id:
            self._by_id.setdefault(record.event_id, []).append(record)
        self.touch(record)
        if len(self._records) > KEPT:
            self._forget(self._records.popitem(last=False)[1])
        return record

    def _forget(self, record: Record) -> None:
        self._by_sequence.pop(record.sequence or 0, None)
        for event_id in [each for each, same in self._by_id.items() if record in same]:
            self._by_id[event_id].remove(record)
            if not self._by_id[event_id]:
                del self._by_id[event_id]
