"""A step in time: the state after `dt_s` under a command that is held.

    state = step(car, state, command, 0.1)                      # (n, nx), (n, nu) -> (n, nx)
    circle(car, state, acceleration_m_s2=0.5, dt_s=0.1)         # the exact answer, steering held and no limit met

Runge-Kutta of order 4, cut where a vehicle meets a limit: the moment at which the steering reaches its stop, the speed
its end or the power limit, or a ramp its goal, is known in closed form, and a new piece of the step begins there. So
the limits hold exactly, at any step size, and the order stays 4 across them. The dynamic model is stiff at low speed:
its slip dies out within milliseconds at 1 m/s. Its pieces are no longer than that time, whatever `dt_s` is.

Each vehicle is stepped on its own: its state after the step does not depend on who else is in the batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jangin.errors import BadTask
from jangin.vehicle.models import DYNAMIC_FROM_M_S, HITCH_MAX_RAD, Model, limited, rolling
from jangin.vehicle.parameters import GRAVITY_M_S2, VehicleParameters

__all__ = ["circle", "step"]

Array = np.ndarray

_TINY = 1e-12  # how far inside a limit the rates are taken until it is met, and how close to it counts as met


def step(model: Model[Any], state: Array, command: Array, dt_s: float) -> Array:
    """The state (n, nx) after `dt_s` under `command`, (n, nu) or (nu,), held throughout.

    Raises: BadTask for shapes that do not fit the model, a number that is not finite, or a step not above 0 s.
    """
    after, command = _checked(model, state, command, dt_s)
    left = np.full(len(after), float(dt_s))
    rows = np.arange(len(after))
    while rows.size:
        now, asked = after[rows], command[rows]
        corners = _corners(model, now, asked)
        piece = np.minimum(left[rows], _longest_piece(model, now, asked))
        for _, _, in_s in corners:
            piece = np.minimum(piece, in_s)
        then = _runge_kutta(model, now, asked, piece, corners)
        after[rows] = _settled(model, now, then, asked, piece, corners)
        left[rows] -= piece
        rows = rows[left[rows] > 0.0]
    return after


def circle(model: Model[VehicleParameters], state: Array, *, acceleration_m_s2: Array | float, dt_s: float) -> Array:
    """The exact state of the kinematic model (n, 5) after `dt_s`, the steering held and the acceleration even.

    The rear axle runs on a circle of curvature tan(steer) / wheelbase. Limits are *not* looked at: give an acceleration
    that the vehicle has all the way. Raises: BadTask for another model.
    """
    if model.name != "kinematic":
        raise BadTask(f"Only the kinematic model runs on a circle, not the {model.name} one; take `step`.")
    x, y, steer, speed, heading = (state[..., k] for k in range(5))
    way = speed * dt_s + 0.5 * acceleration_m_s2 * dt_s**2
    half_turn = 0.5 * way * np.tan(steer) / model.parameters.wheelbase_m
    chord = way * np.sinc(half_turn / np.pi)
    x, y = x + chord * np.cos(heading + half_turn), y + chord * np.sin(heading + half_turn)
    faster = speed + np.broadcast_to(acceleration_m_s2, speed.shape) * dt_s
    return np.stack([x, y, steer, faster, heading + 2.0 * half_turn], axis=-1)


# ── pieces of a step ──────────────────────────────────────────────────────────────────────────────────────────────

Corner = tuple[int, Array, Array]
"""Of one state: its column, the value (n,) at which its rate changes next, infinite for never, and in how many s."""


def _corners(model: Model[Any], state: Array, command: Array) -> list[Corner]:
    if model.name == "differential":
        return _corners_of_ramps(model, state, command)
    p = model.parameters
    steer, speed = state[:, 2], state[:, 3]
    steer_rate, acceleration = limited(steer, speed, command, p)
    stop = np.where(steer_rate > 0.0, p.steer_max_rad, -p.steer_max_rad)
    return [_met(2, steer, steer_rate, stop), _corner_of_speed(p, speed, acceleration, command[:, 1])]


def _corner_of_speed(p: VehicleParameters, speed: Array, acceleration: Array, asked: Array) -> Corner:
    """Down, the lowest speed; up, first where the engine's power begins to limit, then the highest speed."""
    power, from_m_s = _power(p, asked)
    powered = (speed >= from_m_s) & (acceleration > 0.0)
    up = np.where(powered, p.speed_max_m_s, np.minimum(from_m_s, p.speed_max_m_s))
    end = np.where(acceleration > 0.0, up, p.speed_min_m_s)
    column, at, in_s = _met(3, speed, acceleration, end)
    with np.errstate(invalid="ignore"):  # inf^2 where none is met
        under_power = (at**2 - speed**2) / (2.0 * power)
    return column, at, np.where(powered & np.isfinite(at), under_power, in_s)


def _power(p: VehicleParameters, asked: Array) -> tuple[float, Array]:
    """The largest power over mass [m^2/s^3], and from which speed on it limits an acceleration asked for."""
    power = p.acceleration_max_m_s2 * p.switch_speed_m_s
    return power, power / np.clip(asked, _TINY, p.acceleration_max_m_s2)


