"""Trials by number on environments that others wrote.

    world = GymWorld(task, nsim=64, workers=2, seed=7, purpose="evidence")

A trial's number fixes the seed that reset gets, a hash of (task, seed, purpose, trial), and the conditions that the
mapping declares. Nothing else is random here.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from jangin.gym.slots import slots
from jangin.streams import generator
from jangin.task import RUNNING, SUCCESS, TIMEOUT, Array, Step

if TYPE_CHECKING:
    from jangin.gym.task import GymTask

__all__ = ["TERMINATED", "GymWorld"]

TERMINATED, NOT_FINITE = "terminated", "invalid_nan"


class GymWorld:
    """nsim environments in lock-step, as a `task.World`."""

    def __init__(self, task: GymTask, nsim: int, *, workers: int, seed: int, purpose: str) -> None:
        about, mapping = task.about, task.told
        self.task, self.nsim, self.engine = task, nsim, about.engine
        self.outcomes = (RUNNING, SUCCESS, TIMEOUT, TERMINATED, *mapping.failures, NOT_FINITE)
        self._seed, self._purpose, self._keys = seed, purpose, task.keys
        self._slots = slots(task.env, mapping.make, n=nsim, keys=task.keys, workers=workers)
        self._seen = np.zeros((nsim, len(task.observation)), np.float32)
        self._steps, self._return = np.zeros(nsim, np.int64), np.zeros(nsim)
        self._cycle_s, self._outcome = np.full(nsim, np.inf), np.zeros(nsim, np.int16)
        self._values = {name: np.zeros(nsim) for name in task.conditions.names}
        self._kept = {name: np.full(nsim, np.nan) for name in mapping.record}
        self._best = np.full(nsim, np.nan)  # of the info value that success is judged by

    def reset(self, ids: Array, trials: Array, at: Array | None = None) -> None:
        """Begin trial trials[k] in environment ids[k], at the conditions of `at` where given."""
        ids, task = np.asarray(ids), self.task
        seeds, options, attributes = np.zeros(len(ids), np.int64), [], []
        for k, (i, trial) in enumerate(zip(ids.tolist(), np.asarray(trials).tolist(), strict=True)):
            text = f"{task.name}\x1f{self._seed}\x1f{self._purpose}\x1f{trial}\x1freset"
            seeds[k] = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little") >> 1
            rng = generator(task.name, seed=self._seed, purpose=self._purpose, trial=trial)
            drawn = task.conditions.draw(rng, None if at is None else at[k]) if len(task.conditions) else {}
            for name, value in drawn.items():
                self._values[name][i] = value
            into = task.told.into
            options.append({into[n][1]: v for n, v in drawn.items() if into[n][0] == "option"})
            attributes.append({into[n][1]: v for n, v in drawn.items() if into[n][0] == "attribute"})
        self._seen[ids] = self._slots.reset(ids, seeds, options, attributes)
        self._steps[ids], self._return[ids], self._outcome[ids] = 0, 0.0, 0
        self._cycle_s[ids], self._best[ids] = np.inf, np.nan
        for kept in self._kept.values():
            kept[ids] = np.nan

    def observe(self) -> Array:
        """(nsim, nobs) float32, what the environments gave last, flattened."""
        return self._seen.copy()

    def privileged(self) -> Array:
        """The same: an environment of others tells nothing more."""
        return self._seen.copy()

    def step(self, action: Array, ids: Array | None = None) -> Step:
        """One step of environments ids; an action that is not finite stands for the middle of its range."""
        ids = np.arange(self.nsim) if ids is None else np.asarray(ids)
        low, high = self.task.action.low, self.task.action.high
        wanted = np.asarray(action, np.float32)[ids]
        wanted = np.clip(np.where(np.isfinite(wanted), wanted, 0.5 * (low + high)), low, high)
        seen, reward, ended, cut, infos = self._slots.step(ids, wanted)
        finite = np.isfinite(seen).all(axis=1) & np.isfinite(reward)
        self._seen[ids] = np.where(np.isfinite(seen), seen, 0.0)
        self._steps[ids] += 1
        self._return[ids] += np.where(np.isfinite(reward), reward, 0.0)
        self._note(ids, infos)
        outcome = self._judge(ids, ended, cut, infos)
        outcome = np.where(finite, outcome, len(self.outcomes) - 1).astype(np.int16)
        self._outcome[ids] = outcome
        self._cycle_s[ids] = np.where(outcome == 1, self._steps[ids] / self.task.rate_hz, np.inf)
        cost = (outcome > 2).astype(np.float32)
        return Step(np.where(np.isfinite(reward), reward, 0.0).astype(np.float32), cost, outcome)

    def _note(self, ids: Array, infos: Array) -> None:
        """Keep what the mapping records of this step's infos."""
        how = {"max": np.fmax, "min": np.fmin}
        for name, recorded in self.task.told.record.items():
            now, kept = infos[:, self._keys.index(recorded.info)], self._kept[name]
            if recorded.how == "last":
                kept[ids] = np.where(np.isnan(now), kept[ids], now)
            elif recorded.how in how:
                kept[ids] = how[recorded.how](kept[ids], now)
            else:  # a mean is a sum until it is asked for
                kept[ids] = np.nan_to_num(kept[ids]) + np.nan_to_num(now)

    def _judge(self, ids: Array, ended: Array, cut: Array, infos: Array) -> Array:
        success = self.task.success
        over = ended | cut | (self._steps[ids] >= self.task.about.max_steps)
        outcome = np.where(over, np.where(ended, 3, 2), 0)
        for k, key in enumerate(self.task.told.failures.values()):
            outcome = np.where(infos[:, self._keys.index(key)] > 0, 4 + k, outcome)
        if success.return_at_least is not None:
            reached = self._return[ids] >= success.return_at_least
            return np.where((outcome > 0) & (outcome < 4) & reached, 1, outcome)
        now = infos[:, self._keys.index(success.info)]
        score = _score(success, now)
        self._best[ids] = score if success.when == "last" else np.fmax(self._best[ids], score)
        reached = score >= 0
        return np.where(
            reached & ((outcome < 4) if success.when == "any" else (outcome > 0) & (outcome < 4)), 1, outcome
        )

    def record(self, ids: Array) -> dict[str, Array]:
        """Conditions, cycle_s, margin, return, steps, and what the mapping records."""
        kept = {name: v[ids].copy() for name, v in self._kept.items()}
        for name, recorded in self.task.told.record.items():
            if recorded.how == "mean":
                kept[name] = kept[name] / np.maximum(self._steps[ids], 1)
        row = {name: v[ids].copy() for name, v in self._values.items()}
        row |= {"cycle_s": self._cycle_s[ids].copy(), "return": self._return[ids].copy()}
        row |= {"steps": self._steps[ids].astype(float), **kept}
        return row | {"margin": self._margin(ids, row)}

    def _margin(self, ids: Array, row: dict[str, Array]) -> Array:
        """The signed distance to failure: the mapping's, else that of the success rule; its sign is the outcome's."""
        margin, success = self.task.told.margin, self.task.success
        if margin is not None:
            value = row[margin.column]
            distance = value - margin.at_least if margin.at_least is not None else (margin.at_most or 0.0) - value
        elif success.return_at_least is not None:
            distance = row["return"] - success.return_at_least
        else:
            distance = np.nan_to_num(self._best[ids], nan=-1.0)
        won = self._outcome[ids] == 1
        return np.where(won, np.maximum(distance, 0.0), np.minimum(distance, -np.finfo(float).tiny))

    def picture(self, sim: int, width: int = 640, height: int = 480) -> Array | None:
        """None: drawing is the environment's own affair."""
        return self._slots.picture(sim)


def _score(success: object, now: Array) -> Array:
    """How far an info value is beyond what success asks, >= 0 for success; a plain flag is 1 or -1."""
    at_least, at_most = success.at_least, success.at_most  # type: ignore[attr-defined]
    if at_least is not None:
        return np.where(np.isnan(now), -np.inf, now - at_least)
    if at_most is not None:
        return np.where(np.isnan(now), -np.inf, at_most - now)
    return np.where(now > 0, 1.0, -1.0)
