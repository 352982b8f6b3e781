"""Where an arm can be: a good pose with the tool at a place, how far it reaches, how far it is from a singularity.

    q = solve_home(arm, (0.5, 0.0, 0.3), (0, 0, -1))     # (n,) [rad]: tool at that place, z axis pointing down
    reach_m(arm)                                         # 0.92...: the farthest the tool gets from the shoulder
    manipulability(arm, q)                               # 0 at a singularity

Promises
    The same arm and the same arguments give the same bits: random starts come from `seed`, all runs on one thread, and
    angles are rounded to 1e-9 rad, below which linear algebra differs from one processor to the next.
    Positions are in the base frame, which is the world frame of `arm.spec()`.

What is not checked: whether the arm meets itself or anything else in that pose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import mujoco
import numpy as np

from jangin.errors import BadRobot
from jangin.task import Array

if TYPE_CHECKING:
    from jangin.cell.arm import Arm

__all__ = ["manipulability", "reach_m", "shoulder_m", "solve_home"]

Angles = Array  # (n,) [rad]
Point = Array  # (3,) [m], base frame

STARTS = 24  # home and this many random poses less one
STEPS, POSTURE_STEPS = 120, 80  # of each descent; the first ones also pull towards home
LENGTH_M = 0.3  # one radian of tilt counts as much as this many metres
TOLERANCE_M = 1e-8  # of position and, times LENGTH_M, of direction
SINGULAR = 0.2  # a pose is singular below this share of the median manipulability over the arm's range
NEARLY = 0.5  # of the highest manipulability is high enough to prefer a pose near home
SAMPLES = 64  # poses that median is taken over


class _Chain:
    """The arm's compiled model at one set of joint angles after another."""

    def __init__(self, arm: Arm) -> None:
        self.model = arm.spec(looks=False).compile()
        self.data = mujoco.MjData(self.model)
        self.site = self.model.site(arm.tool_site).id
        self.low, self.high = arm.low_rad, arm.high_rad
        self._jacobian = np.zeros((6, self.model.nv))

    def go(self, q: Angles) -> None:
        """Put the joints at q [rad]."""
        self.data.qpos[:] = q
        mujoco.mj_kinematics(self.model, self.data)

    @property
    def tool(self) -> Point:
        """Position of the tool frame [m]."""
        return self.data.site_xpos[self.site].copy()

    @property
    def out(self) -> Point:
        """Direction of its z axis."""
        return self.data.site_xmat[self.site].reshape(3, 3)[:, 2].copy()

    @property
    def anchors(self) -> Array:
        """A point on every joint's axis (n, 3) [m]."""
        return self.data.xanchor.copy()

    def jacobian(self) -> Array:
        """Of the tool frame (6, n): rows are linear [m/rad], then angular."""
        mujoco.mj_comPos(self.model, self.data)
        mujoco.mj_jacSite(self.model, self.data, self._jacobian[:3], self._jacobian[3:], self.site)
        return self._jacobian

    def manipulability(self) -> float:
        """sqrt(det(J J^T)) with angles weighed by LENGTH_M."""
        j = self.jacobian() * np.array([1.0] * 3 + [LENGTH_M] * 3)[:, None]
        return float(np.sqrt(max(np.linalg.det(j @ j.T), 0.0)))

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Poses (n, joints), uniform in the ranges, or in the one turn about the middle of a wider range."""
        middle, half = (self.low + self.high) / 2, np.minimum((self.high - self.low) / 2, np.pi)
        return middle + half * rng.uniform(-1.0, 1.0, (n, len(middle)))


def manipulability(arm: Arm, q: Sequence[float] | Angles) -> float:
    """sqrt(det(J J^T)) of the tool frame at q (n,) [rad], one radian counted as 0.3 m; 0 at a singularity.

    Source: Yoshikawa, "Manipulability of Robotic Mechanisms", Int. J. Robotics Research 4(2), 1985.
    """
    chain = _Chain(arm)
    chain.go(np.asarray(q, float))
    return chain.manipulability()


def shoulder_m(arm: Arm) -> Point:
    """Where the shoulder is, a point on the second joint's axis, with the arm at home [m]."""
    chain = _Chain(arm)
    chain.go(np.asarray(arm.home_rad))
    return chain.anchors[1]


