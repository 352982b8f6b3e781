"""Mixtures of normal densities: fitted to weighted points, drawn from, evaluated.

    fitted = fit(z, weight, effective=300.0, rng=rng)       # one to four components, how wide each may be: by BIC
    proposal = defended(fitted)                             # with shares that keep importance weights bounded
    z = proposal.draw(1000, rng); proposal.log_density(z)

Few points in many dimensions tempt a fit to follow their noise, and importance weights punish that exponentially. So
four families compete by Schwarz's criterion: means alone (unit covariance), one common variance, a variance for each
coordinate, a full covariance (up to 15 dimensions); and outside the last, in more than four dimensions, a coordinate of
a mean is 0 unless it is further from 0 than the largest of that many pure noises would be.

Sums are taken by numpy alone, never by a library whose result depends on the number of threads.

Source: Dempster, Laird, Rubin, J. R. Statist. Soc. B 39 (1977) 1, expectation-maximisation; Schwarz, Ann. Statist. 6
(1978) 461, the criterion; Donoho and Johnstone, Biometrika 81 (1994) 425, the threshold sqrt(2 ln d).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Mixture", "defended", "fit", "log_standard"]

Array = np.ndarray

_COMPONENTS = (1, 2, 3, 4)
_STARTS = 2  # of expectation-maximisation, for each number of components
_FULL_UP_TO = 15  # dimensions: beyond, a full covariance has too many numbers
_ROUNDS = 25
_LOG_2PI = math.log(2.0 * math.pi)
_LEAST_VARIANCE = 1e-4
_NOMINAL, _WIDE = 0.1, 0.2


@dataclass(frozen=True)
class Mixture:
    """k normal densities in d dimensions.

    Attributes:
        weights: (k,), positive, of sum 1.
        means: (k, d).
        factors: (k, d) standard deviations of the coordinates, or (k, d, d) lower Cholesky factors of covariances.
    """

    weights: Array
    means: Array
    factors: Array

    def log_parts(self, z: Array) -> Array:
        """ln(weight times density) of each component at z (n, d), (n, k)."""
        out = np.empty((len(z), len(self.weights)))
        for k, factor in enumerate(self.factors):
            away = z - self.means[k]
            if factor.ndim == 1:
                own, scale = away / factor, factor
            else:
                own, scale = np.einsum("ij,nj->ni", np.linalg.inv(factor), away), np.diag(factor)
            out[:, k] = np.log(self.weights[k]) - np.log(scale).sum() - 0.5 * np.sum(own * own, axis=1)
        return np.asarray(out - 0.5 * z.shape[1] * _LOG_2PI)

    def log_density(self, z: Array) -> Array:
        """ln of the density at z (n, d), (n,)."""
        return np.asarray(np.logaddexp.reduce(self.log_parts(z), axis=1))

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """n points, (n, d) float32; each component's number of them is its share, up to one: systematic sampling.

        A mean over the points is unbiased for the mixture as if they were independent, and never varies more.
        """
        at = (np.arange(n) + rng.uniform()) / n
        which = np.minimum(np.searchsorted(np.cumsum(self.weights), at), len(self.weights) - 1)
        own = rng.standard_normal((n, self.means.shape[1]))
        for k, factor in enumerate(self.factors):
            mine = which == k
            own[mine] = own[mine] * factor if factor.ndim == 1 else np.einsum("ij,nj->ni", factor, own[mine])
        return np.asarray(self.means[which] + own, np.float32)


def log_standard(z: Array) -> Array:
    """ln of the density of N(0, I) at z (n, d), (n,)."""
    return np.asarray(-0.5 * np.sum(z * z, axis=1) - 0.5 * z.shape[1] * _LOG_2PI)


def defended(fitted: Mixture) -> Mixture:
    """The fit with 10 % of N(0, I) and 20 % of its own components at unit covariance.

    The first keeps every importance weight below 10. The second is for the direction away from 0: failures thin out
    there as slowly as N(0, I) does, which a narrow fit to few of them does not know; and there is 20 % of a density as
    wide that starts where the failures do.
    """
    k, d = fitted.means.shape
    one = np.ones(d) if fitted.factors.ndim == 2 else np.eye(d)
    return Mixture(
        np.concatenate([[_NOMINAL], _WIDE * fitted.weights, (1.0 - _NOMINAL - _WIDE) * fitted.weights]),
        np.concatenate([np.zeros((1, d)), fitted.means, fitted.means]),
        np.concatenate([np.stack([one] * (k + 1)), fitted.factors]),
    )


def fit(z: Array, weight: Array, *, effective: float, rng: np.random.Generator) -> Mixture:
    """The mixture that fits the points z (n, d) with weights (n,) best by Schwarz's criterion.

    Args:
        effective: how many independent points of equal weight these are worth.
        rng: where expectation-maximisation starts from.
    """
    w = weight / weight.sum()
    dim = z.shape[1]
    families = ("means", "common", "diagonal", "full") if dim <= _FULL_UP_TO else ("means", "common", "diagonal")
    best, found = -math.inf, Mixture(np.ones(1), np.einsum("n,nd->d", w, z)[None], np.ones((1, dim)))
    for k in _COMPONENTS:
        for _ in range(_STARTS if k > 1 else 1):
            start = _grouped(z, w, k, rng)
            for family in families:
                fitted = _maximised(z, w, start, effective, family)
                if fitted is not None and fitted[1] > best:
                    found, best = fitted
    return found


def _grouped(z: Array, w: Array, k: int, rng: np.random.Generator) -> Array:
    """Shares (n, k) of the points in k groups: k-means from far-apart points (Arthur and Vassilvitskii, SODA 2007)."""
    centres = z[[rng.choice(len(z), p=w)]]
    for _ in range(1, k):
        away = w * np.min([np.sum((z - c) ** 2, axis=1) for c in centres], axis=0)
        chosen = rng.choice(len(z), p=away / away.sum()) if away.sum() > 0 else 0
        centres = np.concatenate([centres, z[[chosen]]])
    for _ in range(8 if k > 1 else 1):
        group = np.argmin([np.sum((z - c) ** 2, axis=1) for c in centres], axis=0)
        for j in range(k):
            if (mine := w * (group == j)).sum() > 0:
                centres[j] = np.einsum("n,nd->d", mine, z) / mine.sum()
    return np.asarray(0.98 * (group[:, None] == np.arange(k)) + 0.02 / k)


def _maximised(z: Array, w: Array, share: Array, effective: float, family: str) -> tuple[Mixture, float] | None:
    """Expectation-maximisation from these shares, and Schwarz's criterion; None where a component loses its points."""
    reached, fitted, free = -math.inf, None, 0
    for _ in range(_ROUNDS):
        mine = share * w[:, None]
        if (mine.sum(axis=0) * effective < 2.0).any():
            return None
        fitted, free = _refitted(z, mine, effective, family)
        parts = fitted.log_parts(z)
        total = np.logaddexp.reduce(parts, axis=1)
        share, likelihood = np.exp(parts - total[:, None]), float(np.sum(w * total))
        if likelihood - reached < 1e-3:
            break
        reached = likelihood
    assert fitted is not None
    return fitted, effective * likelihood - 0.5 * free * math.log(max(effective, 3.0))


