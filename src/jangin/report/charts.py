"""Small charts as inline SVG: lines, histograms of several samples, dots, bars of shares, a heat strip and a heat map.

    svg = line_chart("Evidence", "log10 e-value over trials", [Line("for", n, e, "policy")], x=Axis("trials"),
                     y=Axis("log10 e"), marks=[Mark(1.3, "1/α = 20")])

A chart is a string of markup for an HTML page: it has a title and a description for those who do not see it, takes its
colours from the page's style sheet by class (so it follows light, dark and print), and carries no script and no link.
Every text that comes in is escaped here. Non-finite values are left out of the drawing; say their number in the text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from jangin.report.wording import exact, percent
from jangin.task import Array

__all__ = [
    "Axis",
    "Dots",
    "Effect",
    "Line",
    "Mark",
    "Outline",
    "Sample",
    "dot_plot",
    "effect_bars",
    "heat_map",
    "heat_strip",
    "histogram",
    "line_chart",
    "thin",
    "ticks",
]

_CHAR = 5.9  # mean width of a character at the charts' 11 px [px]


@dataclass(frozen=True)
class Axis:
    """What an axis shows: its label with unit, its ends (None: from the data), and whether it is logarithmic."""

    label: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    percent: bool = False
    ticks: int = 5


@dataclass(frozen=True)
class Line:
    """A named line: x and y are (n,), `tone` is a colour class of the style sheet; a NaN in y breaks the line."""

    name: str
    x: Array
    y: Array
    tone: str


@dataclass(frozen=True)
class Mark:
    """A labelled straight line across a chart at `value`; its label stands left and above unless told otherwise."""

    value: float
    label: str
    tone: str = "limit"
    right: bool = False
    below: bool = False


@dataclass(frozen=True)
class Sample:
    """One row of a histogram: values (n,), of which the finite ones are drawn, and a note beside the name."""

    name: str
    values: Array
    tone: str
    note: str = ""


@dataclass(frozen=True)
class Dots:
    """Points with intervals: all arrays (n,)."""

    x: Array
    y: Array
    low: Array
    high: Array
    tone: str


# ── scales ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Scale:
    """Data low .. high to pixels start .. end."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: Array | float) -> Array:
        v, low, high = np.asarray(value, float), self.low, self.high
        if self.log:
            v, low, high = np.log(v), math.log(low), math.log(high)
        return self.start + (v - low) / (high - low) * (self.end - self.start)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers from `low` to `high`: about `wanted` of them, 1, 2 or 5 times a power of ten apart."""
    if not high > low:
        return [low]
    raw = (high - low) / max(wanted, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = min((m * power for m in (1.0, 2.0, 5.0, 10.0)), key=lambda s: abs(math.log(s / raw)))
    first = math.ceil(low / step - 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float, wanted: int) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        found = [m * 10.0**d for d in decades for m in steps if low * (1 - 1e-9) <= m * 10.0**d <= high * (1 + 1e-9)]
        if 2 <= len(found) <= wanted + 1:
            return found
    return found if 1 < len(found) <= wanted + 1 else ticks(low, high, wanted)


def _scale(axis: Axis, parts: Sequence[Array | float], start: float, end: float, *, round_up: bool = False) -> _Scale:
    """The axis between its ends, as asked or from the finite data and never empty; `round_up`: to the next tick."""
    values = np.concatenate([np.zeros(0), *(np.atleast_1d(np.asarray(p, float)) for p in parts)])
    values = values[np.isfinite(values)]
    low = axis.low if axis.low is not None else float(values.min()) if values.size else 0.0
    high = axis.high if axis.high is not None else float(values.max()) if values.size else 1.0
    if not high > low:
        space = 0.5 * abs(low) or 1.0
        low, high = (low if axis.low is not None else low - space), low + space
    log = axis.log and low > 0
    found = ticks(low, high, axis.ticks)
    if round_up and axis.high is None and not log and len(found) > 1 and found[-1] < high:
        high = found[-1] + found[1] - found[0]
    return _Scale(low, high, start, end, log)


# ── the parts of a drawing ───────────────────────────────────────────────────────────────────────────────────────


def _n(value: float) -> str:
    return f"{float(value):.1f}".removesuffix(".0")


def _text(x: float, y: float, text: str, anchor: str = "start", tone: str = "") -> str:
    kind = f' class="{escape(tone)}"' if tone else ""
    return f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"{kind}>{escape(text)}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" class="{escape(kind)}"/>'


def _svg(
    width: float, height: float, title: str, description: str, parts: Sequence[str], kind: str = "chart"
) -> Markup:
    head = f'<svg class="{kind}" viewBox="0 0 {_n(width)} {_n(height)}" role="img" aria-label="{escape(title)}">'
    return Markup(f"{head}<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(parts)}</svg>")


@dataclass(frozen=True)
class _Plot:
    """The rectangle that data is drawn in: two scales and what their axes say."""

    x: _Scale
    y: _Scale
    x_axis: Axis
    y_axis: Axis

    def frame(self) -> list[str]:
        """Horizontal rules with numbers, the x axis with ticks and its label."""
        left, right, bottom = self.x.start, self.x.end, self.y.start
        parts = []
        for v in _tick_values(self.y, self.y_axis):
            y = float(self.y(v))
            parts += [_rule(left, y, right, y, "rule"), _text(left - 6, y + 4, _tick_text(v, self.y_axis), "end")]
        parts.append(_rule(left, bottom, right, bottom, "axis"))
        for v in _tick_values(self.x, self.x_axis):
            x = float(self.x(v))
            parts += [
                _rule(x, bottom, x, bottom + 4, "axis"),
                _text(x, bottom + 16, _tick_text(v, self.x_axis), "middle"),
            ]
        if self.x_axis.label:
            parts.append(_text((left + right) / 2, bottom + 32, self.x_axis.label, "middle"))
        return parts

    def across(self, mark: Mark) -> str:
        """A horizontal mark."""
        y = float(self.y(mark.value))
        return _rule(self.x.start, y, self.x.end, y, f"mark {mark.tone}")

    def name_of(self, mark: Mark) -> str:
        """The label of a horizontal mark, on its side of it."""
        x, anchor = (self.x.end - 2, "end") if mark.right else (self.x.start + 4, "start")
        return _text(x, float(self.y(mark.value)) + (13 if mark.below else -4), mark.label, anchor, f"on {mark.tone}")

    def path(self, x: Array, y: Array) -> str:
        """An SVG path through the finite points, broken at the others."""
        px, py = self.x(np.asarray(x, float)), self.y(np.asarray(y, float))
        good = np.isfinite(px) & np.isfinite(py)
        pieces, pen_down = [], False
        for ok, u, v in zip(good, px, py, strict=True):
            if ok:
                pieces.append(f"{'L' if pen_down else 'M'}{_n(u)} {_n(v)}")
            pen_down = bool(ok)
        return "".join(pieces)

    def line(self, x: Array, y: Array, tone: str) -> str:
        """A line, or a dot where only one point is known."""
        known = np.flatnonzero(np.isfinite(y))
        if len(known) == 1:
            return self.dot(x[known[0]], y[known[0]], tone)
        return f'<path d="{self.path(x, y)}" class="line {escape(tone)}"/>'

    def dot(self, x: float, y: float, tone: str) -> str:
        """One point."""
        return f'<circle cx="{_n(float(self.x(x)))}" cy="{_n(float(self.y(y)))}" r="3.2" class="dot {escape(tone)}"/>'


def _tick_values(scale: _Scale, axis: Axis) -> list[float]:
    if axis.ticks == 0:
        return []
    return _log_ticks(scale.low, scale.high, axis.ticks) if scale.log else ticks(scale.low, scale.high, axis.ticks)


def _tick_text(value: float, axis: Axis) -> str:
    return percent(value) if axis.percent else exact(float(f"{value:.3g}"))


def _legend(lines: Sequence[tuple[str, str]], x: float, y: float) -> list[str]:
    """Line samples with their names, from left to right."""
    parts = []
    for name, tone in lines:
        parts += [_rule(x, y - 4, x + 20, y - 4, f"line {tone}"), _text(x + 25, y, name)]
        x += 25 + _CHAR * len(name) + 16
    return parts


# ── charts ───────────────────────────────────────────────────────────────────────────────────────────────────────


def line_chart(
    title: str,
    description: str,
    lines: Sequence[Line],
    *,
    x: Axis,
    y: Axis,
    marks: Sequence[Mark] = (),
    at: Sequence[Mark] = (),
    width: float = 340,
    height: float = 220,
) -> Markup:
    """Lines over a common x, with horizontal `marks` and vertical ones `at`.

    Values beyond the y axis run along its edge; lines are drawn over labels, never the other way round.
    """
    top, bottom = 30.0, height - 38.0
    xs = _scale(x, [line.x for line in lines], 46, width - 12)
    values: list[Array | float] = [*(line.y for line in lines), *(m.value for m in marks)]
    plot = _Plot(xs, _scale(y, values, bottom, top, round_up=True), x, y)
    parts = [*plot.frame(), _text(4, 12, y.label)]
    if len(lines) > 1:
        parts += _legend([(line.name, line.tone) for line in lines], 4 + _CHAR * len(y.label) + 18, 12)
    for m in marks:
        parts += [plot.across(m), plot.name_of(m)]
    for m in at:
        where, anchor = float(plot.x(m.value)), "start" if m.value < 0.5 * (xs.low + xs.high) else "end"
        parts.append(_rule(where, top - 2, where, bottom, f"mark {m.tone}"))
        parts.append(_text(where, top - 5, m.label, anchor, f"on {m.tone}"))
    for line in lines:
        inside = np.clip(np.asarray(line.y, float), plot.y.low, plot.y.high)
        parts.append(plot.line(*thin(np.asarray(line.x, float), inside), line.tone))
    return _svg(width, height, title, description, parts)


def thin(x: Array, y: Array, most: int = 300) -> tuple[Array, Array]:
    """At most about 2 * most points of a long line: each stretch keeps its lowest and its highest point."""
    if len(x) <= 2 * most:
        return x, y
    keep = {0, len(x) - 1}
    for part in np.array_split(np.arange(len(x)), most):
        values = y[part]
        keep.update((int(part[np.argmin(values)]), int(part[np.argmax(values)])))
    index = np.array(sorted(keep))
    return x[index], y[index]


def histogram(
    title: str,
    description: str,
    samples: Sequence[Sample],
    *,
    x: Axis,
    marks: Sequence[Mark] = (),
    nbins: int = 40,
    width: float = 440,
) -> Markup:
    """One row of bars per sample over a common x axis; a bar's height is the share of the row's largest bar.

    Bars stand for shares of all values of a row, so rows of different length compare; values beyond the axis's ends
    are counted in its first and last bin.
    """
    scale = _scale(x, [*(s.values for s in samples), *(m.value for m in marks)], 12, width - 12)
    heights = [64 if k == 0 else 34 for k in range(len(samples))]
    levels = _levels([float(scale(m.value)) for m in marks], [m.label for m in marks])
    top = 8 + 13 * (max(levels, default=-1) + 1)
    bottom = top + sum(heights) + 16 * len(samples)
    plot = _Plot(scale, _Scale(0, 1, bottom, top), x, Axis("", ticks=0))
    edges, parts, base = np.linspace(scale.low, scale.high, nbins + 1), plot.frame(), float(top)
    for sample, tall in zip(samples, heights, strict=True):
        base += 16 + tall
        parts.append(
            _text(14, base - tall - 4, f"{sample.name}{' · ' + sample.note if sample.note else ''}", tone="row")
        )
        parts += [_rule(12, base, width - 12, base, "rule"), _bars(sample, edges, scale, base, tall - 4)]
    for m, level in zip(marks, levels, strict=True):
        at, line = float(scale(m.value)), top - 5 - 13 * level
        right = at + 4 + _CHAR * len(m.label) > width
        parts.append(_rule(at, line + 2, at, bottom, f"mark {m.tone}"))
        parts.append(_text(at - 3 if right else at + 3, line, m.label, "end" if right else "start", f"on {m.tone}"))
    return _svg(width, bottom + 40, title, description, parts)


def _bars(sample: Sample, edges: Array, scale: _Scale, base: float, tall: float) -> str:
    values = np.asarray(sample.values, float)
    values = np.clip(values[np.isfinite(values)], edges[0], edges[-1])
    counts, _ = np.histogram(values, edges)
    if counts.max(initial=0) == 0:
        return ""
    pieces = []
    for k in np.flatnonzero(counts):
        left, right = float(scale(edges[k])), float(scale(edges[k + 1]))
        rise = max(tall * counts[k] / counts.max(), 1.0)  # one trial must still be seen
        pieces.append(f"M{_n(left + 0.5)} {_n(base)}V{_n(base - rise)}H{_n(right - 0.5)}V{_n(base)}Z")
    return f'<path d="{"".join(pieces)}" class="bar {escape(sample.tone)}"/>'


def _levels(positions: Sequence[float], labels: Sequence[str]) -> list[int]:
    """A row for each label above a chart so that none runs into another; 0 is the lowest row."""
    taken: list[list[tuple[float, float]]] = []
    levels = []
    for at, text in zip(positions, labels, strict=True):
        span = (at - _CHAR * len(text) - 8, at + _CHAR * len(text) + 8)
        free = (k for k, row in enumerate(taken) if all(span[1] < a or span[0] > b for a, b in row))
        level = next(free, len(taken))
        if level == len(taken):
            taken.append([])
        taken[level].append(span)
        levels.append(level)
    return levels


def dot_plot(
    title: str,
    description: str,
    dots: Dots,
    *,
    x: Axis,
    y: Axis,
    marks: Sequence[Mark] = (),
    width: float = 320,
    height: float = 150,
) -> Markup:
    """Points with vertical intervals, joined by a thin line; `marks` go unlabelled, for a label would hide points."""
    xs = _scale(x, [dots.x], 52, width - 14)
    values: list[Array | float] = [dots.y, dots.low, dots.high, *(m.value for m in marks)]
    plot = _Plot(xs, _scale(y, values, height - (38 if x.label else 22), 24), x, y)
    parts = [*plot.frame(), _text(4, 12, y.label), *(plot.across(m) for m in marks)]
    parts.append(f'<path d="{plot.path(dots.x, dots.y)}" class="join {escape(dots.tone)}"/>')
    for at, value, low, high in zip(dots.x, dots.y, dots.low, dots.high, strict=True):
        if not np.isfinite(value):
            continue
        ends = plot.y(np.clip([low, high], plot.y.low, plot.y.high))
        if np.isfinite(ends).all():
            where = float(plot.x(at))
            parts.append(_rule(where, ends[0], where, ends[1], f"whisker {dots.tone}"))
        parts.append(plot.dot(at, float(np.clip(value, plot.y.low, plot.y.high)), dots.tone))
    return _svg(width, height, title, description, parts)


@dataclass(frozen=True)
class Effect:
    """One row of `effect_bars`: a share in [0, 1], the part of it inside, each with its interval."""

    name: str
    whole: tuple[float, float, float]  # value, low, high
    part: tuple[float, float, float]


def effect_bars(title: str, description: str, effects: Sequence[Effect], *, label: str, width: float = 460) -> Markup:
    """A bar for each share, a thin solid one for its part, whiskers and numbers; what is beyond [0, 1] is cut off."""
    left, right, row = 8.0 + _CHAR * max((len(e.name) for e in effects), default=0), width - 56, 30.0
    bottom = 8 + row * len(effects)
    plot = _Plot(_Scale(0, 1, left, right), _Scale(0, 1, bottom, 0), Axis(label, percent=True), Axis("", ticks=0))
    parts = plot.frame()
    for k, e in enumerate(effects):
        y = 8 + row * k
        for (value, low, high), top, tall, tone in ((e.whole, 2.0, 12.0, "wide"), (e.part, 16.0, 6.0, "policy")):
            end, a, b = (float(plot.x(np.clip(v, 0, 1))) for v in (value, low, high))
            middle = y + top + tall / 2
            parts.append(
                f'<rect x="{_n(left)}" y="{_n(y + top)}" width="{_n(max(end - left, 0.5))}" height="{_n(tall)}" '
                f'class="bar {tone}"/>'
            )
            parts.append(_rule(a, middle, b, middle, "span"))
            parts += [_rule(v, middle - 3, v, middle + 3, "span") for v in (a, b)]
        parts.append(_text(left - 6, y + 13, e.name, "end", "row"))
        parts.append(_text(width - 2, y + 12, f"{e.whole[0]:.2f}", "end", "row"))
        parts.append(_text(width - 2, y + 23, f"{e.part[0]:.2f}".replace("-0.00", "0.00").replace("-", "−"), "end"))
    return _svg(width, bottom + 38, title, description, parts)


@dataclass(frozen=True)
class Outline:
    """A rectangle over a `heat_map`, its sides as shares of the map's; dashed for the shadow of a smaller region."""

    x: tuple[float, float]
    y: tuple[float, float]
    dashed: bool = False


