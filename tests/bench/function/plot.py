"""A picture of how costs grow: a panel for each quantity, both axes logarithmic."""

import re
from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from statistics import median
from typing import Any
from xml.sax.saxutils import escape

import leather
import leather.theme

from tests.bench.function.growth import Costs

WIDTH, HEIGHT = 960, 620
MEASURED, IN_PROPORTION = "#0969da", "#8c959f"
INK, PALE, GRID = "#1f2328", "#59636e", "#d1d9e0"

# White behind it, as on paper, so that it can be read on a light page and on a dark one.
THEME = {
    "background_color": "#ffffff",
    "title_color": INK,
    **dict.fromkeys(("label_color", "legend_color", "axis_title_color"), PALE),
    **dict.fromkeys(("tick_color", "zero_color"), GRID),
    **{
        f"{of}_font_family": "Helvetica Neue, Arial, DejaVu Sans, sans-serif"
        for of in ("title", "axis_title", "legend", "tick")
    },
    **{f"{of}_font_size": 13 for of in ("axis_title", "legend", "tick")},
    "margin": 0.08,
    "axis_title_gap": 8,
    **{f"{of}_font_char_width": 7 for of in ("legend", "tick")},
}

TITLE = "Processor time of a delivery, by its size"

Point = tuple[float, float]
"""The logarithms of a size and its cost."""


def plot_of(costs: Mapping[str, Costs]) -> str:
    """The picture as SVG. costs: of each quantity, by its name."""
    for name, value in THEME.items():
        setattr(leather.theme, name, value)
    points = {
        name: [(log10(size), log10(median(each))) for size, each in of_name.items()]
        for name, of_name in costs.items()
    }
    grid = leather.Grid()
    ends = [end for each in points.values() for end in (*each, _in_proportion(each)[1])]
    bottom, top = floor(min(cost for _, cost in ends)), ceil(max(cost for _, cost in ends))
    grid.add_many([_panel(name, each, bottom, top) for name, each in points.items()])
    return _described(str(grid.to_svg(width=WIDTH, height=HEIGHT)), points)


def _in_proportion(points: Sequence[Point]) -> list[Point]:
    """Where the cost were if all of it grew with the size."""
    (first, low), *_, (last, _) = points
    return [(first, low), (last, low + last - first)]


def _slope(points: Sequence[Point]) -> float:
    """Between the two largest sizes: 1 where the cost grows in proportion, 0 where it does not grow."""
    *_, (size, cost), (last_size, last_cost) = points
    return round((last_cost - cost) / (last_size - size), 2) + 0.0  # and so never -0.00


def _panel(name: str, points: Sequence[Point], bottom: int, top: int) -> Any:
    chart = leather.Chart(name)
    chart.add_line(
        _in_proportion(points), name="slope 1", stroke_color=IN_PROPORTION, width=1, stroke_dasharray="4 4"
    )
    chart.add_line(points, name=f"last slope {_slope(points):.2f}", stroke_color=MEASURED)
    dots = leather.Dots(MEASURED, 4)
    dots.legend_to_svg = lambda *_: []  # the legend names their line
    chart.add_series(leather.Series(points), dots)
    smallest, *_, largest = [size for size, _ in points]
    chart.add_x_scale(smallest, largest)
    sizes = range(ceil(smallest), floor(largest) + 1)
    costs = ", ".join(_time(10**cost) for _, cost in points)
    chart.add_x_axis(ticks=sizes, tick_formatter=lambda value, *_: f"{10**value:,}", name=costs)
    chart.add_y_scale(bottom, top)
    chart.add_y_axis(ticks=range(bottom, top + 1), tick_formatter=lambda value, *_: _time(10**value))
    return chart


def _time(microseconds: float) -> str:
    for unit, of_unit in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= of_unit:
            return f"{microseconds / of_unit:.3g} {unit}"
    return f"{microseconds:.3g} us"


def _described(svg: str, points: Mapping[str, Sequence[Point]]) -> str:
    """The picture as it grows with a page, and what a screen reader says of it."""
    figures = [
        f"{name}: {', '.join(f'{_time(10**cost)} at {10**size:,.0f}' for size, cost in each)}"
        for name, each in points.items()
    ]
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="title description"'
    text = f'<title id="title">{TITLE}</title><desc id="description">{escape("; ".join(figures))}.</desc>'
    return re.sub(r"<svg([^>]*)>", rf"{head}\1>{text}", svg, count=1) + "\n"
