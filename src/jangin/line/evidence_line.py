"""A line with stations that are evidence: what the trials leave open, and what the process varies, kept apart.

Two levels of chance. Outside, for each draw, every such station's success probabilities and attempt times are drawn
from what its trials leave open; inside, each of these lines is run several times. The spread of the long-run means over
the draws is what more trials would narrow; the spread inside is what a plant lives with however well the policy is
known.

Draws are added until the mean over them is known well enough. That makes the number sure, not the plant: what the
evidence leaves open does not get smaller by computing longer. `evidence_runs.py` says which draws share their numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from jangin.errors import JanginError
from jangin.line import engines
from jangin.line.answering import completed, station_answers
from jangin.line.bottleneck import shifting_bottleneck
from jangin.line.duration import PILOT, window
from jangin.line.engines import Ready
from jangin.line.evidence_posterior import Outer, halvings, shares
from jangin.line.evidence_runs import PORTION, EvidenceRuns, located
from jangin.line.evidence_station import StationEvidence
from jangin.line.layout import Layout
from jangin.line.limits import arrows, sensitivity
from jangin.line.result import Replications
from jangin.line.throughput import Effect, Throughput
from jangin.stats.nested import Halving, TwoLevel, two_level
from jangin.stats.output import Interval, mean_interval, replications_needed

__all__ = ["INNER", "check_draws", "flow", "rough"]

Array = np.ndarray
Tell = Callable[[str, int, float | None], None]  # stage, replications done, half-width relative to the mean

INNER = 10  # runs of each draw
FOR_EFFECTS = {"path": 64, "events": 32}  # draws on which single changes are compared
MOST = 10  # times as many draws as at the start, where nothing else is asked


def flow(
    layout: Layout, *, engine: str, seed: int, horizon_s: float | None, warmup_s: float | None, precision: float,
    confidence: float, folder: Path, draws: int, most_draws: int | None, threads: int, effects: bool, tell: Tell,
) -> Throughput:  # fmt: skip
    """As `flow.flow`, for a layout in which some station's cycle is evidence; tell(stage, replications, half-width)."""
    most = check_draws(draws, most_draws, confidence)
    known, plant = EvidenceRuns(INNER), located(layout, folder)
    found = known.evidence(plant)
    chosen, why = known.choose(plant, engine)
    tell("compile" if chosen == "events" else "warm-up", 0, None)
    ready = known.ready(chosen, threads)
    times = window(
        plant, ready.simulate, seed=seed, horizon_s=horizon_s, warmup_s=warmup_s, part_s=known.part_s(plant, seed),
        pilot=PILOT * INNER,
    )  # fmt: skip
    settings = {"seed": seed, "horizon_s": times.horizon_s, "warmup_s": times.warmup_s}
    runs = _enough(plant, ready, settings, draws, most, precision, confidence, tell)
    changed = _effects(plant, ready, settings, runs, confidence, tell) if effects else ()
    log, compile_s, unlogged = engines.logged(
        known.example(plant, seed=seed, horizon_s=times.horizon_s), ready, seed, times.horizon_s
    )
    rows = _by_draw(runs.per_hour)
    split = two_level(rows, confidence)
    answer = Throughput(
        layout=layout,
        engine=chosen,
        why=why,
        exact=False,
        per_hour=split.mean,
        wip=_interval(runs.wip, confidence),
        lead_s=_interval(runs.lead_s, confidence),
        stations=station_answers(layout, runs),
        buffers={b.name: float(m) for b, m in zip(layout.buffers, runs.buffers.mean(axis=0), strict=True)},
        sentence="",
        seed=seed,
        replications=len(runs),
        warmup_s=times.warmup_s,
        horizon_s=times.horizon_s,
        runs=runs,
        arrow=arrows(layout, runs),
        shifting=shifting_bottleneck(log) if log is not None else None,
        log=log,
        split=split,
        halving=_halvings(layout, found, known.drawn(plant, seed=seed, draws=len(rows)), rows, split),
        effects=changed,
        takt_met=float(np.mean(runs.per_hour >= layout.asked_per_hour)) if layout.asked_per_hour else None,
        compile_s=compile_s,
        warnings=(
            *known.warnings(plant),
            *times.warnings,
            *_about_draws(split, precision),
            *(() if runs.good.any() else (_NO_PART,)),
            *unlogged,
        ),
    )
    return completed(answer)


