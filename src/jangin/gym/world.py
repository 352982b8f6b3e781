"""Trials by number on environments that others wrote.

    world = GymWorld(task, nsim=64, workers=2, seed=7, purpose="evidence")

A trial's number fixes the seed that reset gets and the conditions that the mapping declares; nothing else is random
here. How a step is judged, in this order: numbers that are not finite make the trial invalid; a failure of the mapping
ends it by its name; success; then what the environment said, `terminated` or, at its time limit, `timeout`.
"""

from __future__ import annotations

import hashlib
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from jangin.errors import BadTask
from jangin.gym.about import options_of, seen_at
from jangin.gym.mapping import Recorded
from jangin.gym.slots import Raised, Start, Stepped, slots
from jangin.streams import generator
from jangin.task import RUNNING, SUCCESS, TIMEOUT, Array, Step

if TYPE_CHECKING:
    from jangin.gym.task import GymTask

__all__ = ["GymWorld", "reset_seed"]

TERMINATED, NOT_FINITE, BAD_ACTION = "terminated", "invalid_nan", "invalid_action"
_ROUNDING = 1e-6  # within which a margin may contradict success


def reset_seed(task: str, *, seed: int, purpose: str, trial: int) -> int:
    """The seed that reset gets in a trial, 0 <= seed < 2**32: what every environment takes, the oldest included.

    A bijection of the trial's number modulo 2**32, keyed by a hash of (task, seed, purpose): no two trials of a stream
    share one. Two streams may, as 32 bits cannot keep them apart: n and m trials are expected to share n m / 2**32.
    Four rounds of a Feistel network on 16-bit halves, with SHA-256 as the round function.
    """
    left, right = (trial >> 16) & 0xFFFF, trial & 0xFFFF
    key = f"{task}\x1f{seed}\x1f{purpose}\x1freset"
    for k in range(4):
        digest = hashlib.sha256(f"{key}\x1f{k}\x1f{right}".encode()).digest()
        left, right = right, left ^ int.from_bytes(digest[:2], "little")
    return (left << 16) | right


