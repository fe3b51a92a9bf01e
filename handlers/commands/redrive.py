"""`dead-letters redrive`: the events of dead letters to the function again, or only in thought."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from handlers.commands.dry_run import dry_run as run_dry
from handlers.commands.letter import Letter
from handlers.commands.letters import Found, Skipped
from handlers.commands.listing import lines_of_skipped
from handlers.commands.redriven import Redriven
from handlers.commands.report import Report
from handlers.core.events import CreationSignals
from handlers.core.json_access import Json
from handlers.core.outcomes import combine
from handlers.core.rules.table import RuleTable

DONE = ("tagged", "nothing-to-tag", "ignored")
"""Of `Tagging-Outcome`: all else leaves an event undone."""

PROGRESS_EVERY = 2.0
"""Seconds between lines of progress."""

Wait = Callable[[float], None]


class Answer(NamedTuple):
    """How an event ended this time.

    outcome: as in `Tagging-Outcome`, "" where nobody said. why: in words; "" where it is done.
    kept: its dead letter went to the function's sink once more, and the old one has served.
    final: events after it would fare no better.
    """

    outcome: str
    why: str = ""
    kept: bool = False
    final: bool = False


@dataclass
class Tally:
    """before: letters that an earlier run has redriven."""

    done: Counter[str] = field(default_factory=Counter)
    not_done: list[Json] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    before: int = 0
    stopped: bool = False

    def add(self, found: Found, answer: Answer) -> None:
        if answer.why:
            self.not_done.append(_row(found, answer.outcome, answer.why))
        else:
            self.done[answer.outcome] += 1

    def __str__(self) -> str:
        done = ", ".join(f"{number} {outcome}" for outcome, number in self.done.items())
        before = f"; {self.before} redriven before" if self.before else ""
        return (
            f"{self.done.total()} done{f' ({done})' if done else ''}, {len(self.not_done)} not done{before}"
        )

    def report(self, lines: Iterable[str], proviso: str = "") -> Report:
        """lines: for people, above the counts. proviso: under which the counts are true."""
        skipped = [each._asdict() for each in self.skipped]
        facts = {
            "done": dict(self.done),
            "not_done": self.not_done,
            "redriven_before": self.before,
            "stopped": self.stopped,
            "skipped": skipped,
        }
        whole = not self.not_done and all(each.torn for each in self.skipped)
        return Report(facts, [*lines, *lines_of_skipped(skipped), f"{proviso}{self}"], 0 if whole else 1)


def redrive(
    found: Iterable[Found | Skipped],
    deliver: Callable[[Letter], Answer],
    redriven: Redriven,
    rate: float,
    wait: Wait = time.sleep,
) -> Report:
    """Delivers letters one after the other, at most `rate` a second. Raises UsageError.

    An event that is a dead letter again and was kept counts as not done, but is not sent again: the sink has
    a newer letter of it, and two of one event would become four.
    """
    tally, begin = Tally(), time.monotonic()
    shown = begin
    redriven.begin()
    try:
        for each in _left(found, redriven, tally):
            wait(max(0.0, begin - time.monotonic()))
            begin = time.monotonic() + 1 / rate
            answer = deliver(each.letter)
            tally.add(each, answer)
            if not answer.why or answer.kept:
                redriven.add(each.key, answer.outcome)
            if answer.final:
                tally.stopped = True
                break
            if time.monotonic() > shown + PROGRESS_EVERY:
                shown = time.monotonic()
                sys.stderr.write(f"line {each.line}: {tally}\n")
    except KeyboardInterrupt:
        sys.stderr.write(f"interrupted: {tally}\n")
        raise
    return tally.report(_lines(tally))


def dry_run(
    found: Iterable[Found | Skipped],
    redriven: Redriven,
    table: RuleTable,
    says: CreationSignals,
    tag_form: str,
) -> Report:
    """What today's rules would make of each event if the tag API accepted everything."""
    tally, rows = Tally(), list[Json]()
    for each in _left(found, redriven, tally):
        outcome = combine([run_dry(event, table, says, tag_form).outcome for event in each.letter.events])
        reason = f"{outcome.reason}: {outcome.message}" if outcome.message else outcome.reason
        tally.add(each, Answer(outcome.kind, "" if outcome.kind in DONE else reason))
        rows.append(_row(each, outcome.kind, reason))
    report = tally.report(map(_line, rows), "if the tag API accepts every tag: ")
    return report._replace(data={"dry_run": True, "letters": rows} | report.data)


def _left(found: Iterable[Found | Skipped], redriven: Redriven, tally: Tally) -> Iterator[Found]:
    for each in found:
        if isinstance(each, Skipped):
            tally.skipped.append(each)
        elif each.key in redriven:
            tally.before += 1
        else:
            yield each


def _lines(tally: Tally) -> Iterator[str]:
    yield from map(_line, tally.not_done)
    if tally.stopped:
        yield "Stopped there: the rest would fare no better. Mend it, then run the same command again."


def _row(found: Found, outcome: str, why: str) -> Json:
    return {"line": found.line, "id": found.letter.event_id, "outcome": outcome, "why": why}


def _line(row: Json) -> str:
    event = f", event {row['id']}" if row["id"] else ""
    return f"line {row['line']}{event}: {': '.join(filter(None, (row['outcome'], row['why'])))}"
