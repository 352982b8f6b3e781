"""The rule-based driver of the motorway: follows like IDM, changes lanes like MOBIL, and knows what a slip road is.

    expert = IdmMobil(task)             # of vehicle/motorway, for each of its forms of observation and action
    action = expert.act(world.observe())

For each of the three lanes it could be in a second from now it asks how it could accelerate there behind who is ahead,
and whether who comes from behind would have to brake. It goes where it gains the most, if that is worth a change; from
a slip road it takes the first gap that is safe. From highway-env's observation it sees nobody behind it, as nobody does
there. Source of the two models: see `traffic/`; the rules about slip roads are ours.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np

from jangin.task import Array, Signals

if TYPE_CHECKING:
    from jangin.vehicle.tasks.motorway import Motorway

__all__ = ["IdmMobil"]

HEADWAY_S, ACCEL_M_S2, DECEL_M_S2, JAM_M = 1.0, 2.0, 3.0, 2.0  # of its own following
THEIR_HEADWAY_S, THEIR_ACCEL_M_S2, THEIR_DECEL_M_S2 = 1.2, 1.5, 2.0  # what it expects of who comes from behind
GAIN_M_S2, IMPOSED_M_S2 = 0.3, 2.5  # worth a change; braking that a change may ask of others and of itself
SLOWS_M_S2, HARDLY_M_S2 = -0.8, -0.5  # braking at which it tells a lower speed; and that it accepts at a higher one
HARDEST_M_S2 = 8.0
CLOSEST_M = 0.1  # what an overlap counts as
URGENT_M = 120.0  # on a slip road, with less of it left, it asks more of others
URGENT_IMPOSED_M_S2 = 4.0
CHANGE_S = 2.5  # that a change takes, roughly: it must be over before the slip road is
STOPS_M_S2 = 3.0  # braking at the end of a slip road
MERGE_S = 0.6  # the time gap it merges with
FAR_M, FAR_END_M = 200.0, 299.0  # a vehicle, and an end of the lane, that are farther are none
LEFT, KEEP, RIGHT = 1.0, 0.0, -1.0


class _Scene:
    """What one observation says, by name, each (nsim,): own state, and gap and relative speed of neighbours."""

    def __init__(self, signals: Signals, seen: Array, task: Motorway) -> None:
        self._seen = np.asarray(seen, float)
        self._at = {name: k for k, name in enumerate(signals.names)}
        self.n = len(seen)
        if task.sees == "kinematics":
            self._from_rows(task)
            return
        self.speed, self.target = self["speed_m_s"], self["target_speed_m_s"]
        self.offset, self.heading, self.steer = self["offset_m"], self["heading_rad"], self["steer_rad"]
        self.changing = np.abs(self["changing"]) > 0.5
        self.may = {LEFT: self["lane_left"] > 0.5, RIGHT: self["lane_right"] > 0.5}
        self.ends = self["lane_ends_m"]
        self.front = {LEFT: self._pair("left_front"), KEEP: self._pair("own_front"), RIGHT: self._pair("right_front")}
        self.rear = {LEFT: self._pair("left_rear"), RIGHT: self._pair("right_rear")}

    def __getitem__(self, name: str) -> Array:
        return self._seen[:, self._at[name]]

    def _pair(self, slot: str) -> tuple[Array, Array]:
        gap = self[f"{slot}_gap_m"]
        return np.where(gap >= 0.999 * FAR_M, np.inf, gap), self[f"{slot}_speed_m_s"]

    def _from_rows(self, task: Motorway) -> None:
        """The same from highway-env's five rows; 5 m long vehicles, nobody seen behind 10 m."""
        rows = self._seen.reshape(self.n, 5, 5)
        lanes = task.lanes
        self.speed = np.hypot(rows[:, 0, 3], rows[:, 0, 4]) * 80.0
        self.target = self.speed
        lane = lanes - 1.0 - rows[:, 0, 2] * lanes  # a number, not whole between lanes
        near = np.round(lane)
        self.offset = (lane - near) * task.lane_width_m
        self.heading = np.arctan2(-rows[:, 0, 4], rows[:, 0, 3])
        self.steer = np.zeros(self.n)
        self.changing = np.abs(self.offset) > 0.15 * task.lane_width_m
        self.may = {LEFT: near < lanes - 1, RIGHT: near > 0}
        self.ends = np.full(self.n, np.inf)
        along, faster = rows[:, 1:, 1] * 200.0, rows[:, 1:, 3] * 80.0
        aside = -rows[:, 1:, 2] * lanes + self.offset[:, None] / task.lane_width_m  # lanes, to the left of its own
        there = rows[:, 1:, 0] > 0.5
        self.front, self.rear = {}, {}
        for side in (LEFT, KEEP, RIGHT):
            mine = there & (np.abs(aside - side) < 0.7)
            self.front[side] = _nearest(np.where(mine & (along >= 0.0), along - 5.0, np.inf), faster)
            self.rear[side] = _nearest(np.where(mine & (along < 0.0), -along - 5.0, np.inf), faster)


