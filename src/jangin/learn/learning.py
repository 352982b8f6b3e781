"""learn(task): from a task to the best policy.onnx a recipe finds, in a run folder.

The loop is the same for every recipe: advance; at fixed marks of control steps export the actor, measure it on trials
nobody learned from, write curve.csv, policy.onnx (the best so far) and checkpoint.npz; stop when the budget is used up
or the measure has settled; then measure the finalists on other trials and keep the better one.
"""

from __future__ import annotations

import ctypes
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jangin.errors import BadFolder, JanginError, MissingExtra
from jangin.learn.heldout import HeldOut, Measure, settled
from jangin.learn.recipe import Learner, Recipe, Setting, described, find_recipe, joined
from jangin.record import RunFolder
from jangin.task import Task, sha256_of, task_declaration

if TYPE_CHECKING:
    import torch

__all__ = ["Learned", "Marks", "Progress", "learn"]

CHECKPOINT, CURVE, POLICY = "checkpoint.npz", "curve.csv", "policy.onnx"
TELL_EVERY_S = 0.5
MARKS = 60  # of a long run; measuring costs what a thousand trials or so cost
Row = Mapping[str, float | str]


@dataclass(frozen=True)
class Marks:
    """When and on what a policy is measured while it learns.

    Attributes:
        every: control steps between two measures.
        trials: held-out trials of each.
        stage: the physics they are simulated in. What is easy to believe in training need not be so in evidence.
        patience: measures in a row at which every claim must stand, without getting better, before learning stops.
        finalists: policies with the best measures that are measured once more at the end ...
        final_trials: ... on so many more held-out trials, in the evidence physics.
    """

    every: int = 15_000
    trials: int = 256
    stage: Literal["training", "evidence"] = "evidence"
    patience: int = 3
    finalists: int = 3
    final_trials: int = 512


@dataclass(frozen=True)
class Progress:
    """Where learning is, for a progress line; given to the callback about twice a second.

    Attributes:
        stage: name of the recipe at work, or "select" while finalists are measured.
        steps, budget: control steps taken and at most.
        steps_per_s: of the last seconds, everything included.
        success_recent: share of the last 200 trials while learning, exploration included; nan before the first.
        success: share of the last held-out trials; nan before the first mark.
        seconds_left: until the budget is used up, at most; learning that settles stops earlier.
        note: one thing worth saying, or "".
    """

    stage: str
    steps: int
    budget: int
    steps_per_s: float
    success_recent: float
    success: float
    seconds_left: float
    note: str = ""


@dataclass(frozen=True)
class Learned:
    """What learning gave.

    Attributes:
        policy: the file policy.onnx.
        sha256: its hash.
        measure: how it did on the last held-out trials it was measured on: those of the final choice.
        steps: control steps taken, measures excluded.
        seconds: wall clock, everything included.
        stopped: why: the measure had "settled", "steps" or "clock" were used up.
        curve: one row per mark, as in curve.csv.
    """

    policy: Path
    sha256: str
    measure: Measure
    steps: int
    seconds: float
    stopped: Literal["settled", "steps", "clock"]
    curve: tuple[Row, ...] = field(repr=False)


