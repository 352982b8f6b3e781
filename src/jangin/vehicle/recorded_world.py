"""Vehicles in recorded traffic, each in a scenario of its own; see jangin.task.World for the contract.

    world = RecordedWorld(task, nsim=8, threads=0, seed=7, purpose="evidence")

Each trial's conditions and its sensors' noise come from the trial's own generator; the simulations share nothing but
what they read, so a batch is a loop and threads change no bit. A step is Python, not a compiled loop: expect hundreds
of steps a second, not tens of thousands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jangin import __version__
from jangin.streams import generators
from jangin.task import RUNNING, SUCCESS, TIMEOUT, Array, Channel, Frame, Scenery, Shape, Signals, Step
from jangin.vehicle.driving.judge import Contact, ahead, boxes_of, corners_on_road, everybody, first_contact
from jangin.vehicle.driving.lines import foot
from jangin.vehicle.driving.ride import Ride
from jangin.vehicle.measures import time_to_collision
from jangin.vehicle.recorded_cases import Case, cases
from jangin.vehicle.recorded_sensing import sensed
from jangin.vehicle.tasks.recorded import PRIVILEGED_CARS

if TYPE_CHECKING:
    from jangin.vehicle.tasks.recorded import Recorded

__all__ = ["RecordedWorld"]

LONGEST_S = 20.0  # a time to collision that is longer is reported as this
HARD_M_S = 30.0  # the relative speed at impact that counts as a margin of -1
NEAR_S = 1.0  # a time to collision below this costs
FAR_M = 200.0
_RUNNING, _SUCCESS, _TIMEOUT, _COLLISION, _OFF_ROAD, _INVALID = range(6)


@dataclass(eq=False)
class _Trial:
    """One simulation: its ride, and what is counted on the way."""

    case: Case
    ride: Ride
    noise_key: int
    noise: float
    been_on: Array  # (4,) which corners have been on the road
    outcome: int = _RUNNING
    hit: Contact | None = None
    impact_m_s: float = 0.0
    min_ttc_s: float = LONGEST_S
    ttc_s: float = LONGEST_S
    gap_m: float = math.inf
    peak_decel_m_s2: float = 0.0
    way_m: float = 0.0
    left_m: float = 0.0  # of the way to the goal
    row: Array | None = None  # what is seen now


class RecordedWorld:
    """nsim vehicles."""

    outcomes = (RUNNING, SUCCESS, TIMEOUT, "collision", "off_road", "invalid_state")

    def __init__(self, task: Recorded, nsim: int, *, threads: int, seed: int, purpose: str) -> None:
        self.task, self.nsim = task, nsim
        self.engine = f"jangin {__version__} recorded {task.physics}"
        self.values = {name: np.zeros(nsim) for name in task.conditions.names}
        self._cases = cases(task.scenarios, task.limit_s).cases
        self._generator = generators(task.name, seed=seed, purpose=purpose)
        self._low, self._high = task.observation.low, task.observation.high
        self._action_low, self._action_high = task.action.low, task.action.high
        self._trials: list[_Trial | None] = [None] * nsim
        self.reset(np.arange(nsim), np.arange(nsim))

    def reset(self, ids: Array, trials: Array, at: Array | None = None) -> None:
        """Begin trials; the conditions first, then the noise's key, all of the trial's own."""
        ids, trials, n = np.asarray(ids), np.asarray(trials), len(self.task.conditions)
        u, keys = np.zeros((len(ids), n)), np.zeros(len(ids), np.uint64)
        for row, trial in enumerate(trials.tolist()):
            rng = self._generator(trial)
            u[row] = rng.random(n)
            keys[row] = rng.integers(0, 1 << 64, dtype=np.uint64)
        values = self.task.conditions.at(u if at is None else np.asarray(at, float))
        for name, drawn in values.items():
            self.values[name][ids] = drawn
        problems = self.task.numbered(values["problem"], len(self._cases))
        for row, sim in enumerate(ids.tolist()):
            one = {name: float(drawn[row]) for name, drawn in values.items()}
            self._trials[sim] = self._begun(self._cases[int(problems[row])], one, int(keys[row]))

    def _begun(self, case: Case, values: dict[str, float], noise_key: int) -> _Trial:
        ride = Ride(
            case.scenario,
            case.problem,
            replay=self.task.replay,
            vehicle=self.task.vehicle,
            moved_by=(values["beside_m"], values["faster_m_s"]),
        )
        on = corners_on_road(case.scenario.road, ride.box[None])[0]
        trial = _Trial(case, ride, noise_key, values["sensor_noise"], on)
        trial.left_m = _left(trial)
        return trial

    def _trial(self, sim: int) -> _Trial:
        trial = self._trials[sim]
        assert trial is not None
        return trial

    # ── what a policy sees ───────────────────────────────────────────────────────────────────────────────────────

    def observe(self) -> Array:
        """(nsim, nobs) float32, clipped to the channels' ranges."""
        rows = np.stack([self._seen(self._trial(sim)) for sim in range(self.nsim)])
        return np.clip(rows, self._low, self._high).astype(np.float32)

    def _seen(self, trial: _Trial) -> Array:
        if trial.row is None:
            philox = np.random.Philox(key=trial.noise_key, counter=[0, 0, 0, trial.ride.step])
            trial.row = sensed(trial.ride, trial.case.course, np.random.Generator(philox), trial.noise)
        return trial.row

    def privileged(self) -> Array:
        """(nsim, nprivileged) float32: where the nearest truly are, in the vehicle's frame, and the conditions."""
        rows = np.zeros((self.nsim, PRIVILEGED_CARS, 4))
        rows[:, :, 0] = FAR_M
        for sim in range(self.nsim):
            ride = self._trial(sim).ride
            own, others = ride.box, ride.others[np.isfinite(ride.others[:, 0])]
            dx, dy = others[:, 0] - own[0], others[:, 1] - own[1]
            order = np.argsort(np.hypot(dx, dy), kind="stable")[:PRIVILEGED_CARS]
            c, s, turned, speed = np.cos(own[2]), np.sin(own[2]), others[:, 2] - own[2], others[:, 5]
            place = np.stack([c * dx + s * dy, c * dy - s * dx], axis=1)
            moves = np.stack([speed * np.cos(turned) - own[5], speed * np.sin(turned)], axis=1)
            rows[sim, : len(order)] = np.concatenate([place, moves], axis=1)[order]
        parts = [rows.reshape(self.nsim, -1), *(v[:, None] for v in self.values.values())]
        return np.concatenate(parts, axis=1).astype(np.float32)

    # ── a control period ─────────────────────────────────────────────────────────────────────────────────────────

    def step(self, action: Array, ids: Array | None = None) -> Step:
        """Advance by one control period."""
        ids = np.arange(self.nsim) if ids is None else np.asarray(ids)
        actions = np.clip(np.asarray(action, np.float32), self._action_low, self._action_high).astype(float)
        reward, cost, outcome = np.zeros(len(ids)), np.zeros(len(ids)), np.zeros(len(ids), np.int16)
        for row, sim in enumerate(ids.tolist()):
            trial, told = self._trial(sim), actions[row if len(actions) == len(ids) else sim]
            before_m = trial.left_m
            for _ in range(round(1.0 / (self.task.substep_s * self.task.rate_hz))):
                if trial.outcome == _RUNNING:
                    _advance(trial, float(told[0]), float(told[1]))
            trial.left_m, trial.row = _left(trial), None
            ends = {_SUCCESS: 10.0, _COLLISION: -10.0, _OFF_ROAD: -10.0}.get(trial.outcome, 0.0)
            reward[row] = 0.1 * (before_m - trial.left_m) - 0.002 * float(told[0]) ** 2 + ends
            cost[row] = max(0.0, 1.0 - trial.ttc_s / NEAR_S)
            outcome[row] = trial.outcome
        return Step(reward.astype(np.float32), cost.astype(np.float32), outcome)

    def record(self, ids: Array) -> dict[str, Array]:
        """The finished trials' row values; see Recorded.columns.

        The margin of a success is the least time to collision [s]; of a collision, minus the speed at impact in units
        of 30 m/s; else minus the share of the way to the goal that was left.
        """
        ids = np.asarray(ids)
        trials = [self._trial(int(sim)) for sim in ids]
        elapsed = np.array([(t.ride.step - t.case.problem.start.step) * self.task.substep_s for t in trials])
        way, ttc = np.array([t.way_m for t in trials]), np.array([t.min_ttc_s for t in trials])
        won = np.array([t.outcome == _SUCCESS for t in trials])
        return {
            **{name: values[ids] for name, values in self.values.items()},
            "cycle_s": np.where(won, elapsed, np.inf),
            "margin": np.where(won, ttc, -np.array([_short(t) for t in trials])),
            "mean_speed_m_s": way / np.maximum(elapsed, self.task.substep_s),
            "min_ttc_s": ttc,
            "peak_decel_m_s2": np.array([t.peak_decel_m_s2 for t in trials]),
            "peak_inverse_ttc_1_s": 1.0 / np.maximum(ttc, 1.0 / LONGEST_S),
            "impact_m_s": np.array([t.impact_m_s for t in trials]),
            "at_fault": np.array([float(t.hit is not None and t.hit.at_fault) for t in trials]),
        }

    # ── seeing it ────────────────────────────────────────────────────────────────────────────────────────────────

    def picture(self, sim: int, width: int = 640, height: int = 480) -> Array | None:
        """None: see the animation of a report instead."""
        return None

    def scenery(self, sim: int) -> Scenery:
        """Lanes, what stands, the goal; see jangin.task.Filmed."""
        case = self._trial(sim).case
        road, shapes, edges = case.scenario.road, [], []
        for lane in np.flatnonzero(road.drivable).tolist():
            rows = slice(road.offset[lane], road.offset[lane + 1])
            s = road.s_m[rows]
            left, right = (np.column_stack(road.at(lane, s, d)[:2]) for d in (road.left_m[rows], -road.right_m[rows]))
            shapes.append(Shape("road", np.concatenate([left, right[::-1]]), closed=True))
            edges += [Shape("lane mark", left), Shape("lane mark", right)]
        stood = [
            Shape("obstacle", corners, closed=True)
            for corners in boxes_of(self._trial(sim).ride.standing.boxes).corners()
        ]
        areas = [g.corners_m for goal in case.problem.goals for g in goal.shapes if len(g.corners_m)]
        goals = [Shape("goal", corners, closed=True) for corners in areas]
        values = Signals(
            (
                Channel("gap_m", "m", low=0.0, high=100.0),
                Channel("ttc_s", "s", low=0.0, high=10.0),
                Channel("speed_m_s", "m/s", low=0.0, high=40.0),
            )
        )
        return Scenery((*shapes, *edges, *stood, *goals), (120.0, 60.0), values)

    def frame(self, sim: int) -> Frame:
        """Everybody who is there now."""
        trial = self._trial(sim)
        ride = trial.ride
        there = np.flatnonzero(np.isfinite(ride.others[:, 0]))
        kinds = ride.scenario.recorded.kinds
        shown = {"truck": "truck", "bus": "truck", "pedestrian": "person"}
        values = {"gap_m": trial.gap_m, "ttc_s": trial.ttc_s, "speed_m_s": float(ride.state[3])}
        return Frame(
            t_s=(ride.step - ride.problem.start.step) * self.task.substep_s,
            boxes=np.concatenate([ride.box[None, :5], ride.others[there, :5]]),
            kinds=("driven", *(shown.get(kinds[i], "vehicle") for i in there)),
            ids=(0, *(there + 1).tolist()),
            values=values,
        )


