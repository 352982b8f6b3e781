"""How vehicles move: right-hand sides of the published single-track models and of a differential drive, in bulk.

    car = kinematic(BMW_320I)
    state = car.start(x_m=0.0, y_m=0.0, heading_rad=0.0, speed_m_s=15.0)[None]      # (1, 5)
    state = step(car, state, command, 0.1)          # jangin.vehicle.motion; command (1, 2) [rad/s, m/s^2]
    car.centre(state)                               # (1, 3): x, y, heading of the box
    car.rates(state, command, car.parameters)       # (1, 5): d/dt of the state

Functions take arrays whose last axis is a state or a command: one vehicle or a million. float64 throughout.

    model           state                                                   reference point
    kinematic       x, y, steer, speed, heading                             rear axle
    dynamic         x, y, steer, speed, heading, yaw rate, slip             centre of gravity
    articulated     x, y, steer, speed, heading, hitch                      rear axle of the truck, where the hitch is
    differential    x, y, speed, heading, yaw rate                          middle of the driven axle

Commands are (steering rate [rad/s], acceleration [m/s^2]); of the differential drive (speed [m/s], yaw rate [rad/s]),
which it ramps to. Whatever is commanded, the limits of the vehicle hold: the steering rate is cut to its limit and is 0
against a stop; the acceleration is cut to [-a_max, a_max], above the switch speed to a_max v_switch / v forward, and is
0 when it pushes past the lowest or highest speed. The hitch angle is the trailer's heading minus the truck's.

Not modelled: braking and cornering sharing the tyre's friction, load transfer to a side, rolling, slopes.

Source: Althoff and Wuersching, CommonRoad: Vehicle Models, 2020, sections 5 to 7; the differential drive is elementary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from jangin.errors import BadTask
from jangin.vehicle.parameters import GRAVITY_M_S2, DifferentialDrive, VehicleParameters

__all__ = [
    "HITCH_MAX_RAD",
    "Model",
    "accelerations_allowed",
    "articulated",
    "articulated_rates",
    "differential",
    "differential_rates",
    "dynamic",
    "dynamic_rates",
    "kinematic",
    "kinematic_rates",
    "limited",
    "rolling",
    "trailer_centre",
]

Array = np.ndarray
P = TypeVar("P", VehicleParameters, DifferentialDrive)

DYNAMIC_FROM_M_S = 0.1  # below, a tyre force that divides by speed says nothing: the dynamic model is kinematic there
HITCH_MAX_RAD = 0.5 * np.pi

STEERED = ("steering_rate_rad_s", "acceleration_m_s2")


@dataclass(frozen=True)
class Model(Generic[P]):
    """A way to move.

    Attributes:
        name: "kinematic", "dynamic", "articulated" or "differential".
        parameters: of the vehicle.
        states, commands: the columns, with their units.
        rates: (state, command, parameters) -> d/dt state, shapes (..., nx), (..., nu) -> (..., nx).
        reference: the point whose position x and y are.
        centre_ahead_m: from there forward to the centre of the box.
    """

    name: str
    parameters: P
    states: tuple[str, ...]
    commands: tuple[str, ...]
    rates: Callable[[Array, Array, P], Array]
    reference: str
    centre_ahead_m: float

    def column(self, name: str) -> int:
        """Where a quantity lies in the state."""
        return self.states.index(name)

    def start(self, **values: Any) -> Array:
        """A state (..., nx) from values or arrays by name; what is not given is 0.

        Raises: BadTask for a name that is not among `states`.
        """
        unknown = sorted(set(values) - set(self.states))
        if unknown:
            raise BadTask(f"The {self.name} model has no state {unknown[0]!r}; it has {', '.join(self.states)}.")
        columns = [np.asarray(values.get(name, 0.0), float) for name in self.states]
        return np.stack(np.broadcast_arrays(*columns), axis=-1)

    def centre(self, state: Array) -> Array:
        """Pose of the box, (..., 3): x [m], y [m] of its centre, heading [rad]."""
        return _ahead(state[..., 0], state[..., 1], state[..., self.column("heading_rad")], self.centre_ahead_m)


def kinematic(parameters: VehicleParameters) -> Model[VehicleParameters]:
    """Single track without slip: right for slow driving, and good up to a lateral acceleration of about 4 m/s^2."""
    states = ("x_m", "y_m", "steer_rad", "speed_m_s", "heading_rad")
    return Model(
        "kinematic", parameters, states, STEERED, kinematic_rates, "rear axle", parameters.rear_axle_to_centre_m
    )


def dynamic(parameters: VehicleParameters) -> Model[VehicleParameters]:
    """Single track with linear tyres and load transfer along the vehicle; kinematic below 0.1 m/s and backward.

    Raises: BadTask for a vehicle whose mass, yaw inertia or height of the centre of gravity is unknown.
    """
    names = ("mass_kg", "yaw_inertia_kg_m2", "centre_of_gravity_height_m")
    missing = [name for name in names if getattr(parameters, name) is None]
    if missing:
        raise BadTask(
            f"The dynamic model of {parameters.name} needs {' and '.join(missing)}, of which none is published; "
            "give a value with dataclasses.replace, or take the kinematic model."
        )
    states = ("x_m", "y_m", "steer_rad", "speed_m_s", "heading_rad", "yaw_rate_rad_s", "slip_rad")
    ahead = parameters.rear_axle_to_centre_m - parameters.rear_axle_m
    return Model("dynamic", parameters, states, STEERED, dynamic_rates, "centre of gravity", ahead)


def articulated(parameters: VehicleParameters) -> Model[VehicleParameters]:
    """Kinematic single track that pulls a trailer hitched on its rear axle.

    Raises: BadTask for a vehicle without a trailer.
    """
    if parameters.trailer is None:
        raise BadTask(
            f"{parameters.name} has no trailer; give one with dataclasses.replace(..., trailer=Trailer(...))."
        )
    states = ("x_m", "y_m", "steer_rad", "speed_m_s", "heading_rad", "hitch_rad")
    return Model(
        "articulated", parameters, states, STEERED, articulated_rates, "rear axle", parameters.rear_axle_to_centre_m
    )


def differential(parameters: DifferentialDrive) -> Model[DifferentialDrive]:
    """Two driven wheels: speed and yaw rate ramp to what is commanded."""
    states = ("x_m", "y_m", "speed_m_s", "heading_rad", "yaw_rate_rad_s")
    commands = ("speed_m_s", "yaw_rate_rad_s")
    return Model(
        "differential", parameters, states, commands, differential_rates, "driven axle", parameters.axle_to_centre_m
    )


def trailer_centre(model: Model[VehicleParameters], state: Array) -> Array:
    """Pose of the trailer's box, (..., 3): x [m], y [m] of its centre, heading [rad].

    Raises: BadTask for a model without a trailer.
    """
    trailer = model.parameters.trailer
    if model.name != "articulated" or trailer is None:
        raise BadTask(
            f"The {model.name} model of {model.parameters.name} pulls no trailer; take the articulated model."
        )
    heading = state[..., 4] + state[..., 5]
    return _ahead(state[..., 0], state[..., 1], heading, -trailer.centre_behind_hitch_m)


def accelerations_allowed(speed_m_s: Array, parameters: VehicleParameters) -> tuple[Array, Array]:
    """Lowest and highest acceleration at a speed [m/s^2], before the speed limits say stop."""
    a_max, v_switch = parameters.acceleration_max_m_s2, parameters.switch_speed_m_s
    highest = np.where(speed_m_s > v_switch, a_max * v_switch / np.maximum(speed_m_s, v_switch), a_max)
    return np.broadcast_to(-a_max, np.shape(highest)), highest


def limited(steer_rad: Array, speed_m_s: Array, command: Array, parameters: VehicleParameters) -> tuple[Array, Array]:
    """Steering rate [rad/s] and acceleration [m/s^2] that the vehicle makes of a command (..., 2)."""
    p = parameters
    rate, asked = command[..., 0], command[..., 1]
    at_stop = ((steer_rad <= -p.steer_max_rad) & (rate <= 0.0)) | ((steer_rad >= p.steer_max_rad) & (rate >= 0.0))
    rate = np.where(at_stop, 0.0, np.clip(rate, -p.steer_rate_max_rad_s, p.steer_rate_max_rad_s))
    at_end = ((speed_m_s <= p.speed_min_m_s) & (asked <= 0.0)) | ((speed_m_s >= p.speed_max_m_s) & (asked >= 0.0))
    lowest, highest = accelerations_allowed(speed_m_s, p)
    return rate, np.where(at_end, 0.0, np.clip(asked, lowest, highest))


def kinematic_rates(state: Array, command: Array, parameters: VehicleParameters) -> Array:
    """d/dt of (x, y, steer, speed, heading)."""
    steer, speed, heading = state[..., 2], state[..., 3], state[..., 4]
    steer_rate, acceleration = limited(steer, speed, command, parameters)
    yaw_rate = speed / parameters.wheelbase_m * np.tan(steer)
    return _stacked(speed * np.cos(heading), speed * np.sin(heading), steer_rate, acceleration, yaw_rate)


def articulated_rates(state: Array, command: Array, parameters: VehicleParameters) -> Array:
    """d/dt of (x, y, steer, speed, heading, hitch).

    A hitch at a right angle does not fold further. (The published code holds one beyond a right angle for ever; ours
    may come back.)
    """
    assert parameters.trailer is not None
    truck = kinematic_rates(state[..., :5], command, parameters)
    speed, hitch = state[..., 3], state[..., 5]
    folding = -speed * np.sin(hitch) / parameters.trailer.wheelbase_m - truck[..., 4]
    jammed = (np.abs(hitch) >= HITCH_MAX_RAD) & (folding * hitch > 0.0)
    return np.concatenate([truck, np.where(jammed, 0.0, folding)[..., None]], axis=-1)


def dynamic_rates(state: Array, command: Array, parameters: VehicleParameters) -> Array:
    """d/dt of (x, y, steer, speed, heading, yaw rate, slip): kinematic below 0.1 m/s, and backward.

    (The published code is kinematic only within +-0.1 m/s. Its tyre forces divide by the speed with its sign, so that
    backward they feed slip and turning instead of ending them: both grow e-fold in 0.023 s at -5 m/s.)
    """
    fast = (state[..., 3] >= DYNAMIC_FROM_M_S)[..., None]
    if fast.all():
        return _tyre_rates(state, command, parameters)
    if not fast.any():
        return _creeping_rates(state, command, parameters)
    away = np.where(fast, state, 1.0)  # any speed that does not divide by 0; the value is not used
    return np.where(fast, _tyre_rates(away, command, parameters), _creeping_rates(state, command, parameters))


def _tyre_rates(state: Array, command: Array, parameters: VehicleParameters) -> Array:
    p = parameters
    assert p.mass_kg is not None and p.yaw_inertia_kg_m2 is not None and p.centre_of_gravity_height_m is not None
    steer, v, heading, yaw_rate, slip = (state[..., k] for k in range(2, 7))
    steer_rate, acceleration = limited(steer, v, command, p)
    front, rear, height = p.front_axle_m, p.rear_axle_m, p.centre_of_gravity_height_m
    # cornering stiffness of an axle over its share of the friction: C_S times load times wheelbase over mass
    c_front = p.cornering_stiffness_per_rad * (GRAVITY_M_S2 * rear - acceleration * height)
    c_rear = p.cornering_stiffness_per_rad * (GRAVITY_M_S2 * front + acceleration * height)
    aligning = rear * c_rear - front * c_front
    turning = p.friction * p.mass_kg / (p.yaw_inertia_kg_m2 * p.wheelbase_m)
    yaw_acceleration = turning * (
        front * c_front * steer + aligning * slip - (front**2 * c_front + rear**2 * c_rear) * yaw_rate / v
    )
    sliding = p.friction / (v * p.wheelbase_m)
    slip_rate = sliding * (c_front * steer - (c_rear + c_front) * slip + aligning * yaw_rate / v) - yaw_rate
    course = heading + slip
    return _stacked(
        v * np.cos(course), v * np.sin(course), steer_rate, acceleration, yaw_rate, yaw_acceleration, slip_rate
    )


def _creeping_rates(state: Array, command: Array, parameters: VehicleParameters) -> Array:
    """Without slip at the tyres, about the centre of gravity; the states yaw rate and slip follow the steering.

    (Of the slip, arctan(b / l tan(steer)), the published code has a derivative in which the tangent is squared twice;
    this is the derivative.)
    """
    p = parameters
    steer, v, heading, _, slip = (state[..., k] for k in range(2, 7))
    steer_rate, acceleration = limited(steer, v, command, p)
    share, tangent = p.rear_axle_m / p.wheelbase_m, np.tan(steer)
    across = 1.0 / np.cos(steer) ** 2  # d tan(steer) / d steer
    slip_rate = share * across * steer_rate / (1.0 + (share * tangent) ** 2)
    yaw_acceleration = (
        acceleration * np.cos(slip) * tangent
        - v * np.sin(slip) * slip_rate * tangent
        + v * np.cos(slip) * steer_rate * across
    ) / p.wheelbase_m
    yaw_rate, rolling_slip = rolling(steer, v, p)
    course = heading + rolling_slip
    return _stacked(
        v * np.cos(course), v * np.sin(course), steer_rate, acceleration, yaw_rate, yaw_acceleration, slip_rate
    )


def rolling(steer_rad: Array, speed_m_s: Array, parameters: VehicleParameters) -> tuple[Array, Array]:
    """Yaw rate [rad/s] and slip at the centre of gravity [rad] of a vehicle whose tyres do not slip."""
    tangent = np.tan(steer_rad)
    slip = np.arctan(parameters.rear_axle_m / parameters.wheelbase_m * tangent)
    return speed_m_s * np.cos(slip) * tangent / parameters.wheelbase_m, slip


def differential_rates(state: Array, command: Array, parameters: DifferentialDrive) -> Array:
    """d/dt of (x, y, speed, heading, yaw rate): each ramps to its command, cut to its limit, and then stays."""
    p = parameters
    speed, heading, yaw_rate = state[..., 2], state[..., 3], state[..., 4]
    speed_goal = np.clip(command[..., 0], p.speed_min_m_s, p.speed_max_m_s)
    yaw_goal = np.clip(command[..., 1], -p.yaw_rate_max_rad_s, p.yaw_rate_max_rad_s)
    towards = np.sign(speed_goal - speed)
    slowing = towards * speed < 0.0
    acceleration = towards * np.where(slowing, p.deceleration_m_s2, p.acceleration_m_s2)
    yaw_acceleration = np.sign(yaw_goal - yaw_rate) * p.yaw_acceleration_rad_s2
    return _stacked(speed * np.cos(heading), speed * np.sin(heading), acceleration, yaw_rate, yaw_acceleration)


def _ahead(x: Array, y: Array, heading: Array, distance_m: float) -> Array:
    return _stacked(x + distance_m * np.cos(heading), y + distance_m * np.sin(heading), heading)


def _stacked(*columns: Array) -> Array:
    return np.stack(np.broadcast_arrays(*columns), axis=-1)