class GymWorld:
    """nsim environments in lock-step, as a `task.World`."""

    def __init__(self, task: GymTask, nsim: int, *, workers: int, seed: int, purpose: str) -> None:
        about, told = task.about, task.told
        self.task, self.nsim, self.engine = task, nsim, about.engine
        self.outcomes = (RUNNING, SUCCESS, TIMEOUT, TERMINATED, *told.failures, NOT_FINITE, BAD_ACTION)
        self._seed, self._purpose, self._told, self._success = seed, purpose, told, task.success
        self._rate_hz, self._max_steps = task.rate_hz, task.max_steps
        self._info = task.info
        seen = [n for n in (*task.success_names, *told.names) if n.startswith("observation")]
        self._seen_at = {name: seen_at(about, name) for name in seen}
        self._low, self._high, self._votes = about.action.low, about.action.high, bool(about.choices)
        keywords = {**told.make, **({"max_episode_steps": told.max_steps} if told.max_steps else {})}
        group = slots(task.env, keywords, n=nsim, info=list(self._info.values()), workers=workers)
        self._slots = group
        weakref.finalize(self, group.close)
        self._seen = np.zeros((nsim, len(about.observation)), np.float32)
        self._values = {name: np.zeros(nsim) for name in task.conditions.names}
        self._kept = {name: _Kept(nsim, r) for name, r in told.record.items()}
        self._trial, self._outcome = np.zeros(nsim, np.int64), np.zeros(nsim, np.int16)
        self._steps, self._return = np.zeros(nsim, np.int64), np.zeros(nsim)
        self._success_step = np.zeros(nsim, np.int64)  # of the first success, 0 before it
        self._row = np.zeros(nsim, np.int64)  # steps in a row, up to now, at which success held
        self._window = np.full((nsim, self._success.hold_steps), np.inf)  # margins of the last steps
        self._margin = np.full(nsim, np.nan)

    def reset(self, ids: Array, trials: Array, at: Array | None = None) -> None:
        """Begin trial trials[k] in environment ids[k], at the conditions of `at` where given."""
        ids = np.asarray(ids)
        self._trial[ids] = trials
        starts = [
            self._start(int(i), int(t), None if at is None else at[k])
            for k, (i, t) in enumerate(zip(ids, trials, strict=True))
        ]
        self._steps[ids], self._return[ids], self._outcome[ids] = 0, 0.0, 0
        self._success_step[ids], self._row[ids], self._margin[ids] = 0, 0, np.nan
        self._window[ids] = np.inf
        for kept in self._kept.values():
            kept.reset(ids)
        try:
            self._seen[ids] = self._slots.reset(ids, starts)
        except Raised as e:
            raise self._raised(e) from e

    def _start(self, sim: int, trial: int, at: Array | None) -> Start:
        """What a trial begins with."""
        task, drawn = self.task, {}
        if len(task.conditions):
            rng = generator(task.name, seed=self._seed, purpose=self._purpose, trial=trial)
            drawn = task.conditions.draw(rng, at)
        into: dict[str, dict[str, float]] = {"option": {}, "attribute": {}, "make": {}}
        for name, value in drawn.items():
            self._values[name][sim] = value
            into[self._told.places[name].kind][self._told.places[name].name] = value
        return Start(
            seed=reset_seed(task.name, seed=self._seed, purpose=self._purpose, trial=trial),
            options=options_of(into["option"]),
            attributes=into["attribute"],
            make=into["make"] if into["make"] or self._told.fresh else None,
        )

    def observe(self) -> Array:
        """(nsim, nobs) float32, what the environments gave last, flattened."""
        return self._seen.copy()

    def privileged(self) -> Array:
        """The same: an environment of others tells nothing more."""
        return self._seen.copy()

    def step(self, action: Array, ids: Array | None = None) -> Step:
        """One step of environments ids. An action that is not finite ends its trial as invalid_action."""
        ids = np.arange(self.nsim) if ids is None else np.asarray(ids)
        rows = np.asarray(action, np.float32)[ids]
        sound = np.isfinite(rows).all(axis=1)
        reward, cost = np.zeros(len(ids), np.float32), np.zeros(len(ids), np.float32)
        outcome = np.full(len(ids), self.outcomes.index(BAD_ACTION), np.int16)
        if sound.any():
            going = ids[sound]
            # of choices the largest is taken, whatever the scale of the votes
            wanted = rows[sound] if self._votes else np.clip(rows[sound], self._low, self._high)
            reward[sound], cost[sound], outcome[sound] = self._stepped(going, wanted)
        self._outcome[ids] = outcome
        return Step(reward, cost, outcome)

    def _stepped(self, ids: Array, actions: Array) -> tuple[Array, Array, Array]:
        """Reward, cost and outcome of environments that were given something to do."""
        try:
            now = self._slots.step(ids, actions)
        except Raised as e:
            raise self._raised(e) from e
        finite = np.isfinite(now.seen).all(axis=1) & np.isfinite(now.reward)
        self._seen[ids] = np.where(np.isfinite(now.seen), now.seen, 0.0)
        reward = np.where(finite, now.reward, 0.0)
        self._steps[ids] += 1
        self._return[ids] += reward
        numbers = self._numbers(ids, reward, now)
        cost = np.zeros(len(ids))
        for name, kept in self._kept.items():
            value = kept.note(ids, numbers)
            if name in self._told.limits:
                bound = self._told.limits[name]
                cost = np.fmax(cost, (value - bound) / max(abs(bound), 1e-9))
        outcome = np.where(finite, self._judged(ids, numbers, now), self.outcomes.index(NOT_FINITE))
        return reward.astype(np.float32), cost.astype(np.float32), outcome.astype(np.int16)

    def _numbers(self, ids: Array, reward: Array, now: Stepped) -> dict[str, Array]:
        """Every number of the step that a mapping can name, (k,) float64 each."""
        steps = self._steps[ids].astype(float)
        return {
            "reward": reward,
            "return": self._return[ids],
            "steps": steps,
            "time_s": steps / self._rate_hz,
            "terminated": now.ended.astype(float),
            "truncated": now.cut.astype(float),
            **{name: now.info[:, k] for k, name in enumerate(self._info)},
            **{name: now.seen[:, k].astype(float) for name, k in self._seen_at.items()},
        }

    def _judged(self, ids: Array, numbers: dict[str, Array], now: Stepped) -> Array:
        """The outcome of each step."""
        success = self._success
        holds = np.all([c.holds(numbers) for c in success.when], axis=0)
        self._row[ids] = np.where(holds, self._row[ids] + 1, 0)
        held = self._row[ids] >= success.hold_steps
        self._note_margin(ids, numbers, holds)
        over = now.ended | now.cut | (self._steps[ids] >= self._max_steps)
        if success.look == "last":
            held &= over
        first = held & (self._success_step[ids] == 0)
        self._success_step[ids] = np.where(first, self._steps[ids], self._success_step[ids])
        outcome = np.where(over, np.where(now.ended, 3, 2), 0)
        won = held if success.ends_trial else over & (self._success_step[ids] > 0)
        outcome = np.where(won, 1, outcome)
        for k, failure in reversed(list(enumerate(self._told.failures.values()))):
            outcome = np.where(failure.holds(numbers), 4 + k, outcome)
        return outcome

    def _note_margin(self, ids: Array, numbers: dict[str, Array], holds: Array) -> None:
        """Keep the margin as success is looked at: of the best step or the last, the worst of those in a row."""
        told = self._told.margin
        score = np.min([c.score(numbers) for c in self._success.when], axis=0)
        if told is not None:
            score = told.value(numbers)
            wrong = ((score >= 0) != holds) & (np.abs(score) > _ROUNDING)
            if wrong.any():
                k = int(np.argmax(wrong))
                raise BadTask(
                    f"The mapping's margin of {self.task.name} is {score[k]:g} in trial {self._trial[ids[k]]} at a "
                    f"step where success {'holds' if holds[k] else 'does not hold'}; it must be at least 0 exactly "
                    f"where success holds."
                )
        self._window[ids] = np.roll(self._window[ids], 1, axis=1)
        self._window[ids, 0] = score
        worst = self._window[ids].min(axis=1)
        self._margin[ids] = worst if self._success.look == "last" else np.fmax(self._margin[ids], worst)

    def record(self, ids: Array) -> dict[str, Array]:
        """Conditions, cycle_s, margin, return, steps, and what the mapping records.

        The margin's sign is the outcome's: one of a trial that failed for another reason is just below 0.
        """
        ids = np.asarray(ids)
        won = self._outcome[ids] == 1
        cycle_s = np.where(won, self._success_step[ids] / self._rate_hz, np.inf)
        margin = np.where(np.isnan(self._margin[ids]) & ~won & (self._steps[ids] == 0), -1.0, self._margin[ids])
        return {
            **{name: v[ids].copy() for name, v in self._values.items()},
            "cycle_s": cycle_s,
            "margin": np.where(won, np.maximum(margin, 0.0), np.minimum(margin, -np.finfo(float).tiny)),
            "return": self._return[ids].copy(),
            "steps": self._steps[ids].astype(float),
            **{name: kept.value(ids) for name, kept in self._kept.items()},
        }

    def _raised(self, e: Raised) -> BadTask:
        trial, steps = int(self._trial[e.slot]), int(self._steps[e.slot])
        return BadTask(f"{self.task.name} raised {e.what}, in trial {trial} after {steps} steps.")

    def picture(self, sim: int, width: int = 640, height: int = 480) -> Array | None:
        """None: drawing is the environment's own affair."""
        return None


class _Kept:
    """What is kept of a sum over each trial; NaN where it was never given."""

    def __init__(self, nsim: int, recorded: Recorded) -> None:
        self._of, self._how = recorded.of, recorded.how
        self._value, self._count = np.full(nsim, np.nan), np.zeros(nsim, np.int64)

    def reset(self, ids: Array) -> None:
        """Forget."""
        self._value[ids], self._count[ids] = np.nan, 0

    def note(self, ids: Array, numbers: dict[str, Array]) -> Array:
        """Take a step's value in, and return it, (k,)."""
        now, old = self._of.value(numbers), self._value[ids]
        new: Any
        if self._how == "last":
            new = now
        elif self._how == "max":
            new = np.fmax(old, now)
        elif self._how == "min":
            new = np.fmin(old, now)
        else:  # a mean is a sum until it is asked for
            new = np.where(np.isnan(old), now, old + now)
        self._value[ids] = np.where(np.isnan(now), old, new)
        self._count[ids] += ~np.isnan(now)
        return now

    def value(self, ids: Array) -> Array:
        """What became of it, (k,)."""
        found = self._value[ids].copy()
        return found / np.maximum(self._count[ids], 1) if self._how == "mean" else found