def _nearest(gaps: Array, faster: Array) -> tuple[Array, Array]:
    """Of (nsim, k) gaps the smallest, and its relative speed; 0 for nobody."""
    k = gaps.argmin(axis=1)
    rows = np.arange(len(gaps))
    return gaps[rows, k], np.where(np.isfinite(gaps[rows, k]), faster[rows, k], 0.0)


def _idm(speed: Array, gap: Array, closing: Array, desired: float, headway: float, a: float, b: float) -> Array:
    """`traffic.following.idm` over arrays, no harder than a car can brake [m/s^2]."""
    wish = _bulk_idm()(speed, np.maximum(gap, CLOSEST_M), speed - closing, desired, headway, a, b, JAM_M, 4.0)
    return np.maximum(wish, -HARDEST_M_S2)


@functools.cache
def _bulk_idm() -> Callable[..., Array]:
    from jangin.vehicle.traffic.following import idm  # numba
    from jangin.vehicle.traffic.jit import bulk

    return bulk(idm)


class IdmMobil:
    """The scripted baseline; see the module."""

    name = "expert"
    sees: Literal["observation", "privileged"] = "observation"

    def __init__(self, task: Motorway) -> None:
        self._task, self._signals = task, task.observation
        self._desired = task.speeds_m_s[-1] + 1.0
        self._goal: Array = np.zeros(0)  # continuous: how many lanes to the left of the nearest it is going to

    def reset(self, ids: Array, trials: Array) -> None:
        """Forget lane changes under way."""
        ids = np.asarray(ids)
        if len(ids) and ids.max() >= len(self._goal):
            self._goal = np.concatenate([self._goal, np.zeros(ids.max() + 1 - len(self._goal))])
        self._goal[ids] = 0.0

    def act(self, seen: Array) -> Array:
        """(nsim, nobs) -> (nsim, 2)."""
        scene = _Scene(self._signals, seen, self._task)
        accel, side = self._decide(scene)
        if self._task.actions == "continuous":
            return self._steered(scene, accel, side)
        return self._told(scene, accel, side)

    def _decide(self, scene: _Scene) -> tuple[Array, Array]:
        """The acceleration in the lane that is chosen, and the side it lies on."""
        own = self._behind(scene, KEEP)
        ramp = scene.ends < FAR_END_M
        stop = -(scene.speed**2) / (2.0 * np.maximum(scene.ends - 5.0, 0.5))
        gap, faster = scene.front[LEFT]  # whom it will merge behind
        behind = _idm(scene.speed, np.maximum(gap, 1.0), -faster, self._desired, MERGE_S, ACCEL_M_S2, DECEL_M_S2)
        own = np.where(ramp, np.minimum(own, np.maximum(behind, -DECEL_M_S2)), own)
        own = np.where(ramp & (-stop > STOPS_M_S2), np.minimum(own, np.maximum(stop, -HARDEST_M_S2)), own)
        urgent = ramp & (scene.ends < URGENT_M)
        imposed = np.where(urgent, URGENT_IMPOSED_M_S2, IMPOSED_M_S2)
        side, best, accel = np.zeros(scene.n), np.where(ramp, -np.inf, own + GAIN_M_S2), own
        for there in (LEFT, RIGHT):
            then = self._behind(scene, there)
            gap, faster = scene.rear[there]
            theirs = _idm(
                scene.speed + faster, gap, faster, self._desired, THEIR_HEADWAY_S, THEIR_ACCEL_M_S2, THEIR_DECEL_M_S2
            )
            room = (gap > 1.0) & (scene.front[there][0] > 1.0)
            safe = scene.may[there] & room & (theirs > -imposed) & (then > -imposed) & ~scene.changing
            safe &= scene.ends > CHANGE_S * scene.speed
            take = safe & (then > best)
            side, best, accel = np.where(take, there, side), np.where(take, then, best), np.where(take, then, accel)
        return np.minimum(accel, np.where(side != 0.0, np.maximum(own, accel - 1.0), accel)), side

    def _behind(self, scene: _Scene, side: float) -> Array:
        gap, faster = scene.front[side]
        return _idm(scene.speed, gap, -faster, self._desired, HEADWAY_S, ACCEL_M_S2, DECEL_M_S2)

    def _told(self, scene: _Scene, accel: Array, side: Array) -> Array:
        """As meta-actions: the lane; else the next speed up, if it would hardly brake there; else the next down."""
        low, step = self._task.speeds_m_s[0], self._task.speeds_m_s[1] - self._task.speeds_m_s[0]
        now = low + np.round((scene.speed - low) / step) * step
        up = self._at_speed(scene, np.maximum(now, scene.target) + step)
        up = np.where((scene.ends < FAR_END_M) & (accel < HARDLY_M_S2), -np.inf, up)
        down = (accel < SLOWS_M_S2) & (scene.target > scene.speed - 0.5 * step)
        # a speed that is told already is not told again, or it would rise with every period
        rising = scene.target > scene.speed + 0.4 * step
        faster = np.where(down, -1.0, np.where((up > HARDLY_M_S2) & ~rising, 1.0, 0.0))
        return np.stack([np.where(side != 0.0, 0.0, faster), side], axis=1).astype(np.float32)

    def _at_speed(self, scene: _Scene, speed: Array) -> Array:
        """What IDM would do in the own lane if it drove at another speed already [m/s^2]."""
        gap, faster = scene.front[KEEP]
        closing = speed - (scene.speed + faster)
        return _idm(speed, gap, closing, self._desired, HEADWAY_S, ACCEL_M_S2, DECEL_M_S2)

    def _steered(self, scene: _Scene, accel: Array, side: Array) -> Array:
        """As acceleration and steering rate: the lane controller that the meta-actions have beneath them."""
        task, n = self._task, scene.n
        width, base = task.lane_width_m, task.wheelbase_m
        goal = self._goal[:n]
        goal = np.where((goal != 0.0) & (goal * scene.offset < -0.1), 0.0, goal)  # it has crossed into the next lane
        goal = np.where((goal == 0.0) & (np.abs(scene.offset) < 0.3), side, goal)
        self._goal[:n] = goal
        v = np.maximum(scene.speed, 1.0)
        sideways = np.clip((goal * width - scene.offset) / 1.0, -1.5, 1.5)
        heading = np.arcsin(np.clip(sideways / v, -0.5, 0.5))
        yaw = (heading - scene.heading) / 0.4 + v * scene["curvature_1_m"]
        wanted = np.arctan(base * yaw / v)
        rate = (wanted - scene.steer) * task.rate_hz
        return np.stack([accel, np.clip(rate, -task.steer_rate_rad_s, task.steer_rate_rad_s)], axis=1).astype(
            np.float32
        )
