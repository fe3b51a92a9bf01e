"""Which dead letters a command is about."""

import argparse
import re
from datetime import datetime
from typing import NamedTuple

from handlers.commands.image_ids import image_id
from handlers.commands.moments import add_period, within
from handlers.core.dead_letters.model import DeadLetter

NONE = "none"


class Selection(NamedTuple):
    """Which dead letters are meant; None: any. One without a time is neither since nor until any."""

    reason: str | None
    code: str | None
    since: datetime | None
    until: datetime | None
    image: str | None
    id: str | None

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """One option for each field; all that are given must hold."""
        parser.add_argument("--reason", metavar="NAME", help="only of this error, such as TagQuotaExceeded")
        parser.add_argument(
            "--code",
            type=_code,
            metavar="CODE",
            help="only of this code of the tag API, such as IMG.0116, or of this status of the last reply, "
            "such as 503; none: of neither, as where there was no reply",
        )
        add_period(parser, "dead letters")
        parser.add_argument(
            "--image", type=image_id, metavar="UUID", help="only where this image id stands in the event"
        )
        parser.add_argument("--id", metavar="EVENT_ID", help="only of this event")

    @classmethod
    def of(cls, asked: argparse.Namespace) -> "Selection":
        """What the options say."""
        return cls(*(getattr(asked, name) for name in cls._fields))

    def matches(self, dead_letter: DeadLetter) -> bool:
        return (
            (self.reason is None or self.reason.lower() == dead_letter.error.lower())
            and (self.code is None or self.code.lower() in _codes(dead_letter))
            and within(dead_letter.time, self.since, self.until)
            and (self.image is None or dead_letter.mentions(self.image))
            and (self.id is None or self.id == dead_letter.event_id)
        )


def _codes(dead_letter: DeadLetter) -> list[str]:
    codes = [dead_letter.code.lower(), str(dead_letter.status or "")]
    return list(filter(None, codes)) or [NONE]


def _code(text: str) -> str:
    if not re.fullmatch(r"[1-5][0-9]{2}|[A-Za-z]+\.\w+|none", text, re.ASCII):
        raise argparse.ArgumentTypeError(
            f"{text!a} is no code; write IMG.0116, or a status such as 503, or none"
        )
    return text
