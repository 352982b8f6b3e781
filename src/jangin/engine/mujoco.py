"""Many simulations of one MuJoCo model, a control period at a time, on all cores.

    sim = Simulation(model, nsim=256, threads=0, substeps=40)
    sim.reset(ids, qpos=home)                      # then write sim.field("pair_friction")[ids] = ...
    sim.refresh(ids)
    readings = sim.advance(ids, ctrl)              # ctrl (n, substeps, nu) -> sensors (n, substeps, nsensordata)
    sim.reading(readings, "force")                 # (n, substeps, 3): every substep, so that no impact hides

It stands on `mujoco.batch`, which promises the same bits at any number of threads. Derived fields of MuJoCo lag one
substep after a step; `advance` ends with a position stage, so that poses are those of the state. A simulation that MuJoCo
warns about (NaN, full contact or constraint buffers) or raises in is marked in `sim.invalid` by name and left alone.
"""

from __future__ import annotations

import mujoco
import numpy as np
from mujoco import batch as mujoco_batch

from jangin.task import Array

__all__ = ["INVALID_NAMES", "Simulation", "version"]

# sim.invalid holds 0 (fine) or 1 + the index of one of these
INVALID_NAMES = ("invalid_nan", "invalid_overflow")
_NAN = (mujoco.mjtWarning.mjWARN_BADQPOS, mujoco.mjtWarning.mjWARN_BADQVEL, mujoco.mjtWarning.mjWARN_BADQACC)
_POSITION = int(mujoco.mjtStage.mjSTAGE_POS)
_NONE = int(mujoco.mjtStage.mjSTAGE_NONE)
_CTRL = int(mujoco.mjtState.mjSTATE_CTRL)


def version() -> str:
    """The engine's name and version."""
    return f"mujoco {mujoco.__version__}"


class Simulation:
    """nsim simulations of `model`, `substeps` MuJoCo steps per control period, on `threads` threads (0: all cores)."""

    def __init__(self, model: mujoco.MjModel, nsim: int, *, threads: int = 0, substeps: int = 1) -> None:
        self.model, self.nsim, self.substeps = model, nsim, substeps
        self.batch = mujoco_batch.Batch(model, nsim, threads)
        self.invalid = np.zeros(nsim, np.int8)
        self._warned = self.batch.warning.copy()
        self._sensors = np.empty((nsim, substeps, model.nsensordata))

    def field(self, name: str) -> Array:
        """A model field with a value per simulation, (nsim, ...); writes count from the next call on."""
        return self.batch.expand(name)

    def bind(self, name: str) -> Array:
        """A live view (nsim, ...) of a data field; state fields can be written."""
        return self.batch.bind(name)

    def reset(self, ids: Array, *, qpos: Array) -> None:
        """Default state with `qpos` (nq,) or (n, nq), no velocity; call `refresh` after further writes."""
        self.batch.reset(ids, stage=_NONE)
        self.bind("qpos")[ids] = qpos
        self.invalid[ids] = 0
        self._warned[ids] = self.batch.warning[ids]

    def refresh(self, ids: Array) -> None:
        """Bring poses (xpos, site_xpos, ...) up to date with the state."""
        try:
            self.batch.forward(ids, stage=_POSITION)
        except mujoco_batch.SimulationError as error:
            self.invalid[error.ids] = 2

    def advance(self, ids: Array, ctrl: Array) -> Array:
        """One control period of simulations ids with ctrl (n, substeps, nu); every substep's sensors, valid until the next call.

        Returns: (n, substeps, nsensordata).
        """
        out = self._sensors[: len(ids)]
        try:
            self.batch.rollout(self.substeps, ctrl, _CTRL, record=("sensordata",), ids=ids, out={"sensordata": out})
        except mujoco_batch.SimulationError as error:
            self.invalid[error.ids] = 2  # MuJoCo raises when its memory for contacts or constraints is full
        raised = self.batch.warning[ids] > self._warned[ids]
        if raised.any():
            nan = raised[:, [int(w) for w in _NAN]].any(1)
            self.invalid[ids[nan]] = 1
            self.invalid[ids[raised.any(1) & ~nan]] = 2
            self._warned[ids] = self.batch.warning[ids]
        fine = ids[self.invalid[ids] == 0]
        if fine.size:
            self.refresh(fine)
        return out

    def reading(self, readings: Array, sensor: str) -> Array:
        """A named sensor's part of `advance`'s result, (n, substeps, dim)."""
        view = self.model.sensor(sensor)
        start, dim = int(view.adr[0]), int(view.dim[0])
        return readings[:, :, start : start + dim]
