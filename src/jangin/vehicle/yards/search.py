"""The expert's search for a path of a car, and how it follows it: hybrid A* in the place's frame.

    n = plan(x, y, heading, nose_in, around, vehicle, path)          # fill `path` (m, 5); n points, 0: none found
    follow(pose, path, n, at, vehicle, out)                          # a speed and a steering rate; moves `at` on

A path consists of arcs with one of five steering angles, driven forward or backward, and ends on the straight line into
the place, which is followed by feedback. What stands around is what is told of the place: the neighbours as blocks with
no end, a wall behind and one opposite. Points are of the rear axle: (x, y, heading, direction, steering angle).

Source: Dolgov, Thrun, Montemerlo, Diebel, "Practical search techniques in path planning for autonomous driving", 2008.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np

from jangin.engine.compiled import digest
from jangin.vehicle import boxes_compiled
from jangin.vehicle.boxes_compiled import boxes_touch
from jangin.vehicle.lanes.jit import jit

__all__ = ["MOST_POINTS", "follow_all", "plan"]

MOST_POINTS, MOST_NODES = 160, 120_000
CELL, HEADINGS = 0.6, 72  # of a step
STEERS = 5
TURN_COST_M, BACK_COST, STEER_COST_M = 2.0, 1.1, 0.15  # a change of direction, a metre backward, a change of steering
LINE_M, LINE_RAD = 0.10, 0.06  # so near to the straight line into the place the search is over
KEEP_M = 0.22  # distance that a path keeps
TO_LINE_1_M, TO_HEADING_1_M = 0.7, 1.6  # gains of following, per metre
FAST_M_S, SLOW_M_S, CALM_M_S2, CALM_S = 0.9, 0.25, 0.4, 1.0
STEERED_RAD = 0.10  # farther off what is wanted it drives slowly, or waits
END_M = 0.06

# of `vehicle`: wheelbase, length, width, rear axle to middle, step of the search, steering of the search, its stop,
# its rate, fastest forward, fastest backward (negative), control period
BASE, LENGTH, WIDTH, AHEAD, STEP, STEER, STOP, RATE, TOP, BACK, PERIOD = range(11)


@jit
def _hits(x, y, h, around, vehicle):  # type: ignore[no-untyped-def]
    """Does the car, with its margin, touch anything that stands around when its rear axle is here?"""
    bx, by = x + vehicle[AHEAD] * math.cos(h), y + vehicle[AHEAD] * math.sin(h)
    length, width = vehicle[LENGTH] + 2.0 * KEEP_M, vehicle[WIDTH] + 2.0 * KEEP_M
    for k in range(len(around)):
        if boxes_touch(bx, by, h, length, width, around[k, 0], around[k, 1], around[k, 2], around[k, 3], around[k, 4]):
            return True
    return False


@jit
def _turned(a, b):  # type: ignore[no-untyped-def]
    return (b - a + math.pi) % (2.0 * math.pi) - math.pi


@jit
def _to_go(x, y, h, goal_x, goal_h, vehicle):  # type: ignore[no-untyped-def]
    """About how far it still is: to a point on the line out of the place, and to its heading."""
    out = goal_x + 1.6 * vehicle[LENGTH]
    return math.hypot(max(out - x, 0.0), y) + vehicle[BASE] * abs(_turned(h, goal_h))


@jit
def _on_line(x, y, h, goal_x, goal_h, vehicle):  # type: ignore[no-untyped-def]
    return abs(y) < LINE_M and abs(_turned(h, goal_h)) < LINE_RAD and x > goal_x + 0.75 * vehicle[LENGTH]


@jit
def _unwind(node, last, goal_x, goal_h, path):  # type: ignore[no-untyped-def]
    """Write the way to node `last`, and the straight line after it, into `path`; returns the points, 0 if too many."""
    n, k = 0, last
    while k >= 0:
        n, k = n + 1, int(node[k, 5])
    x = node[last, 0]
    straight = int(abs(x - goal_x) / 0.25) + 1
    if n + straight > len(path):
        return 0
    k = last
    for at in range(n - 1, -1, -1):
        for c in range(5):
            path[at, c] = node[k, c]
        k = int(node[k, 5])
    direction = -1.0 if math.cos(goal_h) > 0.0 else 1.0  # into the place, backward or nose in
    for i in range(1, straight + 1):
        path[n, 0] = x + (goal_x - x) * i / straight
        path[n, 1], path[n, 2], path[n, 3], path[n, 4] = 0.0, goal_h, direction, 0.0
        n += 1
    return n


@jit
def search(x, y, h, goal_x, goal_h, around, bounds, vehicle, path):  # type: ignore[no-untyped-def]
    """Fill `path`; returns how many points it has, 0 if none is found."""
    low_x, low_y, high_x, high_y = bounds
    cell = CELL * vehicle[STEP]
    nx, ny = int((high_x - low_x) / cell) + 1, int((high_y - low_y) / cell) + 1
    best = np.full((nx, ny, HEADINGS), np.inf, np.float32)
    node = np.empty((MOST_NODES, 7))  # x, y, heading, direction, steering, from which node, cost
    node[0, 0], node[0, 1], node[0, 2], node[0, 3], node[0, 4], node[0, 5], node[0, 6] = x, y, h, 0.0, 0.0, -1.0, 0.0
    used = 1
    heap = [(_to_go(x, y, h, goal_x, goal_h, vehicle), 0)]
    while len(heap) > 0 and used < MOST_NODES - 2 * STEERS:
        _, k = heapq.heappop(heap)
        x, y, h, cost = node[k, 0], node[k, 1], node[k, 2], node[k, 6]
        if _on_line(x, y, h, goal_x, goal_h, vehicle):
            return _unwind(node, k, goal_x, goal_h, path)
        for move in range(2 * STEERS):
            direction = 1.0 if move < STEERS else -1.0
            steer = vehicle[STEER] * (2.0 * (move % STEERS) / (STEERS - 1) - 1.0)
            way = direction * vehicle[STEP]
            bend = math.tan(steer) / vehicle[BASE]
            clear = True
            for half in range(1, 3):
                part = 0.5 * half * way
                h2 = h + bend * part
                x2 = x + part * math.cos(h + 0.5 * bend * part)
                y2 = y + part * math.sin(h + 0.5 * bend * part)
                clear = clear and not _hits(x2, y2, h2, around, vehicle)
            ix, iy = int((x2 - low_x) / cell), int((y2 - low_y) / cell)
            if not clear or ix < 0 or iy < 0 or ix >= nx or iy >= ny:
                continue
            new = cost + vehicle[STEP] * (BACK_COST if direction < 0.0 else 1.0)
            new += STEER_COST_M * abs(steer - node[k, 4])
            if node[k, 3] * direction < 0.0:
                new += TURN_COST_M
            ih = int(((h2 % (2.0 * math.pi)) / (2.0 * math.pi)) * HEADINGS) % HEADINGS
            if new >= best[ix, iy, ih] - 1e-3:
                continue
            best[ix, iy, ih] = new
            node[used, 0], node[used, 1], node[used, 2], node[used, 3] = x2, y2, h2, direction
            node[used, 4], node[used, 5], node[used, 6] = steer, k, new
            heapq.heappush(heap, (new + _to_go(x2, y2, h2, goal_x, goal_h, vehicle), used))
            used += 1
    return 0


@jit
def _end_of(path, n, at):  # type: ignore[no-untyped-def]
    """The last point that is driven to in the direction of point `at`."""
    k = at
    while k + 1 < n and path[k + 1, 3] == path[at, 3]:
        k += 1
    return k


@jit
def follow(x, y, h, speed, steer, path, n, at, vehicle, out):  # type: ignore[no-untyped-def]
    """Fill `out` with a speed and a steering rate; returns the point that is driven to now."""
    direction = path[at, 3]
    end = _end_of(path, n, at)
    while at < end:
        ahead = math.cos(path[at, 2]) * (path[at, 0] - x) + math.sin(path[at, 2]) * (path[at, 1] - y)
        if direction * ahead > 0.0:
            break
        at += 1
    left = direction * (math.cos(path[at, 2]) * (path[at, 0] - x) + math.sin(path[at, 2]) * (path[at, 1] - y))
    for k in range(at, end):
        left += math.hypot(path[k + 1, 0] - path[k, 0], path[k + 1, 1] - path[k, 1])
    if left < END_M and end + 1 < n:
        out[0], out[1] = 0.0, 0.0
        if abs(speed) < 0.1:
            at = end + 1  # the next direction
        return at
    aside = math.cos(path[at, 2]) * (y - path[at, 1]) - math.sin(path[at, 2]) * (x - path[at, 0])
    bent = math.tan(path[at, 4]) / vehicle[BASE]
    ahead = math.cos(path[at, 2]) * (path[at, 0] - x) + math.sin(path[at, 2]) * (path[at, 1] - y)
    aside -= 0.5 * bent * ahead * ahead  # the arc to this point lies beside its tangent
    wrong = _turned(path[at, 2] - bent * ahead, h)
    bend = bent - direction * TO_HEADING_1_M * (wrong + direction * TO_LINE_1_M * aside)
    stop = vehicle[STOP]
    wanted = min(max(math.atan(vehicle[BASE] * bend), -stop), stop)
    off = wanted - steer
    out[1] = min(max(off / vehicle[PERIOD], -vehicle[RATE]), vehicle[RATE])
    fast = min(FAST_M_S, math.sqrt(2.0 * CALM_M_S2 * max(left, 0.0)) + 0.02)
    fast = min(fast, max(left, 0.0) / CALM_S + 0.02)
    bends = 0.0  # by how much the path asks for another steering angle soon
    for k in range(at + 1, min(at + 3, end + 1)):
        bends = max(bends, abs(path[k, 4] - path[at, 4]))
    if abs(off) > STEERED_RAD or bends > 3.0 * STEERED_RAD:
        fast = min(fast, SLOW_M_S if abs(off) < 2.0 * STEERED_RAD else 0.0)
    if left < 0.5 * END_M:
        fast = 0.0
    out[0] = min(fast, vehicle[TOP]) if direction > 0.0 else max(-fast, vehicle[BACK])
    return at


def _entries(made_by: int) -> tuple[Callable[..., int], Callable[..., None]]:
    """What Python calls, kept on disk under a digest of everything it is compiled from."""

    @numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
    def plan(x, y, heading, goal_x, goal_heading, around, bounds, vehicle, path):  # type: ignore[no-untyped-def]
        """A path from a pose of the rear axle to that at the goal, (goal_x, 0); see the module."""
        if not made_by:
            return 0
        return search(x, y, heading, goal_x, goal_heading, around, bounds, vehicle, path)

    @numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
    def follow_all(pose, paths, points, at, vehicle, out):  # type: ignore[no-untyped-def]
        """For each simulation with a path: pose (n, 5) x, y, heading, speed, steering; `at` moves on; out (n, 2)."""
        if not made_by:
            return
        for i in range(len(pose)):
            out[i, 0], out[i, 1] = 0.0, 0.0
            if points[i] > 0:
                at[i] = follow(
                    pose[i, 0],
                    pose[i, 1],
                    pose[i, 2],
                    pose[i, 3],
                    pose[i, 4],
                    paths[i],
                    points[i],
                    at[i],
                    vehicle,
                    out[i],
                )

    return plan, follow_all


plan, follow_all = _entries(digest(Path(__file__).parent, Path(str(boxes_compiled.__file__))))
