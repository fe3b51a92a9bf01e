"""The dead letters of the subscription on NATS, in its stream IMAGES_DEAD."""

import re
from collections.abc import Iterator, Sequence

from handlers.commands.dead_letters.stores import Entry, Unreadable
from handlers.commands.targets.bus import DEAD_STREAM, DEAD_SUBJECTS, SUBJECTS, Bus, StoredMessage
from handlers.core.dead_letters.forms import dead_letter_from_nats


class NatsStore:
    """Reading takes nothing out of the stream and needs no consumer. What is done is deleted.

    sequences: only these, where there are any. subject: only what was published to a subject of this pattern.
    """

    position = "sequence"

    def __init__(self, bus: Bus, sequences: Sequence[int], subject: str | None) -> None:
        """Raises UsageError, and closes the bus then."""
        self._bus = bus
        self._sequences = list(dict.fromkeys(sequences))
        self._subject = subject
        try:
            self._last = bus.last_sequence(DEAD_STREAM)
        except BaseException:
            bus.close()
            raise

    def entries(self) -> Iterator[Entry | Unreadable]:
        for each in self._named() if self._sequences else self._all():
            if isinstance(each, Unreadable):
                yield each
            elif self._subject is None or _matches(self._subject, _subject_of(each)):
                yield _entry(each)

    def is_done(self, _entry: Entry) -> bool:
        return False

    def begin(self) -> None:
        """Nothing has to be made."""

    def mark_done(self, entry: Entry, _outcome: str) -> None:
        self._bus.delete(DEAD_STREAM, entry.position)

    def close(self) -> None:
        self._bus.close()

    def _all(self) -> Iterator[StoredMessage]:
        sequence = 1
        while sequence <= self._last:
            message = self._bus.message(DEAD_STREAM, sequence, next_of=f"{DEAD_SUBJECTS}>")
            if message is None or message.sequence > self._last:
                return
            yield message
            sequence = message.sequence + 1

    def _named(self) -> Iterator[StoredMessage | Unreadable]:
        for sequence in self._sequences:
            there_is_none = Unreadable(sequence, "there is no dead letter of this sequence")
            yield self._bus.message(DEAD_STREAM, sequence) or there_is_none


def _entry(message: StoredMessage) -> Entry:
    # A sequence begins anew when a stream is made anew; with the time of storage it is unique.
    key = f"{message.sequence}.{message.stored.isoformat()}"
    subject = _subject_of(message)
    dead_letter = dead_letter_from_nats(message.headers, message.data, subject=subject, stored=message.stored)
    return Entry(message.sequence, key, dead_letter)


def _subject_of(message: StoredMessage) -> str:
    """Where the event was published, and is again."""
    return SUBJECTS + message.subject.removeprefix(DEAD_SUBJECTS)


def _matches(pattern: str, subject: str) -> bool:
    tokens = {"*": "[^.]+", ">": ".+"}
    expression = r"\.".join(tokens.get(token, re.escape(token)) for token in pattern.split("."))
    return re.fullmatch(expression, subject) is not None
