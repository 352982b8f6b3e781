"""Recompute a verdict from its plan and its trials, without a simulator and without the policy.

    verdict = verify("runs/peg")
    verdict.verdict, verdict.sentence     # as recorded; or INVALID (exit code 4) and the first thing that differs

Checked, in this order: the folder's manifest if it was sealed; the hashes of plan, trials and baselines; that the plan
is consistent and was followed; then every number and decision of verdict.json against what the trials give. Counts and
decisions must be equal, other numbers to 1e-9 (another processor may round a logarithm differently).
What it cannot see: whether the trials were really run (`replay` runs one again), and whether somebody rewrote all
files consistently (a bundle's signature guards against that).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jangin import __version__
from jangin.errors import BadFolder, JanginError
from jangin.evidence import (
    BASELINES,
    BLOCKS,
    JUNIT,
    PLAN,
    SEARCH,
    TRIALS,
    VERDICT,
    Judgement,
    Rerun,
    begin,
    block_name,
    by_policy,
    fed,
    first_difference,
    judge,
    junit,
    limit_faults,
    read_estimates,
    read_plan,
    results,
    row_faults,
)
from jangin.record import MANIFEST, RunFolder, sha256_file
from jangin.stats.family import settle
from jangin.task import Trials, Verdict

__all__ = ["verify"]

_FILES = {"plan": PLAN, "trials": TRIALS, "baselines": BASELINES}
_WORDS = ("sentence", "reasons", "not_shown")  # texts may be worded otherwise by another version


def verify(folder: RunFolder | str | Path) -> Verdict:
    """The verdict that the folder's evidence gives; INVALID, with the sentence why, where it is not the recorded one.

    A qualification that was cut off has no verdict yet: its whole blocks are checked, and the answer is UNDECIDED with
    what is there, what is missing and how to go on.

    Raises: BadFolder when there is no evidence to check, or verdict.json cannot be read.
    """
    folder = folder if isinstance(folder, RunFolder) else RunFolder.open(folder)
    if not folder.has(VERDICT) and folder.has(PLAN):
        return _as_far_as_it_goes(folder)
    recorded = folder.read_json(VERDICT)
    for name in _FILES.values():
        if not folder.has(name):
            raise BadFolder(f"{folder.path} has no {name}; there is no evidence to verify. Run qualify first.")
    if not isinstance(recorded, dict) or not isinstance(recorded.get("hashes"), dict):
        raise BadFolder(f"{folder / VERDICT} holds no verdict. Run qualify again.")
    try:
        difference, judgement = _check(folder, recorded)
    except JanginError as e:
        difference, judgement = str(e), None
    if judgement is None or difference:
        return _different(folder, recorded["hashes"], difference)
    return dataclasses.replace(judgement.verdict, run_dir=str(folder.path))


def _check(folder: RunFolder, recorded: Mapping[str, Any]) -> tuple[str, Judgement | None]:
    """The first difference in words, "" for none; and the judgement, None where it did not come to that."""
    if folder.has(MANIFEST):
        folder.check()
    files = {**_FILES, **({"search": SEARCH} if folder.has(SEARCH) or "search" in recorded["hashes"] else {})}
    for key, name in files.items():
        if not folder.has(name):
            return f"{folder / name} is missing, though verdict.json names its hash.", None
        if sha256_file(folder / name) != recorded["hashes"].get(key):
            return f"{folder / name} was changed after the verdict: its sha256 differs from verdict.json.", None
    plan, trials = read_plan(folder), folder.read_trials(TRIALS)
    for key, planned in (("task", plan.task["sha256"]), ("policy", plan.policy["sha256"])):
        if recorded["hashes"].get(key) != planned:
            return f"verdict.json names another {key} hash than the plan.", None
    if trials.meta.get("plan") != recorded["hashes"]["plan"]:
        return f"{folder / TRIALS} was made under another plan than {PLAN}.", None
    again = recorded.get("rerun", {})
    rerun = Rerun(int(again.get("rows", 0)), tuple(again.get("differs", ())))
    estimates = read_estimates(plan, folder.read_trials(SEARCH) if "search" in files else None)
    others = by_policy(folder.read_trials(BASELINES))
    judgement = judge(plan, trials, others, rerun, estimates, recorded["hashes"])
    if judgement.verdict.verdict == "INVALID" != recorded.get("verdict"):
        return judgement.verdict.reasons[0], judgement
    skip = () if plan.versions.get("jangin") == __version__ else _WORDS
    difference = first_difference(recorded, judgement.record, file="verdict.json", skip=skip)
    if not difference and not skip and folder.has(JUNIT) and folder.read_text(JUNIT) != junit(plan, judgement.verdict):
        difference = f"{folder / JUNIT} says something else than the verdict."
    return difference, judgement


def _as_far_as_it_goes(folder: RunFolder) -> Verdict:
    """What a qualification that was cut off has shown so far, from its whole blocks."""
    plan = read_plan(folder)
    parts: list[Trials] = [folder.read_trials(TRIALS)] if folder.has(TRIALS) else []
    first = sum(len(p) for p in parts) // plan.block
    while folder.has(block_name(first)):
        try:
            parts.append(folder.read_trials(block_name(first)))
        except BadFolder as e:
            return _different(folder, {"plan": plan.sha256}, str(e))
        first += 1
    if not parts:
        raise BadFolder(f"{folder.path} has a plan but no finished block of trials yet. Run qualify again to go on.")
    trials = Trials.concat(parts)
    faults = row_faults(plan, trials) + limit_faults(plan, trials)
    if any(p.meta.get("plan") != plan.sha256 for p in parts):
        faults.append(f"A block in {folder / BLOCKS} was made under another plan than {PLAN}.")
    hashes = {"plan": plan.sha256, "task": plan.task["sha256"]}
    if faults:
        return _different(folder, hashes, faults[0])
    processes = fed(plan, begin(plan), trials)
    settled = settle(processes, alpha_refute=plan.alpha_refute)
    why = (
        f"The qualification was cut off: {len(trials):,} trials in whole blocks follow the plan so far, "
        f"{BASELINES} and {VERDICT} are missing. The same qualify command goes on from there."
    )
    return Verdict(
        verdict="UNDECIDED",
        sentence=f"Unfinished: {why}",
        trials=len(trials),
        claims=results(plan, processes, settled, {}),
        run_dir=str(folder.path),
        reasons=(why,),
        hashes=hashes,
    )


def _different(folder: RunFolder, hashes: Mapping[str, Any], why: str) -> Verdict:
    return Verdict(
        verdict="INVALID",
        sentence=f"Not verified: {why}",
        trials=0,
        claims=(),
        run_dir=str(folder.path),
        reasons=(why,),
        hashes={str(k): str(v) for k, v in hashes.items()},
    )
