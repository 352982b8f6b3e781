"""From a compiled model to the serial chain a cell uses: which hinges, which links, which servos, which tool frame.

    chain = read_chain("arm.xml", model, tool_site=None, urdf=None)
    chain.links, chain.tool_site, chain.home_rad

The chain is the hinges on the way from the world to the body of the tool site. Whatever else is attached to one of its
links (a camera, a gripper) becomes part of that link, with its mass and its looks. Joints elsewhere, and joints on the
way that are no hinges, are locked where the model's home has them. Floors, lights, targets, keyframes, sensors and
options are left behind.

Raises: BadRobot for what is missing, in a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from jangin.cell.arm import Joint, Kind, Link, Look, Mesh, Vec3, Vec4
from jangin.cell.arm_model import HINGE, Model, Pose, at_home, vec3, vec4
from jangin.cell.arm_tool import Tool, find_tool, turned_outwards
from jangin.cell.arm_urdf import Urdf
from jangin.errors import BadRobot

__all__ = ["Chain", "read_chain"]

AXES = 6
ASSUMED_SPEED_RAD_S = 1.3  # where the model states none; slow for an arm that assembles
VISIBLE_GROUPS = 3  # MuJoCo draws groups 0 to 2 unless told otherwise; collision shapes live in the others
UNSET_RGBA = (0.5, 0.5, 0.5, 1.0)  # a geom's colour when none was given: its material's counts then
POSITION_SERVO = '<position joint="{joint}" kp="1000" kv="100"/>'

_THROUGH_JOINT = (int(mujoco.mjtTrn.mjTRN_JOINT), int(mujoco.mjtTrn.mjTRN_JOINTINPARENT))
_KINDS: dict[int, Kind] = {
    int(mujoco.mjtGeom.mjGEOM_BOX): "box",
    int(mujoco.mjtGeom.mjGEOM_CAPSULE): "capsule",
    int(mujoco.mjtGeom.mjGEOM_CYLINDER): "cylinder",
    int(mujoco.mjtGeom.mjGEOM_ELLIPSOID): "ellipsoid",
    int(mujoco.mjtGeom.mjGEOM_MESH): "mesh",
    int(mujoco.mjtGeom.mjGEOM_SPHERE): "sphere",
}


@dataclass(frozen=True)
class Chain:
    """What Arm needs of a model; see there."""

    links: tuple[Link, ...]
    tool_site: str
    tool_pos_m: Vec3
    tool_quat: Vec4
    home_rad: tuple[float, ...]
    notes: tuple[str, ...]


def read_chain(where: str, model: mujoco.MjModel, *, tool_site: str | None, urdf: Urdf | None) -> Chain:
    """The serial chain of a compiled model. where: what to call the file in sentences. urdf: given for a URDF."""
    found = Model(where, model, at_home(model), urdf)
    if not any(model.jnt_type == HINGE):
        raise BadRobot(f"{where} has no hinge joints; a cell needs an arm of at least {AXES}.")
    if urdf is None and model.nactuator == 0:
        servo = POSITION_SERVO.format(joint="...")
        raise BadRobot(f"{where} has no actuators; give every joint of the arm a position servo: {servo}.")
    tool = find_tool(found, tool_site)
    way = found.bodies_to(tool.body)
    hinges = [j for body in way for j in found.hinges_of(body)]
    _check_hinges(found, tool, way, hinges)
    carrier = _carriers(found, way)
    _check_serial(found, carrier, hinges)

    links = tuple(_link(found, body, carrier) for body in way if carrier[body] == body)
    base = int(carrier[tool.body])
    in_link = found.pose(base).inverse @ found.pose(tool.body) @ tool.pose
    notes = _notes(found, hinges, carrier)
    if tool_site is None:
        in_link, turned = turned_outwards(found, found.pose(base), in_link, hinges)
        if turned:
            notes.append(
                f"The z axis of {tool.name!r} does not point out of the flange, its {turned} axis does: that was taken."
            )
    return Chain(links, tool.name, vec3(in_link.pos), vec4(in_link.quat), _home(found, hinges), tuple(notes))


def _home(found: Model, hinges: list[int]) -> tuple[float, ...]:
    """The keyframe's angles, inside the ranges; without a keyframe the middle of the ranges."""
    low, high = found.model.jnt_range[hinges].T
    angles = found.home.qpos[found.model.jnt_qposadr[hinges]] if found.model.nkey else (low + high) / 2
    return tuple(float(a) for a in np.clip(angles, low, high))


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────


