"""What a trial of the evidence looks like: pictures and films of it for a report, or the trial in MuJoCo's viewer.

    shots, note = pictures(folder, task, policy)                     # [("Trial 0 at 0.4 s", pixels), ...]
    seen_from_above = films(folder, task, policy)                    # of two failures and a success, where it is Filmed
    one = film(folder, 17, policy=policy, task=task)                 # of any trial
    view(folder, 17, policy=policy, task=task, web=True, say=print)  # until the viewer is closed

The trial is replayed inside its block, so what is seen is what was counted, bit for bit; nothing is filmed anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jangin.errors import BadTask
from jangin.record import RunFolder
from jangin.replay import replay
from jangin.report import Footage
from jangin.task import SUCCESS, Array, Filmed, Frame, Policy, Scenery, Task, Trials, World

__all__ = ["Seen", "film", "films", "pictures", "view"]


@dataclass(frozen=True)
class Seen:
    """Which trial was shown.

    Attributes:
        trial, outcome, cycle_s: its number and what became of it; cycle_s [s] is inf for a failure.
        same: whether it replayed bit for bit.
        where: "window", or the address of the web viewer.
        sentence: the same for a person.
    """

    trial: int
    outcome: str
    cycle_s: float
    same: bool
    where: str
    sentence: str


def pictures(
    folder: RunFolder, task: Task, policy: Policy, *, trial: int = 0, count: int = 4, threads: int = 0
) -> tuple[list[tuple[str, Array]], str]:
    """`count` pictures (caption, (height, width, 3) uint8) evenly over a trial of the evidence, and a note about them.

    The list is empty, and the note says why, where the task draws nothing or there is no OpenGL.
    """
    stored = folder.read_trials("evidence/trials.parquet")
    cycle_s = float(stored["cycle_s"][trial]) if "cycle_s" in stored.columns else math.inf
    steps = max(1, round(min(cycle_s, task.limit_s) * task.rate_hz))
    wanted = {k * (steps - 1) // max(count - 1, 1) for k in range(count)}
    shots: list[tuple[str, Array]] = []
    step, blank = 0, False

    def take(world: World, sim: int, seen: Array, action: Array) -> None:
        nonlocal step, blank
        if step in wanted and not blank:
            pixels = world.picture(sim)
            blank = pixels is None
            if pixels is not None:
                shots.append((f"Trial {trial} at {step / task.rate_hz:.2f} s", pixels))
        step += 1

    done = replay(folder, trial, policy=policy, task=task, threads=threads, on_step=take)
    if not shots:
        return [], "No pictures: this task draws none, or there is no OpenGL on this machine."
    return shots, f"Trial {trial} ({done.stored['outcome']}) of the evidence, run again. {done.sentence}"


def film(folder: RunFolder, trial: int, *, policy: Policy, task: Task, threads: int = 0) -> Footage:
    """Trial number `trial` of the evidence from above, run again: every control period, and how it ended.

    Raises: BadTask when the task's world is not Filmed; else as `replay`.
    """
    frames: list[Frame] = []
    scenery: Scenery | None = None
    where: tuple[Filmed, int] | None = None

    def record(world: World, sim: int, seen: Array, action: Array) -> None:
        nonlocal scenery, where
        if where is None:
            if not isinstance(world, Filmed):
                raise BadTask(f"The task {task.name} cannot be seen from above: its world has no frames.")
            scenery, where = world.scenery(sim), (world, sim)
        frames.append(where[0].frame(sim))

    done = replay(folder, trial, policy=policy, task=task, threads=threads, on_step=record)
    assert scenery is not None
    assert where is not None
    frames.append(where[0].frame(where[1]))  # a simulation whose trial has ended is not stepped any more
    outcome = str(done.rerun["outcome"])
    limits = {k: float(v) for k, v in task.limits.items().items() if isinstance(v, (int, float))}
    words = outcome.replace("_", " ")
    title = f"Trial {trial:,}: {words} at {frames[-1].t_s:.1f} s"
    return Footage(title, words, outcome == SUCCESS, scenery, tuple(frames), limits, done.sentence)


def films(folder: RunFolder, task: Task, policy: Policy, *, failures: int = 2, threads: int = 0) -> list[Footage]:
    """The trials that are worth seeing, from above; none where the task's world is not Filmed.

    They are the failures with the lowest margin, one of every outcome first, and of the successes the one with the
    median margin.
    """
    if not isinstance(task.at("evidence").world(1, threads=1), Filmed):
        return []
    chosen = _worth_seeing(folder.read_trials("evidence/trials.parquet"), failures)
    return [film(folder, trial, policy=policy, task=task, threads=threads) for trial in chosen]


def _worth_seeing(trials: Trials, failures: int) -> list[int]:
    outcome, invalid = np.asarray(trials["outcome"]).astype(str), trials.invalid
    margin = np.asarray(trials["margin"], float) if "margin" in trials.columns else np.zeros(len(trials))
    by_margin = np.lexsort((np.arange(len(trials)), margin))
    failed = [k for k in by_margin.tolist() if outcome[k] != SUCCESS and not invalid[k]]
    worst = {outcome[k]: k for k in reversed(failed)}  # of every outcome the lowest
    first = sorted(worst.values(), key=failed.index)
    succeeded = [k for k in by_margin.tolist() if outcome[k] == SUCCESS]
    rest = [k for k in failed if k not in first]
    return [*(first + rest)[:failures], *succeeded[len(succeeded) // 2 :][:1]]


def view(
    folder: RunFolder,
    trial: int,
    *,
    policy: Policy,
    task: Task,
    web: bool = False,
    port: int = 0,
    speed: float = 1.0,
    say: Callable[[str], None],
) -> Seen:
    """Replay a trial, then show it again and again until the viewer is closed or the user interrupts.

    Args:
        web: show it in a browser instead of a window; the address is on this machine only.
        port: of the web viewer; 0 takes the first free one from 8080 on.
        speed: simulated seconds per second.
        say: told where to look, once it can be seen.

    Raises: BadTask when the task is not simulated by MuJoCo; JanginError when there is no display or no free port.
    """
    from jangin.engine.viewer import Film, show

    recorded: Film | None = None

    def record(world: World, sim: int, seen: Array, action: Array) -> None:
        nonlocal recorded
        if recorded is None:
            recorded = Film.begin(world, sim, period_s=1.0 / task.rate_hz)
        if recorded is None:
            instead = " Give --out FILE.html for a film of it from above." if isinstance(world, Filmed) else ""
            raise BadTask(
                f"The task {task.name} is not simulated by MuJoCo, so MuJoCo's viewer cannot show it.{instead}"
            )
        recorded.add(world, sim)

    done = replay(folder, trial, policy=policy, task=task, on_step=record)
    assert recorded is not None
    outcome, cycle_s = str(done.stored["outcome"]), _seconds(done.stored)
    say(done.sentence)
    where = show(recorded, title=f"{task.name}, trial {trial}: {outcome}", web=web, port=port, speed=speed, say=say)
    return Seen(trial, outcome, cycle_s, done.same, where, f"Showed trial {trial} ({outcome}).")


def _seconds(row: Mapping[str, Any]) -> float:
    return float(row.get("cycle_s", math.inf))
