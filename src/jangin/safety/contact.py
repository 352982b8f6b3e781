"""Contact between a robot and a person, as two masses and a spring: the arithmetic of power and force limiting.

    m_r = robot_mass(moving_kg=20.0, payload_kg=2.0)                       # 12 kg
    mu = reduced_mass(body_kg=0.6, robot_kg=m_r)                           # 0.571 kg
    permitted_speed(force_n=280.0, stiffness_n_m=75e3, reduced_kg=mu)      # 1.35 m/s
    peak_force(speed_m_s=1.0, stiffness_n_m=75e3, reduced_kg=mu)           # 207 N

The robot's mass meets the mass of a body part through the body's own stiffness. All energy of the relative motion goes
into the spring, so F^2 / (2 k) = mu v^2 / 2. A body part that is clamped cannot give way: its mass is infinite and
mu is the robot's. Speeds are relative: what the person adds by moving is part of them. SI units throughout.

What the model leaves out: damping, the shape and padding of what hits, controllers that react during the impact, and
where the mass really sits in a pose of the arm (half the moving mass is the model's stand-in). It bounds nothing by
itself; a contact is judged by measuring it (ISO/PAS 5672).

Source: the contact model of ISO/TS 15066:2016, annex A, now in ISO 10218-2:2025; in the open: P. Svarny et al., "3D
collision-force-map for safe human-robot collaboration", arXiv:2009.01036. The numbers belong to a profile, never here.
"""

from __future__ import annotations

import math

from jangin.errors import JanginError

__all__ = ["peak_force", "permitted_speed", "reduced_mass", "robot_mass", "transferred_energy"]


def robot_mass(*, moving_kg: float, payload_kg: float) -> float:
    """The robot's effective mass m_R = M / 2 + m_L [kg]; M is the mass of all its moving parts, m_L of tool and load.

    Raises: JanginError unless M > 0 and m_L >= 0.
    """
    _positive("moving mass", moving_kg, "kg")
    if not (math.isfinite(payload_kg) and payload_kg >= 0.0):
        raise JanginError(f"The payload is {payload_kg:g} kg; give the mass of tool and load, 0 or more.")
    return moving_kg / 2.0 + payload_kg


def reduced_mass(*, body_kg: float, robot_kg: float) -> float:
    """mu with 1 / mu = 1 / m_H + 1 / m_R [kg]; `body_kg` inf is a body part that is clamped, and mu = m_R.

    Raises: JanginError unless both are positive.
    """
    _positive("effective mass of the robot", robot_kg, "kg")
    if math.isinf(body_kg) and body_kg > 0:
        return robot_kg
    _positive("mass of the body part", body_kg, "kg")
    return 1.0 / (1.0 / body_kg + 1.0 / robot_kg)


def peak_force(*, speed_m_s: float, stiffness_n_m: float, reduced_kg: float) -> float:
    """F = v sqrt(k mu) [N]: the largest force of an impact at the relative speed v."""
    if not (math.isfinite(speed_m_s) and speed_m_s >= 0.0):
        raise JanginError(f"The speed is {speed_m_s:g} m/s; give the relative speed at contact, 0 or more.")
    return speed_m_s * _impedance(stiffness_n_m, reduced_kg)


def permitted_speed(*, force_n: float, stiffness_n_m: float, reduced_kg: float) -> float:
    """v = F / sqrt(k mu) [m/s]: the relative speed at which an impact reaches the force F; inverse of `peak_force`."""
    _positive("force", force_n, "N")
    return force_n / _impedance(stiffness_n_m, reduced_kg)


def transferred_energy(*, force_n: float, stiffness_n_m: float) -> float:
    """E = F^2 / (2 k) [J]: what the spring holds at the force F."""
    _positive("stiffness of the body part", stiffness_n_m, "N/m")
    return force_n**2 / (2.0 * stiffness_n_m)


def _impedance(stiffness_n_m: float, reduced_kg: float) -> float:
    """sqrt(k mu) [N s/m]."""
    _positive("stiffness of the body part", stiffness_n_m, "N/m")
    _positive("reduced mass", reduced_kg, "kg")
    return math.sqrt(stiffness_n_m * reduced_kg)


def _positive(what: str, value: float, unit: str) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise JanginError(f"The {what} is {value:g} {unit}; give a finite number above 0.")
