"""Yards in lock-step, one vehicle to be placed in each; see jangin.task.World for the contract.

    world = YardWorld(task, nsim=256, threads=0, seed=7, purpose="evidence")

Each trial's conditions and its sensors' noise come from the trial's own generator; the simulations share nothing, so a
batch is a loop and threads change no bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jangin import __version__
from jangin.engine.threads import Threads
from jangin.streams import generators
from jangin.task import RUNNING, SUCCESS, TIMEOUT, Array, Channel, Frame, Scenery, Shape, Signals, Step
from jangin.vehicle.boxes import Boxes, turn
from jangin.vehicle.yards import columns as c
from jangin.vehicle.yards.advance import World, advance, begin, look
from jangin.vehicle.yards.beginning import boxes_of, place

if TYPE_CHECKING:
    from jangin.vehicle.tasks.yard import Yard

__all__ = ["YardWorld"]

HARD_M_S = 3.0  # the speed at impact that counts as a margin of -1
FAR_M = 6.0  # gaps are recorded up to this


class YardWorld:
    """nsim yards."""

    outcomes = (RUNNING, SUCCESS, TIMEOUT, "collision", "off_yard", "jackknife", "invalid_state")

    def __init__(self, task: Yard, nsim: int, *, threads: int, seed: int, purpose: str) -> None:
        self.task, self.nsim = task, nsim
        self.engine = f"jangin {__version__} yards {task.physics}"
        self.values = {name: np.zeros(nsim) for name in task.conditions.names}
        self._generator = generators(task.name, seed=seed, purpose=purpose)
        self._w = World(
            car=np.zeros((nsim, c.NCAR)),
            box=np.zeros((nsim, boxes_of(task), 5)),
            trial=np.zeros((nsim, c.NTRIAL)),
            history=np.zeros((nsim, c.HISTORY, c.NCAR)),
            key=np.zeros(nsim, np.uint64),
            settings=task.settings(),
        )
        self._seen = np.zeros((nsim, len(task.observation)))
        self._low, self._high = task.observation.low, task.observation.high
        self._action_low, self._action_high = task.action.low, task.action.high
        self._outcome = np.zeros(nsim, np.int16)
        self._threads = Threads(threads, nsim)
        self.reset(np.arange(nsim), np.arange(nsim))

    def reset(self, ids: Array, trials: Array, at: Array | None = None) -> None:
        """Begin trials; conditions first, then the noise's key, all of the trial's own."""
        ids, trials = np.asarray(ids), np.asarray(trials)
        u, keys = np.zeros((len(ids), len(self.task.conditions))), np.zeros(len(ids), np.uint64)
        for row, trial in enumerate(trials.tolist()):
            rng = self._generator(trial)
            u[row] = rng.random(u.shape[1])
            keys[row] = rng.integers(0, 1 << 64, dtype=np.uint64)
        values = self.task.conditions.at(u if at is None else np.asarray(at, float))
        for name, drawn in values.items():
            self.values[name][ids] = drawn
        w = self._w
        w.key[ids] = keys
        self._outcome[ids] = c.RUNNING
        w.car[ids], w.box[ids], w.trial[ids] = place(self.task, values)
        begin(w, ids)

    # ── what a policy sees ───────────────────────────────────────────────────────────────────────────────────────

    def observe(self) -> Array:
        """(nsim, nobs) float32, clipped to the channels' ranges."""
        self._threads.over(np.arange(self.nsim), lambda ids, part: look(self._w, ids, self._seen))
        return np.clip(self._seen, self._low, self._high).astype(np.float32)

    def privileged(self) -> Array:
        """(nsim, nprivileged) float32: where the placed body truly is, the gap, and the trial's conditions."""
        x, y, heading = self._placed(np.arange(self.nsim))
        rows = [x, y, np.cos(heading), np.sin(heading), self._w.trial[:, c.GAP], *self.values.values()]
        return np.stack(rows, axis=1).astype(np.float32)

    def _placed(self, ids: Array) -> tuple[Array, Array, Array]:
        """Centre and heading of the body that is placed."""
        car, s = self._w.car[ids], self._w.settings
        heading = car[:, c.HEADING] + car[:, c.HITCH]
        ahead = -s[c.TRAILER_BEHIND] if s[c.TRAILER] else s[c.AHEAD]
        return car[:, c.X] + ahead * np.cos(heading), car[:, c.Y] + ahead * np.sin(heading), heading

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
        """The finished trials' row values; see Yard.columns.

        The margin of a success is the smallest distance kept [m]; of a contact, minus the speed in units of 3 m/s; of
        any other failure, minus the distance to the goal over that at the start.
        """
        ids = np.asarray(ids)
        trial, outcome = self._w.trial[ids], self._outcome[ids]
        x, y, heading = self._placed(ids)
        miss_m = np.hypot(x - trial[:, c.GOAL_X], y - trial[:, c.GOAL_Y])
        won = outcome == c.SUCCESS
        short = np.where(outcome == c.COLLISION, trial[:, c.IMPACT] / HARD_M_S, miss_m / trial[:, c.FIRST_MISS])
        gap = np.clip(trial[:, c.MIN_GAP], 0.0, FAR_M)
        return {
            **{name: values[ids] for name, values in self.values.items()},
            "cycle_s": np.where(won, trial[:, c.TICKS] * self.task.substep_s, np.inf),
            "margin": np.where(won, gap, -np.maximum(short, 1e-3)),
            "min_gap_m": gap,
            "miss_m": miss_m,
            "miss_rad": np.abs(turn(trial[:, c.GOAL_HEADING], heading)),
            "peak_speed_m_s": trial[:, c.PEAK_SPEED],
            "peak_hitch_rad": trial[:, c.PEAK_HITCH],
            "turns": trial[:, c.TURNS],
            "impact_m_s": trial[:, c.IMPACT],
        }

    # ── seeing it ────────────────────────────────────────────────────────────────────────────────────────────────

    def picture(self, sim: int, width: int = 640, height: int = 480) -> Array | None:
        """None: see the animation of a report instead."""
        return None

    def scenery(self, sim: int) -> Scenery:
        """Neighbours, walls and the goal."""
        box, trial = self._w.box[sim], self._w.trial[sim]
        box = box[box[:, 3] > 0.0]
        corners, solid = Boxes(*box.T).corners(), box[:, 4] > 0.0
        shapes = [Shape("obstacle", corners[k], closed=True) for k in np.flatnonzero(solid)]
        dock = self.task.place == "dock" and not self.task.map
        shapes += [Shape("dock" if dock and k == 0 else "wall", corners[k][:2]) for k in np.flatnonzero(~solid)]
        length, width = (np.array(v) for v in self.task.placed_m)
        goal = Boxes(trial[c.GOAL_X], trial[c.GOAL_Y], trial[c.GOAL_HEADING], length, width)
        low, high = self.task.speeds_m_s
        values: tuple[Channel, ...] = (
            Channel("speed", "m/s", low=low, high=high),
            Channel("gap", "m", low=0.0, high=2.0),
        )
        if self.task.parameters.trailer is not None:
            values += (Channel("hitch", "rad", low=-1.2, high=1.2),)
        deep, wide = np.minimum([trial[c.HIGH_X] - trial[c.LOW_X] + 2.0, trial[c.HIGH_Y] - trial[c.LOW_Y]], 80.0)
        shapes.append(Shape("goal", goal.corners(), closed=True))
        return Scenery(tuple(shapes), (float(deep), float(wide)), Signals(values))

    def frame(self, sim: int) -> Frame:
        """The vehicle's boxes; the window stands still."""
        car, trial, task = self._w.car[sim], self._w.trial[sim], self.task
        p = task.parameters
        heading = car[c.HEADING]
        ahead = p.rear_axle_to_centre_m
        boxes = [
            (car[c.X] + ahead * np.cos(heading), car[c.Y] + ahead * np.sin(heading), heading, p.length_m, p.width_m)
        ]
        values = {"speed": float(car[c.SPEED]), "gap": float(trial[c.GAP])}
        if p.trailer is not None:
            x, y, turned = (float(v[0]) for v in self._placed(np.array([sim])))
            boxes.append((x, y, turned, p.trailer.length_m, p.trailer.width_m))
            values["hitch"] = float(car[c.HITCH])
        return Frame(
            t_s=float(trial[c.TICKS]) * task.substep_s,
            boxes=np.array(boxes),
            kinds=("driven", "trailer")[: len(boxes)],
            ids=tuple(range(len(boxes))),
            values=values,
            view=(0.5 * float(trial[c.LOW_X] + trial[c.HIGH_X]), 0.0, 0.0),
        )
