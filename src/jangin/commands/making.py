"""Verbs that make something: learn, ship, deliver."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jangin.commands.answer import Answer, joined, notes, percent, plain
from jangin.commands.claims import claims_of, qualifying, verdict_lines, verdict_values
from jangin.commands.folders import KEY, default_folder, new_folder
from jangin.progress import ProgressLine, minutes

if TYPE_CHECKING:
    from jangin.flags import Asked

__all__ = ["deliver", "learn", "learning", "ship"]


def learn(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    """Learn into a run folder."""
    from jangin.resolve import write_task

    o = asked.options
    folder = new_folder(o.out or default_folder(asked.task, o.seed), resume=o.resume)
    write_task(folder, asked.task)
    learned = verb(
        asked.task,
        **({"recipe": o.recipe} if o.recipe else {}),
        seed=o.seed,
        folder=folder,
        steps=o.steps,
        budget_s=o.budget_s,
        device=o.device,
        threads=o.threads,
        resume=o.resume,
        progress=lambda now: line.show(learning(now)),
    )
    folder.seal()
    text = (
        f"Learned {asked.task.name} in {learned.seconds:.0f} s and {learned.steps:,} control steps: "
        f"{percent(learned.measure.success)} of {learned.measure.trials} held-out trials succeed. "
        f"The policy is {learned.policy}.\nNext: jangin qualify {shlex.quote(o.task_name)} --policy {folder.path}"
    )
    data = {
        "task": asked.task.name,
        "recipe": o.recipe,
        "seed": o.seed,
        "policy": learned.policy,
        "policy_sha256": learned.sha256,
        "steps": learned.steps,
        "seconds": learned.seconds,
        "stopped": learned.stopped,
        "heldout": {"trials": learned.measure.trials, "successes": learned.measure.successes},
        "run_dir": folder.path,
    }
    return Answer(text, plain(data))


def learning(now: Any) -> str:
    """A learn.Progress in words."""
    success = "" if math.isnan(now.success) else f"held-out success {percent(now.success)}"
    recent = "" if math.isnan(now.success_recent) else f"exploring {percent(now.success_recent)}"
    rate = f"{now.steps_per_s:,.0f} steps/s"
    left = f"at most {minutes(now.seconds_left)} left"
    return joined(
        f"learning ({now.stage}) {now.steps:,} of {now.budget:,} steps", success, recent, rate, left, now.note
    )


def ship(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    """Sign a run folder's policy, contract and evidence."""
    from jangin.record import RunFolder
    from jangin.resolve import TASK_JSON, recorded_task

    o = asked.options
    folder = RunFolder.open(o.run)
    bundle = verb(
        recorded_task(folder.read_json(TASK_JSON), folder.path, o.task),
        folder,
        key=(o.key or KEY).expanduser(),
        name=o.name,
        version=o.version,
        allow_unqualified=o.allow_unqualified,
    )
    text = [
        f"{bundle.path} ({bundle.manifest['verdict']['verdict']}), signed by {bundle.signer}.",
        *notes(bundle.notes),
    ]
    return Answer("\n".join(text), plain({**_bundle(bundle), "run_dir": folder.path}))


def _bundle(bundle: Any) -> dict[str, Any]:
    return {
        "bundle": bundle.path,
        "name": bundle.manifest["identity"]["name"],
        "version": bundle.manifest["identity"]["version"],
        "verdict": bundle.manifest["verdict"]["verdict"],
        "sha256": bundle.sha256,
        "signer": bundle.signer,
        "notes": bundle.notes,
    }


def deliver(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    """The main job."""
    o = asked.options
    folder = new_folder(o.out or default_folder(asked.task, o.seed), resume=o.resume)

    def show(stage: str, now: Any) -> None:
        if isinstance(now, str):
            line.note(now)
        else:
            line.show(learning(now) if stage == "learn" else qualifying(now))

    done = verb(
        asked.task,
        folder=folder,
        seed=o.seed,
        recipe=o.recipe,
        steps=o.steps,
        budget_s=o.budget_s,
        claims=claims_of(o),
        max_trials=o.max_trials,
        device=o.device,
        threads=o.threads,
        key=(o.key or KEY).expanduser(),
        version=o.version,
        resume=o.resume,
        progress=show,
    )
    bundle = done.bundle
    shipped = (
        f"  bundle       {bundle.path}, signed by {bundle.signer}" if bundle else f"  bundle       {done.sentence}"
    )
    seconds = ", ".join(f"{stage} {s:.0f} s" for stage, s in done.seconds.items())
    text = [*verdict_lines(done.verdict), f"  report       {done.report}", shipped, f"  time         {seconds}"]
    data = {
        **verdict_values(done.verdict),
        "report": done.report,
        "bundle": bundle.path if bundle else None,
        "signer": bundle.signer if bundle else None,
        "shipped": done.sentence,
        "seconds": done.seconds,
        "notes": done.notes,
    }
    return Answer("\n".join([*text, *notes(done.notes)]), plain(data), done.verdict.exit_code)
