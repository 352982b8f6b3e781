"""What limits a line: the bottleneck by its neighbours' waiting, and what each change to the line would bring.

arrows(layout, runs)                                  # the bottleneck by the blocked/starved rule
sensitivity(layout, compare, runs[:64], 0.95)         # Effects: every station faster, every buffer larger
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from jangin.line import layout as lay
from jangin.line.bottleneck import ArrowRule, arrow_rule
from jangin.line.layout import Layout
from jangin.line.result import STATES, Replications
from jangin.line.throughput import Effect
from jangin.stats.output import paired_interval

__all__ = ["arrows", "changes", "faster", "sensitivity"]

BLOCKED, STARVED = STATES.index("blocked"), STATES.index("starved")
SHORTER = 0.9  # of the cycle time, in what a faster station would bring


def arrows(layout: Layout, runs: Replications) -> ArrowRule | None:
    """The bottleneck by the blocked/starved rule; None for stations that no buffer joins."""
    index = {s.name: k for k, s in enumerate(layout.stations)}
    edges = sorted({(index[a], index[z]) for b in layout.buffers for a in b.source for z in b.target if a != z})
    if not edges:
        return None
    total = runs.states.sum(axis=2)
    shares = runs.states / np.where(total > 0.0, total, 1.0)[:, :, None]
    return arrow_rule(
        shares[:, :, BLOCKED], shares[:, :, STARVED], edges=edges, names=[s.name for s in layout.stations]
    )


def sensitivity(
    layout: Layout, compare: Callable[[Sequence[Layout]], Sequence[Replications]], per_hour: np.ndarray,
    confidence: float, inner: int = 1,
) -> tuple[Effect, ...]:  # fmt: skip
    """What a station 10 % faster or a buffer one place larger would bring.

    Args:
        compare: runs the changed layouts, on the random numbers on which the layout itself was run.
        per_hour: (n,) good parts per hour of the layout itself, for the replications that `compare` runs.
        inner: replications that belong together, as those of one draw of the evidence: pairs are of their means.
    """
    changed = changes(layout)
    runs = compare([other for _, _, other in changed])
    own = per_hour.reshape(-1, inner).mean(axis=1)
    return tuple(
        Effect(name, change, paired_interval(again.per_hour.reshape(-1, inner).mean(axis=1), own, confidence))
        for (name, change, _), again in zip(changed, runs, strict=True)
    )


def changes(layout: Layout) -> list[tuple[str, str, Layout]]:
    """Every single change: (what is changed, in words how, the layout with it)."""
    found = []
    for k, s in enumerate(layout.stations):
        stations = (*layout.stations[:k], faster(s, SHORTER), *layout.stations[k + 1 :])
        what = "attempts" if isinstance(s.cycle.time, lay.Evidence) else "cycle time"
        found.append((s.name, f"{what} 10 % shorter", dataclasses.replace(layout, stations=stations)))
    for b in layout.buffers:
        if b.capacity is not None:
            found.append((b.name, "one place more", layout.with_capacities({b.name: b.capacity + 1})))
    return found


def faster(station: lay.Station, factor: float) -> lay.Station:
    """The station with all its cycle times multiplied by a factor; of evidence, those of attempts, failed ones too."""
    times = station.cycle.time
    if isinstance(times, lay.Evidence):
        return dataclasses.replace(station, cycle=lay.Cycle(dataclasses.replace(times, pace=times.pace * factor)))
    if isinstance(times, Mapping):
        return dataclasses.replace(station, cycle=lay.Cycle({k: _scaled(t, factor) for k, t in times.items()}))
    return dataclasses.replace(station, cycle=lay.Cycle(_scaled(times, factor)))


def _scaled(time: lay.Distribution, factor: float) -> lay.Distribution:
    """Times a factor: every parameter in seconds, as `mean_s`, is; shapes as `cv` stay."""
    values = {}
    for f in dataclasses.fields(time):
        value = getattr(time, f.name)
        if f.name.endswith("_s"):
            value = tuple(v * factor for v in value) if isinstance(value, tuple) else value * factor
        values[f.name] = value
    return type(time)(**values)
