"""Encounters to measure a collision check on: cars that drift in recorded traffic, and cut-ins braked for.

    steps = drifting(recorded, np.linspace(-1.5, 1.5, 7))       # each road user once with each drift
    steps = cut_ins(1000, np.random.default_rng(1))             # straight road, one follower, one that cuts in
    hidden_by_shrinking(*steps.boxes, encounter=steps.encounter)

Neither is traffic that reacts, and neither is a measure of a driver: what they have is contacts of the kind that good
drivers have left, shallow ones.
"""

from __future__ import annotations

import numpy as np

from jangin.vehicle.boxes import Boxes, swept
from jangin.vehicle.recorded import Recorded
from jangin.vehicle.shrinking import Steps, recorded_steps

__all__ = ["cut_ins", "drifting"]

Array = np.ndarray


def drifting(recorded: Recorded, drift_m: Array) -> Steps:
    """Each road user in turn displaced to its left by each drift (m,) [m] all along, among the others as recorded.

    An encounter is a displaced road user and another one, under one drift; those that touch in the recording itself are
    left out.
    """
    drift = np.asarray(drift_m, float)
    n = len(recorded)
    there = recorded.present[:, :-1] & recorded.present[:, 1:]
    apart = ~np.eye(n, dtype=bool)
    as_recorded = recorded_steps(recorded)
    touched = np.isfinite(swept(*as_recorded.boxes))
    for one, other in np.stack(np.triu_indices(n, k=1), axis=1)[np.unique(as_recorded.encounter[touched])]:
        apart[one, other] = apart[other, one] = False
    ego, other = np.nonzero(apart)
    pair, instant = np.nonzero(there[ego] & there[other])
    which = np.repeat(np.arange(len(drift)), len(pair))
    pair, instant = np.tile(pair, len(drift)), np.tile(instant, len(drift))

    def at(who: Array, when: Array, left: Array | float) -> Boxes:
        heading = recorded.heading_rad[who, when]
        return Boxes(
            recorded.x_m[who, when] - left * np.sin(heading),
            recorded.y_m[who, when] + left * np.cos(heading),
            heading,
            recorded.length_m[who],
            recorded.width_m[who],
        )

    a, b, left = ego[pair], other[pair], drift[which]
    boxes = (at(a, instant, left), at(a, instant + 1, left), at(b, instant, 0.0), at(b, instant + 1, 0.0))
    return Steps(boxes, which * n * n + a * n + b)


def cut_ins(
    n: int, rng: np.random.Generator, *, reaction_s: float = 1.0, deceleration_m_s2: float = 6.0, step_s: float = 0.1
) -> Steps:
    """n cars that change into the lane of a slower-reacting follower, 10 s each; an encounter is one of them.

    Both are 4.5 m x 1.8 m. Drawn from `rng`, evenly: the follower's speed, 15 to 40 m/s; by how much the other is
    slower, 3 to 15 m/s; the gap at the start, 2 to 60 m; the lateral speed, 0.5 to 3 m/s. The other starts 3.5 m to the
    left, keeps its speed and ends in the middle of the lane. `reaction_s` after it starts, the follower brakes evenly
    down to that speed.
    """
    speed, slower = rng.uniform(15.0, 40.0, (n, 1)), rng.uniform(3.0, 15.0, (n, 1))
    gap, lateral = rng.uniform(2.0, 60.0, (n, 1)), rng.uniform(0.5, 3.0, (n, 1))
    t = np.arange(0.0, 10.0 + 0.5 * step_s, step_s)
    braking = np.clip(t - reaction_s, 0.0, slower / deceleration_m_s2)
    # the follower's lead over a car at the other's speed: what it gained before, while and after it brakes
    gained = slower * np.minimum(t, reaction_s) + slower * braking - 0.5 * deceleration_m_s2 * braking**2
    other_x = gap + 4.5 + (speed - slower) * t
    other_y = np.maximum(3.5 - lateral * t, 0.0)
    heading = np.where(other_y > 0.0, -np.arctan2(lateral, speed - slower), 0.0)

    def at(x: Array, y: Array, turned: Array, when: slice) -> Boxes:
        return Boxes(x[:, when].ravel(), y[:, when].ravel(), turned[:, when].ravel(), np.array(4.5), np.array(1.8))

    follower = (speed - slower) * t + gained
    still = np.zeros_like(follower)
    before, after = slice(None, -1), slice(1, None)
    boxes = (
        at(follower, still, still, before),
        at(follower, still, still, after),
        at(other_x, other_y, heading, before),
        at(other_x, other_y, heading, after),
    )
    return Steps(boxes, np.repeat(np.arange(n), len(t) - 1))
