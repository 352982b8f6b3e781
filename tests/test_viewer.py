"""What the viewer shows is what was recorded, and the web viewer is for this machine alone."""

from __future__ import annotations

import socket
import urllib.request

import glfw
import mujoco
import numpy as np
import pytest

from jangin.cell.tasks.reach import Reach
from jangin.engine import viewer
from jangin.engine.viewer import Film
from jangin.errors import JanginError
from jangin.record import RunFolder
from jangin.view import pictures
from toy import Toy

BALL = """
<mujoco>
  <worldbody>
    <body><joint name="hinge" type="hinge" axis="0 1 0"/><geom size="0.1"/></body>
    <body><freejoint/><geom size="0.1"/></body>
  </worldbody>
</mujoco>
"""


class Turning:
    """A world of one hinge and one free ball that turn at known rates."""

    def __init__(self) -> None:
        self.model, self.t = mujoco.MjModel.from_xml_string(BALL), 0.0

    def looks(self, sim: int) -> tuple[mujoco.MjModel, mujoco.MjData]:
        data = mujoco.MjData(self.model)
        half = 0.5 * self.t  # the ball turns about z at 1 rad/s and moves along x at 2 m/s
        data.qpos[:] = [3.0 * self.t, 2.0 * self.t, 0, 0, np.cos(half), 0, 0, np.sin(half)]
        return self.model, data


@pytest.fixture
def film() -> Film:
    world = Turning()
    film = Film.begin(world, 0, period_s=0.1)
    assert film is not None
    for k in range(11):
        world.t = 0.1 * k
        film.add(world, 0)
    return film


def test_a_pose_between_two_is_in_proportion(film):
    """At any time hinge and ball are where their constant rates put them; the quaternion stays one."""
    data = mujoco.MjData(film.model)
    assert film.seconds == pytest.approx(1.0)
    for t in (0.0, 0.034, 0.5, 0.971, 1.0):
        film.pose(data, t)
        half = 0.5 * t
        np.testing.assert_allclose(data.qpos, [3 * t, 2 * t, 0, 0, np.cos(half), 0, 0, np.sin(half)], atol=1e-12)
        assert data.time == t
    film.pose(data, 99.0)
    assert data.qpos[0] == pytest.approx(3.0)


def test_a_world_without_mujoco_has_no_film():
    """A world that offers no looks cannot be filmed."""
    assert Film.begin(Toy().world(1), 0, period_s=0.1) is None


def test_a_cell_can_be_filmed():
    """A cell's film begins in the pose of its simulation."""
    world = Reach(physics="training").world(2, threads=1, seed=3)
    world.reset(np.arange(2), np.arange(2))
    film = Film.begin(world, 1, period_s=0.04)
    assert film is not None
    film.add(world, 1)
    np.testing.assert_array_equal(film.poses[0][0], world.sim.bind("qpos")[1])


@pytest.mark.filterwarnings("ignore")
def test_without_a_display_there_is_a_sentence(film, monkeypatch):
    """No display: the sentence says what to do instead."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if glfw.init():
        pytest.skip("there is a display here that needs no environment variable")
    with pytest.raises(JanginError, match=r"^There is no display here for MuJoCo's viewer\. Give --web, and open"):
        viewer.show(film, title="t", web=False, port=0, speed=1.0, say=print)


def test_the_web_viewer_listens_on_this_machine_only(film):
    """Its socket is bound to the loopback address, a page is there, and a port that is taken is a sentence."""
    handle, address = viewer._serve("t", 0)
    try:
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address, timeout=20) as page:
            assert page.status == 200
        port = int(address.rstrip("/").rpartition(":")[2])
        for other in ("127.0.0.2", socket.gethostbyname(socket.gethostname())):
            if other != "127.0.0.1":
                with pytest.raises(OSError), socket.create_connection((other, port), timeout=2):
                    pass
        with pytest.raises(JanginError, match=rf"The web viewer cannot listen on port {port}: .*Give another --port"):
            viewer._serve("t", port)
    finally:
        handle.close()


def test_a_task_that_draws_nothing_has_no_pictures(tmp_path):
    """The report is told why there are none, instead of an empty space."""
    from jangin.qualify import qualify

    folder = RunFolder.create(tmp_path / "q")
    qualify(Toy().expert(), Toy(), seed=0, folder=folder, block=64)
    shots, note = pictures(folder, Toy(), Toy().expert())
    assert shots == []
    assert note == "No pictures: this task draws none, or there is no OpenGL on this machine."
