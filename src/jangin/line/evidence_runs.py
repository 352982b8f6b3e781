"""Runs of lines with stations that are evidence: draws of what the trials leave open, by number, on any engine.

    known = EvidenceRuns(inner=10)
    plant = located(layout, Path("plant"))                 # its run folders, as paths from here
    engine = known.ready("path", threads=0)                # an engines.Ready: simulate and compare as of any line
    engine.simulate(plant, seed=7, replications=640, horizon_s=36_000.0, warmup_s=0.0)    # 64 draws, 10 runs of each

Run c belongs to draw c // inner: every station with evidence is as good in it as that draw says. Layouts without such
stations run as ever, so that a plain station can be compared with one that is evidence.

What is common, and what is not
    Draw k follows from the seed, k and the evidence: not from the station, nor from how many draws are made. So the
    same policy at two stations is the same unknown at both, and two layouts with the same evidence are compared at the
    same draws. Other evidence is drawn independently, at the same station too: what is not known of one policy says
    nothing of another. Were they drawn from the same numbers, two policies would be good or bad together, and the
    interval of their difference would come out too narrow.
    Part i of run c has the same random numbers at a station of the same name, whatever its evidence and its pace: they
    choose how its attempts end and how long they take. All other chances are those of the engine for run c.
    No two runs of a layout share a number: common ones would be seen by neither variance (`stats/nested.py`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import overload

import numpy as np

from jangin import streams
from jangin.line import engines, path
from jangin.line import layout as lay
from jangin.line.engines import Ready
from jangin.line.evidence_posterior import Outer, moments, outer
from jangin.line.evidence_station import StationEvidence, paced, read_evidence, warnings
from jangin.line.evidence_times import PathTimes
from jangin.line.layout import Layout
from jangin.line.result import Replications

__all__ = ["PORTION", "EvidenceRuns", "carries_evidence", "located"]

Array = np.ndarray

PORTION = 64  # draws that are made, and run, together; part of what a seed means
SPARE = 1.5  # part times drawn ahead, over what a run of the quickest draw needs on average


def carries_evidence(layout: Layout) -> bool:
    """Whether some station's cycle is evidence."""
    return layout.carries_evidence


def located(layout: Layout, folder: Path) -> Layout:
    """The layout with its run folders as paths from the working directory; `folder` is where they were relative to."""
    stations = list(layout.stations)
    for k, s in enumerate(stations):
        if isinstance(s.cycle.time, lay.Evidence):
            found = dataclasses.replace(s.cycle.time, run=str(folder / s.cycle.time.run))
            stations[k] = dataclasses.replace(s, cycle=lay.Cycle(found))
    return dataclasses.replace(layout, stations=tuple(stations))


