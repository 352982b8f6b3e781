"""Stretches of motorway in lock-step, one driven vehicle on each; see jangin.task.World for the contract.

    world = MotorwayWorld(task, nsim=256, threads=0, seed=7, purpose="evidence")

Each trial's conditions, its traffic and its sensors' noise come from the trial's own generator; the simulations share
nothing, so a batch is a loop and threads change no bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jangin import __version__
from jangin.engine.threads import Threads
from jangin.streams import generators
from jangin.task import RUNNING, SUCCESS, TIMEOUT, Array, Frame, Scenery, Step
from jangin.vehicle import motorway_film
from jangin.vehicle.lanes import columns as c
from jangin.vehicle.lanes.advance import World, advance, begin, sense
from jangin.vehicle.lanes.beginning import NDRAWS

if TYPE_CHECKING:
    from jangin.vehicle.tasks.motorway import Motorway

__all__ = ["MotorwayWorld"]

LONGEST_S = 20.0  # a time to collision or a headway that is longer is reported as this
HARD_M_S = 30.0  # the relative speed at impact that counts as a margin of -1
PRIVILEGED_CARS = 8


class MotorwayWorld:
    """nsim stretches of motorway."""

    outcomes = (RUNNING, SUCCESS, TIMEOUT, "collision", "off_road", "invalid_state")

    def __init__(self, task: Motorway, nsim: int, *, threads: int, seed: int, purpose: str) -> None:
        self.task, self.nsim = task, nsim
        self.engine = f"jangin {__version__} lanes {task.physics}"
        self.values = {name: np.zeros(nsim) for name in task.conditions.names}
        self._generator, self._ncar = generators(task.name, seed=seed, purpose=purpose), 1 + task.cars
        n = self._ncar
        self._w = World(
            car=np.zeros((nsim, n, c.NCAR)),
            trial=np.zeros((nsim, c.NTRIAL)),
            order=np.zeros((nsim, n), np.int64),
            place=np.zeros((nsim, n), np.int64),
            history=np.zeros((nsim, c.HISTORY, n, 4)),
            key=np.zeros(nsim, np.uint64),
            settings=task.settings(),
            people=task.people(),
        )
        self._seen = np.zeros((nsim, len(task.observation)))
        self._moved = np.ones(nsim, bool)  # since it was last observed
        self._low, self._high = task.observation.low, task.observation.high
        self._action_low, self._action_high = task.action.low, task.action.high
        self._outcome = np.zeros(nsim, np.int16)
        self._threads = Threads(threads, nsim)
        self.reset(np.arange(nsim), np.arange(nsim))

    def reset(self, ids: Array, trials: Array, at: Array | None = None) -> None:
        """Begin trials; conditions first, then traffic, the ego's place and the noise's key, all of the trial's own."""
        ids, trials = np.asarray(ids), np.asarray(trials)
        n, width = len(self.task.conditions), (self._ncar - 1) * NDRAWS
        u, keys = np.zeros((len(ids), n + width)), np.zeros(len(ids), np.uint64)
        for row, trial in enumerate(trials.tolist()):
            rng = self._generator(trial)
            u[row] = rng.random(n + width)
            keys[row] = rng.integers(0, 1 << 64, dtype=np.uint64)
        values = self.task.conditions.at(u[:, :n] if at is None else np.asarray(at, float))
        for name, drawn in values.items():
            self.values[name][ids] = drawn
        self._w.key[ids] = keys
        self._outcome[ids], self._moved[ids] = c.RUNNING, True
        self._begin(ids, values)
        begin(self._w, ids, u[:, n:])

    def _begin(self, ids: Array, values: dict[str, Array]) -> None:
        """The driven vehicles in their places, and everything that is counted at zero."""
        w, task = self._w, self.task
        trial, car = np.zeros((len(ids), c.NTRIAL)), np.zeros((len(ids), c.NCAR))
        lane = np.where((values["entry"] < task.ramp) & (not task.peer), -1.0, np.floor(values["lane"]))
        trial[:, c.CURVATURE] = values["curvature_1_m"]
        trial[:, c.RAMP_END] = np.where(lane < 0, task.start_m + values["ramp_m"], -np.inf)
        trial[:, c.START], trial[:, c.GOAL] = task.start_m, task.goal_m
        length = task.cars / (task.lanes * values["density_1_km"] / 1000.0)
        trial[:, c.AHEAD], trial[:, c.BEHIND] = 0.65 * length, 0.35 * length
        trial[:, c.RANGE], trial[:, c.NOISE] = values["sensor_range_m"], values["sensor_noise"]
        trial[:, c.LATENCY] = np.minimum(values["latency_s"] / w.settings[c.SUBSTEP], c.HISTORY - 2)
        trial[:, c.TARGET_SPEED] = values["start_m_s"]
        trial[:, c.MIN_TTC] = trial[:, c.MIN_HEADWAY] = LONGEST_S
        trial[:, c.GAP_AHEAD] = trial[:, c.TTC] = np.inf
        car[:, c.S], car[:, c.D], car[:, c.TARGET] = task.start_m, lane * task.lane_width_m, lane
        car[:, c.SPEED], car[:, c.V0] = values["start_m_s"], task.speeds_m_s[-1]
        car[:, c.LENGTH], car[:, c.WIDTH], car[:, c.PRESENT] = task.length_m, task.width_m, 1.0
        for column, value in task.own_driver().items():
            car[:, column] = value
        w.trial[ids], w.car[ids] = trial, 0.0  # nothing of the trial before is left
        w.car[ids, 0] = car

    # ── what a policy sees ───────────────────────────────────────────────────────────────────────────────────────

    def observe(self) -> Array:
        """(nsim, nobs) float32, clipped to the channels' ranges."""
        moved = np.flatnonzero(self._moved)
        if moved.size:
            self._threads.over(moved, lambda ids, part: sense(self._w, ids, self._seen))
            self._moved[moved] = False
        return np.clip(self._seen, self._low, self._high).astype(np.float32)

    def privileged(self) -> Array:
        """(nsim, nprivileged) float32: where the nearest vehicles truly are, and the trial's conditions."""
        car = self._w.car
        away = car[:, 1:, c.S] - car[:, :1, c.S]
        nearest = np.argsort(np.abs(away), axis=1, kind="stable")[:, :PRIVILEGED_CARS] + 1
        rows = np.arange(self.nsim)[:, None]
        near = car[rows, nearest]
        there = near[:, :, c.PRESENT] == 1.0
        along = np.where(there, np.clip(near[:, :, c.S] - car[:, :1, c.S], -300.0, 300.0), 300.0)
        aside = np.where(there, near[:, :, c.D] - car[:, :1, c.D], 0.0)
        speed = np.where(there, near[:, :, c.SPEED] - car[:, :1, c.SPEED], 0.0)
        goes = np.where(there, near[:, :, c.TARGET] * self.task.lane_width_m - near[:, :, c.D], 0.0)
        parts = np.stack([along, aside, speed, goes], axis=2).reshape(self.nsim, -1)
        return np.concatenate([parts, *(v[:, None] for v in self.values.values())], axis=1).astype(np.float32)

    # ── a control period ─────────────────────────────────────────────────────────────────────────────────────────

    def step(self, action: Array, ids: Array | None = None) -> Step:
        """Advance by one control period."""
        ids = np.arange(self.nsim) if ids is None else np.asarray(ids)
        n = len(ids)
        actions = np.clip(np.asarray(action, np.float32), self._action_low, self._action_high).astype(float)
        reward, cost, outcome = np.zeros(n), np.zeros(n), np.zeros(n, np.int64)

        def part(some: Array, rows: slice) -> None:
            advance(self._w, some, actions, reward[rows], cost[rows], outcome[rows])

        self._threads.over(ids, part)
        self._outcome[ids], self._moved[ids] = outcome, True
        return Step(reward.astype(np.float32), cost.astype(np.float32), outcome.astype(np.int16))

    def record(self, ids: Array) -> dict[str, Array]:
        """The finished trials' row values; see Motorway.columns."""
        ids = np.asarray(ids)
        trial, car = self._w.trial[ids], self._w.car[ids, 0]
        won = self._outcome[ids] == c.SUCCESS
        elapsed = trial[:, c.SUBSTEPS_DONE] * self.task.substep_s
        way = car[:, c.S] - trial[:, c.START]
        missing = np.maximum(1.0 - way / self.task.goal_m, 1e-3)
        hit = np.maximum(trial[:, c.IMPACT] / HARD_M_S, 1e-3)
        margin = np.where(won, trial[:, c.MIN_TTC], -np.where(self._outcome[ids] == c.COLLISION, hit, missing))
        return {
            **{name: values[ids] for name, values in self.values.items()},
            "cycle_s": np.where(won, elapsed, np.inf),
            "margin": margin,
            "mean_speed_m_s": way / np.maximum(elapsed, self.task.substep_s),
            "min_ttc_s": trial[:, c.MIN_TTC],
            "min_headway_s": trial[:, c.MIN_HEADWAY],
            "peak_decel_m_s2": trial[:, c.PEAK_DECEL],
            "peak_inverse_ttc_1_s": 1.0 / np.maximum(trial[:, c.MIN_TTC], 1.0 / LONGEST_S),
            "peak_deficit_m": trial[:, c.PEAK_DEFICIT],
            "impact_m_s": trial[:, c.IMPACT],
            "hit_from_behind": trial[:, c.FROM_BEHIND],
            "lane_changes": trial[:, c.LANE_CHANGES],
            "interventions": trial[:, c.CORRECTED] / np.maximum(trial[:, c.SUBSTEPS_DONE], 1.0),
            "others_overlap": trial[:, c.SCRAPES],
        }

    def picture(self, sim: int, width: int = 640, height: int = 480) -> Array | None:
        """None: see the animation of a report instead."""
        return None

    def scenery(self, sim: int) -> Scenery:
        """Lanes, slip road and goal of a trial; see jangin.task.Filmed."""
        return motorway_film.scenery(self.task, self._w.trial[sim])

    def frame(self, sim: int) -> Frame:
        """Everybody as they are now, and in the substeps before."""
        return motorway_film.frame(self.task, self._w.trial[sim], self._w.car[sim], self._w.history[sim])
