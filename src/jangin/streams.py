"""Randomness that depends on a trial's number and on nothing else.

    rng = generator("cell/peg-insert", seed=7, purpose="evidence", trial=1234)

The generator is NumPy's counter-based Philox 4x64 (Salmon et al., "Parallel random numbers: as easy as
1, 2, 3", SC 2011). Its key is a hash of (task, seed, purpose); the top word of its counter is the trial's
number. So trial 1234 draws the same numbers in any batch, on any number of threads, on any machine, and
two trials can never share a draw (each owns 2**192 counter values).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

__all__ = ["generator", "generators", "key"]


def key(task: str, *, seed: int, purpose: str) -> np.ndarray:
    """The 128-bit Philox key of one stream family, (2,) uint64."""
    digest = hashlib.sha256(f"{task}\x1f{int(seed)}\x1f{purpose}".encode()).digest()
    return np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)


def generators(task: str, *, seed: int, purpose: str) -> Callable[[int], np.random.Generator]:
    """From a trial's number to its generator, for one stream family; see `generator`."""
    own = key(task, seed=seed, purpose=purpose)

    def of(trial: int) -> np.random.Generator:
        counter = np.array([0, 0, 0, trial], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(key=own, counter=counter))

    return of


def generator(task: str, *, seed: int, purpose: str, trial: int) -> np.random.Generator:
    """The generator of one trial; draw conditions first, then noise, always in the same order."""
    return generators(task, seed=seed, purpose=purpose)(trial)
