"""The charts below a moving picture, and the clock that all of it moves by.

    clock = Clock.of(footage)
    clock.animated("translate", t_s, values)      # an element's motion through key values, in real time
    markup, height = charts(footage, clock, y, width)

A round of the clock is the trial in real time and a while to look at its end; then all begins again, all at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import escape

from jangin.report.charts import thin, ticks
from jangin.report.footage import Footage
from jangin.report.wording import Shown, exact, shown
from jangin.task import Array, Channel

__all__ = ["Clock", "charts", "num", "readout", "rule", "text"]

HOLD_S = 2.0  # the end is shown for so long before it begins again
LEFT, RIGHT = 176.0, 14.0  # beside a chart, for its name and its value now
TALL, GAP = 58.0, 16.0  # of a chart, and between two
CHARACTER = 6.5  # mean width of one at the film's 12 px [px]
READOUTS = 200  # numbers shown one after the other, at the most


def num(value: float, decimals: int = 1) -> str:
    """A number as short as it can be said to so many decimals."""
    said = f"{float(value):.{decimals}f}"
    said = said.rstrip("0").rstrip(".") if "." in said else said
    return "0" if said == "-0" else said


def text(x: float, y: float, said: str, anchor: str = "start", tone: str = "", most: float = math.inf) -> str:
    """A text, escaped; squeezed into `most` [px] where it would be longer."""
    kind = f' class="{tone}"' if tone else ""
    if CHARACTER * len(said) > most:
        kind += f' textLength="{num(most)}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{num(x)}" y="{num(y)}" text-anchor="{anchor}"{kind}>{escape(said)}</text>'


def rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line."""
    return f'<line x1="{num(x1)}" y1="{num(y1)}" x2="{num(x2)}" y2="{num(y2)}" class="{kind}"/>'


# ── the clock ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Clock:
    """From `begin_s` to `end_s` of the trial [s], and then a while."""

    begin_s: float
    end_s: float

    @classmethod
    def of(cls, footage: Footage) -> Clock:
        """From its first frame to its last."""
        return cls(footage.all_frames[0].t_s, footage.end_s)

    @property
    def round_s(self) -> float:
        """Until all begins again [s]."""
        return self.end_s - self.begin_s + HOLD_S

    def share(self, t: float) -> str:
        """A moment as a share of the round, in [0, 1]."""
        return num(min(max((t - self.begin_s) / self.round_s, 0.0), 1.0), 5)

    def _tag(self, name: str, times: Sequence[str], values: Sequence[str], more: str) -> str:
        return (
            f'<{name} dur="{num(self.round_s, 3)}s" repeatCount="indefinite" keyTimes="{";".join(times)}" '
            f'values="{";".join(values)}"{more}/>'
        )

    def animated(self, kind: str, t: Array, values: Sequence[str], *, more: str = "") -> str:
        """A transform through `values` at times t (n,) [s], straight from one to the next, still before and after.

        Values that lie between two equal ones say nothing new and are left out.
        """
        keep = [k for k in range(len(values)) if k in (0, len(values) - 1) or len({*values[k - 1 : k + 2]}) > 1]
        times, said = [self.share(float(t[k])) for k in keep], [values[k] for k in keep]
        if len(set(said)) == 1:
            times, said = ["0", "1"], [said[0], said[0]]
        if times[0] != "0":
            times, said = ["0", *times], [said[0], *said]
        if times[-1] != "1":
            times, said = [*times, "1"], [*said, said[-1]]
        return self._tag("animateTransform", times, said, f' attributeName="transform" type="{kind}"{more}')

    def stepped(self, kind: str, t: Sequence[float], values: Sequence[str]) -> str:
        """A transform that jumps to values[k] at t[k] [s]; t[0] is the beginning."""
        times = ["0", *(self.share(v) for v in t[1:])]
        return self._tag(
            "animateTransform", times, values, f' attributeName="transform" type="{kind}" calcMode="discrete"'
        )

    def shown_in(self, spans: Sequence[tuple[float, float]]) -> str:
        """Visible in each span (from, to) [s], which follow each other; the element itself is hidden."""
        times, values = ["0"], ["hidden"]
        for start, end in spans:
            for t, value in ((start, "visible"), (end, "hidden")):
                if t >= self.end_s and value == "hidden":
                    continue  # until the round ends
                share = self.share(t)
                if share == times[-1]:
                    values[-1] = value
                else:
                    times.append(share)
                    values.append(value)
        return self._tag("animate", times, values, ' attributeName="visibility" calcMode="discrete"')

    def shown_during(self, start: float, end: float) -> str:
        """Visible from `start` to `end` [s], infinite for as long as the round is; nothing if that is always."""
        if start == -math.inf and end == math.inf:
            return ""
        return self.shown_in([(max(start, self.begin_s), min(end, self.end_s + HOLD_S))])


