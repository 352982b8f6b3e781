"""A line with stations that are evidence: what the trials leave open, and what the process varies, kept apart.

Two levels of chance. Outside, `draws` times, every such station's success probabilities and attempt times are drawn
from what its trials leave open; inside, each of these lines is run several times. The spread of the long-run means over
the draws is what more trials would narrow; the spread inside is what a plant lives with however well the policy is
known.

No two runs share a random number: common ones would be seen by neither variance (`stats/nested.py`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from jangin import streams
from jangin.errors import JanginError
from jangin.line import engines
from jangin.line import layout as lay
from jangin.line.answering import station_answers, wording
from jangin.line.bottleneck import shifting_bottleneck
from jangin.line.duration import length_s
from jangin.line.evidence_posterior import Outer, halvings, moments, outer, shares
from jangin.line.evidence_station import StationEvidence, read_evidence, warnings
from jangin.line.evidence_times import PathTimes
from jangin.line.layout import Layout
from jangin.line.limits import arrows
from jangin.line.result import Replications
from jangin.line.throughput import Throughput
from jangin.stats.nested import two_level
from jangin.stats.output import Interval, mean_interval

__all__ = ["flow"]

Array = np.ndarray

INNER = 10  # runs of each draw
CYCLES = 500.0  # of the slowest station with evidence in a run, at least
WARM_SHARE = 0.1  # of a run
SPARE = 1.5  # part times drawn ahead, over what a run of the quickest draw needs on average


def flow(
    layout: Layout, *, engine: str, seed: int, horizon_s: float | None, warmup_s: float | None, confidence: float,
    folder: Path, draws: int, threads: int, tell: Callable[[str, int], None],
) -> Throughput:  # fmt: skip
    """As `flow.flow`, for a layout in which some station's cycle is evidence; tell(stage, replications done)."""
    _check_draws(draws, confidence)
    found = _evidence(layout, folder)
    scrapping = next((layout.stations[k].name for k, e in found.items() if e.declared.given_up == "scrap"), "")
    chosen, why = engines.choose(layout, engine, tuple(found), scrapping)
    drawn = {k: outer(e, draws, _rng(layout, k, seed)) for k, e in found.items()}
    means = {k: float(moments(o).mean_s.mean()) for k, o in drawn.items()}
    horizon = horizon_s or max(length_s(layout), CYCLES * max(means[k] / layout.stations[k].machines for k in means))
    warmup = WARM_SHARE * horizon if warmup_s is None else warmup_s
    if not 0.0 <= warmup < horizon:
        raise JanginError(f"A warm-up of {warmup:g} s in {horizon:g} s leaves nothing; give a shorter one.")
    tell("compile" if chosen == "events" else "replications", 0)
    ready = engines.ready(chosen, threads)
    least = {k: float(moments(o).mean_s.min()) for k, o in drawn.items()}
    study = _Study(layout, drawn, least, seed, horizon, warmup)
    runs = study.by_path() if chosen == "path" else study.by_events(threads)
    tell("replications", len(runs))
    engines.refuse_standstill(layout, runs)
    log, compile_s, unlogged = engines.logged(study.first(), ready, seed, horizon)
    per_hour = runs.per_hour.reshape(draws, INNER)
    split = two_level(per_hour, confidence)
    names = {layout.stations[k].name: k for k in found}
    alone = shares(per_hour.mean(axis=1), {n: drawn[k] for n, k in names.items()}) if len(names) > 1 else None
    answer = Throughput(
        layout=layout,
        engine=chosen,
        why=why,
        exact=False,
        per_hour=mean_interval(per_hour.mean(axis=1), confidence),
        wip=_by_draws(runs.wip, draws, confidence),
        lead_s=_by_draws(runs.lead_s, draws, confidence),
        stations=station_answers(layout, runs),
        buffers={b.name: float(m) for b, m in zip(layout.buffers, runs.buffers.mean(axis=0), strict=True)},
        sentence="",
        seed=seed,
        replications=len(runs),
        warmup_s=warmup,
        horizon_s=horizon,
        runs=runs,
        arrow=arrows(layout, runs),
        shifting=shifting_bottleneck(log) if log is not None else None,
        log=log,
        split=split,
        halving=halvings(split, {n: found[k] for n, k in names.items()}, alone),
        takt_met=float(np.mean(runs.per_hour >= layout.asked_per_hour)) if layout.asked_per_hour else None,
        compile_s=compile_s,
        warnings=(*(w for e in found.values() for w in warnings(e, today=date.today())), *unlogged),
    )
    return dataclasses.replace(answer, sentence=wording(answer))


