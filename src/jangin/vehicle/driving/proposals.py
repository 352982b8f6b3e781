"""Ways to go on, each driven ahead in thought by the vehicle's own model and limits, and weighed.

    cost, commands = weigh(proposals, state, others, sizes, line, course, target, vehicle, settings)

A proposal is a row: how to accelerate, which offset from the line to steer to, and how many seconds ahead to look for
it: the fewer, the brisker.

    FOLLOWS     as IDM with the desired speed `speed`, behind whoever is ahead
    EVENLY      at `accel` until `speed`, but never faster than is safe behind whoever is ahead (Krauss)

Steering follows the line's curvature and goes to the offset as pure pursuit would. Ahead is who is in the way from here
to the offset that is gone to, so that during a lane change the vehicle is in both lanes. A proposal is weighed by:
contact with others where they are foreseen, the later the less; leaving the road; missing the goal; and what is driven,
by CommonRoad's cost SM1, but that any speed the goal allows is as good.

Source: the idea, Dauner et al., Conference on Robot Learning 2023 (PDM-Closed); pure pursuit, Coulter 1992.
"""

from __future__ import annotations

from math import atan, cos, exp, inf, pi, sin, tan

import numba
import numpy as np

from jangin.vehicle.boxes_compiled import boxes_touch
from jangin.vehicle.driving.lines import beside, foot, segment
from jangin.vehicle.traffic.following import idm, krauss_safe_speed

__all__ = ["ACCEL", "EVENLY", "FOLLOWS", "KIND", "LOOK", "NPROPOSAL", "OFFSET", "SPEED", "weigh"]

jit = numba.njit(nogil=True, error_model="numpy")

KIND, ACCEL, SPEED, OFFSET, LOOK, NPROPOSAL = 0, 1, 2, 3, 4, 5  # columns of a proposal
FOLLOWS, EVENLY = 0.0, 1.0

LOOK_LEAST_M = 5.0
ACROSS_M = 2.2  # an offset farther away is gone to as if it were so far
ROOM_M = 0.1  # to the edge of the surface
STEERS_S = 0.25  # how fast steering follows
HEADWAY_S, COMFORT_M_S2, BRAKING_M_S2, JAM_M = 0.9, 1.5, 2.5, 2.0  # of FOLLOWS
SAFE_BRAKING_M_S2, REACTION_S, NEAREST_M, HARD_M_S2 = 4.0, 0.3, 1.0, 5.0  # of EVENLY, by itself
HARDEST_M_S2, STRONGEST_M_S2 = 8.0, 4.0
ASIDE_M = 0.2  # beside its box somebody still is in the way
AHEAD_M, LANE_M = 150.0, 4.5  # how far ahead, and aside, somebody is looked for
LONGER_M, WIDER_M, LONGER_M_S, WIDER_M_S = 0.2, 0.2, 0.3, 0.1  # what the own box is taken larger, now and per second
# what things weigh, in the units of SM1
CONTACT, CONTACT_S = 40_000.0, 1.5
STEADY_TIMES = 1.15  # EVENLY may be so much faster in bends than FOLLOWS: what comes of it is seen
REAR_SHARE = 0.3  # of a contact from behind: who follows may still brake
OFF_ROAD, OFF_ROAD_S = 60_000.0, 2.0
GRIP_M_S2 = 6.5  # across; beyond, it weighs as if off the road
MISSED, MISSED_BY = 3_000.0, 200.0
LATE_SHARE = 0.02  # of CONTACT for a time to collision of 0; nothing from 2 s on


@jit
def _steering(state, s, d, k, off, proposal, line, course, vehicle, step):  # type: ignore[no-untyped-def]
    """The steering rate [rad/s] that takes the rear axle to an offset, as far as the surface there has room for it.

    The line's curvature, where the steering will have followed, and feedback of offset and heading as pure pursuit has
    it for small ones. In a bend the rear axle is led on its inner side, so that the box sweeps as far to either side.
    """
    look = max(LOOK_LEAST_M, proposal[LOOK] * state[3])
    front = vehicle[3] + 0.5 * vehicle[0]
    there = segment(s + 0.5 * front, line[3], k)
    bend = course[3][there]
    low, high = 0.5 * vehicle[1] + ROOM_M - course[1][there], course[0][there] - 0.5 * vehicle[1] - ROOM_M
    to = proposal[OFFSET] + 0.25 * bend * front * front
    to = min(max(to, low), high) if low < high else 0.5 * (low + high)
    across = min(ACROSS_M, 0.4 * look)
    error = min(max(d - to, -across), across)
    preview = course[3][segment(s + STEERS_S * state[3], line[3], k)]
    wanted = preview / max(1.0 - preview * d, 0.3) - 2.0 * error / (look * look) - 2.0 * sin(off) / look
    wanted = min(max(atan(vehicle[2] * wanted), -vehicle[4]), vehicle[4])
    return min(max((wanted - state[2]) / max(STEERS_S, step), -vehicle[5]), vehicle[5])


