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
GRID_S, DISTURBANCES_S = 15.0, 60.0
PUBLISHED = {"low": (3728, 2252, 880, 901), "high": (3552, 2869, 1491, 1649)}  # crashes: careful, Reg157, RSS, fuzzy
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
        disturbances: random cut-ins through which a learned driver is sent, beside the whole cut-in grid.
    """

    turns: int = 5
    steps: int = 200_000
    peer_steps: int = 150
    cars: tuple[int, ...] = (10, 20, 50, 100)
    batches: tuple[int, ...] = (16, 64, 256, 1024)
    disturbances: int = 100_000


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
    return [*rows, _grid(), _requalified(size.disturbances, seed)]


def _scaling(size: VehicleSize, seed: int, median: float) -> list[Row]:
    """By the number of vehicles, of simulations and of threads."""
    rows = []
    for cars in size.cars:
        task = replace(TASK, cars=cars, density=(8.0, min(60.0, max(20.0, cars / 2.0))))
        rates = [ours_per_s(task, 256, size.steps // 4, seed + k) for k in range(3)]
        per = 1e9 / statistics.median(rates) / (5 * (cars + 1))
        rows.append(
            Row(f"{cars + 1} vehicles, batch 256", "steps/s", rates, note=f"{per:.0f} ns a vehicle and substep")
        )
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


def _grid() -> Row:
    """All 119,880 runs of the cut-in grid, on one core; a count that is not the published one is an error."""
    from jangin.vehicle.r157.disturbances import simulate
    from jangin.vehicle.r157.drivers import reading
    from jangin.vehicle.r157.suites import cut_in_grid

    began, runs = time.perf_counter(), 0
    for speeds, published in PUBLISHED.items():
        scenarios = cut_in_grid(speeds)  # type: ignore[arg-type]
        for name, count in zip(("careful-human", "reg157", "rss", "fuzzy"), published, strict=True):
            crashed = int(simulate(scenarios, reading(name)).crashed.sum())
            runs += len(scenarios)
            if crashed != count:
                raise RuntimeError(
                    f"{name} crashes in {crashed} of the {speeds} grid's scenarios, published are {count}"
                )
    took = time.perf_counter() - began
    return Row(
        f"R157-derived cut-in grid, {runs:,} runs, counts as published", "s", [took], f"{GRID_S:g} s", took / GRID_S,
        1.0, less_is_better=True,
    )  # fmt: skip


def _requalified(trials: int, seed: int) -> Row:
    """A learned driver through random cut-ins, and its claims decided."""
    import tempfile
    from pathlib import Path

    from jangin.claim import Claim
    from jangin.engine.rollout import rollout
    from jangin.learn.learning import learn
    from jangin.policy import OnnxPolicy
    from jangin.record import RunFolder
    from jangin.stats.binomial import lower
    from jangin.vehicle.tasks.cut_in import CutInTask

    task = CutInTask()
    with tempfile.TemporaryDirectory() as folder:
        learn(task, seed=seed, folder=RunFolder.create(Path(folder) / "cut-in"), budget_s=60.0)
        policy = OnnxPolicy((Path(folder) / "cut-in" / "policy.onnx").read_bytes(), task)
    began = time.perf_counter()
    table = rollout(task, policy, trials, seed=seed, purpose="evidence", size=1024)
    good = int(Claim.parse("P(preventable_collision) <= 0.01").indicator(table.columns).sum())
    least = lower(successes=good, trials=trials)
    took = time.perf_counter() - began
    return Row(
        f"a learned driver on {trials:,} random cut-ins", "s", [took], f"{DISTURBANCES_S:g} s", took / DISTURBANCES_S,
        1.0, less_is_better=True, note=f"{trials - good} preventable collisions: at most {1 - least:.2g} of all (95 %)",
    )  # fmt: skip
