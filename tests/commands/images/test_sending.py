"""Sending events about images."""

from handlers.commands.files import UsageError
from handlers.commands.images.sending import Sent, ToSend, send_all
from handlers.commands.targets import Answer
from handlers.core.dead_letters.message import Message


class BusThatEnds:
    """A bus that takes one message."""

    def __init__(self) -> None:
        self._answers = [Answer("published")]

    def send(self, _message: Message, _message_id: str, _subject: str) -> Answer:
        if not self._answers:
            raise UsageError("the bus does not answer")
        return self._answers.pop()

    def close(self) -> None:
        """It has ended."""


def test_a_bus_that_ends() -> None:
    """If the bus ends on the way, the counts add up, and the reason is among them."""
    event = {"specversion": "1.0", "id": "1", "source": "s", "type": "t"}
    sent = Sent(3)
    send_all([ToSend(name, "", event) for name in "abc"], BusThatEnds(), 1000, sent)
    assert str(sent) == "1 done (1 published), 0 dead letters, 2 not done"
    assert next(sent.lines()) == "b: the bus does not answer"
