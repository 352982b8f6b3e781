"""Motorway driving: environment steps per second against highway-env, by cars, batch and threads; R157-derived grids.

    rows = vehicles(VehicleSize(), seed=0)

A step is one decision of one driven vehicle: observation, action, five substeps of 20 other vehicles, contact checks,
and a new trial where one has ended. Both programs have 20 other vehicles and five substeps; ours checks the swept boxes
and turns the wheels of everybody, theirs is `highway-fast-v0` as installed. Actions are drawn beforehand, most of them
"go on as you are", because who crashes at once measures resets.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace

import numpy as np

from bench.rows import Row
from jangin.vehicle.tasks.motorway import Motorway

__all__ = ["VehicleSize", "vehicles"]

STEPS_TARGET, PEER_TARGET = 35_000.0, 500.0
GRID_S, DISTURBANCES, DISTURBANCES_S = 15.0, 100_000, 60.0
BUSY = 0.2  # share of decisions that ask for something
TASK = Motorway(cars=20)


@dataclass(frozen=True)
class VehicleSize:
    """How much to measure.

    Attributes:
        turns: of everybody, alternating.
        steps: decisions of ours a turn.
        peer_steps: of theirs.
        cars, batches: for the scaling.
        grid: whether to run the whole cut-in grid and the random disturbances.
    """

    turns: int = 5
    steps: int = 200_000
    peer_steps: int = 150
    cars: tuple[int, ...] = (10, 20, 50, 100)
    batches: tuple[int, ...] = (16, 64, 256, 1024)
    grid: bool = True


def vehicles(size: VehicleSize, *, seed: int) -> list[Row]:
    """All rows of this part."""
    ours, theirs = [], []
    ours_per_s(TASK, 64, 2_000, seed)  # compiled, or loaded
    for turn in range(size.turns):
        ours.append(ours_per_s(TASK, 1024, size.steps, seed + turn))
        theirs.append(peers_per_s(size.peer_steps, seed + turn))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    median = statistics.median(ours)
    rows = [
        Row("vehicle/motorway, 21 vehicles, one thread", "steps/s", ours, f"{STEPS_TARGET:,.0f} steps/s",
            median / STEPS_TARGET, 1.0),
        Row("the same", "steps/s", ours, "highway-fast-v0 in the same run", ratio, PEER_TARGET,
            details={"peer": theirs}),
    ]  # fmt: skip
    rows += _scaling(size, seed, median)
    return rows + (_disturbances(seed) if size.grid else [])


def _scaling(size: VehicleSize, seed: int, median: float) -> list[Row]:
    """By the number of vehicles, of simulations and of threads."""
    rows = []
    for cars in size.cars:
        task = replace(TASK, cars=cars, density=(8.0, min(60.0, max(20.0, cars / 2.0))))
        rates = [ours_per_s(task, 256, size.steps // 4, seed + k) for k in range(3)]
        per = 1e9 / statistics.median(rates) / (5 * (cars + 1))
        rows.append(Row(f"{cars + 1} vehicles, batch 256", "steps/s", rates, note=f"{per:.0f} ns a vehicle and substep"))
    for batch in size.batches:
        rates = [ours_per_s(TASK, batch, size.steps // 4, seed + k) for k in range(3)]
        rows.append(Row(f"21 vehicles, batch {batch}", "steps/s", rates))
    rates = [ours_per_s(TASK, 1024, size.steps, seed + k, threads=2) for k in range(3)]
    ratio = statistics.median(rates) / median
    return [*rows, Row("21 vehicles, batch 1024, two threads", "steps/s", rates, "one thread", ratio)]


def ours_per_s(task: Motorway, nsim: int, steps: int, seed: int, threads: int = 1) -> float:
    """Steps per second of wall-clock time with observations and resets."""
    world = task.world(nsim, threads=threads, seed=seed, purpose="bench")
    periods = max(1, steps // nsim)
    rng = np.random.default_rng(seed)
    actions = rng.uniform(-1.0, 1.0, (periods, nsim, 2)).astype(np.float32)
    actions[rng.random((periods, nsim)) > BUSY] = 0.0
    following, began = nsim, time.perf_counter()
    for action in actions:
        step = world.step(action)
        ended = np.flatnonzero(step.outcome)
        if ended.size:
            world.reset(ended, following + np.arange(ended.size))
            following += ended.size
        world.observe()
    return periods * nsim / (time.perf_counter() - began)


def peers_per_s(steps: int, seed: int) -> float:
    """Steps per second of highway-fast-v0, resets included."""
    import gymnasium
    import highway_env  # noqa: F401  registers its environments

    env = gymnasium.make("highway-fast-v0")
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)
    actions = np.where(rng.random(steps) < BUSY, rng.integers(0, 5, steps), 1)
    began = time.perf_counter()
    for action in actions.tolist():
        *_, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()
    return steps / (time.perf_counter() - began)
