"""Times in the text of an event, moved together, so that an old sample happens today. Pure."""

import re
from datetime import UTC, datetime, timedelta

_WRITTEN = re.compile(r"20\d\d-\d\d-\d\d([T ])\d\d:\d\d:\d\d")
_MILLISECONDS = re.compile(r"(?<![\w-])1[6-9]\d{11}(?![\w-])")


def newest(text: str) -> datetime | None:
    """The newest time in a text, to the second; None if there is none."""
    times = [_read(found[0]) for found in _WRITTEN.finditer(text)]
    times += [datetime.fromtimestamp(int(each) // 1000, UTC) for each in _MILLISECONDS.findall(text)]
    return max(times, default=None)


def moved_to(text: str, by: timedelta) -> str:
    """The same text with every time in it later by so much, in whole seconds."""
    by = timedelta(seconds=int(by.total_seconds()))
    text = _WRITTEN.sub(lambda found: (_read(found[0]) + by).strftime(f"%Y-%m-%d{found[1]}%H:%M:%S"), text)
    milliseconds = int(by.total_seconds()) * 1000
    return _MILLISECONDS.sub(lambda found: str(int(found[0]) + milliseconds), text)


def _read(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)