@jit
def _ahead(others, sizes, n, s, d, offset, way, vehicle):  # type: ignore[no-untyped-def]
    """Gap [m] to, and speed [m/s] of, who is first in the way at step n; inf, 0 for nobody."""
    gap, speed = inf, 0.0
    low, high = min(d, offset) - 0.5 * vehicle[1] - ASIDE_M, max(d, offset) + 0.5 * vehicle[1] + ASIDE_M
    low, high = max(low, d - LANE_M), min(high, d + LANE_M)
    for i in range(len(others)):
        o = others[i, n]
        if o[3] <= s or o[3] - s > AHEAD_M:
            continue
        c, q = abs(cos(o[2] - way)), abs(sin(o[2] - way))
        half_s, half_d = 0.5 * (c * sizes[i, 0] + q * sizes[i, 1]), 0.5 * (q * sizes[i, 0] + c * sizes[i, 1])
        if o[4] + half_d < low or o[4] - half_d > high:
            continue
        free = o[3] - half_s - s - 0.5 * vehicle[0]
        if free > -0.5 * vehicle[0] and free < gap:
            gap, speed = free, max(o[5], 0.0)
    return gap, speed


@jit
def _accelerating(proposal, speed, gap, lead, steady, vehicle, step):  # type: ignore[no-untyped-def]
    """The acceleration [m/s^2] of a proposal in this situation."""
    if proposal[KIND] == FOLLOWS:
        wish = idm(speed, gap, lead, max(proposal[SPEED], 0.5), HEADWAY_S, COMFORT_M_S2, BRAKING_M_S2, JAM_M, 4.0)
    else:
        wish, to = proposal[ACCEL], (proposal[SPEED] - speed) / step
        wish = min(wish, max(to, 0.0)) if wish > 0.0 else max(wish, min(to, 0.0))
        if gap < inf:
            safe = krauss_safe_speed(gap - NEAREST_M, lead, SAFE_BRAKING_M_S2, REACTION_S)
            wish = min(wish, max((safe - speed) / (2.0 * step), -HARD_M_S2))
    most = steady if proposal[KIND] == FOLLOWS else STEADY_TIMES * steady
    wish = min(wish, max((most - speed) / 0.5, -4.0))
    strongest = min(STRONGEST_M_S2, vehicle[6] * min(1.0, vehicle[7] / max(speed, 0.1)))
    return min(max(wish, -HARDEST_M_S2), strongest)


@jit
def _moved(state, rate, accel, vehicle, step):  # type: ignore[no-untyped-def]
    """One step of the kinematic single track, on a circle of the mean steering; written into `state`."""
    if state[3] + accel * step < 0.0:
        accel = -state[3] / step
    after = min(max(state[2] + rate * step, -vehicle[4]), vehicle[4])
    way = (state[3] + 0.5 * accel * step) * step
    turn = way * tan(0.5 * (state[2] + after)) / vehicle[2]
    state[0] += way * cos(state[4] + 0.5 * turn)
    state[1] += way * sin(state[4] + 0.5 * turn)
    state[2], state[3], state[4] = after, max(state[3] + accel * step, 0.0), state[4] + turn
    return accel


@jit
def _touched(state, others, sizes, n, t, vehicle):  # type: ignore[no-untyped-def]
    """1 for a contact at step n, REAR_SHARE for one from behind, else 0."""
    cx, cy = state[0] + vehicle[3] * cos(state[4]), state[1] + vehicle[3] * sin(state[4])
    length, width = vehicle[0] + LONGER_M + LONGER_M_S * t, vehicle[1] + WIDER_M + WIDER_M_S * t
    found = 0.0
    for i in range(len(others)):
        o = others[i, n]
        dx, dy = o[0] - cx, o[1] - cy
        reach = 0.5 * (length + width + sizes[i, 0] + sizes[i, 1])
        if dx * dx + dy * dy > reach * reach:
            continue
        if boxes_touch(cx, cy, state[4], length, width, o[0], o[1], o[2], sizes[i, 0], sizes[i, 1]):
            behind = dx * cos(state[4]) + dy * sin(state[4]) < -0.4 * vehicle[0] and cos(o[2] - state[4]) > 0.7
            found = max(found, REAR_SHARE if behind else 1.0)
    return found


@jit
def _over(d, k, course, vehicle):  # type: ignore[no-untyped-def]
    """How far the sides of a vehicle at an offset reach beyond the surface [m]; below 0 they do not."""
    return 0.5 * vehicle[1] + max(d - course[0][k], -d - course[1][k])


@jit
def _over_at_nose(state, k, front, line, course, vehicle):  # type: ignore[no-untyped-def]
    """The same of its front bumper, which in a bend is on another part of the line."""
    x, y, heading, along = line
    px, py = state[0] + front * cos(state[4]), state[1] + front * sin(state[4])
    _, d, k = foot(px, py, x, y, heading, along, k)
    return _over(d, k, course, vehicle)


