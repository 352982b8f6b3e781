"""How close it was, how comfortable, whose fault, and what it costs: the field's standard measures.

    time_to_collision(gap_m, speed_m_s - lead_m_s)              # [s], inf while the gap does not close
    comfort(speed_m_s, heading_rad, 0.1).holds                  # (n,) bool, the published limits of nuPlan
    fault(ego, other, ego_speed_m_s, other_speed_m_s, ego_in_one_lane=True)
    cost("SM1", trajectory)                                     # (n,), CommonRoad

Arrays broadcast; trajectories are (n, steps). A gap is bumper to bumper [m], 0 or less in contact; a closing speed is
the follower's minus the leader's [m/s], above 0 while the gap closes.

CommonRoad's costs are in `costs`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jangin.errors import BadTask
from jangin.vehicle.boxes import Boxes, overlap

__all__ = [
    "NUPLAN_LIMITS",
    "Comfort",
    "comfort",
    "deceleration_behind_braking",
    "deceleration_to_avoid",
    "fault",
    "is_at_fault",
    "post_encroachment",
    "time_headway",
    "time_to_brake",
    "time_to_collision",
]

Array = np.ndarray
Values = Array | float


def time_to_collision(gap_m: Values, closing_m_s: Values) -> Array:
    """TTC [s] = gap / closing speed: until contact at unchanged speeds; 0 in contact, inf while nothing closes.

    Source: Hayward, Highway Research Record 384 (1972) 24.
    """
    return _quotient(gap_m, closing_m_s, np.asarray(closing_m_s) > 0.0)


def time_headway(gap_m: Values, speed_m_s: Values) -> Array:
    """THW [s] = gap / follower's speed, from the leader's rear bumper to the follower's front; inf at standstill."""
    return _quotient(gap_m, speed_m_s, np.asarray(speed_m_s) > 0.0)


def deceleration_to_avoid(gap_m: Values, closing_m_s: Values) -> Array:
    """DRAC [m/s^2] = closing^2 / (2 gap): the even braking that just avoids contact with a leader at even speed.

    0 while nothing closes, inf in contact. Source: Cooper and Ferguson, Traffic Engineering + Control 17 (1976) 306.
    """
    gap, closing = np.broadcast_arrays(np.asarray(gap_m, float), np.asarray(closing_m_s, float))
    needed = np.divide(closing**2, 2.0 * gap, out=np.full(gap.shape, np.inf), where=gap > 0.0)
    return np.where((closing <= 0.0) & (gap > 0.0), 0.0, needed)


def deceleration_behind_braking(
    gap_m: Values, speed_m_s: Values, lead_m_s: Values, lead_deceleration_m_s2: Values
) -> Array:
    """The even braking [m/s^2] that just avoids contact with a leader that brakes evenly to standstill.

    If the gap is least while the leader still moves, closing^2 / (2 gap) more than the leader's braking; else what
    stops within the gap and the leader's way. A leader at even speed (0 m/s^2) gives DRAC. inf in contact.
    """
    gap, v, lead, brakes = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (gap_m, speed_m_s, lead_m_s, lead_deceleration_m_s2))
    )
    if (brakes < 0.0).any() or (lead < 0.0).any():
        raise BadTask(
            "A leader's speed and deceleration are 0 or more here; give what it brakes, not how it speeds up."
        )
    closing = v - lead
    while_moving = np.where(closing > 0.0, brakes + deceleration_to_avoid(gap, closing), 0.0)
    way = np.divide(lead**2, 2.0 * brakes, out=np.full(gap.shape, np.inf), where=brakes > 0.0)
    till_rest = np.divide(np.maximum(v, 0.0) ** 2, 2.0 * (gap + way), out=np.zeros(gap.shape), where=gap + way > 0.0)
    # least gap at equal speeds, 2 gap / closing from now under that braking; is the leader still moving then?
    moving = (closing > 0.0) & (2.0 * gap * brakes <= lead * closing)
    return np.where(gap > 0.0, np.where(moving, while_moving, till_rest), np.inf)


def time_to_brake(gap_m: Values, closing_m_s: Values, deceleration_m_s2: Values) -> Array:
    """How long braking may wait [s]: TTB = gap / closing - closing / (2 b), the leader at even speed.

    Below 0 it is too late; inf while nothing closes. Source: Hillenbrand, Spieker, Kroschel, IEEE Trans. Intelligent
    Transportation Systems 7 (2006) 528.
    """
    ttc = time_to_collision(gap_m, closing_m_s)
    spent = np.maximum(np.asarray(closing_m_s, float), 0.0) / (2.0 * np.asarray(deceleration_m_s2, float))
    return np.where(np.isfinite(ttc), ttc - spent, np.inf)


def post_encroachment(first_leaves_s: Values, second_enters_s: Values) -> Array:
    """PET [s]: from when the first leaves the place of conflict until the second enters it; below 0 both were there."""
    return np.asarray(second_enters_s, float) - np.asarray(first_leaves_s, float)


# ── comfort ───────────────────────────────────────────────────────────────────────────────────────────────────────

NUPLAN_LIMITS = {
    "acceleration_m_s2": (-4.05, 2.40),
    "lateral_m_s2": (-4.89, 4.89),
    "yaw_rate_rad_s": (-0.95, 0.95),
    "yaw_acceleration_rad_s2": (-1.93, 1.93),
    "jerk_m_s3": (-4.13, 4.13),
    "jerk_size_m_s3": (-8.37, 8.37),
}
"""Lowest and highest value that nuPlan calls comfortable; `jerk_size` is the rate of the whole acceleration's size."""


