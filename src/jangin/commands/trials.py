"""Verbs that run a policy and count: simulate, run."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jangin.commands.answer import Answer, joined, percent, plain
from jangin.commands.folders import new_folder
from jangin.progress import ProgressLine, time_left

if TYPE_CHECKING:
    from jangin.flags import Asked

__all__ = ["run", "simulate"]


def simulate(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    """Run trials and count, with a table where a folder was named."""
    from jangin.resolve import resolve_policy

    o = asked.options
    folder = new_folder(o.out) if o.out else None
    policy = resolve_policy(o.policy, asked.task, seed=o.seed)
    done = verb(
        asked.task,
        policy,
        trials=o.trials,
        seed=o.seed,
        threads=o.threads,
        block=o.block,
        progress=_counting(line, "simulating"),
    )
    n, invalid = len(done.trials), int(done.trials.invalid.sum())
    if folder:
        folder.write_trials("trials.parquet", done.trials)
        folder.seal()
    outcomes = {str(k): int((done.trials["outcome"] == k).sum()) for k in sorted(set(done.trials["outcome"]))}
    text = [
        f"{asked.task.name} with {policy.name}: {done.successes} of {n} trials succeeded, "
        f"{percent(done.success_low)} to {percent(done.success_high)} at 95 % confidence.",
        f"  outcomes     {', '.join(f'{k} {v}' for k, v in outcomes.items())}",
        *_quantiles("time to success", "s", done.cycle_s),
        *_quantiles("peak force", "N", done.peak_force_n),
        f"  speed        {done.control_steps_per_s:,.0f} control steps per second, {done.seconds:.1f} s in all",
    ]
    if invalid:
        text.append(f"  INVALID      {invalid} trials are ones the engine cannot vouch for; they count as no success.")
    if folder:
        text.append(f"  table        {folder / 'trials.parquet'}")
    data = {
        "task": asked.task.name,
        "policy": policy.name,
        "seed": o.seed,
        "trials": n,
        "successes": done.successes,
        "success_low": done.success_low,
        "success_high": done.success_high,
        "invalid": invalid,
        "outcomes": outcomes,
        "control_steps": done.control_steps,
        "control_steps_per_s": done.control_steps_per_s,
        "seconds": done.seconds,
        "cycle_s": done.cycle_s,
        "peak_force_n": done.peak_force_n,
        "run_dir": str(folder.path) if folder else None,
    }
    return Answer("\n".join(text), plain(data))


def _quantiles(what: str, unit: str, values: Mapping[float, float]) -> list[str]:
    if not values:
        return []
    shown = ", ".join(
        f"{100 * q:g} % within {v:.3g} {unit}" if math.isfinite(v) else f"less than {100 * q:g} % at all"
        for q, v in values.items()
    )
    return [f"  {what:<12} {shown}"]


def run(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    """Execute a bundle on a plant."""
    from jangin.bundle import read
    from jangin.resolve import TASK_JSON, recorded_task

    o = asked.options
    declared = json.loads(read(o.bundle, trust=o.trust).members[TASK_JSON])
    task = recorded_task(declared, o.bundle, o.task)
    log = verb(
        o.bundle,
        on=o.on,
        task=task,
        trials=o.trials,
        seed=o.seed,
        trust=o.trust,
        provider=o.provider,
        allow_unqualified=o.allow_unqualified,
        threads=o.threads,
        folder=new_folder(o.out) if o.out else None,
        progress=_counting(line, "running"),
    )
    limits = [f"  {k:<12} limit {u.limit:g}, peak {u.peak:.4g}, over in {u.over} trials" for k, u in log.limits.items()]
    what = f"{log.name} {log.version} ({log.verdict}) on {log.plant}"
    text = [
        f"{what}: {log.successes} of {len(log.trials)} trials succeeded.",
        f"  action       {log.latency_p50_ms:.3f} ms median, {log.latency_p99_ms:.3f} ms 99 %, "
        f"deadline {log.deadline_ms:g} ms missed {log.deadline_misses} times",
        *limits,
        *(f"  {note}" for note in log.notes),
    ]
    values = {f.name: getattr(log, f.name) for f in dataclasses.fields(log) if f.name != "trials"}
    return Answer("\n".join(text), plain({**values, "trials": len(log.trials), "successes": log.successes}))


def _counting(line: ProgressLine, doing: str) -> Callable[[int, int, int], None]:
    """A callback (done, of, successes) that shows them."""

    def show(done: int, of: int, successes: int) -> None:
        left = time_left(done, of, line.elapsed_s)
        line.show(joined(f"{doing} {done:,} of {of:,} trials", f"{percent(successes / max(done, 1))} succeeded", left))

    return show
