"""Which JSON values are times."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.core.times import parse_time

TIMES = {
    "RFC 3339": ("2026-01-05T10:15:30Z", "2026-01-05T10:15:30+00:00"),
    "with an offset": ("2026-01-05T10:15:30+05:30", "2026-01-05T04:45:30+00:00"),
    "in lower case": ("2026-01-05t10:15:30z", "2026-01-05T10:15:30+00:00"),
    "with a space, no zone": ("2026-01-05 10:15:30.123", "2026-01-05T10:15:30.123000+00:00"),
    "with nanoseconds": ("2026-01-05T10:15:30.123456789Z", "2026-01-05T10:15:30.123456+00:00"),
    "CTS text": ("2016/12/08 11:07:28 GMT+08:00", "2016-12-08T03:07:28+00:00"),
    "CTS text, west": ("2016/12/08 23:07:28 GMT-08:00", "2016-12-09T07:07:28+00:00"),
    "milliseconds": (1765788999507, "2025-12-15T08:56:39.507000+00:00"),
    "milliseconds as text": ("1765788999507", "2025-12-15T08:56:39.507000+00:00"),
    "seconds": (1529996047, "2018-06-26T06:54:07+00:00"),
    "seconds as text": ("1529996047", "2018-06-26T06:54:07+00:00"),
    "seconds with a fraction": (1529996047.5, "2018-06-26T06:54:07.500000+00:00"),
    "the first": ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00"),
    "the last": ("2999-12-31T23:59:59Z", "2999-12-31T23:59:59+00:00"),
}

NO_TIMES = {
    "empty": "",
    "words": "yesterday",
    "a date alone": "2026-01-05",
    "a date without separators": "20260105",
    "a week date": "2026-W01-1T10:15:30Z",
    "mixed separators": "2026-01/05 10:15:30",
    "no such day": "2026-06-31T10:15:30Z",
    "no such zone": "2026-01-05T10:15:30+99:00",
    "digits of another script": "٢٠٢٦-01-05T10:15:30Z",
    "a number in digits of another script": "١٥٢٩٩٩٦٠٤٧",
    "white space around": " 2026-01-05T10:15:30Z",
    "the zero time": "0001-01-01T00:00:00Z",
    "before the calendar": "0001-01-01T00:00:00+14:00",
    "after it": "9999-12-31T23:59:59-14:00",
    "year 3000": "3000-01-01T00:00:00Z",
    "nanoseconds since 1970": 1765788999507000000,
    "a counter": 42,
    "negative": -1765788999507,
    "very large": 10**400,
    "infinite": float("inf"),
    "not a number": float("nan"),
    "long text of digits": "1" * 5000,
    "boolean": True,
    "null": None,
    "list": [1765788999507],
    "object": {},
}


@pytest.mark.parametrize(("value", "moment"), TIMES.values(), ids=TIMES)
def test_times(value: Any, moment: str) -> None:
    """Every form that events carry names one moment, in UTC."""
    time = parse_time(value)
    assert time is not None
    assert time.tzinfo is UTC
    assert time.isoformat() == moment


@pytest.mark.parametrize("value", NO_TIMES.values(), ids=NO_TIMES)
def test_no_times(value: Any) -> None:
    """What names no moment from 1970 to 2999 is None, never an error."""
    assert parse_time(value) is None


@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.from_regex(r"\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(Z| GMT[+-]\d\d:\d\d)?", fullmatch=True)
)
def test_never_raises(value: Any) -> None:
    """Any JSON scalar is a moment in range or None."""
    time = parse_time(value)
    assert time is None or datetime(1970, 1, 1, tzinfo=UTC) <= time < datetime(3000, 1, 1, tzinfo=UTC)
