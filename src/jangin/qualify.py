"""Prove or refute claims about a policy, with evidence that replays.

    verdict = qualify(policy, PegInsert(), seed=7, folder=RunFolder.create("runs/peg"))
    verdict.verdict, verdict.exit_code, verdict.sentence        # "QUALIFIED", 0, "Qualified: policy.onnx on ..."

In this order: what no policy could prove is refused; the plan is written and thereby frozen; the first block of trials
is run, and run again (every value must be the same bits); doing nothing and doing anything must not pass; then blocks
are run until the claims are settled or `max_trials`, rounded up to whole blocks, are used up. A claim against another
policy has that one run on the same trials. Claims of grade B are searched at the end. The folder gets

    evidence/plan.yaml         before the first trial; its sha256 is the plan's hash
    evidence/trials.parquet    every row of every block that was run, in trial order
    evidence/baselines.parquet other policies on the first trials of the same stream
    evidence/search.parquet    every evaluation of the searches, where a claim is of grade B
    evidence/verdict.json      the decision, recomputable from the files above (`verify`)
    evidence/junit.xml         the same for a build server

Interrupted at any time, finished blocks stay in evidence/blocks/ and the same call goes on from there; the files at the
end are the same bytes. What it does not do: learn, seal the folder, or say anything about a real machine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jangin.claim import Claim
from jangin.engine.rollout import BLOCK, rollout, run_block
from jangin.errors import BadFolder, BadPolicy, JanginError
from jangin.evidence import (
    BASELINES,
    JUNIT,
    PLAN,
    SEARCH,
    TRIALS,
    VERDICT,
    Plan,
    Rerun,
    begin,
    block_name,
    check_claims,
    differing,
    fed,
    judge,
    junit,
    limit_faults,
    make_plan,
    null_faults,
    read_plan,
    reference_column,
    results,
    row_faults,
    together,
)
from jangin.evidence.freezing import freeze
from jangin.policy import Blind, Random, Zero
from jangin.record import RunFolder, sha256_file
from jangin.search import SEARCH_TRIALS, Searched, clear, search, search_plan
from jangin.stats.family import Settled, settle
from jangin.stats.sequential import Process
from jangin.task import ClaimResult, Guarded, Policy, Task, Trials, Verdict, World

__all__ = ["BASELINE_TRIALS", "CHECK_TRIALS", "MAX_TRIALS", "Progress", "qualify"]

MAX_TRIALS = 20_000
CHECK_TRIALS = 64  # of zero and random actions: enough to see a rate of half the claimed one
BASELINE_TRIALS = 256  # of the expert and of the policy without touch


@dataclass(frozen=True)
class Progress:
    """How far a qualification is.

    Attributes:
        stage: "evidence" (the claims' own trials), "check" (again, zero, random), "baseline", or "search" (grade B).
        policy: whose trials these are.
        trials, max_trials, successes: counts in this stage; `max_trials` may not be needed.
        claims: how the claims stand by now; empty before the first block.
    """

    stage: Literal["evidence", "check", "baseline", "search"]
    policy: str
    trials: int
    max_trials: int
    successes: int
    claims: tuple[ClaimResult, ...] = ()


def qualify(
    policy: Policy,
    task: Task,
    claims: Sequence[Claim | str] | None = None,
    *,
    seed: int,
    folder: RunFolder,
    max_trials: int = MAX_TRIALS,
    block: int = BLOCK,
    threads: int = 0,
    baselines: bool = True,
    references: Mapping[str, Policy] | None = None,
    provenance: Sequence[Mapping[str, Any]] = (),
    search_trials: int = SEARCH_TRIALS,
    progress: Callable[[Progress], None] | None = None,
) -> Verdict:
    """Decide `claims` (the task's own unless given) on trials of the stream (task, seed, "evidence").

    Random: only the trials of that stream, and the random policy's own stream. The result does not depend on `threads`.
    With `baselines` the expert, and the policy with its sense of touch or its shield taken away, run on the first
    trials too; zero and random actions always do, without the shield, because evidence on a task that anything solves
    is INVALID.
    `references` are the policies that claims compare with, by the name the claims use. `provenance` says where limits
    come from and is kept in the plan. `search_trials` is how many trials the search for a claim of grade B may take.
    `progress` is called after every block and may raise to stop; what is finished is kept.

    Raises: BadClaim when a claim cannot be proved within `max_trials` or reads an unknown column; BadPolicy when the
    policy sees what only a simulator knows; BadFolder when the folder holds another plan or cannot be written.
    """
    if block < 1:
        raise JanginError(f"The block size is {block}; give at least 1 trial, as --block 256.")
    task = task.at("evidence")
    chosen = tuple(Claim.parse(c) if isinstance(c, str) else c for c in (task.claims if claims is None else claims))
    most = -(-max_trials // block) * block
    named = _references(chosen, references or {})
    _check_senses(policy, *named.values())
    world = task.world(block, threads=threads, seed=seed, purpose="evidence")
    check_claims(task, chosen, most, world.outcomes)
    plan = make_plan(
        policy,
        task,
        chosen,
        seed=seed,
        block=block,
        max_trials=most,
        engine=world.engine,
        references=named,
        search=search_plan(task, chosen, search_trials),
        provenance=provenance,
    )
    freeze(folder, PLAN, plan, read_plan, TRIALS)
    run = _Run(policy, tuple(named.values()), task, plan, folder, threads, progress)
    parts = _stored(folder, plan)
    if not parts:
        parts = [run.block(world, 0)]
        world = task.world(block, threads=threads, seed=seed, purpose="evidence")
    rerun = run.again(world, parts[0].head(block))
    bare = task.unguarded if isinstance(task, Guarded) else task  # behind a shield anybody may well succeed
    tables = {"zero": run.other("check", Zero(task), bare), "random": run.other("check", Random(task, seed=seed), bare)}
    sound = not rerun.differs and not null_faults(plan, tables) and not limit_faults(plan, parts[0])
    parts = run.until_settled(world, parts, sound=sound)
    del world  # its memory goes before the baselines build worlds of their own
    if baselines and sound:
        tables |= {p.name: run.other("baseline", p) for p in _others(policy, task)}
        if bare != task:
            tables[f"{policy.name} without shield"] = run.other("baseline", policy, bare)
    searched = run.searches(parts) if sound else Searched({}, None)
    return _finish(run, _joined(parts), tables, rerun, searched)


def _check_senses(*policies: Policy) -> None:
    for p in policies:
        if p.sees != "observation":
            raise BadPolicy(
                f"The policy {p.name!r} sees what only a simulator knows, so no real machine could run it; "
                f"qualify one that sees the observation."
            )


def _references(claims: Sequence[Claim], given: Mapping[str, Policy]) -> dict[str, Policy]:
    """The policies that claims compare with, in the claims' order."""
    names = dict.fromkeys(c.reference for c in claims if c.kind == "reference")
    if missing := [n for n in names if n not in given]:
        raise BadPolicy(f"A claim compares with the policy {missing[0]!r}, which was not given.")
    return {n: given[n] for n in names}


# ── before the first trial ───────────────────────────────────────────────────────────────────────────────────────


def _stored(folder: RunFolder, plan: Plan) -> list[Trials]:
    """What an earlier call with the same plan finished: its table, then the blocks that came after it."""
    parts = []
    if folder.has(TRIALS):
        recorded = folder.read_json(VERDICT).get("hashes", {}).get("trials") if folder.has(VERDICT) else None
        if recorded not in (None, sha256_file(folder / TRIALS)):
            raise BadFolder(f"{folder / TRIALS} was changed after its verdict. Give another place with --out.")
        parts.append(folder.read_trials(TRIALS))
    done = sum(len(p) for p in parts) // plan.block
    while folder.has(block_name(done)):
        parts.append(folder.read_trials(block_name(done)))
        done += 1
    return parts


# ── the trials ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Run:
    """What every step of one qualification needs."""

    policy: Policy
    references: tuple[Policy, ...]
    task: Task
    plan: Plan
    folder: RunFolder
    threads: int
    progress: Callable[[Progress], None] | None

    def block(self, world: World, k: int) -> Trials:
        """Run block k and keep it, whole, in the folder."""
        part = self._run(world, k)
        meta = {**part.meta, "purpose": "evidence", "plan": self.plan.sha256}
        part = dataclasses.replace(part, meta=meta)
        self.folder.write_trials(block_name(k), part)
        return part

    def _run(self, world: World, k: int) -> Trials:
        """Block k of the policy, with the outcomes of the references on the same trials."""
        first, seed = k * self.plan.block, self.plan.seed
        part = run_block(self.task, world, self.policy, first, seed=seed)
        others = {
            reference_column(i): run_block(self.task, world, p, first, seed=seed)["outcome"]
            for i, p in enumerate(self.references)
        }
        return dataclasses.replace(part, columns={**part.columns, **others})

    def again(self, world: World, first: Trials) -> Rerun:
        """The first block a second time, in a world that did not run it."""
        second = self._run(world, 0)
        self.tell(Progress("check", self.policy.name, len(second), len(second), second.successes))
        return Rerun(len(second), differing(first, second))

    def other(self, stage: Literal["check", "baseline"], policy: Policy, task: Task | None = None) -> Trials:
        """Another policy on the first trials of the same stream, or the policy on a task that differs in its shield."""
        n, task = min(self.plan.block, CHECK_TRIALS if stage == "check" else BASELINE_TRIALS), task or self.task
        trials = rollout(task, policy, n, seed=self.plan.seed, purpose="evidence", size=n, threads=self.threads)
        self.tell(Progress(stage, policy.name, n, n, trials.successes))
        return trials

    def until_settled(self, world: World, parts: list[Trials], *, sound: bool) -> list[Trials]:
        """Blocks until the claims are settled, the plan is used up, or a row is no evidence."""
        processes, parts, unread, successes = begin(self.plan), list(parts), list(parts), 0
        done = 0
        while True:
            for part in unread:
                sound = sound and not row_faults(self.plan, part)
                successes += part.successes
                done += len(part)
                processes = fed(self.plan, processes, part)
            settled = settle(processes, alpha_refute=self.plan.alpha_refute)
            self.tell_claims(processes, settled, done, successes)
            if not sound or not processes or settled.at is not None or done >= self.plan.max_trials:
                return parts
            unread = [self.block(world, done // self.plan.block)]
            parts += unread

    def tell_claims(self, processes: Sequence[Process], settled: Settled, done: int, successes: int) -> None:
        """Progress with every claim's standing."""
        if self.progress is not None:
            now = results(self.plan, processes, settled, {})
            self.tell(Progress("evidence", self.policy.name, done, self.plan.max_trials, successes, now))

    def searches(self, parts: Sequence[Trials]) -> Searched:
        """The estimates of claims of grade B, where trials have not refuted the others already."""
        if not self.plan.estimated:
            return Searched({}, None)
        settled = settle(fed(self.plan, begin(self.plan), _joined(parts)), alpha_refute=self.plan.alpha_refute)
        if settled.refuted_at is not None:
            return Searched({}, None)

        def tell(done: int, claim: str) -> None:
            self.tell(Progress("search", claim, done, 0, 0))

        return search(self.plan, self.task, self.policy, self.folder, threads=self.threads, progress=tell)

    def tell(self, now: Progress) -> None:
        """Report progress to whoever asked for it."""
        if self.progress is not None:
            self.progress(now)


def _others(policy: Policy, task: Task) -> list[Policy]:
    """The baselines of a report: what a plant would run today, and the policy without its sense of touch."""
    others: list[Policy] = []
    expert = task.expert()
    if expert is not None and expert.name != policy.name:
        others.append(expert)
    if task.observation.of_sense("touch").any():
        others.append(Blind(policy, task))
    return others


# ── after the last one ───────────────────────────────────────────────────────────────────────────────────────────


def _joined(parts: Sequence[Trials]) -> Trials:
    """All rows as one table, with the control steps of all parts."""
    joined = Trials.concat(parts)
    steps = sum(int(p.meta["control_steps"]) for p in parts)
    return dataclasses.replace(joined, meta={**joined.meta, "control_steps": steps})


def _finish(run: _Run, trials: Trials, tables: dict[str, Trials], rerun: Rerun, searched: Searched) -> Verdict:
    """Write the evidence and the verdict; the blocks go when the whole table is safe."""
    folder, plan = run.folder, run.plan
    folder.write_trials(TRIALS, trials)
    folder.write_trials(BASELINES, together(tables))
    files = {"plan": PLAN, "trials": TRIALS, "baselines": BASELINES}
    if searched.table is not None:
        folder.write_trials(SEARCH, searched.table)
        files["search"] = SEARCH
    hashes = {"task": plan.task["sha256"], **{key: sha256_file(folder / name) for key, name in files.items()}}
    if plan.policy["sha256"] is not None:
        hashes["policy"] = plan.policy["sha256"]
    judgement = judge(plan, trials, tables, rerun, searched.estimates, hashes)
    folder.write_json(VERDICT, dict(judgement.record))
    folder.write_text(JUNIT, junit(plan, judgement.verdict))
    for k in range(len(trials) // plan.block):
        folder.remove(block_name(k))
    clear(folder, plan)
    return dataclasses.replace(judgement.verdict, run_dir=str(folder.path))
