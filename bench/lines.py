"""Production lines: part-operations per second against SimPy and salabim, cost by size, compile time.

    rows = lines(LineSize(), seed=0, threads=0)

All programs run the same layout over the same time, with the same statistics (`jangin.line.result`), in turn; a ratio
is the median over those turns. What they found is compared in the same run: a fast wrong answer is no answer. A
part-operation is one part finished at one station after the warm-up, which is the same share of everybody's run.
"""

from __future__ import annotations

import functools
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.lines_large import WEEK_S, evidence_rows, plant_row
from bench.lines_models import CYCLE_S, exponential, failing
from bench.rows import Row
from jangin.line.analytic.tandem import Station, line_in_steady_state
from jangin.line.layout import Layout
from jangin.line.path import NotExact, simulate_until, unfit
from jangin.line.result import STATES, Replications
from jangin.stats.output import mean_interval

__all__ = ["LineSize", "Side", "agreement", "contest", "lines", "statistics"]

STATIONS, CAPACITY, OPERATORS = 5, 2, 2
PATH_TARGET, EVENTS_TARGET = 350.0, 100.0  # times SimPy
ALPHA = 0.001  # how often programs that agree would be said to disagree
SAME = 1e-9  # relative: sums of the same times in another order
UNIT = "part-ops/s"
LONG_LINE = 0.6  # parts per second of a long line of the kind measured, about
NO_LENGTH_S = 1e-6  # in which nothing happens


@dataclass(frozen=True)
class LineSize:
    """How much to measure.

    Attributes:
        horizon_s, warmup_s: of every replication, in every program.
        path, events, peers: replications per turn.
        turns: of everybody, alternating; turns x peers is at least 2, an interval needs two values.
        stations: sizes of the lines for the cost per event.
        operations: part-operations of each of those lines, about.
        sweeps: of all sizes, one after another.
        draws, inner: of what the evidence of a station leaves open, and runs of each.
        plant_s: length of a replication of the large plant.
        cold: whether to compile everything anew once, which takes most of a minute.
    """

    horizon_s: float = 10_000.0
    warmup_s: float = 500.0
    path: int = 1024
    events: int = 64
    peers: int = 2
    turns: int = 7
    stations: tuple[int, ...] = (10, 30, 100, 300, 1000)
    operations: int = 2_000_000
    sweeps: int = 3
    draws: int = 1000
    inner: int = 30
    plant_s: float = WEEK_S
    cold: bool = True


def lines(size: LineSize, *, seed: int, threads: int) -> list[Row]:
    """Both models, the sizes, the two large cases, and a new process's first answer."""
    simple = exponential(STATIONS, capacity=CAPACITY)
    shared = failing(STATIONS, capacity=CAPACITY, operators=OPERATORS)
    return [
        *contest("line", simple, _sides(simple, size, seed, threads, salabim=True), size.turns, _exact_per_hour()),
        *contest("failing line", shared, _sides(shared, size, seed, threads, salabim=False), size.turns),
        *_costs(size, seed),
        *evidence_rows(draws=size.draws, inner=size.inner, seed=seed, threads=threads),
        plant_row(horizon_s=size.plant_s, repeats=size.sweeps, seed=seed),
        *_first_answers(cold=size.cold),
    ]


def _exact_per_hour() -> float:
    """Of the line without failures, from its Markov chain."""
    stations = [Station(1.0 / CYCLE_S) for _ in range(STATIONS)]
    return 3600.0 * line_in_steady_state(stations, buffers=[CAPACITY] * (STATIONS - 1)).throughput


# ── the same line in every program ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Side:
    """One program: so many replications from number `first` on, how many those are, what it should reach."""

    run: Callable[[int], Replications]
    replications: int
    target: float | None = None


def _sides(layout: Layout, size: LineSize, seed: int, threads: int, *, salabim: bool) -> dict[str, Side]:
    """SimPy first: it is what the others are compared with."""
    from bench import lines_simpy
    from jangin.line.events.engine import simulate

    horizon_s, warmup_s = size.horizon_s, size.warmup_s

    def path(first: int) -> Replications:
        return simulate_until(
            layout, seed=seed, replications=size.path, first=first, horizon_s=horizon_s, warmup_s=warmup_s
        )

    def events(first: int, cores: int) -> Replications:
        first += cores * 1_000_000  # other replications for each number of threads: each tells something new
        return simulate(
            layout, seed=seed, replications=size.events, first=first, horizon_s=horizon_s, warmup_s=warmup_s,
            threads=cores,
        )  # fmt: skip

    cores = threads or os.cpu_count() or 1
    sides = {
        "SimPy, 1 process": Side(_one_by_one(lines_simpy.simulate, layout, size, seed), size.peers),
        "path, 1 core": Side(path, size.path, PATH_TARGET),
        "events, 1 thread": Side(functools.partial(events, cores=1), size.events),
        f"events, all {cores} threads": Side(functools.partial(events, cores=cores), size.events, EVENTS_TARGET),
    }
    if salabim:
        from bench import lines_salabim

        sides["salabim, 1 process"] = Side(_one_by_one(lines_salabim.simulate, layout, size, seed), size.peers)
    return sides


