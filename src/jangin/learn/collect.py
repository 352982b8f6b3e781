"""The world as a learner sees it: slots that always run, each at the next fresh trial.

    slots = Slots(task, nsim=64, threads=0, seed=7)
    slots.start(action)            # one control period in a thread of its own, which holds no lock while it simulates
    ...                            # meanwhile: updates
    moment = slots.finish()        # what happened; trials that ended have been replaced

A slot whose trial ends gets the next trial number (purpose "learn"), lowest slot first, so that which trial runs where
depends on nothing but the actions. A time-out is a truncation: the clock is no part of the world's state, so what would
have followed still has a value. But to a policy that sees the clock (a channel of the sense "time") it is an end, as
success and failure by a limit are. So is a trial the engine cannot vouch for: it ends without a reward, so that nothing
is gained by going where the simulator cannot be believed.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from jangin.learn.networks import action_range
from jangin.task import INVALID, SUCCESS, TIMEOUT, Array, Policy, Task

__all__ = ["Moment", "ReturnScale", "Slots", "noise_floor", "teacher_of"]


@dataclass(frozen=True)
class Moment:
    """One control period of nsim slots.

    Attributes:
        seen, next_seen: (nsim, nobs + nprivileged) float32 before and after. After an end `next_seen` belongs to the
            new trial, after a truncation to the old one.
        action: (nsim, nact) float32 in [-1, 1].
        label: (nsim, nact) float32 in [-1, 1]: what the teacher would have done; zeros where there is none.
        reward: (nsim,) float32, the cost already taken off.
        terminal, truncated: (nsim,) bool: the trial ended for good, or by the clock.
    """

    seen: Array
    action: Array
    label: Array
    reward: Array
    next_seen: Array
    terminal: Array
    truncated: Array


def noise_floor(task: Task) -> Array:
    """Least standard deviation to believe of each observed, then each privileged channel: its noise, (n,) float64."""
    return np.array([c.noise for c in (*task.observation, *task.privileged)], float)


def teacher_of(task: Task) -> Policy | None:
    """Who shows how it is done: the teacher, or where there is none the expert, or nobody."""
    return task.teacher() or task.expert()


class Slots:
    """nsim simulations of a task that never stop; see the file's first lines.

    Attributes:
        seen: (nsim, nobs + nprivileged) float32: now.
        label: (nsim, nact) float32 in [-1, 1]: what the teacher would do now; zeros without a teacher.
        next_trial: number of the next fresh trial.
    """

    def __init__(
        self,
        task: Task,
        nsim: int,
        *,
        threads: int,
        seed: int,
        first: int = 0,
        cost_weight: float = 1.0,
        teacher: Policy | None = None,
    ) -> None:
        self.task, self.nsim, self.next_trial = task, nsim, first
        self._world = task.world(nsim, threads=threads, seed=seed, purpose="learn")
        self._cost_weight, self._teacher = cost_weight, teacher
        self._middle, self._half = action_range(task.action)
        self._ended: deque[bool] = deque(maxlen=200)
        outcomes = self._world.outcomes
        self._success, self._timeout = outcomes.index(SUCCESS), outcomes.index(TIMEOUT)
        self._sees_clock = bool(task.observation.of_sense("time").any())
        self._sees_clock = bool(task.observation.of_sense("time").any())
        self._invalid = np.array([name.startswith(INVALID) for name in outcomes])
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="jangin-world")
        self._running: Future[Moment] | None = None
        self._begin(np.arange(nsim))
        self.seen, self.label = self._look(), self._ask()

    @property
    def recent_success(self) -> float:
        """Share of successes among the last 200 trials that ended; nan before the first."""
        return float(np.mean(self._ended)) if self._ended else float("nan")

    def start(self, action: Array) -> None:
        """Begin one control period with `action` (nsim, nact) in [-1, 1]."""
        assert self._running is None, "finish() the control period before the next"
        self._running = self._worker.submit(self._step, np.clip(action, -1.0, 1.0))

    def finish(self) -> Moment:
        """Wait for the control period's end; raises whatever the world raised."""
        assert self._running is not None, "start() a control period first"
        moment = self._running.result()
        self._running = None
        self.seen, self.label = self._after
        return moment

    def step(self, action: Array) -> Moment:
        """start() and finish()."""
        self.start(action)
        return self.finish()

    def close(self) -> None:
        """Wait for the thread and let it go."""
        self._worker.shutdown(wait=True)

    def _begin(self, ids: Array) -> None:
        trials = self.next_trial + np.arange(len(ids))
        self.next_trial += len(ids)
        self._world.reset(ids, trials)
        if self._teacher is not None:
            self._teacher.reset(ids, trials)

    def _look(self) -> Array:
        return np.concatenate([self._world.observe(), self._world.privileged()], 1, dtype=np.float32)

    def _ask(self) -> Array:
        if self._teacher is None:
            return np.zeros((self.nsim, len(self._middle)), np.float32)
        sees = self._world.observe() if self._teacher.sees == "observation" else self._world.privileged()
        units = self._teacher.act(sees)
        return np.clip((units - self._middle) / self._half, -1.0, 1.0).astype(np.float32)

    def _step(self, action: Array) -> Moment:
        step = self._world.step(self._middle + self._half * action)
        outcome = step.outcome
        ended = np.flatnonzero(outcome)
        truncated = (outcome == self._timeout) & (not self._sees_clock)
        final = self._look() if truncated.any() else None
        if ended.size:
            self._ended.extend((outcome[ended] == self._success).tolist())
            self._begin(ended)
        seen = self._look()
        self._after = seen, self._ask()
        reward = np.where(self._invalid[outcome], 0.0, step.reward - self._cost_weight * step.cost)
        return Moment(
            seen=self.seen,
            action=action.astype(np.float32),
            label=self.label,
            reward=reward.astype(np.float32),
            next_seen=seen if final is None else np.where(truncated[:, None], final, seen),
            terminal=(outcome != 0) & ~truncated,
            truncated=truncated,
        )


class ReturnScale:
    """The root mean square of discounted returns so far: rewards divided by it have values of order one.

    Each slot's return is built forwards, G = reward + gamma G, and begins anew with each trial.
    """

    def __init__(self, nsim: int, gamma: float) -> None:
        self._gamma, self._returns = gamma, np.zeros(nsim)
        self.count, self.square = 0, 0.0

    def update(self, moment: Moment) -> None:
        """Take one control period into account."""
        self._returns = self._gamma * self._returns + moment.reward
        self.count += len(self._returns)
        self.square += float(np.sum(self._returns**2))
        self._returns[moment.terminal | moment.truncated] = 0.0

    @property
    def value(self) -> float:
        """What to divide rewards by; 1 before there is anything to go by."""
        rms = np.sqrt(self.square / self.count) if self.count else 0.0
        return float(rms) if rms > 1e-8 else 1.0
