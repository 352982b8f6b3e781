"""The lines that the part `lines` measures, small enough to be written again by hand in any other program.

exponential(5, capacity=2)                   # saturated, mean 1 s at every station
failing(5, capacity=2, operators=2)          # the same with failures of running machines, and people shared by all

And two that are only timed: `evidence_line`, whose fifth station is evidence, and `plant`, with vehicles and a crew.
"""

from __future__ import annotations

import dataclasses
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np

from jangin.line.evidence_station import StationEvidence
from jangin.line.layout import (
    Buffer,
    Constant,
    Crew,
    Cycle,
    Evidence,
    Exponential,
    Failure,
    Fleet,
    Layout,
    Lognormal,
    Release,
    Station,
)

__all__ = ["CYCLE_S", "evidence_line", "exponential", "failing", "plant"]

CYCLE_S = 1.0
UP_S, DOWN_S = 50.0, 5.0  # means: running time to a failure, and its repair


def exponential(stations: int, *, capacity: int) -> Layout:
    """A saturated row of single machines with exponential cycle times, equal buffers, blocking after service."""
    row = tuple(Station(f"s{i}", Cycle(Exponential(CYCLE_S))) for i in range(stations))
    buffers = tuple(Buffer(f"b{i}", (f"s{i}",), (f"s{i + 1}",), capacity) for i in range(stations - 1))
    return Layout(f"{stations} exponential stations", row, buffers)


def failing(stations: int, *, capacity: int, operators: int) -> Layout:
    """That row with operation-dependent failures, every run needing one of a few operators until it ends."""
    line = exponential(stations, capacity=capacity)
    tool = Failure("tool", after=Exponential(UP_S), repair=Exponential(DOWN_S))
    row = tuple(dataclasses.replace(s, failures=(tool,), operator="run") for s in line.stations)
    crew = Crew("operators", operators, skills=("run",))
    return dataclasses.replace(line, name=f"{stations} failing stations", stations=row, crews=(crew,))


def evidence_line() -> tuple[Layout, int, StationEvidence]:
    """Ten stations in a row; the number of the fifth, which is a policy, and what 1,000 trials of it said."""
    cell = Evidence(
        "cell", handling_s=25.0, attempts=3, recovery={"default": Constant(20.0)}, given_up="manual",
        manual=Constant(60.0),
    )  # fmt: skip
    row = [Station(f"s{i}", Cycle(Lognormal(32.0, 0.15))) for i in range(9)]
    row.insert(4, Station("cell", Cycle(cell)))
    buffers = tuple(Buffer(f"b{i}", (a.name,), (z.name,), 3) for i, (a, z) in enumerate(pairwise(row)))
    rng = np.random.default_rng(0)
    evidence = StationEvidence(
        run=Path("cell"), declared=cell, outcomes={"success": 940, "jammed": 45, "timeout": 15},
        cycle_s=np.sort(rng.lognormal(1.6, 0.3, 940)), failed_s=20.0, limit_s=20.0, task="cell", policy="policy",
        chip="chip", engine="engine", made=date(2026, 1, 1), verdict="QUALIFIED", sentence="", plan_sha256="",
        trials_sha256="", conditions={},
    )  # fmt: skip
    return Layout("line with evidence", tuple(row), buffers), 4, evidence


def plant(stations: int = 300, vehicles: int = 200) -> Layout:
    """Stations in rows of 30 that a crew on foot repairs; vehicles carry to two buffers of three."""
    jam = Failure("jam", after=Exponential(7200.0), repair=Lognormal(180.0, 0.6), crew="fitters")
    row = tuple(
        Station(f"s{i}", Cycle(Lognormal(50.0, 0.1)), failures=(jam,), at_m=(6.0 * (i % 30), 12.0 * (i // 30)))
        for i in range(stations)
    )
    buffers = tuple(
        Buffer(f"b{i}", (a.name,), (z.name,), 6, fleet="vehicles" if i % 3 != 2 else None)
        for i, (a, z) in enumerate(pairwise(row))
    )
    fleet = Fleet(
        "vehicles", vehicles, 1.2, 8.0, 8.0, (90.0, 60.0), drive_s=14_400.0, reserve_s=1200.0, charge_s=1800.0
    )
    crew = Crew("fitters", 20, speed_m_s=1.3)
    release = Release("s0", "takt", Constant(60.0))
    return Layout(f"{stations} stations, {vehicles} vehicles", row, buffers, (release,), fleets=(fleet,), crews=(crew,))
