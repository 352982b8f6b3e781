"""What a change of the plant brings: both layouts on the same random numbers, and the paired difference.

    change = what_if(as_is, to_be, seed=0)
    change.per_hour.difference.mean, change.per_hour.difference.half_width

Common random numbers: each station's k-th part takes the same time in both, so the difference is not blurred by what
both have in common. The engine `path` knows a station by its name, `events` by its place in the layout: keep both.
"""

from __future__ import annotations

from dataclasses import dataclass

from jangin.errors import JanginError
from jangin.line import layout as lay
from jangin.line import path
from jangin.line.duration import length_s, window
from jangin.line.engines import ready, refuse_standstill
from jangin.line.events.tables import unfit as events_unfit
from jangin.line.layout import Layout
from jangin.line.layout_check import check
from jangin.stats.output import Interval, Paired, mean_interval, paired_interval

__all__ = ["WhatIf", "what_if"]


@dataclass(frozen=True)
class WhatIf:
    """A paired comparison.

    Attributes:
        per_hour: good parts per hour of the changed plant minus the one as it is.
        before, after: of each alone.
        engine: that ran both.
        replications, horizon_s, warmup_s, seed: how.
        warnings: what the user should know before using the number.
        sentence: the answer.
    """

    per_hour: Paired
    before: Interval
    after: Interval
    engine: str
    replications: int
    horizon_s: float
    warmup_s: float
    seed: int
    sentence: str
    warnings: tuple[str, ...] = ()


def what_if(
    before: Layout,
    after: Layout,
    *,
    seed: int = 0,
    horizon_s: float | None = None,
    warmup_s: float | None = None,
    replications: int = 40,
    threads: int = 0,
    confidence: float = 0.95,
) -> WhatIf:
    """The difference between two layouts; raises BadLayout, or JanginError for what no engine can honour in both."""
    for layout in (before, after):
        check(layout)
        if any(isinstance(s.cycle.time, lay.Evidence) for s in layout.stations):
            raise JanginError(
                f"Layout {layout.name!r} has a station with evidence; compare layouts without, or run each by itself."
            )
    both_path = not path.unfit(before) and not path.unfit(after)
    if not both_path and (why := events_unfit(before) or events_unfit(after)):
        raise JanginError(f"The two layouts cannot be compared: {why}.")
    engine = "path" if both_path else "events"
    run = ready(engine, threads)
    length = max(length_s(before), length_s(after)) if horizon_s is None else horizon_s
    windows = [window(one, run.simulate, seed=seed, horizon_s=length, warmup_s=warmup_s) for one in (before, after)]
    horizon, warmup = length, max(one.warmup_s for one in windows)
    runs = run.compare([before, after], seed=seed, replications=replications, horizon_s=horizon, warmup_s=warmup)
    for one, its in zip((before, after), runs, strict=True):
        refuse_standstill(one, its)
    found = paired_interval(runs[1].per_hour, runs[0].per_hour, confidence)
    difference = found.difference
    clear = abs(difference.mean) > difference.half_width
    sentence = (
        f"{after.name!r} makes {difference.mean:+.4g} ± {difference.half_width:.2g} good parts per hour against "
        f"{before.name!r} ({confidence:.0%}, {replications} paired replications)"
        + ("." if clear else ": no difference is shown.")
    )
    return WhatIf(
        found,
        mean_interval(runs[0].per_hour, confidence),
        mean_interval(runs[1].per_hour, confidence),
        engine,
        replications,
        horizon,
        warmup,
        seed,
        sentence,
        tuple(dict.fromkeys(w for one in windows for w in one.warnings)),
    )
