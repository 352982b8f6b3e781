"""The closed-form contact against a slow twin, and the promises of jangin.cell.contact.

The twin is the definition in words: a block is a half-space with a bore, its corner rounded by rolling a ball of the
rim's radius along it; a peg is a cylinder rounded likewise. Both are a shrunken solid blown up by a ball, so the signed
distance is that of the shrunken solid's corner less the radius. The deepest point is looked for on fine grids.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys

import mujoco
import numpy as np
import pytest

from conftest import environment
from jangin.cell import contact

RADIUS, LENGTH = 0.008, 0.05


def built(clearance, edge, *, rim=None, swap=False, samples=8, options=None, joint="free"):
    """A peg on a free joint and a fixed hole, nothing else."""
    contact.install()
    spec = mujoco.MjSpec()
    spec.option.gravity = [0, 0, 0]
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_MIDPHASE)
    for name, value in (options or {}).items():
        setattr(spec.option, name, value)
    # MuJoCo hands a pair over in the order of the geoms' ids, that of the bodies
    bodies = {name: spec.worldbody.add_body(name=name) for name in (("hole", "peg") if swap else ("peg", "hole"))}
    peg, hole = bodies["peg"], bodies["hole"]
    if joint == "free":
        peg.add_freejoint()
    else:
        peg.add_joint(type=mujoco.mjtJoint.mjJNT_SLIDE, axis=joint)
        peg.quat = [0, 1, 0, 0]  # z down
    peg.explicitinertial = True
    peg.mass, peg.inertia = 0.2, [1e-4, 1e-4, 3e-5]
    contact.add_contact(
        spec,
        peg,
        hole,
        peg_radius_m=RADIUS,
        peg_length_m=LENGTH,
        edge_m=edge,
        hole_radius_m=RADIUS + 0.5 * clearance,
        rim_m=edge if rim is None else rim,
        samples=samples,
    )
    return spec.compile()


def pose(tip, axis, spin=0.0):
    """qpos of a free peg whose tip is at `tip` and whose axis, tip to tool, is `axis`; hole frame."""
    z = -axis
    x = np.cross([0.0, 1.0, 0.0], z)
    x /= np.linalg.norm(x)
    turn = np.array([[np.cos(spin), -np.sin(spin), 0], [np.sin(spin), np.cos(spin), 0], [0, 0, 1]])
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, (np.stack([x, np.cross(z, x), z], axis=1) @ turn).ravel())
    return np.concatenate([tip + LENGTH * axis, quat])


def axis_at(lean, towards):
    return np.array([np.sin(lean) * np.cos(towards), np.sin(lean) * np.sin(towards), np.cos(lean)])


def touch(model, data, qpos):
    data.qpos[:] = qpos
    data.userdata[:] = 0.0
    mujoco.mj_fwdPosition(model, data)
    return data.contact


# ── the slow twin ────────────────────────────────────────────────────────────────────────────────────────────────────


def blown_up_corner(u, w, r):
    """Signed distance to the corner {u <= 0, w <= 0} blown up by r; u, w: signed distances to its two sides."""
    return np.hypot(np.maximum(u, 0), np.maximum(w, 0)) + np.minimum(np.maximum(u, w), 0) - r


def block_distance(p, radius, rim):
    """Signed distance of points p (..., 3) to the block with the bore."""
    return blown_up_corner(radius + rim - np.hypot(p[..., 0], p[..., 1]), p[..., 2] + rim, rim)


def peg_distance(p, tip, axis, edge):
    """Signed distance of points p (..., 3) to the peg, as if it went on upwards."""
    along = (p - tip) @ axis
    across = np.linalg.norm((p - tip) - along[..., None] * axis, axis=-1)
    return blown_up_corner(across - (RADIUS - edge), edge - along, edge)


def least(f, n=3000):
    """Least value of f(phi) on a grid over the circle, then on a grid between the neighbours of its best point."""
    phi = 2 * np.pi * np.arange(n) / n
    best = phi[np.argmin(f(phi))]
    return f(best + np.linspace(-2, 2, n + 1) * 2 * np.pi / n).min()


def deepest(tip, axis, radius, rim, edge):
    """Least distance between peg and block: over the centre circle of the edge, and over that of the rim [m]."""
    e1 = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    e1 /= np.linalg.norm(e1)
    e2 = np.cross(axis, e1)

    def of_edge(phi):
        turn = np.cos(phi)[:, None] * e1 + np.sin(phi)[:, None] * e2
        return block_distance(tip + edge * axis + (RADIUS - edge) * turn, radius, rim) - edge

    def of_rim(phi):
        lip = np.stack([(radius + rim) * np.cos(phi), (radius + rim) * np.sin(phi), np.full(len(phi), -rim)], axis=1)
        return peg_distance(lip, tip, axis, edge) - rim

    return min(least(of_edge), least(of_rim))


def sample(rng, k, clearance):
    """A pose of each kind in turn: on the face, at the mouth, in the bore, deep in the bore and nearly upright."""
    kind = k % 4
    lean = rng.uniform(0, 0.052) * rng.choice([0.0, 0.1, 1.0])
    if kind == 3:
        lean *= 0.2
    offset = rng.uniform(0, 0.005) if kind == 0 else clearance * rng.uniform(0, 0.7)
    height = (rng.uniform(-2e-4, 2e-4), rng.uniform(-1e-3, 1e-4), rng.uniform(-0.02, 0), rng.uniform(-0.02, 0))[kind]
    at = rng.uniform(0, 2 * np.pi)
    tip = np.array([offset * np.cos(at), offset * np.sin(at), height])
    return tip, axis_at(lean, rng.uniform(0, 2 * np.pi)), rng.uniform(0, 2 * np.pi)


@pytest.fixture(scope="module")
def poses():
    """(model, data, clearance, edge, tip, axis, spin, distance by the twin) of 750 poses."""
    rng = np.random.default_rng(0)
    found = []
    for clearance, edge in ((1e-4, 4e-4), (2e-4, 5e-4), (6e-4, 4.5e-4)):
        model = built(clearance, edge)
        data = mujoco.MjData(model)
        for k in range(250):
            tip, axis, spin = sample(rng, k, clearance)
            true = deepest(tip, axis, RADIUS + 0.5 * clearance, edge, edge)
            found.append((model, data, clearance, edge, tip, axis, spin, true))
    return found


def test_deepest_distance_is_the_twins(poses):
    """To 1e-7 m up to two degrees of lean; beyond, the rim's nearest point is right to 3e-7 m. Overlap < 0.3 mm."""
    compared = 0
    for model, data, _, _, tip, axis, spin, true in poses:
        if true < -3e-4:
            continue  # no trial that deep is believed
        got = min((c.dist for c in touch(model, data, pose(tip, axis, spin))), default=np.inf)
        if true > 1e-7:
            assert got == np.inf
        elif true < -1e-7:
            assert abs(got - true) < (1e-7 if axis[2] > np.cos(0.035) else 3e-7), (tip, axis, got, true)
            compared += 1
    assert compared > 200


