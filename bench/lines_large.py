"""What a plant's size costs: a line with evidence drawn a thousand times, and a week of 300 stations and 200 vehicles.

    rows = evidence_rows(draws=1000, inner=30, seed=0, threads=0)      # time and peak memory, in a new process
    rows = [plant_row(horizon_s=WEEK_S, repeats=3, seed=0)]

The limits are absolute: what somebody will wait for at a desk, and what a laptop has to spare.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bench.lines_models import evidence_line, plant
from bench.memory import GB, peak
from bench.rows import Row
from jangin import streams
from jangin.line import path
from jangin.line.evidence_posterior import outer
from jangin.line.evidence_times import PathTimes
from jangin.line.result import Replications

__all__ = ["WEEK_S", "evidence_rows", "plant_row", "study"]

WEEK_S = 7 * 86_400.0
PARTS, WARMUP_PARTS = 480, 40  # of every run of the line with evidence
AT_ONCE = 64  # draws run together
EVIDENCE_S, EVIDENCE_GB, PLANT_S = 15.0, 1.0, 60.0


def study(draws: int, inner: int, *, seed: int, threads: int) -> Replications:
    """Every draw of what the evidence leaves open, `inner` runs of each, by the recursion over parts."""
    layout, station, evidence = evidence_line()
    key = streams.key("bench/evidence", seed=seed, purpose="parts")
    drawn = outer(evidence, draws, np.random.Generator(np.random.Philox(seed)))

    def portion(first: int) -> Replications:
        own = drawn.part(first, min(AT_ONCE, draws - first))
        return path.simulate(
            layout, seed=seed, replications=len(own) * inner, first=first * inner, parts=PARTS,
            warmup_parts=WARMUP_PARTS, times={station: PathTimes(own, inner, key)},
        )  # fmt: skip

    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        return Replications.concat(list(pool.map(portion, range(0, draws, AT_ONCE))))


def evidence_rows(*, draws: int, inner: int, seed: int, threads: int) -> list[Row]:
    """Time and largest resident set of a new process that does `study`, its imports included."""
    code = f"from bench.lines_large import study; study({draws}, {inner}, seed={seed}, threads={threads})"
    paths = os.pathsep.join(p or "." for p in sys.path)
    used = peak(["env", f"PYTHONPATH={paths}", sys.executable, "-c", code])
    if used.code != 0:
        raise RuntimeError(f"The line with evidence could not be run: {used.errors.strip().splitlines()[-1]}")
    stations = len(evidence_line()[0].stations)
    what = f"line with evidence: {draws:,} draws x {inner} runs x {PARTS} parts x {stations} stations"
    note = f"a new process, {threads or os.cpu_count()} threads"
    gb = used.resident / GB
    return [
        Row(
            what, "s", [used.seconds], f"{EVIDENCE_S:g} s", used.seconds / EVIDENCE_S, 1.0, less_is_better=True,
            note=note,
        ),
        Row(
            f"{what}, peak memory", "GB resident", [gb], f"{EVIDENCE_GB:g} GB", gb / EVIDENCE_GB, 1.0,
            less_is_better=True, timed=False, note=note,
        ),
    ]  # fmt: skip


def plant_row(*, horizon_s: float, repeats: int, seed: int) -> Row:
    """Time of one replication of the plant on one thread, compiled before."""
    from jangin.line.events.engine import compiled, simulate

    layout = plant()
    compiled()
    seconds: list[float] = []
    for k in range(repeats):
        begin = time.perf_counter()
        runs = simulate(layout, seed=seed, replications=1, first=k, horizon_s=horizon_s, threads=1)
        seconds.append(time.perf_counter() - begin)
    assert runs.deliveries is not None
    what = f"plant of {len(layout.stations)} stations and {layout.fleets[0].vehicles} vehicles, {horizon_s / 3600:g} h"
    note = f"{int(runs.finished.sum()):,} part-operations, {int(runs.deliveries.sum()):,} deliveries"
    ratio = float(np.median(seconds)) / PLANT_S
    return Row(what, "s", seconds, f"{PLANT_S:g} s", ratio, 1.0, less_is_better=True, note=note)