def _one_by_one(
    simulate: Callable[..., Replications], layout: Layout, size: LineSize, seed: int
) -> Callable[[int], Replications]:
    """A program that knows one replication at a time, each with a seed of its own."""

    def run(first: int) -> Replications:
        seeds = [1_000_000 * seed + k for k in range(first, first + size.peers)]
        return Replications.concat(
            [simulate(layout, seed=s, horizon_s=size.horizon_s, warmup_s=size.warmup_s) for s in seeds]
        )

    return run


def contest(
    what: str, layout: Layout, sides: Mapping[str, Side], turns: int, exact_per_hour: float | None = None
) -> list[Row]:
    """Everybody in turn, after one turn that does not count (compiling, caches); rates, ratios, then agreement.

    The first side is what the others are compared with; so are all throughputs with the exact one, where it is known.
    """
    refused: dict[str, str] = {}
    for name, side in sides.items():
        try:
            side.run(0)
        except NotExact as e:
            refused[name] = unfit(layout) or str(e)
    running = {name: side for name, side in sides.items() if name not in refused}
    rates: dict[str, list[float]] = {name: [] for name in running}
    found: dict[str, list[Replications]] = {name: [] for name in running}
    for turn in range(1, turns + 1):
        for name, side in running.items():
            begin = time.perf_counter()
            runs = side.run(turn * side.replications)
            rates[name].append(float(runs.finished.sum()) / (time.perf_counter() - begin))
            found[name].append(runs)
    together = {name: Replications.concat(runs) for name, runs in found.items()}
    rows = [
        _refusal(f"{what}: {name}", refused[name]) if name in refused else _rate(f"{what}: {name}", name, rates, side)
        for name, side in sides.items()
    ]
    return [*rows, *_agreements(what, layout, together, exact_per_hour)]


def _rate(what: str, name: str, rates: Mapping[str, Sequence[float]], side: Side) -> Row:
    peer = next(iter(rates))
    pairs = zip(rates[name], rates[peer], strict=True)
    ratio = None if name == peer else float(np.median([own / theirs for own, theirs in pairs]))
    note = f"{side.replications:,} replications a turn"
    return Row(what, UNIT, rates[name], "" if name == peer else peer, ratio, side.target, note=note)


def _refusal(what: str, why: str) -> Row:
    return Row(what, UNIT, [math.nan], note=f"refuses: {why}", details={"refuses": why})


# ── what they found ──────────────────────────────────────────────────────────────────────────────────────────────


def _agreements(
    what: str, layout: Layout, found: Mapping[str, Replications], exact_per_hour: float | None
) -> list[Row]:
    """Throughputs with the exact one, where it is known; then every statistic with that of the first side."""
    rows = []
    if exact_per_hour is not None:
        for name, runs in found.items():
            known = mean_interval(runs.per_hour, 1.0 - ALPHA)
            apart = abs(known.mean - exact_per_hour) / known.half_width
            to = f"interval around it, exactly {exact_per_hour:,.1f}"
            rows.append(_apart(f"{what}, {name}: exact throughput", runs, apart, to, ""))
    (peer, theirs), *others = found.items()
    for name, runs in others:
        by_name = agreement(statistics(layout, runs), statistics(layout, theirs))
        worst = max(by_name, key=lambda statistic: by_name[statistic])
        to = f"interval of the difference to {peer.partition(',')[0]}"
        throughput, farthest = by_name["throughput"], f"farthest apart of {len(by_name)}: {worst}"
        rows.append(_apart(f"{what}, {name}: throughput", runs, throughput, to, ""))
        rows.append(_apart(f"{what}, {name}: every statistic", runs, by_name[worst], to, farthest))
    return rows


def _apart(what: str, runs: Replications, ratio: float, to: str, note: str) -> Row:
    mean = mean_interval(runs.per_hour, 1.0 - ALPHA)
    note = "; ".join(part for part in (f"{mean.mean:,.1f} ± {mean.half_width:.2g}", note) if part)
    return Row(what, "parts/h", [mean.mean], to, ratio, 1.0, less_is_better=True, timed=False, note=note)


def statistics(layout: Layout, runs: Replications) -> dict[str, np.ndarray]:
    """By name, (R,) each: throughput, lead time, mean level of each buffer, share of each state at each station."""
    named = {"throughput": runs.per_hour, "lead time": runs.lead_s}
    named |= {f"level of {b.name}": runs.buffers[:, k] for k, b in enumerate(layout.buffers)}
    for i, station in enumerate(layout.stations):
        for j, state in enumerate(STATES):
            named[f"{station.name} {state}"] = runs.states[:, i, j] / runs.seconds
    return named


