"""How long it takes to learn a task to 99 % success: our recipes and other libraries', on the very same world.

    rows = race("cell/reach", RaceSize())

A contestant is a file with `begin(task, seed, threads)`; see Contestant. It advances by iterations, and only that is on
the clock. Every few iterations the policy is judged, without exploration, on trials nobody learns from, the
same for all; that is off the clock. Every run is a process of its own, so that no one's settings of memory or threads
help or hurt another; the contestants take turns, seed by seed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bench.rows import Row, Watch
from jangin import registry
from jangin.task import Array, Task

__all__ = ["CONTESTANTS", "Contestant", "Judge", "RaceSize", "Run", "contest", "race"]

SUCCESS, TARGET = 0.99, 2.0
PURPOSE = "bench-judge"
OURS = "jangin ppo"
CONTESTANTS = {  # name -> module with begin(), and what else to tell it
    OURS: ("bench.learn_jangin", {"recipe": "ppo"}),
    "stable-baselines3 PPO": ("bench.learn_sb3", {}),
    "rsl_rl PPO": ("bench.learn_rsl_rl", {}),
    "jangin default": ("bench.learn_jangin", {"recipe": ""}),
}


class Contestant(Protocol):
    """A learner at work on a task."""

    steps: int  # control steps so far

    def advance(self) -> bool:
        """One iteration of experience and updates; False when there is nothing more to do."""

    def act(self, observation: Array) -> Array:
        """The policy as it would be used: (n, nobs) float32 -> (n, nact) in [-1, 1], without exploration."""

    def close(self) -> None:
        """Let go of threads."""


@dataclass(frozen=True)
class RaceSize:
    """How much to run.

    Attributes:
        limit_s: seconds on the clock after which a run is over.
        seeds: runs of every contestant.
        every_s: seconds on the clock between two judgements, at least; and at least a twentieth of the clock.
        trials: held-out trials of each.
        threads: of the simulator; 0 is all cores.
    """

    limit_s: float = 240.0
    seeds: int = 3
    every_s: float = 0.5
    trials: int = 256
    threads: int = 0


@dataclass(frozen=True)
class Run:
    """What became of one run.

    Attributes:
        reached_s: seconds on the clock until success was reached; inf when it was not.
        reached_steps: control steps until then, or in all.
        cpu_s: processor seconds on the clock.
        clock_s: wall-clock seconds on the clock in all.
        curve: (clock_s, steps, success) of every judgement.
    """

    reached_s: float
    reached_steps: int
    cpu_s: float
    clock_s: float
    curve: Sequence[tuple[float, int, float]]


class Judge:
    """Held-out trials 0 .. trials - 1 of a purpose of their own, in the physics that is learned in."""

    HOPELESS = 0.9  # below this success so far no further block is worth its time

    def __init__(self, task: Task, *, trials: int, threads: int) -> None:
        self._nsim, self._blocks = min(64, trials), max(1, trials // 64)
        self._world = task.world(self._nsim, threads=threads, seed=0, purpose=PURPOSE)
        self._success = self._world.outcomes.index("success")
        self._middle = 0.5 * (task.action.high + task.action.low)
        self._half = 0.5 * (task.action.high - task.action.low)

    def success(self, act: Callable[[Array], Array]) -> float:
        """Share of the trials that succeed, or of the first blocks where that is hopeless."""
        won = 0
        for block in range(self._blocks):
            won += self._block(block, act)
            if won < self.HOPELESS * (block + 1) * self._nsim:
                break
        return won / ((block + 1) * self._nsim)

    def _block(self, block: int, act: Callable[[Array], Array]) -> int:
        ids = np.arange(self._nsim)
        self._world.reset(ids, block * self._nsim + ids)
        running, won = ids, 0
        while running.size:
            relative = np.clip(act(self._world.observe()), -1.0, 1.0)
            step = self._world.step(self._middle + self._half * relative, running)
            won += int(np.sum(step.outcome == self._success))
            running = running[step.outcome == 0]
        return won


def contest(contestant: Contestant, judge: Judge, size: RaceSize) -> Run:
    """Advance until success is reached, the contestant is done, or the clock is up."""
    watch, judged_s, curve, going = Watch(), 0.0, [], True
    reached = math.inf
    while going and reached == math.inf:
        with watch:
            going = contestant.advance()
        going = going and watch.wall_s < size.limit_s
        if going and watch.wall_s < judged_s + max(size.every_s, 0.05 * watch.wall_s):
            continue
        judged_s = watch.wall_s
        success = judge.success(contestant.act)
        curve.append((watch.wall_s, contestant.steps, success))
        if success >= SUCCESS:
            reached = watch.wall_s
    return Run(reached, contestant.steps, watch.cpu_s, watch.wall_s, curve)


def race(name: str, size: RaceSize, tell: Callable[[str], None] = lambda _: None) -> list[Row]:
    """All contestants on a task; our recipe "ppo" against each other library, the default recipe for information."""
    runs: dict[str, list[Run]] = {who: [] for who in CONTESTANTS}
    for seed in range(size.seeds):
        for who in CONTESTANTS:
            runs[who].append(_in_own_process(who, name, seed, size))
            tell(f"{name}, seed {seed}: {who} {_told(runs[who][-1])}")
    return [_row(name, who, runs, size) for who in CONTESTANTS]


def _told(run: Run) -> str:
    if run.reached_s < math.inf:
        return f"reached 99 % in {run.reached_s:.1f} s, {run.reached_steps:,} control steps"
    best = max((success for *_, success in run.curve), default=0.0)
    return f"did not reach 99 % in {run.clock_s:.0f} s, {run.reached_steps:,} control steps; best {100 * best:.0f} %"


def _in_own_process(who: str, task: str, seed: int, size: RaceSize) -> Run:
    told = {"who": who, "task": task, "seed": seed, "size": vars(size)}
    command = [sys.executable, "-m", "bench.race", json.dumps(told)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{who} on {task} ended with {done.returncode}: {done.stderr[-2000:]}")
    return Run(**json.loads(done.stdout))


def _row(name: str, who: str, runs: dict[str, list[Run]], size: RaceSize) -> Row:
    mine, ours = ([run.reached_s for run in runs[w]] for w in (who, OURS))
    ratio, bound = _ratio(mine, ours, size.limit_s)
    missed = sum(s == math.inf for s in mine)
    best = [max((success for *_, success in run.curve), default=0.0) for run in runs[who]]
    rival = who not in (OURS, "jangin default")
    late = f"{missed} of {len(mine)} did not get there in {size.limit_s:g} s, best {100 * max(best):.0f} %"
    return Row(
        what=f"{name.removeprefix('cell/')}, from nothing to 99 %: {who}",
        unit="s",
        values=mine,
        against="" if who == OURS else f"their time / {OURS}'s" if rival else f"its time / {OURS}'s",
        ratio=None if who == OURS else ratio,
        bound=bound,
        target=TARGET if rival else None,
        note=late if missed else "",
        details={"runs": [vars(run) for run in runs[who]]},
    )


def _ratio(theirs: Sequence[float], ours: Sequence[float], limit_s: float) -> tuple[float | None, str]:
    """Median over median; a run that did not get there took at least the limit. None where neither did."""
    a, b = statistics.median(theirs), statistics.median(ours)
    if a == b == math.inf:
        return None, ""
    return min(a, limit_s) / min(b, limit_s), ">" if a == math.inf else "<" if b == math.inf else ""


def _main() -> None:
    parser = argparse.ArgumentParser(description="One run of one contestant; prints a Run as JSON.")
    parser.add_argument("told")
    told: dict[str, Any] = json.loads(parser.parse_args().told)
    size = RaceSize(**told["size"])
    module, options = CONTESTANTS[told["who"]]
    with contextlib.redirect_stdout(sys.stderr):  # libraries print what they build
        task: Task = registry.find("tasks", told["task"])().at("training")
        contestant = importlib.import_module(module).begin(task, seed=told["seed"], threads=size.threads, **options)
        run = contest(contestant, Judge(task, trials=size.trials, threads=size.threads), size)
        contestant.close()
    print(json.dumps(vars(run)))
    sys.stdout.flush()
    os._exit(0)  # some libraries keep threads that would wait for ever


if __name__ == "__main__":
    _main()
