"""Sample events happen today: their times are moved together."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local import samples
from deploy.local.times import moved_to, newest


def test_moved() -> None:
    """Every form of a time moves by the same whole seconds, and nothing else does."""
    text = '"2026-01-05T10:15:30Z" 2026-01-05 10:15:30.123 1767608130507 0123456789abcdef 17676081305070'
    assert newest(text) == datetime(2026, 1, 5, 10, 15, 30, tzinfo=UTC)
    moved = '"2026-02-04T10:15:31Z" 2026-02-04 10:15:31.123 1770200131507 0123456789abcdef 17676081305070'
    assert moved_to(text, timedelta(days=30, seconds=1.9)) == moved


def test_without_times() -> None:
    """A text without a time stays as it is."""
    assert newest("x") is None
    assert moved_to("x", timedelta(1)) == "x"


@pytest.mark.parametrize("name", [name for name, _ in samples.titles()])
def test_samples_happen_now(name: str) -> None:
    """The newest time of each sample is now, and none is in the future."""
    now = datetime(2031, 3, 1, 0, 0, 5, tzinfo=UTC)
    moment = newest(samples.text_of(name, now))
    assert moment is None or moment == now


def test_expected_day(tmp_path: Path) -> None:
    """The tag of the day is that of the image's creation, also where midnight lies between."""
    midnight = datetime(2031, 3, 1, 0, 0, 0, tzinfo=UTC)
    files = samples.shipped(tmp_path / "samples", midnight)
    days = {path.name: facts["tags"]["created-on"] for path, facts in files if "tags" in facts}
    assert set(days.values()) == {"2031-02-28", "2031-03-01"}
    assert days["eventgrid-trace.json"] == "2031-02-28"
    assert days["plain-structured.json"] == "2031-03-01"
