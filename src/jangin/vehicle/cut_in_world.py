"""R157-derived disturbances in lock-step, each simulation at its own instant; see jangin.task.World for the contract.

    world = CutInWorld(task, nsim=256, threads=0, seed=7, purpose="evidence")

What the other vehicle does, and how positions advance and boxes touch, is `r157/disturbances.py`'s to the bit: a policy
that does what a reference driver does has its outcomes. Beside that the evidence physics has sensors that are late,
noisy and of short range, and a brake that builds up; a scenario is over as soon as it is managed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jangin import __version__
from jangin.streams import generators
from jangin.task import RUNNING, SUCCESS, TIMEOUT, Array, Channel, Frame, Scenery, Shape, Signals, Step
from jangin.vehicle.r157.disturbances import BESIDE_M, LENGTH_M, RATE_HZ, STEP_S, STEPS, WIDTH_M, motion, simulate
from jangin.vehicle.r157.drivers import reading

if TYPE_CHECKING:
    from jangin.vehicle.tasks.cut_in import CutInTask

__all__ = ["CutInWorld"]

INSTANTS = STEPS + 40  # room for the longest way sideways
X, Y, LENGTH, SPEED, ASIDE, BRAKES = range(6)
_RUNNING, _SUCCESS, _TIMEOUT, _UNAVOIDABLE, _PREVENTABLE, _OVERREACTION, _INVALID = range(7)
MANAGED_GAP_M, CALM_M_S = 2.0, 0.3  # no less room, and no faster closing in: the scenario is over
LONGEST_S = 10.0  # a time to collision that is longer is reported as this
HARD_M_S = 20.0  # the relative speed at impact that counts as a margin of -1
VIEW_M = 120.0  # length of road that is shown
NOISES = 3  # channels with noise: gap, closing, lateral
CRASH_COST, BRAKE_COST, JERK_COST, SPEED_COST = 10.0, 0.02, 0.0005, 0.01


class CutInWorld:
    """nsim scenarios."""

    outcomes = (RUNNING, SUCCESS, TIMEOUT, "collision", "preventable_collision", "overreaction", "invalid_nan")

    def __init__(self, task: CutInTask, nsim: int, *, threads: int, seed: int, purpose: str) -> None:
        self.task, self.nsim = task, nsim
        self.engine = f"jangin {__version__} r157 {task.physics}"
        self.values = {name: np.zeros(nsim) for name in task.conditions.names}
        self._generator = generators(task.name, seed=seed, purpose=purpose)
        self._other = np.zeros((nsim, INSTANTS, 6))
        self._noise = np.zeros((nsim, INSTANTS, NOISES), np.float32)
        self._seen = np.zeros((nsim, len(task.observation)), np.float32)
        self._moved = np.ones(nsim, bool)  # since it was last observed
        self._most = round(task.limit_s * RATE_HZ)
        self._last, self._instant = np.zeros(nsim, np.int64), np.zeros(nsim, np.int64)
        self._x, self._v, self._a = np.zeros(nsim), np.zeros(nsim), np.zeros(nsim)
        self._outcome = np.zeros(nsim, np.int16)
        self._least_ttc, self._impact, self._hardest = (np.zeros(nsim) for _ in range(3))
        self._brakes, self._shielded = np.zeros(nsim), np.zeros(nsim)
        self._references = {name: reading(name) for name in task.references}
        self._avoids = {name: np.zeros(nsim) for name in task.references}
        self._low, self._high = task.observation.low, task.observation.high
        self.reset(np.arange(nsim), np.arange(nsim))

    def reset(self, ids: Array, trials: Array, at: Array | None = None) -> None:
        """Begin trials; conditions first, then the sensors' noise, all of the trial's own generator."""
        ids, n = np.asarray(ids), len(self.task.conditions)
        u = np.zeros((len(ids), n))
        blind = self.task.physics == "training"
        for row, trial in enumerate(np.asarray(trials).tolist()):
            rng = self._generator(trial)
            u[row] = rng.random(n)
            if not blind:
                self._noise[ids[row]] = rng.standard_normal((INSTANTS, NOISES), np.float32)
        values = self.task.conditions.at(u if at is None else np.asarray(at, float))
        for name, drawn in values.items():
            self.values[name][ids] = drawn
        self._begin(ids, values)

    def _begin(self, ids: Array, values: dict[str, Array]) -> None:
        scenarios = self.task.scenarios(values)
        m = motion(scenarios)
        rows = len(m.x_m)
        parts = (m.x_m, m.y_m, m.length_m, m.speed_m_s, m.lateral_speed_m_s, m.acceleration_m_s2)
        table = np.stack(parts, axis=-1)  # (instants, n, 6)
        self._other[ids, :rows] = table.transpose(1, 0, 2)
        self._other[ids, rows:] = table[-1][:, None]
        self._last[ids], self._instant[ids], self._moved[ids] = m.last, 0, True
        self._x[ids], self._v[ids], self._a[ids] = m.ego_x_m, scenarios.speed_m_s, 0.0
        self._outcome[ids], self._least_ttc[ids], self._impact[ids] = _RUNNING, LONGEST_S, 0.0
        self._hardest[ids] = self._brakes[ids] = self._shielded[ids] = 0.0
        for name, driver in self._references.items():
            self._avoids[name][ids] = ~simulate(scenarios, driver).contact

    # ── what a policy sees ───────────────────────────────────────────────────────────────────────────────────────

    def _now(self, ids: Array) -> tuple[Array, Array]:
        """(6, n) the other vehicle of each of `ids`, and (n,) the gap to it [m]."""
        other = self._other[ids, np.minimum(self._instant[ids], INSTANTS - 1)].T
        return other, self._gap(other, self._x[ids])

    def _before(self, late: Array, ids: Array) -> Array:
        """(6, n): the other vehicle of `ids` as it was `late` (n,) instants ago, between two in proportion."""
        back = np.maximum(self._instant[ids] - late, 0.0)
        first = np.minimum(np.floor(back).astype(int), INSTANTS - 2)
        w = back - first
        now, after = self._other[ids, first].T, self._other[ids, first + 1].T
        return np.where(w > 0.0, (1.0 - w) * now + w * after, now)

    @staticmethod
    def _gap(other: Array, x: Array) -> Array:
        return np.asarray(other[X] - x - 0.5 * (LENGTH_M + other[LENGTH]))

    def observe(self) -> Array:
        """(nsim, nobs) float32, clipped to the channels' ranges."""
        ids = np.flatnonzero(self._moved)
        if ids.size:
            self._seen[ids] = self._look(ids)
            self._moved[ids] = False
        return self._seen.copy()

    def _look(self, ids: Array) -> Array:
        other, gap = self._now(ids)
        speed = self._v[ids]
        if self.task.physics == "evidence":  # relative to where this vehicle was then, for its sensors were there too
            late = self.values["latency_s"][ids] * RATE_HZ
            other = self._before(late, ids)
            gap = self._gap(other, self._x[ids]) + late / RATE_HZ * speed
        noise = self.values["sensor_noise"][ids] * self._noise[ids, np.minimum(self._instant[ids], INSTANTS - 1)].T
        sigma = [c.noise for c in self.task.observation][:NOISES]
        reach = self.values["sensor_range_m"][ids]
        there = gap < reach
        seen = [
            np.where(there, gap + sigma[0] * noise[0], reach),
            np.where(there, speed - other[SPEED] + sigma[1] * noise[1], 0.0),
            np.where(there, other[Y] + sigma[2] * noise[2], BESIDE_M),
            np.where(there, other[ASIDE], 0.0),
            np.where(there, other[BRAKES], 0.0),
            speed,
            self._a[ids],
        ]
        return np.clip(np.stack(seen, axis=1), self._low, self._high).astype(np.float32)

    def privileged(self) -> Array:
        """(nsim, nprivileged) float32: the true gap and lateral distance, and the trial's conditions."""
        other, gap = self._now(np.arange(self.nsim))
        gap = np.clip(gap, -1e3, 1e3)
        return np.stack([gap, other[Y], *self.values.values()], axis=1).astype(np.float32)

    # ── a tenth of a second ──────────────────────────────────────────────────────────────────────────────────────

    def step(self, action: Array, ids: Array | None = None) -> Step:
        """Advance by one control period."""
        ids = np.arange(self.nsim) if ids is None else np.asarray(ids)
        asked = np.clip(np.asarray(action, np.float32)[ids, 0].astype(float), *self.task.acceleration_m_s2)
        asked = self._shield(asked, ids)
        if self.task.physics == "evidence":
            most = self.values["brake_jerk_m_s3"][ids] * STEP_S
            asked = np.maximum(asked, self._brakes[ids] - most)
            self._brakes[ids] = np.minimum(asked, 0.0)
        speed = np.maximum(self._v[ids] + asked / RATE_HZ, 0.0)
        done = (speed - self._v[ids]) * RATE_HZ
        jerk = (done - self._a[ids]) * RATE_HZ
        self._a[ids], self._v[ids] = done, speed
        self._x[ids] += speed / RATE_HZ
        self._instant[ids] += 1
        self._moved[ids] = True
        self._hardest[ids] = np.maximum(self._hardest[ids], -done)
        outcome = self._judge(ids)
        self._outcome[ids] = outcome
        hit = (outcome == _UNAVOIDABLE) | (outcome == _PREVENTABLE)
        reward = -BRAKE_COST * np.square(np.minimum(done, 0.0)) / 4.0 - JERK_COST * np.abs(jerk)
        reward = (
            reward - 0.01 * np.maximum(done, 0.0) - np.where(hit, CRASH_COST * (1.0 + self._impact[ids] / HARD_M_S), 0)
        )
        cost = np.maximum(-done / self.task.hardest_m_s2 - 1.0, 0.0)
        return Step(reward.astype(np.float32), cost.astype(np.float32), outcome.astype(np.int16))

    def _shield(self, asked: Array, ids: Array) -> Array:
        """What the shield makes of an acceleration: the braking of the criterion where it is not met."""
        if self.task.shield == "none":
            return asked
        safe = self.task.corrected(asked, *self._now(ids), self._v[ids])
        self._shielded[ids] += safe < asked
        return safe

    def _judge(self, ids: Array) -> Array:
        """Outcomes after a step: contact as the reference study has it, or managed, or out of time."""
        other, gap = self._now(ids)
        closing = self._v[ids] - other[SPEED]
        abreast = np.abs(other[Y]) < WIDTH_M
        ttc = np.where(closing > 0.0, gap / np.where(closing > 0.0, closing, 1.0), LONGEST_S)
        counts = abreast & (gap >= 0.0)
        self._least_ttc[ids] = np.where(counts, np.minimum(self._least_ttc[ids], ttc), self._least_ttc[ids])
        hit = abreast & (gap < 0.0) & (gap > -2.0 * LENGTH_M) & (self._instant[ids] < self._last[ids])
        self._impact[ids] = np.where(hit, np.hypot(closing, other[ASIDE]), self._impact[ids])
        calm = (closing <= CALM_M_S) & (gap >= MANAGED_GAP_M) & (other[ASIDE] == 0.0) & (other[BRAKES] == 0.0)
        managed = calm & ((np.abs(other[Y]) < WIDTH_M) | (self._v[ids] <= CALM_M_S))
        over = self._instant[ids] >= self._last[ids]
        careful = self._avoids[self.task.references[0]][ids] > 0.0
        found = np.where(over, np.where(closing <= 2.0 * CALM_M_S, _SUCCESS, _TIMEOUT), _RUNNING)
        found = np.where(~over & (self._instant[ids] >= self._most), _TIMEOUT, found)
        found = np.where(managed, _SUCCESS, found)
        found = np.where(~managed & (-closing > self.task.overreaction_m_s), _OVERREACTION, found)
        found = np.where(hit, np.where(careful, _PREVENTABLE, _UNAVOIDABLE), found)
        return np.where(np.isfinite(self._x[ids]), found, _INVALID)

    def record(self, ids: Array) -> dict[str, Array]:
        """The finished trials' row values; see CutInTask.columns."""
        ids = np.asarray(ids)
        won = self._outcome[ids] == _SUCCESS
        hit = np.maximum(self._impact[ids] / HARD_M_S, 1e-3)
        crashed = (self._outcome[ids] == _UNAVOIDABLE) | (self._outcome[ids] == _PREVENTABLE)
        return {
            **{name: values[ids] for name, values in self.values.items()},
            "cycle_s": np.where(won, self._instant[ids] * STEP_S, np.inf),
            "margin": np.where(won, self._least_ttc[ids], -np.where(crashed, hit, 1.0)),
            "min_ttc_s": self._least_ttc[ids],
            "peak_decel_m_s2": self._hardest[ids],
            "impact_m_s": self._impact[ids],
            "interventions": self._shielded[ids] / np.maximum(self._instant[ids], 1),
            **{f"{name.replace('-', '_')}_avoids": values[ids] for name, values in self._avoids.items()},
        }

    # ── seen from above ──────────────────────────────────────────────────────────────────────────────────────────

    def picture(self, sim: int, width: int = 640, height: int = 480) -> Array | None:
        """None: a trial is shown as an animation."""
        return None

    def scenery(self, sim: int) -> Scenery:
        """Two lanes, the driven vehicle's on the right; three for a leader that leaves to the right."""
        lanes = (-1, 0) if self.task.disturbance == "cut-out" else (0, 1)
        right, left = (lanes[0] - 0.5) * BESIDE_M, (lanes[1] + 0.5) * BESIDE_M
        start, end = -200.0, self._x[sim] + 2_000.0

        def along(y: float) -> Array:
            return np.array([[start, y], [end, y]])

        middle = (lanes[0] + 0.5) * BESIDE_M
        shapes = (
            Shape("road", np.concatenate([along(right), along(left)[::-1]]), closed=True),
            Shape("lane edge", along(right)),
            Shape("lane edge", along(left)),
            Shape("lane mark", along(middle)),
        )
        values = (
            Channel("gap_m", "m", low=0.0, high=100.0),
            Channel("ttc_s", "s", low=0.0, high=LONGEST_S),
            Channel("speed_m_s", "m/s", low=0.0, high=40.0),
            Channel("decel_m_s2", "m/s^2", low=0.0, high=10.0),
        )
        return Scenery(shapes, (VIEW_M, left - right + 3.0), Signals(values))

    def frame(self, sim: int) -> Frame:
        """Both vehicles now."""
        others, gaps = self._now(np.array([sim]))
        other, gap = others[:, 0], float(gaps[0])
        closing = float(self._v[sim] - other[SPEED])
        heading = np.arctan2(other[ASIDE], max(other[SPEED], 0.1))
        boxes = np.array(
            [
                [self._x[sim], 0.0, 0.0, LENGTH_M, WIDTH_M],
                [other[X], other[Y], heading, other[LENGTH], WIDTH_M],
            ]
        )
        values = {
            "gap_m": gap,
            "ttc_s": gap / closing if closing > 0.0 and gap >= 0.0 else np.inf,
            "speed_m_s": float(self._v[sim]),
            "decel_m_s2": float(max(-self._a[sim], 0.0)),
        }
        middle = -0.5 * BESIDE_M if self.task.disturbance == "cut-out" else 0.5 * BESIDE_M  # of the two lanes shown
        view = (float(self._x[sim]) + 0.35 * VIEW_M, middle, 0.0)
        time_s = float(self._instant[sim]) * STEP_S
        return Frame(time_s, boxes, ("driven", "vehicle"), (0, 1), values, view)
