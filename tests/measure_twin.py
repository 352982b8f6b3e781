"""Measure a physics of the peg task against the slow twin: success, cycle, peak force, true overlap in the bore.

    PYTHONPATH=src python tests/measure_twin.py --clearance-mm 0.2 --trials 208 evidence twin

prints one row of the table in docs/physics.md per physics. The trials are the same ones under every physics: same
conditions, same noise, the scripted expert. `test_twin.py` runs a small version of it.

The overlap is read after every substep while the peg's tip is deeper than INSIDE_M: the task itself records only a
trial's maximum, which says little about how the contact is between two impacts.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace

import numpy as np

from jangin.cell.tasks.peg_insert import LENGTH_M, PegInsert
from jangin.engine.mujoco import Simulation
from jangin.engine.rollout import run_block
from jangin.task import SUCCESS, Trials

INSIDE_M = 0.002
STEP_M, TOP_M = 0.25e-6, 0.5e-3  # of the overlap's histogram
QUANTILES = (0.5, 0.9, 0.99, 1.0)

# leans that a good fixture and a good grip have; the conditions of the agreement that docs/physics.md states
MILD = {"hole_tilt_rad": 0.0087, "grip_tilt_rad": 0.0044}


class SubstepOverlap(Simulation):
    """A Simulation that advances one substep at a time and keeps a histogram of the overlap in the bore."""

    def __init__(self, model, nsim, *, threads=0, substeps=1):
        super().__init__(model, nsim, threads=threads, substeps=substeps)
        self.counts = np.zeros((nsim, round(TOP_M / STEP_M)), np.int64)
        self._peg, self._hole = model.body("peg").id, model.body("fixture").id
        self._one = {
            "sensordata": np.empty((nsim, 1, model.nsensordata)),
            "xpos": np.empty((nsim, 1, model.nbody, 3)),
            "xmat": np.empty((nsim, 1, model.nbody, 9)),
        }

    def advance(self, ids, ctrl):
        out, deepest = self._sensors[: len(ids)], self.bind("userdata")
        most = deepest[ids].copy()
        for k in range(self.substeps):
            deepest[ids] = 0.0
            one = {name: array[: len(ids)] for name, array in self._one.items()}
            self.batch.rollout(1, ctrl[:, k : k + 1], record=tuple(one), ids=ids, out=one)
            out[:, k] = one["sensordata"][:, 0]
            now = deepest[ids]
            most = np.maximum(most, now)
            self._count(ids, now[:, 0], self._depth(one["xpos"][:, 0], one["xmat"][:, 0]))
        deepest[ids] = most
        self.invalid[ids[(self._warnings(ids) > self._warned[ids]).any(1)]] = 1
        self.refresh(ids)
        return out

    def _depth(self, xpos, xmat):
        """How deep the tip is below the mouth, (n,), at the state that the contacts belong to."""
        rotation, frame = xmat[:, self._peg].reshape(-1, 3, 3), xmat[:, self._hole].reshape(-1, 3, 3)
        tip = xpos[:, self._peg] + LENGTH_M * rotation[:, :, 2]
        return -np.einsum("nk,nk->n", frame[:, :, 2], tip - xpos[:, self._hole])

    def _count(self, ids, overlap, depth):
        touching = (depth > INSIDE_M) & (overlap > 0)
        bins = np.minimum((overlap[touching] / STEP_M).astype(int), self.counts.shape[1] - 1)
        self.counts[ids[touching], bins] += 1

    def quantile(self, p, sims):
        """Upper edge of the bin that holds the p-quantile of the overlap over all substeps in contact of `sims` [m]."""
        counts = self.counts[sims].sum(0)
        return STEP_M * (1 + int(np.searchsorted(np.cumsum(counts), p * counts.sum())))


@dataclass(frozen=True)
class Measured:
    """What one physics gave."""

    physics: str
    trials: Trials
    overlap_m: dict[float, float]  # quantiles over the substeps in contact in the bore, of all trials
    seated_overlap_m: dict[float, float]  # and of those that succeeded
    seconds: float

    @property
    def succeeded(self):
        return self.trials["outcome"] == SUCCESS

    def force_n(self, p):
        return float(np.quantile(self.trials["peak_force_n"], p))

    def row(self, clearance_m):
        cycle = self.trials["cycle_s"][self.succeeded]
        force = "/".join(f"{self.force_n(p):.1f}" for p in (0.5, 0.95, 0.99))
        deep, seated = (
            "/".join(f"{1e6 * q:.1f}" for q in found.values()) for found in (self.overlap_m, self.seated_overlap_m)
        )
        return (
            f"| {1e3 * clearance_m:g} | {self.physics} | {self.succeeded.mean():.3f} | "
            f"{cycle.mean():.2f}/{np.quantile(cycle, 0.95):.2f} | {force} | {deep} | {seated} |"
        )


def measure(task: PegInsert, physics: str, *, trials: int, seed: int = 1, policy: str = "expert") -> Measured:
    """The first `trials` trials of a stream under a physics; the same conditions and noise whatever the physics."""
    task = replace(task, physics=physics)
    world = task.world(trials, seed=seed, purpose="twin")
    world.sim = SubstepOverlap(world.scene.model, trials, substeps=world.substeps)
    world._gain = world.sim.field("actuator_gainprm"), world.sim.field("actuator_biasprm")
    begin = time.perf_counter()
    table = run_block(task, world, getattr(task, policy)(), 0, seed=seed)
    every, seated = np.ones(trials, bool), table["outcome"] == SUCCESS
    overlap, of_seated = ({p: world.sim.quantile(p, sims) for p in QUANTILES} for sims in (every, seated))
    return Measured(physics, table, overlap, of_seated, time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("physics", nargs="+", help="training, evidence, twin")
    parser.add_argument("--clearance-mm", type=float, nargs="+", default=[0.1, 0.2, 0.4])
    parser.add_argument("--trials", type=int, default=208)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--policy", default="expert")
    args = parser.parse_args()
    out = sys.stdout
    out.write(
        "| clearance mm | physics | success | cycle mean/p95 s | peak force p50/p95/p99 N "
        "| overlap in the bore p50/p90/p99/max um | of successes |\n|---|---|---|---|---|---|---|\n"
    )
    for clearance in (1e-3 * c for c in args.clearance_mm):
        task = PegInsert(clearance_m=(clearance, clearance), **MILD)
        for physics in args.physics:
            found = measure(task, physics, trials=args.trials, seed=args.seed, policy=args.policy)
            out.write(found.row(clearance) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
