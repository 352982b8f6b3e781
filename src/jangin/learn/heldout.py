"""How good a policy is on trials it never learned from, and which of several to keep.

    heldout = HeldOut(task, trials=256, seed=7, threads=0)
    measure = heldout.measure(onnx_bytes)          # trials 0 .. 255 of the purpose "select"
    measure.score                                  # higher is better

The policy is executed by ONNX Runtime, as it will be when it is qualified. Trials run in blocks of 64; a policy that in
the blocks so far failed a claim three times as often as that allows is not worth the next one (trials that fail are the
long ones), and its measure has fewer trials. Which blocks run depends on the policy alone.

The score says how the task's claims stand. Every claim is a share of trials that must reach p0; it is asked to keep
half of the failures that p0 allows in reserve. The shares that are missing are added up: while any is missing the score
is minus their sum. Then it is positive, and grows as the median cycle falls: 1 / (1 + median cycle / time limit). So
any policy whose claims all stand comes before any other, and the faster of two before the slower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jangin.claim import Claim
from jangin.engine.rollout import run_block
from jangin.policy import OnnxPolicy
from jangin.task import Task, Trials

BLOCK = 64
HOPELESS = 3.0  # times the failures that a claim allows: no further block

__all__ = ["HeldOut", "Measure", "measured", "settled"]


@dataclass(frozen=True)
class Measure:
    """How a policy did on held-out trials.

    Attributes:
        trials, successes: how many.
        cycle_median_s, cycle_q95_s: quantiles of the time to success, failures counted as infinite.
        shares: claim text -> share of trials that speak for it.
        peaks: column -> its 99 % quantile, for every column a claim bounds but the cycle time.
        score: higher is better; positive when every claim stands with a reserve.
    """

    trials: int
    successes: int
    cycle_median_s: float
    cycle_q95_s: float
    shares: Mapping[str, float]
    peaks: Mapping[str, float]
    score: float

    @property
    def success(self) -> float:
        """Share of trials that succeeded."""
        return self.successes / self.trials


def measured(trials: Trials, claims: Sequence[Claim], limit_s: float) -> Measure:
    """The measure of a table of trials."""
    shares = {str(c): float(np.mean(c.indicator(trials.columns))) for c in claims}
    missing = sum(max(0.0, (1.0 + c.p0) / 2.0 - shares[str(c)]) for c in claims)
    # an order statistic, so that failures (inf) are never averaged with a time
    median, q95 = (float(np.quantile(trials["cycle_s"], q, method="inverted_cdf")) for q in (0.5, 0.95))
    bounded = {c.column: trials[c.column] for c in claims if c.column not in ("outcome", "cycle_s")}
    return Measure(
        trials=len(trials),
        successes=trials.successes,
        cycle_median_s=median,
        cycle_q95_s=q95,
        shares=shares,
        peaks={k: float(np.quantile(v, 0.99, method="inverted_cdf")) for k, v in bounded.items()},
        score=-missing if missing > 0.0 else 1.0 / (1.0 + median / limit_s),
    )


class HeldOut:
    """Trials first .. first + trials - 1, or the first blocks of them, of the purpose "select", again and again."""

    def __init__(self, task: Task, *, trials: int, first: int = 0, seed: int, threads: int) -> None:
        self._task, self._trials, self._first, self._seed = task, trials, first, seed
        self._size = min(trials, BLOCK)
        self._world = task.world(self._size, threads=threads, seed=seed, purpose="select")

    def measure(self, data: bytes) -> Measure:
        """Run the policy of an ONNX file's bytes."""
        policy = OnnxPolicy(data, self._task)
        blocks: list[Trials] = []
        for done in range(0, self._trials, self._size):
            blocks.append(run_block(self._task, self._world, policy, self._first + done, seed=self._seed))
            measure = measured(Trials.concat(blocks).head(self._trials), self._task.claims, self._task.limit_s)
            if any(1.0 - measure.shares[str(c)] > HOPELESS * (1.0 - c.p0) for c in self._task.claims):
                break
        return measure


def settled(measures: Sequence[Measure], patience: int) -> bool:
    """Whether to stop: every claim stood at each of the last `patience` measures, and the best score among them is not
    1 % better than the best before them."""
    if len(measures) <= patience or any(m.score <= 0.0 for m in measures[-patience:]):
        return False
    last, before = (max(m.score for m in part) for part in (measures[-patience:], measures[:-patience]))
    return last < 1.01 * before
