"""Arms from files: MJCF and URDF against what they hold, identity, refusals word for word."""

from __future__ import annotations

import shutil
from pathlib import Path

import mujoco
import numpy as np
import pytest

from arms import CHAIN, SERVO, finger, flange, inertia, mjcf, posed, refused, same_dynamics, samples, stl, tool_of, urdf
from jangin.cell import arm_pose
from jangin.cell.arm import load_arm, reach_m

SHARED = Path(__file__).parents[2] / "shared" / "data" / "robots"
MENAGERIE = SHARED / "menagerie"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the reference robots lie in ../shared, which is not here"
)

DOWN = (0.0, 0.0, -1.0)


# ── MJCF files ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def write(tmp_path):
    def write(text, name="arm.xml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_file_is_read_as_it_is(write):
    passive = 'damping="1.5" frictionloss=".2" armature=".1" stiffness="3" springref=".4" ref=".2"'
    path = write(mjcf(joint=f'range="-3 3" {passive}'))
    arm = load_arm(str(path))
    assert arm.joint_names == ("j1", "j2", "j3", "j4", "j5", "j6")
    assert arm.actuator_names == ("s1", "s2", "s3", "s4", "s5", "s6")
    assert [link.name for link in arm.links] == ["base", "l1", "l2", "l3", "l4", "l5", "l6"]
    assert (arm.name, arm.source, arm.tool_site) == (str(path), str(path), "attachment_site")
    np.testing.assert_array_equal(arm.force_nm, np.full(6, 90.0))
    np.testing.assert_array_equal(arm.home_rad, (0, 0.5, 1.2, 0, 0.9, 0))
    assert arm.notes == ("The model states no joint speeds: 1.3 rad/s is assumed.",)
    original = mujoco.MjModel.from_xml_path(str(path))
    same_dynamics(arm, original)
    ours = arm.spec(looks=False).compile()
    for field in ("dof_frictionloss", "dof_armature", "jnt_stiffness", "qpos_spring", "qpos0", "dof_damping"):
        np.testing.assert_array_equal(getattr(ours, field), getattr(original, field))


def test_gears_and_other_ctrl_units_become_angles_at_the_joint(write):
    """Behind a gear of 50 kp is 50^2 x 0.4 at the joint, and ctrl, whatever it was, is the joint's angle."""
    geared = (
        '<general name="s{k}" joint="j{k}" gear="50" biastype="affine" gainprm="20" biasprm="0 -.4 -.02" '
        'forcerange="-2 3"/>'
    )
    arm = load_arm(str(write(mjcf(servos=(geared,) * 6))))
    assert [j.kp_nm_rad for j in arm.joints] == pytest.approx([1000] * 6)
    assert [j.kv_nms_rad for j in arm.joints] == pytest.approx([50] * 6)
    np.testing.assert_allclose(arm.force_nm, 100)


def test_what_is_fastened_to_a_link_becomes_part_of_it(write):
    """A gripper with two sliding fingers, half open at home: locked there, with its mass."""
    ball = '<geom size=".01" mass=".05"/>'
    fingers = (
        '<site name="attachment_site" pos="0 0 .1"/>'
        '<body name="hand" pos="0 0 .1" euler="0 0 .4"><geom size=".03" mass=".4"/><body name="left" pos="0 .03 .05">'
        f'<joint name="left" type="slide" axis="0 1 0" range="0 .04"/>{ball}</body><body name="right" pos="0 -.03 .05">'
        f'<joint name="right" type="slide" axis="0 -1 0" range="0 .04"/>{ball}</body></body>'
    )
    end = (
        '<equality><joint joint1="left" joint2="right"/></equality>'
        '<keyframe><key qpos="0 .5 1.2 0 .9 0 .02 .02"/></keyframe>'
    )
    path = write(mjcf(site=fingers, end=end))
    arm, original = load_arm(str(path)), mujoco.MjModel.from_xml_path(str(path))
    assert len(arm.joints) == 6
    assert arm.notes[0] == "Locked where the model's home has them: left, right."
    assert sum(link.mass_kg for link in arm.links) == pytest.approx(original.body_mass.sum())
    same_dynamics(arm, original)


def test_a_tool_frame_by_a_link_name_and_by_a_site_name(write):
    path = write(mjcf(site='<site name="a" pos="0 0 .1"/><site name="b" pos=".1 0 0" euler="0 1.5708 0"/>'))
    assert load_arm(str(path), tool_site="l6").tool_site == "l6"
    assert load_arm(str(path), tool_site="a").tool_pos_m == pytest.approx((0, 0, 0.1))
    across = load_arm(str(path), tool_site="b")  # a tool frame asked for by name is taken as it is
    assert across.tool_quat == pytest.approx((np.cos(np.pi / 4), 0, np.sin(np.pi / 4), 0), abs=1e-5)


@pytest.mark.parametrize(
    ("euler", "axis"), [("0 -1.570796 0", "x"), ("1.570796 0 0", "y"), ("3.141593 0 0", "-z"), (".2 0 0", None)]
)
def test_a_tool_frame_of_another_convention_is_turned_with_its_z_axis_out(write, euler, axis):
    arm = load_arm(str(write(mjcf(site=f'<site name="flange" pos="0 0 .1" euler="{euler}"/>'))))
    said = [note for note in arm.notes if "out of the flange" in note]
    if axis is None:  # nearly out: taken as it is
        assert not said
        return
    assert said == [f"The z axis of 'flange' does not point out of the flange, its {axis} axis does: that was taken."]
    where, turn = tool_of(arm, arm.home_rad)
    data = posed(arm.spec().compile(), arm.home_rad)
    np.testing.assert_allclose(turn[:, 2], data.xaxis[5], atol=1e-5)
    assert np.linalg.det(turn) == pytest.approx(1)


def test_a_file_without_a_home_gets_one(write):
    arm = load_arm(str(write(mjcf(end=""))))
    assert "The model has no home: it has the tool half the reach in front of the shoulder, pointing down." in arm.notes
    where, turn = tool_of(arm, arm.home_rad)
    shoulder = arm_pose.shoulder_m(arm)
    np.testing.assert_allclose(where - shoulder, (0.5 * reach_m(arm), 0, 0), atol=1e-6)
    np.testing.assert_allclose(turn[:, 2], DOWN, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "<mujoco><worldbody><body><freejoint/><geom size='1'/></body></worldbody></mujoco>",
            "FILE has no hinge joints; a cell needs an arm of at least 6.",
        ),
        (
            mjcf(servos=()),
            "FILE has no actuators; give every joint of the arm a position servo: "
            '<position joint="..." kp="1000" kv="100"/>.',
        ),
        (
            mjcf(servos=(SERVO,) * 5),
            "FILE: joint 'j6' has no actuator; give it one position servo: "
            '<position joint="j6" kp="1000" kv="100"/>.',
        ),
        (
            mjcf(servos=(SERVO,) * 6 + ('<velocity name="v" joint="j1" kv="3"/>',)),
            "FILE: joint 'j1' has 2 actuators; give it one position servo: "
            '<position joint="j1" kp="1000" kv="100"/>.',
        ),
        (
            mjcf(servos=(SERVO,) * 5 + ('<motor name="m{k}" joint="j{k}"/>',)),
            "FILE: joint 'j6' is driven by a torque motor ('m6'), but a cell commands angles; "
            'give it one position servo: <position joint="j6" kp="1000" kv="100"/>.',
        ),
        (
            mjcf(servos=(SERVO,) * 5 + ('<velocity name="v{k}" joint="j{k}" kv="9"/>',)),
            "FILE: joint 'j6' is driven by a velocity servo ('v6'), but a cell commands angles; "
            'give it one position servo: <position joint="j6" kp="1000" kv="100"/>.',
        ),
        (
            mjcf(servos=(SERVO,) * 5 + ('<intvelocity name="i{k}" joint="j{k}" kp="9" actrange="-3 3"/>',)),
            "FILE: joint 'j6' is driven by a velocity servo ('i6'), but a cell commands angles; "
            'give it one position servo: <position joint="j6" kp="1000" kv="100"/>.',
        ),
        (
            mjcf(site='<site name="a"/><site name="b"/>'),
            "FILE has no tool site; it has the sites a, b: name the one at the flange with --task.tool-site, "
            'or add <site name="attachment_site"/> there, z axis out of the flange.',
        ),
        (
            mjcf(site=""),
            "FILE has no tool site; it has no site at all: name the link at the flange with --task.tool-site, "
            'or add <site name="attachment_site"/> there, z axis out of the flange.',
        ),
        (
            mjcf(joint=""),
            "FILE: joints j1, j2, j3, j4, j5, j6 have no limits; give every joint of the arm a range, "
            'as range="-6.28 6.28" [rad].',
        ),
        (
            mjcf(n=5, servos=(SERVO,) * 5, end=""),
            "FILE has 5 hinge joints between its base and the tool at 'attachment_site' (j1, j2, j3, j4, j5); "
            "a cell needs at least 6.",
        ),
        (
            mjcf(site='<joint name="lift" type="slide" range="0 1"/><site name="tool"/>'),
            "FILE has hinges and other joints in the one link 'l6'; give each joint a link of its own.",
        ),
        (
            mjcf(end='<equality><joint name="geared" joint1="j2" joint2="j3"/></equality>'),
            "FILE couples joints or links of the arm (equality 'geared'); "
            "a cell needs a serial arm, each joint with its own servo.",
        ),
        (
            mjcf(end='<equality><connect name="rod" body1="l2" body2="l4" anchor="0 0 0"/></equality>'),
            "FILE couples joints or links of the arm (equality 'rod'); "
            "a cell needs a serial arm, each joint with its own servo.",
        ),
        ("", "FILE is not XML (no element found: line 1, column 0); an arm's model is an MJCF or URDF file."),
        ("<html><body/></html>", "FILE begins with <html>; an arm's model is MJCF (<mujoco>) or URDF (<robot>)."),
        (
            mjcf(more="<option gravty='0 0 0'/>"),
            "MuJoCo refuses FILE: Schema violation: unrecognized attribute: 'gravty'; Element 'option', line 1. "
            "Correct the file and try again.",
        ),
    ],
)
def test_what_a_file_lacks_is_said_in_a_sentence(write, text, sentence):
    assert refused(write(text)) == sentence


