"""Who did what when: one shift of a log, machine by machine, and below it which machine held the line up.

    chart = gantt(log)                          # at most 8 h from the log's start
    strip = neck(shifting, chart.from_s, chart.to_s)

A pixel column shows the state that took most of its time, so the markup grows with the picture and not with the log;
where even that is too much (300 machines that change all the time), columns become coarser until it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from jangin.line.bottleneck import ShiftingBottleneck, StateLog
from jangin.line.iso22400 import STATES
from jangin.line.page.svg import SIZE, fitted, n, rule, svg, text
from jangin.report.wording import share

__all__ = ["SHIFT_S", "Gantt", "gantt", "neck"]

Array = np.ndarray

SHIFT_S = 8 * 3600.0
_LEFT, _WIDTH = 140.0, 1064.0
_RIGHT = _WIDTH - 18.0  # half a time label is to the right of it
_COLUMNS = int(_RIGHT - _LEFT)
_SEGMENTS = 90_000  # of markup, each about ten bytes
_NECKS = 6  # rows of the bottleneck strip


@dataclass(frozen=True)
class Gantt:
    """The chart, from when to when it is, how long one of its columns is [s], and the states seen in it."""

    chart: Markup
    from_s: float
    to_s: float
    column_s: float
    states: tuple[str, ...]


def gantt(log: StateLog) -> Gantt:
    """One row per machine in the log's order."""
    low = float(np.min(log.start_s))
    high = min(low + SHIFT_S, float(np.max(log.end_s)))
    high = high if high > low else low + 1.0
    columns = _COLUMNS
    seen = _dominant(log, np.linspace(low, high, columns + 1))
    while (np.count_nonzero(np.diff(seen, axis=1)) + len(seen)) > _SEGMENTS and columns > 60:
        columns //= 2
        seen = _dominant(log, np.linspace(low, high, columns + 1))
    row = 16.0 if len(seen) <= 40 else 11.0
    parts = [*_paths(seen, row, (_RIGHT - _LEFT) / columns)]
    for i, name in enumerate(log.stations):
        size = SIZE if row > 12 else 5.0
        parts.append(
            text(
                _LEFT - 6,
                4 + i * row + row / 2 + 3,
                fitted(name, _LEFT - 8, size),
                "end",
                "row" if row > 12 else "tiny",
            )
        )
    bottom = 4 + row * len(seen)
    parts += _time_axis(low, high, bottom)
    words = f"{len(seen)} machines from {_clock(low)} to {_clock(high)}; one row each, coloured by state."
    chart = svg(_WIDTH, bottom + 22, "States of the machines", words, parts)
    states = tuple(STATES[s] for s in np.unique(seen) if s >= 0)
    return Gantt(chart, low, high, (high - low) / columns, states)


def _dominant(log: StateLog, edges: Array) -> Array:
    """(machines, columns): number in STATES of what took most of each column; -1 where nothing is logged."""
    code = np.array([STATES.index(name) for name in log.states])
    start, end = np.asarray(log.start_s, float), np.asarray(log.end_s, float)
    inside = np.flatnonzero((end > edges[0]) & (start < edges[-1]) & (end > start))
    order = inside[np.lexsort((start[inside], np.asarray(log.station)[inside]))]
    of, state = np.asarray(log.station)[order], code[np.asarray(log.state)[order]]
    start, end = start[order], end[order]
    found = np.full((len(log.stations), len(edges) - 1), -1, np.int64)
    first = np.searchsorted(of, np.arange(len(log.stations) + 1))
    for i in range(len(log.stations)):
        part = slice(first[i], first[i + 1])
        if first[i] == first[i + 1]:
            continue
        times = np.stack([start[part], end[part]], axis=1)
        best = np.zeros(len(edges) - 1)
        for s in np.unique(state[part]):
            lasts = (end[part] - start[part]) * (state[part] == s)
            sofar = np.cumsum(lasts)
            took = np.diff(np.interp(edges, times.ravel(), np.stack([sofar - lasts, sofar], axis=1).ravel()))
            wins = took > best
            found[i, wins], best[wins] = s, took[wins]
    return found


