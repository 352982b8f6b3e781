"""What a URDF needs before and after MuJoCo reads it: found meshes before; servos and a home after.

    urdf = prepare(Path("arm.urdf"), root)               # XML that MuJoCo takes, files found, joint speeds, notes
    arm = completed(arm, servos=True, home=True)         # position servos and a home pose

Before. Mesh files are looked for beside the URDF, `package://` or not. A picture that is not there, or is in a format
MuJoCo does not read (.dae), is left out with a note: an arm moves without its pictures. Links keep their own frames.

After. The servo of a joint follows from its effort limit and from its inertia I at home, diagonal of the joint-space
inertia with a tool of 1 kg on the flange (a ball of 0.1 m radius, its centre 0.1 m out):
    kp = effort / 0.035 rad, so that the joint's whole torque is used at two degrees of error,
         but at most (500 rad/s)^2 I, so that steps of a millisecond resolve it;
    kv = 2 sqrt(kp I), critical damping.
"""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import mujoco
import numpy as np

from jangin.cell.arm_pose import reach_m, shoulder_m, solve_home
from jangin.errors import BadRobot
from jangin.task import Array

if TYPE_CHECKING:
    from jangin.cell.arm import Arm, Joint

__all__ = ["Urdf", "completed", "prepare"]

MESH_FORMATS = (".stl", ".obj", ".msh")
FULL_TORQUE_RAD = 0.035
FASTEST_RAD_S = 500.0
TOOL_KG, TOOL_RADIUS_M, TOOL_OUT_M = 1.0, 0.1, 0.1


@dataclass(frozen=True)
class Urdf:
    """A URDF made ready for MuJoCo.

    Attributes:
        xml: the text to compile.
        files: the URDF and the mesh files it uses.
        speed_rad_s: velocity limit by joint, where it states one.
        notes: what was left out.
    """

    xml: str
    files: set[Path]
    speed_rad_s: Mapping[str, float]
    notes: tuple[str, ...]


def prepare(path: Path, root: ElementTree.Element) -> Urdf:
    """The URDF at `path`, parsed as `root` (which is changed). Raises: BadRobot for a xacro template."""
    if any("xacro" in element.tag or "${" in " ".join(element.attrib.values()) for element in root.iter()):
        raise BadRobot(f"{path} is a xacro template; expand it first: xacro {path} > arm.urdf.")
    files, missing = {path}, []
    for link in root.iter("link"):
        for shape in [s for s in link if s.tag in ("visual", "collision")]:
            shape.attrib.pop("name", None)  # of no use here, and MuJoCo complains of repeated ones
            mesh = shape.find("geometry/mesh")
            if mesh is None:
                continue
            file = _beside(path.parent, mesh.get("filename", ""))
            if file is None:
                missing.append(mesh.get("filename", ""))
                link.remove(shape)
            else:
                files.add(file)
                mesh.set("filename", str(file.resolve()))
        if link.find("inertial") is not None and link.find("visual") is not None:
            for shape in link.findall("collision"):
                link.remove(shape)
    notes = (
        [f"Not drawn, as not found beside the file or not STL or OBJ: {', '.join(sorted(set(missing)))}."]
        if missing
        else []
    )
    _set_compiler(root)
    return Urdf(ElementTree.tostring(root, encoding="unicode"), files, _speeds(root), tuple(notes))


def _beside(folder: Path, reference: str) -> Path | None:
    """The mesh file a URDF means, looked for in its folder and, for package://NAME/..., in those above it too."""
    inner = reference.removeprefix("file://")
    places = [Path(inner) if Path(inner).is_absolute() else folder / inner]
    if reference.startswith("package://"):
        whole = Path(reference.removeprefix("package://"))
        inside = Path(*whole.parts[1:])
        absolute = folder.resolve()
        places = [
            folder / inside,
            *(above / part for above in (absolute, *absolute.parents) for part in (whole, inside)),
        ]
    places.append(folder / Path(inner).name)
    return next((p for p in places if p.is_file() and p.suffix.lower() in MESH_FORMATS), None)


def _set_compiler(root: ElementTree.Element) -> None:
    """Keep every link a body with a frame of its own, every picture, and the mesh paths as they are."""
    extension = root.find("mujoco")
    if extension is None:
        extension = ElementTree.SubElement(root, "mujoco")
    compiler = extension.find("compiler")
    if compiler is None:
        compiler = ElementTree.SubElement(extension, "compiler")
    compiler.attrib.pop("meshdir", None)
    compiler.attrib.update(fusestatic="false", discardvisual="false", strippath="false")


def _speeds(root: ElementTree.Element) -> dict[str, float]:
    speeds = {}
    for joint in root.iter("joint"):
        limit = joint.find("limit")
        try:
            speed = float(limit.get("velocity", "nan")) if limit is not None else np.nan
        except ValueError:
            continue  # MuJoCo names the line when it is a number it needs
        if speed > 0:
            speeds[joint.get("name", "")] = speed
    return speeds


def completed(arm: Arm, *, servos: bool, home: bool) -> Arm:
    """The arm with a home pose, where its model has none, and with servos, where its model has none."""
    if home:
        arm = _with_home(arm)
    return _with_servos(arm) if servos else arm


def _with_home(arm: Arm) -> Arm:
    """Home: the tool half the reach in front of the shoulder, pointing down; else the middle of the ranges."""
    in_front = shoulder_m(arm) + np.array([0.5 * reach_m(arm), 0.0, 0.0])
    try:
        home = solve_home(arm, in_front)
    except BadRobot:
        return dataclasses.replace(
            arm, notes=(*arm.notes, "The model has no home: it is the middle of the joint ranges.")
        )
    note = "The model has no home: it has the tool half the reach in front of the shoulder, pointing down."
    return dataclasses.replace(arm, home_rad=tuple(float(q) for q in home), notes=(*arm.notes, note))


def _with_servos(arm: Arm) -> Arm:
    """Position servos by the rule at the top of this file."""
    inertia = iter(_inertia_at_home(arm))

    def drive(joint: Joint) -> Joint:
        i = float(next(inertia))
        kp = min(joint.force_nm / FULL_TORQUE_RAD, FASTEST_RAD_S**2 * i)
        return dataclasses.replace(joint, kp_nm_rad=kp, kv_nms_rad=2.0 * float(np.sqrt(kp * i)))

    links = tuple(dataclasses.replace(link, joints=tuple(drive(j) for j in link.joints)) for link in arm.links)
    return dataclasses.replace(arm, links=links)


def _inertia_at_home(arm: Arm) -> Array:
    """Diagonal of the joint-space inertia (n,) [kg m^2] at home, with the tool of the rule on the flange."""
    spec = arm.spec(looks=False)
    site = spec.site(arm.tool_site)
    tool = site.parent.add_body(name="a tool", pos=site.pos, quat=site.quat)
    tool.explicitinertial = True
    tool.mass, tool.ipos = TOOL_KG, (0.0, 0.0, TOOL_OUT_M)
    tool.inertia = (0.4 * TOOL_KG * TOOL_RADIUS_M**2,) * 3
    model = spec.compile()
    data = mujoco.MjData(model)
    data.qpos[:] = arm.home_rad
    mujoco.mj_forward(model, data)
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    return full.diagonal().copy()
