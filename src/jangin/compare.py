"""Is one policy better than another, or no worse? Both run the same trials until that is decided, with evidence.

    found = compare(new, old, PegInsert(), seed=7, folder=RunFolder.create("runs/new-against-old"))
    found.decision, found.exit_code, found.sentence   # "BETTER", 0, "A (policy.onnx) succeeds more often than ..."
    compare(new, old, task, margin=0.01, ...)         # "NOT_WORSE" once it is shown to be at most 0.01 below

In this order: what cannot be shown is refused; the plan is written and thereby frozen; the first block of trials is run
by both, and run again (every value must be the same bits); then blocks are run by both until the claim or its opposite
is shown, or `max_trials`, rounded up to whole blocks, are used up. The folder gets

    comparison/plan.yaml         before the first trial; its sha256 is the plan's hash
    comparison/trials.parquet    every row of both, in trial order, the column `policy` saying whose: A or B
    comparison/compare.json      the decision, recomputable from the two (`evidence.comparison.verify_comparison`)

Interrupted at any time, finished blocks stay in comparison/blocks/ and the same call goes on from there; the files at
the end are the same bytes. What it does not do: say that either policy is good enough (`qualify` does), or why.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jangin.engine.rollout import BLOCK, run_block
from jangin.errors import BadFolder, BadPolicy, JanginError
from jangin.evidence.comparison import (
    COMPARISON,
    PAIRS,
    Comparison,
    comparison_hashes,
    difference,
    judge_pairs,
    pair_faults,
    pairs_block_name,
    stored_pairs,
)
from jangin.evidence.comparison_plan import (
    PAIRS_PLAN,
    PURPOSE,
    SIDES,
    ComparisonPlan,
    make_comparison_plan,
    read_comparison_plan,
)
from jangin.evidence.faults import Rerun
from jangin.evidence.freezing import freeze
from jangin.evidence.plan import check_same
from jangin.evidence.tables import by_policy, differing, together
from jangin.record import RunFolder, sha256_file
from jangin.stats.family import settle
from jangin.task import Policy, Task, Trials, World

__all__ = ["MAX_TRIALS", "PairProgress", "ReplayedPair", "compare", "replay_pair"]

MAX_TRIALS = 20_000


@dataclass(frozen=True)
class PairProgress:
    """How far a comparison is: pairs so far and at most, how many A alone and B alone succeeded in, and the natural
    logs of the evidence for the claim and against it."""

    pairs: int
    max_pairs: int
    won: int
    lost: int
    log_e_for: float
    log_e_against: float


def compare(
    a: Policy,
    b: Policy,
    task: Task,
    *,
    seed: int,
    folder: RunFolder,
    margin: float | None = None,
    confidence: float = 0.95,
    max_trials: int = MAX_TRIALS,
    block: int = BLOCK,
    threads: int = 0,
    progress: Callable[[PairProgress], None] | None = None,
) -> Comparison:
    """Decide whether A succeeds more often than B, or with a margin whether it is at most that much below.

    Random: only the trials of the stream (task, seed, "compare"). The result does not depend on `threads`. `progress`
    is called after every block and may raise to stop; what is finished is kept.

    Raises: BadPolicy when both are the same policy; BadClaim for a margin or a confidence that is none, or what could
    not be shown within `max_trials`; BadFolder when the folder holds another plan or cannot be written.
    """
    if block < 1:
        raise JanginError(f"The block size is {block}; give at least 1 trial, as --block 256.")
    if _identity(a) == _identity(b):
        raise BadPolicy(
            f"A and B are the same policy, {a.name}: on the same trials they cannot differ. Give another one to "
            f"compare with."
        )
    task = task.at("evidence")
    most = -(-max_trials // block) * block
    world = task.world(block, threads=threads, seed=seed, purpose=PURPOSE)
    plan = make_comparison_plan(
        (a, b),
        task,
        margin=margin,
        confidence=confidence,
        seed=seed,
        block=block,
        max_trials=most,
        engine=world.engine,
    )
    freeze(folder, PAIRS_PLAN, plan, read_comparison_plan, PAIRS)
    run = _Run({"A": a, "B": b}, task, plan, folder, progress)
    parts = _stored(folder, plan)
    if not parts:
        parts = [run.block(world, 0)]
        world = task.world(block, threads=threads, seed=seed, purpose=PURPOSE)
    rerun = run.again(world, parts[0])
    parts = run.until_decided(world, parts, sound=not rerun.differs)
    return _finish(run, parts, rerun)


def _identity(policy: Policy) -> tuple[str, str | None]:
    """What makes two policies the same one, as in the plan: name and hash; one file may hold several by name."""
    return policy.name, getattr(policy, "sha256", None)


def _stored(folder: RunFolder, plan: ComparisonPlan) -> list[Trials]:
    """What an earlier call with the same plan finished, block by block."""
    if folder.has(COMPARISON) and folder.has(PAIRS):
        recorded = folder.read_json(COMPARISON).get("hashes", {}).get("trials")
        if recorded not in (None, sha256_file(folder / PAIRS)):
            raise BadFolder(f"{folder / PAIRS} was changed after it was decided. Give another place with --out.")
    blocks = []
    for part in stored_pairs(folder, plan):
        sides = by_policy(part)
        for first in range(0, len(sides["A"]), plan.block):
            rows = {s: t.rows(first, plan.block) for s, t in sides.items()}
            blocks.append(dataclasses.replace(together(rows), meta=part.meta))
    return blocks


@dataclass(frozen=True)
class _Run:
    """What every step of one comparison needs."""

    policies: Mapping[str, Policy]
    task: Task
    plan: ComparisonPlan
    folder: RunFolder
    progress: Callable[[PairProgress], None] | None

    def block(self, world: World, k: int) -> Trials:
        """Run block k by both and keep it, whole, in the folder."""
        pairs = self._run(world, k)
        self.folder.write_trials(pairs_block_name(k), pairs)
        return pairs

    def _run(self, world: World, k: int) -> Trials:
        first, seed = k * self.plan.block, self.plan.seed
        sides = {s: run_block(self.task, world, p, first, seed=seed) for s, p in self.policies.items()}
        meta = {"task": self.task.name, "seed": seed, "purpose": PURPOSE, "plan": self.plan.sha256}
        return dataclasses.replace(together(sides), meta=meta)

    def again(self, world: World, first: Trials) -> Rerun:
        """The first block a second time, in a world that did not run it."""
        return Rerun(len(first) // len(SIDES), differing(first, self._run(world, 0)))

    def until_decided(self, world: World, parts: list[Trials], *, sound: bool) -> list[Trials]:
        """Blocks until it is decided, the plan is used up, or a row is no evidence."""
        process, parts, unread = self.plan.begin(), list(parts), list(parts)
        while True:
            for part in unread:
                sides = by_policy(part)
                sound = sound and not pair_faults(self.plan, sides)
                process = process.extended(difference(sides)) if sound else process
            if self.progress is not None and sound:
                n = len(process)
                logs = (float(f(np.array([n]))[0]) for f in (process.log_for, process.log_against))
                self.progress(PairProgress(n, self.plan.max_trials, len(process.won), len(process.lost), *logs))
            decided = settle([process], alpha_refute=self.plan.alpha).at is not None
            if not sound or decided or len(process) >= self.plan.max_trials:
                return parts
            unread = [self.block(world, len(process) // self.plan.block)]
            parts += unread


def _finish(run: _Run, parts: Sequence[Trials], rerun: Rerun) -> Comparison:
    """Write the pairs and what they say; the blocks go when the whole table is safe."""
    folder, plan = run.folder, run.plan
    whole = {s: Trials.concat([by_policy(p)[s] for p in parts]) for s in SIDES}
    trials = dataclasses.replace(together(whole), meta=parts[0].meta)
    folder.write_trials(PAIRS, trials)
    found, record = judge_pairs(plan, trials, rerun, comparison_hashes(folder, plan))
    folder.write_json(COMPARISON, record)
    for k in range(len(parts)):
        folder.remove(pairs_block_name(k))
    return dataclasses.replace(found, run_dir=str(folder.path))


# ── one pair again ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ReplayedPair:
    """One trial of a comparison, run again by both.

    Attributes:
        trial, block: its number, and the block it was run in.
        outcomes: how it ended, by A and by B.
        differs: the columns whose bits differ from the record, by A and by B.
        sentence: the same for a person.
    """

    trial: int
    block: int
    outcomes: Mapping[str, str]
    differs: Mapping[str, tuple[str, ...]]
    sentence: str

    @property
    def same(self) -> bool:
        """Whether every value of both came out the same, bit for bit."""
        return not any(self.differs.values())


def replay_pair(
    folder: RunFolder | str | Path, trial: int, *, policies: tuple[Policy, Policy], task: Task, threads: int = 0
) -> ReplayedPair:
    """Run trial number `trial` of a comparison again by A and by B, each in its block.

    Raises: BadFolder when there is no such trial; BadTask or BadPolicy when the plan names another one.
    """
    folder = folder if isinstance(folder, RunFolder) else RunFolder.open(folder)
    plan, sides = read_comparison_plan(folder), by_policy(folder.read_trials(PAIRS))
    task = task.at("evidence")
    for side, policy in zip(SIDES, policies, strict=True):
        check_same(plan.of(side), policy, task)
    n = len(sides["A"])
    if not 0 <= trial < n:
        raise BadFolder(f"There is no trial {trial} in {folder / PAIRS}; it holds trials 0 to {n - 1:,}.")
    k, sim = divmod(trial, plan.block)
    world = task.world(plan.block, threads=threads, seed=plan.seed, purpose=PURPOSE)
    differs = {}
    for side, policy in zip(SIDES, policies, strict=True):
        again = run_block(task, world, policy, k * plan.block, seed=plan.seed)
        differs[side] = differing(sides[side].rows(trial, 1), again.rows(sim, 1))
    outcomes = {side: str(sides[side]["outcome"][trial]) for side in SIDES}
    ended = ", ".join(f"{side} {outcome}" for side, outcome in outcomes.items())
    how = "; ".join(f"{side} differs in {', '.join(d)}" for side, d in differs.items() if d)
    sentence = f"Trial {trial:,} ({ended}) came out {f'differently: {how}' if how else 'the same, bit for bit'}."
    return ReplayedPair(trial, k, outcomes, differs, sentence)
