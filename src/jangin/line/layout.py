"""The declared plant: stations joined by buffers, what fails, who mends and carries, how parts are released.

    press = Station("press", cycle=Cycle(Constant(12.0)))
    tip = Failure("tip", after=Exponential(3600.0), repair=Exponential(240.0))
    weld = Station("weld", cycle=Cycle(Lognormal(mean_s=11.0, cv=0.3)), failures=(tip,))
    between = Buffer("b1", source=("press",), target=("weld",), capacity=3)
    line = Layout("door", stations=(press, weld), buffers=(between,))

`layout_file.read_layout("door.yaml")` reads the same from strict YAML. Times are seconds, always.

What happens, exactly (every engine keeps to this; what one cannot keep it refuses by name)
    Release.   A station that no buffer feeds takes its parts from a release: `saturated` (never starved), `push` (they
               arrive at random intervals), `takt` (at equal ones; both wait in a yard without limit), `conwip` (one is
               released when fewer than `wip` are in the line).
    Take.      An idle machine that is up, on shift and free takes the next part its buffers offer; a station with
               `assemble` takes one of every kind at once, and the parts joined vanish into the first. A batch station
               takes exactly `batch` parts, all from one buffer.
    Set up.    When the part type differs from the machine's last, the set-up matrix's time passes first.
    Run.       The cycle time passes. An operator, where one is needed, is called before the set-up, walks, and stays
               until the run ends, through failures as well.
    Fail.      An operation-dependent mode counts running time only; a time-dependent one all time on shift except
               repairs. The machine keeps its part; after the repair it goes on where it stopped. A machine that is down
               neither takes nor gives a part. One repair at a time; a crew, where named, is called first.
    Leave.     A finished part is scrapped, sent to `rework`, or goes on. Blocking "after": it stays in the machine
               until the buffer has room, or the next station's machine takes it directly. Blocking "before": a machine
               starts only if parts in work for that buffer + in it + in the machines behind it < capacity + machines.
    Carry.     Where a buffer names a fleet, a finished part waits for room (which is then kept for it) and for the
               nearest free vehicle; the machine is free when the part is picked up.
    Shifts.    Off shift, and during a planned stop, everything at the station stands still and goes on afterwards;
               a repair already begun goes on.
    Waiting.   Who has waited longest is served first; in a tie the station declared first.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

__all__ = [
    "Buffer", "Calendar", "Constant", "Crew", "Cycle", "Distribution", "Empirical", "Erlang", "Evidence",
    "Exponential", "Failure", "Fleet", "Gamma", "Layout", "Lognormal", "Normal", "Release", "Route", "SetUp", "Station",
    "Stop", "Trace", "Triangular", "Uniform", "Weibull", "Zone", "mean_s",
]  # fmt: skip


# ── times ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Constant:
    """Always `value_s` [s]."""

    value_s: float


@dataclass(frozen=True)
class Exponential:
    """Exponential with mean `mean_s` [s]."""

    mean_s: float


@dataclass(frozen=True)
class Uniform:
    """Uniform between `low_s` and `high_s` [s]."""

    low_s: float
    high_s: float


@dataclass(frozen=True)
class Triangular:
    """Triangular between `low_s` and `high_s` with the peak at `mode_s` [s]."""

    low_s: float
    mode_s: float
    high_s: float


@dataclass(frozen=True)
class Normal:
    """Normal with `mean_s` and `sd_s` [s]; a negative draw becomes 0, so sd_s must be at most mean_s / 3."""

    mean_s: float
    sd_s: float


@dataclass(frozen=True)
class Lognormal:
    """Lognormal with mean `mean_s` [s] and coefficient of variation `cv`, both of the time itself."""

    mean_s: float
    cv: float


@dataclass(frozen=True)
class Gamma:
    """Gamma with mean `mean_s` [s] and coefficient of variation `cv`."""

    mean_s: float
    cv: float


@dataclass(frozen=True)
class Erlang:
    """Sum of `phases` exponentials, with mean `mean_s` [s] in all."""

    mean_s: float
    phases: int


@dataclass(frozen=True)
class Weibull:
    """Weibull with mean `mean_s` [s] and shape `shape`; below 1 infant failures, above 1 wear."""

    mean_s: float
    shape: float


@dataclass(frozen=True)
class Empirical:
    """Each of the measured values [s], all as likely, drawn anew each time."""

    values_s: tuple[float, ...]


@dataclass(frozen=True)
class Trace:
    """The values [s] in their order, from the start again when they are used up; the same in every replication."""

    values_s: tuple[float, ...]


Distribution = (
    Constant | Exponential | Uniform | Triangular | Normal | Lognormal | Gamma | Erlang | Weibull | Empirical | Trace
)


@dataclass(frozen=True)
class Evidence:
    """A station that is a qualified policy: its cycle is a number of attempts as the trials of a run folder ended.

    Attributes:
        run: the run folder, relative to the layout's file.
        handling_s: time per part that the trials do not hold: loading, clamping, unloading [s].
        attempts: attempts at one part before it is given up, >= 1.
        recovery: time after a failed attempt [s] by reason of failure, with "default" for the others.
        failed_s: time a failed attempt takes [s]; None: the task's time limit, which is the most it can be.
        given_up: what becomes of a part given up: "scrap", or "manual": somebody finishes it, in `manual`.
        manual: time of that finish.
        chip: the chip this line will run on; a warning if the evidence is of another one.
        max_age_days: the oldest the evidence may be [days] without a warning.
        conditions: what the cell will see, name -> (low, high); a warning where the evidence does not cover it.
        pace: an attempt takes so many times as long as in the trials; another than 1 is a what-if, with a warning.
    """

    run: str
    handling_s: float = 0.0
    attempts: int = 1
    recovery: Mapping[str, Distribution] = field(default_factory=dict)
    failed_s: float | None = None
    given_up: Literal["scrap", "manual"] = "scrap"
    manual: Distribution | None = None
    chip: str | None = None
    max_age_days: float | None = None
    conditions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    pace: float = 1.0


@dataclass(frozen=True)
class Cycle:
    """How long a station works on a part: one distribution, or one per part type, or evidence."""

    time: Distribution | Evidence | Mapping[str, Distribution]


# ── what goes wrong, and who mends ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Failure:
    """One way each machine of a station fails.

    Attributes:
        name: unique at its station.
        after: time to failure [s], from the end of the last repair on.
        repair: time to repair [s].
        counts: "operation": running time only; "time": all time on shift that is not repair.
        crew: the crew that repairs; None: somebody is always there.
    """

    name: str
    after: Distribution
    repair: Distribution
    counts: Literal["operation", "time"] = "operation"
    crew: str | None = None


@dataclass(frozen=True)
class Stop:
    """A planned stop of a station: begins `first_s` after the start, lasts `lasts_s`, and again every `every_s` [s]."""

    name: str
    first_s: float
    lasts_s: float
    every_s: float


@dataclass(frozen=True)
class SetUp:
    """Set-up times of a station [s]: minutes[from type][to type]; a pair that is not named takes `default_s`."""

    times_s: Mapping[str, Mapping[str, float]]
    default_s: float = 0.0
    first: str | None = None  # the type the machine is set for at the start; None: no set-up for the first part


@dataclass(frozen=True)
class Route:
    """Where good parts of a station go: to `buffer`, with weight `share` among the routes that fit the part's type.

    `parts` empty means every type. `buffer` "out" is the way out of the line.
    """

    buffer: str
    share: float = 1.0
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Station:
    """Identical machines that do one step.

    Attributes:
        name: unique among all names of the layout.
        cycle: time a machine works on a part (on a whole batch, where `batch` > 1).
        machines: how many in parallel, >= 1.
        batch: parts worked on at once, >= 1.
        assemble: a part needs one from every buffer that feeds the station; the first named gives its identity.
        split: parts that come out for each one that went in, >= 1.
        blocking: "after" or "before" service.
        routes: where good parts go; empty: the one buffer that names this station as its source, or out.
        scrap: probability that a finished part is scrapped.
        rework: probability that a part (not scrapped) goes to `rework_to` instead of on.
        rework_to: a buffer's name.
        rework_limit: reworks of one part before it is scrapped instead.
        failures, stops, setup: see there.
        operator: skill of the person needed for set-up and run; None for none.
        calendar: when it is on shift; None: always (or the layout's).
        at_m: where it stands (x, y) [m], for walking and carrying.
        pri_s: planned run time per item [s] for ISO 22400 effectiveness; None: unknown.
    """

    name: str
    cycle: Cycle
    machines: int = 1
    batch: int = 1
    assemble: bool = False
    split: int = 1
    blocking: Literal["after", "before"] = "after"
    routes: tuple[Route, ...] = ()
    scrap: float = 0.0
    rework: float = 0.0
    rework_to: str | None = None
    rework_limit: int = 1_000
    failures: tuple[Failure, ...] = ()
    stops: tuple[Stop, ...] = ()
    setup: SetUp | None = None
    operator: str | None = None
    calendar: str | None = None
    at_m: tuple[float, float] | None = None
    pri_s: float | None = None


@dataclass(frozen=True)
class Buffer:
    """Places between stations.

    Attributes:
        name: unique among all names of the layout.
        source: stations that put parts into it.
        target: stations that take parts from it.
        capacity: places, >= 0; None: without limit.
        order: which part is taken: the first in, the last in, or the highest priority (then the first in).
        priority: by part type, for order "priority"; higher goes first; 0 if not named.
        fleet: vehicles that carry parts to it; None: no time passes.
    """

    name: str
    source: tuple[str, ...]
    target: tuple[str, ...]
    capacity: int | None = None
    order: Literal["fifo", "lifo", "priority"] = "fifo"
    priority: Mapping[str, float] = field(default_factory=dict)
    fleet: str | None = None


@dataclass(frozen=True)
class Release:
    """How parts come to the stations that no buffer feeds.

    Attributes:
        into: the station.
        kind: "saturated", "push", "takt" or "conwip".
        every: time between arrivals, for "push" and "takt" (there a Constant).
        wip: parts in the line at most, for "conwip".
        mix: share of each part type; empty: the layout's first type alone.
        sequence: types in their order, again from the start; in place of `mix`.
    """

    into: str
    kind: Literal["saturated", "push", "takt", "conwip"] = "saturated"
    every: Distribution | None = None
    wip: int | None = None
    mix: Mapping[str, float] = field(default_factory=dict)
    sequence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Calendar:
    """When work goes on: windows (begin_s, end_s) within a period that repeats [s], in order, not overlapping."""

    name: str
    period_s: float
    windows_s: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Crew:
    """People who operate or repair.

    Attributes:
        name: unique among all names of the layout; what `Failure.crew` names.
        people: how many, >= 1.
        skills: what `Station.operator` names; every one of the crew has them all.
        speed_m_s: walking speed [m/s]; None: no time passes between stations. Needs `at_m` of the stations.
        home_m: where everybody stands at the start.
    """

    name: str
    people: int
    skills: tuple[str, ...] = ()
    speed_m_s: float | None = None
    home_m: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Zone:
    """Stations in whose places at most `vehicles` vehicles may be, or be on the way to, at once."""

    name: str
    stations: tuple[str, ...]
    vehicles: int


@dataclass(frozen=True)
class Fleet:
    """Autonomous mobile robots that carry one part at a time.

    Distance is along the axes (|dx| + |dy|). A vehicle drives empty from where it stands to the source, loaded to the
    first target of the buffer, and stands there clear of the way. It charges when less than `reserve_s` is left.

    Attributes:
        name: unique among all names of the layout; what `Buffer.fleet` names.
        vehicles: how many, >= 1.
        speed_m_s: driving speed, empty or loaded [m/s].
        load_s, unload_s: time to take up and to put down a part [s].
        home_m: where they stand at the start, and the charger.
        drive_s: driving with a full battery [s]; None: never charges.
        reserve_s: it goes to charge after a job that leaves less than this [s].
        charge_s: time to charge fully [s].
        zones: places with room for few.
    """

    name: str
    vehicles: int
    speed_m_s: float
    load_s: float = 0.0
    unload_s: float = 0.0
    home_m: tuple[float, float] = (0.0, 0.0)
    drive_s: float | None = None
    reserve_s: float = 0.0
    charge_s: float = 0.0
    zones: tuple[Zone, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A plant.

    Attributes:
        name: for records.
        stations, buffers, releases, calendars, crews, fleets: see there. A station that nothing feeds and no release
            names is saturated.
        parts: part types; ("part",) where there is only one kind.
        calendar: of every station that names none; None: always on.
        takt_s: time on shift between good parts that is asked of the line [s]; None: not asked.
    """

    name: str
    stations: tuple[Station, ...]
    buffers: tuple[Buffer, ...] = ()
    releases: tuple[Release, ...] = ()
    parts: tuple[str, ...] = ("part",)
    calendars: tuple[Calendar, ...] = ()
    crews: tuple[Crew, ...] = ()
    fleets: tuple[Fleet, ...] = ()
    calendar: str | None = None
    takt_s: float | None = None

    def station(self, name: str) -> Station:
        """A station by its name; raises KeyError."""
        return {s.name: s for s in self.stations}[name]

    def feeding(self, station: str) -> tuple[Buffer, ...]:
        """The buffers a station takes from, in declared order."""
        return tuple(b for b in self.buffers if station in b.target)

    def fed_by(self, station: str) -> tuple[Buffer, ...]:
        """The buffers a station puts good or reworked parts into, in declared order."""
        return tuple(b for b in self.buffers if station in b.source)

    @property
    def serial(self) -> tuple[Buffer, ...] | None:
        """The buffers between consecutive stations if the plant is one row of stations in declared order, else None."""
        names = [s.name for s in self.stations]
        if len(self.buffers) != len(names) - 1:
            return None
        between = {(b.source, b.target): b for b in self.buffers}
        row = [between.get(((a,), (z,))) for a, z in itertools.pairwise(names)]
        plain = all(b is not None for b in row) and not any(s.rework for s in self.stations)
        return tuple(b for b in row if b is not None) if plain else None

    @property
    def carries_evidence(self) -> bool:
        """Whether some station's cycle is evidence."""
        return any(isinstance(s.cycle.time, Evidence) for s in self.stations)

    @property
    def on_shift(self) -> float:
        """Share of the calendar's time that is on shift, by the layout's own calendar; 1 without one."""
        for calendar in self.calendars:
            if calendar.name == self.calendar:
                return sum(end - begin for begin, end in calendar.windows_s) / calendar.period_s
        return 1.0

    @property
    def asked_per_hour(self) -> float | None:
        """Good parts per hour of the calendar that the takt asks for, which counts time on shift; None: not asked."""
        return None if self.takt_s is None else 3600.0 / self.takt_s * self.on_shift

    def with_capacities(self, capacities: Mapping[str, int]) -> Layout:
        """The same plant with other buffers' capacities, by name."""
        buffers = tuple(dataclasses.replace(b, capacity=capacities.get(b.name, b.capacity)) for b in self.buffers)
        return dataclasses.replace(self, buffers=buffers)


def mean_s(time: Distribution) -> float:
    """Mean of a distribution [s]; of the normal as if it were not cut at zero."""
    match time:
        case Constant():
            return time.value_s
        case Uniform():
            return (time.low_s + time.high_s) / 2
        case Triangular():
            return (time.low_s + time.mode_s + time.high_s) / 3
        case Empirical() | Trace():
            return float(np.mean(time.values_s))
    return time.mean_s
