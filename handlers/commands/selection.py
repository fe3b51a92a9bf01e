"""Which dead letters a command is about."""

import argparse
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from handlers.commands.letter import Letter
from handlers.commands.letters import Found, Skipped
from handlers.core.times import parse_time


class Selection(NamedTuple):
    """Which letters are meant; None: any. A letter without a time is neither since nor until any."""

    reason: str | None
    code: str | None
    since: datetime | None
    until: datetime | None
    image: str | None
    id: str | None

    @classmethod
    def asked_for(cls, asked: argparse.Namespace) -> "Selection":
        return cls(*(getattr(asked, name) for name in cls._fields))

    def takes(self, letter: Letter) -> bool:
        return (
            (self.reason is None or self.reason.lower() == letter.reason.lower())
            and (self.code is None or self.code.lower() == letter.code.lower())
            and (self.since is None or (letter.time is not None and self.since <= letter.time))
            and (self.until is None or (letter.time is not None and letter.time < self.until))
            and (self.image is None or letter.mentions(self.image))
            and (self.id is None or self.id == letter.event_id)
        )

    def of(self, found: Iterable[Found | Skipped]) -> Iterator[Found | Skipped]:
        return (each for each in found if isinstance(each, Skipped) or self.takes(each.letter))


def add_selection(parser: argparse.ArgumentParser) -> None:
    """The options that say it; all that are given must hold."""
    parser.add_argument("--reason", metavar="NAME", help="only of this error, such as TagQuotaExceeded")
    parser.add_argument("--code", help="only of this code of the tag API, or else status of the last answer")
    parser.add_argument("--since", type=_moment, metavar="TIME", help="only from this time or date (UTC) on")
    parser.add_argument("--until", type=_moment, metavar="TIME", help="only from before this time or date")
    parser.add_argument("--image", type=_uuid, metavar="UUID", help="only with this image id in the event")
    parser.add_argument("--id", metavar="EVENT_ID", help="only of this event")


def _moment(text: str) -> datetime:
    if moment := parse_time(text):
        return moment
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!a} is no time; write 2026-01-05 or 2026-01-05T10:15:30Z"
        ) from None


def _uuid(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text):
        raise argparse.ArgumentTypeError(f"{text!a} is no image id, which is a UUID")
    return text
