"""Run one trial of the evidence again and compare every value, bit for bit.

    result = replay("runs/peg", 1234, policy=policy, task=task)
    result.same, result.differs, result.stored["cycle_s"], result.rerun["cycle_s"]

A trial is re-run inside its block, because a policy's network may round differently for another batch shape. The
caller hands over the task and the policy; both must be the ones that the plan names, by hash. Nothing is imported
because a file in the folder says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jangin.engine.rollout import chip, run_block
from jangin.errors import BadFolder
from jangin.evidence import TRIALS, Plan, check_same, differing, read_plan, reference_column
from jangin.record import RunFolder
from jangin.task import Array, Policy, Task, Trials, World

__all__ = ["Replayed", "replay"]

OnStep = Callable[[World, int, Array, Array], None]


@dataclass(frozen=True)
class Replayed:
    """One trial, as recorded and as run again.

    Attributes:
        trial, block: its number, and the block it was run in.
        stored, rerun: both rows by column name.
        differs: columns whose bits differ; the chip is a label and is not compared.
        sentence: the same for a person.
    """

    trial: int
    block: int
    stored: Mapping[str, Any]
    rerun: Mapping[str, Any]
    differs: tuple[str, ...]
    sentence: str

    @property
    def same(self) -> bool:
        """Whether every value came out the same, bit for bit."""
        return not self.differs


def replay(
    folder: RunFolder | str | Path,
    trial: int,
    *,
    policy: Policy,
    task: Task,
    threads: int = 0,
    on_step: OnStep | None = None,
) -> Replayed:
    """Re-run trial number `trial` of the folder's evidence, in its block, on `threads` threads.

    on_step(world, sim, seen, action) is called before every control period of this trial, with its simulation's number
    in `world`, what the policy saw (nobs,) and what it did (nact,): for a viewer, pictures or a trajectory.

    Raises: BadFolder when the evidence has no such trial; BadTask or BadPolicy when the plan names another one.
    """
    folder = folder if isinstance(folder, RunFolder) else RunFolder.open(folder)
    plan, trials = read_plan(folder), folder.read_trials(TRIALS)
    task = task.at("evidence")
    check_same(plan, policy, task)
    if not 0 <= trial < len(trials):
        raise BadFolder(f"There is no trial {trial} in {folder / TRIALS}; it holds trials 0 to {len(trials) - 1:,}.")
    block, sim = divmod(trial, plan.block)
    world = task.world(plan.block, threads=threads, seed=plan.seed, purpose="evidence")

    def watch(running: Array, seen: Array, action: Array) -> None:
        if on_step is not None and sim in running:
            on_step(world, sim, seen[sim], action[sim])

    again = run_block(task, world, policy, block * plan.block, seed=plan.seed, on_step=watch)
    # the outcome of a policy that a claim compares with is not this policy's, and it is not run again
    others = [reference_column(k) for k in range(len(plan.references))]
    own = Trials({name: values for name, values in trials.columns.items() if name not in others})
    stored, rerun = own.rows(trial, 1), again.rows(sim, 1)
    differs = differing(stored, rerun)
    return Replayed(
        trial,
        block,
        _values(stored),
        _values(rerun),
        differs,
        _sentence(plan, trial, str(stored["outcome"][0]), differs),
    )


def _values(row: Trials) -> dict[str, Any]:
    return {name: values.tolist()[0] for name, values in row.columns.items()}


def _sentence(plan: Plan, trial: int, outcome: str, differs: tuple[str, ...]) -> str:
    if not differs:
        return f"Trial {trial:,} ({outcome}) came out the same, bit for bit."
    here = chip()
    where = f" The evidence was made on {plan.chip}, this is {here}." if here != plan.chip else ""
    return f"Trial {trial:,} ({outcome}) came out differently in {', '.join(differs)}.{where}"