def learn(
    task: Task,
    *,
    recipe: str | Recipe | Sequence[Recipe] | None = None,
    seed: int,
    folder: RunFolder,
    steps: int | None = None,
    budget_s: float | None = None,
    marks: Marks | None = None,
    device: str = "cpu",
    threads: int = 0,
    resume: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Learned:
    """Learn `task` and leave policy.onnx, curve.csv and checkpoint.npz in `folder`.

    Args:
        recipe: "sac", "ppo", "dagger", several joined with "+", or objects of these with other hyperparameters. None is
            what the task says (its attribute `recipe`), else "dagger+sac" for a task with a teacher or an expert,
            "sac" for one without.
        seed: fixes every bit of policy.onnx on the device "cpu", at any number of threads, unless `budget_s` stops it.
        steps: control steps at most; None is the sum of what the recipes say. The last recipe takes what the others
            leave, which is at least half.
        budget_s: seconds at most; a policy stopped by the clock cannot be learned again to the same bits.
        marks: when and on what to measure; None: the defaults, and of a run of millions of steps every sixtieth.
        device: a torch device for the networks: "cpu", "cuda", "mps", "xpu" ... The world stays where the task puts it.
        threads: of the world; 0 is all cores.
        resume: go on from the folder's checkpoint where there is one, also with more steps. As good, but other bits.
        progress: called about twice a second.

    Raises: MissingExtra without torch; UnknownName for a recipe; JanginError for a device that is not here or
        learning that diverges; BadFolder for a checkpoint of another task, seed or recipe. KeyboardInterrupt at any
        time leaves the best policy, the curve and the checkpoint of the last mark.
    """
    where = _device(device)
    recipes = _budgeted(joined(recipe or _default_recipe(task)), steps)
    identity = sha256_of([task_declaration(task), described(recipes), seed])
    with one_thread():
        marks = marks or Marks(every=max(Marks.every, sum(r.steps for r in recipes) // MARKS))
        run = _Run(task, recipes, seed, folder, marks, where, threads, identity, progress, budget_s)
        try:
            if resume and folder.has(CHECKPOINT):
                run.restore()
            return run.finish(run.learn())
        finally:
            run.close()


def _default_recipe(task: Task) -> str | tuple[Recipe, ...]:
    """What the task says measured best on it, as {name: hyperparameters}; else imitate first where there is someone to
    imitate: on the peg task it halves the steps to 99 %."""
    said: Mapping[str, Mapping[str, Any]] = getattr(task, "recipe", {})
    if said:
        return tuple(find_recipe(name)(**hyper) for name, hyper in said.items())
    return "dagger+sac" if task.teacher() or task.expert() else "sac"


def _device(name: str) -> torch.device:
    try:
        import torch
    except ImportError:
        raise MissingExtra("torch", "learn", "Learning") from None
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as e:
        kinds = ("cuda", "xpu", "mps")
        here = ["cpu", *(k for k in kinds if hasattr(torch, k) and getattr(torch, k).is_available())]
        reason = str(e).strip().split("\n", 1)[0]
        raise JanginError(f"The device {name!r} is not here ({reason}); there is: {', '.join(here)}.") from e
    return device


def _budgeted(recipes: tuple[Recipe, ...], steps: int | None) -> tuple[Recipe, ...]:
    """The recipes with `steps` in all: the last one takes what the others leave, which is at least half."""
    if steps is None:
        return recipes
    first = [r.steps for r in recipes[:-1]]
    share = min(1.0, 0.5 * steps / max(1, sum(first)))
    given = [max(1, round(share * n)) for n in first]
    given.append(max(1, steps - sum(given)))
    return tuple(dataclasses.replace(r, steps=n) for r, n in zip(recipes, given, strict=True))  # type: ignore[type-var]


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread, so that the bits do not depend on the cores and the world has the others; then as before.

    The memory of freed tensors stays in the process. Given back to the system and asked for again at every operation it
    costs page faults: three additions to (2, 512, 256) took 1.47 ms instead of 0.08 ms (two virtual cores, 2026-11).
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        libc = ctypes.CDLL("libc.so.6")
        m_mmap_threshold, m_trim_threshold = -3, -1
        libc.mallopt(m_mmap_threshold, 1 << 30)
        libc.mallopt(m_trim_threshold, (1 << 31) - 1)
    except (OSError, AttributeError):
        pass  # not glibc: only speed is lost
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Run:
    """One call of learn(): what is counted, what is kept, what is written."""

    def __init__(
        self,
        task: Task,
        recipes: tuple[Recipe, ...],
        seed: int,
        folder: RunFolder,
        marks: Marks,
        device: torch.device,
        threads: int,
        identity: str,
        progress: Callable[[Progress], None] | None,
        budget_s: float | None,
    ) -> None:
        self._task, self._training, self._recipes, self._seed = task, task.at("training"), recipes, seed
        self._folder, self._marks, self._device, self._threads = folder, marks, device, threads
        self._identity, self._progress, self._budget_s = identity, progress, budget_s
        self._begun_s, self._earlier_s, self._told = time.perf_counter(), 0.0, (time.perf_counter(), 0)
        self._stage, self._steps_before, self._stopped = 0, 0, ""
        self._rows: list[Row] = []
        self._measures: list[Measure] = []
        self._best: list[tuple[float, int, bytes]] = []  # score, steps, policy.onnx; best first
        self._learner: Learner | None = None
        self._heldout: HeldOut | None = None

    # ── the loop ─────────────────────────────────────────────────────────────────────────────────────────────────

    def learn(self) -> str:
        """Until the budget is used up or the measure has settled; returns which."""
        if self._learner is None and not self._stopped:
            self._learner = self._recipes[0].begin(self._setting(0, None))
        while not self._stopped:
            assert self._learner is not None
            losses = self._learner.advance()
            self._tell()
            late = self._budget_s is not None and self.seconds > self._budget_s
            if late or self._learner.finished or self._due():
                over = self._learner.finished and self._stage == len(self._recipes) - 1
                self._mark(losses, "clock" if late else "steps" if over else "")
                if self._learner.finished and not self._stopped:
                    self._next_stage()
        return self._stopped

    def _due(self) -> bool:
        """Whether the next multiple of `every` is reached, unless the recipe's own end, a mark too, is near."""
        assert self._learner is not None
        every = self._marks.every
        left = self._recipes[self._stage].steps - self._learner.steps
        marked = int(self._rows[-1]["steps"]) if self._rows else 0
        return self.steps // every > marked // every and left > every // 4

    def _next_stage(self) -> None:
        assert self._learner is not None
        before = self._learner
        self._steps_before += before.steps
        self._stage += 1
        before.close()
        self._learner = self._recipes[self._stage].begin(self._setting(before.next_trial, before))

    def _setting(self, first_trial: int, before: Learner | None) -> Setting:
        return Setting(self._training, self._seed, self._threads, self._device, first_trial, before)

    def _mark(self, losses: Mapping[str, float], stop: str) -> None:
        """Measure, keep, write; `stop` says that this is the last mark and why."""
        assert self._learner is not None
        data = self._export()
        measure = self._measure(data)
        self._measures.append(measure)
        self._rows.append(self._row(measure, losses))
        self._best.append((measure.score, self.steps, data))
        self._best.sort(key=lambda b: (-b[0], b[1]))
        del self._best[max(1, self._marks.finalists) :]
        self._stopped = stop or ("settled" if settled(self._measures, self._marks.patience) else "")
        self._folder.write_text(CURVE, _csv(self._rows))
        self._folder.write_bytes(POLICY, self._best[0][2])
        self._save()

    def _export(self) -> bytes:
        from jangin.learn.export import export

        assert self._learner is not None
        return export(
            self._learner.actor,
            self._task,
            {
                "jangin.recipe": "+".join(r.name for r in self._recipes),
                "jangin.seed": str(self._seed),
                "jangin.steps": str(self.steps),
            },
        )

    def _measure(self, data: bytes) -> Measure:
        if self._heldout is None:
            task = self._task.at(self._marks.stage)
            self._heldout = HeldOut(task, trials=self._marks.trials, seed=self._seed, threads=self._threads)
        return self._heldout.measure(data)

    def finish(self, stopped: str) -> Learned:
        """Measure the finalists in the evidence physics, write the better one, and say what was learned."""
        self._tell("measuring the finalists", "select")
        heldout = HeldOut(
            self._task.at("evidence"),
            trials=self._marks.final_trials,
            first=self._marks.trials,  # those that chose the finalists cannot judge them
            seed=self._seed,
            threads=self._threads,
        )
        finals = [(heldout.measure(data), data) for _, _, data in self._best]
        measure, data = max(finals, key=lambda f: f[0].score)  # the first of equals: the one that was better before
        self._folder.write_bytes(POLICY, data)
        return Learned(
            policy=self._folder / POLICY,
            sha256=sha256_of(data),
            measure=measure,
            steps=self.steps,
            seconds=self.seconds,
            stopped=stopped,  # type: ignore[arg-type]
            curve=tuple(self._rows),
        )

    # ── what is counted and told ─────────────────────────────────────────────────────────────────────────────────

    @property
    def steps(self) -> int:
        """Control steps so far, of all recipes."""
        return self._steps_before + (self._learner.steps if self._learner is not None else 0)

    @property
    def seconds(self) -> float:
        """Seconds so far, of earlier sessions too."""
        return self._earlier_s + time.perf_counter() - self._begun_s

    def _row(self, measure: Measure, losses: Mapping[str, float]) -> Row:
        assert self._learner is not None
        diverged = [k for k, v in losses.items() if not abs(v) < 1e9]
        if diverged:
            raise JanginError(
                f"Learning diverged at {self.steps} control steps: {diverged[0]} is {losses[diverged[0]]:g}. Try "
                f"another seed or smaller learning rates; {self._folder.path} keeps what was best before."
            )
        return {
            "steps": self.steps,
            "seconds": round(self.seconds, 2),
            "stage": self._recipes[self._stage].name,
            "success_recent": self._learner.recent_success,
            "success": measure.success,
            "cycle_median_s": measure.cycle_median_s,
            "cycle_q95_s": measure.cycle_q95_s,
            **{f"q99_{k}": v for k, v in measure.peaks.items()},
            "score": measure.score,
            **losses,
        }

    def _tell(self, note: str = "", stage: str = "") -> None:
        now, (then, steps) = time.perf_counter(), self._told
        if self._progress is None or (now - then < TELL_EVERY_S and not note):
            return
        rate = (self.steps - steps) / max(now - then, 1e-9)
        self._told = now, self.steps
        budget = sum(r.steps for r in self._recipes)
        mean_rate = self.steps / max(self.seconds, 1e-9)
        left = (budget - self.steps) / max(mean_rate, 1e-9)
        if self._budget_s is not None:
            left = min(left, self._budget_s - self.seconds)
        self._progress(
            Progress(
                stage=stage or self._recipes[self._stage].name,
                steps=self.steps,
                budget=budget,
                steps_per_s=rate,
                success_recent=self._learner.recent_success if self._learner is not None else float("nan"),
                success=self._measures[-1].success if self._measures else float("nan"),
                seconds_left=max(left, 0.0),
                note=note,
            )
        )

    # ── interruption and resume ──────────────────────────────────────────────────────────────────────────────────

    def _save(self) -> None:
        from jangin.learn.checkpoint import pack

        assert self._learner is not None
        state = {
            "identity": self._identity,
            "stage": self._stage,
            "steps_before": self._steps_before,
            "stopped": self._stopped,
            "seconds": self.seconds,
            "rows": [dict(r) for r in self._rows],
            "measures": [dataclasses.asdict(m) for m in self._measures],
            "best": self._best,
            "next_trial": self._learner.next_trial,
            "learner": self._learner.state(),
        }
        self._folder.write_bytes(CHECKPOINT, pack(state))

    def restore(self) -> None:
        """Go on from the folder's checkpoint; raises BadFolder when it is another task's, seed's or recipe's."""
        from jangin.learn.checkpoint import unpack

        state = unpack((self._folder / CHECKPOINT).read_bytes(), CHECKPOINT)
        if state["identity"] != self._identity:
            raise BadFolder(
                f"{self._folder / CHECKPOINT} is of another task, seed or recipe. Give the same ones to resume, or "
                f"another folder."
            )
        self._stage, self._steps_before, self._stopped = state["stage"], state["steps_before"], state["stopped"]
        self._earlier_s, self._rows = state["seconds"], state["rows"]
        self._measures = [Measure(**m) for m in state["measures"]]
        self._best = [(score, steps, data) for score, steps, data in state["best"]]
        self._learner = self._recipes[self._stage].begin(self._setting(state["next_trial"], None))
        self._learner.restore(state["learner"])
        if self._stopped == "clock" or (self._stopped == "steps" and not self._learner.finished):
            self._stopped = ""  # there is more to spend now

    def close(self) -> None:
        """Wait for the world's thread."""
        if self._learner is not None:
            self._learner.close()


def _csv(rows: Sequence[Row]) -> str:
    """The rows under the names that occur in any of them, in order of appearance; a value that a row lacks is empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(_text(row.get(name, "")) for name in names) for row in rows]
    return "\n".join([",".join(names), *lines]) + "\n"


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
