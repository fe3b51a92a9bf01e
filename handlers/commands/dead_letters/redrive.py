"""`dead-letters redrive`: the events of dead letters sent again, or only what would come of it."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from time import sleep

from handlers.commands.dead_letters.fill_in import filling_in
from handlers.commands.dead_letters.reading import Reading
from handlers.commands.dead_letters.stores import Entry
from handlers.commands.dry_run import dry_run
from handlers.commands.files import UsageError, events_in_message
from handlers.commands.output.progress import Progress
from handlers.commands.output.report import Report, counts
from handlers.commands.targets import STOPPED, Answer, Target
from handlers.commands.targets.rate import Wait, at_rate
from handlers.core.events import CreationSignals
from handlers.core.json_access import Json
from handlers.core.outcomes import combine
from handlers.core.rules import RuleTable


@dataclass
class RedriveSummary:
    """already_redriven: by earlier runs. error: why it ended early, or ""."""

    reading: Reading
    done: Counter[str] = field(default_factory=Counter)
    not_done: list[Json] = field(default_factory=list)
    already_redriven: int = 0
    stopped: bool = False
    error: str = ""

    def add(self, entry: Entry, answer: Answer) -> None:
        if answer.is_done:
            self.done[answer.outcome] += 1
        else:
            self.not_done.append(_row(entry, answer.outcome, answer.detail))
        self.stopped |= answer.stop

    def __str__(self) -> str:
        done = counts(self.done)
        before = f"; {self.already_redriven} redriven before" if self.already_redriven else ""
        return (
            f"{self.done.total()} done{f' ({done})' if done else ''}, {len(self.not_done)} not done{before}"
        )

    def report(self, lines: Iterable[str], proviso: str = "") -> Report:
        """lines: for people, above the counts. proviso: under which the counts are true."""
        data: Json = {
            "done": dict(self.done),
            "not_done": self.not_done,
            "already_redriven": self.already_redriven,
            "stopped": self.stopped,
            **self.reading.data,
        }
        data["errors"] += [self.error] if self.error else []
        code = 1 if self.not_done or data["errors"] else self.reading.code
        return Report(data, [*lines, *self.reading.lines, f"{proviso}{self}"], code)


def redrive(
    reading: Reading, target: Target, rate: float, wait: Wait = sleep, *, overwrite: bool = False
) -> Report:
    """Sends events one after the other, at most `rate` a second. Raises UsageError before the first is sent.

    overwrite: the events may replace tags that somebody has written since.

    An event that is a dead letter again and was stored counts as not done, but is not sent again: the sink
    has a newer dead letter of it, and two of one event would become four.
    """
    store, summary = reading.store, RedriveSummary(reading)
    store.begin()
    try:
        with Progress("dead letters sent", total=None) as progress:
            for entry in at_rate(_left(summary), rate, wait):
                answer = _send(entry, target, overwrite=overwrite)
                if answer.is_done or answer.stored:
                    store.mark_done(entry, answer.outcome)
                summary.add(entry, answer)
                if answer.stop:
                    break
                progress.step(f"{store.position} {entry.position}: {summary}")
    except UsageError as error:
        summary.error = str(error)
    except KeyboardInterrupt:
        sys.stderr.write(f"interrupted: {summary}\n")
        raise
    return summary.report(_lines(summary))


def _send(entry: Entry, target: Target, *, overwrite: bool) -> Answer:
    dead_letter = entry.dead_letter
    message = dead_letter.message if overwrite else filling_in(dead_letter.message)
    return target.send(message, f"redrive.{entry.key}", dead_letter.subject)


def redrive_dry_run(reading: Reading, table: RuleTable, signals: CreationSignals, tag_form: str) -> Report:
    """What today's rules would make of each event if the tag API accepted everything."""
    summary, rows = RedriveSummary(reading), list[Json]()
    for entry in _left(summary):
        events = events_in_message(entry.dead_letter.message)
        outcome = combine([dry_run(each, table, signals, tag_form).outcome for each in events])
        detail = f"{outcome.reason}: {outcome.message}" if outcome.message else outcome.reason
        summary.add(entry, Answer(outcome.kind, detail))
        rows.append(_row(entry, outcome.kind, detail))
    lines = (_line(reading, row) for row in rows)
    report = summary.report(lines, "if the tag API accepts every tag: ")
    return report._replace(data={"dry_run": True, "dead_letters": rows} | report.data)


def _left(summary: RedriveSummary) -> Iterator[Entry]:
    for entry in summary.reading:
        if summary.reading.store.is_done(entry):
            summary.already_redriven += 1
        else:
            yield entry


def _lines(summary: RedriveSummary) -> Iterator[str]:
    yield from (_line(summary.reading, row) for row in summary.not_done)
    if summary.stopped:
        yield STOPPED
    if summary.error:
        yield f"Stopped: {summary.error}"


def _row(entry: Entry, outcome: str, detail: str) -> Json:
    return {
        "position": entry.position,
        "id": entry.dead_letter.event_id,
        "outcome": outcome,
        "detail": detail,
    }


def _line(reading: Reading, row: Json) -> str:
    event = f", event {row['id']}" if row["id"] else ""
    end = ": ".join(filter(None, (row["outcome"], row["detail"])))
    return f"{reading.store.position} {row['position']}{event}: {end}"
