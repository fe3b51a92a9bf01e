"""The live feed of `deploy/local/up` in a terminal: each retry, each end, and the news of the table."""

import time
from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from deploy.local.follow_logs import LogFollower
from deploy.local.journal import Record
from deploy.local.report import STYLES, plain

NAMED_WITHIN = 1.0
"""Seconds that a line waits for the name of its image."""

LONGEST = 500
"""Characters of a name or a reason."""


class Feed:
    """What is new since the last time, a line or two for each."""

    def __init__(self, follower: LogFollower) -> None:
        self._follower = follower
        self._seen = follower.journal.changes
        self._rules_seen = follower.rules_told
        self._waiting: dict[int, tuple[float, Record]] = {}
        self._shown = {each.number: (each.attempts, each.ended) for each in follower.journal}
        """By number of a record, the attempts and the end that were shown."""

    def news(self) -> Iterator[RenderableType]:
        """Raises nothing; an event without a name after a while is shown by its id."""
        now, journal = time.time(), self._follower.journal
        changed, self._seen = journal.changed_since(self._seen), journal.changes
        for record in changed:
            if self._shown.get(record.number) != (record.attempts, record.ended) and record.attempts:
                self._waiting.setdefault(record.number, (now, record))
        for number, (since, record) in list(self._waiting.items()):
            if record.title or now - since > NAMED_WITHIN:
                del self._waiting[number]
                self._shown[number] = (record.attempts, record.ended)
                yield render_event(record)
        if len(self._shown) > 2 * len(self._waiting) + 2000:
            self._shown = dict(list(self._shown.items())[-1000:])
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


def render_event(record: Record) -> RenderableType:
    about = record.title or record.event_id or f"message {record.sequence or ''} without an event"
    ids = " ".join(record.image_ids[:3]) or record.event_id
    text = Text().append(f"  {time.strftime('%H:%M:%S')}  ", "dim")
    text.append(plain(record.outcome)[:LONGEST], STYLES.get(record.outcome))
    text.append(f"  {plain(about)[:LONGEST]}", "bold")
    if ids and ids != about:
        text.append(f"  {plain(ids)[:LONGEST]}", "dim")
    attempts = "1 attempt" if record.attempts == 1 else f"{record.attempts} attempts"
    how = [attempts, *(["posted straight to the function"] if record.straight else [])]
    if record.due is not None:
        how.append(f"the next in {max(0, record.due - time.time()):.1f} s")
    text.append(f"\n    {', '.join(how)}")
    if record.outcome != "tagged":
        text.append(f"\n    {plain(record.reason)[:LONGEST]}" if record.reason else "")
    written = record.last_line.get("written", []) if record.ended else []
    if tags := " ".join(f"{tag['key']}={tag.get('value', '***')}" for tag in written):
        text.append(f"\n    {plain(tags)[:LONGEST]}")
    return text