def agreement(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> dict[str, float]:
    """By statistic, the difference of the means in half-widths of its interval; at most 1 where they agree.

    All intervals hold together with confidence 1 - ALPHA (Bonferroni); a state that nobody is ever in is no statistic.
    """
    told = {name for name in one if np.any(np.abs(one[name]) > SAME) or np.any(np.abs(other[name]) > SAME)}
    confidence = 1.0 - ALPHA / len(told)
    return {name: _half_widths(one[name], other[name], confidence) for name in one if name in told}


def _half_widths(one: np.ndarray, other: np.ndarray, confidence: float) -> float:
    a, b = mean_interval(one, confidence), mean_interval(other, confidence)
    apart, half = abs(a.mean - b.mean), math.hypot(a.half_width, b.half_width)
    if apart <= SAME * max(abs(a.mean), abs(b.mean)):
        return 0.0
    return apart / half if half > 0.0 else math.inf


# ── larger lines ─────────────────────────────────────────────────────────────────────────────────────────────────


def _costs(size: LineSize, seed: int) -> list[Row]:
    """Nanoseconds per event of one replication on one thread, against growth with log2 of the number of stations.

    The only events of this line are ends of runs, one for each part-operation. Making the tables of a layout is no
    event: it is timed by itself, in a run of no length, and taken off.
    """
    from jangin.line.events.engine import simulate

    def seconds(layout: Layout, horizon_s: float) -> tuple[float, float]:
        begin = time.perf_counter()
        runs = simulate(layout, seed=seed, replications=1, horizon_s=horizon_s, threads=1)
        return time.perf_counter() - begin, float(runs.finished.sum())

    costs: dict[int, list[float]] = {stations: [] for stations in size.stations}
    starts: dict[int, list[float]] = {stations: [] for stations in size.stations}
    seconds(exponential(size.stations[0], capacity=CAPACITY), 1.0)  # compiled, and in the caches
    for _ in range(size.sweeps):
        for stations in size.stations:
            layout = exponential(stations, capacity=CAPACITY)
            start_s, _ = seconds(layout, NO_LENGTH_S)
            ran_s, events = seconds(layout, size.operations / stations / LONG_LINE)
            starts[stations].append(start_s)
            costs[stations].append((ran_s - start_s) * 1e9 / events)
    most = max(size.stations)
    begun = Row(f"events, {most:,} stations, before the first event", "s", starts[most], note="tables of the layout")
    return [*(_cost(stations, costs, size.stations[0]) for stations in size.stations), begun]


def _cost(stations: int, costs: Mapping[int, Sequence[float]], least: int) -> Row:
    per_log = {n: np.array(costs[n]) / math.log2(n) for n in (stations, least)}
    ratio = None if stations == least else float(np.median(per_log[stations] / per_log[least]))
    return Row(
        f"events, {stations:,} stations",
        "ns/event",
        costs[stations],
        against="" if ratio is None else f"{least} stations, per log2 of stations",
        ratio=ratio,
        target=None if ratio is None else 1.0,
        less_is_better=True,
        note=f"{np.median(per_log[stations]):.0f} ns per event and log2({stations:,})",
    )


# ── compile time ─────────────────────────────────────────────────────────────────────────────────────────────────

FRESH = """
import json, time
begin = time.perf_counter()
from bench.lines_models import exponential
from jangin.line.events.engine import simulate
imported = time.perf_counter()
simulate(exponential({stations}, capacity={capacity}), seed=0, replications=1, horizon_s=100.0)
first = time.perf_counter()
simulate(exponential({stations}, capacity={capacity}), seed=0, replications=1, horizon_s=100.0)
again = time.perf_counter()
print(json.dumps({{"import_s": imported - begin, "first_s": first - imported, "again_s": again - first}}))
"""


def _first_answers(*, cold: bool) -> list[Row]:
    """A new process's time to import the engine and run a small line; with an empty cache, then with what that left.

    Without `cold`, with the cache as it is.
    """
    if not cold:
        return [_first_answer("with the cache as it is", [_fresh(None)])]
    with tempfile.TemporaryDirectory(prefix="jangin-numba-") as cache:
        compiled = _fresh(cache)
        cached = [_fresh(cache) for _ in range(3)]
    return [
        _first_answer("compiled anew", [compiled]),
        _first_answer("from the cache", cached),
    ]


def _first_answer(how: str, told: Sequence[Mapping[str, float]]) -> Row:
    def median(what: str) -> float:
        return float(np.median([t[what] for t in told]))

    note = f"import {median('import_s'):.2g} s, first run {median('first_s'):.2g} s, again {median('again_s'):.2g} s"
    values = [t["import_s"] + t["first_s"] for t in told]
    return Row(f"events, first answer of a new process, {how}", "s", values, note=note, details={"told": list(told)})


def _fresh(cache: str | None) -> dict[str, Any]:
    """What a new Python says of its first runs, with compiled code kept in the folder `cache`."""
    code = FRESH.format(stations=STATIONS, capacity=CAPACITY)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)}
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = cache
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise RuntimeError(f"A new process could not run a line: {ran.stderr.strip().splitlines()[-1]}")
    told: dict[str, Any] = json.loads(ran.stdout)
    return told
