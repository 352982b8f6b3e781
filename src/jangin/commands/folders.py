"""Which folder a verb works in: a new one, one that an earlier verb made, and what an interruption left there."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jangin.errors import BadFolder

if TYPE_CHECKING:
    from jangin.record import RunFolder

__all__ = [
    "KEY",
    "comparison_folder",
    "default_folder",
    "evidence_folder",
    "is_comparison",
    "kept",
    "new_folder",
    "of_run",
    "run_folder",
]

KEY = Path("~/.config/jangin/signing.key")  # the signing key, unless another is named


def default_folder(task: Any, seed: int) -> Path:
    """Where a run goes unless told."""
    return Path("runs") / f"{task.name.replace(':', '/').rpartition('/')[2]}-{seed}"


def comparison_folder(task: Any, seed: int) -> Path:
    """Where a comparison goes unless told."""
    own = default_folder(task, seed)
    return own.with_name(f"compare-{own.name}")


def evidence_folder(o: Any, task: Any) -> Path:
    """Where evidence goes unless told: to the policy it is about."""
    from jangin.resolve import POLICIES

    own = Path(o.policy)
    return own if o.policy not in POLICIES and own.is_dir() else default_folder(task, o.seed)


def new_folder(path: Path, *, resume: bool | None = None) -> RunFolder:
    """A folder that must not hold anything yet, unless `resume`."""
    from jangin.record import RunFolder

    return RunFolder.create(path, resume=resume)


def run_folder(path: Path) -> RunFolder:
    """A new folder, or one that an earlier verb made and evidence belongs into."""
    from jangin.record import RunFolder

    if path.is_dir() and any(path.iterdir()) and not (path / "task.json").is_file():
        raise BadFolder(f"{path} exists and is not a run folder. Give another place with --out.")
    return RunFolder.create(path, resume=True)


def of_run(o: Any) -> tuple[RunFolder, Any, Any]:
    """The folder of `o.run`, its task and its policy."""
    from jangin.record import RunFolder
    from jangin.resolve import TASK_JSON, recorded_policy, recorded_task

    folder = RunFolder.open(o.run)
    task = recorded_task(folder.read_json(TASK_JSON), folder.path, o.task)
    return folder, task, recorded_policy(folder, task, o.policy)


def is_comparison(run: Path) -> bool:
    """Whether a folder holds a comparison and no qualification."""
    return (run / "comparison/plan.yaml").is_file() and not (run / "evidence/plan.yaml").is_file()


def kept(words: Sequence[str]) -> str:
    """What an interrupted command left, and how to go on, in a sentence."""
    from jangin.flags import parse

    verb = words[0]
    again = shlex.join(["jangin", *words])
    asked = parse(verb, list(words[1:]))
    out = getattr(asked.options, "out", None)
    if verb in ("learn", "qualify", "compare", "deliver"):
        o = asked.options
        own = evidence_folder(o, asked.task) if verb == "qualify" else default_folder(asked.task, o.seed)
        folder = out or (comparison_folder(asked.task, o.seed) if verb == "compare" else own)
        if not folder.is_dir() or not any(folder.iterdir()):
            return "Nothing was finished yet."
        if verb in ("qualify", "compare"):
            return f"Finished blocks are kept in {folder}; the same command goes on from there: {again}"
        resume = "" if "--resume" in words else " --resume"
        return f"What was finished is kept in {folder}. Go on with: {again}{resume}"
    if verb == "explain":
        return f"Finished batches are kept in {asked.options.run}; the same command goes on from there: {again}"
    if verb == "run" and out is not None and Path(out).is_dir() and any(Path(out).iterdir()):
        return f"The trials that ended are kept in {out}."
    return "Nothing was written."
