"""Reads times in every form that events about images use."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MILLISECONDS_FROM = 10**12  # a smaller number counts seconds
_SECONDS_FROM = 10**9  # a smaller number is a counter or a date without separators, not a time
_YEARS = range(1970, 3000)  # the zero time of some encoders (year 1), and absurd numbers, are no times
_TEXT = re.compile(
    r"\d{4}([-/])\d\d\1\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|( GMT)?[+-]\d\d:\d\d)?", re.ASCII
)
_DIGITS = re.compile(r"\d{10,14}", re.ASCII)


def parse_time(value: object) -> datetime | None:
    """The moment that a JSON value names, in UTC; None if it names none from 1970 to 2999.

    It reads RFC 3339, also with a space in place of the T, and without a zone as UTC. It also reads the forms
    of Cloud Trace Service: milliseconds or seconds since 1970, as a number or as text, and
    `2016/12/08 11:07:28 GMT+08:00`.
    """
    try:
        if isinstance(value, str) and _TEXT.fullmatch(value):
            time = datetime.fromisoformat(value.upper().replace("/", "-").replace(" GMT", ""))
            time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        elif isinstance(value, str) and _DIGITS.fullmatch(value):
            return parse_time(int(value))
        elif isinstance(value, int | float) and value >= _SECONDS_FROM:  # a boolean is below
            time = datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS_FROM else value, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):  # the 31st of June; a number beyond the calendar
        return None
    return time if time.year in _YEARS else None


def parse_http_date(text: str) -> datetime | None:
    """The moment of a date in HTTP (RFC 9110, section 5.6.7), an aware time; None if it is none."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date.replace(tzinfo=date.tzinfo or UTC)