def test_an_unknown_tool_site_is_answered_with_what_there_is(write):
    path = write(mjcf())
    assert refused(path, tool_site="atachment_site") == (
        "FILE has no site or link 'atachment_site' for the tool. Did you mean 'attachment_site'? "
        "It has the sites: attachment_site."
    )


def test_a_file_that_is_not_there_or_a_folder(tmp_path, write, monkeypatch):
    assert refused(tmp_path / "no.xml") == "There is no file FILE; give the path of an arm's model, MJCF or URDF."
    write(mjcf())
    monkeypatch.chdir(tmp_path.parent)
    assert refused(tmp_path.name) == refused(tmp_path)
    assert refused(tmp_path) == "FILE is a folder; give the arm's model file, MJCF or URDF. In it: arm.xml."


def test_a_missing_mesh_is_said_shortly(write):
    path = write(mjcf(more='<asset><mesh name="m" file="none.stl"/></asset>'))
    said = refused(path)
    assert said.startswith("MuJoCo refuses FILE: ")
    assert "none.stl" in said
    assert said.endswith("Correct the file and try again.")
    assert "\n" not in said
    assert len(said) < 320


# ── identity ─────────────────────────────────────────────────────────────────────────────────────────────────────


def with_parts(folder):
    """An arm whose servos are in an included file and which has a mesh in a folder of its own."""
    (folder / "meshes").mkdir(parents=True)
    (folder / "meshes" / "part.stl").write_bytes(stl())
    (folder / "servos.xml").write_text(
        "<mujoco><actuator>" + "".join(SERVO.format(k=k + 1) for k in range(6)) + "</actuator></mujoco>"
    )
    text = mjcf(
        servos=(), more='<asset><mesh name="part" file="part.stl"/></asset><include file="servos.xml"/>', end=""
    )
    text = text.replace('autolimits="true"', 'autolimits="true" meshdir="meshes"')
    text = text.replace('<site name="attach', '<geom type="mesh" mesh="part" mass="0"/><site name="attach')
    (folder / "arm.xml").write_text(text)
    return folder / "arm.xml"


