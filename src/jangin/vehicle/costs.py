"""CommonRoad's published cost functions of a trajectory, in bulk.

    driven = Driven(step_s=0.1, speed_m_s=v, steer_rad=delta, goal_speed_m_s=20.0, lane_offset_m=d, lane_angle_rad=psi)
    cost("SM1", driven)                         # (n,)
    partial_costs("SM1", driven)                # {"A": (n,), "SA": (n,), ...} before weighting

    JB1 = T                                                     minimum time
    SM1 = 50 A + 50 SA + 50 SR + L + 20 V + 50 O
    WX1 = 10 T + V + 0.1 A + 0.1 J + 0.1 D + 10 L
    SA1 = 0.1 SA + 0.1 SR + 1e5 D
    MW1 = 5 Jlat + 0.5 Jlon + 0.2 Vlon + ID
    TR1 = 0.01 Jlon + 22 SR + 8 D + 0.5 LC

    A, J        integral of the squared acceleration, jerk (differences of the speed)
    Jlat, Jlon  of the squared lateral, longitudinal jerk in the lane's frame
    SA, SR      of the squared steering angle, steering rate
    L           path length, the integral of the speed
    LC          of the squared offset from the lane's centre line
    V, Vlon     of the squared difference to the goal's speed, of the speed, of its part along the lane
    O           of the squared angle to the lane
    D           of exp(-0.2 d), d [m] the distance to the nearest obstacle ahead
    T, ID       duration, and its inverse

Integrals are by Simpson's rule over equidistant steps, as in the published evaluator; differences have one value fewer.

Where the published evaluator and the published text part, and what is done here:
- L: the text's path length, which stands here. The evaluator takes the lane offset LC for it (`length="LC"`).
- Vlon in MW1: weight 0.2 in the evaluator, which stands here; the table on the web has 50 V.
- V: of the goal's speeds the lower end, and 0 for a goal without a speed, as in the evaluator; that also drops a goal
  at 0 m/s, which counts here.
- D: exp(-0.2 d) in the text and in the newer evaluator, which stands here; an older one had exp(-0.1 d).
- ID: the evaluator inverts the *smaller* of T and 0.1 s: 10 for every trajectory of 0.1 s or more. Here it is 1 / T.

Source: Althoff, Koschi, Manzinger, IEEE Intelligent Vehicles Symposium 2017, 719; Cost functions for CommonRoad, 2020;
commonroad-drivability-checker, read for its definitions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from jangin.errors import BadTask, UnknownName

__all__ = ["WEIGHTS", "Driven", "cost", "integral", "partial_costs"]

Array = np.ndarray

WEIGHTS = MappingProxyType(
    {
        "JB1": {"T": 1.0},
        "SM1": {"A": 50.0, "SA": 50.0, "SR": 50.0, "L": 1.0, "V": 20.0, "O": 50.0},
        "WX1": {"T": 10.0, "V": 1.0, "A": 0.1, "J": 0.1, "D": 0.1, "L": 10.0},
        "SA1": {"SA": 0.1, "SR": 0.1, "D": 1e5},
        "MW1": {"Jlat": 5.0, "Jlon": 0.5, "Vlon": 0.2, "ID": 1.0},
        "TR1": {"Jlon": 0.01, "SR": 22.0, "D": 8.0, "LC": 0.5},
    }
)


@dataclass(frozen=True, eq=False)
class Driven:
    """What n vehicles did at `steps` equidistant instants, (n, steps) each; only what a cost asks for need be given.

    Attributes:
        step_s: time between two instants.
        speed_m_s: along the vehicle.
        steer_rad: of the front wheels.
        goal_speed_m_s: the lowest speed that the goal allows, (n,) or one for all; None for a goal without one.
        lane_offset_m: of the vehicle's position from the lane's centre line, positive to the left.
        lane_angle_rad: heading minus the lane's.
        obstacle_m: distance to the nearest obstacle ahead; inf for none.
    """

    step_s: float
    speed_m_s: Array
    steer_rad: Array | None = None
    goal_speed_m_s: Array | float | None = None
    lane_offset_m: Array | None = None
    lane_angle_rad: Array | None = None
    obstacle_m: Array | None = None

    def __post_init__(self) -> None:
        shape = np.shape(self.speed_m_s)
        if len(shape) != 2 or shape[1] < 4:
            raise BadTask(f"Speeds of shape {shape} are no trajectories; give (n, steps) with 4 steps or more.")
        for name in ("steer_rad", "lane_offset_m", "lane_angle_rad", "obstacle_m"):
            value = getattr(self, name)
            if value is not None and np.shape(value) != shape:
                raise BadTask(f"{name} has shape {np.shape(value)} and the speed {shape}; give one value per instant.")
        if not 0.0 < self.step_s < np.inf:
            raise BadTask(f"A step of {self.step_s:g} s leads nowhere; give more than 0 s.")


def cost(name: str, driven: Driven, *, length: str = "L") -> Array:
    """The cost (n,) of each trajectory by one of the published functions.

    `length="LC"` takes the lane offset where the function says L, as the published evaluator does.

    Raises: UnknownName for another function; BadTask where it needs what was not given.
    """
    parts = partial_costs(name, driven, length=length)
    return np.sum([WEIGHTS[name][part] * value for part, value in parts.items()], axis=0)


def partial_costs(name: str, driven: Driven, *, length: str = "L") -> dict[str, Array]:
    """The parts (n,) of a cost function before weighting; raises as `cost`."""
    if name not in WEIGHTS:
        raise UnknownName("cost function", name, WEIGHTS)
    if length not in ("L", "LC"):
        raise UnknownName("reading of L", length, ("L", "LC"))
    return {part: _PARTS[length if part == "L" else part](driven) for part in WEIGHTS[name]}


def integral(values: Array, step_s: float) -> Array:
    """Simpson's rule over the last axis, equidistant; of an even count the last interval by the parabola through the
    last three (Cartwright's correction), so that parabolas are exact for any count of 3 or more."""
    n = values.shape[-1]
    if n < 3:
        return np.asarray(np.trapezoid(values, dx=step_s, axis=-1))
    even = values if n % 2 else values[..., :-1]
    whole = even[..., 0] + even[..., -1] + 4.0 * even[..., 1:-1:2].sum(axis=-1) + 2.0 * even[..., 2:-1:2].sum(axis=-1)
    whole = whole * step_s / 3.0
    if n % 2:
        return np.asarray(whole)
    return np.asarray(whole + step_s * (5.0 * values[..., -1] + 8.0 * values[..., -2] - values[..., -3]) / 12.0)


def _squared(values: Array, driven: Driven) -> Array:
    return integral(values**2, driven.step_s)


def _given(driven: Driven, name: str, why: str) -> Array:
    value = getattr(driven, name)
    if value is None:
        raise BadTask(f"The part {why} of the cost needs {name}; give it with the trajectory.")
    return np.asarray(value, float)


def _rate(values: Array, driven: Driven) -> Array:
    return np.diff(values, axis=-1) / driven.step_s


def _lane_velocity(driven: Driven, part: str) -> tuple[Array, Array]:
    angle = _given(driven, "lane_angle_rad", part)
    return driven.speed_m_s * np.cos(angle), driven.speed_m_s * np.sin(angle)


def _speed_offset(speed: Array, driven: Driven) -> Array:
    if driven.goal_speed_m_s is None:
        return np.zeros(len(speed))
    goal = np.broadcast_to(np.asarray(driven.goal_speed_m_s, float), len(speed))
    return _squared(goal[:, None] - speed, driven)


def _duration(driven: Driven) -> Array:
    n, steps = np.shape(driven.speed_m_s)
    return np.full(n, (steps - 1) * driven.step_s)


_PARTS: dict[str, Callable[[Driven], Array]] = {
    "A": lambda d: _squared(_rate(d.speed_m_s, d), d),
    "J": lambda d: _squared(_rate(_rate(d.speed_m_s, d), d), d),
    "Jlon": lambda d: _squared(_rate(_rate(_lane_velocity(d, "Jlon")[0], d), d), d),
    "Jlat": lambda d: _squared(_rate(_rate(_lane_velocity(d, "Jlat")[1], d), d), d),
    "SA": lambda d: _squared(_given(d, "steer_rad", "SA"), d),
    "SR": lambda d: _squared(_rate(_given(d, "steer_rad", "SR"), d), d),
    "L": lambda d: integral(np.asarray(d.speed_m_s, float), d.step_s),
    "LC": lambda d: _squared(_given(d, "lane_offset_m", "LC"), d),
    "V": lambda d: _speed_offset(np.asarray(d.speed_m_s, float), d),
    "Vlon": lambda d: _speed_offset(_lane_velocity(d, "Vlon")[0], d),
    "O": lambda d: _squared(_given(d, "lane_angle_rad", "O"), d),
    "D": lambda d: integral(np.exp(-0.2 * _given(d, "obstacle_m", "D")), d.step_s),
    "T": _duration,
    "ID": lambda d: 1.0 / _duration(d),
}
