"""The live feed of `deploy/local/up` in a terminal: each retry, each end, and the news of the table."""

import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple, Self

from rich.console import RenderableType
from rich.text import Text

from deploy.local.follow_logs import LogFollower
from deploy.local.journal import Record
from deploy.local.report import STYLES, plain

NAMED_WITHIN = 3.0
"""Seconds that a line waits for the name of its image, which a command reads from the event."""

LONGEST = 500
"""Characters of a name or a reason."""

REMEMBERED = 2000
"""Events of which is remembered what was shown."""


class News(NamedTuple):
    """An event as it was at a moment; by the time that it is shown, more may have happened to it."""

    moment: float
    outcome: str
    attempts: int
    ended: bool
    reason: str
    due: float | None
    tags: str

    @classmethod
    def of(cls, record: Record) -> Self:
        written = record.last_line.get("written", []) if record.ended else []
        tags = " ".join(f"{tag['key']}={tag.get('value', '***')}" for tag in written)
        state = (record.outcome, record.attempts, record.ended, record.reason, record.due)
        return cls(time.time(), *state, tags)


class Feed:
    """What is new since the last time, a line or two for each."""

    def __init__(self, follower: LogFollower) -> None:
        self._follower = follower
        self._seen = follower.journal.changes
        self._rules_seen = follower.rules_told
        self._waiting: list[tuple[Record, News]] = []
        self._shown = OrderedDict((each.number, (each.attempts, each.ended)) for each in follower.journal)

    def news(self) -> Iterator[RenderableType]:
        """In the order in which it happened; who has no name after a while is shown by its id."""
        journal = self._follower.journal
        changed, self._seen = journal.changed_since(self._seen), journal.changes
        for record in changed:
            state = (record.attempts, record.ended)
            if record.attempts and self._shown.get(record.number) != state:
                self._shown[record.number] = state
                self._waiting.append((record, News.of(record)))
        while len(self._shown) > REMEMBERED:
            self._shown.popitem(last=False)
        while self._waiting:
            record, news = self._waiting[0]
            if record.title is None and time.time() - news.moment < NAMED_WITHIN:
                break
            del self._waiting[0]
            yield render_event(record, news)
        yield from self._rules()

    def _rules(self) -> Iterator[RenderableType]:
        new = self._follower.rules_told - self._rules_seen
        self._rules_seen = self._follower.rules_told
        for line in self._follower.rules[-new:] if new else ():
            refused = line["message"] == "rules.refused"
            text = Text().append(f"  {line['message']}", "bold red" if refused else "green")
            text.append(f"  {plain(str(line.get('file', '')))}")
            if refused:
                detail = plain(str(line.get("detail", "")))[:LONGEST]
                text.append(f"\n    {detail}\n    The table before it stays in use.")
            yield text


def render_event(record: Record, news: News) -> RenderableType:
    about = record.title or record.event_id or f"message {record.sequence or ''} without an event"
    ids = " ".join(record.image_ids[:3]) or record.event_id
    text = Text().append(f"  {time.strftime('%H:%M:%S', time.localtime(news.moment))}  ", "dim")
    text.append(plain(news.outcome)[:LONGEST], STYLES.get(news.outcome, "default"))
    text.append(f"  {plain(about)[:LONGEST]}", "bold")
    if ids and ids != about:
        text.append(f"  {plain(ids)[:LONGEST]}", "dim")
    attempts = "1 attempt" if news.attempts == 1 else f"{news.attempts} attempts"
    how = [attempts, *(["posted straight to the function"] if record.straight else [])]
    if news.due is not None:
        how.append(f"the next in {max(0, news.due - news.moment):.1f} s")
    text.append(f"\n    {', '.join(how)}")
    if news.outcome != "tagged" and news.reason:
        text.append(f"\n    {plain(news.reason)[:LONGEST]}")
    if news.tags:
        text.append(f"\n    {plain(news.tags)[:LONGEST]}")
    return text
