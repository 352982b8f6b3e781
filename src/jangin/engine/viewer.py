"""A recorded trial in MuJoCo's own viewer: in a window, or in a browser on this machine.

    film = Film.begin(world, sim, period_s=0.04)      # None for a world that MuJoCo does not simulate
    film.add(world, sim)                              # once per control period
    show(film, title="cell/reach, trial 17: success", web=False, port=0, speed=1.0, say=print)

What is shown is what was recorded: nothing is simulated again, and nothing that is done in the viewer changes a record.

The web viewer has neither password nor encryption, and MuJoCo 4.0 offers it to the whole network. Here it listens on
the loopback address alone, which is checked before anybody is told where it is.
"""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import mujoco
import numpy as np

from jangin.errors import JanginError
from jangin.task import Array

if TYPE_CHECKING:
    from mujoco.studio.viewer_handle import ViewerHandle

__all__ = ["Film", "Looks", "show"]

LOOPBACK = "127.0.0.1"
_FRAME_S = 1 / 50  # between two pictures
_HOLD_S = 1.0  # at the end, before it starts again
_START_S = 30.0  # the web viewer must be there by then


@runtime_checkable
class Looks(Protocol):
    """What a world that MuJoCo simulates offers beyond the contract."""

    def looks(self, sim: int) -> tuple[mujoco.MjModel, mujoco.MjData]:
        """Simulation `sim` as it is now, in a model with looks; the same model for every call on a trial."""


@dataclass
class Film:
    """The poses of one trial.

    Attributes:
        model: with looks.
        period_s: time between two poses [s].
        poses: (qpos, mocap_pos, mocap_quat) of each control period.
    """

    model: mujoco.MjModel
    period_s: float
    poses: list[tuple[Array, Array, Array]] = field(default_factory=list)

    @classmethod
    def begin(cls, world: object, sim: int, *, period_s: float) -> Film | None:
        """An empty film of simulation `sim`; None for a world that MuJoCo does not simulate."""
        return cls(world.looks(sim)[0], period_s) if isinstance(world, Looks) else None

    def add(self, world: object, sim: int) -> None:
        """Record the pose of now."""
        assert isinstance(world, Looks)
        _, data = world.looks(sim)
        self.poses.append((data.qpos.copy(), data.mocap_pos.copy(), data.mocap_quat.copy()))

    def pose(self, data: mujoco.MjData, at_s: float) -> None:
        """Put `data` where the trial was at `at_s` [s], between two poses in proportion."""
        last = len(self.poses) - 1
        k = min(max(at_s / self.period_s, 0.0), float(last))
        before, after = self.poses[int(k)], self.poses[min(int(k) + 1, last)]
        share = k - int(k)
        velocity = np.zeros(self.model.nv)
        mujoco.mj_differentiatePos(self.model, velocity, 1.0, before[0], after[0])
        qpos = before[0].copy()
        mujoco.mj_integratePos(self.model, qpos, velocity, share)  # a quaternion is turned, not averaged
        data.qpos[:], data.mocap_pos[:], data.mocap_quat[:] = qpos, before[1], before[2]
        data.time = at_s
        mujoco.mj_forward(self.model, data)

    @property
    def seconds(self) -> float:
        """Length of the trial [s]."""
        return (len(self.poses) - 1) * self.period_s


def show(film: Film, *, title: str, web: bool, port: int, speed: float, say: Callable[[str], None]) -> str:
    """Show the film again and again until the viewer is closed; returns "window" or the web viewer's address.

    Raises: JanginError when there is no display, or the port is taken.
    """
    return _in_browser(film, title, port, speed, say) if web else _in_window(film, speed, say)


def _times(film: Film, speed: float) -> Iterator[float]:
    """The film's time for every picture, at its pace, without end."""
    while True:
        began, at_s = time.monotonic(), 0.0
        while at_s < film.seconds:
            at_s = (time.monotonic() - began) * speed
            yield min(at_s, film.seconds)
            time.sleep(_FRAME_S)
        for _ in range(round(_HOLD_S / _FRAME_S)):
            yield film.seconds
            time.sleep(_FRAME_S)


def _in_window(film: Film, speed: float, say: Callable[[str], None]) -> str:
    import glfw

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the reason is given below
        there_is_a_display = bool(glfw.init())
    if not there_is_a_display:
        raise JanginError(
            "There is no display here for MuJoCo's viewer. Give --web, and open the address in a browser."
        )
    import mujoco.viewer

    data = mujoco.MjData(film.model)
    film.pose(data, 0.0)
    with mujoco.viewer.launch_passive(film.model, data, show_left_ui=False, show_right_ui=False) as handle:
        say("The trial is playing in a window; close it to go on.")
        for at_s in _times(film, speed):
            if not handle.is_running():
                break
            film.pose(data, at_s)
            handle.sync()
    return "window"


def _in_browser(film: Film, title: str, port: int, speed: float, say: Callable[[str], None]) -> str:
    data = mujoco.MjData(film.model)
    film.pose(data, 0.0)
    handle, address = _serve(title, port)
    try:
        say(f"The trial is playing at {address}, for browsers on this machine; Ctrl-C ends it.")
        for at_s in _times(film, speed):
            if not handle.is_running():
                break
            film.pose(data, at_s)
            handle.sync(film.model, data)
    except KeyboardInterrupt:  # how a web viewer is closed from the terminal
        pass
    finally:
        with contextlib.redirect_stdout(io.StringIO()):
            handle.close()
    return address


def _serve(title: str, port: int) -> tuple[ViewerHandle, str]:
    """Start the web viewer on the loopback address; its handle and its address."""
    from mujoco.studio import app, launch_thread, plugin, viewer_protocol, web_viewer

    class OnLoopback(web_viewer.WebViewer):  # type: ignore[misc]
        # WebViewer.__init__ sets _host to every network and then binds to it; a property wins over that assignment
        _host = property(lambda self: LOOPBACK, lambda self, wanted: None)

    on_viewer, on_sim = plugin.split_plugins([app.App()])
    config = viewer_protocol.ViewerConfig(title=title, gfx="web", http_port=port)
    started: list[Any] = []

    def serve(endpoint: Any) -> None:
        viewer = OnLoopback(config, endpoint, plugins=on_viewer)
        started.append(viewer)
        viewer_protocol.run_viewer_loop(viewer)

    try:
        with contextlib.redirect_stdout(io.StringIO()):  # its banner names every network, which is not so here
            handle = launch_thread.launch_thread(serve, sim_plugins=on_sim)
            until = time.monotonic() + _START_S
            while not started and handle.is_running() and time.monotonic() < until:
                time.sleep(0.05)
            if not started:
                handle.close()  # raises what stopped it
    except (OSError, RuntimeError, OverflowError) as e:
        raise JanginError(f"The web viewer cannot listen on port {port}: {e}. Give another --port, or 0.") from e
    if not started:
        raise JanginError(f"The web viewer did not start within {_START_S:g} s.")
    host, bound = started[0]._http_sock.getsockname()[:2]
    if host != LOOPBACK:
        handle.close()
        raise JanginError(
            f"MuJoCo {mujoco.__version__} would offer the web viewer at {host}, beyond this machine; refused."
        )
    return handle, f"http://{LOOPBACK}:{bound}/"