@dataclass(frozen=True, eq=False)
class Comfort:
    """How trajectories lie in the limits.

    Attributes:
        extremes: of each quantity the lowest and the highest value, (n, 2).
        within: of each quantity whether it stays in its limits, (n,) bool.
    """

    extremes: dict[str, Array]
    within: dict[str, Array]

    @property
    def holds(self) -> Array:
        """(n,) bool: every quantity in its limits."""
        return np.all(list(self.within.values()), axis=0)


def comfort(speed_m_s: Array, heading_rad: Array, step_s: float) -> Comfort:
    """Trajectories (n, steps) against nuPlan's limits, at least 3 steps.

    Rates are central differences, one-sided at the ends; nuPlan smooths by Savitzky-Golay filters first, so of noisy
    trajectories ours is the stricter. Headings may wrap. Lateral acceleration is speed times yaw rate.

    Raises: BadTask for fewer than 3 steps or shapes that differ.
    """
    speed, heading = np.asarray(speed_m_s, float), np.asarray(heading_rad, float)
    if speed.shape != heading.shape or speed.ndim != 2 or speed.shape[1] < 3:
        raise BadTask(
            f"Speeds {speed.shape} and headings {heading.shape} are no trajectories; give (n, 3 or more) of each."
        )
    acceleration = np.gradient(speed, step_s, axis=1)
    yaw_rate = np.gradient(np.unwrap(heading, axis=1), step_s, axis=1)
    lateral = speed * yaw_rate
    found = {
        "acceleration_m_s2": acceleration,
        "lateral_m_s2": lateral,
        "yaw_rate_rad_s": yaw_rate,
        "yaw_acceleration_rad_s2": np.gradient(yaw_rate, step_s, axis=1),
        "jerk_m_s3": np.gradient(acceleration, step_s, axis=1),
        "jerk_size_m_s3": np.gradient(np.hypot(acceleration, lateral), step_s, axis=1),
    }
    extremes = {name: np.stack([v.min(axis=1), v.max(axis=1)], axis=1) for name, v in found.items()}
    within = {
        name: (extremes[name][:, 0] >= low) & (extremes[name][:, 1] <= high)
        for name, (low, high) in NUPLAN_LIMITS.items()
    }
    return Comfort(extremes, within)


# ── fault ─────────────────────────────────────────────────────────────────────────────────────────────────────────

STOPPED_M_S = 0.05
BEHIND_RAD = np.deg2rad(150.0)


def fault(ego: Boxes, other: Boxes, ego_speed_m_s: Values, other_speed_m_s: Values, rear_axle_m: float = 0.0) -> Array:
    """What kind of collision each contact is, (n,) of str, from boxes and speeds when they first touch.

    In this order, as nuPlan and NAVSIM class them:

        "ego stopped"       the ego at 0.05 m/s or less
        "other stopped"     the other at 0.05 m/s or less
        "rear"              the other's centre more than 150 degrees off the ego's heading, seen from its rear axle
        "front"             the ego's front edge touches the other
        "lateral"           otherwise

    `rear_axle_m` is how far the ego's rear axle lies behind the centre of its box. The boxes are taken to touch; those
    of the instant that `boxes.swept` names are still up to 1.5e-5 m apart: give the ego's box that much more.
    """
    c, s = np.cos(ego.heading_rad), np.sin(ego.heading_rad)
    dx = other.x_m - (ego.x_m - rear_axle_m * c)
    dy = other.y_m - (ego.y_m - rear_axle_m * s)
    bearing = np.abs(np.arctan2(c * dy - s * dx, c * dx + s * dy))
    ahead = 0.5 * ego.length_m
    edge = Boxes(ego.x_m + c * ahead, ego.y_m + s * ahead, ego.heading_rad, np.zeros(()), ego.width_m)
    kinds = [
        (np.abs(ego_speed_m_s) <= STOPPED_M_S, "ego stopped"),
        (np.abs(other_speed_m_s) <= STOPPED_M_S, "other stopped"),
        (bearing > BEHIND_RAD, "rear"),
        (overlap(edge, other), "front"),
    ]
    conditions = np.broadcast_arrays(
        *(np.asarray(k) for k, _ in kinds), np.zeros(np.broadcast_shapes(ego.shape, other.shape))
    )
    return np.select([k.astype(bool) for k in conditions[:-1]], [name for _, name in kinds], default="lateral")


def is_at_fault(kind: Array, ego_in_one_lane: Array | bool) -> Array:
    """Is the ego at fault? For running into what stands or into what is ahead; from the side, if not within one lane.

    Hit from behind or while standing it is not. `ego_in_one_lane` is whether its box lies in one lane and on the road.
    """
    kind = np.asarray(kind)
    into = (kind == "other stopped") | (kind == "front")
    return into | ((kind == "lateral") & ~np.asarray(ego_in_one_lane, bool))


def _quotient(gap: Values, speed: Values, closes: Array) -> Array:
    """gap / speed where it closes, at least 0; inf elsewhere, and 0 in contact."""
    gap, speed, closes = np.broadcast_arrays(np.asarray(gap, float), np.asarray(speed, float), closes)
    return np.where(gap <= 0.0, 0.0, np.divide(gap, speed, out=np.full(gap.shape, np.inf), where=closes))
