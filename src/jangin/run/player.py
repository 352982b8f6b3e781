"""The policy's side of a running bundle: one observation in, one action out. NumPy and ONNX Runtime only.

    player = Player(bundle.read("peg-insert.bundle", trust="1f6a..."))     # or Refused, with one sentence
    player.check_fits(plant)                                               # names, order, units, rate, task and robot
    action = player.act(observation)                                       # (nobs,) -> (nact,) float32

Promises
    The policy runs on the execution provider that was asked for, or not at all.
    It answers the bundle's golden observations as it did where it was qualified, within the bundle's tolerance.
    Channels are compared by name, unit, frame and range, in order; nothing is permuted or converted silently.
    An action is inside its channels' ranges. One that is no number stays no number: stopping then is the plant's duty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jangin.bundle import GOLDEN, Opened, describe_channels, first_difference, metadata_misfit, unpack_array
from jangin.errors import BadPolicy, Refused
from jangin.policy import OnnxPolicy
from jangin.task import Array

if TYPE_CHECKING:
    from jangin.run.plant import Plant

__all__ = ["Player"]


class Player:
    """A policy out of a bundle, ready to act.

    Raises: Refused when ONNX Runtime cannot execute it on `provider`, when its shapes or channels are not the bundle's,
    or when it answers the golden observations otherwise than it did.
    """

    def __init__(self, opened: Opened, *, provider: str = "CPUExecutionProvider") -> None:
        self.opened = opened
        self.provider = provider
        self._where = f"{opened.bundle.path}: policy.onnx"
        try:
            self._policy = OnnxPolicy(opened.members["policy.onnx"], name=self._where, provider=provider)
        except BadPolicy as e:
            raise Refused(" ".join(str(e).split())) from e
        inputs, outputs = (opened.manifest["io"][k][0]["channels"] for k in ("inputs", "outputs"))
        self.nobs, self.nact = len(inputs), len(outputs)
        self._low, self._high = np.array([c["range"] for c in outputs], dtype=float).astype(np.float32).T
        self._check_policy()
        self._check_golden()

    def act(self, seen: Array) -> Array:
        """One observation (nobs,) -> one action (nact,), float32, in the action channels' units and ranges."""
        return np.clip(self._policy.act(seen[None])[0], self._low, self._high)

    def check_fits(self, plant: Plant) -> None:
        """Raises Refused when the plant is not the one that the bundle was qualified for."""
        manifest, where = self.opened.manifest, self.opened.bundle.path
        identity, rate_hz = manifest["identity"], manifest["timing"]["rate_hz"]
        task, task_sha256 = identity["task"], identity["task_sha256"]
        if plant.task != task:
            raise Refused(f"{where} is for the task {task!r}, and this plant does {plant.task!r}.")
        if dict(plant.robot) != identity["robot"]:
            raise Refused(f"{where} is for another robot: {_robots(identity['robot'], dict(plant.robot))}.")
        if plant.rate_hz != rate_hz:
            raise Refused(
                f"{where} is for a control rate of {rate_hz:g} Hz, and this plant runs at {plant.rate_hz:g} Hz."
            )
        for what, signals in (("inputs", plant.observation), ("outputs", plant.action)):
            if differs := first_difference(manifest["io"][what][0]["channels"], describe_channels(signals)):
                raise Refused(
                    f"The {what} of this plant are not those of {where}: {differs}. Channels must agree in order."
                )
        if plant.task_sha256 != task_sha256:
            raise Refused(
                f"{where} was qualified for another {task} than this plant's: conditions, limits or fields differ "
                f"(sha256 {task_sha256[:12]} and {plant.task_sha256[:12]}). Give the task the same fields."
            )

    def _check_policy(self) -> None:
        if (self._policy.nobs, self._policy.nact) != (self.nobs, self.nact):
            raise Refused(
                f"{self._where} maps {self._policy.nobs} numbers to {self._policy.nact}, and its bundle.yaml says "
                f"{self.nobs} to {self.nact}."
            )
        if differs := metadata_misfit(self._policy.metadata, self.opened.manifest):
            raise Refused(f"{self._where} is not the policy that its bundle.yaml describes: {differs}.")

    def _check_golden(self) -> None:
        rows = self.opened.manifest["golden"]["rows"]
        tolerance = np.array(self.opened.manifest["golden"]["tolerance"], float)
        seen, wanted = (
            unpack_array(self.opened.members[name], (rows, width), f"{self.opened.bundle.path}: {name}")
            for name, width in zip(GOLDEN, (self.nobs, self.nact), strict=True)
        )
        try:
            got = np.concatenate([self._policy.act(row[None]) for row in seen])
        except (
            Exception
        ) as e:  # ONNX Runtime raises its own many classes; whatever it was, this policy does not run here
            raise Refused(f"{self._where} does not run on {self.provider}: {' '.join(str(e).split())}") from e
        # written so that a NaN is a difference
        within = np.abs(got - wanted) <= tolerance
        if not within.all():
            row, channel = np.argwhere(~within)[0]
            name = self.opened.manifest["io"]["outputs"][0]["channels"][channel]["name"]
            raise Refused(
                f"{self._where} answers otherwise here than where it was qualified: {got[row, channel]:.6g} for {name} "
                f"in golden row {row}, where {wanted[row, channel]:.6g} +- {tolerance[channel]:.2g} belongs."
            )


def _robots(wanted: dict[str, str], here: dict[str, str]) -> str:
    key = next(k for k in sorted({*wanted, *here}) if wanted.get(k) != here.get(k))
    return f"{key} is {here.get(key)!r} here and {wanted.get(key)!r} in the bundle"
