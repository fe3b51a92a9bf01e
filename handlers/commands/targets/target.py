"""What a target is: where an event can be sent."""

from typing import NamedTuple, Protocol

from handlers.core.dead_letters.message import Message

DONE = ("tagged", "nothing-to-tag", "ignored", "published")
"""Outcomes of an event that needs no more."""


class Answer(NamedTuple):
    """What became of one message.

    outcome: as in `Tagging-Outcome`; "published" on a bus; "accepted" for a success that names none;
    "refused" if this message would be refused again; else "".
    detail: what there is to say of it, or "". stored: its event is a dead letter in the function's sink.
    stop: other messages would fare no better. sequence: in the stream of a bus, else None.
    """

    outcome: str
    detail: str = ""
    stored: bool = False
    stop: bool = False
    sequence: int | None = None

    @property
    def is_done(self) -> bool:
        return self.outcome in DONE

    @property
    def is_final(self) -> bool:
        """Whether sending the same message again changes nothing."""
        return self.is_done or self.outcome in {"dead-letter", "refused"}


class Target(Protocol):
    def send(self, message: Message, message_id: str, subject: str) -> Answer:
        """Sends a message until it is accepted or refused, or a few times. Raises UsageError.

        message_id: the same for the same event. subject: where it was published on NATS. Both are "" where
        nobody knows.
        """
        ...

    def close(self) -> None:
        """Ends the connection."""
        ...
