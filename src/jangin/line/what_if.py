"""What a change of the plant brings: both layouts on the same random numbers, and the paired difference.

    change = what_if(as_is, to_be, seed=0)
    change.per_hour.difference.mean, change.per_hour.difference.half_width
    change.split.long_run, change.better      # with evidence: what it leaves open of the difference

Common random numbers: each station's k-th part takes the same time in both, so the difference is not blurred by what
both have in common. The engine `path` knows a station by its name, `events` by its place in the layout: keep both.

With evidence each pair of lines is run at the same draw of what the trials leave open. Where the same evidence is in
both, it is as good in both; where a station has another policy's, the two are drawn independently and all else is
common (`evidence_runs.py`). Then the difference has two widths: that of its mean, which more draws make small, and that
of what the evidence leaves open, which only more trials do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jangin.errors import JanginError
from jangin.line.duration import PILOT, length_s, window
from jangin.line.engines import refuse_standstill
from jangin.line.evidence_line import INNER, check_draws, rough
from jangin.line.evidence_posterior import halvings
from jangin.line.evidence_runs import EvidenceRuns, carries_evidence, located
from jangin.line.layout import Layout
from jangin.line.layout_check import check
from jangin.stats.nested import Halving, TwoLevel, probability_above, two_level
from jangin.stats.output import Interval, Paired, mean_interval, paired_interval

__all__ = ["WhatIf", "what_if"]

Array = np.ndarray


@dataclass(frozen=True)
class WhatIf:
    """A paired comparison.

    Attributes:
        per_hour: good parts per hour of the changed plant minus the one as it is; with evidence, of the means over
            what it leaves open.
        before, after: of each alone.
        engine: that ran both.
        replications, horizon_s, warmup_s, seed: how.
        warnings: what the user should know before using the number.
        sentence: the answer.
        split: with evidence: the difference in its two parts, what the evidence leaves open and what runs vary.
        better: with evidence: probability that the changed plant makes more in the long run.
        halving: how many more trials of every evidence together would halve what is left open, by run folder.
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
    split: TwoLevel | None = None
    better: float | None = None
    halving: Mapping[str, Halving] | None = None


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
    folder: Path | None = None,
    folder_after: Path | None = None,
    draws: int = 200,
) -> WhatIf:
    """The difference between two layouts.

    Args:
        replications: pairs of runs, of layouts without evidence.
        folder, folder_after: where the run folders of either layout are relative to; None: the working directory, and
            the same as the first's.
        draws: pairs of draws of what the evidence leaves open, 39 or more, where either has any; 10 runs of each.

    Raises: BadLayout; JanginError for what no engine can honour in both; as `read_evidence`.
    """
    for layout in (before, after):
        check(layout)
    open_ = carries_evidence(before) or carries_evidence(after)
    if open_:
        check_draws(draws, None, confidence)
    inner = INNER if open_ else 1
    known = EvidenceRuns(inner)
    first = folder or Path()
    plants = located(before, first), located(after, first if folder_after is None else folder_after)
    engine = _engine(known, plants)
    ready = known.ready(engine, threads)
    part_s = [known.part_s(plant, seed) for plant in plants]
    horizon = max(map(length_s, plants, part_s)) if horizon_s is None else horizon_s
    windows = [
        window(plant, ready.simulate, seed=seed, horizon_s=horizon, warmup_s=warmup_s, pilot=PILOT * inner)
        for plant in plants
    ]
    warmup, pairs = max(one.warmup_s for one in windows), draws if open_ else replications
    runs = ready.compare(plants, seed=seed, replications=pairs * inner, horizon_s=horizon, warmup_s=warmup)
    for plant, its in zip(plants, runs, strict=True):
        refuse_standstill(plant, its)
    rates = [its.per_hour.reshape(pairs, inner) for its in runs]
    old, new = (rate.mean(axis=1) for rate in rates)
    found = paired_interval(new, old, confidence)
    warned = [*known.warnings(*plants), *(w for one in windows for w in one.warnings)]
    more = _open(known, plants, rates[1] - rates[0], confidence) if open_ else {}
    if open_:
        warned += rough(more["split"])
    return WhatIf(
        found,
        mean_interval(old, confidence),
        mean_interval(new, confidence),
        engine,
        len(runs[0]),
        horizon,
        warmup,
        seed,
        _wording(before, after, found.difference, more.get("split"), more.get("better")),
        tuple(dict.fromkeys(warned)),
        **more,
    )


def _engine(known: EvidenceRuns, plants: tuple[Layout, Layout]) -> str:
    """The fastest that can honour both. Raises: JanginError where none can."""
    one, other = (known.unfit(plant) for plant in plants)
    if not one["path"] and not other["path"]:
        return "path"
    if why := one["events"] or other["events"]:
        raise JanginError(f"The two layouts cannot be compared: {why}.")
    return "events"


def _open(known: EvidenceRuns, plants: tuple[Layout, Layout], difference: Array, confidence: float) -> dict[str, Any]:
    """What the evidence leaves open of the difference, (draws, inner)."""
    split = two_level(difference, confidence)
    once = {e.trials_sha256: e for plant in plants for e in known.evidence(plant).values()}
    return {
        "split": split,
        "better": probability_above(difference, 0.0),
        "halving": halvings(split, {str(e.run): e for e in once.values()}),
    }


def _wording(before: Layout, after: Layout, d: Interval, split: TwoLevel | None, better: float | None) -> str:
    pairs = "paired replications" if split is None else "paired draws of the evidence"
    text = (
        f"{after.name!r} makes {d.mean:+.4g} ± {d.half_width:.2g} good parts per hour against {before.name!r} "
        f"({d.confidence:.0%}, {d.n} {pairs})"
    )
    if split is None or better is None:
        return text + ("." if abs(d.mean) > d.half_width else ": no difference is shown.")
    if not split.between and not split.within:
        return text + ": no difference is shown."
    low, high = split.long_run
    surely = "less than 1%" if better < 0.01 else "more than 99%" if better > 0.99 else f"{better:.0%}"
    return (
        f"{text}; the evidence leaves {low:+.4g} to {high:+.4g} open for the long run, and more parts with a "
        f"probability of {surely}."
    )
