"""Run a policy on a task's trials and count what became of them.

    result = simulate(PegInsert(), task.expert(), trials=1000, seed=0)
    result.successes, result.success_low, result.success_high, result.control_steps_per_s

The trials are the first of the stream (task, seed, purpose), in trial order; the rows do not depend on `threads`. It
decides nothing: for a claim with evidence use `qualify`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jangin.engine.rollout import BLOCK, rollout
from jangin.errors import JanginError
from jangin.stats.binomial import interval
from jangin.stats.quantile import quantile
from jangin.task import Policy, Task, Trials

__all__ = ["Simulation", "simulate"]

QUANTILES = (0.5, 0.95)


@dataclass(frozen=True)
class Simulation:
    """What became of the trials.

    Attributes:
        trials: the table, one row per trial, in trial order.
        successes: how many succeeded.
        success_low, success_high: Clopper-Pearson interval of the success rate, 95 %, for this fixed number of trials.
        control_steps: control periods simulated, over all trials.
        seconds: wall-clock time [s], building the world included.
        cycle_s: quantiles of the time to success [s] by probability; inf where so many trials failed.
        peak_force_n: quantiles of the peak force [N] by probability.

    Quantiles leave out trials that the engine cannot vouch for; they are empty where nothing, or a NaN, was recorded.
    """

    trials: Trials
    successes: int
    success_low: float
    success_high: float
    control_steps: int
    seconds: float
    cycle_s: dict[float, float]
    peak_force_n: dict[float, float]

    @property
    def control_steps_per_s(self) -> float:
        """Control periods simulated per second of wall-clock time."""
        return self.control_steps / self.seconds if self.seconds > 0 else 0.0


def simulate(
    task: Task,
    policy: Policy,
    *,
    trials: int,
    seed: int,
    threads: int = 0,
    block: int = BLOCK,
    purpose: str = "simulate",
    progress: Callable[[int, int, int], None] | None = None,
) -> Simulation:
    """The first `trials` trials of the stream (task, seed, purpose), run in blocks of at most `block`.

    progress(done, trials, successes) is called after every block.

    Raises: JanginError for no trials or an empty block.
    """
    for name, value in (("trials", trials), ("block", block)):
        if value < 1:
            raise JanginError(f"The number of {name} is {value}; give at least 1.")
    done = successes = 0

    def tell(part: Trials) -> None:
        nonlocal done, successes
        done, successes = done + len(part), successes + part.successes
        if progress is not None:
            progress(done, trials, successes)

    begin = time.perf_counter()
    table = rollout(
        task, policy, trials, seed=seed, purpose=purpose, size=min(block, trials), threads=threads, on_block=tell
    )
    seconds = time.perf_counter() - begin
    low, high = interval(successes=successes, trials=trials)
    return Simulation(
        trials=table,
        successes=successes,
        success_low=low,
        success_high=high,
        control_steps=int(table.meta["control_steps"]),
        seconds=seconds,
        cycle_s=_quantiles(table, "cycle_s"),
        peak_force_n=_quantiles(table, "peak_force_n"),
    )


def _quantiles(table: Trials, column: str) -> dict[float, float]:
    values = table.columns[column][~table.invalid] if column in table.columns else np.zeros(0)
    return {q: quantile(values, q) for q in QUANTILES} if values.size and not np.isnan(values).any() else {}