@jit
def _met(state, s, d, n, target):  # type: ignore[no-untyped-def]
    """Whether the goal is met; target: s, d, heading, speed and step, from and to each, and the own goal speed."""
    if not (target[8] <= n <= target[9] and target[0] <= s <= target[1] and target[2] <= d <= target[3]):
        return False
    if not target[6] <= state[3] <= target[7]:
        return False
    if target[4] == -inf:
        return True
    return (state[4] - target[4]) % (2.0 * pi) <= target[5] - target[4]


@jit
def _missed_by(state, s, d, n, target):  # type: ignore[no-untyped-def]
    """How far a state is from being able to meet the goal, in metres of way; 0 if it can just go on as it is."""
    first, last = max(target[8] - n, 1.0), max(target[9] - n, 1.0)  # steps left
    by = 0.0
    if target[0] > -inf:
        early, late = s + state[3] * first * target[11], s + state[3] * last * target[11]
        by += max(target[0] - late, 0.0) + max(early - target[1], 0.0)
        by += 2.0 * (max(target[2] - d, 0.0) + max(d - target[3], 0.0))
    wanted = min(max(state[3], target[6]), target[7])
    return by + 0.5 * abs(state[3] - wanted) * min(1.0, 30.0 / last)


@jit
def weigh(proposals, start, others, sizes, line, course, target, vehicle, steps, step):  # type: ignore[no-untyped-def]
    """What each proposal costs, (n,), and its first command, (n, 2): steering rate [rad/s], acceleration [m/s^2].

    proposals: (n, NPROPOSAL).   start: (5,) state of the kinematic model.
    others: (m, steps + 1, 6) as `foreseen`.   sizes: (m, 2) lengths and widths.
    line: x, y, heading, s.   course: left, right, steady, curvature of the line's points.
    target: (12,) s, d, heading, speed, steps from now, from and to each; NaN if the goal asks for no speed; the
        length of a step.
    vehicle: (8,) length, width, wheelbase, rear axle to centre, largest steering and rate, acceleration, switch speed.
    """
    x, y, heading, along = line
    front = vehicle[3] + 0.5 * vehicle[0]
    costs, commands = np.zeros(len(proposals)), np.zeros((len(proposals), 2))
    for p in range(len(proposals)):
        state, proposal = start.copy(), proposals[p]
        offset, cost, met, least = proposal[OFFSET], 0.0, False, inf
        s, d, k = foot(state[0], state[1], x, y, heading, along, -1)
        late = 0.0
        for n in range(steps):
            if _met(state, s, d, float(n), target) and n > 0:
                met = True
                break
            _, _, way = beside(s, d, k, x, y, heading, along)
            off = (state[4] - way + pi) % (2.0 * pi) - pi
            rate = _steering(state, s, d, k, off, proposal, line, course, vehicle, step)
            gap, lead = _ahead(others, sizes, n, s + vehicle[3], d, offset, way, vehicle)
            accel = _accelerating(proposal, state[3], gap, lead, course[2][k], vehicle, step)
            if n == 0:
                commands[p, 0], commands[p, 1] = rate, accel
            if state[3] > lead and gap < inf and n * step < 2.0:
                late = max(late, 1.0 - max(gap, 0.0) / (2.0 * (state[3] - lead)))
            accel = _moved(state, rate, accel, vehicle, step)
            s, d, k = foot(state[0], state[1], x, y, heading, along, k)
            t = (n + 1) * step
            cost += step * (50.0 * (accel * accel + rate * rate + state[2] * state[2]) + state[3])
            cost += step * 50.0 * off * off
            if target[10] == target[10]:
                wanted = min(max(state[3], target[6]), target[7])
                cost += step * 20.0 * (state[3] - wanted) ** 2
            hit = _touched(state, others, sizes, n + 1, t, vehicle)
            if hit > 0.0:
                cost += hit * CONTACT * exp(-t / CONTACT_S)
                if hit == 1.0:
                    break
            over = max(_over(d, k, course, vehicle), _over_at_nose(state, k, front, line, course, vehicle))
            if state[3] * state[3] * abs(tan(state[2])) > GRIP_M_S2 * vehicle[2]:
                over = max(over, 0.5)
            if over > 0.0:
                cost += step * OFF_ROAD * min(1.0, 0.2 + over) * exp(-t / OFF_ROAD_S)
            least = min(least, _missed_by(state, s, d, float(n + 1), target))
        if not met:
            met = _met(state, s, d, float(steps), target)
        if not met:
            done = float(steps) >= target[9]
            by = least if done else _missed_by(state, s, d, float(steps), target)
            cost += (MISSED if done or by > 0.0 else 0.0) + MISSED_BY * by
        costs[p] = cost + LATE_SHARE * CONTACT * late
    return costs, commands