def _check_hinges(found: Model, tool: Tool, way: list[int], hinges: list[int]) -> None:
    if len(hinges) < AXES:
        names = ", ".join(found.joint_name(j) for j in hinges) or "none"
        raise BadRobot(
            f"{found.where} has {len(hinges)} hinge joints between its base and the tool at {tool.name!r} ({names}); "
            f"a cell needs at least {AXES}."
        )
    for body in way:
        if found.hinges_of(body) and len(found.hinges_of(body)) != len(found.joints_of(body)):
            raise BadRobot(
                f"{found.where} has hinges and other joints in the one link {found.body_name(body)!r}; "
                f"give each joint a link of its own."
            )
    endless = [found.joint_name(j) for j in hinges if not found.model.jnt_limited[j]]
    if endless:
        which = f"joint {endless[0]!r} has" if len(endless) == 1 else f"joints {', '.join(endless)} have"
        how = '<limit lower="-6.28" upper="6.28" .../>' if found.urdf else 'range="-6.28 6.28"'
        raise BadRobot(f"{found.where}: {which} no limits; give every joint of the arm a range, as {how} [rad].")


def _check_serial(found: Model, carrier: dict[int, int], hinges: list[int]) -> None:
    """No equality constraint may couple the chain's joints or close a loop between its links."""
    model = found.model
    for e in range(model.neq):
        ends = {int(model.eq_obj1id[e]), int(model.eq_obj2id[e])} - {-1}
        if model.eq_type[e] == mujoco.mjtEq.mjEQ_JOINT:
            couples = bool(ends & set(hinges))
        elif model.eq_objtype[e] == mujoco.mjtObj.mjOBJ_BODY:
            links = {carrier.get(b, 0) for b in ends}
            couples = len({link if found.hinges_of(link) else 0 for link in links}) > 1  # a fixed base is the world
        else:
            couples = False
        if couples:
            name = found.name(mujoco.mjtObj.mjOBJ_EQUALITY, e) or str(e)
            raise BadRobot(
                f"{found.where} couples joints or links of the arm (equality {name!r}); "
                f"a cell needs a serial arm, each joint with its own servo."
            )


# ── links, joints, servos ────────────────────────────────────────────────────────────────────────────────────────


def _carriers(found: Model, way: list[int]) -> dict[int, int]:
    """Which link each body belongs to: the last body above it that a hinge of the chain moves, or the base."""
    links = {way[0], *(b for b in way if found.hinges_of(b))}
    carrier: dict[int, int] = {}
    for body in range(1, found.model.nbody):  # parents come first
        above = carrier.get(int(found.model.body_parentid[body]))
        if body in links:
            carrier[body] = body
        elif above is not None:
            carrier[body] = above
    return carrier


def _link(found: Model, body: int, carrier: dict[int, int]) -> Link:
    model = found.model
    parent = int(model.body_parentid[body])
    hinges = found.hinges_of(body)
    if hinges:  # as given for the joints' reference, below whatever the parent body is part of
        own = Pose(model.body_pos[body].copy(), model.body_quat[body].copy())
        above = found.pose(carrier[parent]).inverse @ found.pose(parent) if parent in carrier else found.pose(parent)
        pose = above @ own
    else:
        pose = found.pose(body)
    members = [(b, found.pose(body).inverse @ found.pose(b)) for b, c in carrier.items() if c == body]
    mass, com, quat, inertia = _inertia(model, members)
    return Link(
        name=found.body_name(body),
        pos_m=vec3(pose.pos),
        quat=vec4(pose.quat),
        mass_kg=mass,
        com_m=vec3(com),
        inertia_kgm2=vec3(inertia),
        inertia_quat=vec4(quat),
        joints=tuple(_joint(found, j) for j in hinges),
        looks=_looks(found, members, carrier),
    )


