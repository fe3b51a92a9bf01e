"""The filters of tag values that reckon with times."""

import json
import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from handlers.core.errors import InvalidTag
from handlers.core.times import parse_time
from handlers.core.values.expressions import Expression, Scope

_DIRECTIVES = ("%Y", "%m", "%d", "%H", "%M", "%S", "%j", "%G", "%V", "%%")
"""Those that are independent of the locale, with a fixed width."""
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}
_LONGEST = timedelta(days=366 * 1030)
"""From 1970 to 2999, and a little more."""


def date(value: Expression, format: str = "%Y-%m-%d", timezone: str = "UTC") -> Expression:  # noqa: A002 - named in values
    if unknown := set(re.findall("%.?", format)).difference(_DIRECTIVES):
        raise ValueError(f"{json.dumps(min(unknown))} is not a directive, use {' '.join(_DIRECTIVES)}")
    zone = _zone(timezone)

    def formatted(scope: Scope) -> str:
        local = _time(value(scope), "date").astimezone(zone)
        # One directive at a time: strftime fails on some literal text, such as lone surrogates.
        return re.sub("%.", lambda directive: local.strftime(directive[0]), format)

    return formatted


def plus(value: Expression, duration: str) -> Expression:
    given = re.fullmatch(r"(-?\d{1,8})([hdw])", duration, re.ASCII)
    if not given:
        right = 'use a whole number of hours, days or weeks, such as "12h", "30d", "-4w"'
        raise ValueError(f"{json.dumps(duration[:64])} is not a duration, {right}")
    step = timedelta(hours=int(given[1]) * _HOURS[given[2]])
    if abs(step) > _LONGEST:
        raise ValueError(f"{json.dumps(duration)} is longer than all the time from 1970 to 2999, use less")

    def later(scope: Scope) -> str:
        text = (_time(value(scope), "plus") + step).isoformat().replace("+00:00", "Z")
        if parse_time(text) is None:
            raise InvalidTag("the result of `plus` is not from 1970 to 2999; use another duration")
        return text

    return later


def _time(given: Any, name: str) -> datetime:
    time = parse_time(given)
    if time is None:
        raise InvalidTag(f"the value before `{name}` is not a time from 1970 to 2999; use another attribute")
    return time


def _zone(name: str) -> tzinfo:
    if name == "UTC":  # needs no time zone database
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - 5 ms of every cold start, and few tables name a zone

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; malformed; a folder's name
        raise ValueError(
            f"{json.dumps(name[:64])} is not a time zone, use a name such as Europe/Berlin"
        ) from None
