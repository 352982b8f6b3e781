"""Arms: the built-in one against its reference, files against what they hold, poses against geometry, refusals word for word."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import shutil
from pathlib import Path

import mujoco
import numpy as np
import pytest

from jangin import registry
from jangin.cell import arm_menagerie, arm_pose, arm_urdf
from jangin.cell.arm import Arm, Joint, Link, load_arm, manipulability, numbers_sha256, reach_m, solve_home
from jangin.cell.arm_chain import ASSUMED_SPEED_RAD_S
from jangin.cell.robots.ur5e import UR5E
from jangin.errors import BadRobot, MissingExtra, UnknownName

SHARED = Path(__file__).parents[2] / "shared" / "data" / "robots"
MENAGERIE = SHARED / "menagerie"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the reference robots lie in ../shared, which is not here")

DOWN = (0.0, 0.0, -1.0)


# ── instruments ──────────────────────────────────────────────────────────────────────────────────────────────────


def posed(model, q, dq=None):
    """Data with the first joints at q, everything derived up to date."""
    data = mujoco.MjData(model)
    data.qpos[: len(q)] = q
    if dq is not None:
        data.qvel[: len(dq)] = dq
    mujoco.mj_forward(model, data)
    return data


def inertia(model, data):
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    return full


def tool_of(arm, q):
    """Position (3,) and rotation (3, 3) of the tool frame."""
    model = arm.spec(looks=False).compile()
    data = posed(model, q)
    site = model.site(arm.tool_site).id
    return data.site_xpos[site].copy(), data.site_xmat[site].reshape(3, 3).copy()


def samples(arm, n, seed=0):
    return np.random.default_rng(seed).uniform(arm.low_rad, arm.high_rad, (n, len(arm.joints)))


def refused(path, **options):
    with pytest.raises(BadRobot) as caught:
        load_arm(str(path), **options)
    return str(caught.value).replace(str(path), "FILE")


# ── every registered arm keeps the promises of jangin.cell.arm ───────────────────────────────────────────────────


@pytest.fixture(scope="module", params=[entry.name for entry in registry.names("robots")])
def arm(request):
    return load_arm(request.param)


def test_registered_arms_are_arms(arm):
    assert isinstance(arm, Arm)
    assert registry.find("robots", arm.name) is arm
    assert len(arm.joints) >= 6
    assert len(arm.sha256) == 64


def test_compiled_arm_has_the_joints_and_servos_in_order_and_nothing_else(arm):
    model = arm.spec().compile()
    n = len(arm.joints)
    assert model.nq == model.nv == model.nu == n
    assert tuple(model.joint(k).name for k in range(n)) == arm.joint_names
    assert tuple(model.actuator(k).name for k in range(n)) == arm.actuator_names
    assert [model.actuator_trnid[k, 0] for k in range(n)] == list(range(n))
    assert np.all(model.jnt_type == mujoco.mjtJoint.mjJNT_HINGE)
    assert np.all(model.jnt_limited)
    np.testing.assert_allclose(model.jnt_range, np.stack([arm.low_rad, arm.high_rad], 1), rtol=0, atol=1e-12)
    assert (model.nlight, model.nkey, model.nsensor, model.npair, model.nexclude, model.neq) == (0,) * 6
    assert np.all(model.body_gravcomp[1:] == 1)


def test_geoms_weigh_nothing_and_touch_nothing(arm):
    seen, bare = arm.spec().compile(), arm.spec(looks=False).compile()
    assert seen.ngeom > 0
    assert bare.ngeom == 0
    assert np.all(seen.geom_contype == 0)
    assert np.all(seen.geom_conaffinity == 0)
    np.testing.assert_array_equal(seen.body_mass, bare.body_mass)
    np.testing.assert_array_equal(seen.body_inertia, bare.body_inertia)
    folded = np.clip(np.full(len(arm.joints), 2.5), arm.low_rad, arm.high_rad)  # the arm runs through itself
    assert posed(seen, folded).ncon == 0


def test_servo_is_the_closed_form(arm):
    model = arm.spec(looks=False).compile()
    rng = np.random.default_rng(1)
    kp = np.array([j.kp_nm_rad for j in arm.joints])
    kv = np.array([j.kv_nms_rad for j in arm.joints])
    for q in samples(arm, 20):
        data = mujoco.MjData(model)
        data.qpos[:], data.qvel[:] = q, rng.normal(0, 0.3, len(q))
        data.ctrl[:] = np.clip(q + rng.normal(0, 0.03, len(q)), arm.low_rad, arm.high_rad)
        mujoco.mj_forward(model, data)
        torque = np.clip(kp * (data.ctrl - q) - kv * data.qvel, -arm.force_nm, arm.force_nm)
        np.testing.assert_allclose(data.qfrc_actuator, torque, rtol=1e-12, atol=1e-12)


def test_gravity_is_compensated_so_the_arm_stays_where_it_is_told(arm):
    model = arm.spec(looks=False).compile()
    data = posed(model, arm.home_rad)
    data.ctrl[:] = arm.home_rad
    mujoco.mj_step(model, data, 500)
    np.testing.assert_allclose(data.qpos, arm.home_rad, rtol=0, atol=1e-9)


def test_a_tool_fastened_at_the_site_points_out_of_the_flange(arm):
    spec = arm.spec(looks=False)
    site = spec.site(arm.tool_site)
    tool = site.parent.add_body(name="tool", pos=site.pos, quat=site.quat, mass=1.0, inertia=[0.01] * 3)
    tool.explicitinertial = True
    tool.add_joint(name="pad", type=mujoco.mjtJoint.mjJNT_SLIDE)
    spec.worldbody.add_body(name="fixture", mocap=True)
    model = spec.compile()
    assert [model.joint(k).name for k in range(model.nq)] == [*arm.joint_names, "pad"]
    for q in samples(arm, 5):
        data = posed(model, q)
        where, turn = tool_of(arm, q)
        np.testing.assert_allclose(data.body("tool").xpos, where, atol=1e-12)
        np.testing.assert_allclose(data.body("tool").xmat.reshape(3, 3), turn, atol=1e-12)
        last, before = len(arm.joints) - 1, len(arm.joints) - 2
        assert turn[:, 2] @ data.xaxis[last] * np.sign(data.xaxis[last] @ (where - data.xanchor[before])) > 0.999


def test_specs_are_fresh_and_in_radians(arm):
    first, second = arm.spec(), arm.spec()
    first.body(arm.links[-1].name).add_body(name="tool")
    assert second.body("tool") is None
    joint = second.worldbody.add_body(name="b", mass=1, inertia=[1, 1, 1]).add_joint(range=[-1.0, 1.0])
    second.compile()
    np.testing.assert_allclose(second.compile().joint(joint.id).range, [-1, 1])


def test_arm_is_a_value(arm):
    again = pickle.loads(pickle.dumps(arm))
    assert again == arm
    assert again.spec().to_xml() == arm.spec().to_xml()


# ── the UR5e ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def reference():
    spec = mujoco.MjSpec.from_file(str(SHARED / "reference" / "ur5e.xml"))
    for geom in [g for g in spec.geoms if g.type == mujoco.mjtGeom.mjGEOM_MESH]:
        spec.delete(geom)
    for mesh in list(spec.meshes):
        spec.delete(mesh)
    return spec.compile()


@needs_shared
def test_ur5e_agrees_with_the_reference_in_kinematics_and_inertia(reference):
    ours = UR5E.spec().compile()
    theirs_of = [reference.body(ours.body(b).name).id for b in range(ours.nbody)]
    for q in samples(UR5E, 200):
        a, b = posed(ours, q), posed(reference, q)
        np.testing.assert_allclose(a.xpos, b.xpos[theirs_of], rtol=0, atol=1e-6)
        np.testing.assert_allclose(a.xmat, b.xmat[theirs_of], rtol=0, atol=1e-6)
        np.testing.assert_allclose(a.site(UR5E.tool_site).xpos, b.site("attachment_site").xpos, rtol=0, atol=1e-6)
        np.testing.assert_allclose(a.site(UR5E.tool_site).xmat, b.site("attachment_site").xmat, rtol=0, atol=1e-6)
        np.testing.assert_allclose(inertia(ours, a), inertia(reference, b), rtol=0, atol=1e-6)


def dh(a, d, alpha, q):
    ca, sa, c, s = np.cos(alpha), np.sin(alpha), np.cos(q), np.sin(q)
    return np.array([[c, -s * ca, s * sa, a * c], [s, c * ca, -c * sa, a * s], [0, sa, ca, d], [0, 0, 0, 1]])


def test_ur5e_is_the_published_chain_to_a_millimetre():
    """Published DH parameters: d1 162.5, a2 -425, a3 -392.2, d4 133.3, d5 99.7, d6 99.6 mm."""
    a, d = (0, -0.425, -0.3922, 0, 0, 0), (0.1625, 0, 0, 0.1333, 0.0997, 0.0996)
    alpha = (np.pi / 2, 0, 0, np.pi / 2, -np.pi / 2, 0)
    base = np.diag([-1.0, -1.0, 1.0])  # the model's base is turned by a quarter turn against the maker's, its zero by another
    gaps = []
    for q in samples(UR5E, 50):
        pose = np.eye(4)
        for k in range(6):
            pose = pose @ dh(a[k], d[k], alpha[k], q[k])
        gaps.append(np.linalg.norm(tool_of(UR5E, q)[0] - base @ pose[:3, 3]))
    assert max(gaps) < 0.0015


def test_ur5e_numbers():
    assert sum(link.mass_kg for link in UR5E.links) == pytest.approx(4 + 3.7 + 8.393 + 2.275 + 1.219 + 1.219 + 0.1879)
    assert [(j.kp_nm_rad, j.kv_nms_rad, j.force_nm) for j in UR5E.joints] == [
        (4000, 300, 150),
        (4000, 300, 150),
        (4000, 250, 150),
        (1200, 60, 28),
        (1200, 60, 28),
        (600, 30, 28),
    ]
    np.testing.assert_array_equal(UR5E.speed_rad_s, np.full(6, np.pi))
    np.testing.assert_allclose(UR5E.high_rad / np.pi, [2, 2, 1, 2, 2, 2])
    model = UR5E.spec(looks=False).compile()
    assert (model.nbody, model.njnt, model.ngeom, model.nsite) == (8, 6, 0, 1)


def test_ur5e_inertias_are_those_of_solid_cylinders():
    """m r^2 / 2 about the axis and m (3 r^2 + h^2) / 12 across; r and h of each link in metres."""
    sizes = [(0.06, 0.05), (0.06, 0.15), (0.06, 0.425), (0.06, 0.392), (0.06, 0.12), (0.06, 0.12), (0.0375, 0.0458)]
    for link, (r, h) in zip(UR5E.links, sizes):
        along, across = link.mass_kg * r**2 / 2, link.mass_kg * (3 * r**2 + h**2) / 12
        np.testing.assert_allclose(sorted(link.inertia_kgm2), sorted([along, across, across]), rtol=2e-3)


def test_ur5e_stiffness_at_the_flange_is_what_its_page_says():
    """(J K^-1 J^T)^-1 over a workspace in front of the arm: 8 to 11 N/mm in the plane of a hole."""
    kp = np.array([j.kp_nm_rad for j in UR5E.joints])
    chain = arm_pose._Chain(UR5E)
    for x in (0.4, 0.5, 0.6):
        chain.go(solve_home(UR5E, (x, 0.0, 0.2)))
        j = chain.jacobian()[:3]
        soft = np.linalg.inv(j @ np.diag(1 / kp) @ j.T)
        assert np.all(np.diag(soft) > 5e3)


def test_identity_of_a_built_in_arm_is_its_numbers_and_not_its_looks():
    links = UR5E.links
    same = tuple(dataclasses.replace(link, looks=()) for link in links)
    assert numbers_sha256(same, UR5E.tool_pos_m, UR5E.tool_quat) == UR5E.sha256
    heavier = (*links[:-1], dataclasses.replace(links[-1], mass_kg=0.188))
    assert numbers_sha256(heavier, UR5E.tool_pos_m, UR5E.tool_quat) != UR5E.sha256
    assert numbers_sha256(links, (0.0, 0.1001, 0.0), UR5E.tool_quat) != UR5E.sha256
