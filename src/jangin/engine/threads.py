"""Simulations that know nothing of each other, spread over threads; the result does not depend on how many.

    threads = Threads(asked=0, nsim=256)                 # 0: one per core
    threads.over(ids, lambda some, rows: advance(world, some, reward[rows]))

The work must let go of Python's lock (compiled code with nogil); otherwise it is done by turns.
"""

from __future__ import annotations

import itertools
import os
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

__all__ = ["Threads"]

Array = np.ndarray


class Threads:
    """A pool that goes when its owner does; none where one thread is enough.

    Args:
        asked: threads; 0 is one per core.
        nsim: simulations there are.
        least: simulations a thread is worth.
    """

    def __init__(self, asked: int, nsim: int, *, least: int = 16) -> None:
        self.count = max(1, min(asked or os.cpu_count() or 1, nsim // least))
        self._pool = ThreadPoolExecutor(self.count) if self.count > 1 else None
        if self._pool is not None:
            weakref.finalize(self, self._pool.shutdown, wait=False)

    def over(self, ids: Array, work: Callable[[Array, slice], None]) -> None:
        """Do work(part of ids, its rows) for all of `ids`, a contiguous part on each thread; raises what it raises."""
        if self._pool is None:
            work(ids, slice(0, len(ids)))
            return
        ends = np.linspace(0, len(ids), self.count + 1).astype(int).tolist()
        rows = [slice(a, z) for a, z in itertools.pairwise(ends) if z > a]
        for _ in self._pool.map(lambda part: work(ids[part], part), rows):
            pass
