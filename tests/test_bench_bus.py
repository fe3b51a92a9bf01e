"""The benchmark of the bus runs, and its books balance. What it measures is no matter of tests."""

from tests.bench.bus import bus


def test_bus() -> None:
    """`bus` finds times of both ways, and no event of them is lost."""
    rows = {row.what: row for row in bus(count=40, rounds=1, delay=0.01)}
    assert min(*rows["all events"].here, *rows["all events"].beside) > 0
    assert rows["events through the bus"].here == [40]
    assert [row.what for row in rows.values() if row.must and not row.met] == []
