"""The page's charts of numbers: intervals and differences as rows, replications as dots.

rows([Row("weld: cycle time 10 % shorter", 2.1, 1.8, 2.4)], "good parts per hour", zero=True)
dots(runs.per_hour, 58.2, (57.8, 58.6), "mean and its interval")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from jangin.line.page.svg import SIZE, fitted, n, rect, rule, svg, text
from jangin.report.charts import Axis, Line, line_chart, ticks
from jangin.report.wording import exact
from jangin.stats.output import mean_interval

__all__ = ["Row", "dots", "rows", "running_mean"]

Array = np.ndarray

_DOT = 3.0  # radius [px]


@dataclass(frozen=True)
class Row:
    """A value with its interval, and the words to the right of it."""

    name: str
    value: float
    low: float
    high: float
    words: str
    tone: str = "policy"


def rows(title: str, items: Sequence[Row], label: str, *, zero: bool, width: float = 860) -> Markup:
    """Bars from zero (or, without `zero`, from low to high) with whiskers and numbers, over one axis."""
    left = 14.0 + min(340.0, SIZE * max((len(r.name) for r in items), default=0))
    right = width - 16 - SIZE * max((len(r.words) for r in items), default=0)
    ends = [v for r in items for v in (r.low, r.high, r.value)] + ([0.0] if zero else [])
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    space = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
    low, high = (low - space if low < 0 or not zero else low), (high + space if high > 0 or not zero else high)

    def at(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    bottom, parts = 6.0 + 22 * len(items), []
    for v in ticks(low, high, 6):
        parts += [rule(at(v), 4, at(v), bottom, "rule"), text(at(v), bottom + 15, exact(v).replace("-", "−"), "middle")]
    for i, r in enumerate(items):
        y = 6.0 + 22 * i
        a, b = sorted((at(0.0), at(r.value))) if zero else (at(r.low), at(r.high))
        parts.append(rect(a, y + 3, max(b - a, 0.8), 13, f"bar {r.tone}"))
        parts.append(rule(at(r.low), y + 9.5, at(r.high), y + 9.5, "span"))
        parts += [rule(at(v), y + 6, at(v), y + 13, "span") for v in (r.low, r.high)]
        parts.append(text(left - 8, y + 13, fitted(r.name, left - 10), "end", "row"))
        parts.append(text(width - 2, y + 13, r.words, "end", "row"))
    if zero:
        parts.append(rule(at(0.0), 2, at(0.0), bottom, "span"))
    parts.append(text((left + right) / 2, bottom + 31, label, "middle"))
    return svg(width, bottom + 36, title, f"{len(items)} rows; the numbers stand beside the bars.", parts)


def dots(values: Array, mean: float, band: tuple[float, float], label: str, *, width: float = 500) -> Markup:
    """A dot per replication, piled up where they are close; a dot stands for several where the pile would be too high.

    The band is an interval of the mean, `label` says which.
    """
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    lowest, highest = min(known.min(), band[0]), max(known.max(), band[1])
    space = 0.06 * (highest - lowest) or 0.02 * abs(highest) or 1.0
    low, high, left, right = lowest - space, highest + space, 12.0, width - 12.0
    scale = (right - left) / (high - low)
    column = np.floor((known - low) * scale / (2 * _DOT + 0.6)).astype(np.int64)
    counts = np.bincount(column)
    each = max(1, int(np.ceil(counts.max() / 24)))
    tall = int(np.ceil(counts.max() / each)) * (2 * _DOT + 0.6)
    bottom = 26.0 + max(tall, 60.0)
    ends = left + (band[0] - low) * scale, left + (band[1] - low) * scale
    parts = [rect(ends[0], 18, max(ends[1] - ends[0], 1.2), bottom - 18, "band")]
    middle = left + (mean - low) * scale
    parts += [rule(middle, 18, middle, bottom, "span")]
    parts.append(text(middle, 12, label, "middle"))
    for v in ticks(low, high, 5):
        x = left + (v - low) * scale
        parts += [rule(x, bottom, x, bottom + 4, "axis"), text(x, bottom + 16, exact(v), "middle")]
    parts.append(rule(left, bottom, right, bottom, "axis"))
    for c in np.flatnonzero(counts):
        for k in range(int(np.ceil(counts[c] / each))):
            x, y = left + (c + 0.5) * (2 * _DOT + 0.6), bottom - 4 - k * (2 * _DOT + 0.6)
            parts.append(f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(_DOT)}" class="dot policy"/>')
    stands = "" if each == 1 else f" (a dot is up to {each} replications)"
    parts.append(text((left + right) / 2, bottom + 32, f"good parts per hour of each replication{stands}", "middle"))
    words = f"{len(known)} replications from {exact(float(known.min()))} to {exact(float(known.max()))} parts per hour."
    return svg(width, bottom + 38, "Replications", words, parts)


def running_mean(values: Array, confidence: float, unit: str) -> Markup:
    """The mean of the first n values and its interval, over n."""
    known = np.asarray(values, float)
    count = np.unique(np.linspace(2, len(known), min(120, len(known) - 1)).astype(np.int64))
    found = [mean_interval(known[:k], confidence) for k in count.tolist()]
    mean = np.array([i.mean for i in found])
    half = np.array([i.half_width for i in found])
    later = half[min(len(half) - 1, max(2, len(half) // 12)) :]  # the first intervals are far wider than the chart
    reach = 1.5 * float(later.max()) or 0.02 * abs(float(mean[-1])) or 1.0
    low, high = float(mean[-1]) - reach, float(mean[-1]) + reach
    gap = np.array([np.nan])  # both ends of the interval are one line, broken between them
    both = np.concatenate([count, gap, count]), np.concatenate([mean - half, gap, mean + half])
    lines = [Line("mean", count, mean, "policy"), Line(f"{confidence:.4g} interval", *both, "third")]
    return line_chart(
        "Running mean",
        f"The mean settles at {exact(float(f'{mean[-1]:.6g}'))}.",
        lines,
        x=Axis(unit),
        y=Axis("good parts/h", low=low, high=high),
        width=500,
        height=190,
    )