def test_every_contact_lies_on_both_surfaces_and_pushes_along_their_normal(poses):
    """Half the distance from a contact's point along its normal lie the two surfaces, and the normal is theirs.

    The edge is sampled as balls on its circle: a ball touches the edge only square to the circle, and lies inside it by
    edge (1 - cos) of the angle between; at a deepest point there is none.
    """
    checked = 0
    for model, data, clearance, edge, tip, axis, spin, true in poses:
        radius = RADIUS + 0.5 * clearance
        for c in touch(model, data, pose(tip, axis, spin)) if true > -3e-4 else ():
            push = -c.frame[:3]  # MuJoCo's normal points from geom 1, the peg, to geom 2, the hole
            on_block, on_peg = c.pos - 0.5 * c.dist * push, c.pos + 0.5 * c.dist * push
            assert abs(block_distance(on_block, radius, edge)) < 3e-8
            ball = on_peg + edge * push
            of_edge = abs((ball - tip) @ axis - edge) < 1e-9  # otherwise the rim touches the side
            along_circle = np.cross(axis, ball - tip) / np.linalg.norm(np.cross(axis, ball - tip))
            inside = edge * (1 - np.sqrt(1 - (push @ along_circle) ** 2))
            inside_side = edge * (1 - axis[2])  # where the bore pushes the ball straight sideways into a leaning side
            assert -inside - inside_side - 1e-9 < peg_distance(on_peg, tip, axis, edge) < 1e-9
            if of_edge and c.dist < true + 1e-8:
                assert inside < 1e-8
            slope = gradient(lambda p: block_distance(p, radius, edge), on_block + 1e-5 * push)  # noqa: B023
            np.testing.assert_allclose(slope, push, atol=1e-3 if of_edge else 5e-3)
            checked += 1
    assert checked > 500


def gradient(f, p, h=1e-7):
    return np.array([(f(p + h * e) - f(p - h * e)) / (2 * h) for e in np.eye(3)])


