"""Points to look at: spread evenly over the unit cube, for a map of the conditions and for sensitivity indices.

    u = spread(1024, 7, seed=3)                # scrambled Sobol points (1024, 7) in [0, 1)
    a, b, mixed = pairs(128, 7, seed=3)        # (128, 7) each, and (7, 128, 7): a with one column of b

Evenly spread points are not independent draws, so they never count as evidence.

Source: Owen, J. Complexity 14 (1998) 466, scrambling; Saltelli et al., Comput. Phys. Commun. 181 (2010) 259, the pairs.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.stats import qmc

__all__ = ["pairs", "spread"]

Array = np.ndarray


def spread(n: int, dim: int, *, seed: int) -> Array:
    """n scrambled Sobol points in [0, 1)^dim, (n, dim); balanced best when n is a power of two."""
    sampler = qmc.Sobol(dim, scramble=True, rng=np.random.default_rng(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "balance properties": any n is fine for a map
        return np.minimum(sampler.random(n), np.nextafter(1.0, 0.0))


def pairs(n: int, dim: int, *, seed: int) -> tuple[Array, Array, Array]:
    """Two sets of n points, (n, dim) each, and for each coordinate i the first with its i-th column from the second."""
    both = spread(n, 2 * dim, seed=seed)
    a, b = both[:, :dim], both[:, dim:]
    mixed = np.repeat(a[None], dim, axis=0)
    for i in range(dim):
        mixed[i, :, i] = b[:, i]
    return a, b, mixed
