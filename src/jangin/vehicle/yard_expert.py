"""The planner of the yard: a searched path and its following; for a trailer, a law that backs up and tries again.

    expert = YardExpert(task)
    action = expert.act(world.observe())

A car looks once where it is, searches a path among what it is told stands around (`yards/search.py`), and follows it;
when it has lost the path, or the path has ended and it does not stand right, it searches again.

A truck backs up to the dock by a cascade: its trailer's distance to the line out of the dock asks for a heading of the
trailer, that for a hitch angle, and that for a steering angle. Where it comes too near to the dock too far off the
line, it pulls forward, straightens, and tries again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from jangin.task import Array

if TYPE_CHECKING:
    from jangin.vehicle.tasks.yard import Yard

__all__ = ["YardExpert"]

SEARCH_STEER = 0.60  # share of the steering that the search uses; the rest is for following
LOST_M, MOST_SEARCHES = 0.6, 6
TO_LINE_1_M, TO_HEADING_1_M, TO_HITCH_1_M = 0.15, 0.40, 1.0  # gains of the trailer's cascade, per metre
STEEPEST_RAD, FOLDED_RAD = 0.5, 0.55  # of the trailer to the line; of the hitch
BACK_M_S, FORWARD_M_S, CALM_M_S2 = 0.9, 1.5, 0.2
OFF_M, OFF_RAD, WIDER = 0.45, 0.07, 0.10  # farther off the line between neighbours it tries again; wider outside
KEEP_M = 0.2  # the least distance to the neighbours
TURN_M, STOP_M = 2.5, 1.5  # before what is opposite it backs up again, straight or not


class YardExpert:
    """The scripted baseline; see the module."""

    name = "expert"
    sees: Literal["observation", "privileged"] = "observation"

    def __init__(self, task: Yard) -> None:
        from jangin.vehicle.yards.search import MOST_POINTS

        p = task.parameters
        self._task, self._p = task, p
        self._at = {name: k for k, name in enumerate(task.observation.names)}
        low, high = task.speeds_m_s
        step = 0.11 * p.length_m
        steer = SEARCH_STEER * p.steer_max_rad
        rear, rate = p.rear_axle_to_centre_m, p.steer_rate_max_rad_s
        self._vehicle = np.array(
            [p.wheelbase_m, p.length_m, p.width_m, rear, step, steer, 0.97 * p.steer_max_rad, rate, high, low]
            + [1.0 / task.rate_hz]
        )
        self._most = MOST_POINTS
        self._grow(0)

    def _grow(self, n: int) -> None:
        self._paths = np.zeros((n, self._most, 5))
        self._points, self._searches = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._next, self._forward = np.zeros(n, np.int64), np.zeros(n, bool)

    def reset(self, ids: Array, trials: Array) -> None:
        """Forget paths and tries."""
        ids = np.asarray(ids)
        if len(ids) and ids.max() >= len(self._points):
            kept = [self._paths, self._points, self._searches, self._next, self._forward]
            self._grow(int(ids.max()) + 1)
            for old, new in zip(
                kept, (self._paths, self._points, self._searches, self._next, self._forward), strict=True
            ):
                new[: len(old)] = old
        self._points[ids] = self._searches[ids] = self._next[ids] = 0
        self._forward[ids] = False

    def act(self, seen: Array) -> Array:
        """(nsim, nobs) -> (nsim, 2)."""
        seen = np.asarray(seen, float)
        if len(seen) > len(self._points):
            self.reset(np.arange(len(self._points), len(seen)), np.zeros(0))
        x, y, heading = self._placed(seen)
        if self._p.trailer is not None:
            return self._back_up(seen, x, y, heading)
        return self._drive(seen, x, y, heading)

    def _placed(self, seen: Array) -> tuple[Array, Array, Array]:
        """Middle and heading of the placed body in the place's frame, from where it sees the goal."""
        goal = np.where(seen[:, self._at["opens_ahead"]] > 0.0, 0.0, np.pi)
        heading = goal - np.arctan2(seen[:, self._at["goal_sin"]], seen[:, self._at["goal_cos"]])
        ahead, left = seen[:, self._at["goal_ahead_m"]], seen[:, self._at["goal_left_m"]]
        x = -(np.cos(heading) * ahead - np.sin(heading) * left)
        return x, -(np.sin(heading) * ahead + np.cos(heading) * left), heading

    # ── a car ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _drive(self, seen: Array, x: Array, y: Array, heading: Array) -> Array:
        from jangin.vehicle.yards.search import follow_all  # numba

        rear, n = self._p.rear_axle_to_centre_m, len(seen)
        speed, steer = seen[:, self._at["speed_m_s"]], seen[:, self._at["steer_rad"]]
        pose = np.stack([x - rear * np.cos(heading), y - rear * np.sin(heading), heading, speed, steer], axis=1)
        for i in np.flatnonzero(self._lost(pose) & (self._searches[:n] < MOST_SEARCHES)):
            self._search(int(i), seen[i], pose[i])
        out = np.zeros((n, 2))
        follow_all(pose, self._paths, self._points, self._next, self._vehicle, out)
        return out.astype(np.float32)

    def _lost(self, pose: Array) -> Array:
        """Who has no path, is off it, or stands at its end, where it does not belong, or it would be done."""
        n = len(pose)
        point = self._paths[np.arange(n), np.minimum(self._next[:n], self._most - 1)]
        stands = np.abs(pose[:, 3]) < 0.05
        off = np.hypot(point[:, 0] - pose[:, 0], point[:, 1] - pose[:, 1]) > LOST_M + self._vehicle[4]
        ahead = np.cos(pose[:, 2]) * (point[:, 0] - pose[:, 0]) + np.sin(pose[:, 2]) * (point[:, 1] - pose[:, 1])
        ended = (self._next[:n] >= self._points[:n] - 1) & stands & (ahead * point[:, 3] < 0.03)
        return stands & ((self._points[:n] == 0) | off | ended)

    def _search(self, i: int, seen: Array, pose: Array) -> None:
        from jangin.vehicle.yards.search import plan  # numba

        nose_in = seen[self._at["opens_ahead"]] < 0.0
        goal_x = self._p.rear_axle_to_centre_m * (1.0 if nose_in else -1.0)
        mouth, side = seen[self._at["mouth_m"]], self._task.plan.side_m
        opposite = mouth + seen[self._at["apron_m"]]
        edge = mouth + self._task.plan.ahead_m
        around = [(opposite + 0.5, 0.0, 0.0, 1.0, 4.0 * side), (-0.5 - mouth - 0.3, 0.0, 0.0, 1.0, 4.0 * side)]
        for sign, name in ((1.0, "free_left_m"), (-1.0, "free_right_m")):
            free = seen[self._at[name]]
            around.append((edge - 5.0, sign * (free + side), 0.0, 10.0, 2.0 * side))
        bounds = (-mouth, -side, opposite, side)
        found = plan(
            pose[0], pose[1], pose[2], goal_x, np.pi if nose_in else 0.0, np.array(around), bounds, self._vehicle,
            self._paths[i],
        )  # fmt: skip
        self._points[i], self._next[i] = found, 1 if found > 1 else 0
        self._searches[i] += 1

    # ── a truck ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _back_up(self, seen: Array, x: Array, y: Array, heading: Array) -> Array:
        p, n = self._p, len(seen)
        assert p.trailer is not None
        speed, steer, hitch = (seen[:, self._at[name]] for name in ("speed_m_s", "steer_rad", "hitch_rad"))
        heading = (heading + np.pi) % (2.0 * np.pi) - np.pi
        behind = p.trailer.wheelbase_m - p.trailer.centre_behind_hitch_m  # from the middle back to the axle
        aside, left = y - behind * np.sin(heading), x  # of the way to the goal
        mouth, opposite = seen[:, self._at["mouth_m"]], seen[:, self._at["apron_m"]] + seen[:, self._at["mouth_m"]]
        front = p.trailer.centre_behind_hitch_m + p.rear_axle_to_centre_m + 0.5 * p.length_m
        free = np.minimum(seen[:, self._at["free_left_m"]], seen[:, self._at["free_right_m"]]) - 0.5 * p.trailer.width_m
        outside = np.maximum(left - mouth - 0.5 * p.trailer.length_m, 0.0)
        rear = y - 0.5 * p.trailer.length_m * np.sin(heading)
        off = np.abs(rear) > np.clip(free - KEEP_M, 0.1, OFF_M) + WIDER * outside
        off |= np.abs(heading) > OFF_RAD + WIDER * outside
        forward = np.where(self._forward[:n], left < opposite - front - TURN_M, off & (left > 0.5))
        forward |= self._forward[:n] & (left < opposite - front - STOP_M) & (np.abs(hitch) > 0.05)
        self._forward[:n] = forward
        tilt = np.clip(np.arctan(TO_LINE_1_M * aside), -STEEPEST_RAD, STEEPEST_RAD)
        fold = np.arcsin(np.clip(-TO_HEADING_1_M * p.trailer.wheelbase_m * (heading - tilt), -0.55, 0.55))
        fold = np.clip(fold, -FOLDED_RAD, FOLDED_RAD)
        bend = np.sin(hitch) / p.trailer.wheelbase_m + TO_HITCH_1_M * (hitch - fold)
        backing = -np.arctan(p.wheelbase_m * bend)
        truck = heading - hitch
        front_y = y + p.trailer.centre_behind_hitch_m * np.sin(heading)
        pulling = np.arctan(p.wheelbase_m * -0.8 * (truck + np.clip(0.3 * front_y, -0.4, 0.4)))
        stop = 0.97 * p.steer_max_rad
        wanted = np.clip(np.where(forward, pulling, backing), -stop, stop)
        rate = np.clip((wanted - steer) * self._task.rate_hz, -p.steer_rate_max_rad_s, p.steer_rate_max_rad_s)
        slow = np.minimum(BACK_M_S, np.sqrt(2.0 * CALM_M_S2 * np.maximum(left, 0.0)) + 0.03)
        slow = np.where(left < 0.03, 0.0, slow)
        turning = (speed * np.where(forward, 1.0, -1.0) < 0.1) & (np.abs(wanted - steer) > 0.3)
        ahead = np.sqrt(2.0 * CALM_M_S2 * np.maximum(opposite - front - STOP_M - left, 0.0)) + 0.1
        told = np.where(turning, 0.0, np.where(forward, np.minimum(FORWARD_M_S, ahead), -slow))
        return np.stack([told, rate], axis=1).astype(np.float32)