def test_contacts_go_to_the_pair_of_their_direction_and_never_exceed_its_room(poses):
    room = {"wall": contact.CAPACITY, "face": contact.FACE_KEPT}
    most = dict.fromkeys(room, 0)
    for model, data, *_, tip, axis, spin, _ in poses:
        count = dict.fromkeys(room, 0)
        for c in touch(model, data, pose(tip, axis, spin)):
            name = model.geom(c.geom1).name.removeprefix("peg_")
            steep = abs(c.frame[2]) > contact.FACE_NORMAL
            assert steep == (name == "face")
            count[name] += 1
        for name, n in count.items():
            assert n <= room[name]
            most[name] = max(most[name], n)
    assert most["face"] == contact.FACE_KEPT
    assert most["wall"] >= 2


def test_an_upright_peg_on_the_flat_stands_on_four_points_and_one_in_the_bore_touches_one_side():
    model = built(4e-4, 4e-4)
    data = mujoco.MjData(model)
    up = np.array([0.0, 0.0, 1.0])
    found = touch(model, data, pose(np.array([0.03, 0, -2e-5]), up))
    assert len(found) == contact.FACE_KEPT
    np.testing.assert_allclose([c.dist for c in found], -2e-5, atol=1e-12)
    side = touch(model, data, pose(np.array([2.1e-4, 0, -0.01]), up))
    np.testing.assert_allclose([c.dist for c in side], -1e-5, atol=1e-10)
    for c in side:
        np.testing.assert_allclose(c.frame[:3], [1, 0, 0], atol=1e-9)


def test_of_the_points_of_a_leaning_peg_on_the_flat_the_deepest_are_kept():
    """Eight points, turned to the lowest, are candidates, height - ring sin(lean) cos(phi) each; four are kept."""
    edge, lean, deep = 4e-4, 0.01, -1e-4
    model = built(2e-4, edge)
    middle = edge * np.cos(lean) - edge  # of the edge's circle above the flat, less the edge
    drop = (RADIUS - edge) * np.sin(lean) * np.cos(2 * np.pi * np.arange(8) / 8)
    candidates = np.sort(middle - drop)
    for height, touching in ((deep, contact.FACE_KEPT), (2e-5, 3)):
        found = touch(model, mujoco.MjData(model), pose(np.array([0.03, 0.01, height]), axis_at(lean, 0.7)))
        np.testing.assert_allclose(sorted(c.dist for c in found), candidates[:touching] + height, atol=1e-9)


@pytest.mark.parametrize("degrees", [5, 30, 44, 47, 60, 85])
def test_an_upright_peg_meets_the_rim_in_the_direction_between_their_circles(degrees):
    """Closed form: the two roundings touch along the line of their centres; up to 45 degrees that is the face's."""
    clearance, edge, rim, deep = 2e-4, 4e-4, 5e-4, 1e-5
    model = built(clearance, edge, rim=rim)
    angle = np.radians(degrees)
    across, up = (edge + rim - deep) * np.sin(angle), (edge + rim - deep) * np.cos(angle)
    offset = RADIUS + 0.5 * clearance + rim - across - (RADIUS - edge)
    tip = np.array([offset, 0.0, up - rim - edge])
    found = touch(model, mujoco.MjData(model), pose(tip, np.array([0.0, 0.0, 1.0])))
    first = min(found, key=lambda c: c.dist)
    assert first.dist == pytest.approx(-deep, abs=1e-9)
    np.testing.assert_allclose(-first.frame[:3], [-np.sin(angle), 0.0, np.cos(angle)], atol=1e-4)
    pairs = {model.geom(c.geom1).name for c in found}
    assert model.geom(first.geom1).name == ("peg_face" if degrees < 45 else "peg_wall")
    assert degrees in (44, 47) or pairs == {model.geom(first.geom1).name}


def test_nothing_touches_a_peg_that_is_free():
    model = built(2e-4, 4e-4)
    data = mujoco.MjData(model)
    up = np.array([0.0, 0.0, 1.0])
    for tip in ([0, 0, -0.02], [5e-5, 0, -0.02], [9.9e-5, 0, -0.001], [0.003, 0, 1e-6], [0.05, 0.05, 0.1], [0, 0, 1.0]):
        assert len(touch(model, data, pose(np.array(tip), up))) == 0
    assert len(touch(model, data, pose(np.array([0, 0, -0.02]), -up))) == 0  # upside down: not a peg in a hole


