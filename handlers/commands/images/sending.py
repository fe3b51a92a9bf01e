"""Sends events about images one after the other, and counts what became of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from handlers.commands.files import UsageError
from handlers.commands.output.progress import Progress
from handlers.commands.output.report import counts
from handlers.commands.targets import STOPPED, Answer, Target
from handlers.commands.targets.rate import at_rate
from handlers.core.dead_letters.compose import event_text
from handlers.core.dead_letters.message import message_of
from handlers.core.events.recognised import FILL_IN
from handlers.core.events.shapes import as_cloudevent
from handlers.core.json_access import Json, string
from handlers.core.received import Received


class ToSend(NamedTuple):
    """An event, and the id and the name of what it is about, for people."""

    about: str
    name: str
    event: Json


@dataclass
class Sent:
    """total: events to send. done: by outcome. not_done: neither done nor dead letters, and why."""

    total: int
    done: Counter[str] = field(default_factory=Counter)
    dead_letters: list[Json] = field(default_factory=list)
    not_done: list[Json] = field(default_factory=list)

    @property
    def not_sent(self) -> int:
        return self.total - self.done.total() - len(self.dead_letters) - len(self.not_done)

    @property
    def is_done(self) -> bool:
        return self.total == self.done.total()

    def add(self, sent: ToSend, answer: Answer) -> None:
        row = {"id": sent.about, "name": sent.name, "outcome": answer.outcome, "detail": answer.detail}
        if answer.is_done:
            self.done[answer.outcome] += 1
        elif answer.outcome == "dead-letter":
            self.dead_letters.append(row)
        else:
            self.not_done.append(row)

    def leave(self, about: str, name: str, why: str) -> None:
        """Counts one that is not sent at all."""
        self.total += 1
        self.not_done.append({"id": about, "name": name, "outcome": "", "detail": why})

    def __str__(self) -> str:
        done = counts(self.done)
        letters = len(self.dead_letters)
        return (
            f"{self.done.total():,} done{f' ({done})' if done else ''}, "
            f"{letters:,} dead letter{'' if letters == 1 else 's'}, "
            f"{len(self.not_done) + self.not_sent:,} not done"
        )

    def as_json(self) -> Json:
        return {
            "done": dict(self.done),
            "dead_letters": self.dead_letters,
            "not_done": self.not_done,
            "not_sent": self.not_sent,
        }

    def lines(self) -> Iterator[str]:
        """What is not done, for people."""
        yield from self.reasons()
        if self.not_sent:
            yield STOPPED

    def reasons(self) -> Iterator[str]:
        for row in (*self.dead_letters, *self.not_done):
            name = f" ({row['name']})" if row["name"] else ""
            yield f"{row['id']}{name}: {': '.join(filter(None, (row['outcome'], row['detail'])))}"


def to_send(trace: Json) -> ToSend:
    """The event that EventGrid would have made of a trace, and that fills in."""
    event = (as_cloudevent(trace) or {}) | {FILL_IN: "true"}
    return ToSend(event["id"], string(trace, "trace_name") or "", event)


def send_one(each: ToSend, target: Target) -> Answer:
    """Sends one event. A bus keeps one message of an id, for a while.

    An event that overwrites is another message than the one of this id that fills in.
    """
    message_id = each.event["id"] if FILL_IN in each.event else f"{each.event['id']}-overwrite"
    try:
        return target.send(message_of(event_text(Received(each.event))), message_id, "")
    except UsageError as error:  # the bus is away
        return Answer("", str(error), stop=True)


def send_all(events: Iterable[ToSend], target: Target, rate: float, sent: Sent) -> None:
    """Sends at most `rate` events a second, until one shows that the others would fare no better."""
    with Progress("events sent", total=sent.total) as progress:
        for each in at_rate(events, rate):
            answer = send_one(each, target)
            sent.add(each, answer)
            if answer.stop:
                return
            progress.step(str(sent))
