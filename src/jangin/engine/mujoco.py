"""Many simulations of one MuJoCo model, a control period at a time, on all cores.

    sim = Simulation(model, nsim=256, threads=0, substeps=40)
    sim.reset(ids, qpos=home)                      # then write sim.field("pair_friction")[ids] = ...
    sim.refresh(ids)
    readings = sim.advance(ids, ctrl)              # ctrl (n, substeps, nu) -> sensors (n, substeps, nsensordata)
    sim.reading(readings, "force")                 # (n, substeps, 3): every substep, so that no impact hides

It stands on `mujoco.batch`, which promises the same bits at any number of threads. Derived fields of MuJoCo lag one
substep after a step; `advance` ends with a position stage, so that POSES are those of the state. A simulation that
MuJoCo warns about (NaN, full contact or constraint buffers) or raises in is marked in `sim.invalid` by name and left
alone; the others go on. MuJoCo's own log (console and MUJOCO_LOG.TXT) is switched off for the process.
"""

from __future__ import annotations

import mujoco
import numpy as np
from mujoco import batch as mujoco_batch

from jangin.task import Array

__all__ = ["INVALID_NAMES", "POSES", "Simulation", "version"]

POSES = ("xpos", "xmat")  # the derived fields that are kept current
# sim.invalid holds 0 (fine) or 1 + the index of one of these
INVALID_NAMES = ("invalid_nan", "invalid_overflow")
_NAN = (mujoco.mjtWarning.mjWARN_BADQPOS, mujoco.mjtWarning.mjWARN_BADQVEL, mujoco.mjtWarning.mjWARN_BADQACC)
_POSITION = int(mujoco.mjtStage.mjSTAGE_POS)
_NONE = int(mujoco.mjtStage.mjSTAGE_NONE)
_CTRL = int(mujoco.mjtState.mjSTATE_CTRL)


def version() -> str:
    """The engine's name and version."""
    return f"mujoco {mujoco.__version__}"


def _quiet() -> None:
    """Stop MuJoCo from printing its warnings and from writing MUJOCO_LOG.TXT: here a warning becomes an outcome."""
    config = mujoco.MjLogConfig.get()
    config.logto_console = config.logto_file = False
    config.set()


class Simulation:
    """nsim simulations of `model`, `substeps` MuJoCo steps per control period, on `threads` threads (0: all cores)."""

    def __init__(self, model: mujoco.MjModel, nsim: int, *, threads: int = 0, substeps: int = 1) -> None:
        self.model, self.nsim, self.substeps = model, nsim, substeps
        _quiet()
        self.batch = mujoco_batch.Batch(model, nsim, threads)
        for name in POSES:  # now: what is bound later is zero until the next call, so a first reset would see nothing
            self.batch.bind(name)
        self.invalid = np.zeros(nsim, np.int8)
        self._warned = self._warnings(slice(None)).copy()
        self._sensors = np.empty((nsim, substeps, model.nsensordata))

    def field(self, name: str) -> Array:
        """A model field with a value per simulation, (nsim, ...); writes count from the next call on."""
        return self.batch.expand(name)

    def bind(self, name: str) -> Array:
        """A live view (nsim, ...) of a state field, which can be written, or of one of POSES."""
        view = self.batch.bind(name)
        assert view.flags.writeable or name in POSES, f"{name} is no state and not kept current"
        return view

    def reset(self, ids: Array, *, qpos: Array) -> None:
        """Default state with `qpos` (nq,) or (n, nq), no velocity; call `refresh` after further writes."""
        self.batch.reset(ids, stage=_NONE)
        self.bind("qpos")[ids] = qpos
        self.invalid[ids] = 0
        self._warned[ids] = self._warnings(ids)

    def refresh(self, ids: Array) -> None:
        """Bring POSES up to date with the state."""
        try:
            self.batch.forward(ids, stage=_POSITION)
        except mujoco_batch.SimulationError as error:
            self.invalid[error.ids] = 2

    def advance(self, ids: Array, ctrl: Array) -> Array:
        """One control period of simulations ids with ctrl (n, substeps, nu); every substep's sensors.

        Returns: (n, substeps, nsensordata), valid until the next call; NaN where a simulation raised.
        """
        out = self._sensors[: len(ids)]
        try:
            self.batch.rollout(self.substeps, ctrl, _CTRL, record=("sensordata",), ids=ids, out={"sensordata": out})
        except mujoco_batch.SimulationError as error:
            self.invalid[error.ids] = 2  # MuJoCo raises when its memory for contacts or constraints is full
            out[np.isin(ids, error.ids)] = np.nan  # it wrote nothing there
        warnings = self._warnings(ids)
        raised = warnings > self._warned[ids]
        if raised.any():
            nan = raised[:, [int(w) for w in _NAN]].any(1)
            self.invalid[ids[nan]] = 1
            self.invalid[ids[raised.any(1) & ~nan]] = 2
            self._warned[ids] = warnings
        fine = ids[self.invalid[ids] == 0]
        if fine.size:
            self.refresh(fine)
        return out

    def reading(self, readings: Array, sensor: str) -> Array:
        """A named sensor's part of `advance`'s result, (n, substeps, dim)."""
        view = self.model.sensor(sensor)
        start, dim = int(view.adr[0]), int(view.dim[0])
        return readings[:, :, start : start + dim]

    def _warnings(self, ids: Array | slice) -> Array:
        """How often each simulation raised each of MuJoCo's warnings, (n, mjNWARNING)."""
        return self.batch.warning[ids][:, :, 1]  # beside it, at 0, is what the last one was about


ENGINE = Simulation
