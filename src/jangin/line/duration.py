"""How long to run a line, and how much of the beginning to leave out.

    length_s(layout)                                    # a replication [s]
    window(layout, simulate, seed=0)                    # Window(horizon_s, warmup_s, warnings)

Source: MSER-5 as in `stats/output.py`; the lengths are ours: long enough that a replication holds thousands of cycles
and tens of the rarest failure, so that replications alone decide how sure the answer is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from jangin.errors import JanginError
from jangin.line import layout as lay
from jangin.line.layout import Layout, mean_s
from jangin.line.result import Replications
from jangin.stats.output import mser5

__all__ = ["Window", "length_s", "window"]

CYCLES = 4_000  # of the slowest station in a replication
OF_EVIDENCE = 500  # of the slowest station with evidence
FAILURES = 40  # of the rarest kind
PILOT = 10  # replications in which the end of the warm-up is looked for
BINS = 200  # stretches of time in which they are counted
LONGEST_SHARE = 0.5  # of a replication that the warm-up may take
DOUBLED = 2  # times, until an end of the warm-up is found


@dataclass(frozen=True)
class Window:
    """A replication's length and warm-up [s], and what the user should know about them."""

    horizon_s: float
    warmup_s: float
    warnings: tuple[str, ...] = ()


def length_s(layout: Layout, part_s: Mapping[int, float] | None = None) -> float:
    """A replication's length: thousands of cycles, tens of the rarest failure, and whole calendar periods [s].

    Args: part_s: mean time per part of each station with evidence, by number [s]; hundreds of these are enough, because
        such a line is run for many draws.
    """
    slowest = 0.0
    for k, s in enumerate(layout.stations):
        times = s.cycle.time
        if isinstance(times, lay.Evidence):
            each = [(part_s or {})[k] * OF_EVIDENCE / CYCLES]
        else:
            each = [mean_s(t) for t in (times.values() if isinstance(times, Mapping) else [times])]
        slowest = max(slowest, max(each) / s.machines / s.batch)
    arrivals = max((mean_s(r.every) for r in layout.releases if r.every is not None), default=0.0)
    rarest = max((mean_s(f.after) for s in layout.stations for f in s.failures), default=0.0)
    length = max(CYCLES * max(slowest, arrivals), FAILURES * rarest, 3600.0)
    period = _period_s(layout)
    return math.ceil(length / period + 1.0) * period if period else length


def window(
    layout: Layout, simulate: Callable[..., Replications], *, seed: int, horizon_s: float | None = None,
    warmup_s: float | None = None, part_s: Mapping[int, float] | None = None, pilot: int = PILOT,
) -> Window:  # fmt: skip
    """What is asked for; and where nothing is, a length from the layout and a warm-up found in `pilot` runs.

    `part_s` as in `length_s`. A plant with calendars is not warm at a moment: there the first period is left out.

    Raises: JanginError for a warm-up that leaves nothing.
    """
    horizon = length_s(layout, part_s) if horizon_s is None else horizon_s
    if not 0.0 < horizon < math.inf:
        raise JanginError(f"A replication of {horizon:g} s cannot be; give a horizon above 0.")
    if warmup_s is not None:
        if not 0.0 <= warmup_s < horizon:
            raise JanginError(f"A warm-up of {warmup_s:g} s in {horizon:g} s leaves nothing; give a shorter one.")
        return Window(horizon, warmup_s)
    period = _period_s(layout)
    if period:
        return Window(horizon, period) if period < horizon else Window(horizon, 0.0, (_no_period(period),))
    for attempt in range(1 + DOUBLED):
        runs = simulate(layout, seed=seed, replications=pilot, horizon_s=horizon, warmup_s=0.0, bins=BINS)
        assert runs.bins is not None
        found = mser5(runs.bins)
        if found.reliable or horizon_s is not None or attempt == DOUBLED:
            break
        horizon *= 2.0
    warnings = () if found.reliable else (_UNSETTLED,)
    return Window(horizon, float(np.minimum(found.cut / BINS, LONGEST_SHARE)) * horizon, warnings)


_UNSETTLED = "No end of the warm-up was found: the line may not settle, as when parts arrive faster than it works."


def _no_period(period: float) -> str:
    return f"The horizon holds no calendar period of {period:g} s besides a warm-up, so the start is measured too."


def _period_s(layout: Layout) -> float:
    return max((c.period_s for c in layout.calendars), default=0.0)
