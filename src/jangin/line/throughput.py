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

__all__ = ["Effect", "StationAnswer", "Throughput"]


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