def test_identity_is_the_content_of_every_file_and_not_its_place(tmp_path):
    first = with_parts(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    (tmp_path / "two" / "README.md").write_text("not part of the model")
    identity = load_arm(str(first)).sha256
    assert load_arm(str(tmp_path / "two" / "arm.xml")).sha256 == identity
    for part in ("arm.xml", "servos.xml", "meshes/part.stl"):
        copy_ = tmp_path / part.replace("/", "-")
        shutil.copytree(tmp_path / "one", copy_)
        data = (copy_ / part).read_bytes()
        (copy_ / part).write_bytes(data + b" " if part.endswith("xml") else data[:-1] + b"\1")
        assert load_arm(str(copy_ / "arm.xml")).sha256 != identity


def test_meshes_are_carried_as_numbers(tmp_path):
    arm = load_arm(str(with_parts(tmp_path / "one")))
    shutil.rmtree(tmp_path / "one")
    model = arm.spec().compile()  # the files are gone
    assert model.nmesh == 1
    assert model.mesh_facenum[0] == 4
    geom = next(g for g in range(model.ngeom) if model.geom_type[g] == mujoco.mjtGeom.mjGEOM_MESH)
    corners = model.mesh_vert[: model.mesh_vertnum[0]] @ _matrix(model.geom_quat[geom]).T + model.geom_pos[geom]
    np.testing.assert_allclose(corners.min(0), 0, atol=1e-6)
    np.testing.assert_allclose(corners.max(0), 0.05, atol=1e-6)


def _matrix(quat):
    flat = np.zeros(9)
    mujoco.mju_quat2Mat(flat, quat)
    return flat.reshape(3, 3)


def test_licence_is_what_the_file_beside_it_begins_with(write, tmp_path):
    path = write(mjcf())
    assert load_arm(str(path)).licence == "not stated"
    (tmp_path / "LICENSE").write_text("\n\nBSD 3-Clause License\n\nCopyright ...")
    assert load_arm(str(path)).licence == "LICENSE: BSD 3-Clause License"


# ── URDF files ───────────────────────────────────────────────────────────────────────────────────────────────────


def numbers(text):
    return np.array([float(x) for x in text.split()])


def rotation(axis, angle):
    x, y, z = axis
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def rpy_matrix(rpy):
    """URDF's convention: turns about the fixed axes x, y, z in this order."""
    roll, pitch, yaw = rpy
    return rotation((0, 0, 1), yaw) @ rotation((0, 1, 0), pitch) @ rotation((1, 0, 0), roll)


def test_urdf_kinematics_are_those_of_its_text(write):
    arm = load_arm(str(write(urdf(), "arm.urdf")))
    assert arm.joint_names == ("q1", "q2", "q3", "q4", "q5", "q6")
    assert arm.tool_site == "tool0"
    for q in samples(arm, 50):
        where, turn = np.zeros(3), np.eye(3)
        for (xyz, rpy, axis, *_), angle in zip(CHAIN, q):
            where = where + turn @ numbers(xyz)
            turn = turn @ rpy_matrix(numbers(rpy)) @ rotation(numbers(axis), angle)
        where = where + turn @ (0, 0.08, 0)
        turn = turn @ rpy_matrix((-np.pi / 2, 0, 0))
        ours = tool_of(arm, q)
        np.testing.assert_allclose(ours[0], where, rtol=0, atol=1e-9)
        np.testing.assert_allclose(ours[1], turn, rtol=0, atol=1e-7)


def test_urdf_limits_are_those_of_its_text(write):
    arm = load_arm(str(write(urdf(), "arm.urdf")))
    np.testing.assert_array_equal(arm.force_nm, [row[3] for row in CHAIN])
    np.testing.assert_array_equal(arm.speed_rad_s, [row[4] for row in CHAIN])
    np.testing.assert_array_equal(arm.high_rad, np.full(6, 2.9))
    assert [j.damping_nms_rad[0] for j in arm.joints] == [0.5] * 6
    assert [j.frictionloss_nm for j in arm.joints] == [0.1] * 6
    assert sum(link.mass_kg for link in arm.links) == pytest.approx(sum(4.0 - 0.6 * k for k in range(6)))
    assert arm.notes == (
        "The model has no home: it has the tool half the reach in front of the shoulder, pointing down.",
    )


def test_urdf_servos_follow_the_rule_of_the_docs(write):
    """kp = effort / 0.035 rad, at most (500 rad/s)^2 I; kv critical: I by two inertias that differ by a twin's tool."""
    arm = load_arm(str(write(urdf(), "arm.urdf")))
    spec = arm.spec(looks=False)
    site = spec.site("tool0")
    ball = site.parent.add_body(name="ball", pos=site.pos, quat=site.quat)
    ball.add_geom(
        type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.1, 0, 0], pos=[0, 0, 0.1], mass=1.0, contype=0, conaffinity=0
    )
    model = spec.compile()
    i = inertia(model, posed(model, arm.home_rad)).diagonal()
    kp = np.minimum(arm.force_nm / 0.035, 500.0**2 * i)
    np.testing.assert_allclose([j.kp_nm_rad for j in arm.joints], kp, rtol=1e-9)
    np.testing.assert_allclose([j.kv_nms_rad for j in arm.joints], 2 * np.sqrt(kp * i), rtol=1e-9)


