"""Times on the command line: a moment, or how long ago."""

import argparse
import re
from datetime import UTC, date, datetime, time, timedelta

from handlers.core.times import parse_time

NOW = "now"
_AGO = re.compile(r"(\d{1,6})([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def add_period(parser: argparse.ArgumentParser, what: str, default: str = "") -> None:
    """The options --since and --until. what: that they choose. default: what holds without --since."""
    parser.add_argument(
        "--since", type=moment, metavar="TIME", help=f"only {what} from this time on{default}"
    )
    parser.add_argument("--until", type=moment, metavar="TIME", help=f"only {what} before this time")


def within(at: datetime | None, since: datetime | None, until: datetime | None) -> bool:
    """Whether a time is in a period. What has no time is in none that has a beginning or an end."""
    if at is None:
        return since is None and until is None
    return (since is None or since <= at) and (until is None or at < until)


def moment(text: str) -> datetime:
    """An aware time: `2026-01-05T10:15:30Z`, `2026-01-05` (UTC), `now`, or `2h` for two hours ago."""
    if text == NOW:
        return datetime.now(UTC)
    if at := parse_time(text):
        return at
    try:
        if ago := _AGO.fullmatch(text):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except (ValueError, OverflowError):  # more days ago than the calendar has
        raise argparse.ArgumentTypeError(
            f"{text!a} is no time; write 2026-01-05, 2026-01-05T10:15:30Z, or 2h for two hours ago (m, h, d)"
        ) from None
