"""A row of single machines in salabim, as a careful user writes it: a component per machine, a Store per buffer.

    simulate(exponential(5, capacity=2), seed=1, horizon_s=10_000.0, warmup_s=500.0)     # Replications, one row

In its faster mode, with `yield`. Salabim's own monitors are switched off where that is possible, and the statistics are
kept as in the SimPy model. Parts that have left are used again: making a component takes as long as simulating it.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

import salabim  # type: ignore[import-untyped]

from bench.lines_tally import BLOCKED, RUNNING, STARVED, Tally
from jangin.line.layout import Layout, mean_s
from jangin.line.result import Replications

__all__ = ["simulate"]


class Part(salabim.Component):
    """What a Store holds must be a component; it has no process."""

    born_s = 0.0


class Machine(salabim.Component):
    """Takes from the store before it (none: always a new part), works, puts into the store after it (none: out)."""

    def setup(
        self, tally: Tally, rng: random.Random, spare: list[Part], index: int, mean_s: float,
        before: salabim.Store | None, after: salabim.Store | None,
    ) -> None:  # fmt: skip
        self.tally, self.spare, self.index, self.before, self.after = tally, spare, index, before, after
        self.draw, self.rate = rng.expovariate, 1.0 / mean_s
        self.mode.monitor(False)
        self.status.monitor(False)

    def process(self) -> Generator[Any, Any, None]:
        env, tally, i, before, after = self.env, self.tally, self.index, self.before, self.after
        while True:
            if before is None:
                part = self.spare.pop() if self.spare else Part(env=env)
                part.born_s = env.now()
            else:
                part = yield self.from_store(before)
                tally.level(i - 1, -1, env.now())
            tally.show(i, RUNNING, env.now())
            yield self.hold(self.draw(self.rate))
            tally.finished[i] += 1
            if after is None:
                tally.left(part.born_s, env.now())
                self.spare.append(part)
            else:
                tally.show(i, BLOCKED, env.now())
                yield self.to_store(after, part)
                tally.level(i, +1, env.now())
            tally.show(i, STARVED, env.now())


def simulate(layout: Layout, *, seed: int, horizon_s: float, warmup_s: float) -> Replications:
    """One replication from empty to `horizon_s`, measured from `warmup_s` on, of `lines_models.exponential`."""
    env = salabim.Environment(trace=False, random_seed=seed, set_numpy_random_seed=False, yieldless=False)
    tally, rng, spare = Tally(len(layout.stations)), random.Random(seed), list[Part]()
    stores = [salabim.Store(capacity=b.capacity, monitor=False, env=env) for b in layout.buffers]
    for i, station in enumerate(layout.stations):
        before = stores[i - 1] if i > 0 else None
        after = stores[i] if i < len(stores) else None
        time_s = mean_s(station.cycle.time)  # type: ignore[arg-type]
        Machine(env=env, tally=tally, rng=rng, spare=spare, index=i, mean_s=time_s, before=before, after=after)
    env.run(till=warmup_s)
    tally.begin(warmup_s)
    env.run(till=horizon_s)
    return tally.result(horizon_s, "salabim")