def test_urdf_arm_with_its_servos_steps_to_a_pose_without_ringing(write):
    arm = load_arm(str(write(urdf(), "arm.urdf")))
    model = arm.spec(looks=False).compile()
    model.opt.timestep = 0.001
    data = posed(model, arm.home_rad)
    goal = np.asarray(arm.home_rad) + 0.02
    data.ctrl[:] = goal
    path = []
    for _ in range(1500):
        mujoco.mj_step(model, data)
        path.append(data.qpos.copy())
    friction = np.array([0.1 / j.kp_nm_rad for j in arm.joints])  # dry friction holds a servo this far off
    assert np.all(np.abs(path[-1] - goal) < friction + 1e-4)
    assert np.all(np.max(path, axis=0) - goal < 0.1 * 0.02)


@pytest.mark.parametrize(
    ("rpy", "name", "said"),
    [
        ("-1.5707963 0 0", "tool0", ""),
        ("0 0 1.5707963", "flange", "x"),
        ("0 0 0", "robot_ee_link", "y"),
    ],
)
def test_urdf_tool_frames_of_either_convention_point_out(write, rpy, name, said):
    arm = load_arm(str(write(urdf(end=flange(name, rpy)), "arm.urdf")))
    assert arm.tool_site == name
    data = posed(arm.spec().compile(), arm.home_rad)
    np.testing.assert_allclose(tool_of(arm, arm.home_rad)[1][:, 2], data.xaxis[5], atol=1e-6)
    assert any(f"its {said} axis does" in note for note in arm.notes) == bool(said)


