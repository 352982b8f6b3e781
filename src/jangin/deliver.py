"""The main job: learn a policy, qualify it, write the report, ship the bundle; all in one folder.

    done = deliver(PegInsert(), folder=RunFolder.create("runs/peg"), seed=7, key=Path("signing.key"))
    done.verdict.verdict, done.bundle.path, done.report, done.seconds["learn"]

This is the only file that calls `learn`, `qualify` and `ship`. Interrupted at any time it goes on with `resume`: a
finished stage is not done again, an unfinished one goes on from what it had kept. A policy that is not QUALIFIED is not
shipped; folder, evidence and report are complete all the same, because a refutation is a result too.

Learning draws from the stream "learn" and evidence from "evidence": the same seed never shares a trial between the two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jangin.bundle import misfit, read
from jangin.claim import Claim
from jangin.errors import BadFolder, JanginError
from jangin.learn import learn
from jangin.policy import OnnxPolicy
from jangin.qualify import MAX_TRIALS, qualify
from jangin.record import RunFolder, sha256_file
from jangin.report import report
from jangin.resolve import POLICY_ONNX, write_task
from jangin.ship import ship
from jangin.signing import signing_key
from jangin.task import Bundle, Task, Verdict, sha256_of, task_declaration
from jangin.verify import verify
from jangin.view import pictures

__all__ = ["Delivery", "deliver"]

# What was asked for and which stages are finished; hidden, because it is no part of the record
_STATE = ".deliver.json"


@dataclass(frozen=True)
class Delivery:
    """What the main job gave.

    Attributes:
        verdict: of the qualification.
        bundle: the shipped bundle; None when the policy is not QUALIFIED.
        report: the page.
        seconds: wall-clock time of each stage [s], earlier sessions included; a stage that was kept costs what it cost.
        sentence: whether it was shipped, and why not.
        notes: what the user must know, one sentence each.
    """

    verdict: Verdict
    bundle: Bundle | None
    report: Path
    seconds: Mapping[str, float]
    sentence: str
    notes: tuple[str, ...] = ()


def deliver(
    task: Task,
    *,
    folder: RunFolder,
    seed: int,
    key: Path,
    recipe: str | None = None,
    steps: int | None = None,
    budget_s: float | None = None,
    claims: Sequence[str] | None = None,
    max_trials: int = MAX_TRIALS,
    device: str = "cpu",
    threads: int = 0,
    version: str = "1",
    resume: bool = False,
    progress: Callable[[str, Any], None] | None = None,
) -> Delivery:
    """Learn, qualify, report and ship `task` into `folder`.

    Args:
        folder: new or empty; with `resume`, one that an interrupted call left.
        seed: of learning and of the evidence.
        key: file of the ed25519 private key that signs; a missing one is made.
        recipe, steps, budget_s, device: as for learn; None is learn's own choice.
        claims, max_trials: as for qualify; None is the task's own claims.
        threads: of the simulator; 0 is all cores.
        version: of the bundle.
        progress: called with a stage's name and what learn or qualify report, or with a sentence.

    Raises: whatever the verbs raise; BadClaim, a bad key, name or version before anything is learned; BadFolder when
        `resume` meets a folder that was begun with other settings.
    """
    chosen = None if claims is None else [Claim.parse(c) if isinstance(c, str) else c for c in claims]
    _check_names(folder, version)
    _, made = signing_key(key)
    asked = {
        "task": sha256_of(task_declaration(task)),
        "seed": seed,
        "recipe": recipe,
        "steps": steps,
        "budget_s": budget_s,
    }
    stages = _Stages.begin(folder, asked, resume=resume)
    write_task(folder, task)
    tell = progress or (lambda stage, now: None)

    if not stages.learned():
        with stages.timed("learn"):
            chosen_recipe: dict[str, Any] = {} if recipe is None else {"recipe": recipe}
            learn(
                task,
                seed=seed,
                folder=folder,
                steps=steps,
                budget_s=budget_s,
                device=device,
                threads=threads,
                resume=resume,
                progress=lambda now: tell("learn", now),
                **chosen_recipe,
            )
        stages.finish("learn", sha256_file(folder / POLICY_ONNX))
    tell("learn", f"Learned in {stages.seconds['learn']:.0f} s; now qualifying.")
    policy = OnnxPolicy((folder / POLICY_ONNX).read_bytes(), task, name=POLICY_ONNX)

    if stages.qualified(claims):
        verdict = verify(folder)
    else:
        with stages.timed("qualify"):
            verdict = qualify(
                policy,
                task,
                chosen,
                seed=seed,
                folder=folder,
                max_trials=max_trials,
                threads=threads,
                progress=lambda now: tell("qualify", now),
            )
        stages.finish("qualify", sha256_of({"claims": claims}))

    bundle = stages.shipped()
    if bundle is not None:
        page = folder / "report.html"
    else:
        with stages.timed("report"):
            shots, note = pictures(folder, task, policy, threads=threads)
            page = report(folder, pictures=shots, picture_note=note)
            folder.seal()
        stages.finish("report", sha256_file(page))
    if verdict.verdict != "QUALIFIED":
        sentence = f"Not shipped: the verdict is {verdict.verdict}."
        return Delivery(verdict, None, page, dict(stages.seconds), sentence, _notes(made))
    if bundle is None:
        with stages.timed("ship"):
            bundle = ship(task, folder, key=key, version=version)
        stages.finish("ship", f"{bundle.path.name} {bundle.sha256}")
    return Delivery(
        verdict, bundle, page, dict(stages.seconds), f"Shipped as {bundle.path}.", _notes(made, *bundle.notes)
    )


def _check_names(folder: RunFolder, version: str) -> None:
    """Refuse now what the bundle would refuse after learning: it is named like the folder."""
    name = folder.path.resolve().name
    if wrong := misfit(name, "name", "The folder names the bundle, and its name"):
        raise JanginError(f"{wrong}. Give another --out.")
    if wrong := misfit(version, "version", "The bundle's version"):
        raise JanginError(f"{wrong}. Give another --version.")


def _notes(*notes: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, notes)))


class _Stages:
    """Which stages are finished, with what, and how long they took; kept in the folder after every one."""

    def __init__(
        self, folder: RunFolder, asked: Mapping[str, Any], done: dict[str, str], seconds: dict[str, float]
    ) -> None:
        self._folder, self._asked, self._done, self.seconds = folder, asked, done, seconds

    @classmethod
    def begin(cls, folder: RunFolder, asked: Mapping[str, Any], *, resume: bool) -> _Stages:
        """From what the folder holds; raises BadFolder when it was begun with other settings."""
        if not folder.has(_STATE):
            if resume and folder.files():
                raise BadFolder(
                    f"{folder.path} was not made by deliver, so it cannot go on here. Give another place with --out."
                )
            stages = cls(folder, asked, {}, {})
            stages._write()
            return stages
        state = folder.read_json(_STATE)
        for name, value in asked.items():
            if state["asked"].get(name) != value:
                raise BadFolder(
                    f"{folder.path} was begun with {name} {state['asked'].get(name)!r}; this call has {value!r}. "
                    f"Repeat the call as it was with --resume, or give another place with --out."
                )
        return cls(folder, asked, state["done"], state["seconds"])

    def timed(self, stage: str) -> _Timed:
        """A context that adds its time to the stage's, interrupted or not."""
        return _Timed(self, stage)

    def finish(self, stage: str, mark: str) -> None:
        """The stage is done, and `mark` says with what."""
        self._done[stage] = mark
        self._write()

    def spend(self, stage: str, seconds: float) -> None:
        """Add to a stage's time."""
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + seconds, 3)
        self._write()

    def learned(self) -> bool:
        """Whether the policy that is there is the one learning ended with."""
        return self._folder.has(POLICY_ONNX) and self._done.get("learn") == sha256_file(self._folder / POLICY_ONNX)

    def qualified(self, claims: Sequence[str] | None) -> bool:
        """Whether these claims were decided."""
        return self._done.get("qualify") == sha256_of({"claims": claims})

    def shipped(self) -> Bundle | None:
        """The bundle that was shipped, if it is still as it was."""
        name, _, sha256 = self._done.get("ship", "").partition(" ")
        if not name or not self._folder.has(name) or sha256_file(self._folder / name) != sha256:
            return None
        return read(self._folder / name).bundle

    def _write(self) -> None:
        self._folder.write_json(_STATE, {"asked": self._asked, "done": self._done, "seconds": self.seconds})


class _Timed:
    """Adds the time spent inside to a stage."""

    def __init__(self, stages: _Stages, stage: str) -> None:
        self._stages, self._stage = stages, stage

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self._stages.spend(self._stage, time.perf_counter() - self._begun)
