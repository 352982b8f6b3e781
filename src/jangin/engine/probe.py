"""Trials under conditions of one's own choice: for a map of where a policy fails, and for searches for rare failures.

    probe = Probe(task, policy, seed=7, purpose="map", block=256)
    trials = probe.run(u, numbers)         # u (n, len(task.conditions)) in [0, 1): where each condition's quantile is

Each trial keeps its own noise, that of its number; only its conditions are put elsewhere. Such trials are not drawn
from the declared conditions, so they are never evidence. Every batch has the same shape, the last one filled up with
its last row again, so inference rounds the same way whatever is asked.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jangin.engine.rollout import BLOCK, run_trials
from jangin.task import Array, Policy, Task, Trials

__all__ = ["Probe"]


class Probe:
    """Runs a policy on a task under given conditions, in batches of one shape; `count` is how many trials it ran."""

    def __init__(
        self,
        task: Task,
        policy: Policy,
        *,
        seed: int,
        purpose: str,
        block: int = BLOCK,
        threads: int = 0,
    ) -> None:
        self.task, self.policy, self.seed, self.block = task, policy, seed, block
        self._world = task.world(block, threads=threads, seed=seed, purpose=purpose)
        self.count = 0

    def run(self, u: Array, trials: Array, progress: Callable[[int], None] | None = None) -> Trials:
        """One row for each of the conditions u (n, d), n >= 1, with the noise of trials (n,); in the order given.

        `progress` is told after each batch how many of the n are done.
        """
        u, trials = np.asarray(u, float), np.asarray(trials, np.int64)
        parts = []
        for first in range(0, len(u), self.block):
            rows = np.minimum(np.arange(first, first + self.block), len(u) - 1)
            part = run_trials(self.task, self._world, self.policy, trials[rows], seed=self.seed, at=u[rows])
            parts.append(part.head(len(u) - first))
            self.count += len(parts[-1])
            if progress is not None:
                progress(min(first + self.block, len(u)))
        return Trials.concat(parts)
