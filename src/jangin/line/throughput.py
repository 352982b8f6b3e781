"""What a plant gets: the answer of `flow`, the same whichever engine gave it.

answer = flow(read_layout("door.yaml"))
answer.per_hour.mean, answer.per_hour.half_width      # never a point alone
answer.sentence
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jangin.line.bottleneck import ArrowRule, ShiftingBottleneck, StateLog
from jangin.line.iso22400 import Indicators
from jangin.line.layout import Layout
from jangin.line.result import Replications
from jangin.stats.nested import Halving, TwoLevel
from jangin.stats.output import Interval, Paired

__all__ = ["CrewAnswer", "Effect", "FleetAnswer", "StationAnswer", "Throughput"]


@dataclass(frozen=True)
class StationAnswer:
    """What one station does.

    Attributes:
        name: of the station.
        shares: share of its machines' time in each of `iso22400.STATES`, means over the replications; sums to 1.
        per_hour: parts it finished per hour.
        indicators: ISO 22400, of the mean times and counts.
    """

    name: str
    shares: Mapping[str, float]
    per_hour: float
    indicators: Indicators | None


@dataclass(frozen=True)
class CrewAnswer:
    """What the people of one crew do, operators and repairers alike.

    Attributes:
        name: of the crew.
        people: how many there are.
        shares: share of their time in each of `result.PERSON_STATES`, means over the replications; sums to 1.
        worker_efficiency: ISO 22400: time busy over time not off shift; None if they are never on shift.
    """

    name: str
    people: int
    shares: Mapping[str, float]
    worker_efficiency: float | None


@dataclass(frozen=True)
class FleetAnswer:
    """What the vehicles of one fleet do.

    Attributes:
        name: of the fleet.
        vehicles: how many there are.
        shares: share of their time in each of `result.VEHICLE_STATES`, means over the replications; sums to 1.
        per_hour: parts they put down per hour, all together.
        least_charge: share of a full battery that was left to any of them at the end of a drive, at the least; below 0
            it drove on with none. None for vehicles that never charge, or never drove.
    """

    name: str
    vehicles: int
    shares: Mapping[str, float]
    per_hour: float
    least_charge: float | None


@dataclass(frozen=True)
class Effect:
    """What one change would do to the throughput, under common random numbers.

    Attributes:
        name: the station or buffer that is changed.
        change: in words, as "cycle time 10 % shorter" or "one place more".
        per_hour: difference of good parts per hour, changed minus as declared, with its interval.
    """

    name: str
    change: str
    per_hour: Paired


@dataclass(frozen=True)
class Throughput:
    """Good parts per hour and what they rest on.

    Attributes:
        layout: what was asked about.
        engine, why: "analytic", "path" or "events", and why that one.
        exact: True where the numbers are the model's own; False for simulation or approximation.
        per_hour: good parts per hour; for an exact answer half_width is 0.
        wip, lead_s: mean parts in the line, mean time from release to leaving [s]; None where not measured.
        stations: in declared order.
        buffers: mean parts in each buffer by name.
        people, fleets: of each crew and each fleet, in declared order; empty where the engine does not keep them.
        first_pass: of the parts that left or were scrapped, the share that left good and was never reworked: the line's
            first pass yield; None where not measured.
        seed, replications, warmup_s, horizon_s: how it was simulated; 0 where it was not.
        runs: what every replication measured; None for an analytic answer.
        arrow, shifting: the bottleneck by either method; None where it does not apply.
        log: the states of one replication, machine by machine; None where none was kept.
        split: of a line with evidence: the interval in two parts; None otherwise.
        halving: how many more trials would halve the interval, by station with evidence.
        effects: sensitivity to each station and buffer; empty if not asked for.
        takt_met: probability that the line keeps the layout's takt; None if none is asked.
        compile_s: time spent compiling the engine; 0 from a warm cache.
        warnings: what the user should know before using the number, one sentence each.
        sentence: the answer.
    """

    layout: Layout
    engine: str
    why: str
    exact: bool
    per_hour: Interval
    wip: Interval | None
    lead_s: Interval | None
    stations: tuple[StationAnswer, ...]
    buffers: Mapping[str, float]
    sentence: str
    people: tuple[CrewAnswer, ...] = ()
    fleets: tuple[FleetAnswer, ...] = ()
    first_pass: Interval | None = None
    seed: int = 0
    replications: int = 0
    warmup_s: float = 0.0
    horizon_s: float = 0.0
    runs: Replications | None = None
    arrow: ArrowRule | None = None
    shifting: ShiftingBottleneck | None = None
    log: StateLog | None = None
    split: TwoLevel | None = None
    halving: Mapping[str, Halving] | None = None
    effects: tuple[Effect, ...] = ()
    takt_met: float | None = None
    compile_s: float = 0.0
    warnings: tuple[str, ...] = ()