def _corners_of_ramps(model: Model[Any], state: Array, command: Array) -> list[Corner]:
    p = model.parameters
    speed, yaw_rate = state[:, 2], state[:, 4]
    rates = model.rates(state, command, p)
    goal = np.clip(command[:, 0], p.speed_min_m_s, p.speed_max_m_s)
    slowing = rates[:, 2] * speed < 0.0
    next_speed = np.where(slowing & (goal * speed < 0.0), 0.0, goal)  # through standstill, the ramp changes its slope
    yaw_goal = np.clip(command[:, 1], -p.yaw_rate_max_rad_s, p.yaw_rate_max_rad_s)
    return [_met(2, speed, rates[:, 2], next_speed), _met(4, yaw_rate, rates[:, 4], yaw_goal)]


def _met(column: int, value: Array, rate: Array, at: Array) -> Corner:
    """In how many seconds a value that changes at an even rate is `at`; never if it moves away or is there."""
    ahead = (at - value) * np.sign(rate) > 0.0
    in_s = np.divide(at - value, rate, out=np.full(len(value), np.inf), where=ahead)
    return column, np.where(ahead, at, np.copysign(np.inf, rate)), in_s


def _longest_piece(model: Model[Any], state: Array, command: Array) -> Array | float:
    """How long a piece of the dynamic model may be: 1 / (the sum of the two rates at which slip and turning die out).

    Below the speed from which it is dynamic it may be longer, but not so long as to get there.
    """
    if model.name != "dynamic":
        return np.inf
    p: VehicleParameters = model.parameters
    assert p.mass_kg is not None and p.yaw_inertia_kg_m2 is not None
    grip = p.friction * p.cornering_stiffness_per_rad * GRAVITY_M_S2
    grip *= 1.0 + p.mass_kg * p.front_axle_m * p.rear_axle_m / p.yaw_inertia_kg_m2
    speed = state[:, 3]
    fading = np.maximum(speed, DYNAMIC_FROM_M_S) / grip
    _, acceleration = limited(state[:, 2], speed, command, p)
    faster = acceleration > 0.0
    until = np.divide(DYNAMIC_FROM_M_S - speed, acceleration, out=np.full(len(speed), np.inf), where=faster)
    # no shorter than when dynamic: a rounding below that speed must not be waited for in steps of a rounding
    return np.where(speed < DYNAMIC_FROM_M_S, np.maximum(fading, until), fading)


def _runge_kutta(model: Model[Any], state: Array, command: Array, piece: Array, corners: list[Corner]) -> Array:
    h = piece[:, None]
    k1 = model.rates(state, command, model.parameters)
    k2 = model.rates(_inside(state, 0.5 * h * k1, corners), command, model.parameters)
    k3 = model.rates(_inside(state, 0.5 * h * k2, corners), command, model.parameters)
    k4 = model.rates(_inside(state, h * k3, corners), command, model.parameters)
    return state + h / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)


def _inside(state: Array, change: Array, corners: list[Corner]) -> Array:
    """The state changed, but on this side of every corner: a piece knows only the rates before it."""
    changed = state + change
    for column, at, _ in corners:
        value = changed[:, column]
        changed[:, column] = np.where(
            at > state[:, column], np.minimum(value, at - _TINY), np.maximum(value, at + _TINY)
        )
    return changed


def _settled(
    model: Model[Any], before: Array, after: Array, command: Array, piece: Array, corners: list[Corner]
) -> Array:
    """With what is known exactly set to that: corners met, speed under full power, and what follows other states."""
    if model.name != "differential":
        power, from_m_s = _power(model.parameters, command[:, 1])
        speed = before[:, 3]
        powered = (speed >= from_m_s) & (speed < model.parameters.speed_max_m_s)
        after[powered, 3] = np.sqrt(speed[powered] ** 2 + 2.0 * power * piece[powered])
    for column, at, in_s in corners:
        met = (piece >= in_s) | (np.abs(after[:, column] - at) <= _TINY)
        after[:, column] = np.where(met, at, after[:, column])
    if model.name == "articulated":
        most = np.maximum(np.abs(before[:, 5]), HITCH_MAX_RAD)
        after[:, 5] = np.clip(after[:, 5], -most, most)
    if model.name == "dynamic":
        slow = after[:, 3] < DYNAMIC_FROM_M_S
        after[slow, 5], after[slow, 6] = rolling(after[slow, 2], after[slow, 3], model.parameters)
    return after


def _checked(model: Model[Any], state: Array, command: Array, dt_s: float) -> tuple[Array, Array]:
    state = np.array(state, float)
    nx, nu = len(model.states), len(model.commands)
    if state.ndim != 2 or state.shape[1] != nx:
        raise BadTask(f"A state of shape {state.shape} is none of the {model.name} model; give (n, {nx}).")
    command = np.asarray(command, float)
    if command.shape not in ((nu,), (len(state), nu)):
        raise BadTask(
            f"A command of shape {command.shape} does not fit {len(state)} vehicles of the {model.name} model; give "
            f"({len(state)}, {nu}) or ({nu},): {', '.join(model.commands)}."
        )
    if not 0.0 < dt_s < np.inf:
        raise BadTask(f"A step of {dt_s:g} s leads nowhere; give more than 0 s.")
    for what, values, names in (("state", state, model.states), ("command", np.atleast_2d(command), model.commands)):
        rows, columns = np.nonzero(~np.isfinite(values))
        if rows.size:
            raise BadTask(
                f"The {what} of vehicle {rows[0]} has {names[columns[0]]} = {values[rows[0], columns[0]]:g}; "
                "give finite numbers."
            )
    return state, np.broadcast_to(command, (len(state), nu))
