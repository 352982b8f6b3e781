"""Arms by name: registered, a user's own, Menagerie's; real models move as their own files say."""

from __future__ import annotations

import shutil
from pathlib import Path

import mujoco
import numpy as np
import pytest

from arms import mjcf, posed, same_dynamics, tool_of
from jangin.cell import arm_menagerie
from jangin.cell.arm import load_arm, solve_home
from jangin.cell.robots.ur5e import UR5E
from jangin.errors import BadRobot, MissingExtra, UnknownName

SHARED = Path(__file__).parents[2] / "shared" / "data" / "robots"
MENAGERIE = SHARED / "menagerie"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the reference robots lie in ../shared, which is not here"
)

DOWN = (0.0, 0.0, -1.0)


@pytest.fixture
def write(tmp_path):
    def write(text, name="arm.xml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_name_is_answered_with_what_there_is():
    with pytest.raises(UnknownName) as caught:
        load_arm("ur5")
    assert str(caught.value) == (
        "There is no robot 'ur5'. Did you mean 'ur5e'? There is: ur5e. "
        "A file works too (./arm.xml, ./arm.urdf), or a Menagerie name (menagerie:kuka_iiwa_14)."
    )


def test_an_arm_of_ones_own_in_python(write):
    path = write(
        "from dataclasses import replace\nfrom jangin.cell.robots.ur5e import UR5E\n"
        "ARM = replace(UR5E, name='mine')\nX = 3\n",
        "a.py",
    )
    assert load_arm(f"{path}:ARM").name == "mine"
    with pytest.raises(BadRobot, match=r"is a int; it must be a jangin\.cell\.arm\.Arm\.$"):
        load_arm(f"{path}:X")


def test_a_built_in_arm_has_its_one_tool_site():
    assert load_arm("ur5e", tool_site="flange") is UR5E
    with pytest.raises(BadRobot, match=r"^The robot 'ur5e' has the tool site 'flange' only, not 'tip'\.$"):
        load_arm("ur5e", tool_site="tip")


@pytest.fixture(params=["package", "folder"])
def menagerie(request, monkeypatch, tmp_path):
    """A Menagerie of two arms made here, through the package or through the folder alone."""
    if request.param == "package":
        pytest.importorskip("mujoco_menagerie", reason="the extra jangin[menagerie] is not installed")
    else:
        monkeypatch.setattr(arm_menagerie, "_package", lambda: None)
    for robot, models in {
        "kuka_iiwa_14": ("iiwa14", "scene"),
        "ufactory_xarm7": ("xarm7", "xarm7_nohand", "hand"),
    }.items():
        (tmp_path / robot).mkdir()
        for model in models:
            (tmp_path / robot / f"{model}.xml").write_text(mjcf())
    monkeypatch.setenv("MENAGERIE_ROOT", str(tmp_path))
    return request.param


def test_menagerie_names(menagerie):
    arm = load_arm("menagerie:kuka_iiwa_14")
    assert (arm.name, arm.source) == ("menagerie:kuka_iiwa_14", "MuJoCo Menagerie kuka_iiwa_14/iiwa14")
    assert arm.licence == ("BSD-3-Clause" if menagerie == "package" else "not stated")
    assert load_arm("menagerie:ufactory_xarm7").source.endswith("/xarm7_nohand")  # the cell brings the tool
    assert load_arm("menagerie:ufactory_xarm7/xarm7").source.endswith("/xarm7")


def test_menagerie_refusals(menagerie, tmp_path):
    def said(name):
        with pytest.raises(BadRobot) as caught:
            load_arm(name)
        return str(caught.value)

    assert said("menagerie:kuka_iwa_14").startswith(
        "Menagerie has no robot 'kuka_iwa_14'. Did you mean menagerie:kuka_iiwa_14? It has "
    )
    assert said("menagerie:ufactory_xarm7/xarm").startswith(
        "menagerie:ufactory_xarm7 has no model 'xarm'; it has: hand, xarm7"
    )
    (tmp_path / "kuka_iiwa_14" / "iiwa14.xml").rename(tmp_path / "kuka_iiwa_14" / "arm.xml")
    assert ("iiwa14.xml" in said("menagerie:kuka_iiwa_14")) if menagerie == "package" else True
    shutil.rmtree(tmp_path / "kuka_iiwa_14")
    if menagerie == "package":
        assert said("menagerie:kuka_iiwa_14") == (
            f"menagerie:kuka_iiwa_14 cannot be had: 'kuka_iiwa_14' not found under MENAGERIE_ROOT={tmp_path}. "
            "Check the network, or set MENAGERIE_ROOT to a checkout."
        )


def test_menagerie_folder_with_several_models_asks_which(monkeypatch, tmp_path):
    monkeypatch.setattr(arm_menagerie, "_package", lambda: None)
    (tmp_path / "two_arms").mkdir()
    for model in ("left", "right", "scene_left"):
        (tmp_path / "two_arms" / f"{model}.xml").write_text(mjcf())
    monkeypatch.setenv("MENAGERIE_ROOT", str(tmp_path))
    with pytest.raises(BadRobot) as caught:
        load_arm("menagerie:two_arms")
    assert (
        str(caught.value)
        == "menagerie:two_arms has several models: left, right; say which, as menagerie:two_arms/MODEL."
    )
    monkeypatch.setenv("MENAGERIE_ROOT", str(tmp_path / "none"))
    with pytest.raises(BadRobot, match=r"which is no folder; set it to a checkout of Menagerie, or unset it\.$"):
        load_arm("menagerie:two_arms")


def test_without_package_and_folder_the_pip_line_is_given(monkeypatch):
    monkeypatch.setattr(arm_menagerie, "_package", lambda: None)
    monkeypatch.delenv("MENAGERIE_ROOT", raising=False)
    with pytest.raises(MissingExtra) as caught:
        load_arm("menagerie:kuka_iiwa_14")
    assert str(caught.value) == (
        "The robot 'menagerie:kuka_iiwa_14' needs the package 'mujoco-menagerie': pip install 'jangin[menagerie]'."
    )


# ── real models ──────────────────────────────────────────────────────────────────────────────────────────────────


REAL = {
    "menagerie:kuka_iiwa_14": "kuka_iiwa_14/iiwa14.xml",
    "menagerie:ufactory_xarm7": "ufactory_xarm7/xarm7_nohand.xml",
    "menagerie:ufactory_xarm7/xarm7": "ufactory_xarm7/xarm7.xml",
}


@needs_shared
@pytest.mark.parametrize("name", REAL)
def test_real_arms_move_as_their_models_do(name, monkeypatch):
    monkeypatch.setenv("MENAGERIE_ROOT", str(MENAGERIE))
    monkeypatch.setattr(arm_menagerie, "_package", lambda: None)
    arm = load_arm(name)
    assert len(arm.joints) == 7
    same_dynamics(arm, mujoco.MjModel.from_xml_path(str(MENAGERIE / REAL[name])))


@needs_shared
@pytest.mark.parametrize("name", REAL)
def test_real_arms_come_to_work(name, monkeypatch):
    monkeypatch.setenv("MENAGERIE_ROOT", str(MENAGERIE))
    monkeypatch.setattr(arm_menagerie, "_package", lambda: None)
    arm = load_arm(name)
    q = solve_home(arm, (0.45, 0.0, 0.25))
    where, turn = tool_of(arm, q)
    np.testing.assert_allclose(where, (0.45, 0, 0.25), rtol=0, atol=1e-7)
    np.testing.assert_allclose(turn[:, 2], DOWN, rtol=0, atol=1e-6)
    last, before = posed(arm.spec().compile(), q).xaxis[6], posed(arm.spec().compile(), q).xanchor[5]
    assert turn[:, 2] @ last * np.sign(last @ (where - before)) > 0.999  # out of the flange


@needs_shared
def test_a_scene_gives_the_arm_without_floor_light_and_target():
    arm = load_arm(str(MENAGERIE / "kuka_iiwa_14" / "scene.xml"))
    model = arm.spec().compile()
    assert (model.nq, model.nlight, model.nmocap) == (7, 0, 0)
    assert [link.name for link in arm.links] == ["base", *(f"link{k}" for k in range(1, 8))]
    assert not np.any(model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE)
    assert arm.licence == "LICENSE: All components of Drake are licensed under the BSD 3-Clause License"