def _refitted(z: Array, mine: Array, effective: float, family: str) -> tuple[Mixture, int]:
    """The components that points with these weights (n, k) make, and how many numbers in them are free."""
    dim, sums, free = z.shape[1], mine.sum(axis=0), mine.shape[1] - 1
    means, factors = [], []
    for k, total in enumerate(sums):
        q, count = mine[:, k] / total, max(effective * total, 1.0)
        mean = np.einsum("n,nd->d", q, z)
        if dim > 4 and family != "full":
            variance = np.einsum("n,nd->d", q, (z - mean) ** 2)
            mean = np.where(mean * mean * count > 2.0 * math.log(dim) * variance, mean, 0.0)
        away = z - mean
        free += int(np.count_nonzero(mean))
        if family == "full":
            covariance = np.einsum("n,ni,nj->ij", q, away, away)
            towards = (dim + 1.0) / (count + dim + 1.0)  # the fewer points, the less of what is off the diagonal
            covariance = (1.0 - towards) * covariance + towards * np.diag(np.diag(covariance))
            factors.append(np.linalg.cholesky(covariance + _LEAST_VARIANCE * np.eye(dim)))
            free += dim * (dim + 1) // 2
        else:
            variance = np.maximum(np.einsum("n,nd->d", q, away * away), _LEAST_VARIANCE)
            free += {"means": 0, "common": 1, "diagonal": dim}[family]
            spread = {"means": np.ones(dim), "common": np.full(dim, variance.mean()), "diagonal": variance}[family]
            factors.append(np.sqrt(spread))
        means.append(mean)
    return Mixture(sums / sums.sum(), np.array(means), np.array(factors)), free
