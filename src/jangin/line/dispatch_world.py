"""Shifts in lock-step: nsim runs of the next-event engine, each stopped once a minute for a decision.

    world = DispatchWorld(task, nsim=256, threads=0, seed=7, purpose="evidence")

Every simulation is a replication of its own with its own plant, conditions and streams, so a trial does not know which
others run beside it, nor on which thread. The arrays of all replications lie in one block per kind, a row each: the
engine sees a row, an observation is read off the block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from jangin import __version__
from jangin.engine.threads import Threads
from jangin.line.events import state as c
from jangin.line.events.loop import run
from jangin.line.events.state import Plant, World
from jangin.line.events.tables import fresh, tables
from jangin.line.events.view import addresses
from jangin.streams import generator
from jangin.task import RUNNING, SUCCESS, TIMEOUT, Array, Step

if TYPE_CHECKING:
    from jangin.line.tasks.dispatch import Dispatch

__all__ = ["DispatchWorld"]

PRESS, ASSEMBLY = 1, slice(2, 4)  # machines
BETWEEN = 3  # buffer; 0 to 2 are the waiting types
_RUNNING, _SUCCESS, _TIMEOUT, _OVERFLOW = range(4)
PARTS_PER_EXPECTED = 4  # rows for parts, of those expected to arrive; a trial that needs more is invalid
DONE_REWARD, ORDER_REWARD = 2.0, 10.0


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def _advance(listed, until, status):  # type: ignore[no-untyped-def]
    """Advance some replications, each to its own time."""
    for k in range(len(listed)):
        status[k] = run(listed[k], until[k])


class DispatchWorld:
    """nsim shifts in lock-step; see jangin.task.World for the contract."""

    outcomes = (RUNNING, SUCCESS, TIMEOUT, "invalid_overflow")

    def __init__(self, task: Dispatch, nsim: int, *, threads: int, seed: int, purpose: str) -> None:
        self.task, self.nsim = task, nsim
        self.engine = f"jangin {__version__} events {task.physics}"
        self.values = {name: np.zeros(nsim) for name in task.conditions.names}
        self._seen_range = task.observation.low, task.observation.high
        self._action_range = task.action.low, task.action.high
        self._seed, self._purpose = seed, purpose
        self._threads = Threads(threads, nsim, least=1)
        self._rows = int(PARTS_PER_EXPECTED * task.supply[1] * task.order) + 64
        self._all: World | None = None
        self._plants: list[Plant | None] = [None] * nsim  # the engine knows addresses only: these keep them alive
        self._tables: list[Array | None] = [None] * nsim
        self._listed = np.zeros(nsim, np.int64)
        self._repair_slot = 0
        self._period, self._periods = np.zeros(nsim, np.int64), round(task.limit_s * task.rate_hz)
        self._needed, self._outcome = np.ones((nsim, 3), np.int64), np.zeros(nsim, np.int16)
        self.reset(np.arange(nsim), np.arange(nsim))

    def reset(self, ids: Array, trials: Array, at: Array | None = None) -> None:
        """Begin trials; conditions first, then the keys of all streams, from the trial's own generator."""
        for k, (i, trial) in enumerate(zip(np.asarray(ids).tolist(), np.asarray(trials).tolist(), strict=True)):
            rng = generator(self.task.name, seed=self._seed, purpose=self._purpose, trial=trial)
            values = self.task.conditions.draw(rng, None if at is None else at[k])
            for name, value in values.items():
                self.values[name][i] = value
            self._begin(i, values, rng)

    def _begin(self, i: int, values: dict[str, float], rng: np.random.Generator) -> None:
        plant, modes = tables(self.task.layout(values))
        new = fresh(plant, modes, seed=0, replication=0, parts=self._rows)
        new.keys[:] = rng.integers(0, 1 << 64, len(new.keys), np.uint64)  # in place of those by replication
        if self._all is None:
            self._all = World(*(np.zeros((self.nsim, *a.shape), a.dtype) for a in new))
            self._repair_slot = int(plant.slots[c.X_REPAIRS])
        own = World(*(block[i] for block in self._all))
        for row, value in zip(own, new, strict=True):
            row[...] = value
        self._plants[i], self._tables[i] = plant, (table := addresses(plant, own))
        self._listed[i] = table.ctypes.data
        self._needed[i] = self.task.needed(values)
        self._period[i], self._outcome[i] = 0, _RUNNING

    # ── what a policy sees ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def _now(self) -> World:
        assert self._all is not None
        return self._all

    def _missing(self) -> Array:
        """(nsim, 3) parts of the order that have not left the line."""
        return np.maximum(self._needed - self._now.good, 0)

    def _in_work(self) -> Array:
        """(nsim, 3) parts in the press and behind it, by type: what is no longer the press's to decide."""
        w, rows = self._now, np.arange(self.nsim)
        found = np.zeros((self.nsim, 3), np.int64)
        for m in (PRESS, *range(ASSEMBLY.start, ASSEMBLY.stop)):
            found[rows, w.machine[:, m, c.M_TYPE]] += w.machine[:, m, c.M_PARTS]
        part = w.level[:, BETWEEN, c.L_HEAD]
        for place in range(self.task.places):
            there = w.level[:, BETWEEN, c.L_PARTS] > place
            found[rows, w.part[rows, part, c.P_TYPE]] += there
            part = np.where(there, w.part[rows, part, c.P_NEXT], 0)
        return found

    def observe(self) -> Array:
        """(nsim, nobs) float32, clipped to the channels' ranges."""
        w, n = self._now, self.nsim
        missing = self._missing()
        to_start = np.maximum(self._needed - w.good - self._in_work(), 0)
        up = w.machine[:, :, c.M_HOLD] == 0
        seen = np.concatenate(
            [
                w.level[:, :3, c.L_PARTS],
                missing,
                to_start,
                w.machine[:, PRESS, c.M_SET, None] == np.arange(3),
                up[:, PRESS, None],
                w.machine[:, PRESS, c.M_ACT, None] == c.SETTING,
                up[:, ASSEMBLY].sum(1).reshape(n, 1),
                w.level[:, BETWEEN, c.L_PARTS, None],
                (self._periods - self._period[:, None]) / self.task.rate_hz,
            ],
            axis=1,
            dtype=np.float64,
        )
        return np.clip(seen, *self._seen_range).astype(np.float32)

    def privileged(self) -> Array:
        """(nsim, nprivileged) float32."""
        w, first = self._now, self._repair_slot
        slots = slice(first + PRESS, first + ASSEMBLY.stop)
        mending = w.machine[:, PRESS : ASSEMBLY.stop, c.M_MENDING] == 1
        left = np.where(mending, w.at[:, slots] - w.clock[:, c.T_NOW, None], 0.0)
        return np.concatenate([left, *(v[:, None] for v in self.values.values())], axis=1).astype(np.float32)

    # ── a minute of the plant ────────────────────────────────────────────────────────────────────────────────────

    def step(self, action: Array, ids: Array | None = None) -> Step:
        """Set the preferences, run a minute, and see how far the order has come."""
        ids = np.arange(self.nsim) if ids is None else np.asarray(ids)
        self._now.prefer[ids, :3] = np.clip(np.asarray(action, np.float32)[ids], *self._action_range)
        missing, spent = self._missing()[ids].sum(1), self._setup_s()[ids]
        self._period[ids] += 1
        status = self._run(ids)
        left = self._missing()[ids].sum(1)
        outcome = np.where(self._period[ids] >= self._periods, _TIMEOUT, _RUNNING)
        outcome[left == 0] = _SUCCESS
        outcome[status != c.FINE] = _OVERFLOW
        self._outcome[ids] = outcome
        reward = ORDER_REWARD * (missing - left) / self.task.order + DONE_REWARD * (outcome == _SUCCESS)
        most, now = self.task.limits.extra["setup_s"], self._setup_s()[ids]
        cost = np.maximum(now - np.maximum(spent, most), 0.0) * self.task.rate_hz
        return Step(reward.astype(np.float32), cost.astype(np.float32), outcome.astype(np.int16))

    def _run(self, ids: Array) -> Array:
        """Every one of `ids` to the end of its period; (n,) the engine's status."""
        listed, until = self._listed[ids], self._period[ids] / self.task.rate_hz
        status = np.zeros(len(ids), np.int64)
        self._threads.over(ids, lambda _, rows: _advance(listed[rows], until[rows], status[rows]))
        return status

    # ── what is recorded ─────────────────────────────────────────────────────────────────────────────────────────

    def _booked_s(self, state: int) -> Array:
        """(nsim,) seconds the press has been in a state so far."""
        w = self._now
        since = w.clock[:, c.T_NOW] - w.machine_s[:, PRESS, c.N_SINCE]
        return np.asarray(w.seconds[:, PRESS, state] + np.where(w.machine[:, PRESS, c.M_SHOWN] == state, since, 0.0))

    def _setup_s(self) -> Array:
        return self._booked_s(c.SETUP_)

    def record(self, ids: Array) -> dict[str, Array]:
        """Conditions, the time to the last part, the margin (share of the shift left, or of the order missing)."""
        won, left = self._outcome[ids] == _SUCCESS, self._missing()[ids].sum(1)
        taken_s = self._period[ids] / self.task.rate_hz
        late = -np.maximum(left, 1) / self.task.order
        return {name: v[ids].copy() for name, v in self.values.items()} | {
            "cycle_s": np.where(won, taken_s, np.inf),
            "margin": np.where(won, 1.0 - self._period[ids] / self._periods, late),
            "setup_s": self._booked_s(c.SETUP_)[ids],
            "press_down_s": self._booked_s(c.DOWN_)[ids],
        }

    def picture(self, sim: int, width: int = 640, height: int = 480) -> Array | None:
        """None: a shift has no picture."""
        return None
