"""An arm for a cell: a serial chain of links as plain numbers, and the MuJoCo spec built from them.

    arm = load_arm("ur5e")                                  # or "./arm.xml", "./arm.urdf", "menagerie:kuka_iiwa_14"
    spec = arm.spec()                                       # a fresh mujoco.MjSpec of the arm alone, yours to edit
    flange = spec.site(arm.tool_site)                       # the tool frame: z axis out of the flange
    tool = flange.parent.add_body(name="tool", pos=flange.pos, quat=flange.quat)     # a body in the tool frame
    home = solve_home(arm, (0.5, 0.0, 0.3), (0, 0, -1))     # joint angles with the tool there, pointing down

Promises
    Every joint of the chain is a hinge with a range and a position servo whose ctrl is the wanted angle [rad]:
    nq = nv = nu = len(arm.joints), in chain order. Whatever a cell adds comes after, so qpos[:n] and ctrl[:n] are
    the arm's. The base frame is the world frame of the spec.
    Geoms are pictures: they weigh nothing and touch nothing. `spec(looks=False)` has none and moves the same.
    Gravity is compensated on every link (gravcomp = 1), as a real controller does for the arm it knows.
    Angles in the spec are radians. Options are MuJoCo's defaults, which a cell replaces by its own, but the integrator:
    `implicitfast`, as the damping of stiff servos on light wrists needs an implicit one.
    An Arm is a value: it can be compared and pickled; `sha256` is its identity.

What this file does not do: read model files (arm_file.py), find a pose (arm_pose.py), or build a cell.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import mujoco
import numpy as np

from jangin import registry
from jangin.cell.arm_pose import manipulability, reach_m, solve_home
from jangin.errors import BadRobot, UnknownName
from jangin.task import Array, sha256_of

__all__ = [
    "Arm",
    "Joint",
    "Link",
    "Look",
    "Mesh",
    "load_arm",
    "manipulability",
    "reach_m",
    "solve_home",
]

Vec3 = tuple[float, float, float]
Vec4 = tuple[float, float, float, float]  # a quaternion (w, x, y, z) or a colour (red, green, blue, opacity)
Kind = Literal["box", "capsule", "cylinder", "ellipsoid", "mesh", "sphere"]

ORIGIN: Vec3 = (0.0, 0.0, 0.0)
UNTURNED: Vec4 = (1.0, 0.0, 0.0, 0.0)
FILE_ENDINGS = (".xml", ".mjcf", ".urdf")
MENAGERIE = "menagerie:"
TOOL_SITE_GROUP = 4  # not drawn unless asked for


@dataclass(frozen=True)
class Joint:
    """A hinge and its position servo: torque = kp (ctrl - q) - kv dq/dt, clipped to +-force_nm.

    Attributes:
        name, actuator: of the joint, and of its servo.
        axis: unit vector, link frame.
        low_rad, high_rad: range [rad].
        kp_nm_rad, kv_nms_rad: stiffness [N m/rad] and damping [N m s/rad] of the servo.
        force_nm: largest torque of the servo [N m]; inf where the model states none.
        speed_rad_s: largest speed the joint should be commanded to [rad/s]; the simulator does not enforce it.
        anchor_m: a point on the axis [m], link frame.
        damping_nms_rad: passive damping [N m s/rad], then its higher-order coefficients where the model has them.
        frictionloss_nm, armature_kgm2: dry friction [N m] and reflected inertia of the drive [kg m^2].
        stiffness_nm_rad, spring_rad: passive spring [N m/rad] and the angle where it rests [rad].
        reference_rad: the angle at which the link has the pose given for it [rad].
    """

    name: str
    actuator: str
    axis: Vec3
    low_rad: float
    high_rad: float
    kp_nm_rad: float
    kv_nms_rad: float
    force_nm: float
    speed_rad_s: float
    anchor_m: Vec3 = ORIGIN
    damping_nms_rad: tuple[float, ...] = ()
    frictionloss_nm: float = 0.0
    armature_kgm2: float = 0.0
    stiffness_nm_rad: float = 0.0
    spring_rad: float = 0.0
    reference_rad: float = 0.0


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh with the normals of its corners, only ever looked at.

    Attributes:
        vertices: (n, 3) [m]; faces: (k, 3), rows of `vertices`.
        normals: (j, 3); normal_faces: (k, 3), rows of `normals`.
    """

    name: str
    vertices: Array
    faces: Array
    normals: Array
    normal_faces: Array


@dataclass(frozen=True)
class Look:
    """A shape that is seen and never touched; sizes [m] mean what they mean for MuJoCo's geom of that kind."""

    kind: Kind
    size_m: Vec3
    pos_m: Vec3
    quat: Vec4
    rgba: Vec4
    mesh: Mesh | None = None


