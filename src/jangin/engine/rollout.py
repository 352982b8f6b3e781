"""Task x policy -> trials, in blocks of consecutive trial numbers, in trial order.

    trials = rollout(task, policy, n=1000, seed=7)
    for block in blocks(task, policy, seed=7, size=256):   # an endless stream; stop whenever you like
        ...

A block runs all its trials in lock-step until the last one has ended, always with the same batch shape, so inference
rounds the same way whenever the block is run again. Trials are counted by number, never by who finished first: that
would favour the short ones. A replay of trial t re-runs the block t // size.
"""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable, Iterator

import numpy as np

from jangin.task import RUNNING, SUCCESS, Array, Policy, Task, Trials, World

__all__ = ["BLOCK", "blocks", "chip", "rollout", "run_block", "run_trials"]

BLOCK = 256


def chip() -> str:
    """What ran it: machine and processor, for the trials table."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "")
    except OSError:
        model = ""
    return f"{platform.machine()} {model or platform.processor()}".strip()


def run_block(
    task: Task,
    world: World,
    policy: Policy,
    first: int,
    *,
    seed: int,
    on_step: Callable[[Array, Array, Array], None] | None = None,
) -> Trials:
    """Run trials first .. first + world.nsim - 1 to their ends; rows in trial order, `on_step` as in `run_trials`."""
    return run_trials(task, world, policy, first + np.arange(world.nsim), seed=seed, on_step=on_step)


def run_trials(
    task: Task,
    world: World,
    policy: Policy,
    trials: Array,
    *,
    seed: int,
    at: Array | None = None,
    on_step: Callable[[Array, Array, Array], None] | None = None,
) -> Trials:
    """Run world.nsim trials of any numbers (nsim,) to their ends; a row each, in the order given.

    `at` (nsim, len(task.conditions)) puts them under the conditions at those uniforms instead of their own.
    on_step(running, seen, action) is called before every control period with the ids that still run, what the policy
    saw and did (all simulations' rows).
    """
    n = world.nsim
    ids = np.arange(n)
    if at is None:
        world.reset(ids, trials)
    else:
        world.reset(ids, trials, at)
    policy.reset(ids, trials)
    outcome = np.zeros(n, np.int16)
    running, control_steps = ids, 0
    while running.size:
        seen = world.observe() if policy.sees == "observation" else world.privileged()
        action = np.asarray(policy.act(seen), np.float32)
        if on_step is not None:
            on_step(running, seen, action)
        step = world.step(action, running)
        control_steps += running.size
        outcome[running] = step.outcome
        running = running[step.outcome == 0]
    return _table(task, world, policy, trials, outcome, seed=seed, control_steps=control_steps)


def _table(
    task: Task, world: World, policy: Policy, trials: Array, outcome: Array, *, seed: int, control_steps: int
) -> Trials:
    assert world.outcomes[:2] == (RUNNING, SUCCESS), "a world's outcomes begin with running, success"
    n = len(trials)
    columns: dict[str, Array] = {
        "trial": trials.astype(np.int64),
        "seed": np.full(n, seed, np.int64),
        "outcome": np.array([world.outcomes[k] for k in outcome], dtype=object),
        **world.record(np.arange(n)),
        "engine": np.full(n, world.engine, dtype=object),
        "chip": np.full(n, chip(), dtype=object),
    }
    units = {**task.conditions.units, **task.columns}
    meta = {"task": task.name, "policy": policy.name, "seed": seed, "control_steps": control_steps}
    return Trials(columns, units, meta)


def blocks(
    task: Task,
    policy: Policy,
    *,
    seed: int,
    purpose: str = "simulate",
    size: int = BLOCK,
    threads: int = 0,
    start: int = 0,
) -> Iterator[Trials]:
    """Blocks `start`, `start + 1`, ... of `size` trials each, without end."""
    world = task.world(size, threads=threads, seed=seed, purpose=purpose)
    block = start
    while True:
        yield run_block(task, world, policy, block * size, seed=seed)
        block += 1


def rollout(
    task: Task,
    policy: Policy,
    n: int,
    *,
    seed: int,
    purpose: str = "simulate",
    size: int = BLOCK,
    threads: int = 0,
    on_block: Callable[[Trials], None] | None = None,
) -> Trials:
    """The first n trials of the stream (task, seed, purpose); whole blocks are run, the surplus rows cut off."""
    parts: list[Trials] = []
    done = steps = 0
    for part in blocks(task, policy, seed=seed, purpose=purpose, size=size, threads=threads):
        parts.append(part.head(n - done))
        steps += part.meta["control_steps"]
        done += len(parts[-1])
        if on_block is not None:
            on_block(parts[-1])
        if done >= n:
            break
    joined = Trials.concat(parts)
    return dataclasses.replace(joined, meta={**joined.meta, "control_steps": steps})