def readout(clock: Clock, t: Array, values: Sequence[str], x: float, y: float, width: float, anchor: str) -> str:
    """A number that changes with time, in a slot at x, y [px]: all of them below each other, moved past the slot."""
    every = max(1, math.ceil(len(values) / READOUTS))
    picked = sorted({*range(0, len(values), every), len(values) - 1})
    changes = [k for n, k in enumerate(picked) if n == 0 or values[k] != values[picked[n - 1]]]
    step, at = 22, 0 if anchor == "start" else num(width)
    lines = "".join(f'<tspan x="{at}" y="{16 + step * n}">{escape(values[k])}</tspan>' for n, k in enumerate(changes))
    moves = clock.stepped("translate", [float(t[k]) for k in changes], [f"0 {-step * n}" for n in range(len(changes))])
    inner = f'<g>{moves}<text class="now" text-anchor="{anchor}">{lines}</text></g>'
    return f'<svg x="{num(x)}" y="{num(y)}" width="{num(width)}" height="{step}">{inner}</svg>'


# ── charts ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Chart:
    """One value over time: where it is drawn and how it is said."""

    value: Channel
    show: Shown
    t: Array
    v: Array
    low: float
    high: float
    top: float
    bottom: float
    clock: Clock
    right: float

    def x(self, t: Array | float) -> Array:
        """Times to pixels."""
        span = max(self.clock.end_s - self.clock.begin_s, 1e-9)
        return LEFT + (np.asarray(t, float) - self.clock.begin_s) / span * (self.right - LEFT)

    def y(self, v: Array | float) -> Array:
        """Values to pixels; beyond the axis along its edge."""
        share = (np.clip(np.asarray(v, float), self.low, self.high) - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)

    def said(self) -> list[str]:
        """The values as a person reads them."""
        unit = "" if self.value.unit == "1" else f" {self.show.unit}"
        if self.value.unit == "1" and (self.low, self.high) == (0.0, 1.0):
            return [f"{100 * v:.0f} %" if math.isfinite(v) else "–" for v in self.v]
        decimals = 1 if (self.high - self.low) * self.show.factor > 5 else 2
        said = [f"{v * self.show.factor:.{decimals}f}{unit}" if math.isfinite(v) else "–" for v in self.v]
        return [one.replace("-", "−") for one in said]


def charts(
    footage: Footage, clock: Clock | None, y: float, width: float, *, stops: Sequence[float] = ()
) -> tuple[str, float]:
    """All values over time below each other from height `y` [px] on, and where they end.

    Without a clock nothing moves, and there are marks at the times `stops` [s] in place of a cursor.
    """
    values = footage.charted()
    if not values:
        return "", y
    right, parts, top = width - RIGHT, [], y
    for value in values:
        chart = _chart(footage, value, y + 4, right)
        parts.append(_drawn(chart, footage.limit_of(value), moving=clock is not None))
        y += TALL + GAP
    bottom = y - GAP + 4
    parts.append(rule(LEFT, bottom, right, bottom, "axis"))
    for tick in ticks(chart.clock.begin_s, chart.clock.end_s, 10):
        at = float(chart.x(tick))
        parts += [rule(at, bottom, at, bottom + 4, "axis"), text(at, bottom + 17, exact(tick), "middle")]
    parts.append(text(LEFT - 8, bottom + 17, "time [s]", "end"))
    parts += [rule(x, top, x, bottom, "mark event") for x in chart.x(np.array(stops)).tolist()]
    if clock is not None:
        whole = np.array([clock.begin_s, clock.end_s])
        move = clock.animated("translate", whole, [f"{num(x)} 0" for x in (LEFT, right)])
        parts.append(f'<g transform="translate({num(LEFT)} 0)">{move}{rule(0, top, 0, bottom, "cursor")}</g>')
    return "".join(parts), bottom + 26