def reach_m(arm: Arm, *, seed: int = 0) -> float:
    """The largest distance of the tool frame from the shoulder (the second joint) inside the joint ranges [m].

    One joint at a time is turned to where the distance is largest, which is exact for a hinge (the squared distance is
    a + b cos q + c sin q), until nothing grows: a local maximum, so the best of 16 starts drawn from `seed` is taken.
    """
    chain = _Chain(arm)
    starts = chain.sample(np.random.default_rng(seed), 16)
    return max(_stretch(chain, q) for q in starts)


def _stretch(chain: _Chain, q: Angles) -> float:
    def squared(k: int, angle: float) -> float:
        q[k] = angle
        chain.go(q)
        return float(np.sum((chain.tool - chain.anchors[1]) ** 2))

    best = 0.0
    for _ in range(50):
        before = best
        for k in range(1, len(q)):
            low, high = chain.low[k], chain.high[k]
            at = [squared(k, angle) for angle in (0.0, np.pi / 2, np.pi)]
            peak = np.arctan2(at[1] - (at[0] + at[2]) / 2, (at[0] - at[2]) / 2)
            peak += 2 * np.pi * np.ceil((low - peak) / (2 * np.pi))  # the first peak above the lower end
            best, angle = max((squared(k, a), a) for a in (low, high, *([peak] if peak <= high else [])))
            q[k] = angle
        if best - before < 1e-12:
            break
    return float(np.sqrt(best))


def solve_home(
    arm: Arm,
    position_m: Sequence[float] | Point,
    direction: Sequence[float] | Point = (0.0, 0.0, -1.0),
    *,
    margin_rad: float = 0.1,
    seed: int = 0,
) -> Angles:
    """Joint angles (n,) [rad] that put the tool frame at `position_m` with its z axis along `direction`, base frame.

    Damped least squares from the arm's home and from random starts drawn from `seed`, turning about the z axis left
    free and used to stay near home. Singular poses are left out; poses with the elbow up come first; of those with
    nearly the highest manipulability, the one nearest to home is taken. Every joint keeps `margin_rad` from its range.
    Accuracy: 1e-8 m.

    Raises: BadRobot when the arm cannot get there.
    Source: Wampler, "Manipulator Inverse Kinematic Solutions Based on ... Damped Least-Squares", IEEE SMC 16(1), 1986.
    """
    target, along = np.asarray(position_m, float), np.asarray(direction, float)
    along = along / np.linalg.norm(along)
    chain, rest = _Chain(arm), np.asarray(arm.home_rad)
    margin = np.minimum(margin_rad, (chain.high - chain.low) / 4)  # a narrow range keeps its middle half
    low, high = chain.low + margin, chain.high - margin
    rng = np.random.default_rng(seed)
    typical = np.median([_manipulability_at(chain, q) for q in chain.sample(rng, SAMPLES)])

    found: list[tuple[bool, float, Angles]] = []
    arrived = 0
    for start in (rest, *chain.sample(rng, STARTS - 1)):
        q = _descend(chain, np.clip(start, low, high), rest, target, along, low, high)
        if q is None:
            continue
        arrived += 1
        q = _nearest_turn(q, rest, low, high)
        worth = _manipulability_at(chain, q)
        if worth >= SINGULAR * typical:
            found.append((_elbow_up(chain), worth, q))
    if found:
        up = max(pose[0] for pose in found)
        enough = NEARLY * max(worth for elbow, worth, _ in found if elbow == up)
        good = [q for elbow, worth, q in found if elbow == up and worth >= enough]
        nearest = min(good, key=lambda q: round(float(np.max(np.abs(q - rest))), 3))  # of equals, the earliest start
        return np.round(nearest, 9)
    raise BadRobot(_out_of_reach(arm, chain, target, along, margin_rad, singular=arrived > 0))