def test_a_small_step_changes_the_distance_by_no_more_than_the_step(poses):
    """Distances are Lipschitz in the pose: |change| <= way of the farthest point that can touch."""
    rng = np.random.default_rng(1)
    step, turn = 2e-6, 2e-6 / 0.03
    for model, data, *_, tip, axis, spin, true in poses:
        if not -2e-4 < true < -1e-5:
            continue
        move = rng.normal(size=3)
        move *= step / np.linalg.norm(move)
        lean = axis + turn * np.cross(rng.normal(size=3), axis)
        lean /= np.linalg.norm(lean)
        before = min(c.dist for c in touch(model, data, pose(tip, axis, spin)))
        after = min(c.dist for c in touch(model, data, pose(tip + move, lean, spin)))
        way = step + np.linalg.norm(lean - axis) * (RADIUS + 0.02)
        assert abs(after - before) <= way + 4e-7


def test_spinning_the_peg_about_its_axis_changes_nothing(poses):
    for model, data, *_, tip, axis, spin, true in poses[::7]:
        a = sorted(c.dist for c in touch(model, data, pose(tip, axis, spin)))
        b = sorted(c.dist for c in touch(model, data, pose(tip, axis, spin + 1.234)))
        if true > -3e-4:
            np.testing.assert_allclose(a, b, atol=1e-7)


def test_the_order_of_the_geoms_turns_the_normal_and_nothing_else():
    rng = np.random.default_rng(2)
    ways = [built(2e-4, 4e-4), built(2e-4, 4e-4, swap=True)]
    assert ways[0].geom("peg_wall").id < ways[0].geom("hole_wall").id
    assert ways[1].geom("peg_wall").id > ways[1].geom("hole_wall").id
    datas = [mujoco.MjData(m) for m in ways]
    seen = 0
    for k in range(120):
        tip, axis, spin = sample(rng, k, 2e-4)
        one, other = (touch(m, d, pose(tip, axis, spin)) for m, d in zip(ways, datas))
        assert len(one) == len(other)
        for c, d in zip(one, other):
            assert c.dist == d.dist
            np.testing.assert_array_equal(c.pos, d.pos)
            np.testing.assert_array_equal(c.frame[:3], -d.frame[:3])
            seen += 1
    assert seen > 60


def test_overlap_remembers_the_deepest_of_each_pair_since_the_reset():
    model = built(2e-4, 4e-4)
    data = mujoco.MjData(model)
    rng = np.random.default_rng(3)
    expected = np.zeros(2)
    for k in range(60):
        tip, axis, spin = sample(rng, k, 2e-4)
        data.qpos[:] = pose(tip, axis, spin)
        mujoco.mj_fwdPosition(model, data)
        for c in data.contact:
            pair = int(model.geom_user[c.geom2, 4])
            expected[pair] = max(expected[pair], -c.dist)
        np.testing.assert_array_equal(data.userdata, expected)
    wall, face = contact.overlap(data.userdata[None])
    assert (wall[0], face[0]) == tuple(expected)
    assert min(expected) > 0
    mujoco.mj_resetData(model, data)
    assert not data.userdata.any()


def test_parameters_are_views_that_reach_the_contact():
    model = built(2e-4, 4e-4)
    batch = np.repeat(model.geom_user[None], 3, axis=0)
    edge, hole, rim = contact.parameters(batch, model)
    edge[1], hole[1], rim[1] = 5e-4, RADIUS + 3e-4, 6e-4
    model.geom_user[:] = batch[1]
    data = mujoco.MjData(model)
    up = np.array([0.0, 0.0, 1.0])
    (c,) = {round(c.dist, 12) for c in touch(model, data, pose(np.array([3.1e-4, 0, -0.01]), up))}
    assert c == pytest.approx(-1e-5, abs=1e-10)
    np.testing.assert_array_equal(batch[0], batch[2])


