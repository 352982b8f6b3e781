"""Rare-failure problems whose probability is known exactly: limit states, and trajectories of many random steps.

    problem = STATIC["four-branch"]
    estimate(problem.margin, problem.dim, seed=1)         # the truth is problem.exact

z is standard normal, failure is margin < 0. Static problems are from the RPRepo / otbenchmark collection; `exact` is by
one-dimensional quadrature or closed form (several published values, from Monte Carlo, are wrong in the second digit).
Dynamic problems answer with the course of the smallest margin so far.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

Array = np.ndarray


@dataclass(frozen=True)
class Problem:
    """A margin(z (n, dim), trial (n,)), its latent numbers, and P(margin < 0)."""

    margin: Callable[[Array, Array], Array]
    dim: int
    exact: float


def of(g: Callable[..., Array], dim: int, exact: float) -> Problem:
    """A limit state of single coordinates."""
    return Problem(lambda z, trial: g(*z.T), dim, exact)


def four_branch(a: Array, b: Array) -> Array:
    bend, along, across = 0.1 * (a - b) ** 2, (a + b) / math.sqrt(2.0), a - b
    return np.minimum.reduce(
        [3 + bend - along, 3 + bend + along, across + 7 / math.sqrt(2.0), 7 / math.sqrt(2.0) - across]
    )


def rp77(x1: Array, x2: Array, x3: Array) -> Array:
    a, b, c = 10 + 0.5 * x1, x2, 4 + x3
    return np.where(c <= 5, a - b - c, c - b)


def rp110(a: Array, b: Array) -> Array:
    """Descends fastest along b, where failures are a hundred times rarer than along a: bait for any search."""
    return np.minimum(np.where(a > 3.5, 4 - a, 0.85 - 0.1 * a), np.where(b > 2, 0.5 - 0.1 * b, 2.3 - b))


def axial_beam(a: Array, b: Array) -> Array:
    """A tension bar: lognormal strength of mean 300 and deviation 30, a normal load on a rod of radius 10."""
    s = math.sqrt(math.log1p(0.01))
    return np.exp(math.log(300) - 0.5 * s * s + s * a) - (75_000 + 5_000 * b) / (100 * math.pi)


def lead_brake(v: float, ahead: float, gap: float, deviation: float) -> Callable[[Array, Array], Array]:
    """The gap [m] left when a vehicle ahead brakes with `ahead` and the one behind, after reacting, with 6 m/s^2."""
    return lambda a, b: gap + deviation * a + v * v / (2 * ahead) - v * (0.75 + 0.15 * b) - v * v / 12


SQRT2 = math.sqrt(2.0)
STATIC = {
    "RP22": of(lambda a, b: 2.5 - (a + b) / SQRT2 + 0.1 * (a - b) ** 2, 2, 4.207305511e-3),
    "RP24": of(lambda a, b: 2.5 - 0.2357 * 3 * (a - b) + 0.00463 * (3 * a + 3 * b) ** 4, 2, 2.859945688e-3),
    "RP25": of(lambda a, b: np.maximum(a * a - 8 * b + 16, -16 * a + b + 32), 2, 4.148566294e-5),
    "RP31": of(lambda a, b: 2 - b + 256 * a**4, 2, 3.226681210e-3),
    "RP33": of(lambda a, b, c: np.minimum(3 * math.sqrt(3) - a - b - c, 3 - c), 3, 2.575597791e-3),
    "RP35": of(lambda a, b: np.minimum(2 - b + np.exp(-0.1 * a * a) + (0.2 * a) ** 4, 4.5 - a * b), 2, 3.478946321e-3),
    "RP54": Problem(lambda z, trial: -log_ndtr(-z).sum(axis=1) - 8.951, 20, 9.906030725e-4),
    "RP63": Problem(lambda z, trial: 0.1 * np.sum(z[:, 1:] ** 2, axis=1) - z[:, 0] - 4.5, 100, 3.769436118e-4),
    "RP75": of(lambda a, b: 3 - a * b, 2, 9.819298722e-3),
    "RP77": of(rp77, 3, 2.690843952e-7),
    "RP89": of(lambda a, b: np.minimum(8 - a * a - b, 6 - a / 5 - b), 2, 5.471280529e-3),
    "RP107": Problem(lambda z, trial: 5 * math.sqrt(10) - z.sum(axis=1), 10, 2.866515719e-7),
    "RP111": of(lambda a, b: 12.5 - np.abs(a * b), 2, 8.035085965e-7),
    "four-branch": of(four_branch, 2, 2.222795066194e-3),
    "R-S, mean 2": of(lambda a, b: 2 + a - b, 2, 0.0786496035),
    "R-S, mean 5": of(lambda a, b: 5 + a - b, 2, 2.034760087e-4),
    "axial beam": of(axial_beam, 2, 0.0291981946),
    "lead-brake 60 m": of(lead_brake(30.0, 8.0, 60.0, 5.0), 2, 2.657027487e-3),
    "lead-brake 73 m": of(lead_brake(30.0, 8.0, 73.2, 5.0), 2, 1.018847077e-6),
    "lead-brake 25 m": of(lead_brake(60 / 3.6, 7.0, 25.0, 3.0), 2, 9.28367e-3),
}
BAIT = of(rp110, 2, 3.195788433e-5)


def walk(threshold: float) -> Callable[[Array, Array], Array]:
    """A walk of normal steps; failure is to leave (-threshold, threshold)."""
    return lambda z, trial: threshold - np.maximum.accumulate(np.abs(np.cumsum(z, axis=1)), axis=1)


def gambler(target: int, start: int = 5, up: float = 0.4) -> Callable[[Array, Array], Array]:
    """A gambler who wins 1 with probability 0.4, else loses 1; failure (here) is to own the target before nothing.

    The margin is what he lacked of the target at best, less 1/2: a whole number and a half, negative when he got there.
    """

    def margin(z: Array, trial: Array) -> Array:
        money = start + np.cumsum(np.where(z > ndtri(1.0 - up), 1, -1).astype(np.int16), axis=1, dtype=np.int16)
        playing = np.minimum.accumulate(money, axis=1) > 0
        return target - 0.5 - np.maximum.accumulate(np.where(playing, money, start), axis=1)

    return margin


def ruin(target: int, steps: int, start: int = 5, up: float = 0.4) -> float:
    """The probability that he gets there within so many steps, by the forward equation."""
    p = np.zeros(target + 1)
    p[start] = 1.0
    for _ in range(steps):
        new = np.zeros_like(p)
        new[2:] += up * p[1:-1]
        new[:-2] += (1.0 - up) * p[1:-1]
        new[0] += p[0]
        new[-1] += p[-1]
        p = new
    return float(p[-1])


def brownian(level: float) -> Callable[[Array, Array], Array]:
    """sup over t of W(t) - t above a level, by steps of 1 with the exact supremum of the bridge within each.

    Two latent numbers a step: the increment, and the uniform number of the bridge's supremum.
    """

    def margin(z: Array, trial: Array) -> Array:
        steps = z.reshape(len(z), z.shape[1] // 2, 2)
        increment = steps[:, :, 0] - 1.0
        before = np.cumsum(increment, axis=1) - increment
        highest = before + 0.5 * (increment + np.sqrt(increment**2 - 2.0 * log_ndtr(steps[:, :, 1])))
        return level - np.maximum.accumulate(highest, axis=1)

    return margin


def brownian_exceeds(level: float, horizon: float) -> float:
    """P(sup over t <= horizon of W(t) - t > level); e^(-2 level) for an infinite one."""
    root = math.sqrt(horizon)
    return float(ndtr(-(level + horizon) / root) + math.exp(-2.0 * level) * ndtr((horizon - level) / root))


STEPS = 250
DYNAMIC = {
    "walk, 10": Problem(walk(10.0), 30, 0.108736332356),
    "walk, 20": Problem(walk(20.0), 30, 3.659219884e-4),
    "walk, 25": Problem(walk(25.0), 30, 6.632957885e-6),
    "walk, 30": Problem(walk(30.0), 30, 5.42934092e-8),
    "gambler, 20": Problem(gambler(20), STEPS, ruin(20, STEPS)),
    "gambler, 40": Problem(gambler(40), 2 * STEPS, ruin(40, 2 * STEPS)),
    "Brownian, 3": Problem(brownian(3.0), 80, brownian_exceeds(3.0, 40.0)),
    "Brownian, 7": Problem(brownian(7.0), 80, brownian_exceeds(7.0, 40.0)),
}