@dataclass(frozen=True)
class Link:
    """A rigid body of the chain; its parent is the link before it, the first one's is the world.

    Attributes:
        pos_m, quat: pose of the link in its parent, joints at their reference.
        mass_kg, com_m: mass, and centre of mass in the link frame.
        inertia_kgm2, inertia_quat: moments about the principal axes, and the orientation of those in the link frame.
        joints: the hinges between parent and link, in order; none for a fixed base.
        looks: how it is drawn; no part of what the arm is.
    """

    name: str
    pos_m: Vec3
    quat: Vec4
    mass_kg: float
    com_m: Vec3
    inertia_kgm2: Vec3
    inertia_quat: Vec4 = UNTURNED
    joints: tuple[Joint, ...] = ()
    looks: tuple[Look, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Arm:
    """A serial arm of hinges, each with a position servo.

    Attributes:
        name: as it was asked for.
        links: from the base to the flange; the last one carries the tool.
        tool_site: name of the site whose frame is the tool frame: on the flange, z axis out of it.
        tool_pos_m, tool_quat: pose of that frame in the last link.
        home_rad: joint angles to start from.
        source: where the model comes from. licence: of the model, as far as it is stated.
        files_sha256: of the model file and all it includes; None for an arm that is written as numbers.
        notes: what was assumed, locked or left out when the model was read, one sentence each.

    Raises: BadRobot when home is not one angle per joint, inside its range.
    """

    name: str
    links: tuple[Link, ...]
    tool_site: str
    tool_pos_m: Vec3
    tool_quat: Vec4
    home_rad: tuple[float, ...]
    source: str
    licence: str
    files_sha256: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.home_rad) != len(self.joints):
            raise BadRobot(f"{self.name} has {len(self.joints)} joints, but {len(self.home_rad)} angles as its home.")
        for joint, angle in zip(self.joints, self.home_rad, strict=True):
            if not joint.low_rad <= angle <= joint.high_rad:
                raise BadRobot(
                    f"{self.name} has joint {joint.name!r} at {angle:.4g} rad in its home, "
                    f"outside the joint's range of {joint.low_rad:.4g} to {joint.high_rad:.4g} rad."
                )

    @property
    def sha256(self) -> str:
        """Identity: of the files the arm was read from, else of all its numbers, less how it looks."""
        if self.files_sha256 is not None:
            return self.files_sha256
        links = [dataclasses.replace(link, looks=()) for link in self.links]
        return sha256_of([links, self.tool_pos_m, self.tool_quat, self.home_rad])

    @property
    def joints(self) -> tuple[Joint, ...]:
        """Every joint, in chain order."""
        return tuple(joint for link in self.links for joint in link.joints)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the joints, in chain order."""
        return tuple(joint.name for joint in self.joints)

    @property
    def actuator_names(self) -> tuple[str, ...]:
        """Names of the position servos, in chain order."""
        return tuple(joint.actuator for joint in self.joints)

    @property
    def low_rad(self) -> Array:
        """Lower ends of the joint ranges [rad], (n,)."""
        return np.array([joint.low_rad for joint in self.joints])

    @property
    def high_rad(self) -> Array:
        """Upper ends of the joint ranges [rad], (n,)."""
        return np.array([joint.high_rad for joint in self.joints])

    @property
    def speed_rad_s(self) -> Array:
        """Largest commanded joint speeds [rad/s], (n,)."""
        return np.array([joint.speed_rad_s for joint in self.joints])

    @property
    def force_nm(self) -> Array:
        """Largest servo torques [N m], (n,); inf where the model states none."""
        return np.array([joint.force_nm for joint in self.joints])

    def spec(self, *, looks: bool = True) -> mujoco.MjSpec:
        """A fresh spec of the arm alone, the caller's to edit: no floor, light, keyframe or contact. It compiles.

        looks: with geoms to look at; without them the arm moves the same and there is less to compute.
        """
        spec = mujoco.MjSpec()
        spec.modelname = self.name
        spec.compiler.degree = False
        spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        parent = spec.worldbody
        for link in self.links:
            parent = _add_link(parent, link)
            for k, look in enumerate(link.looks if looks else ()):
                _add_look(spec, parent, look, f"{link.name}:{k}")
        parent.add_site(name=self.tool_site, pos=self.tool_pos_m, quat=self.tool_quat, group=TOOL_SITE_GROUP)
        for joint in self.joints:
            _add_servo(spec, joint)
        return spec


def load_arm(name_or_path: str, *, tool_site: str | None = None) -> Arm:
    """An arm by registered name ("ur5e"), by path (MJCF or URDF), or from Menagerie ("menagerie:kuka_iiwa_14").

    tool_site: the site (or link) in the file whose frame is the tool frame; None looks for the usual names.

    Raises: BadRobot, in a sentence, for what the file lacks; UnknownName for a name nobody has registered.
    """
    from jangin.cell.arm_file import read_arm
    from jangin.cell.arm_menagerie import menagerie_model

    if name_or_path.startswith(MENAGERIE):
        model = menagerie_model(name_or_path.removeprefix(MENAGERIE))
        return read_arm(model.path, name=name_or_path, tool_site=tool_site, source=model.source, licence=model.licence)
    if _is_path(name_or_path):
        return read_arm(name_or_path, tool_site=tool_site)
    try:
        arm = registry.find("robots", name_or_path)
    except UnknownName as e:
        if Path(name_or_path).exists():
            return read_arm(name_or_path, tool_site=tool_site)
        remedy = "A file works too (./arm.xml, ./arm.urdf), or a Menagerie name (menagerie:kuka_iiwa_14)."
        raise UnknownName(e.kind, e.name, e.allowed, remedy) from None
    if not isinstance(arm, Arm):
        raise BadRobot(f"The robot {name_or_path!r} is a {type(arm).__name__}; it must be a jangin.cell.arm.Arm.")
    if tool_site not in (None, arm.tool_site):
        raise BadRobot(f"The robot {name_or_path!r} has the tool site {arm.tool_site!r} only, not {tool_site!r}.")
    return arm


def _is_path(text: str) -> bool:
    """Whether a text can only be the path of a model file or folder: no name, and no Python file (path.py:NAME)."""
    if text.endswith(".py") or ".py:" in text:
        return False
    return text.lower().endswith(FILE_ENDINGS) or "/" in text or "\\" in text


def _add_link(parent: mujoco.MjsBody, link: Link) -> mujoco.MjsBody:
    body = parent.add_body(
        name=link.name,
        pos=link.pos_m,
        quat=link.quat,
        mass=link.mass_kg,
        ipos=link.com_m,
        iquat=link.inertia_quat,
        inertia=link.inertia_kgm2,
        explicitinertial=True,
        gravcomp=1.0,
    )
    for joint in link.joints:
        hinge = body.add_joint(
            name=joint.name,
            type=mujoco.mjtJoint.mjJNT_HINGE,
            axis=joint.axis,
            pos=joint.anchor_m,
            range=(joint.low_rad, joint.high_rad),
            limited=mujoco.mjtLimited.mjLIMITED_TRUE,
            frictionloss=joint.frictionloss_nm,
            armature=joint.armature_kgm2,
            ref=joint.reference_rad,
            springref=joint.spring_rad,
        )
        hinge.stiffness[0] = joint.stiffness_nm_rad
        hinge.damping[: len(joint.damping_nms_rad)] = joint.damping_nms_rad
    return body


def _add_look(spec: mujoco.MjSpec, body: mujoco.MjsBody, look: Look, name: str) -> None:
    geom = body.add_geom(
        name=name,
        type=getattr(mujoco.mjtGeom, f"mjGEOM_{look.kind.upper()}"),
        size=look.size_m,
        pos=look.pos_m,
        quat=look.quat,
        rgba=look.rgba,
        mass=0.0,
        contype=0,
        conaffinity=0,
        group=1,
    )
    if look.mesh is not None:
        geom.meshname = look.mesh.name
        if spec.mesh(look.mesh.name) is None:
            spec.add_mesh(
                name=look.mesh.name,
                uservert=look.mesh.vertices.ravel(),
                userface=look.mesh.faces.ravel(),
                usernormal=look.mesh.normals.ravel(),
                userfacenormal=look.mesh.normal_faces.ravel(),
                inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,  # asks nothing of the mesh: it need not be closed
            )


def _add_servo(spec: mujoco.MjSpec, joint: Joint) -> None:
    servo = spec.add_actuator(
        name=joint.actuator,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        target=joint.name,
        gaintype=mujoco.mjtGain.mjGAIN_FIXED,
        biastype=mujoco.mjtBias.mjBIAS_AFFINE,
        ctrlrange=(joint.low_rad, joint.high_rad),
        ctrllimited=mujoco.mjtLimited.mjLIMITED_TRUE,
    )
    servo.gainprm[0] = joint.kp_nm_rad
    servo.biasprm[:3] = 0.0, -joint.kp_nm_rad, -joint.kv_nms_rad
    if np.isfinite(joint.force_nm):
        servo.forcerange = (-joint.force_nm, joint.force_nm)
        servo.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE
