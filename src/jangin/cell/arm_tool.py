"""The tool frame of a model: the site or link that a cell fastens its tool to, with its z axis out of the flange.

    tool = find_tool(found, None)                        # by the usual names, or the only site, or a URDF's last link
    frame, turned = turned_outwards(found, link, frame, hinges)

Raises: BadRobot, listing what there is, when no site or link can be told to be the tool's.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from jangin.cell.arm_model import Model, Pose
from jangin.errors import BadRobot, nearest

__all__ = ["Tool", "find_tool", "turned_outwards"]

FLAG = "--task.tool-site"
USUAL_NAMES = ("attachment_site", "attachment", "tool0", "flange", "ee_link", "link_ee", "link_eef", "tool", "tcp")


@dataclass(frozen=True)
class Tool:
    """A tool frame: its name, the body it is fixed to, its pose there."""

    name: str
    body: int
    pose: Pose


def find_tool(found: Model, wanted: str | None) -> Tool:
    """The tool frame: the site or body called `wanted`, or the one that the model leaves no doubt about."""
    model = found.model
    sites = {found.name(mujoco.mjtObj.mjOBJ_SITE, s): s for s in range(model.nsite) if model.site_bodyid[s] != 0}
    bodies = {found.body_name(b): b for b in range(1, model.nbody)}
    sites.pop("", None)

    def at_site(name: str) -> Tool:
        s = sites[name]
        return Tool(name, int(model.site_bodyid[s]), Pose(model.site_pos[s].copy(), model.site_quat[s].copy()))

    def at_body(name: str) -> Tool:
        return Tool(name, bodies[name], Pose(np.zeros(3), np.array([1.0, 0, 0, 0])))

    if wanted is not None:
        if wanted not in sites and wanted not in bodies:
            hint = nearest(wanted, [*sites, *bodies])
            did = f" Did you mean {hint!r}?" if hint else ""
            have = f"It has the sites: {', '.join(sites)}." if sites else f"It has the links: {', '.join(bodies)}."
            raise BadRobot(f"{found.where} has no site or link {wanted!r} for the tool.{did} {have}")
        return at_site(wanted) if wanted in sites else at_body(wanted)
    usual = _usual(list(sites)) or list(sites)
    if len(usual) == 1:
        return at_site(usual[0])
    if not sites and found.urdf is not None:
        usual = _usual(list(bodies)) or _last_links(found)
        if len(usual) > 1:
            raise BadRobot(
                f"{found.where} ends in several links ({', '.join(usual)}); name the one at the flange with {FLAG}."
            )
        return at_body(usual[0])
    have = f"it has the sites {', '.join(sites)}: name the one" if sites else "it has no site at all: name the link"
    raise BadRobot(
        f"{found.where} has no tool site; {have} at the flange with {FLAG}, "
        f'or add <site name="attachment_site"/> there, z axis out of the flange.'
    )


def _usual(names: list[str]) -> list[str]:
    """Those that bear the first of the usual names that occurs: alone, else after a prefix ("left_tool0")."""
    for usual in USUAL_NAMES:
        if usual in names:
            return [usual]
        prefixed = [n for n in names if n.endswith(("_" + usual, "/" + usual))]
        if prefixed:
            return prefixed
    return []


def _last_links(found: Model) -> list[str]:
    """The bodies after the most hinges."""
    count = {b: sum(len(found.hinges_of(a)) for a in found.bodies_to(b)) for b in range(1, found.model.nbody)}
    return [found.body_name(b) for b, n in count.items() if n == max(count.values()) and found.hinges_of(b)]


def turned_outwards(found: Model, link: Pose, tool: Pose, hinges: list[int]) -> tuple[Pose, str]:
    """The tool frame with its z axis out of the flange, and which of its axes that was ("" if it was z already).

    Out is along the last joint's axis, away from the joint before it. Conventions differ: a `tool0` has z there, a
    ROS-Industrial `flange` or an `ee_link` has x. A frame that lies across or askew is left as it is.
    """
    axis, before = found.home.xaxis[hinges[-1]], found.home.xanchor[hinges[-2]]
    world = link @ tool
    distance = float((world.pos - before) @ axis)
    if abs(distance) < 1e-3:
        return tool, ""
    along = world.axes.T @ axis * np.sign(distance)  # how far the frame's x, y and z axis point out, -1 to 1
    outward = next((k for k in (2, 0, 1) if abs(along[k]) > 0.9), None)
    if outward is None or (outward == 2 and along[2] > 0):
        return tool, ""
    sign = np.sign(along[outward])
    turn = np.eye(3)[:, [(outward + 1) % 3, (outward + 2) % 3, outward]] * np.array([1.0, sign, sign])
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, turn.ravel())
    return tool @ Pose(np.zeros(3), quat), ("-" if sign < 0 else "") + "xyz"[outward]
