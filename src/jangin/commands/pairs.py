"""Two policies on the same trials: compare, and what verify and replay say of such a folder."""

from __future__ import annotations

import dataclasses
import math
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jangin.commands.answer import Answer, joined, percent, plain
from jangin.commands.folders import comparison_folder, run_folder
from jangin.progress import ProgressLine

if TYPE_CHECKING:
    from jangin.flags import Asked

__all__ = ["compare", "comparison", "replay_pair"]

_PAIR_ONNX = ("policy_a.onnx", "policy_b.onnx")  # where the policies are files


def compare(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    """Decide between two policies, and keep those that are files."""
    from jangin.evidence.comparison_plan import PAIRS_PLAN
    from jangin.resolve import policy_bytes, resolve_policy, write_task

    o = asked.options
    a, b = (resolve_policy(name, asked.task, seed=o.seed) for name in (o.policy, o.against))
    folder = run_folder(o.out or comparison_folder(asked.task, o.seed))
    write_task(folder, asked.task)
    for name, given in zip(_PAIR_ONNX, (o.policy, o.against), strict=True):
        if folder.has(PAIRS_PLAN):
            break  # the plan knows both by their hashes, and the files are there
        onnx = policy_bytes(given)
        if onnx is None:
            folder.remove(name)
        else:
            folder.write_bytes(name, onnx)
    found = verb(
        a,
        b,
        asked.task,
        seed=o.seed,
        folder=folder,
        margin=o.margin,
        confidence=o.confidence,
        max_trials=o.max_trials,
        block=o.block,
        threads=o.threads,
        progress=lambda now: line.show(_comparing(now)),
    )
    folder.seal()
    return Answer(*comparison(found), found.exit_code)


def _comparing(now: Any) -> str:
    """A compare.PairProgress in words."""
    evidence = f"e-value {_e(now.log_e_for)} for it, {_e(now.log_e_against)} against"
    alone = f"A alone succeeded in {now.won:,}, B alone in {now.lost:,}"
    return joined(f"comparing {now.pairs:,} of at most {now.max_pairs:,} pairs", alone, evidence)


def comparison(c: Any) -> tuple[str, dict[str, Any]]:
    """A Comparison in words, and as plain values."""
    data = plain({**dataclasses.asdict(c), "exit_code": c.exit_code})
    lines = [f"{c.decision}  {c.sentence}", *(f"  because      {reason}" for reason in c.reasons)]
    if c.decision == "INVALID":
        return "\n".join([*lines, f"  folder       {c.run_dir}"]), data
    for side, s in (("A", c.a), ("B", c.b)):
        low, high = percent(s.low), f"{math.ceil(1000 * s.high - 1e-9) / 10:.1f} %"
        seen = f"{s.successes:,} of {c.pairs:,} trials succeeded, {percent(s.successes / c.pairs)}"
        lines.append(f"  {side:<12} {s.name}: {seen}; at least {low}, at most {high}")
    level, when = f"{100 - 100 * math.exp(-c.log_threshold):g} %", f"after {c.decided_at or c.pairs:,} pairs"
    lines += [
        f"  difference   {(c.won - c.lost) / c.pairs:+.4f}; at least {c.low:+.4f}, at most {c.high:+.4f}",
        f"               (each bound above at {level} confidence, however often anybody looks and whenever it stops)",
        f"  pairs        A alone succeeded in {c.won:,}, B alone in {c.lost:,}; the others ended alike",
        f"  e-values     {_e(c.log_e_for)} for '{c.claim}', {_e(c.log_e_against)} against, {when}; "
        f"{math.exp(c.log_threshold):.6g} decides",
        f"  fixed number McNemar p = {c.mcnemar_p:.3g} (mid-p {c.mcnemar_mid_p:.3g}), Tango {c.tango_low:+.4f} to "
        f"{c.tango_high:+.4f} at {level}:",
        f"               valid only had {c.pairs:,} pairs been fixed beforehand; nothing was decided by them",
    ]
    for side, alone, s in (("A", c.won, c.a), ("B", c.lost, c.b)):
        if alone:
            more = ", ..." if alone > 8 else ""
            lines.append(f"  {side} alone      trials {', '.join(map(str, s.alone[:8]))}{more}")
    if first := [*c.b.alone, *c.a.alone][:1]:
        lines.append(f"  replay       jangin replay {shlex.quote(c.run_dir)} --trial {first[0]}")
    return "\n".join([*lines, f"  folder       {c.run_dir}"]), data


def _e(log_e: float) -> str:
    """An e-value; far beyond every threshold as a power of ten."""
    return f"{math.exp(log_e):.3g}" if log_e < 700 else f"1e{log_e / math.log(10):.0f}"


def replay_pair(o: Any) -> Answer:
    """Run one trial of a comparison again with both policies, each value beside the recorded one."""
    from jangin.compare import replay_pair
    from jangin.evidence.comparison_plan import SIDES, read_comparison_plan
    from jangin.record import RunFolder
    from jangin.resolve import TASK_JSON, recorded_task, refuse_unnamed, resolve_policy

    folder = RunFolder.open(o.run)
    task, plan = recorded_task(folder.read_json(TASK_JSON), folder.path, o.task), read_comparison_plan(folder)
    for side in SIDES:
        refuse_unnamed(plan.policies[side]["name"], (o.policy or "").split(","), folder.path)
    a, b = (
        resolve_policy(str(folder / name) if folder.has(name) else planned["name"], task, seed=plan.seed)
        for name, planned in zip(_PAIR_ONNX, (plan.policies[side] for side in SIDES), strict=True)
    )
    again = replay_pair(folder, o.trial, policies=(a, b), task=task, threads=o.threads)
    data = plain({**dataclasses.asdict(again), "same": again.same, "run_dir": folder.path})
    return Answer(again.sentence, data, 0 if again.same else 4)
