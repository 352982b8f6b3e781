"""Mixtures of normal densities with diagonal covariance, fitted to weighted points: a proposal for importance sampling.

    density = fit(points, log_weight, rng).defended(0.1)
    z = density.draw(rng, 1000)
    np.exp(density.log_ratio(z))                          # nominal density over this one, at most 10

Few points in many dimensions fit their own noise, which makes weights spread: a mean or a variance that is within what
chance does to the standard normal stays what it was.

Source: Dempster, Laird and Rubin, J. R. Statist. Soc. B 39 (1977) 1, expectation-maximisation; Schwarz, Ann. Statist. 6
(1978) 461, the number of components.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

__all__ = ["Mixture", "fit"]

Array = np.ndarray

_COMPONENTS = (1, 2, 4)
_ROUNDS = 30  # of expectation-maximisation
_CHANCE = 2.5  # standard errors that a mean or a variance must leave the standard normal's by
_LEAST_VARIANCE, _MOST_VARIANCE = 0.01, 4.0


@dataclass(frozen=True)
class Mixture:
    """A mixture of k normal densities in d dimensions, and a share of the standard normal.

    Attributes:
        weight: (k,) of the components, summing to 1.
        mean, variance: (k, d).
        nominal_share: of the standard normal in the whole.
    """

    weight: Array
    mean: Array
    variance: Array
    nominal_share: float = 0.0

    @classmethod
    def nominal(cls, dim: int) -> Mixture:
        """The standard normal."""
        return cls(np.ones(1), np.zeros((1, dim)), np.ones((1, dim)))

    def defended(self, share: float) -> Mixture:
        """The same with this share of the standard normal, so that no weight exceeds 1 / share."""
        return dataclasses.replace(self, nominal_share=share)

    def draw(self, rng: np.random.Generator, n: int) -> Array:
        """n points, (n, d)."""
        which = rng.choice(len(self.weight), size=n, p=self.weight)
        z = rng.standard_normal((n, self.mean.shape[1]))
        nominal = rng.random(n) < self.nominal_share
        return np.where(nominal[:, None], z, self.mean[which] + np.sqrt(self.variance[which]) * z)

    def log_ratio(self, z: Array) -> Array:
        """ln of the standard normal density over this one at z (n, d), (n,); the common constant cancels."""
        nominal = -0.5 * np.sum(z * z, axis=1)
        own = np.logaddexp.reduce(self._log_parts(z), axis=1)
        if self.nominal_share == 0.0:
            return nominal - own
        share = self.nominal_share
        return nominal - np.logaddexp(np.log1p(-share) + own, np.log(share) + nominal)

    def _log_parts(self, z: Array) -> Array:
        """ln of weight x density of each component, without the common constant, (n, k)."""
        with np.errstate(divide="ignore"):  # a component that nothing is left of has weight 0
            constant = np.log(self.weight)
        constant = constant - 0.5 * np.sum(self.mean**2 / self.variance + np.log(self.variance), axis=1)
        return constant + z @ (self.mean / self.variance).T - 0.5 * (z * z) @ (1.0 / self.variance).T


def fit(z: Array, log_weight: Array, rng: np.random.Generator) -> Mixture:
    """The mixture that fits weighted points (n, d) best by Schwarz's criterion, of 1, 2 or 4 components."""
    w = np.exp(log_weight - log_weight.max())
    w /= w.sum()
    effective = 1.0 / np.sum(w * w)
    found, best = Mixture.nominal(z.shape[1]), -np.inf
    for k in _COMPONENTS:
        if effective < 10 * k:
            break
        mixture, free = _fitted(z, w, effective, k, rng)
        if k > 1 and effective * mixture.weight.min() < max(3.0, 0.5 * z.shape[1]):
            continue  # a component of so few points is drawn to what is chance in them
        criterion = effective * float(w @ np.logaddexp.reduce(mixture._log_parts(z), axis=1))
        criterion -= free
        if criterion > best:
            found, best = mixture, criterion
    return found


def _fitted(z: Array, w: Array, effective: float, k: int, rng: np.random.Generator) -> tuple[Mixture, int]:
    """Expectation-maximisation from spread-out beginnings; the mixture and how many numbers in it are free."""
    mixture = Mixture(np.full(k, 1.0 / k), _spread_out(z, w, k, rng), np.ones((k, z.shape[1])))
    free, reached = 0, -np.inf
    for _ in range(_ROUNDS if k > 1 else 1):
        logs = mixture._log_parts(z)
        likelihood = effective * float(w @ np.logaddexp.reduce(logs, axis=1))
        if abs(likelihood - reached) < 0.1:
            break
        reached = likelihood
        share = w[:, None] * np.exp(logs - np.logaddexp.reduce(logs, axis=1)[:, None])  # (n, k)
        total = np.maximum(share.sum(axis=0), 1e-300)
        mean = share.T @ z / total[:, None]
        variance = np.maximum(share.T @ (z * z) / total[:, None] - mean**2, 0.0)
        count = np.maximum(effective * total, 2.0)[:, None]
        mean = np.stack([_shrunk(m, 1.0 / np.sqrt(c[0])) for m, c in zip(mean, count, strict=True)])
        moved = mean != 0.0
        changed = np.abs(variance - 1.0) > _CHANCE * np.sqrt(2.0 / count)
        variance = np.where(changed, np.clip(variance, _LEAST_VARIANCE, _MOST_VARIANCE), 1.0)
        mixture = Mixture(total / total.sum(), mean, variance)
        free = int(moved.sum() + changed.sum()) + k - 1
    return mixture, free


def _shrunk(mean: Array, error: float) -> Array:
    """An estimated mean (d,) drawn towards 0, each coordinate by the same amount, as far as makes its expected squared
    error smallest by Stein's unbiased estimate; a few large coordinates stay, many small ones that are chance go.

    Source: Donoho and Johnstone, J. Am. Statist. Assoc. 90 (1995) 1200, SureShrink.
    """
    x = np.abs(mean) / error
    at = np.sort(x)
    below = np.arange(1, len(x) + 1)
    risk = len(x) - 2.0 * below + np.cumsum(at * at) + (len(x) - below) * at * at
    threshold = at[np.argmin(risk)] if risk.min() < len(x) else 0.0
    return np.asarray(np.sign(mean) * error * np.maximum(x - threshold, 0.0))


def _spread_out(z: Array, w: Array, k: int, rng: np.random.Generator) -> Array:
    """k of the points, each next one drawn in proportion to its squared distance from those before, (k, d).

    Source: Arthur and Vassilvitskii, SODA 2007, k-means++.
    """
    chosen = [z[rng.choice(len(z), p=w)]]
    while len(chosen) < k:
        away = np.min([np.sum((z - c) ** 2, axis=1) for c in chosen], axis=0) * w
        chosen.append(z[rng.choice(len(z), p=away / away.sum())] if away.sum() > 0 else chosen[0])
    return np.stack(chosen)
