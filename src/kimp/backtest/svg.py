"""Plain pictures as SVG: lines with marks, and bars. Colours come from the page, so that it suits light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from kimp.domain.durations import DAY_MS

WIDTH, HEIGHT = 860, 240
LEFT, RIGHT, TOP, BOTTOM = 78, 14, 12, 30
GRID = 4
FEW = 4
"""Bars, or fewer, that are drawn no wider than a quarter of the picture."""


@dataclass(frozen=True, slots=True)
class Mark:
    x: float
    y: float
    kind: str
    """Its class in the page's style."""
    title: str


def lines(
    series: Sequence[Sequence[tuple[float, float]]], unit: str, marks: Sequence[Mark] = (), *, steps: bool = False
) -> str:
    """Over time, in epoch milliseconds; with zero in sight."""
    points = [point for one in series for point in one] + [(mark.x, mark.y) for mark in marks]
    if not points:
        return "<p>nothing to draw</p>"
    x = _Scale(min(p[0] for p in points), max(p[0] for p in points), LEFT, WIDTH - RIGHT)
    y = _Scale(min(0.0, *(p[1] for p in points)), max(0.0, *(p[1] for p in points)), HEIGHT - BOTTOM, TOP)
    parts = [_frame(x, y, unit)]
    for number, one in enumerate(series):
        path = " ".join(_path(one, x, y, steps=steps))
        parts.append(f'<path class="line s{number}" d="{path}"/>')
    for mark in marks:
        at = f'cx="{x(mark.x):.1f}" cy="{y(mark.y):.1f}"'
        parts.append(f'<circle class="{mark.kind}" {at} r="4"><title>{escape(mark.title)}</title></circle>')
    return _svg(parts)


def bars(groups: Sequence[tuple[str, Sequence[float]]], unit: str) -> str:
    """Named groups of values side by side."""
    if not groups:
        return "<p>nothing to draw</p>"
    values = [value for _, group in groups for value in group]
    y = _Scale(min(0.0, *values), max(0.0, *values), HEIGHT - BOTTOM, TOP)
    room = (WIDTH - LEFT - RIGHT) / max(len(groups), FEW)
    parts = [_levels(y, unit)]
    for place, (name, group) in enumerate(groups):
        start, each = LEFT + place * room + room * 0.1, room * 0.8 / len(group)
        for number, value in enumerate(group):
            top, bottom = sorted((y(value), y(0)))
            box = f'x="{start + number * each:.1f}" y="{top:.1f}" width="{each * 0.94:.1f}"'
            title = f"<title>{escape(name)}: {value:,.4g} {unit}</title>"
            parts.append(f'<rect class="bar s{number}" {box} height="{max(bottom - top, 0.5):.1f}">{title}</rect>')
        middle = start + room * 0.4
        parts.append(f'<text x="{middle:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(name)}</text>')
    return _svg(parts)


class _Scale:
    def __init__(self, low: float, high: float, first: float, last: float) -> None:
        self.low, self.high = low, high if high > low else low + 1
        self._first, self._last = first, last

    def __call__(self, value: float) -> float:
        return self._first + (value - self.low) / (self.high - self.low) * (self._last - self._first)

    def ticks(self) -> list[float]:
        return [self.low + (self.high - self.low) * part / GRID for part in range(GRID + 1)]


def _path(points: Sequence[tuple[float, float]], x: _Scale, y: _Scale, *, steps: bool) -> list[str]:
    """`steps`: a value holds until the next one. Otherwise a long hole in the data is left open."""
    drawn: list[str] = []
    hole = (x.high - x.low) / 20
    for place, (at, value) in enumerate(points):
        last = points[place - 1][0] if place else at
        if steps and place:
            drawn.append(f"H{x(at):.1f}V{y(value):.1f}")
        else:
            drawn.append(f"{'M' if not place or at - last > hole else 'L'}{x(at):.1f},{y(value):.1f}")
    return drawn


def _levels(y: _Scale, unit: str) -> str:
    parts = []
    for value in y.ticks():
        at = y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{_number(value)}{unit}</text>')
    parts.append(f'<line class="zero" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>')
    return "".join(parts)


def _frame(x: _Scale, y: _Scale, unit: str) -> str:
    parts = [_levels(y, unit)]
    form = "%m-%d" if x.high - x.low > 3 * DAY_MS else "%m-%d %H:%M"
    for number, value in enumerate(x.ticks()):
        text = f"{datetime.fromtimestamp(value / 1000, UTC):{form}}"
        anchor = "start" if number == 0 else "end" if number == GRID else "middle"
        parts.append(f'<text x="{x(value):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{text}</text>')
    return "".join(parts)


def _number(value: float) -> str:
    if abs(value) >= 1e6:  # noqa: PLR2004 - a million is written as one
        return f"{value / 1e6:,.1f}M"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"  # noqa: PLR2004 - no hundredths of hundreds


def _svg(parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(parts)}</svg>'