def test_urdf_without_a_tool_frame_uses_its_last_link(write):
    assert load_arm(str(write(urdf(end=""), "arm.urdf"))).tool_site == "l6"


def test_urdf_meshes_are_found_beside_it_and_the_rest_is_left_out(write, tmp_path):
    (tmp_path / "cell_description" / "meshes").mkdir(parents=True)
    (tmp_path / "cell_description" / "meshes" / "part.stl").write_bytes(stl())
    shape = '<visual><geometry><mesh filename="{}" scale="2 2 2"/></geometry></visual>'
    look = shape.format("package://cell_description/meshes/part.stl") + shape.format("package://other/body.dae")
    path = write(urdf(look=look), "arm.urdf")
    arm = load_arm(str(path))
    assert arm.notes[0] == "Not drawn, as not found beside the file or not STL or OBJ: package://other/body.dae."
    kinds = [look.kind for link in arm.links for look in link.looks]
    assert kinds == ["box"] + ["mesh"] * 6
    identity = arm.sha256
    (tmp_path / "cell_description" / "meshes" / "part.stl").write_bytes(stl(0.06))
    assert load_arm(str(path)).sha256 != identity


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            urdf(kind="continuous", limit='<limit effort="{effort}" velocity="{velocity}"/>'),
            "FILE: joints q1, q2, q3, q4, q5, q6 have no limits; give every joint of the arm a range, "
            'as <limit lower="-6.28" upper="6.28" .../> [rad].',
        ),
        (
            urdf(limit='<limit lower="-2.9" upper="2.9" velocity="{velocity}"/>'),
            "FILE: joint 'q1' has no effort limit; give it <limit effort=\"...\"/> [N m].",
        ),
        (
            urdf(n=5, end=""),
            "FILE has 5 hinge joints between its base and the tool at 'l5' (q1, q2, q3, q4, q5); "
            "a cell needs at least 6.",
        ),
        (
            urdf(kind="fixed"),
            "FILE has no hinge joints; a cell needs an arm of at least 6.",
        ),
        (
            '<robot xmlns:xacro="http://www.ros.org/wiki/xacro"><xacro:macro name="arm"/></robot>',
            "FILE is a xacro template; expand it first: xacro FILE > arm.urdf.",
        ),
        (
            urdf(end='<joint name="loop" type="fixed"><parent link="l6"/><child link="l2"/></joint>'),
            "MuJoCo refuses FILE: URDF body has multiple parents:; Element 'joint', line 1. "
            "Correct the file and try again.",
        ),
        (
            urdf(end=finger("left") + finger("right")),
            "FILE ends in several links (left, right); name the one at the flange with --task.tool-site.",
        ),
    ],
)
def test_what_a_urdf_lacks_is_said_in_a_sentence(write, text, sentence):
    assert refused(write(text, "arm.urdf")) == sentence
