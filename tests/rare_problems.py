"""Rare-failure problems whose probability is known: static limit states, and trajectories of many random steps.

Each is (margin(z, trial), dimension, exact probability); z is standard normal, failure is margin < 0. Exact values are
by one-dimensional quadrature or closed form.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincinv, ndtr

SQRT2 = np.sqrt(2.0)


def of(g):
    """A limit state of the columns of z as a margin."""
    return lambda z, trial: g(*z.T)


def exponential_sum(z, trial):
    """The sum of 20 exponential variables against 8.951."""
    return -np.log1p(-ndtr(z)).sum(axis=1) - 8.951


def rp63(z, trial):
    return 0.1 * np.sum(z[:, 1:] ** 2, axis=1) - z[:, 0] - 4.5


def rp77(x1, x2, x3):
    a, b, c = 10 + 0.5 * x1, x2, 4 + x3
    return np.where(c <= 5, a - b - c, c - b)


def axial_beam(x1, x2):
    """A tension bar: lognormal strength of mean 300 and deviation 30, normal load on a rod of radius 10."""
    s = np.sqrt(np.log1p(0.01))
    strength = np.exp(np.log(300) - 0.5 * s * s + s * x1)
    return strength - (75000 + 5000 * x2) / (100 * np.pi)


STATIC = {
    "RP22": (of(lambda a, b: 2.5 - (a + b) / SQRT2 + 0.1 * (a - b) ** 2), 2, 4.207305511e-3),
    "RP24": (of(lambda a, b: 2.5 - 0.2357 * 3 * (a - b) + 0.00463 * (3 * a + 3 * b) ** 4), 2, 2.859945688e-3),
    "RP25": (of(lambda a, b: np.maximum(a * a - 8 * b + 16, -16 * a + b + 32)), 2, 4.148566294e-5),
    "RP31": (of(lambda a, b: 2 - b + 256 * a**4), 2, 3.226681210e-3),
    "RP33": (of(lambda a, b, c: np.minimum(3 * np.sqrt(3) - a - b - c, 3 - c)), 3, 2.575597791e-3),
    "RP35": (
        of(lambda a, b: np.minimum(2 - b + np.exp(-0.1 * a * a) + (0.2 * a) ** 4, 4.5 - a * b)),
        2,
        3.478946321e-3,
    ),
    "RP54": (exponential_sum, 20, 9.906030725e-4),
    "RP63": (rp63, 100, 3.769436118e-4),
    "RP75": (of(lambda a, b: 3 - a * b), 2, 9.819298722e-3),
    "RP89": (of(lambda a, b: np.minimum(8 - a * a - b, 6 - a / 5 - b)), 2, 5.471280529e-3),
    "RP107": (lambda z, trial: 5 * np.sqrt(10) - z.sum(axis=1), 10, 2.866515719e-7),
    "RP111": (of(lambda a, b: 12.5 - np.abs(a * b)), 2, 8.035085965e-7),
    "four-branch": (
        of(
            lambda a, b: np.minimum.reduce(
                [
                    3 + 0.1 * (a - b) ** 2 - (a + b) / SQRT2,
                    3 + 0.1 * (a - b) ** 2 + (a + b) / SQRT2,
                    a - b + 7 / SQRT2,
                    b - a + 7 / SQRT2,
                ]
            )
        ),
        2,
        2.222795066194e-3,
    ),
    "R-S 2": (of(lambda a, b: 4 + a - (2 + b)), 2, 0.0786496035),
    "R-S 5": (of(lambda a, b: 7 + a - (2 + b)), 2, 2.034760087e-4),
    "axial beam": (of(axial_beam), 2, 0.0291981946),
    "lead brake 60": (of(lambda a, b: _lead_brake(30.0, 8.0, 60 + 5 * a, 0.75 + 0.15 * b)), 2, 2.657027487e-3),
    "lead brake 73": (of(lambda a, b: _lead_brake(30.0, 8.0, 73.2 + 5 * a, 0.75 + 0.15 * b)), 2, 1.018847077e-6),
}


def _lead_brake(v, brake, gap, reaction):
    """The gap left when a vehicle ahead brakes hard and the one behind after its reaction, with 6 m/s^2."""
    return gap + v * v / (2 * brake) - v * reaction - v * v / (2 * 6.0)


def walk(threshold, steps=30):
    """A walk of normal steps that fails when it leaves (-threshold, threshold)."""
    return lambda z, trial: threshold - np.abs(np.cumsum(z, axis=1)).max(axis=1)


def ruin(target, start=5, up=0.4, steps=250):
    """A gambler who wins with probability 0.4 and fails (here) when he owns the target before nothing.

    How high he came is a whole number, on which a search would stand still. So the margin also counts how nearly he won
    where he stood highest: the best of up / u over his visits there, u the uniform number of the step that lost. That
    is below 1 for a loss and leaves the failures as they are.
    """

    def margin(z, trial):
        u = ndtr(z)
        path = start + np.cumsum(np.where(u < up, 1, -1), axis=1)
        before = np.concatenate([np.full((len(z), 1), start), path[:, :-1]], axis=1)
        alive = np.logical_and.accumulate(before > 0, axis=1) & np.logical_and.accumulate(before < target, axis=1)
        top = np.where(alive, path, 0).max(axis=1)
        top = np.maximum(top, start)
        nearly = np.where(alive & (before == top[:, None]) & (u >= up), up / np.maximum(u, 1e-12), 0.0).max(axis=1)
        return np.where(top >= target, -1.0, target - top - nearly)

    return margin


def drifting(bound, steps=400, horizon=20.0):
    """A Brownian motion with drift -1 in small steps, which fails when it passes the bound."""
    dt = horizon / steps

    def margin(z, trial):
        path = np.cumsum(np.sqrt(dt) * z - dt, axis=1)
        return bound - path.max(axis=1)

    return margin


DYNAMIC = {
    "walk 10": (walk(10.0), 30, 0.108736332356),
    "walk 20": (walk(20.0), 30, 3.659219884e-4),
    "walk 25": (walk(25.0), 30, 6.632957885e-6),
    "ruin 20": (ruin(20), 250, 1.983526104e-3),
    "ruin 40": (ruin(40), 250, 5.963238153e-7),
}


def gamma_quantile(p, shape):
    """For checks of the sum of exponentials."""
    return gammaincinv(shape, p)
