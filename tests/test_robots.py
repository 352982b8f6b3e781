"""Arms: what every registered one promises, the UR5e against its references, poses against geometry."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import mujoco
import numpy as np
import pytest

from arms import inertia, posed, samples, tool_of
from jangin import registry
from jangin.cell import arm_pose
from jangin.cell.arm import Arm, Joint, Link, load_arm, manipulability, reach_m, solve_home
from jangin.cell.robots.ur5e import UR5E
from jangin.errors import BadRobot

SHARED = Path(__file__).parents[2] / "shared" / "data" / "robots"
MENAGERIE = SHARED / "menagerie"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the reference robots lie in ../shared, which is not here"
)

DOWN = (0.0, 0.0, -1.0)


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
    """Published DH lengths: d1 162.5, a2 -425, a3 -392.2, d4 133.3, d5 99.7, d6 99.6 mm; ours are rounded."""
    a, d = (0, -0.425, -0.3922, 0, 0, 0), (0.1625, 0, 0, 0.1333, 0.0997, 0.0996)
    alpha = (np.pi / 2, 0, 0, np.pi / 2, -np.pi / 2, 0)
    base = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])  # our base is turned by a quarter against the maker's
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
    """1 / diag(J K^-1 J^T) half a metre in front of the arm: 10 to 25 N/mm."""
    kp = np.array([j.kp_nm_rad for j in UR5E.joints])
    chain = arm_pose._Chain(UR5E)
    chain.go(solve_home(UR5E, (0.5, 0.0, 0.2)))
    j = chain.jacobian()[:3]
    stiffness = 1 / np.diag(j @ np.diag(1 / kp) @ j.T)
    assert 9.5e3 < stiffness.min() < 10.5e3
    assert 23e3 < stiffness.max() < 25e3


def test_identity_of_a_built_in_arm_is_its_numbers_and_not_its_looks():
    links, replace = UR5E.links, dataclasses.replace
    plain = tuple(replace(link, looks=()) for link in links)
    assert replace(UR5E, name="mine", links=plain, source="mine").sha256 == UR5E.sha256
    others = [
        replace(UR5E, links=(*links[:-1], replace(links[-1], mass_kg=0.188))),
        replace(UR5E, links=(*links[:-1], replace(links[-1], joints=(replace(links[-1].joints[0], kv_nms_rad=31.0),)))),
        replace(UR5E, tool_pos_m=(0.0, 0.1001, 0.0)),
        replace(UR5E, home_rad=(0.0,) * 6),
    ]
    assert len({UR5E.sha256, *(other.sha256 for other in others)}) == 5


# ── poses ────────────────────────────────────────────────────────────────────────────────────────────────────────


PLACES = [(0.5, 0.0, 0.3), (0.5, 0.0, 0.1), (-0.4, 0.3, 0.2), (0.35, 0.1, 0.05), (0.3, -0.5, 0.4), (0.8, 0.0, 0.1)]


@pytest.mark.parametrize("place", PLACES)
def test_home_puts_the_tool_there_pointing_down_with_the_elbow_up(place):
    q = solve_home(UR5E, place)
    where, turn = tool_of(UR5E, q)
    np.testing.assert_allclose(where, place, rtol=0, atol=1e-7)
    np.testing.assert_allclose(turn[:, 2], DOWN, rtol=0, atol=1e-6)
    assert np.all(q >= UR5E.low_rad + 0.1)
    assert np.all(q <= UR5E.high_rad - 0.1)
    assert np.max(np.abs(q - UR5E.home_rad)) < np.pi  # not a turn away
    data = posed(UR5E.spec(looks=False).compile(), q)
    elbow, shoulder, wrist = (
        data.joint("elbow").xanchor,
        data.joint("shoulder_lift").xanchor,
        data.joint("wrist_1").xanchor,
    )
    assert elbow[2] > (shoulder[2] + wrist[2]) / 2


def test_home_takes_any_direction():
    rng = np.random.default_rng(3)
    for _ in range(10):
        direction = rng.normal(size=3) + (1.0, 0.0, -1.0)  # away from the base and down, more or less
        q = solve_home(UR5E, (0.45, 0.1, 0.35), direction)
        where, turn = tool_of(UR5E, q)
        np.testing.assert_allclose(where, (0.45, 0.1, 0.35), rtol=0, atol=1e-7)
        np.testing.assert_allclose(turn[:, 2], direction / np.linalg.norm(direction), rtol=0, atol=1e-6)


def test_home_is_the_same_bits_every_time():
    np.testing.assert_array_equal(solve_home(UR5E, PLACES[0]), solve_home(UR5E, PLACES[0]))


def test_a_place_beyond_reach_is_refused_with_both_distances():
    with pytest.raises(BadRobot) as caught:
        solve_home(UR5E, (1.2, 0, 0))
    assert str(caught.value) == (
        "ur5e cannot reach (1.2, 0, 0) m: that is 1.22 m from its shoulder, and it reaches 0.96 m; "
        "move the work nearer."
    )


def test_a_place_the_arm_cannot_point_at_is_refused():
    with pytest.raises(BadRobot) as caught:
        solve_home(UR5E, (0.0, 0.05, 0.05))  # inside its own base
    assert str(caught.value) == (
        "ur5e cannot hold its tool at (0, 0.05, 0.05) m along (0, 0, -1) with its joints 0.1 rad inside their "
        "ranges; move the work to where the arm has room."
    )


def test_a_place_that_only_a_singular_pose_reaches_is_refused():
    """Straight up to the end of the reach: the elbow has to be straight."""
    shoulder = arm_pose.shoulder_m(UR5E)
    chain = arm_pose._Chain(UR5E)
    chain.go((0, -np.pi / 2, 0, -np.pi / 2, -np.pi / 2, 0))  # arm and forearm straight up, tool to the side
    with pytest.raises(BadRobot) as caught:
        solve_home(UR5E, chain.tool, chain.out)
    assert str(caught.value).startswith("ur5e can only in a singular pose hold its tool at (")
    assert shoulder[2] == pytest.approx(0.163)


def test_manipulability_vanishes_exactly_at_the_singular_poses():
    """A UR arm is singular with the elbow straight, or with the wrist axes aligned (wrist 2 at 0 or pi)."""
    q = np.array(solve_home(UR5E, PLACES[0]))
    assert manipulability(UR5E, q) > 1e-3
    for joint, angle in ((2, 0.0), (4, 0.0), (4, np.pi)):
        singular = q.copy()
        singular[joint] = angle
        assert manipulability(UR5E, singular) < 1e-9


def straight_arm(lengths, ranges):
    """Hinges about y in one plane, links along z: the tool is as far from the shoulder as a folding rule can be."""
    links = [Link("base", (0, 0, 0), (1, 0, 0, 0), 1.0, (0, 0, 0), (1, 1, 1))]
    for k, (length, (low, high)) in enumerate(zip((0.0, *lengths), ranges)):
        joint = Joint(f"j{k}", f"a{k}", (0, 1, 0), low, high, 100.0, 10.0, 50.0, 1.0)
        links.append(Link(f"l{k}", (0, 0, length), (1, 0, 0, 0), 1.0, (0, 0, 0), (0.01,) * 3, joints=(joint,)))
    home = tuple((low + high) / 2 for low, high in ranges)
    return Arm("rule", tuple(links), "tool", (0, 0, lengths[-1]), (1, 0, 0, 0), home, "test", "none")


def test_reach_of_a_folding_rule_is_its_length():
    lengths = (0.3, 0.25, 0.2, 0.1, 0.1, 0.05)  # the first lies between joints one and two
    arm = straight_arm(lengths, [(-3.0, 3.0)] * 6)
    assert reach_m(arm) == pytest.approx(sum(lengths[1:]), abs=1e-9)


def test_reach_respects_the_ranges():
    """An elbow that bends between 90 and 150 degrees: the law of cosines at 90."""
    lengths, still = (0.3, 0.4, 0.3, 0.0, 0.0, 0.0), (-1e-9, 1e-9)
    arm = straight_arm(lengths, [(-3, 3), (-3, 3), (np.pi / 2, np.deg2rad(150)), still, still, still])
    assert reach_m(arm) == pytest.approx(np.hypot(0.4, 0.3), abs=1e-6)


def test_reach_is_an_upper_bound_that_poses_come_near():
    chain = arm_pose._Chain(UR5E)
    far = 0.0
    for q in samples(UR5E, 5000):
        chain.go(q)
        far = max(far, float(np.linalg.norm(chain.tool - chain.anchors[1])))
    assert far <= reach_m(UR5E) + 1e-9
    assert far > 0.97 * reach_m(UR5E)


def test_an_arm_whose_home_is_outside_its_ranges_is_refused():
    with pytest.raises(BadRobot) as caught:
        dataclasses.replace(UR5E, home_rad=(0, 0, 4.0, 0, 0, 0))
    assert str(caught.value) == (
        "ur5e has joint 'elbow' at 4 rad in its home, outside the joint's range of -3.142 to 3.142 rad."
    )
    with pytest.raises(BadRobot, match=r"^ur5e has 6 joints, but 2 angles as its home\.$"):
        dataclasses.replace(UR5E, home_rad=(0.0, 0.0))
