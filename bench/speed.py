"""How fast the peg task is: end to end, and against the simulator alone.

    rows = end_to_end(size)            # control steps per second of `simulate` with the expert, in both physics
    rows = against_raw(size)           # world with observation, reward, reset and noise, against mujoco.batch

The two physics, and the two sides of a comparison, take turns.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from bench.rows import Row, Watch
from bench.steady import Raw, Steady, expert_of
from jangin import registry
from jangin.simulate import simulate
from jangin.task import Task

__all__ = ["Size", "against_raw", "end_to_end", "peg"]

TARGET_STEPS_PER_S = {"training": 5_000.0, "evidence": 2_500.0}
TARGET_OF_RAW = 0.90
PHYSICS = ("training", "evidence")


@dataclass(frozen=True)
class Size:
    """How much to measure.

    Attributes:
        nsim: simulations side by side.
        blocks: blocks of nsim trials, each physics in turn, end to end.
        pairs: pairs of what is compared, in turn.
        periods: control periods of each half of a pair.
        warm_up: control periods before.
        threads: of the simulator; 0 is all cores.
        seed: of the trials.
    """

    nsim: int = 256
    blocks: int = 3
    pairs: int = 9
    periods: int = 25
    warm_up: int = 110
    threads: int = 0
    seed: int = 0


def peg(physics: str) -> Task:
    """The peg task in a physics."""
    task: Task = registry.find("tasks", "cell/peg-insert")().at(physics)
    return task


def end_to_end(size: Size) -> list[Row]:
    """`simulate` with the expert: everything counts, also the last simulations of a block that run on alone."""
    rates: dict[str, list[float]] = {p: [] for p in PHYSICS}
    for physics in PHYSICS:  # compile models and loops
        task = peg(physics)
        simulate(task, expert_of(task), trials=2, seed=size.seed, threads=size.threads)
    cpu: dict[str, list[float]] = {p: [] for p in PHYSICS}
    for _ in range(size.blocks):
        for physics in PHYSICS:
            task, watch = peg(physics), Watch()
            with watch:
                done = simulate(
                    task, expert_of(task), trials=size.nsim, block=size.nsim, seed=size.seed, threads=size.threads
                )
            rates[physics].append(done.control_steps_per_s)
            cpu[physics].append(done.control_steps / watch.cpu_s)
    return [
        Row(
            what=f"peg-insert, {physics}: expert, end to end",
            unit="control steps/s",
            values=rates[physics],
            against=f"{target:,.0f} control steps/s",
            ratio=statistics.median(rates[physics]) / target,
            target=1.0,
            details={"control_steps_per_cpu_s": cpu[physics], "trials": size.nsim},
        )
        for physics, target in TARGET_STEPS_PER_S.items()
    ]


def against_raw(size: Size) -> list[Row]:
    """The world, with all it adds, against the simulator alone on the very same substeps."""
    return [_against_raw(physics, size) for physics in PHYSICS]


def _against_raw(physics: str, size: Size) -> Row:
    steady = Steady(peg(physics), nsim=size.nsim, threads=size.threads, seed=size.seed)
    steady.warm_up(size.warm_up)
    raw = Raw(steady)
    raw.replay(steady.run(1)[1])
    rates, wall, cpu, differing = [], [], [], 0
    steps = size.nsim * size.periods
    for _ in range(size.pairs):
        ours, periods = steady.run(size.periods)
        theirs, wrong = raw.replay(periods)
        rates.append(steps / ours.wall_s)
        wall.append(theirs.wall_s / ours.wall_s)
        cpu.append(theirs.cpu_s / ours.cpu_s)
        differing += wrong
    return Row(
        what=f"peg-insert, {physics}: world without policy",
        unit="control steps/s",
        values=rates,
        against="raw mujoco.batch, same substeps",
        ratio=statistics.median(wall),
        target=TARGET_OF_RAW,
        note="" if differing == 0 else f"{differing} state values differ: not the same substeps",
        details={"ratios": wall, "cpu_ratios": cpu, "differing": differing, "trials_ended": steady.ended},
    )
