"""How far must a moving robot stay from a person, or how fast may it be at a given distance?

    separation(profile, robot_speed_m_s=1.0, reaction_s=0.1, stopping_s=0.3, stopping_distance_m=0.15)
    separation(profile, distance_m=1.2, reaction_s=0.1, deceleration_m_s2=3.0)

The arithmetic is `safety.separation`, at constant speeds.
"""

from __future__ import annotations

import math
from typing import Any

from jangin.errors import JanginError
from jangin.safety.body import shown
from jangin.safety.calculation import Calculation, Table, not_negative, rounded_up
from jangin.safety.profile import Profile, rounded_down
from jangin.safety.separation import Braking, Stop, permitted_robot_speed, protective_separation

__all__ = ["separation"]


def separation(
    profile: Profile,
    *,
    reaction_s: float,
    robot_speed_m_s: float | None = None,
    distance_m: float | None = None,
    person_speed_m_s: float | None = None,
    stopping_s: float | None = None,
    stopping_distance_m: float | None = None,
    deceleration_m_s2: float | None = None,
    intrusion_m: float = 0.0,
    person_uncertainty_m: float = 0.0,
    robot_uncertainty_m: float = 0.0,
) -> Calculation:
    """S_p of `robot_speed_m_s`, the robot's speed that `distance_m` permits, or both."""
    if robot_speed_m_s is None and distance_m is None:
        raise JanginError(
            "jangin limits separation needs --robot-speed-m-s for the distance it asks for, or --distance-m for the "
            "speed that it permits."
        )
    ends = {"person_uncertainty_m": person_uncertainty_m, "robot_uncertainty_m": robot_uncertainty_m}
    not_negative(reaction_s=reaction_s, robot_speed_m_s=robot_speed_m_s, distance_m=distance_m)
    not_negative(person_speed_m_s=person_speed_m_s, intrusion_m=intrusion_m, **ends)
    stop = _stop(stopping_s, stopping_distance_m, deceleration_m_s2)
    table = Table(profile.separation)
    person = table("person_speed") if person_speed_m_s is None else person_speed_m_s
    margin = intrusion_m + person_uncertainty_m + robot_uncertainty_m
    parts = " + ".join(map(shown, (intrusion_m, person_uncertainty_m, robot_uncertainty_m)))
    case = {"person_m_s": person, "reaction_s": reaction_s, "margin_m": margin}
    formulas = [f"margin = C + Z_d + Z_r = {parts} = {shown(margin)} m"]
    numbers: dict[str, Any] = {}
    remarks: list[str] = []
    sentences: list[str] = []
    value: float | None = None
    unit = ""
    if robot_speed_m_s is not None:
        lines, found = _needed(stop, robot_speed_m_s, case)
        formulas, numbers = [*formulas, *lines], {**numbers, **found}
        value, unit = found["separation_m"], "m"
        sentences.append(f"A robot at {shown(robot_speed_m_s)} m/s needs {rounded_up(value)} m to the person.")
    if distance_m is not None:
        speed = permitted_robot_speed(distance_m, stop, **case)
        formulas.append(_inverse(distance_m, stop, case, speed))
        numbers |= {"distance_m": distance_m, "permitted_robot_speed_m_s": speed}
        sentences.append(_permits(distance_m, speed))
        if value is None:
            value, unit = speed, "m/s"
        else:
            numbers["within"] = value <= distance_m
    if isinstance(stop, Stop):
        remarks.append(
            f"A stop of {shown(stop.time_s)} s and {shown(stop.distance_m)} m must be what was measured at that speed "
            "or a higher one, with that load."
        )
    return Calculation(profile, " ".join(sentences), value, unit, numbers, formulas, table.used, remarks)


def _stop(time_s: float | None, distance_m: float | None, deceleration: float | None) -> Stop | Braking:
    """How the robot stops: as measured, or at a constant deceleration."""
    if deceleration is not None:
        if time_s is not None or distance_m is not None:
            raise JanginError(
                "--deceleration-m-s2 stands in place of --stopping-s and --stopping-distance-m. Give it, or those two."
            )
        return Braking(deceleration)
    if time_s is None or distance_m is None:
        raise JanginError(
            "jangin limits separation needs how the robot stops: --stopping-s with --stopping-distance-m as measured, "
            "or --deceleration-m-s2."
        )
    return Stop(time_s, distance_m)


def _needed(stop: Stop | Braking, robot: float, case: dict[str, float]) -> tuple[list[str], dict[str, Any]]:
    """S_p: its formulas, and its parts by name."""
    s, halt = protective_separation(stop, robot_m_s=robot, **case), stop.of(robot)
    lines = []
    if isinstance(stop, Braking):
        v, b = shown(robot), shown(stop.deceleration_m_s2)
        lines.append(f"T_s = v_r/b = {v}/{b} = {shown(halt.time_s)} s")
        lines.append(f"S_s = v_r^2/(2 b) = {v}^2/(2 x {b}) = {shown(halt.distance_m)} m")
    person, reaction = shown(case["person_m_s"]), shown(case["reaction_s"])
    lines += [
        f"S_h = v_h (T_r + T_s) = {person} x ({reaction} + {shown(halt.time_s)}) = {shown(s.person_m)} m",
        f"S_r = v_r T_r = {shown(robot)} x {reaction} = {shown(s.reaction_m)} m",
        f"S_p = S_h + S_r + S_s + margin = {shown(s.person_m)} + {shown(s.reaction_m)} + {shown(s.braking_m)} + "
        f"{shown(s.margin_m)} = {shown(s.total_m)} m",
    ]
    parts = {"person_m": s.person_m, "reaction_m": s.reaction_m, "braking_m": s.braking_m, "margin_m": s.margin_m}
    return lines, {"separation_m": s.total_m, **parts}


def _inverse(distance: float, stop: Stop | Braking, case: dict[str, float], speed: float) -> str:
    """How the permitted speed follows from the distance."""
    v, r, m = (shown(case[name]) for name in ("person_m_s", "reaction_s", "margin_m"))
    d, found = shown(distance), f"{shown(speed)} m/s"
    if isinstance(stop, Stop):
        t, s = shown(stop.time_s), shown(stop.distance_m)
        whole = "v_r = (D - v_h (T_r + T_s) - S_s - margin)/T_r"
        return f"{whole} = ({d} - {v} ({r} + {t}) - {s} - {m})/{r}, at least 0, = {found}"
    b = shown(stop.deceleration_m_s2)
    whole = "v_h (T_r + v_r/b) + v_r T_r + v_r^2/(2 b) + margin = D"
    return f"{whole} with v_h {v}, T_r {r}, b {b}, margin {m}, D {d} gives v_r = {found}"


def _permits(distance: float, speed: float) -> str:
    if speed == 0.0:
        return f"At {shown(distance)} m no speed is permitted: the robot must stand still."
    if math.isinf(speed):
        return f"At {shown(distance)} m the robot's speed is bounded only by the stop that was measured."
    return f"At {shown(distance)} m the robot may move at {shown(rounded_down(speed))} m/s."