def _inertia(
    model: mujoco.MjModel, members: list[tuple[int, Pose]]
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Mass, centre of mass, orientation of the principal axes and moments of bodies that move as one."""
    heavy = [
        (b, pose @ Pose(model.body_ipos[b].copy(), model.body_iquat[b].copy()))
        for b, pose in members
        if model.body_mass[b] > 0
    ]
    if not heavy:
        return 0.0, np.zeros(3), np.array([1.0, 0, 0, 0]), np.zeros(3)
    if len(heavy) == 1:
        b, own = heavy[0]
        return float(model.body_mass[b]), own.pos, own.quat, model.body_inertia[b].copy()
    mass = float(sum(model.body_mass[b] for b, _ in heavy))
    com = sum(model.body_mass[b] * own.pos for b, own in heavy) / mass
    tensor = np.zeros((3, 3))
    for b, own in heavy:  # parallel axes
        r = own.pos - com
        tensor += own.axes @ np.diag(model.body_inertia[b]) @ own.axes.T
        tensor += model.body_mass[b] * (r @ r * np.eye(3) - np.outer(r, r))
    moments, axes = np.linalg.eigh(tensor)
    axes[:, 2] *= np.sign(np.linalg.det(axes))  # right-handed
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, axes.ravel())
    return mass, com, quat, moments


def _joint(found: Model, joint: int) -> Joint:
    model = found.model
    name, dof, low_high = found.joint_name(joint), int(model.jnt_dofadr[joint]), model.jnt_range[joint]
    force = float(np.min(np.abs(model.jnt_actfrcrange[joint]))) if model.jnt_actfrclimited[joint] else np.inf
    if found.urdf is None:
        actuator, kp, kv, servo_force = _servo(found, joint)
        speed = ASSUMED_SPEED_RAD_S
    else:
        actuator, kp, kv, servo_force = name, 0.0, 0.0, np.inf  # the gains follow from the whole arm
        speed = found.urdf.speed_rad_s.get(name, ASSUMED_SPEED_RAD_S)
        if not np.isfinite(force):
            raise BadRobot(f'{found.where}: joint {name!r} has no effort limit; give it <limit effort="..."/> [N m].')
    return Joint(
        name=name,
        actuator=actuator,
        axis=vec3(model.jnt_axis[joint]),
        low_rad=float(low_high[0]),
        high_rad=float(low_high[1]),
        kp_nm_rad=kp,
        kv_nms_rad=kv,
        force_nm=min(force, servo_force),
        speed_rad_s=speed,
        anchor_m=vec3(model.jnt_pos[joint]),
        damping_nms_rad=tuple(float(c) for c in (model.dof_damping[dof], *np.atleast_1d(model.dof_dampingpoly[dof]))),
        frictionloss_nm=float(model.dof_frictionloss[dof]),
        armature_kgm2=float(model.dof_armature[dof]),
        stiffness_nm_rad=float(model.jnt_stiffness[joint]),
        spring_rad=float(model.qpos_spring[model.jnt_qposadr[joint]]),
        reference_rad=float(model.qpos0[model.jnt_qposadr[joint]]),
    )


def _servo(found: Model, joint: int) -> tuple[str, float, float, float]:
    """Name, kp [N m/rad], kv [N m s/rad] and largest torque [N m] of a joint's position servo, seen from the joint.

    Seen from the joint: a gear enters squared, and a ctrl in other units than the joint's angle becomes the angle.
    """
    model, joint_name = found.model, found.joint_name(joint)
    drives = _drives(model, joint)
    remedy = f"give it one position servo: {POSITION_SERVO.format(joint=joint_name)}"
    if len(drives) != 1:
        has = "no actuator" if not drives else f"{len(drives)} actuators"
        raise BadRobot(f"{found.where}: joint {joint_name!r} has {has}; {remedy}.")
    i = drives[0]
    name = found.name(mujoco.mjtObj.mjOBJ_ACTUATOR, i) or f"servo_{joint_name}"
    kind = _kind_of_drive(model, i)
    if kind != "position servo":
        raise BadRobot(
            f"{found.where}: joint {joint_name!r} is driven by a {kind} ({name!r}), "
            f"but a cell commands angles; {remedy}."
        )
    gear, bias = float(model.actuator_gear[i, 0]), model.actuator_biasprm[i]
    force = float(np.min(np.abs(model.actuator_forcerange[i]))) if model.actuator_forcelimited[i] else np.inf
    return name, -float(bias[1]) * gear**2, max(0.0, -float(bias[2])) * gear**2, force * abs(gear)


def _drives(model: mujoco.MjModel, joint: int) -> list[int]:
    """The actuators that act on a joint."""
    ids = range(model.nactuator)
    return [
        i for i in ids if int(model.actuator_trntype[i]) in _THROUGH_JOINT and int(model.actuator_trnid[i, 0]) == joint
    ]


def _kind_of_drive(model: mujoco.MjModel, i: int) -> str:
    gain, bias, filtered = model.actuator_gaintype[i], model.actuator_biastype[i], model.actuator_dyntype[i]
    if filtered == mujoco.mjtDyn.mjDYN_INTEGRATOR:
        return "velocity servo"
    if gain == mujoco.mjtGain.mjGAIN_FIXED and bias == mujoco.mjtBias.mjBIAS_NONE:
        return "torque motor"
    if gain == mujoco.mjtGain.mjGAIN_FIXED and bias == mujoco.mjtBias.mjBIAS_AFFINE:
        return "position servo" if model.actuator_biasprm[i, 1] < 0 else "velocity servo"
    return mujoco.mjtGain(gain).name.removeprefix("mjGAIN_").lower() + " actuator"


def _notes(found: Model, hinges: list[int], carrier: dict[int, int]) -> list[str]:
    model, notes = found.model, []
    elsewhere = [j for j in range(model.njnt) if j not in hinges and int(model.jnt_bodyid[j]) in carrier]
    if elsewhere:
        notes.append(f"Locked where the model's home has them: {', '.join(found.joint_name(j) for j in elsewhere)}.")
    slow = [j for j in hinges if found.urdf is None or found.joint_name(j) not in found.urdf.speed_rad_s]
    if slow:
        notes.append(f"The model states no joint speeds: {ASSUMED_SPEED_RAD_S} rad/s is assumed.")
    if found.urdf is None:
        strong = [j for j in hinges if np.isinf(_servo(found, j)[3]) and not model.jnt_actfrclimited[j]]
        if strong:
            notes.append(
                f"The model states no largest torque: {', '.join(found.joint_name(j) for j in strong)} have none."
            )
        if any(model.actuator_dyntype[i] != mujoco.mjtDyn.mjDYN_NONE for j in hinges for i in _drives(model, j)):
            notes.append("The servos' command filters are left out: a cell has its own latency.")
    return notes


# ── looks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _looks(found: Model, members: list[tuple[int, Pose]], carrier: dict[int, int]) -> tuple[Look, ...]:
    """Every geom that MuJoCo would draw; where a model draws none at all, every geom."""
    model = found.model
    drawable = [g for g in range(model.ngeom) if int(model.geom_bodyid[g]) in carrier and model.geom_type[g] in _KINDS]
    visible = [g for g in drawable if model.geom_group[g] < VISIBLE_GROUPS] or drawable
    pose_of = dict(members)
    looks = []
    for g in visible:
        if int(model.geom_bodyid[g]) not in pose_of:
            continue
        pose = pose_of[int(model.geom_bodyid[g])] @ Pose(model.geom_pos[g].copy(), model.geom_quat[g].copy())
        kind = _KINDS[model.geom_type[g]]
        rgba, material = model.geom_rgba[g], int(model.geom_matid[g])
        if material >= 0 and np.allclose(rgba, UNSET_RGBA):
            rgba = model.mat_rgba[material]
        mesh = _mesh(found, int(model.geom_dataid[g])) if kind == "mesh" else None
        looks.append(Look(kind, vec3(model.geom_size[g]), vec3(pose.pos), vec4(pose.quat), vec4(rgba), mesh))
    return tuple(looks)


def _mesh(found: Model, mesh: int) -> Mesh:
    model = found.model
    vertices = slice(model.mesh_vertadr[mesh], model.mesh_vertadr[mesh] + model.mesh_vertnum[mesh])
    normals = slice(model.mesh_normaladr[mesh], model.mesh_normaladr[mesh] + model.mesh_normalnum[mesh])
    faces = slice(model.mesh_faceadr[mesh], model.mesh_faceadr[mesh] + model.mesh_facenum[mesh])
    return Mesh(
        name=found.name(mujoco.mjtObj.mjOBJ_MESH, mesh) or f"mesh{mesh}",
        vertices=model.mesh_vert[vertices].copy(),
        faces=model.mesh_face[faces].copy(),
        normals=model.mesh_normal[normals].copy(),
        normal_faces=model.mesh_facenormal[faces].copy(),
    )
