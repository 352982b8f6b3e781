"""Replications of a layout by the next-event loop, over threads; the result does not depend on how many.

runs = simulate(layout, seed=7, replications=20, horizon_s=86_400.0, warmup_s=3_600.0)
runs.per_hour                                          # (20,)
log = trace(layout, seed=7, replication=0, until_s=28_800.0)
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from jangin.line.bottleneck import StateLog
from jangin.line.events import state as c
from jangin.line.events.loop import run
from jangin.line.events.state import Plant, World
from jangin.line.events.tables import Modes, fresh, tables
from jangin.line.events.view import addresses
from jangin.line.iso22400 import STATES
from jangin.line.layout import Layout
from jangin.line.result import Replications

__all__ = ["compiled", "simulate", "simulate_each", "trace"]

Array = np.ndarray
FIRST_PARTS = 1 << 12


def simulate(
    layout: Layout,
    *,
    seed: int,
    replications: int,
    horizon_s: float,
    warmup_s: float = 0.0,
    first: int = 0,
    threads: int = 0,
    bins: int = 0,
) -> Replications:
    """Replications first .. first + replications - 1, each from empty to `horizon_s`, measured from `warmup_s` on.

    Args:
        layout: a layout that has been checked.
        seed: fixes every draw together with the replication's number.
        replications, first: how many, and the number of the first.
        horizon_s, warmup_s: end of a replication and when measuring begins [s].
        threads: 0 for one per core.
        bins: in how many parts of 0 .. horizon_s to count good parts, for finding the warm-up.
    """
    plant, modes = tables(layout)
    bin_s = horizon_s / bins if bins else 1.0

    def one(k: int) -> World:
        return _replication(plant, modes, first + k, horizon_s, warmup_s, seed=seed, bins=bins, bin_s=bin_s)

    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        worlds = list(pool.map(one, range(replications)))
    return _measured(plant, worlds, horizon_s, warmup_s, len(layout.buffers))


def simulate_each(
    layouts: Sequence[Layout], *, seed: int, horizon_s: float, warmup_s: float = 0.0, first: int = 0, threads: int = 0,
    bins: int = 0,
) -> Replications:  # fmt: skip
    """One replication of each of several layouts that have the same stations and buffers, numbered from `first` on."""
    bin_s = horizon_s / bins if bins else 1.0

    def one(k: int) -> World:
        plant, modes = tables(layouts[k])
        return _replication(plant, modes, first + k, horizon_s, warmup_s, seed=seed, bins=bins, bin_s=bin_s)

    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        worlds = list(pool.map(one, range(len(layouts))))
    return _measured(tables(layouts[0])[0], worlds, horizon_s, warmup_s, len(layouts[0].buffers))


def _replication(
    plant: Plant,
    modes: Modes,
    replication: int,
    horizon_s: float,
    warmup_s: float,
    *,
    seed: int,
    bins: int,
    bin_s: float,
    trace: int = 0,
) -> World:
    """One replication to its end; again with more rows where they did not suffice, which changes no number."""
    parts, rows = FIRST_PARTS, trace
    while True:
        world = fresh(plant, modes, seed=seed, replication=replication, parts=parts, bins=bins, bin_s=bin_s, trace=rows)
        if warmup_s > 0.0:
            world.at[plant.slots[c.X_WARM_UP]], world.where[plant.slots[c.X_WARM_UP]] = warmup_s, 0
            world.order[0], world.size[0] = plant.slots[c.X_WARM_UP], 1
        table = addresses(plant, world)
        status = run(table.ctypes.data, float(horizon_s))
        assert status != c.STALE
        if status == c.FULL:
            parts *= 4
        elif trace and world.counts[c.C_TRACED] > rows:
            rows = int(world.counts[c.C_TRACED]) + 1
        else:
            return world


def _measured(plant: Plant, worlds: list[World], horizon_s: float, warmup_s: float, buffers: int) -> Replications:
    end, lasted = horizon_s, horizon_s - warmup_s
    tally = np.array([w.tally for w in worlds], float)
    finished, first = tally[:, :, c.A_FINISHED], tally[:, :, c.A_FINISHED] - tally[:, :, c.A_AGAIN]
    good = np.array([float(w.good.sum()) for w in worlds])
    most_driven = np.array([_by_group(np.maximum, w.vehicle_s[:, c.D_MOST], plant.fleet) for w in worlds])
    return Replications(
        seconds=np.full(len(worlds), lasted),
        good=good,
        scrapped=np.array([float(w.counts[c.C_SCRAPPED] - w.counts[c.C_SCRAPPED_BEFORE]) for w in worlds]),
        wip=np.array([w.clock[c.T_WIP] + w.counts[c.C_WIP] * (end - w.clock[c.T_WIP_AT]) for w in worlds]) / lasted,
        lead_s=np.array([_lead_s(w) for w in worlds]),
        states=np.array([_stations(plant, w, end) for w in worlds]),
        finished=finished,
        station_scrapped=tally[:, :, c.A_SCRAPPED],
        reworked=tally[:, :, c.A_REWORKED],
        buffers=np.array([_levels(w, end)[:buffers] for w in worlds]) / lasted,
        engine="events",
        bins=np.array([w.bins for w in worlds]) if len(worlds[0].bins) else None,
        good_by_part=np.array([w.good for w in worlds], float) if plant.mix.shape[1] > 1 else None,
        stuck=np.array([w.clock[c.T_STUCK] for w in worlds]),
        waiting=np.array([_holding(plant, w) for w in worlds]),
        people=np.array([_crews(plant, w, end, lasted) for w in worlds]),
        vehicles=np.array([_fleets(plant, w, end) for w in worlds]),
        deliveries=np.array([_by_group(np.add, w.vehicle[:, c.V_BROUGHT], plant.fleet) for w in worlds], float),
        most_driven_s=np.where(most_driven < 0.0, np.nan, most_driven),
        left_first=good - [float(w.counts[c.C_AGAIN_LEFT]) for w in worlds],
        first=first,
        good_first=finished - tally[:, :, [c.A_SCRAPPED, c.A_REWORKED, c.A_AGAIN_GOOD]].sum(axis=2),
    )


def _lead_s(w: World) -> float:
    left = w.counts[c.C_LEFT] - w.counts[c.C_LEFT_BEFORE]
    return float(w.clock[c.T_LEAD] / left) if left else math.nan


def _levels(w: World, end: float) -> Array:
    """Part-seconds in each buffer."""
    return np.asarray(w.buffer_s[:, 0] + w.level[:, c.L_PARTS] * (end - w.buffer_s[:, 1]))


def _stations(plant: Plant, w: World, end: float) -> Array:
    seconds = _seconds(w.seconds, w.machine[:, c.M_SHOWN], w.machine_s[:, c.N_SINCE], end)
    return _by_group(np.add, seconds, plant.station)


def _crews(plant: Plant, w: World, end: float, lasted: float) -> Array:
    seconds = _seconds(w.person_spent, w.person[:, c.W_SHOWN], w.person_s[:, c.H_SINCE], end)
    seconds[:, c.IDLE_PERSON] = 0.0
    seconds[:, c.IDLE_PERSON] = np.maximum(lasted - seconds.sum(axis=1), 0.0)
    return _by_group(np.add, seconds, plant.crew)


def _fleets(plant: Plant, w: World, end: float) -> Array:
    seconds = _seconds(w.vehicle_spent, w.vehicle[:, c.V_SHOWN], w.vehicle_s[:, c.D_SINCE], end)
    return _by_group(np.add, seconds, plant.fleet)


def _seconds(booked: Array, shown: Array, since: Array, end: float) -> Array:
    """Seconds by state: those booked, and in the state shown since."""
    seconds = booked.copy()
    seconds[np.arange(len(seconds)), shown] += end - since
    return seconds


def _by_group(found: np.ufunc, values: Array, groups: Array) -> Array:
    """The sum (or the greatest) over the machines of a station, the people of a crew, the vehicles of a fleet.

    The first column of `groups` is the number of its first one.
    """
    return np.asarray(found.reduceat(values, groups[:, 0], axis=0)) if len(groups) else values[:0]


def _holding(plant: Plant, w: World) -> Array:
    """Which stations hold finished parts at the end, (nstations,) bool."""
    held = w.machine[:, c.M_ACT] == c.FINISHED
    return np.asarray(np.add.reduceat(held.astype(int), plant.station[:, c.S_MACHINE]) > 0)


def trace(layout: Layout, *, seed: int, replication: int, until_s: float, from_s: float = 0.0) -> StateLog:
    """Every state of every machine of one replication from `from_s` to `until_s`, counted from its start.

    The machines of a station of several are named station#1, station#2 ...
    """
    plant, modes = tables(layout)
    world = _replication(plant, modes, replication, until_s, 0.0, seed=seed, bins=0, bin_s=1.0, trace=1 << 14)
    rows = world.trace[: world.counts[c.C_TRACED]]
    machines = len(world.machine)
    machine = np.append(np.arange(machines), rows[:, 1].astype(np.int64))
    begins = np.append(np.zeros(machines), rows[:, 0])
    states = np.append(np.full(machines, c.STARVED_), rows[:, 2].astype(np.int64))
    order = np.lexsort((np.arange(len(machine)), machine))
    machine, begins, states = machine[order], begins[order], states[order]
    ends = np.append(begins[1:], until_s)
    ends[np.append(machine[1:] != machine[:-1], True)] = until_s
    begins = np.maximum(begins, from_s)
    kept = ends > begins
    names = [s.name if s.machines == 1 else f"{s.name}#{k + 1}" for s in layout.stations for k in range(s.machines)]
    return StateLog(machine[kept], states[kept], begins[kept], ends[kept], tuple(names), STATES)


def compiled() -> None:
    """Have the loop compiled, or loaded from the cache: from then on it runs at full speed."""
    from jangin.line import layout as lay

    one = Layout("one", (lay.Station("one", lay.Cycle(lay.Constant(1.0))),))
    simulate(one, seed=0, replications=1, horizon_s=2.0, threads=1)