def _chart(footage: Footage, value: Channel, top: float, right: float) -> _Chart:
    t, v = footage.series(value.name)
    finite = v[np.isfinite(v)]
    low = value.low if math.isfinite(value.low) else float(finite.min(initial=0.0))
    high = value.high if math.isfinite(value.high) else float(finite.max(initial=low))
    high = high if high > low else low + 1.0
    show = shown(value.name, value.unit, np.array([low, high]))
    return _Chart(value, show, t, v, low, high, top, top + TALL, Clock.of(footage), right)


def _drawn(chart: _Chart, limit: float | None, *, moving: bool) -> str:
    unit = "" if chart.value.unit == "1" else f" [{chart.show.unit}]"
    parts = [text(0, chart.top + 14, f"{chart.show.label}{unit}", tone="row", most=LEFT - 44)]
    for tick in ticks(chart.low * chart.show.factor, chart.high * chart.show.factor, 2):
        y = float(chart.y(tick / chart.show.factor))
        parts += [rule(LEFT, y, chart.right, y, "rule"), text(LEFT - 8, y + 4, exact(tick), "end")]
    stepwise = chart.value.name == "shield"
    parts.append(_steps(chart) if stepwise else f'<path d="{_path(chart)}" class="line policy"/>')
    if limit is not None and chart.low <= limit <= chart.high:
        y = float(chart.y(limit))
        said = f"limit {chart.show.typed(limit)}{unit.replace('[', '').replace(']', '')}"
        parts += [rule(LEFT, y, chart.right, y, "mark limit"), text(chart.right - 4, y - 4, said, "end", "on limit")]
    if moving and len(chart.t) > 1:
        values = chart.said()
        numbers = values[1:] + values[-1:] if stepwise else values  # a period's share is said during that period
        parts.append(readout(chart.clock, chart.t, numbers, 0, chart.top + 22, LEFT - 40, "start"))
        if not stepwise:
            parts.append(_dot(chart))
    return "".join(parts)


def _path(chart: _Chart) -> str:
    pieces, down = [], False
    t, values = thin(chart.t, chart.v)
    for x, y, v in zip(chart.x(t), chart.y(values), values, strict=True):
        if math.isfinite(v):
            pieces.append(f"{'L' if down else 'M'}{num(x)} {num(y)}")
        down = math.isfinite(v)
    return "".join(pieces)


def _steps(chart: _Chart) -> str:
    """What holds for the whole period that ends at each time, as areas."""
    ends = [k for k in range(1, len(chart.v)) if k + 1 == len(chart.v) or chart.v[k + 1] != chart.v[k]]
    pieces = []
    for start, end in pairwise([0, *ends]):
        if chart.v[end] > 0:
            a, b = chart.x(chart.t[[start, end]])
            y = num(float(chart.y(chart.v[end])))
            pieces.append(f"M{num(a)} {num(chart.bottom)}V{y}H{num(b)}V{num(chart.bottom)}Z")
    return f'<path d="{"".join(pieces)}" class="bar second"/>'


def _dot(chart: _Chart) -> str:
    """A point that runs along the line, where there is one."""
    known = np.isfinite(chart.v)
    if not known.any():
        return ""
    t, values = thin(chart.t[known], chart.v[known])
    at = [f"{num(x)} {num(y)}" for x, y in zip(chart.x(t), chart.y(values), strict=True)]
    move = chart.clock.animated("translate", t, at)
    spans, start = [], None
    for k, now in enumerate([*known, False]):
        if now and start is None:
            start = k
        elif not now and start is not None:
            spans.append((float(chart.t[start]), float(chart.t[k - 1])))
            start = None
    return f'<g visibility="hidden">{move}{chart.clock.shown_in(spans)}<circle r="3.4" class="dot policy"/></g>'
