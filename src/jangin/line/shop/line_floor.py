"""The line's engine seen from a shop: which job is where, which machine works, waits or is down, and until when.

    floor = LineFloor(instance, plant, seed=7, replication=0)       # `plant` as `as_line` makes it
    floor.hold()                        # no machine takes anything
    floor.advance(floor.next_s)         # to the next event: what ends, arrives, breaks down
    floor.prefer(ranks)                 # of each waiting operation; -inf holds it
    floor.advance(floor.next_s)         # on by that: machines take now, at the same instant, what they prefer

The engine stands still between two calls, so whatever begins or ends does so at the time of a call. A floor records
what has begun and ended (`rows`) and tells a plan no more than a shift supervisor knows: planned durations and time
worked so far, and of a repair what the fitter says.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import numpy as np

from jangin.errors import BadSchedule
from jangin.line.events import state as c
from jangin.line.layout import Buffer, Layout, Station, mean_s
from jangin.line.shop.as_line import DOOR, as_line, machine_name, waiting_name
from jangin.line.shop.instance import Instance
from jangin.line.shop.replan import Down, Running, ShopState

__all__ = ["LineFloor", "Ran", "Repair"]

Array = np.ndarray
Repair = Literal["told", "mean"]
FIXED_OF_STATIONS = ("routes", "machines", "batch", "assemble", "split", "scrap", "rework")
FIXED_OF_BUFFERS = ("source", "target")
SLACK = 1e-9  # of a tick: what rounding leaves of a sum of whole ticks


class Ran(NamedTuple):
    """One operation as it was: taken by its machine at `begin`, its work ended at `end`, in ticks since the start."""

    job: int
    operation: int
    machine: int
    begin: float
    end: float


class LineFloor:
    """One replication of a plant that is a shop, in steps.

    Attributes:
        begun, ended: how many operations of each job have begun and ended, (jobs,).
        order: of each machine the (job, operation) it has begun, in order.
        breakdowns: how often a machine has gone down.
        fell, rose: whether, when the engine last advanced, a machine came to a stand, or went on again.
    """

    def __init__(
        self,
        instance: Instance,
        plant: Layout,
        *,
        seed: int,
        replication: int,
        tick_s: float = 1.0,
        repair: Repair = "told",
    ) -> None:
        _refuse(instance, plant, tick_s)
        from jangin.line.events.loop import run
        from jangin.line.events.tables import fresh, tables
        from jangin.line.events.view import addresses

        self._run = run
        self.instance, self._tick_s, self._repair = instance, tick_s, repair
        self._plant, modes = tables(plant)
        self._world = fresh(self._plant, modes, seed=seed, replication=replication, parts=len(instance.jobs) + 1)
        self._table = addresses(self._plant, self._world)
        self._names = [s.name for s in plant.stations]
        self._operations = [(j, k) for j, job in enumerate(instance.jobs) for k in range(len(job))]
        index, buffers = {n: i for i, n in enumerate(self._names)}, {b.name: i for i, b in enumerate(plant.buffers)}
        self._buffer = np.array([buffers[waiting_name(j, k)] for j, k in self._operations])
        self._of_buffer = {int(b): operation for b, operation in zip(self._buffer, self._operations, strict=True)}
        self._machine = {index.get(machine_name(m), -1): m for m in range(instance.machines)}
        self._station = {m: i for i, m in self._machine.items() if i >= 0}
        self._step = {(j, job[k][0].machine): k for j, job in enumerate(instance.jobs) for k in range(len(job))}
        self._repair_s = [mean_s(f.repair) for s in plant.stations for f in s.failures]
        self.begun = np.zeros(len(instance.jobs), np.int64)
        self.ended = np.zeros(len(instance.jobs), np.int64)
        self.order: list[list[tuple[int, int]]] = [[] for _ in range(instance.machines)]
        self.breakdowns, self.fell, self.rose = 0, False, False
        self._began_s: dict[tuple[int, int], float] = {}
        self._ended_s: dict[tuple[int, int], float] = {}
        self._worked_before: dict[int, float] = {}  # running time booked at a station when it took its present job
        self._stands = np.zeros(len(self._names), bool)
        self._down_since = np.zeros(len(self._names))

    # ── the engine ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def now_s(self) -> float:
        """The time the engine has come to [s]."""
        return float(self._world.clock[c.T_NOW])

    @property
    def next_s(self) -> float:
        """The time of the next event [s]."""
        return float(self._world.at[self._world.order[0]]) if self._world.size[0] else math.inf

    @property
    def over(self) -> bool:
        """Whether every operation has ended."""
        return bool((self.ended == [len(job) for job in self.instance.jobs]).all())

    def hold(self) -> None:
        """No machine takes anything until `prefer`."""
        self._world.prefer[self._buffer] = -math.inf

    def prefer(self, ranks: Array) -> None:
        """Of every operation, by job and operation, how much it is preferred at its machine; -inf: not now."""
        self._world.prefer[self._buffer] = ranks

    def advance(self, until_s: float) -> None:
        """Deal with every event up to a time, and see what began and ended, and which machines fell or rose.

        Raises: BadSchedule where finished jobs wait for each other's places.
        """
        status = self._run(self._table.ctypes.data, until_s)
        assert status in (c.FINE, c.STUCK)  # there are rows for as many parts as jobs
        self._look(until_s)
        holds = self._world.machine[:, c.M_HOLD]
        fell = (holds != 0) & ~self._stands
        self._down_since[fell] = until_s
        self.breakdowns += int(np.count_nonzero(fell & ((holds & c.DOWN) != 0)))
        self.fell, self.rose = bool(fell.any()), bool(((holds == 0) & self._stands).any())
        self._stands = holds != 0
        if status == c.STUCK:
            self._refuse_standstill()

    def refuse_if_still(self) -> None:
        """Raises BadSchedule if nothing will ever move again: nothing is on its way, and no machine works or stands."""
        w = self._world
        acts = w.machine[:, c.M_ACT]
        still = (acts == c.IDLE) | (acts == c.HELD) | (acts == c.FINISHED)
        to_come = w.drawn[0, 1] < len(self.instance.jobs)
        if still.all() and not self._stands.any() and not to_come and not (w.vehicle[:, c.V_PHASE] != c.PARKED).any():
            self._refuse_standstill()

    def _refuse_standstill(self) -> None:
        acts = self._world.machine[:, c.M_ACT]
        blocked = [self._names[i] for i in np.flatnonzero((acts == c.FINISHED) | (acts == c.HELD))]
        raise BadSchedule(
            f"{self.instance.name}: nothing moves any more after {self.now_s:g} s, with {', '.join(blocked)} blocked; "
            "give the buffers more places, or another order of jobs."
        )

    # ── where the jobs are ───────────────────────────────────────────────────────────────────────────────────────

    def _look(self, now_s: float) -> None:
        """Record what has begun and ended since the last look: all of it at this instant."""
        begun, ended = self._progress()
        for j in np.flatnonzero((begun != self.begun) | (ended != self.ended)).tolist():
            for k in range(self.begun[j], begun[j]):
                machine = self.instance.jobs[j][k][0].machine
                self._began_s[j, k] = now_s
                self.order[machine].append((j, k))
                station = self._station[machine]
                self._worked_before[station] = self._worked_s(station)
            for k in range(self.ended[j], ended[j]):
                self._ended_s[j, k] = now_s
        self.begun, self.ended = begun, ended

    def _progress(self) -> tuple[Array, Array]:
        """How many operations of each job have begun and ended, by where the job is; (jobs,) each."""
        w, begun, ended = self._world, self.begun.copy(), self.ended.copy()
        for i in np.flatnonzero(w.level[self._buffer, c.L_PARTS]).tolist():
            j, k = self._operations[i]
            begun[j] = ended[j] = k
        for m in np.flatnonzero(w.machine[:, c.M_PARTS] > 0).tolist():
            j = int(w.machine[m, c.M_TYPE])
            if self._names[m] != DOOR:
                k = self._step[j, self._machine[m]]
                begun[j], ended[j] = k + 1, k + (w.machine[m, c.M_ACT] in (c.FINISHED, c.FETCHED))
        for row in w.vehicle[np.isin(w.vehicle[:, c.V_PHASE], (c.TO_TARGET, c.UNLOADING))]:
            j, k = self._of_buffer[int(row[c.V_BUFFER])]
            begun[j] = ended[j] = k
        for j in np.flatnonzero(w.good).tolist():
            begun[j] = ended[j] = len(self.instance.jobs[j])
        return begun, ended

    def _worked_s(self, station: int) -> float:
        """How long a station has run so far [s]."""
        w = self._world
        since = self.now_s - w.machine_s[station, c.N_SINCE] if w.machine[station, c.M_SHOWN] == c.RUNNING_ else 0.0
        return float(w.seconds[station, c.RUNNING_] + since)

    def rows(self) -> tuple[Ran, ...]:
        """What has ended, by job and operation, in ticks."""
        return tuple(
            Ran(j, k, self.instance.jobs[j][k][0].machine, self._began_s[j, k] / self._tick_s, end_s / self._tick_s)
            for (j, k), end_s in sorted(self._ended_s.items())
        )

    # ── what a plan is told ──────────────────────────────────────────────────────────────────────────────────────

    def state(self) -> ShopState:
        """The shop as it is known now, in whole ticks; what lies between two ticks counts as the later one."""
        now = self._ticks(self.now_s)
        running = []
        for j in np.flatnonzero(self.begun > self.ended).tolist():
            machine, planned = self.instance.jobs[j][self.ended[j]][0]
            station = self._station[machine]
            worked = (self._worked_s(station) - self._worked_before[station]) / self._tick_s
            running.append(Running(j, machine, max(1, math.ceil(planned - worked - SLACK))))
        down = []
        for station in np.flatnonzero(self._stands).tolist():
            if station in self._machine:
                back = max(now + 1, self._ticks(self._back_s(station)))
                down.append(Down(self._machine[station], now, back))
        entered = tuple(j for j, _ in self.order[0]) if self.instance.permutation else ()
        return ShopState(now, tuple(self.ended.tolist()), tuple(running), tuple(down), entered)

    def _ticks(self, at_s: float) -> int:
        return math.ceil(at_s / self._tick_s - SLACK)

    def _back_s(self, station: int) -> float:
        """When a machine that stands still should be back [s]."""
        w, slots, back = self._world, self._plant.slots, self.now_s
        holds = w.machine[station, c.M_HOLD]
        if holds & c.OFF:
            back = max(back, float(w.at[slots[c.X_CALENDARS] + self._plant.on_calendar[station]]))
        if holds & c.STOPPED:
            stops = np.flatnonzero((self._plant.stop == station) & (w.stop_now % 2 == 1))
            back = max(back, *(float(w.at[slots[c.X_STOPS] + z]) for z in stops))
        if holds & c.DOWN:
            mean = self._repair_s[w.machine[station, c.M_MENDER]]
            if self._repair == "mean":
                back = max(back, float(self._down_since[station]) + mean)
            elif w.machine[station, c.M_MENDING] == 1:
                back = max(back, float(w.at[slots[c.X_REPAIRS] + station]))
            else:  # nobody is there yet who could say
                back += mean
        return back


def _refuse(instance: Instance, plant: Layout, tick_s: float) -> None:
    """A plant may differ from the shop's own in times, failures, people, places and vehicles, not in its routes."""
    own = as_line(instance, tick_s=tick_s)
    differs = ""
    if plant.parts != own.parts or plant.releases != own.releases:
        differs = "has other part types or releases"
    for kind, mine, theirs, fixed in (
        ("station", _by_name(own.stations), _by_name(plant.stations), FIXED_OF_STATIONS),
        ("buffer", _by_name(own.buffers), _by_name(plant.buffers), FIXED_OF_BUFFERS),
    ):
        if odd := sorted(mine.keys() ^ theirs.keys()):
            differs = differs or f"has {'no' if odd[0] in mine else 'a'} {kind} {odd[0]!r}"
            break
        for name, key in itertools.product(mine, fixed):
            if getattr(mine[name], key) != getattr(theirs[name], key):
                differs = differs or f"has another {key} at {kind} {name!r}"
    if differs:
        raise BadSchedule(
            f"{instance.name}: the plant {plant.name!r} {differs} than the one that as_line makes of this shop; change "
            "only times, failures, people, places and vehicles of that one."
        )


def _by_name(things: Iterable[Station] | Iterable[Buffer]) -> dict[str, Any]:
    return {thing.name: thing for thing in things}
