"""What the plant gets: one question, three engines, one answer.

    answer = flow(read_layout("door.yaml"), seed=0)
    answer.sentence           # "121.3 ± 0.5 good parts per hour (95 %) ..."
    answer.engine, answer.why

The engine is the first that can honour the layout: the exact chain for small lines of exponential times, the recursion
over parts where it is exact, the next-event engine for everything else. A layout that asks for what none can do is
refused by the name of the thing. Stations with evidence are drawn from their posterior: see `evidence_line.py`.

Source of the procedure (warm-up by MSER-5, replications until the half-width is small enough): Law, Simulation Modeling
and Analysis, chapter 9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jangin.errors import JanginError
from jangin.line import analysed, engines
from jangin.line.answering import completed, station_answers
from jangin.line.bottleneck import shifting_bottleneck
from jangin.line.duration import window
from jangin.line.engines import Engine, Ready
from jangin.line.layout import Layout
from jangin.line.layout_check import check
from jangin.line.limits import arrows, sensitivity
from jangin.line.result import Replications
from jangin.line.throughput import Effect, Throughput
from jangin.stats.output import Interval, mean_interval, replications_needed

__all__ = ["Progress", "flow"]

Array = np.ndarray


@dataclass(frozen=True)
class Progress:
    """Where a study is: replications done, and the half-width of the throughput relative to it; None at the start."""

    stage: str
    replications: int
    relative: float | None


Tell = Callable[[Progress], None]


def flow(
    layout: Layout,
    *,
    engine: Engine = "auto",
    seed: int = 0,
    horizon_s: float | None = None,
    warmup_s: float | None = None,
    precision: float = 0.005,
    replications: int = 200,
    threads: int = 0,
    effects: bool = True,
    confidence: float = 0.95,
    folder: Path | None = None,
    draws: int = 200,
    most_draws: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Throughput:
    """How many good parts per hour a plant makes, how sure that is, and what limits it.

    Args:
        layout: the plant; checked here.
        engine: "auto", or one by name, which refuses what it cannot honour.
        seed: fixes every draw; the same at any number of threads.
        horizon_s: length of a replication, warm-up included [s]; None: from the slowest station and the calendars.
        warmup_s: what is left out at its beginning [s]; None: found by MSER-5.
        precision: stop when the half-width is this share of the throughput; with evidence, that of the mean over the
            draws, not what the evidence leaves open.
        replications: but after so many at the latest, without evidence.
        threads: of the next-event engine; 0: one per core.
        effects: also what a faster station or a larger buffer would bring.
        folder: where the run folders of stations with evidence are relative to; None: the working directory.
        draws: of what such evidence leaves open, 39 or more to begin with; 10 runs of each.
        most_draws: but so many at the latest; None: ten times `draws`.

    Raises: BadLayout; JanginError for a plant that the engine cannot honour, or that comes to a standstill.
    """
    check(layout)
    _check_settings(precision, replications, confidence, threads)
    tell = on_progress or (lambda progress: None)
    if layout.carries_evidence:
        from jangin.line import evidence_line  # with all that judges evidence: not needed for other lines

        return evidence_line.flow(
            layout, engine=engine, seed=seed, horizon_s=horizon_s, warmup_s=warmup_s, precision=precision,
            confidence=confidence, folder=folder or Path(), draws=draws, most_draws=most_draws, threads=threads,
            effects=effects, tell=lambda *now: tell(Progress(*now)),
        )  # fmt: skip
    chosen, why = engines.choose(layout, engine)
    if chosen == "analytic":
        return analysed.answer(layout, why, confidence)
    if chosen == "events":
        tell(Progress("compile", 0, None))
    ready = engines.ready(chosen, threads)
    tell(Progress("warm-up", 0, None))
    times = window(layout, ready.simulate, seed=seed, horizon_s=horizon_s, warmup_s=warmup_s)
    settings = {"seed": seed, "horizon_s": times.horizon_s, "warmup_s": times.warmup_s}
    runs = _enough(layout, ready, settings, precision, replications, confidence, tell)
    per_hour = mean_interval(runs.per_hour, confidence)
    warnings = list(times.warnings)
    if per_hour.relative > precision:
        warnings.append(f"The half-width is {per_hour.relative:.2%} of the throughput after {len(runs)} replications.")
    found = _effects(layout, ready, settings, runs, confidence, tell) if effects else ()
    if chosen != "events":
        tell(Progress("compile", 0, None))
    log, compile_s, unlogged = engines.logged(layout, ready, seed, times.horizon_s)
    if not runs.good.any():
        warnings.append("Not one good part left in the time that was measured: give a longer horizon.")
    answer = Throughput(
        layout=layout,
        engine=chosen,
        why=why,
        exact=False,
        per_hour=per_hour,
        wip=mean_interval(runs.wip, confidence),
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
        effects=found,
        takt_met=float(np.mean(runs.per_hour >= layout.asked_per_hour)) if layout.asked_per_hour else None,
        compile_s=compile_s,
        warnings=(*warnings, *unlogged),
    )
    return completed(answer)


def _check_settings(precision: float, replications: int, confidence: float, threads: int) -> None:
    """Refuse what cannot be, in one sentence."""
    if not 0.0 < precision < 1.0:
        raise JanginError(f"A precision of {precision:g} cannot be; give a share of the throughput, as 0.005.")
    if not 0.0 < confidence < 1.0:
        raise JanginError(f"A confidence of {confidence:g} cannot be; give one between 0 and 1, as 0.95.")
    if replications < 2:
        raise JanginError(f"{replications} replications show no spread; give 2 or more, as 200.")
    if threads < 0:
        raise JanginError(f"{threads} threads cannot be; give 0 for one per core, or more.")


def _enough(
    layout: Layout, ready: Ready, settings: dict[str, float], precision: float, at_most: int, confidence: float,
    tell: Tell,
) -> Replications:  # fmt: skip
    """Replications until their mean is known well enough, or `at_most` of them."""
    runs: Replications | None = None
    count = 0
    while True:
        n = min(ready.at_once, at_most - count)
        more = ready.simulate(layout, replications=n, first=count, **settings)
        engines.refuse_standstill(layout, more)
        runs = more if runs is None else Replications.concat([runs, more])
        count += n
        tell(Progress("replications", count, mean_interval(runs.per_hour, confidence).relative))
        if count >= at_most or replications_needed(runs.per_hour, precision, confidence, at_most).enough:
            return runs


def _effects(
    layout: Layout, ready: Ready, settings: dict[str, float], runs: Replications, confidence: float, tell: Tell
) -> tuple[Effect, ...]:
    """What every single change would bring, on the random numbers of the first replications."""
    n = min(len(runs), ready.at_once)
    tell(Progress("what if", n, None))

    def compare(others: Sequence[Layout]) -> list[Replications]:
        return ready.compare(others, replications=n, states=False, **settings)

    return sensitivity(layout, compare, runs.per_hour[:n], confidence)


def _interval(values: Array, confidence: float) -> Interval | None:
    known = values[np.isfinite(values)]
    return mean_interval(known, confidence) if len(known) >= 2 else None
