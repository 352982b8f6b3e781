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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from jangin.view import films, pictures

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
    chosen = None if claims is None else [c if isinstance(c, Claim) else Claim.parse(c) for c in claims]
    _check_names(folder, version)
    _, made = signing_key(key)
    asked = {"seed": seed, "recipe": recipe, "steps": steps, "budget_s": budget_s}
    stages = _Stages.begin(folder, {"task": sha256_of(task_declaration(task)), **asked}, resume=resume)
    write_task(folder, task)
    job = _Job(task, folder, seed, threads, stages, progress or (lambda stage, now: None))
    job.learn(recipe, {"steps": steps, "budget_s": budget_s, "device": device, "resume": resume})
    verdict = job.qualify(chosen, max_trials)
    bundle = job.shipped()
    page = folder / "report.html" if bundle else job.report()
    if verdict.verdict != "QUALIFIED":
        sentence = f"Not shipped: the verdict is {verdict.verdict}."
        return Delivery(verdict, None, page, dict(stages.seconds), sentence, _notes(made))
    bundle = bundle or job.ship(key, version)
    sentence = f"Shipped as {bundle.path}."
    return Delivery(verdict, bundle, page, dict(stages.seconds), sentence, _notes(made, *bundle.notes))


def _check_names(folder: RunFolder, version: str) -> None:
    """Refuse now what the bundle would refuse after learning: it is named like the folder."""
    name = folder.path.resolve().name
    if wrong := misfit(name, "name", "The folder names the bundle, and its name"):
        raise JanginError(f"{wrong}. Give another --out.")
    if wrong := misfit(version, "version", "The bundle's version"):
        raise JanginError(f"{wrong}. Give another --version.")


def _notes(*notes: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, notes)))


# ── stages ───────────────────────────────────────────────────────────────────────────────────────────────────────


class _Stages:
    """Which stages are finished, with what, and how long they took; kept in the folder after every one."""

    def __init__(
        self, folder: RunFolder, asked: Mapping[str, Any], done: dict[str, str], seconds: dict[str, float]
    ) -> None:
        self._folder, self._asked, self.done, self.seconds = folder, asked, done, seconds

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

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time spent inside to the stage's, interrupted or not."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.perf_counter() - begun, 3)
            self._write()

    def finish(self, stage: str, mark: str) -> None:
        """The stage is done, and `mark` says with what."""
        self.done[stage] = mark
        self._write()

    def _write(self) -> None:
        self._folder.write_json(_STATE, {"asked": self._asked, "done": self.done, "seconds": self.seconds})


@dataclass(frozen=True)
class _Job:
    """One delivery; each method is a stage, and does nothing that was done before."""

    task: Task
    folder: RunFolder
    seed: int
    threads: int
    stages: _Stages
    tell: Callable[[str, Any], None]

    def learn(self, recipe: str | None, how: Mapping[str, Any]) -> None:
        """Learn until policy.onnx is the one that learning ends with."""
        policy = self.folder / POLICY_ONNX
        if not (policy.is_file() and self.stages.done.get("learn") == sha256_file(policy)):
            chosen = {"seed": self.seed, "threads": self.threads, **how} | (
                {} if recipe is None else {"recipe": recipe}
            )
            with self.stages.timed("learn"):
                learn(self.task, folder=self.folder, progress=lambda now: self.tell("learn", now), **chosen)
            self.stages.finish("learn", sha256_file(policy))
        self.tell("learn", f"Learned in {self.stages.seconds['learn']:.0f} s.")

    def qualify(self, claims: Sequence[Claim] | None, max_trials: int) -> Verdict:
        """Decide the claims; where that was done, from the evidence alone."""
        mark = sha256_of([str(c) for c in claims or ()])
        if self.stages.done.get("qualify") == mark:
            return verify(self.folder)
        with self.stages.timed("qualify"):
            verdict = qualify(
                self._policy(),
                self.task,
                claims,
                seed=self.seed,
                folder=self.folder,
                max_trials=max_trials,
                threads=self.threads,
                progress=lambda now: self.tell("qualify", now),
            )
        self.stages.finish("qualify", mark)
        return verdict

    def report(self) -> Path:
        """Write the page and seal the folder."""
        with self.stages.timed("report"):
            shots, note = pictures(self.folder, self.task, self._policy(), threads=self.threads)
            seen = films(self.folder, self.task, self._policy(), threads=self.threads)
            page = report(self.folder, pictures=shots, picture_note=note, films=seen)
            self.folder.seal()
        return page

    def shipped(self) -> Bundle | None:
        """The bundle of this very verdict, where there is one already."""
        path = self.folder / f"{self.folder.path.resolve().name}.bundle"
        if not path.is_file():
            return None
        opened = read(path)
        if opened.members["evidence/verdict.json"] != (self.folder / "evidence/verdict.json").read_bytes():
            raise BadFolder(f"{path} holds another verdict than {self.folder.path}. Move it away first.")
        self.folder.seal()  # an interruption may have come between the bundle and the seal
        return opened.bundle

    def ship(self, key: Path, version: str) -> Bundle:
        """Sign it."""
        with self.stages.timed("ship"):
            return ship(self.task, self.folder, key=key, version=version)

    def _policy(self) -> OnnxPolicy:
        return OnnxPolicy((self.folder / POLICY_ONNX).read_bytes(), self.task, name=POLICY_ONNX)