# ── stiffness ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("timestep", [0.0005, 0.00025])
@pytest.mark.parametrize("where", ["wall", "face"])
def test_realised_stiffness_in_evidence_is_the_declared_one(where, timestep):
    """A peg pressed with 30 N lies F / (n K) deep once it rests, to 1 %, at any step."""
    options = {"timestep": timestep, "impratio": 10, "iterations": 50, "ls_iterations": 50, "tolerance": 1e-10}
    axis = [1, 0, 0] if where == "wall" else [0, 0, 1]
    model = built(2e-4, 4e-4, options=options, joint=axis)
    model.body("peg").pos[:] = [9.9e-5, 0, LENGTH - 0.01] if where == "wall" else [0.03, 0, LENGTH + 1e-6]
    contact.stiffen(model, peg="peg", implicit=True)
    data = mujoco.MjData(model)
    data.xfrc_applied[model.body("peg").id, :3] = 30.0 * np.asarray(axis) * (1 if where == "wall" else -1)
    for _ in range(round(0.1 / timestep)):
        mujoco.mj_step(model, data)
    assert abs(data.qvel[0]) < 1e-9
    stiffness = {"wall": contact.WALL_N_M, "face": contact.FACE_N_M}[where]
    depth = [-c.dist for c in data.contact]
    assert sum(depth) * stiffness == pytest.approx(30.0, rel=0.01)
    assert len(depth) == {"wall": 2, "face": contact.FACE_KEPT}[where]  # edge and rim; four points of the face


@pytest.mark.parametrize("where", ["wall", "face"])
def test_a_contact_in_evidence_is_an_implicit_spring_and_damper(where):
    """One step by hand: m (v' - v) = -h n (K (x + h v') + B v'), n points in parallel, whatever depth and speed."""
    h, mass = 0.0005, 0.2
    options = {"timestep": h, "impratio": 10, "iterations": 50, "ls_iterations": 50, "tolerance": 1e-12}
    axis = [1, 0, 0] if where == "wall" else [0, 0, 1]
    model = built(2e-4, 4e-4, options=options, joint=axis)
    contact.stiffen(model, peg="peg", implicit=True)
    stiffness, time = {
        "wall": (contact.WALL_N_M, contact.WALL_S),
        "face": (contact.FACE_N_M, contact.FACE_S),
    }[where]
    for depth, speed in ((1e-5, 0.0), (3e-5, 0.01), (1e-6, 0.05), (2e-5, -0.005)):
        start = [1e-4 + depth, 0, LENGTH - 0.01] if where == "wall" else [0.03, 0, LENGTH - depth]
        model.body("peg").pos[:] = start
        data = mujoco.MjData(model)
        data.qvel[0] = speed  # the joint's axis points into the block
        mujoco.mj_step(model, data)
        n = data.ncon
        assert n == {"wall": 2, "face": contact.FACE_KEPT}[where]
        after = (mass * speed - h * n * stiffness * depth) / (mass + h * n * stiffness * (h + time))
        assert data.qvel[0] == pytest.approx(after, rel=2e-3, abs=1e-6)


def impact_by_hand(speed, mass, peg, pad, pad_damping, stiffness, damping, h=1e-6):
    """Largest force in the pad when `mass` drives a peg at `speed` onto a spring and damper that can only push [N]."""
    x, v, most = np.zeros(2), np.full(2, -speed), 0.0
    for _ in range(round(0.05 / h)):
        push = max(0.0, -stiffness * x[1] - damping * v[1]) if x[1] < 0 else 0.0
        hold = pad * (x[1] - x[0]) + pad_damping * (v[1] - v[0])
        v = v + h * np.array([hold / mass, (push - hold) / peg])
        x = x + h * v
        most = max(most, hold)
    return most


@pytest.mark.parametrize("timestep", [0.0005, 0.00025])
def test_impact_on_the_face_is_that_of_springs_and_masses(timestep):
    """3.6 kg, an arm's share, at 0.05 m/s behind a pad of 1e5 N/m: 27 N, as by hand (v sqrt(k m) = 30 undamped)."""
    mass, peg, pad, pad_damping, speed = 3.6, 0.2, 1e5, 60.0, 0.05
    contact.install()
    spec = mujoco.MjSpec()
    spec.option.gravity, spec.option.timestep = [0, 0, 0], timestep
    spec.option.integrator, spec.option.cone = mujoco.mjtIntegrator.mjINT_IMPLICITFAST, mujoco.mjtCone.mjCONE_ELLIPTIC
    hole = spec.worldbody.add_body(name="hole")
    arm = spec.worldbody.add_body(name="arm", pos=[0.03, 0, LENGTH + 1e-5], quat=[0, 1, 0, 0])
    body = arm.add_body(name="peg")
    for link, kg, spring in ((arm, mass, {}), (body, peg, {"stiffness": pad, "damping": pad_damping})):
        link.add_joint(type=mujoco.mjtJoint.mjJNT_SLIDE, axis=[0, 0, 1], **spring)
        link.explicitinertial = True
        link.mass, link.inertia = kg, [1e-3] * 3
    contact.add_contact(
        spec, body, hole, peg_radius_m=RADIUS, peg_length_m=LENGTH, edge_m=4e-4, hole_radius_m=0.0081, rim_m=4e-4
    )
    model = spec.compile()
    contact.stiffen(model, peg="peg", implicit=True)
    data = mujoco.MjData(model)
    data.qvel[0] = speed
    most = 0.0
    for _ in range(round(0.05 / timestep)):
        mujoco.mj_step(model, data)
        most = max(most, data.qfrc_passive[1])
    points = contact.FACE_KEPT
    by_hand = impact_by_hand(
        speed, mass, peg, pad, pad_damping, points * contact.FACE_N_M, points * contact.FACE_N_M * contact.FACE_S
    )
    assert most == pytest.approx(by_hand, rel=0.02)