def heat_map(
    title: str,
    description: str,
    hits: Array,
    of: Array,
    *,
    x: tuple[str, Sequence[tuple[float, str]]],
    y: tuple[str, Sequence[tuple[float, str]]],
    outlines: Sequence[Outline] = (),
    width: float = 340,
) -> Markup:
    """Cells (nrows, ncolumns), the darker the larger hits / of, each with its number of hits; the lowest row is row 0.

    `x` and `y` are an axis's label and its ticks, as shares of its length with their texts.
    """
    hits, of = np.asarray(hits, int), np.asarray(of, int)
    left, top, side = 52.0, 20.0, width - 52 - 12
    shares = hits / np.maximum(of, 1)
    most = max(float(shares.max()), 1e-12)
    cell_x, cell_y = side / hits.shape[1], 0.75 * side / hits.shape[0]
    bottom = top + 0.75 * side
    parts = []
    for (r, c), k in np.ndenumerate(hits):
        px, py = left + c * cell_x, bottom - (r + 1) * cell_y
        kind, strength = ("cell bad", f"{0.85 * shares[r, c] / most:.3f}") if of[r, c] else ("cell empty", "1")
        parts.append(
            f'<rect x="{_n(px)}" y="{_n(py)}" width="{_n(cell_x - 1)}" height="{_n(cell_y - 1)}" class="{kind}" '
            f'fill-opacity="{strength}"><title>{k} of {of[r, c]}</title></rect>'
        )
        if k:
            parts.append(_text(px + cell_x / 2, py + cell_y / 2 + 4, str(k), "middle", "on"))
    for o in outlines:
        (x0, x1), (y0, y1) = o.x, o.y
        kind = "outline dashed" if o.dashed else "outline"
        parts.append(
            f'<rect x="{_n(left + x0 * side)}" y="{_n(bottom - y1 * 0.75 * side)}" width="{_n((x1 - x0) * side)}" '
            f'height="{_n((y1 - y0) * 0.75 * side)}" class="{kind}"/>'
        )
    parts += [_text(left + at * side, bottom + 14, text, "middle") for at, text in x[1]]
    parts += [_text(left - 5, bottom - at * 0.75 * side + 4, text, "end") for at, text in y[1]]
    parts += [_text(left + side / 2, bottom + 30, x[0], "middle"), _text(4, 12, y[0])]
    return _svg(width, bottom + 36, title, description, parts)


def heat_strip(title: str, description: str, shares: Array, labels: Sequence[str], *, tone: str = "bad") -> Markup:
    """A row of cells, the darker the larger the share (n,) in [0, 1]; a cell without data is hatched by its class."""
    cell, tall = 18.0, 16.0
    parts = []
    for k, (value, label) in enumerate(zip(np.asarray(shares, float), labels, strict=True)):
        known = bool(np.isfinite(value))
        kind, strength = (
            (f"cell {tone}", f"{0.06 + 0.94 * float(np.clip(value, 0, 1)):.3f}") if known else ("cell empty", "1")
        )
        parts.append(
            f'<rect x="{_n(k * cell)}" y="0" width="{_n(cell - 1)}" height="{_n(tall)}" class="{escape(kind)}" '
            f'fill-opacity="{strength}"><title>{escape(label)}</title></rect>'
        )
    return _svg(cell * len(labels), tall, title, description, parts, "strip")