def _advance(trial: _Trial, accel_m_s2: float, steering_rate_rad_s: float) -> None:
    """One time step of a ride, and what it came to."""
    ride, road = trial.ride, trial.case.scenario.road
    own, others, speed = ride.box, ride.others, float(ride.state[3])
    ride.advance(steering_rate_rad_s, accel_m_s2)
    if not np.isfinite(ride.state).all():
        trial.outcome = _INVALID
        return
    now = ride.box
    trial.way_m += 0.5 * (speed + now[5]) * ride.scenario.step_s
    trial.peak_decel_m_s2 = max(trial.peak_decel_m_s2, (speed - now[5]) / ride.scenario.step_s)
    moving, names = np.stack([others, ride.others], axis=1), ride.scenario.recorded.names
    met = first_contact(road, np.stack([own, now]), moving, names, ride.standing, ride.vehicle.rear_axle_to_centre_m)
    gap, closing = ahead(now[None], everybody(ride.others[:, None], ride.standing))
    trial.gap_m = float(gap[0])
    trial.ttc_s = min(float(time_to_collision(gap, closing)[0]), LONGEST_S)
    trial.min_ttc_s = min(trial.min_ttc_s, trial.ttc_s)
    on = corners_on_road(road, now[None])[0]
    if met is not None:
        trial.outcome, trial.hit = _COLLISION, met[1]
        trial.impact_m_s, trial.min_ttc_s = _impact(now, ride.others, met[1].name, names), 0.0
    elif (trial.been_on & ~on).any():
        trial.outcome = _OFF_ROAD
    elif ride.is_there:
        trial.outcome = _SUCCESS
    elif ride.is_over:
        trial.outcome = _TIMEOUT
    trial.been_on |= on


def _impact(own: Array, others: Array, name: str, names: tuple[str, ...]) -> float:
    """The relative speed of two boxes [m/s]; of something that stands, the own."""
    vx, vy = own[5] * np.cos(own[2]), own[5] * np.sin(own[2])
    if name in names and np.isfinite(other := others[names.index(name)]).all():
        vx, vy = vx - other[5] * np.cos(other[2]), vy - other[5] * np.sin(other[2])
    return float(np.hypot(vx, vy))


def _left(trial: _Trial) -> float:
    """The way to the goal's middle that is left [m], also beyond it; of a goal without a place, none."""
    target = trial.case.course.target
    if not math.isfinite(target.s_m[0]):
        return 0.0
    s, d, _ = foot(trial.ride.state[0], trial.ride.state[1], *trial.case.course.line, -1)
    ahead_m = trial.ride.ahead_m
    return abs(0.5 * sum(target.s_m) - ahead_m - s) + abs(0.5 * sum(target.d_m) - d)


def _short(trial: _Trial) -> float:
    """By how much a trial that failed, failed: above 0."""
    if trial.outcome == _COLLISION:
        return max(trial.impact_m_s / HARD_M_S, 1e-3)
    return max(trial.left_m / FAR_M, 1e-3)
