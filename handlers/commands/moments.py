"""Times on the command line: a moment, or how long ago."""

import argparse
import re
from datetime import UTC, date, datetime, time, timedelta

from handlers.core.times import parse_time

NOW = "now"
_AGO = re.compile(r"(\d{1,6})([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


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