def _manipulability_at(chain: _Chain, q: Angles) -> float:
    chain.go(q)
    return chain.manipulability()


def _descend(
    chain: _Chain, q: Angles, rest: Angles, target: Point, along: Point, low: Angles, high: Angles
) -> Angles | None:
    """One descent; None when it does not arrive."""
    keep = np.eye(3) - np.outer(along, along)  # turning about the wanted direction is free
    for step in range(STEPS):
        chain.go(q)
        error = np.concatenate([target - chain.tool, LENGTH_M * _turn(chain.out, along)])
        size = float(np.linalg.norm(error))
        if size < TOLERANCE_M and step >= POSTURE_STEPS:
            return q
        j = chain.jacobian().copy()
        j[3:] = LENGTH_M * keep @ j[3:]
        inverse = j.T @ np.linalg.inv(j @ j.T + (1e-9 + 1e-3 * min(size, 0.3) ** 2) * np.eye(6))
        dq = inverse @ (error * min(1.0, 0.1 / max(size, 1e-12)))
        if step < POSTURE_STEPS:
            pull = 0.1 * (rest - q)
            dq += pull - inverse @ (j @ pull)
        q = np.clip(q + np.clip(dq, -0.3, 0.3), low, high)
    return None


def _turn(a: Point, b: Point) -> Point:
    """The rotation vector that turns unit vector a into unit vector b the short way."""
    axis = np.cross(a, b)
    sine, cosine = np.linalg.norm(axis), float(a @ b)
    if sine < 1e-12:
        if cosine > 0:
            return np.zeros(3)
        axis = np.cross(a, np.eye(3)[np.argmin(np.abs(a))])  # opposite: any axis across will do
        return np.pi * axis / np.linalg.norm(axis)
    return axis / sine * np.arctan2(sine, cosine)


def _nearest_turn(q: Angles, rest: Angles, low: Angles, high: Angles) -> Angles:
    """The same pose with every joint the whole number of turns away that is nearest to `rest` and allowed."""
    turns = q + 2 * np.pi * np.arange(-2, 3)[:, None]
    distance = np.where((turns >= low) & (turns <= high), np.abs(turns - rest), np.inf)
    distance[2] = np.minimum(distance[2], 1e3)  # no turn at all is always allowed
    return turns[np.argmin(distance, axis=0), np.arange(len(q))]


def _elbow_up(chain: _Chain) -> bool:
    """Whether the joint farthest from the line from shoulder (second joint) to wrist (last but one) is above it."""
    shoulder, *between, wrist = chain.anchors[1:-1]
    line = (wrist - shoulder) / max(float(np.linalg.norm(wrist - shoulder)), 1e-9)
    off = [p - shoulder - line * ((p - shoulder) @ line) for p in between]
    return bool(max(off, key=lambda v: float(v @ v))[2] > 0)


def _out_of_reach(arm: Arm, chain: _Chain, target: Point, along: Point, margin_rad: float, singular: bool) -> str:
    place = ", ".join(f"{x:.3g}" for x in target)
    chain.go(np.asarray(arm.home_rad))
    distance, reach = float(np.linalg.norm(target - chain.anchors[1])), reach_m(arm)
    if distance > reach:
        return (
            f"{arm.name} cannot reach ({place}) m: that is {distance:.2f} m from its shoulder, "
            f"and it reaches {reach:.2f} m; move the work nearer."
        )
    way = ", ".join(f"{x:.3g}" for x in along)
    can = "can only in a singular pose" if singular else "cannot"
    return (
        f"{arm.name} {can} hold its tool at ({place}) m along ({way}) with its joints {margin_rad:g} rad inside their "
        f"ranges; move the work to where the arm has room."
    )
