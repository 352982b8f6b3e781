"""UR5e: a six-axis arm of 5 kg payload and 0.85 m reach, built in, without meshes and without a download.

    from jangin.cell.robots.ur5e import ROBOT
    model = ROBOT.spec().compile()

Source: kinematics, masses, joint ranges and torque limits as Universal Robots publishes them for the UR5e (its DH
parameters, its article on parameters for kinematics and dynamics, its URDF description), rounded as in the UR5e model
of MuJoCo Menagerie (BSD-3-Clause), with which this table agrees to 1e-6 in forward kinematics and joint-space inertia.
The published DH lengths differ from these by up to 0.7 mm, and every real arm is calibrated once more. The inertias
are those of solid cylinders. Motor inertia and joint friction are not published and not modelled.

The servos are stiff position loops of our choice: half a metre in front of the arm the flange yields at 10 N/mm
vertically and 14 to 25 N/mm across. How the arm looks is ours too: cylinders.
"""

from __future__ import annotations

from math import pi, sqrt

from jangin.cell.arm import Arm, Joint, Link, Look, Vec3, Vec4

__all__ = ["ROBOT", "UR5E"]

# ── what it is ───────────────────────────────────────────────────────────────────────────────────────────────────

_H = sqrt(0.5)
_STRAIGHT: Vec4 = (1.0, 0.0, 0.0, 0.0)
_YAW_90: Vec4 = (_H, 0.0, 0.0, _H)
_PITCH_90: Vec4 = (_H, 0.0, _H, 0.0)
_Y: Vec3 = (0.0, 1.0, 0.0)
_Z: Vec3 = (0.0, 0.0, 1.0)
_TOOL_POS: Vec3 = (0.0, 0.1, 0.0)
_TOOL_QUAT: Vec4 = (-0.5, 0.5, 0.5, 0.5)  # its z axis is the link's y axis: out of the flange
_HOME = (-pi / 2, -pi / 2, pi / 2, -pi / 2, -pi / 2, 0.0)  # upper arm up, forearm level, tool down
_SPEED_RAD_S = pi

# link              pose in its parent [m]        mass [kg], centre of mass [m]       principal moments [kg m^2]
_BODIES: tuple[tuple[str, Vec3, Vec4, float, Vec3, Vec3], ...] = (
    ("base", (0, 0, 0), _YAW_90, 4.0, (0, 0, 0), (0.00443333156, 0.00443333156, 0.0072)),
    ("shoulder_link", (0, 0, 0.163), _STRAIGHT, 3.7, (0, 0, 0), (0.0102675, 0.0102675, 0.00666)),
    ("upper_arm_link", (0, 0.138, 0), _PITCH_90, 8.393, (0, 0, 0.2125), (0.133886, 0.133886, 0.0151074)),
    ("forearm_link", (0, -0.131, 0.425), _STRAIGHT, 2.275, (0, 0, 0.196), (0.0311796, 0.0311796, 0.004095)),
    ("wrist_1_link", (0, 0, 0.392), _PITCH_90, 1.219, (0, 0.127, 0), (0.0025599, 0.0025599, 0.0021942)),
    ("wrist_2_link", (0, 0.127, 0), _STRAIGHT, 1.219, (0, 0, 0.1), (0.0025599, 0.0025599, 0.0021942)),
    ("wrist_3_link", (0, 0, 0.1), _STRAIGHT, 0.1879, (0, 0.0771683, 0), (9.90863e-05, 0.000132134, 9.90863e-05)),
)

# joint            axis  range [rad]  kp [N m/rad]  kv [N m s/rad]  torque [N m]
_JOINTS: tuple[tuple[str, Vec3, float, float, float, float], ...] = (
    ("shoulder_pan", _Z, 2 * pi, 4000.0, 300.0, 150.0),
    ("shoulder_lift", _Y, 2 * pi, 4000.0, 300.0, 150.0),
    ("elbow", _Y, pi, 4000.0, 250.0, 150.0),
    ("wrist_1", _Y, 2 * pi, 1200.0, 60.0, 28.0),
    ("wrist_2", _Z, 2 * pi, 1200.0, 60.0, 28.0),
    ("wrist_3", _Y, 2 * pi, 600.0, 30.0, 28.0),
)

