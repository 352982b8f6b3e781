"""Distances that keep person and machine apart: speed and separation monitoring, and the place of a light curtain.

    protective_separation(Stop(time_s=0.3, distance_m=0.15), person_m_s=1.6, robot_m_s=1.0, reaction_s=0.1,
                          margin_m=0.328).total_m                      # 1.218 m
    permitted_robot_speed(1.218, Stop(0.3, 0.15), person_m_s=1.6, reaction_s=0.1, margin_m=0.328)     # 1.0 m/s
    hand = Approach(hand_mm_s=2000.0, walk_mm_s=1600.0, switch_mm=500.0)
    safeguard_distance(hand, response_s=0.32, intrusion_mm=0.0)        # 512 mm
    permitted_response(hand, distance_mm=512.0, intrusion_mm=0.0)      # 0.32 s

The robot must have stopped before the person reaches it. Until it stands, the person walks on: S_h. The robot goes on
for its reaction time, S_r, and while it brakes, S_s. To that come what is reached before it is noticed and how well
both places are known, one margin here: C + Z_d + Z_r.

Source: S_p, ISO/TS 15066:2016, 5.5.4, now in ISO 10218-2:2025; in the open: J. A. Marvel and R. Norcross,
"Implementing speed and separation monitoring in collaborative robot workcells", NIST, PMC5117641. S, ISO 13855:2010
and 2024, as quoted by the makers of light curtains, whom the profile names. Numbers belong to a profile, never here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from jangin.errors import JanginError

__all__ = [
    "Approach",
    "Braking",
    "Separation",
    "Stop",
    "general_separation",
    "permitted_response",
    "permitted_robot_speed",
    "protective_separation",
    "safeguard_distance",
]


# ── speed and separation monitoring ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Stop:
    """A measured stop: T_s [s] and S_s [m], the worst over the speeds, loads and poses in question."""

    time_s: float
    distance_m: float

    def __post_init__(self) -> None:
        _not_negative(("stopping time", self.time_s, "s"), ("stopping distance", self.distance_m, "m"))

    def of(self, robot_m_s: float) -> Stop:
        """Itself: it was measured, whatever the speed."""
        return self


@dataclass(frozen=True)
class Braking:
    """A stop at constant deceleration b [m/s^2]: T_s = v / b, S_s = v^2 / (2 b)."""

    deceleration_m_s2: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.deceleration_m_s2) and self.deceleration_m_s2 > 0.0):
            raise JanginError(f"The deceleration is {self.deceleration_m_s2:g} m/s^2; give a finite number above 0.")

    def of(self, robot_m_s: float) -> Stop:
        """The stop from a speed."""
        return Stop(robot_m_s / self.deceleration_m_s2, robot_m_s**2 / (2.0 * self.deceleration_m_s2))


@dataclass(frozen=True)
class Separation:
    """S_p and its parts [m]: the person's way, the robot's while it reacts and while it brakes, the margin."""

    person_m: float
    reaction_m: float
    braking_m: float
    margin_m: float

    @property
    def total_m(self) -> float:
        """S_p = S_h + S_r + S_s + C + Z_d + Z_r."""
        return self.person_m + self.reaction_m + self.braking_m + self.margin_m


def protective_separation(
    stop: Stop | Braking, *, person_m_s: float, robot_m_s: float, reaction_s: float, margin_m: float = 0.0
) -> Separation:
    """S_p at constant speeds, person and robot straight at each other.

    v_h (T_r + T_s) + v_r T_r + S_s + margin. `margin_m` is C + Z_d + Z_r. Raises: JanginError for a negative number.
    """
    _not_negative(
        ("person's speed", person_m_s, "m/s"),
        ("robot's speed", robot_m_s, "m/s"),
        ("reaction time", reaction_s, "s"),
        ("margin", margin_m, "m"),
    )
    halt = stop.of(robot_m_s)
    return Separation(person_m_s * (reaction_s + halt.time_s), robot_m_s * reaction_s, halt.distance_m, margin_m)


def general_separation(
    times_s: np.ndarray, person_m_s: np.ndarray, robot_m_s: np.ndarray, *, reaction_s: float, margin_m: float = 0.0
) -> Separation:
    """S_p of speeds that vary: the integrals of v_h and v_r from the moment in question until the robot stands.

    times_s: (n,) rising from 0 to T_r + T_s; person_m_s, robot_m_s: (n,) >= 0, linear in between; the robot's last is
    0. `reaction_s` must be one of the times. Raises: JanginError for anything else.
    """
    times, person, robot = (np.asarray(a, float) for a in (times_s, person_m_s, robot_m_s))
    if not (times.ndim == 1 and times.shape == person.shape == robot.shape and len(times) >= 2):
        raise JanginError(
            "Give times, the person's and the robot's speeds as equally long lists of at least 2 numbers."
        )
    if times[0] != 0.0 or not np.all(np.diff(times) > 0.0) or not (person >= 0.0).all() or not (robot >= 0.0).all():
        raise JanginError("Give times that rise from 0, and speeds towards each other that are not negative.")
    if robot[-1] != 0.0:
        raise JanginError(f"The robot still moves at {robot[-1]:g} m/s at the last time; give speeds until it stands.")
    split = int(np.searchsorted(times, reaction_s))
    if split == len(times) or times[split] != reaction_s:
        raise JanginError(f"The reaction time {reaction_s:g} s is not one of the times; add it to them.")
    _not_negative(("margin", margin_m, "m"))
    reacting, braking = slice(None, split + 1), slice(split, None)
    return Separation(
        float(np.trapezoid(person, times)),
        float(np.trapezoid(robot[reacting], times[reacting])),
        float(np.trapezoid(robot[braking], times[braking])),
        margin_m,
    )


def permitted_robot_speed(
    distance_m: float, stop: Stop | Braking, *, person_m_s: float, reaction_s: float, margin_m: float = 0.0
) -> float:
    """The fastest v_r whose S_p is within a distance [m/s]; inverse of `protective_separation`.

    0 where even a robot that barely moves would need more. With a measured `Stop` the answer holds only up to the speed
    that the stop was measured from; inf where the reaction takes no time, as nothing then depends on the speed.
    """
    resting = protective_separation(
        stop, person_m_s=person_m_s, robot_m_s=0.0, reaction_s=reaction_s, margin_m=margin_m
    )
    spare = distance_m - resting.total_m
    if not spare > 0.0:
        return 0.0
    if isinstance(stop, Stop):
        return spare / reaction_s if reaction_s > 0.0 else math.inf
    # v^2 / (2 b) + v (T_r + v_h / b) = spare, solved without a difference of nearly equal numbers
    linear = reaction_s + person_m_s / stop.deceleration_m_s2
    return 2.0 * spare / (linear + math.sqrt(linear**2 + 2.0 * spare / stop.deceleration_m_s2))


# ── where a safeguard stands ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Approach:
    """How a person comes to a hazard through a detection zone.

    Attributes:
        hand_mm_s, walk_mm_s: K where a hand or arm leads, and where a person walks.
        switch_mm: up to this distance a hand may lead; beyond it a person walks.
        smallest_mm: no distance is smaller.
        walking: a person can only walk in, as at a coarse or a horizontal detection zone: K is walk_mm_s throughout.
    """

    hand_mm_s: float
    walk_mm_s: float
    switch_mm: float
    smallest_mm: float = 0.0
    walking: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.walk_mm_s <= self.hand_mm_s:
            raise JanginError(
                f"The approach speeds are {self.hand_mm_s:g} mm/s by hand and {self.walk_mm_s:g} mm/s walking; "
                "both must be above 0, and walking not the faster one."
            )


def safeguard_distance(
    approach: Approach, *, response_s: float, intrusion_mm: float, supplement_mm: float = 0.0
) -> float:
    """S = K T + C + Z [mm]: how far before the hazard a detection zone must be.

    The rule: S with the hand's K, where that is at most `switch_mm`; otherwise S with the walking K, but never less.
    T is the whole time from detection to standstill. C is the intrusion distance, D_DS in the edition of 2024; Z its
    supplement, added after the rule, which is never less than any other reading of it.
    Raises: JanginError for a negative number.
    """
    _not_negative(
        ("response time", response_s, "s"),
        ("intrusion distance", intrusion_mm, "mm"),
        ("supplement", supplement_mm, "mm"),
    )
    reached = approach.hand_mm_s * response_s + intrusion_mm
    walked = approach.walk_mm_s * response_s + intrusion_mm
    if approach.walking:
        distance = walked
    elif reached <= approach.switch_mm:
        distance = reached
    else:
        distance = max(walked, approach.switch_mm)
    return max(distance, approach.smallest_mm) + supplement_mm


def permitted_response(
    approach: Approach, *, distance_mm: float, intrusion_mm: float, supplement_mm: float = 0.0
) -> float:
    """The longest T [s] for which a distance is enough; the inverse of `safeguard_distance`.

    Raises: JanginError when no response is fast enough.
    """
    _not_negative(("intrusion distance", intrusion_mm, "mm"), ("supplement", supplement_mm, "mm"))
    least = max(intrusion_mm, approach.smallest_mm) + supplement_mm
    if not distance_mm >= least:
        raise JanginError(
            f"At {distance_mm:g} mm no response is fast enough: {least:g} mm are needed however short it is. "
            "Move the detection zone away, or use one that is finer."
        )
    room = distance_mm - supplement_mm
    walks = approach.walking or room >= approach.switch_mm
    return max(room - intrusion_mm, 0.0) / (approach.walk_mm_s if walks else approach.hand_mm_s)


def _not_negative(*numbers: tuple[str, float, str]) -> None:
    for what, value, unit in numbers:
        if not (math.isfinite(value) and value >= 0.0):
            raise JanginError(f"The {what} is {value:g} {unit}; give a number of at least 0.")
