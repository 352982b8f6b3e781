"""run: a bundle executes on a plant, or refuses with one sentence.

    log = run("peg-insert.bundle", on="sim", task=PegInsert(), trials=100, seed=1)
    log.trials, log.verdict, log.limits["force_n"].over

`player` is the policy's side and needs NumPy and ONNX Runtime only, so that a robot's computer stays small. `plant`
says what a machine must offer, and has the simulated one. `session` brings the two together and keeps the record.
"""

from jangin.run.plant import Plant, SimPlant
from jangin.run.player import Player
from jangin.run.session import LimitUse, Log, run

__all__ = ["LimitUse", "Log", "Plant", "Player", "SimPlant", "run"]
