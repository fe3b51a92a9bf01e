"""Which dead letters are meant: the filters of the commands."""

import argparse
import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from .letter import Letter
from .streams import SUBJECTS

NO_REPLY = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """Dead letters for which all that is given is true.

    reason: part of the reason, in whatever case. code: the status, NO_REPLY for none.
    since, until: aware times, both included. image: a UUID that the event mentions.
    subject: where the event was published, with the wildcards of NATS.
    """

    reason: str | None = None
    code: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    image: str | None = None
    subject: str | None = None

    def __contains__(self, letter: Letter) -> bool:
        return (
            (self.reason is None or self.reason.casefold() in letter.reason.casefold())
            and (self.code is None or self.code == (letter.code or NO_REPLY))
            and (self.since is None or self.since <= letter.stored)
            and (self.until is None or letter.stored <= self.until)
            and (self.image is None or letter.mentions(self.image))
            and (self.subject is None or _matches(self.subject, letter.event_subject))
        )

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """One option for each field."""
        parser.add_argument("--reason", metavar="TEXT", help="part of the reason")
        parser.add_argument(
            "--code", type=_code, help="status of the last reply, or none: there was no reply"
        )
        parser.add_argument("--since", type=_time, metavar="TIME", help="stored then or later (RFC 3339)")
        parser.add_argument("--until", type=_time, metavar="TIME", help="stored then or earlier (RFC 3339)")
        parser.add_argument("--image", type=_uuid, metavar="UUID", help="stands anywhere in the event")
        parser.add_argument(
            "--subject", type=_subject, help="where the event was published; * and > as NATS has them"
        )

    @classmethod
    def of(cls, asked: argparse.Namespace) -> "Selection":
        """What the options say."""
        return cls(asked.reason, asked.code, asked.since, asked.until, asked.image, asked.subject)


def _matches(pattern: str, subject: str) -> bool:
    tokens = {"*": "[^.]+", ">": ".+"}
    return (
        re.fullmatch(r"\.".join(tokens.get(each, re.escape(each)) for each in pattern.split(".")), subject)
        is not None
    )


def _code(text: str) -> int:
    if text == "none":
        return NO_REPLY
    if not re.fullmatch("[1-5][0-9]{2}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no HTTP status; give one such as 400, or none")
    return int(text)


def _time(text: str) -> datetime:
    fault = argparse.ArgumentTypeError(
        f"{text!r} is no time with a zone; give one such as 2026-01-05T10:15:30Z"
    )
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise fault from None
    if time.tzinfo is None:
        raise fault
    return time


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no UUID") from None


def _subject(text: str) -> str:
    if not text.startswith(SUBJECTS):
        raise argparse.ArgumentTypeError(
            f"{text!r} is none of {SUBJECTS}>; give one such as {SUBJECTS}created"
        )
    return text
