"""Aisles of a plant in lock-step, one driven vehicle in each; see jangin.task.World for the contract.

    world = AisleWorld(task, nsim=256, threads=0, seed=7, purpose="evidence")

Each trial's conditions, its people and its sensors' noise come from the trial's own generator; the simulations share
nothing, so a batch is a loop and threads change no bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jangin import __version__
from jangin.engine.threads import Threads
from jangin.streams import generators
from jangin.task import RUNNING, SUCCESS, TIMEOUT, Array, Channel, Frame, Scenery, Shape, Signals, Step
from jangin.vehicle.aisles import columns as c
from jangin.vehicle.aisles.advance import World, advance, begin, look
from jangin.vehicle.aisles.beginning import NDRAWS, NPLACE, place
from jangin.vehicle.boxes import Boxes

if TYPE_CHECKING:
    from jangin.vehicle.tasks.aisle import Aisle

__all__ = ["AisleWorld"]

HARD_M_S = 3.0  # the relative speed at impact that counts as a margin of -1
FAR_M = 10.0  # gaps are recorded up to this
KINDS = {c.ROBOT: "driven", c.PERSON: "person", c.DRIVES: "vehicle", c.PARKED: "vehicle"}


class AisleWorld:
    """nsim aisles."""

    outcomes = (RUNNING, SUCCESS, TIMEOUT, "person_contact", "vehicle_contact", "wall", "invalid_state")

    def __init__(self, task: Aisle, nsim: int, *, threads: int, seed: int, purpose: str) -> None:
        self.task, self.nsim = task, nsim
        self.engine = f"jangin {__version__} aisles {task.physics}"
        self.values = {name: np.zeros(nsim) for name in task.conditions.names}
        self._generator, n = generators(task.name, seed=seed, purpose=purpose), 1 + task.people + 2
        self._w = World(
            body=np.zeros((nsim, n, c.NBODY)),
            rack=np.zeros((nsim, c.NRACK, 5)),
            trial=np.zeros((nsim, c.NTRIAL)),
            history=np.zeros((nsim, c.HISTORY, n, 5)),
            key=np.zeros(nsim, np.uint64),
            settings=_settings(task),
        )
        self._seen = np.zeros((nsim, len(task.observation)))
        self._low, self._high = task.observation.low, task.observation.high
        self._action_low, self._action_high = task.action.low, task.action.high
        self._outcome = np.zeros(nsim, np.int16)
        self._threads = Threads(threads, nsim)
        self.reset(np.arange(nsim), np.arange(nsim))

    def reset(self, ids: Array, trials: Array, at: Array | None = None) -> None:
        """Begin trials; conditions first, then racks, people, vehicles and the noise's key, all of the trial's own."""
        ids, trials = np.asarray(ids), np.asarray(trials)
        n, width = len(self.task.conditions), NPLACE + self.task.people * NDRAWS
        u, keys = np.zeros((len(ids), n + width)), np.zeros(len(ids), np.uint64)
        for row, trial in enumerate(trials.tolist()):
            rng = self._generator(trial)
            u[row] = rng.random(n + width)
            keys[row] = rng.integers(0, 1 << 64, dtype=np.uint64)
        values = self.task.conditions.at(u[:, :n] if at is None else np.asarray(at, float))
        for name, drawn in values.items():
            self.values[name][ids] = drawn
        w = self._w
        w.key[ids] = keys
        self._outcome[ids] = c.RUNNING
        w.body[ids], w.rack[ids], w.trial[ids] = place(self.task, values, u[:, n:])
        begin(w, ids)

    # ── what a policy sees ───────────────────────────────────────────────────────────────────────────────────────

    def observe(self) -> Array:
        """(nsim, nobs) float32, clipped to the channels' ranges."""
        self._threads.over(np.arange(self.nsim), lambda ids, part: look(self._w, ids, self._seen))
        return np.clip(self._seen, self._low, self._high).astype(np.float32)

    def privileged(self) -> Array:
        """(nsim, nprivileged) float32: where everybody truly is, in the vehicle's frame, and the trial's conditions."""
        body = self._w.body
        ego, others = body[:, :1], body[:, 1:]
        cos, sin = np.cos(ego[:, :, c.HEADING]), np.sin(ego[:, :, c.HEADING])
        dx, dy = others[:, :, c.X] - ego[:, :, c.X], others[:, :, c.Y] - ego[:, :, c.Y]
        vx, vy = others[:, :, c.VX], others[:, :, c.VY]
        rows = np.stack([cos * dx + sin * dy, cos * dy - sin * dx, cos * vx + sin * vy, cos * vy - sin * vx], axis=2)
        away = np.array([2.0 * self.task.goal_m, 0.0, 0.0, 0.0])
        rows = np.where((others[:, :, c.KIND] == c.NOBODY)[:, :, None], away, rows)
        known = [rows.reshape(self.nsim, -1), *(v[:, None] for v in self.values.values())]
        return np.concatenate(known, axis=1).astype(np.float32)

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
        self._outcome[ids] = outcome
        return Step(reward.astype(np.float32), cost.astype(np.float32), outcome.astype(np.int16))

    def record(self, ids: Array) -> dict[str, Array]:
        """The finished trials' row values; see Aisle.columns.

        The margin of a success is the smallest distance kept [m]; of a contact, minus the relative speed in units of 3
        m/s; of a time-out, minus the share of the way that was left.
        """
        ids = np.asarray(ids)
        trial, body = self._w.trial[ids], self._w.body[ids, 0]
        outcome = self._outcome[ids]
        won, hit = outcome == c.SUCCESS, np.isin(outcome, (c.PERSON_CONTACT, c.VEHICLE_CONTACT, c.WALL))
        elapsed = trial[:, c.TICKS] * self.task.substep_s
        missing = np.hypot(trial[:, c.GOAL_X] - body[:, c.X], trial[:, c.GOAL_Y] - body[:, c.Y]) / self.task.goal_m
        short = np.maximum(np.where(hit, trial[:, c.IMPACT] / HARD_M_S, missing), 1e-3)
        return {
            **{name: values[ids] for name, values in self.values.items()},
            "cycle_s": np.where(won, elapsed, np.inf),
            "margin": np.where(won, np.clip(trial[:, c.MIN_GAP], 0.0, FAR_M), -short),
            "mean_speed_m_s": trial[:, c.WAY] / np.maximum(elapsed, self.task.substep_s),
            "min_gap_m": np.clip(trial[:, c.MIN_GAP], 0.0, FAR_M),
            "min_person_gap_m": np.clip(trial[:, c.MIN_PERSON_GAP], 0.0, FAR_M),
            "peak_zone_speed_m_s": trial[:, c.PEAK_ZONE_SPEED],
            "peak_stop_deficit_m": trial[:, c.PEAK_DEFICIT],
            "impact_m_s": trial[:, c.IMPACT],
            "brake_m_s2": trial[:, c.BRAKE],
        }

    # ── seeing it ────────────────────────────────────────────────────────────────────────────────────────────────

    def picture(self, sim: int, width: int = 640, height: int = 480) -> Array | None:
        """None: see the animation of a report instead."""
        return None

    def scenery(self, sim: int) -> Scenery:
        """Racks, walls and the goal."""
        corners = Boxes(*self._w.rack[sim].T).corners()
        solid = self._w.rack[sim, :, 4] > 0.0
        racks = tuple(Shape("obstacle", corners[k], closed=True) for k in np.flatnonzero(solid))
        edges = tuple(Shape("wall", corners[k][:2]) for k in np.flatnonzero(~solid))
        x, y = self._w.trial[sim, [c.GOAL_X, c.GOAL_Y]]
        turn = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
        ring = np.stack([x + self.task.tolerance_m * np.cos(turn), y + self.task.tolerance_m * np.sin(turn)], axis=1)
        values = Signals(
            (
                Channel("speed", "m/s", low=self.task.vehicle.speed_min_m_s, high=self.task.vehicle.speed_max_m_s),
                Channel("person gap", "m", low=0.0, high=5.0),
                Channel("stopping distance too long by", "m", low=0.0, high=1.0),
            )
        )
        return Scenery((*racks, *edges, Shape("goal", ring, closed=True)), (14.0, 8.0), values)

    def frame(self, sim: int) -> Frame:
        """Everybody who is there; the window goes along with the driven vehicle."""
        body, trial = self._w.body[sim], self._w.trial[sim]
        there = np.flatnonzero(body[:, c.KIND] != c.NOBODY)
        return Frame(
            t_s=float(trial[c.TICKS]) * self.task.substep_s,
            boxes=body[there][:, [c.X, c.Y, c.HEADING, c.LENGTH, c.WIDTH]],
            kinds=tuple(KINDS[int(kind)] for kind in body[there, c.KIND]),
            ids=tuple(there.tolist()),
            values={
                "speed": float(body[0, c.SPEED]),
                "person gap": float(trial[c.PERSON_GAP]),
                "stopping distance too long by": float(trial[c.DEFICIT]),
            },
            view=(float(body[0, c.X]), 0.0, 0.0),
        )


def _settings(task: Aisle) -> Array:
    """The compiled world's settings, by the names in `aisles/columns.py`."""
    found, vehicle = np.zeros(c.NSETTINGS), task.vehicle
    values = {
        c.SUBSTEP: task.substep_s,
        c.PER_PERIOD: round(1.0 / (task.substep_s * task.rate_hz)),
        c.LAST_TICK: round(task.limit_s / task.substep_s),
        c.SPEED_MIN: vehicle.speed_min_m_s,
        c.SPEED_MAX: vehicle.speed_max_m_s,
        c.YAW_MAX: vehicle.yaw_rate_max_rad_s,
        c.YAW_ACCEL: vehicle.yaw_acceleration_rad_s2,
        c.ZONE: task.zone_m,
        c.ZONE_SPEED: task.zone_m_s,
        c.TOLERANCE: task.tolerance_m,
        c.PEOPLE: task.people,
        c.END_LOW: -3.0,
        c.END_HIGH: task.goal_m + 3.0,
    }
    for column, value in values.items():
        found[column] = value
    return found
