"""Search for the rare events of claims of grade B: an estimate for each, and the table it follows from.

    searched = search(plan, task, policy, folder, threads=0, progress=tell)
    searched.estimates["P(peak_force_n > 90) <= 1e-06 grade B @ 0.95"].probability, searched.table

The margin is the claim's score: negative exactly when the event happens, and continuous, so that a search can follow
it. Conditions are where the search puts them; noise belongs to the trial's number, in a stream of its own for each
claim. Interrupted, every batch of trials that was finished is kept in evidence/blocks and not run again: the search is
the same function of the same margins, so the estimate is the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jangin.claim import Claim
from jangin.engine.probe import Probe
from jangin.errors import BadClaim
from jangin.evidence import BLOCKS, Estimate, Plan, read_estimates, search_table
from jangin.record import RunFolder
from jangin.stats.rare import estimate, uniform
from jangin.task import Array, Policy, Task, Trials

__all__ = ["REPLICATES", "SEARCH_TRIALS", "Searched", "clear", "search", "search_plan"]

REPLICATES, SEARCH_TRIALS = 8, 100_000
_LEAST = 10_000  # trials, fewer than which say nothing
_BLOCK = 100  # trials side by side


@dataclass(frozen=True)
class Searched:
    """The estimates by the claims' texts, and the table they follow from; None where nothing was searched."""

    estimates: Mapping[str, Estimate]
    table: Trials | None


def search_plan(task: Task, claims: Sequence[Claim], trials: int = SEARCH_TRIALS) -> dict[str, Any]:
    """How claims of grade B will be searched, for the plan; empty where there is none.

    Raises: BadClaim when the task has no condition to search among, or too few trials are allowed.
    """
    wanted = [c for c in claims if c.grade == "B"]
    if not wanted:
        return {}
    if not len(task.conditions):
        raise BadClaim(f"The claim '{wanted[0]}' is to be searched, but {task.name} declares no conditions to vary.")
    if trials < _LEAST:
        raise BadClaim(f"A search of {trials:,} trials says nothing about '{wanted[0]}'; give at least {_LEAST:,}.")
    return {
        "replicates": REPLICATES,
        "trials": trials,
        "block": _BLOCK,
        "methods": "subset simulation and cross-entropy importance sampling, which must agree",
    }


def search(
    plan: Plan,
    task: Task,
    policy: Policy,
    folder: RunFolder,
    *,
    threads: int,
    progress: Callable[[int, str], None],
) -> Searched:
    """Estimate the plan's claims of grade B. Raises: BadClaim when a claim's column is not the event's margin."""
    found = {}
    for k, claim in enumerate(plan.estimated):
        kept = _Kept(folder, k)

        def tell(done: int, of: int, what: str, text: str = str(claim)) -> None:
            progress(done, f"{text}, {what}")

        probe = Probe(
            task,
            policy,
            seed=plan.seed,
            purpose=f"search {k}",
            block=plan.search["block"],
            threads=threads,
        )
        margin = _margin(probe, claim, kept)
        found[str(claim)] = estimate(
            margin,
            len(task.conditions),
            seed=plan.seed,
            replicates=plan.search["replicates"],
            budget=plan.search["trials"],
            progress=tell,
        )
    if not found:
        return Searched({}, None)
    table = search_table(plan, found)
    return Searched(read_estimates(plan, table), table)


def clear(folder: RunFolder, plan: Plan) -> None:
    """Delete the batches that an interruption would have gone on from, once the table is safe."""
    for k in range(len(plan.estimated)):
        _Kept(folder, k).clear()


def _margin(probe: Probe, claim: Claim, kept: _Kept) -> Callable[[Array, Array], Array]:
    def margin(z: Array, trial: Array) -> Array:
        """How far from the event; NaN for a trial that the engine cannot vouch for."""
        known = kept.next(trial)
        if known is not None:
            return known
        trials = probe.run(uniform(z), trial)
        broken = trials.invalid
        score = np.where(broken, np.nan, claim.score(trials.columns))
        kept.keep(trial, score)
        return score

    return margin


class _Kept:
    """The margins of finished batches, in the order in which a search asks for them."""

    def __init__(self, folder: RunFolder, claim: int) -> None:
        self._folder, self._claim, self._batch = folder, claim, 0

    def _name(self, batch: int) -> str:
        return f"{BLOCKS}/search-{self._claim}-{batch:06d}.parquet"

    def next(self, trial: Array) -> Array | None:
        """The margins of the next batch, where it is that of these trials; None where it is still to be run."""
        if not self._folder.has(self._name(self._batch)):
            return None
        there = self._folder.read_trials(self._name(self._batch))
        if not np.array_equal(there["trial"], trial):
            return None
        self._batch += 1
        return there["margin"]

    def keep(self, trial: Array, margin: Array) -> None:
        """Write the batch that was just run."""
        self._folder.write_trials(self._name(self._batch), Trials({"trial": trial, "margin": margin}))
        self._batch += 1

    def clear(self) -> None:
        """Delete all batches."""
        batch = 0
        while self._folder.has(self._name(batch)):
            self._folder.remove(self._name(batch))
            batch += 1
