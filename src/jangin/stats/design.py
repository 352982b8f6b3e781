"""Where to look: points spread evenly over all conditions, and their mixtures for sensitivity indices.

    u = sobol(1024, 22, seed=7)                        # (1024, 22) in [0, 1), one near every place
    both = sobol(128, 2 * k, seed=7)
    a, b = both[:, :k], both[:, k:]
    mixed(a, b)[i]                                     # a with its column i taken from b

Scrambled Sobol points are each uniform, so a mean over them is unbiased, and together more even than random ones. They
are not independent: a binomial interval of their failures is none. A power of two is the number that suits them; any
other takes the first points of the next one.

Source: Owen, J. Complexity 14 (1998) 466, for the scrambling; Joe and Kuo, SIAM J. Sci. Comput. 30 (2008) 2635, for the
direction numbers (scipy); Saltelli et al., Comput. Phys. Commun. 181 (2010) 259, for the mixtures.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import qmc

__all__ = ["mixed", "sobol"]

Array = np.ndarray


def sobol(n: int, dim: int, *, seed: int) -> Array:
    """The first n points of a scrambled Sobol sequence, (n, dim) in [0, 1); `seed` fixes the scrambling."""
    if n < 1 or dim < 1:
        raise ValueError(f"{n} points in {dim} dimensions are no design; give at least 1 of each.")
    sequence = qmc.Sobol(dim, scramble=True, seed=np.random.default_rng(seed))
    return np.asarray(sequence.random_base2((n - 1).bit_length())[:n], float)


def mixed(a: Array, b: Array) -> Array:
    """For each of k columns, `a` (n, k) with that column taken from `b` (n, k): (k, n, k)."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError(f"Designs of shape {a.shape} and {b.shape} cannot be mixed; give two of the same (n, k).")
    out = np.repeat(a[None], a.shape[1], axis=0)
    k = np.arange(a.shape[1])
    out[k, :, k] = b.T
    return out