# ── the process it lives in ──────────────────────────────────────────────────────────────────────────────────────────

BOXES = """
import hashlib, sys
import mujoco, numpy as np
if "install" in sys.argv:
    from jangin.cell import contact
    contact.install()
model = mujoco.MjModel.from_xml_string('''<mujoco><option timestep="0.002"/><worldbody>
  <geom type="box" size="1 1 0.1" pos="0 0 -0.1"/>
  <body pos="0 0 0.3"><freejoint/><geom type="box" size="0.1 0.08 0.05"/></body>
  <body pos="0.05 0.02 0.6" euler="20 30 40"><freejoint/><geom type="box" size="0.07 0.1 0.04"/></body>
</worldbody></mujoco>''')
data = mujoco.MjData(model)
touched = 0
for _ in range(800):
    mujoco.mj_step(model, data)
    touched += data.ncon
print(hashlib.sha256(data.qpos.tobytes() + data.qvel.tobytes()).hexdigest(), touched)
"""

PEGS = """
import hashlib
import mujoco, numpy as np
from test_contact import built, pose, sample, touch
model = built(2e-4, 4e-4)
data = mujoco.MjData(model)
rng, bits = np.random.default_rng(5), hashlib.sha256()
for k in range(200):
    for c in touch(model, data, pose(*sample(rng, k, 2e-4))):
        bits.update(c.pos.tobytes() + c.frame.tobytes() + np.float64(c.dist).tobytes())
print(bits.hexdigest())
"""


def python(code, *args, **extra):
    env = environment() | extra
    env["PYTHONPATH"] += f":{__file__.rsplit('/', 1)[0]}"
    done = subprocess.run(
        [sys.executable, "-c", code, *args], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_other_boxes_fall_as_they_do_without_it():
    """The table's entry is shared with every box of the process; only a marked pair may notice."""
    without, with_it = python(BOXES), python(BOXES, "install")
    assert int(without[1]) > 100
    assert without == with_it


def test_the_same_bits_in_another_process_freshly_compiled_or_not(tmp_path):
    """Numba compiles it in the first process, into an empty folder, and finds it compiled in the second."""
    fresh = python(PEGS, NUMBA_CACHE_DIR=str(tmp_path))
    assert any(tmp_path.rglob("*.nbi"))
    assert fresh == python(PEGS, NUMBA_CACHE_DIR=str(tmp_path))


@pytest.mark.parametrize("refusal", [OSError("no space left on device"), RuntimeError("no locator available")])
def test_where_nothing_can_be_kept_it_is_compiled_without_keeping(monkeypatch, refusal):
    asked = []

    def cfunc(signature, cache=False):
        def compiled(function):
            asked.append(cache)
            if cache:
                raise refusal
            return function

        return compiled

    monkeypatch.setattr(contact.numba, "cfunc", cfunc)
    assert contact._compile().__name__ == "collide"
    assert asked == [True, False]


def test_installing_twice_keeps_the_first():
    contact.install()
    contact.install()
    assert len(contact._KEEP) == 1


def test_offsets_are_those_of_the_running_mujoco():
    """Written through the found offsets, read through MuJoCo's own Python."""
    model = built(2e-4, 4e-4)
    data = mujoco.MjData(model)
    user, nuser, xpos, xmat, userdata = contact._offsets()

    def word(address):
        return ctypes.c_uint64.from_address(address).value

    assert word(model._address + user) == model.geom_user.ctypes.data
    assert word(model._address + nuser) == contact.USER == model.nuser_geom
    assert word(data._address + xpos) == data.geom_xpos.ctypes.data
    assert word(data._address + xmat) == data.geom_xmat.ctypes.data
    assert word(data._address + userdata) == data.userdata.ctypes.data
