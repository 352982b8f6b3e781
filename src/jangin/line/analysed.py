"""The `analytic` engine on a layout: the exact chain where the plant is a small line of exponential times.

    unfit(layout)                  # "" if the exact chain holds it, else why not
    answer(layout, why, 0.95)      # a Throughput with exact=True

For other models (Bernoulli and geometric machines, queueing networks, decompositions of long lines) see `analytic/`:
they are not what a layout says, so no layout is answered by them unasked.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from jangin.line.answering import wording
from jangin.line.bottleneck import arrow_rule
from jangin.line.iso22400 import STATES
from jangin.line.layout import Exponential, Layout, Station
from jangin.line.throughput import StationAnswer, Throughput
from jangin.stats.output import Interval

if TYPE_CHECKING:  # the chains need scipy.sparse, which takes longer to load than most lines to answer
    from jangin.line.analytic.tandem import Station as Chained

__all__ = ["answer", "unfit"]

MOST_STATES = 20_000  # solved in about two seconds


def unfit(layout: Layout) -> str:
    """Why the exact chain does not hold a layout, in one sentence; "" if it does."""
    row = layout.serial
    if row is None:
        return "it is not one row of stations without rework"
    if len(layout.parts) > 1 or layout.calendars or layout.crews or layout.fleets:
        return "part types, calendars, crews and vehicles are in no chain"
    for s in layout.stations:
        if why := _station(s):
            return f"station {s.name!r} {why}"
    if any(s.blocking == "before" for s in layout.stations[1:-1]):
        return "the chain counts a part that may not start as in the machine, the plant as in the buffer before it"
    if len({s.blocking for s in layout.stations[:-1]}) > 1:
        return "some stations block before and some after service"
    if any(b.capacity is None or b.order != "fifo" for b in row):
        return "a buffer without limit, or not first in first out, is in no chain"
    release = layout.releases[0] if layout.releases else None
    if release is not None and release.kind not in ("saturated", "push"):
        return f"a {release.kind} release is in no chain"
    if release is not None and release.kind == "push" and not isinstance(release.every, Exponential):
        return "parts do not arrive by a Poisson process"
    states = 1.0
    for s, b in zip(layout.stations, (*row, None), strict=True):
        states *= (s.machines + 2 + (b.capacity or 0 if b is not None else 0)) * (2 if s.failures else 1)
    if states > MOST_STATES or (release is not None and release.kind == "push" and len(layout.stations) > 1):
        return "the chain has too many states"
    return ""


def _station(s: Station) -> str:
    if not isinstance(s.cycle.time, Exponential):
        return "has other than exponential times"
    if s.scrap or s.rework or s.stops or s.setup or s.operator or s.assemble or s.batch > 1 or s.split > 1 or s.routes:
        return "does more than one step on one part"
    if len(s.failures) > 1:
        return "fails in several ways"
    for f in s.failures:
        if not (isinstance(f.after, Exponential) and isinstance(f.repair, Exponential)):
            return "has other than exponential failures and repairs"
    return ""


def _chained(s: Station) -> Chained:
    from jangin.line.analytic.tandem import Station as Chained

    assert isinstance(s.cycle.time, Exponential)
    if not s.failures:
        return Chained(1.0 / s.cycle.time.mean_s, s.machines)
    f = s.failures[0]
    assert isinstance(f.after, Exponential)
    assert isinstance(f.repair, Exponential)
    return Chained(
        1.0 / s.cycle.time.mean_s, s.machines, 1.0 / f.after.mean_s, 1.0 / f.repair.mean_s, "operation"
        if f.counts == "operation" else "time",
    )  # fmt: skip


def answer(layout: Layout, why: str, confidence: float) -> Throughput:
    """The steady state of the layout's chain."""
    from jangin.line.analytic.tandem import Arrivals, line_in_steady_state

    row = layout.serial or ()
    release = layout.releases[0] if layout.releases else None
    arrivals = None
    if release is not None and release.kind == "push":
        assert isinstance(release.every, Exponential)
        arrivals = Arrivals(1.0 / release.every.mean_s)
    found = line_in_steady_state(
        [_chained(s) for s in layout.stations],
        [b.capacity or 0 for b in row],
        blocking=layout.stations[0].blocking,
        arrivals=arrivals,
        limit=20 * MOST_STATES,
    )
    stations = tuple(
        StationAnswer(
            s.name,
            {state: float(getattr(shares, state, 0.0)) for state in STATES},
            found.throughput * 3600.0,
            None,
        )
        for s, shares in zip(layout.stations, found.stations, strict=True)
    )
    names = [s.name for s in layout.stations]
    arrow = None
    if len(names) > 1:
        arrow = arrow_rule([s.blocked for s in found.stations], [s.starved for s in found.stations], names=names)
    per_hour = found.throughput * 3600.0
    result = Throughput(
        layout=layout,
        engine="analytic",
        why=f"{why} ({found.method})",
        exact=found.exact,
        per_hour=_exactly(per_hour, confidence),
        wip=_exactly(found.wip, confidence),
        lead_s=_exactly(found.lead_time, confidence) if found.throughput > 0.0 else None,
        stations=stations,
        buffers={b.name: m for b, m in zip(row, found.wip_buffers, strict=True)},
        sentence="",
        arrow=arrow,
        takt_met=float(per_hour >= layout.asked_per_hour) if layout.asked_per_hour else None,
    )
    return dataclasses.replace(result, sentence=wording(result))


def _exactly(value: float, confidence: float) -> Interval:
    assert math.isfinite(value)
    return Interval(value, 0.0, confidence, 1)