# ── how it looks ─────────────────────────────────────────────────────────────────────────────────────────────────

_GREY: Vec4 = (0.80, 0.81, 0.83, 1.0)
_DARK: Vec4 = (0.22, 0.23, 0.25, 1.0)
_BLUE: Vec4 = (0.42, 0.66, 0.84, 1.0)


def _along_y(radius: float, z: float, y0: float, y1: float, rgba: Vec4) -> Look:
    """A cylinder about the line x = 0, z = z, from y0 to y1 [m]."""
    return Look("cylinder", (radius, (y1 - y0) / 2, 0.0), (0.0, (y0 + y1) / 2, z), (_H, _H, 0.0, 0.0), rgba)


def _along_z(radius: float, y: float, z0: float, z1: float, rgba: Vec4) -> Look:
    """A cylinder about the line x = 0, y = y, from z0 to z1 [m]."""
    return Look("cylinder", (radius, (z1 - z0) / 2, 0.0), (0.0, y, (z0 + z1) / 2), _STRAIGHT, rgba)


_LOOKS: dict[str, tuple[Look, ...]] = {
    "base": (_along_z(0.085, 0, 0, 0.02, _DARK), _along_z(0.070, 0, 0.02, 0.098, _GREY)),
    "shoulder_link": (
        _along_z(0.064, 0, -0.065, -0.055, _DARK),
        _along_z(0.062, 0, -0.055, 0.058, _GREY),
        _along_z(0.052, 0, 0.058, 0.066, _BLUE),
        _along_y(0.060, 0, 0, 0.070, _GREY),
    ),
    "upper_arm_link": (
        _along_y(0.061, 0, -0.068, -0.058, _DARK),
        _along_y(0.061, 0, -0.058, 0.058, _GREY),
        _along_y(0.052, 0, 0.058, 0.068, _BLUE),
        _along_z(0.046, 0, 0, 0.425, _GREY),
        _along_y(0.056, 0.425, -0.060, 0.050, _GREY),
        _along_y(0.047, 0.425, 0.050, 0.060, _BLUE),
    ),
    "forearm_link": (
        _along_y(0.055, 0, 0.062, 0.071, _DARK),
        _along_y(0.055, 0, -0.045, 0.062, _GREY),
        _along_y(0.046, 0, -0.055, -0.045, _BLUE),
        _along_z(0.036, 0, 0, 0.392, _GREY),
        _along_y(0.042, 0.392, -0.040, 0.048, _GREY),
        _along_y(0.035, 0.392, -0.048, -0.040, _BLUE),
    ),
    "wrist_1_link": (
        _along_y(0.042, 0, 0.048, 0.056, _DARK),
        _along_y(0.042, 0, 0.056, 0.165, _GREY),
        _along_y(0.035, 0, 0.165, 0.173, _BLUE),
        _along_z(0.042, 0.127, -0.040, 0.045, _GREY),
    ),
    "wrist_2_link": (
        _along_z(0.042, 0, 0.045, 0.053, _DARK),
        _along_z(0.042, 0, 0.053, 0.138, _GREY),
        _along_z(0.035, 0, 0.138, 0.146, _BLUE),
        _along_y(0.042, 0.1, 0, 0.045, _GREY),
    ),
    "wrist_3_link": (_along_y(0.042, 0, 0.045, 0.053, _DARK), _along_y(0.038, 0, 0.053, 0.100, _GREY)),
}


def _links() -> tuple[Link, ...]:
    joints = (None, *_JOINTS)
    links = []
    for (name, pos, quat, mass, com, inertia), row in zip(_BODIES, joints, strict=True):
        own: tuple[Joint, ...] = ()
        if row is not None:
            joint, axis, end, kp, kv, force = row
            own = (Joint(joint, joint, axis, -end, end, kp, kv, force, _SPEED_RAD_S),)
        links.append(Link(name, pos, quat, mass, com, inertia, joints=own, looks=_LOOKS[name]))
    return tuple(links)


UR5E = Arm(
    name="ur5e",
    links=_links(),
    tool_site="flange",
    tool_pos_m=_TOOL_POS,
    tool_quat=_TOOL_QUAT,
    home_rad=_HOME,
    source="built in: the UR5e's published kinematics, masses and limits",
    licence="Apache-2.0",
)
ROBOT = UR5E
