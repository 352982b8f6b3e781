"""What a trial of the evidence looks like: pictures of it for a report, or the trial itself in MuJoCo's viewer.

    shots, note = pictures(folder, task, policy)                     # [("Trial 0 at 0.4 s", pixels), ...]
    view(folder, 17, policy=policy, task=task, web=True, say=print)  # until the viewer is closed

The trial is replayed inside its block, so what is seen is what was counted, bit for bit; nothing is filmed anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jangin.errors import BadTask
from jangin.record import RunFolder
from jangin.replay import replay
from jangin.task import Array, Policy, Task, World

__all__ = ["Seen", "pictures", "view"]


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

    film: Film | None = None

    def record(world: World, sim: int, seen: Array, action: Array) -> None:
        nonlocal film
        if film is None:
            film = Film.begin(world, sim, period_s=1.0 / task.rate_hz)
        if film is None:
            raise BadTask(f"The task {task.name} is not simulated by MuJoCo, so MuJoCo's viewer cannot show it.")
        film.add(world, sim)

    done = replay(folder, trial, policy=policy, task=task, on_step=record)
    assert film is not None
    outcome, cycle_s = str(done.stored["outcome"]), _seconds(done.stored)
    say(done.sentence)
    where = show(film, title=f"{task.name}, trial {trial}: {outcome}", web=web, port=port, speed=speed, say=say)
    return Seen(trial, outcome, cycle_s, done.same, where, f"Showed trial {trial} ({outcome}).")


def _seconds(row: Mapping[str, Any]) -> float:
    return float(row.get("cycle_s", math.inf))