_NO_PART = "Not one good part left in the time that was measured: give a longer horizon."


# ── draws ────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_draws(draws: int, most_draws: int | None, confidence: float) -> int:
    """How many draws there may be at most. Raises: JanginError for fewer than an interval or the start needs."""
    least = math.ceil(round(2.0 / (1.0 - confidence), 9)) - 1  # the ends of the interval lie among as many
    if draws < least:
        raise JanginError(f"{draws} draws are too few for an interval of {confidence:.0%}; give {least} or more.")
    if most_draws is not None and most_draws < draws:
        raise JanginError(f"At most {most_draws} draws, but {draws} to begin with; give as many or more.")
    return MOST * draws if most_draws is None else most_draws


def rough(split: TwoLevel) -> tuple[str, ...]:
    """A warning where so few draws were made that the long run's interval may hold far less than it says."""
    low, wanted = split.held[0], split.confidence
    if low >= 1.0 - 2.0 * (1.0 - wanted):
        return ()
    return (
        f"Of only {split.outer} draws the interval of the long run may hold no more than {low:.0%} of what the "
        f"evidence leaves open, instead of {wanted:.0%}: give 200 draws or more.",
    )


def _about_draws(split: TwoLevel, precision: float) -> tuple[str, ...]:
    found = split.mean.relative
    if found <= precision:
        return rough(split)
    return (
        f"The mean over the draws is known to {found:.2%} of it after {split.outer} draws, not to {precision:.2%}; "
        f"more draws would tell (most_draws).",
        *rough(split),
    )


def _enough(
    layout: Layout, ready: Ready, settings: dict[str, float], draws: int, most: int, precision: float,
    confidence: float, tell: Tell,
) -> Replications:  # fmt: skip
    """Runs of `draws` draws, and of more until their mean is known well enough, or of `most`."""
    tell("replications", 0, None)
    runs: Replications | None = None
    done = 0
    while True:
        upto = min((done // PORTION + 1) * PORTION, draws if done < draws else most)
        more = ready.simulate(layout, replications=(upto - done) * INNER, first=done * INNER, **settings)
        engines.refuse_standstill(layout, more)
        runs = more if runs is None else Replications.concat([runs, more])
        done, means = upto, _by_draw(runs.per_hour).mean(axis=1)
        tell("replications", len(runs), mean_interval(means, confidence).relative if done > 1 else None)
        if done >= most or (done >= draws and replications_needed(means, precision, confidence, most).enough):
            return runs


def _by_draw(values: Array) -> Array:
    """(draws, INNER)."""
    return values.reshape(-1, INNER)


def _interval(values: Array, confidence: float) -> Interval | None:
    """Of the means of the draws, because runs of one draw are not independent; None where a run knows no value."""
    means = _by_draw(values).mean(axis=1)
    return mean_interval(means, confidence) if np.isfinite(means).all() else None


def _effects(
    layout: Layout, ready: Ready, settings: dict[str, float], runs: Replications, confidence: float, tell: Tell
) -> tuple[Effect, ...]:
    """What every single change would bring, at the first draws and on their random numbers."""
    n = min(len(runs), FOR_EFFECTS[ready.name] * INNER)
    tell("what if", n, None)
    return sensitivity(
        layout, lambda others: ready.compare(others, replications=n, **settings), runs.per_hour[:n], confidence, INNER
    )


# ── evidence ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _firsts(found: Mapping[int, StationEvidence]) -> dict[str, int]:
    """The first station that uses each evidence, by its trials' hash."""
    firsts: dict[str, int] = {}
    for k, evidence in found.items():
        firsts.setdefault(evidence.trials_sha256, k)
    return firsts


def _halvings(
    layout: Layout, found: Mapping[int, StationEvidence], drawn: Mapping[int, Outer], rows: Array, split: TwoLevel
) -> dict[str, Halving]:
    """More trials that would halve the intervals, by station; where several share one evidence, of that evidence."""
    firsts = _firsts(found)
    names = {layout.stations[k].name: k for k in firsts.values()}
    alone = shares(rows.mean(axis=1), {name: drawn[k] for name, k in names.items()}) if len(names) > 1 else None
    each = halvings(split, {name: found[k] for name, k in names.items()}, alone)
    return {layout.stations[k].name: each[layout.stations[firsts[e.trials_sha256]].name] for k, e in found.items()}