def _paths(seen: Array, row: float, column: float) -> list[str]:
    """One stroked path per state: a segment is a move and a length."""
    paths: dict[int, list[str]] = {}
    for i, states in enumerate(seen):
        cuts = np.flatnonzero(np.diff(states)) + 1
        begins, ends = np.concatenate([[0], cuts]), np.concatenate([cuts, [len(states)]])
        y = n(4 + i * row + row / 2)
        for a, b in zip(begins.tolist(), ends.tolist(), strict=True):
            if states[a] >= 0:
                paths.setdefault(int(states[a]), []).append(f"M{n(_LEFT + a * column)} {y}h{n((b - a) * column)}")
    return [
        f'<path d="{"".join(segments)}" class="g-{STATES[s]}" style="stroke-width:{n(row - 2)}px"/>'
        for s, segments in sorted(paths.items())
    ]


def neck(found: ShiftingBottleneck, low: float, high: float) -> Markup:
    """Momentary bottlenecks, a row for each of the most frequent ones in this window and one for all others."""
    start, end = np.clip(found.from_s, low, high), np.clip(found.to_s, low, high)
    lasts: dict[str, float] = {}
    for name, a, b in zip(found.station, start, end, strict=True):
        lasts[name] = lasts.get(name, 0.0) + float(b - a)
    ranked = [k for k in sorted(lasts, key=lambda k: -lasts[k]) if lasts[k] > 0.0]
    shown = ranked if len(ranked) <= _NECKS + 1 else ranked[:_NECKS]
    rows = [(k, [k]) for k in shown]
    if len(ranked) > len(shown):
        rows.append((f"{len(ranked) - len(shown)} others", ranked[len(shown) :]))
    scale, row, parts = (_RIGHT - _LEFT) / (high - low), 16.0, []
    names = np.array(found.station, dtype=object)
    for i, (label, members) in enumerate(rows):
        y = 4 + i * row + row / 2
        of = np.flatnonzero(np.isin(names, np.array(members, dtype=object)) & (end > start))
        path = "".join(_joined([(start[k] - low) * scale for k in of], [(end[k] - low) * scale for k in of], y))
        parts.append(f'<path d="{path}" class="neck-strip" style="stroke-width:11px"/>')
        took = share(sum(lasts[k] for k in members) / (high - low), 0)
        parts.append(text(_LEFT - 6, y + 4, f"{fitted(label, _LEFT - 12 - SIZE * 6)} {took}", "end", "row"))
    bottom = 4 + row * len(rows)
    parts += _time_axis(low, high, bottom)
    words = "Which machine's active period was the longest under way, at every moment of the same time."
    return svg(_WIDTH, bottom + 22, "Momentary bottleneck", words, parts)


def _joined(starts: list[float], ends: list[float], y: float) -> list[str]:
    """Segments, those less than half a pixel apart as one: a long log stays small."""
    merged: list[list[float]] = []
    for a, b in sorted(zip(starts, ends, strict=True)):
        if merged and a - merged[-1][1] < 0.5:
            merged[-1][1] = max(b, merged[-1][1])
        else:
            merged.append([a, b])
    return [f"M{n(_LEFT + a)} {n(y)}h{n(max(b - a, 0.5))}" for a, b in merged]


def _time_axis(low: float, high: float, y: float) -> list[str]:
    steps = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
    step = next((s for s in steps if (high - low) / s <= 10), steps[-1])
    parts = [rule(_LEFT, y, _RIGHT, y, "axis")]
    for k in range(int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9)) + 1):
        x = _LEFT + (k * step - low) / (high - low) * (_RIGHT - _LEFT)
        parts += [rule(x, y, x, y + 4, "axis"), text(x, y + 16, _clock(k * step, step < 60), "middle")]
    return parts


def _clock(seconds: float, with_seconds: bool = False) -> str:
    """Hours and minutes since the start of the simulation."""
    whole = round(seconds)
    text_ = f"{whole // 3600}:{whole // 60 % 60:02d}"
    return f"{text_}:{whole % 60:02d}" if with_seconds else text_
