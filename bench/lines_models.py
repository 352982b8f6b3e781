"""The lines that the part `lines` measures, small enough to be written again by hand in any other program.

exponential(5, capacity=2)                   # saturated, mean 1 s at every station
failing(5, capacity=2, operators=2)          # the same with failures of running machines, and people shared by all
"""

from __future__ import annotations

import dataclasses

from jangin.line.layout import Buffer, Crew, Cycle, Exponential, Failure, Layout, Station

__all__ = ["CYCLE_S", "exponential", "failing"]

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
