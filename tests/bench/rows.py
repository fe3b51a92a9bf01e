"""What a benchmark finds, and how it is printed."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, NamedTuple


class Row(NamedTuple):
    """One quantity, measured once a round.

    beside: the same of what it is compared with, in the same rounds; empty where there is nothing.
    goal: the most that the ratio of the two may be or, with nothing beside it, the quantity itself.
    least: the goal is the least and not the most.
    must: a missed goal is a fault, however slow the machine.
    """

    what: str
    unit: str
    here: Sequence[float]
    beside: Sequence[float] = ()
    goal: float | None = None
    must: bool = False
    least: bool = False

    @property
    def ratios(self) -> list[float]:
        """Round by round, so that what slows a machine for a while slows both sides of a ratio."""
        return (
            [ours / theirs for ours, theirs in zip(self.here, self.beside, strict=True)]
            if self.beside
            else []
        )

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        found = median(self.ratios or self.here)
        return found >= self.goal if self.least else found <= self.goal


def none(what: str, count: float) -> Row:
    """What there must not be."""
    return Row(what, "", [count], goal=0, must=True)


def as_json(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows with the figures of every round."""
    return [row._asdict() | {"ratios": row.ratios, "met": row.met} for row in rows]


def as_table(rows: Iterable[Row]) -> str:
    """Medians, and how far the ratios spread over the rounds, in 80 columns."""
    return "\n".join([_line("", "here", "beside", "ratio (min-max)", "goal"), *map(_row, rows)])


def _row(row: Row) -> str:
    here, beside, ratio, goal = _figure(median(row.here), row.unit), "", "", ""
    if row.beside:
        beside = _figure(median(row.beside), row.unit)
        ratio = f"{median(row.ratios):.2f} ({min(row.ratios):.2f}-{max(row.ratios):.2f})"
    if row.goal is not None:
        bound = f"{row.goal:.2f}" if row.beside else _figure(row.goal, row.unit)
        goal = f"{'>= ' * row.least}{bound} {'met' if row.met else 'MISSED'}"
    return _line(row.what, here, beside, ratio, goal)


def _figure(value: float, unit: str) -> str:
    return (f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}").rstrip()


def _line(what: str, here: str, beside: str, ratio: str, goal: str) -> str:
    return f"{what:<29} {here:>9} {beside:>9} {ratio:>17}  {goal}".rstrip()