class EvidenceRuns:
    """Every folder is read and checked once, every draw made once.

    Attributes:
        inner: runs of each draw.
    """

    def __init__(self, inner: int = 1) -> None:
        self.inner = inner
        self._read: list[StationEvidence] = []  # at the pace of their trials
        self._draws: dict[tuple[str, int, int], Outer] = {}

    def evidence(self, layout: Layout) -> dict[int, StationEvidence]:
        """The evidence of each station that has some, by its number; hashes checked. Raises: as `read_evidence`."""
        times = {k: s.cycle.time for k, s in enumerate(layout.stations)}
        return {k: paced(self._whole(t), t.pace) for k, t in times.items() if isinstance(t, lay.Evidence)}

    def warnings(self, *layouts: Layout) -> tuple[str, ...]:
        """What to know about their evidence before using it, each sentence once."""
        found = [e for layout in layouts for e in self.evidence(layout).values()]
        return tuple(dict.fromkeys(w for e in found for w in warnings(e, today=date.today())))

    def unfit(self, layout: Layout) -> dict[str, str]:
        """Why each engine cannot honour the layout, "" where it can."""
        return engines.unfit(layout, *self._about(layout))

    def choose(self, layout: Layout, engine: str) -> tuple[str, str]:
        """As `engines.choose`."""
        return engines.choose(layout, engine, *self._about(layout))

    def drawn(self, layout: Layout, *, seed: int, draws: int, first: int = 0) -> dict[int, Outer]:
        """Draws first .. first + draws - 1 of every station with evidence, by its number."""
        return {k: self._drawn(e, seed, first, draws) for k, e in self.evidence(layout).items()}

    def part_s(self, layout: Layout, seed: int) -> dict[int, float]:
        """Mean time per part of each such station, roughly: over the first draws [s]."""
        drawn = self.drawn(layout, seed=seed, draws=PORTION)
        return {k: float(moments(one).mean_s.mean()) for k, one in drawn.items()}

    def ready(self, name: str, threads: int = 0) -> Ready:
        """The engine `name` for layouts with evidence; replications and `first` are multiples of `inner`."""
        plain = engines.ready(name, threads)

        def simulate(layout: Layout, *, seed: int, replications: int, first: int = 0, **window: float) -> Replications:
            if not carries_evidence(layout):
                return plain.simulate(layout, seed=seed, replications=replications, first=first, **window)
            parts = []
            for low, n in _portions(first // self.inner, replications // self.inner):
                drawn = self.drawn(layout, seed=seed, draws=n, first=low)
                parts.append(self._run(name, layout, drawn, seed, window, threads))
            return Replications.concat(parts)

        def compare(layouts: Sequence[Layout], **settings: int | float) -> list[Replications]:
            return [simulate(layout, **settings) for layout in layouts]  # type: ignore[arg-type]

        return Ready(name, plain.at_once, plain.compile_s, simulate, compare)

    def example(self, layout: Layout, *, seed: int, horizon_s: float) -> Layout:
        """The line of run 0, its part times drawn ahead."""
        drawn = self.drawn(layout, seed=seed, draws=1)
        return _Columns(layout, self._times(layout, drawn, seed), drawn, horizon_s)[0]

    def _about(self, layout: Layout) -> tuple[tuple[int, ...], str]:
        """Stations with evidence, by number, and one of them that scraps the parts it gives up."""
        found = self.evidence(layout)
        scraps = (layout.stations[k].name for k, e in found.items() if e.declared.given_up == "scrap")
        return tuple(found), next(scraps, "")

    def _whole(self, declared: lay.Evidence) -> StationEvidence:
        """What the folder says, at the pace of its trials."""
        whole = dataclasses.replace(declared, pace=1.0)
        found = next((e for e in self._read if e.declared == whole), None)
        if found is None:
            found = read_evidence(Path(whole.run), whole)
            self._read.append(found)
        return found

    def _drawn(self, evidence: StationEvidence, seed: int, first: int, n: int) -> Outer:
        portions = range(first // PORTION, -(-(first + n) // PORTION))
        made = [self._portion(evidence, seed, number) for number in portions]
        skip = first - portions.start * PORTION
        rows = slice(skip, skip + n)
        p = np.concatenate([o.p for o in made])[rows]
        table_s = np.concatenate([o.table_s for o in made])[rows] * evidence.declared.pace
        return Outer(evidence, made[0].outcomes, p, table_s, first)

    def _portion(self, evidence: StationEvidence, seed: int, number: int) -> Outer:
        """Draws number * PORTION and on, from a stream of their own."""
        named = evidence.trials_sha256, seed, number
        if named not in self._draws:
            key = streams.key("line/evidence", seed=seed, purpose=f"posterior/{evidence.trials_sha256}")
            rng = np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, number, 0], np.uint64)))
            self._draws[named] = outer(self._whole(evidence.declared), PORTION, rng)
        return self._draws[named]

    def _times(self, layout: Layout, drawn: Mapping[int, Outer], seed: int) -> dict[int, PathTimes]:
        keys = {k: streams.key(f"line/{layout.stations[k].name}", seed=seed, purpose="parts") for k in drawn}
        return {k: PathTimes(one, self.inner, keys[k]) for k, one in drawn.items()}

    def _run(
        self, name: str, layout: Layout, drawn: Mapping[int, Outer], seed: int, window: Mapping[str, float],
        threads: int,
    ) -> Replications:  # fmt: skip
        """Every run of some draws: by the recursion at once, or each as a layout of its own by next events."""
        times = self._times(layout, drawn, seed)
        one = next(iter(drawn.values()))
        first, n = one.first * self.inner, len(one) * self.inner
        if name == "path":
            return path.simulate_until(layout, seed=seed, replications=n, first=first, times=times, **window)  # type: ignore[arg-type]
        from jangin.line.events import engine as events  # imports numba

        columns = _Columns(layout, times, drawn, window["horizon_s"])
        return events.simulate_each(columns, seed=seed, first=first, threads=threads, **window)  # type: ignore[arg-type]


def _portions(first: int, n: int) -> list[tuple[int, int]]:
    """Draws first .. first + n - 1 as (first, how many) that do not reach over a portion's end."""
    ends = [*range((first // PORTION + 1) * PORTION, first + n, PORTION), first + n]
    return [(low, high - low) for low, high in zip([first, *ends], ends, strict=False)]


class _Columns(Sequence[Layout]):
    """The runs as layouts, each made when it is asked for: their evidence is replaced by part times drawn ahead.

    A time below zero is that of a part given up as scrap: the engine scraps it after as long.
    """

    def __init__(
        self, layout: Layout, times: Mapping[int, PathTimes], drawn: Mapping[int, Outer], horizon_s: float
    ) -> None:
        self._layout, self._ahead = layout, {}
        for k, draw in times.items():
            least_s = float(moments(drawn[k]).mean_s.min())
            values = draw(int(SPARE * horizon_s * layout.stations[k].machines / least_s) + 64)
            self._ahead[k] = np.where(draw.scrapped, -values, values).T

    def __len__(self) -> int:
        return len(next(iter(self._ahead.values())))

    @overload
    def __getitem__(self, at: int) -> Layout: ...
    @overload
    def __getitem__(self, at: slice) -> list[Layout]: ...
    def __getitem__(self, at: int | slice) -> Layout | list[Layout]:
        if isinstance(at, slice):
            return [self[k] for k in range(*at.indices(len(self)))]
        stations = list(self._layout.stations)
        for k, values in self._ahead.items():
            trace = lay.Trace(tuple(values[at].tolist()))
            stations[k] = dataclasses.replace(stations[k], cycle=lay.Cycle(trace))
        return dataclasses.replace(self._layout, stations=tuple(stations))
