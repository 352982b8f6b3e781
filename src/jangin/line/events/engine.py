"""Replications of a layout by the next-event loop, over threads; the result does not depend on how many.

runs = simulate(layout, seed=7, replications=20, horizon_s=86_400.0, warmup_s=3_600.0)
runs.per_hour                                          # (20,)
log = trace(layout, seed=7, replication=0, until_s=28_800.0)
"""

from __future__ import annotations

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
    layouts: Sequence[Layout], *, seed: int, horizon_s: float, warmup_s: float = 0.0, threads: int = 0
) -> Replications:
    """One replication of each of several layouts that have the same stations and buffers; the k-th is number k."""

    def one(k: int) -> World:
        plant, modes = tables(layouts[k])
        return _replication(plant, modes, k, horizon_s, warmup_s, seed=seed, bins=0, bin_s=1.0)

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
    machines = plant.station[:, c.S_MACHINE]
    stuck = np.array([w.clock[c.T_STUCK] for w in worlds])
    seconds, levels, wip, lead = [], [], [], []
    for w in worlds:
        end = horizon_s
        own = w.seconds.copy()
        own[np.arange(len(own)), w.machine[:, c.M_SHOWN]] += end - w.machine_s[:, c.N_SINCE]
        seconds.append(np.add.reduceat(own, machines, axis=0))
        integral = w.buffer_s[:, 0] + w.level[:, c.L_PARTS] * (end - w.buffer_s[:, 1])
        levels.append(integral[:buffers] / (end - warmup_s))
        area = w.clock[c.T_WIP] + w.counts[c.C_WIP] * (end - w.clock[c.T_WIP_AT])
        wip.append(area / (end - warmup_s))
        left = int(w.counts[c.C_LEFT] - w.counts[c.C_LEFT_BEFORE])
        lead.append(w.clock[c.T_LEAD] / left if left else np.nan)
    tally = np.array([w.tally for w in worlds])
    return Replications(
        seconds=np.full(len(worlds), horizon_s - warmup_s),
        good=np.array([float(w.good.sum()) for w in worlds]),
        scrapped=np.array([float(w.counts[c.C_SCRAPPED] - w.counts[c.C_SCRAPPED_BEFORE]) for w in worlds]),
        wip=np.array(wip),
        lead_s=np.array(lead),
        states=np.array(seconds),
        finished=tally[:, :, 0].astype(float),
        station_scrapped=tally[:, :, 1].astype(float),
        reworked=tally[:, :, 2].astype(float),
        buffers=np.array(levels).reshape(len(worlds), buffers),
        engine="events",
        bins=np.array([w.bins for w in worlds]) if len(worlds[0].bins) else None,
        good_by_part=np.array([w.good for w in worlds], float) if plant.mix.shape[1] > 1 else None,
        stuck=stuck,
        waiting=np.array([_holding(plant, w) for w in worlds]),
    )


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
