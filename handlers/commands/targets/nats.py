"""The stream IMAGES of a bus, as a target."""

from handlers.commands.targets.bus import Bus, Refused
from handlers.commands.targets.target import Answer
from handlers.core.dead_letters.message import Message


class NatsTarget:
    """subject: where an event is published that has no subject yet."""

    def __init__(self, bus: Bus, subject: str) -> None:
        self._bus = bus
        self._subject = subject

    def send(self, message: Message, message_id: str, subject: str) -> Answer:
        """Publishes, and waits until the bus has stored the message. Raises UsageError."""
        try:
            sequence, is_new = self._bus.publish(message, subject or self._subject, message_id)
        except Refused as refused:
            return Answer("" if refused.stop else "refused", str(refused), stop=refused.stop)
        detail = "" if is_new else "the bus has a message of this id already, and keeps one"
        return Answer("published", detail, sequence=sequence)

    def close(self) -> None:
        self._bus.close()