def _check_draws(draws: int, confidence: float) -> None:
    least = math.ceil(2.0 / (1.0 - confidence)) - 1  # the ends of the interval lie among as many
    if draws < least:
        raise JanginError(f"{draws} draws are too few for an interval of {confidence:.0%}; give {least} or more.")


def _by_draws(values: Array, draws: int, confidence: float) -> Interval | None:
    """Of the means of the draws, because runs of one draw are not independent; None where a run knows no value."""
    means = values.reshape(draws, INNER).mean(axis=1)
    return mean_interval(means, confidence) if np.isfinite(means).all() else None


def _evidence(layout: Layout, folder: Path) -> dict[int, StationEvidence]:
    """The evidence of each station that has some, by its number; hashes checked."""
    found = {}
    for k, s in enumerate(layout.stations):
        if isinstance(s.cycle.time, lay.Evidence):
            found[k] = read_evidence(folder / s.cycle.time.run, s.cycle.time)
    return found


def _key(layout: Layout, station: int, seed: int, purpose: str) -> Array:
    return streams.key(f"line/{layout.stations[station].name}", seed=seed, purpose=purpose)


def _rng(layout: Layout, station: int, seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=_key(layout, station, seed, "posterior")))


@dataclass(frozen=True)
class _Study:
    """The line with the times that were drawn for its stations with evidence: column c is a run of draw c // INNER."""

    layout: Layout
    drawn: Mapping[int, Outer]
    least_s: Mapping[int, float]  # mean part time of each such station in its quickest draw
    seed: int
    horizon_s: float
    warmup_s: float

    def by_path(self) -> Replications:
        """All columns at once by the recursion."""
        from jangin.line import path

        return path.simulate_until(
            self.layout, seed=self.seed, replications=len(self) * INNER, horizon_s=self.horizon_s,
            warmup_s=self.warmup_s, times={k: self._times(k, 0, len(self)) for k in self.drawn},
        )  # fmt: skip

    def by_events(self, threads: int) -> Replications:
        """Every column as a layout of its own by the next-event engine."""
        from jangin.line.events import engine as events

        layouts = [one for d in range(len(self)) for one in self._layouts(d)]
        return events.simulate_each(
            layouts, seed=self.seed, horizon_s=self.horizon_s, warmup_s=self.warmup_s, threads=threads
        )

    def first(self) -> Layout:
        """The line of the first column, its times drawn."""
        return next(self._layouts(0))

    def __len__(self) -> int:
        return len(next(iter(self.drawn.values())))

    def _times(self, station: int, first: int, n: int) -> PathTimes:
        return PathTimes(self.drawn[station].part(first, n), INNER, _key(self.layout, station, self.seed, "parts"))

    def _layouts(self, draw: int) -> Iterator[Layout]:
        """The columns of a draw, their evidence replaced by the times drawn ahead.

        A time below zero is that of a part given up as scrap: the engine scraps it after as long.
        """
        ahead = {}
        for k in self.drawn:
            times = self._times(k, draw, 1)
            values = times(int(SPARE * self.horizon_s * self.layout.stations[k].machines / self.least_s[k]) + 64)
            ahead[k] = np.where(times.scrapped, -values, values).T
        for c in range(INNER):
            yield _following(self.layout, {k: values[c] for k, values in ahead.items()})


def _following(layout: Layout, times: Mapping[int, Array]) -> Layout:
    stations = list(layout.stations)
    for k, values in times.items():
        stations[k] = dataclasses.replace(stations[k], cycle=lay.Cycle(lay.Trace(tuple(values.tolist()))))
    return dataclasses.replace(layout, stations=tuple(stations))
