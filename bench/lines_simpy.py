"""A row of single machines in SimPy, as a careful user writes it: one process per machine, a Store per buffer.

    simulate(exponential(5, capacity=2), seed=1, horizon_s=10_000.0, warmup_s=500.0)     # Replications, one row

Failures need no interrupts: a mode that counts running time is known to come, or not, before a run begins, so a run is
cut into waits. `random.Random` draws the times, which is faster than NumPy one number at a time.

A `simpy.Resource` serves calls of one instant in the order in which processes happened to be resumed. Here such calls
are common (a part handed on starts two machines) and their order is part of the model: the station declared first. So
operators are sent by a few lines of our own, once at the end of an instant; they cost about what a Resource costs.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Generator
from typing import Any

import simpy

from bench.lines_tally import BLOCKED, DOWN, RUNNING, STARVED, WAITING, Tally
from jangin.line.layout import Layout, Station, mean_s
from jangin.line.result import Replications

__all__ = ["simulate"]

Process = Generator[simpy.Event, Any, None]


def simulate(layout: Layout, *, seed: int, horizon_s: float, warmup_s: float) -> Replications:
    """One replication from empty to `horizon_s`, measured from `warmup_s` on, of a layout of `lines_models`."""
    env, tally, rng = simpy.Environment(), Tally(len(layout.stations)), random.Random(seed)
    stores = [simpy.Store(env, capacity=b.capacity or 0) for b in layout.buffers]
    operators = Operators(env, layout.crews[0].people) if layout.crews else None
    for i, station in enumerate(layout.stations):
        before = stores[i - 1] if i > 0 else None
        after = stores[i] if i < len(stores) else None
        machine = Machine(env, tally, rng, i, station, before, after, operators)
        env.process(machine.work())
    env.run(until=warmup_s)
    tally.begin(warmup_s)
    env.run(until=horizon_s)
    return tally.result(horizon_s, "simpy")


class Operators:
    """People: who has called longest ago is served first, of one instant the station declared first."""

    AFTER_ALL: Any = 2  # of one instant: SimPy's own events have priorities 0 and 1, any other number does as well

    def __init__(self, env: simpy.Environment, people: int) -> None:
        self.env, self.idle = env, people
        self.calls: list[tuple[float, int, simpy.Event]] = []
        self.due = False

    def call(self, station: int) -> simpy.Event:
        """Happens when somebody comes, who stays until `free`."""
        called = self.env.event()
        heapq.heappush(self.calls, (self.env.now, station, called))
        self.look()
        return called

    def free(self) -> None:
        """Somebody is done."""
        self.idle += 1
        self.look()

    def look(self) -> None:
        if self.idle and self.calls and not self.due:
            self.due = True
            end = self.env.event()
            end._ok, end._value = True, None  # happens for certain, as simpy.Timeout does
            end.callbacks.append(self.send)
            self.env.schedule(end, self.AFTER_ALL)

    def send(self, _: simpy.Event) -> None:
        self.due = False
        while self.idle and self.calls:
            self.idle -= 1
            heapq.heappop(self.calls)[2].succeed()


class Machine:
    """Takes from the store before it (none: always a new part), works, puts into the store after it (none: out)."""

    def __init__(
        self, env: simpy.Environment, tally: Tally, rng: random.Random, index: int, station: Station,
        before: simpy.Store | None, after: simpy.Store | None, operators: Operators | None,
    ) -> None:  # fmt: skip
        self.env, self.tally, self.index = env, tally, index
        self.before, self.after, self.operators = before, after, operators
        self.rate, self.draw = 1.0 / mean_s(station.cycle.time), rng.expovariate  # type: ignore[arg-type]
        self.fails = bool(station.failures)
        if self.fails:
            mode = station.failures[0]
            self.failure_rate, self.repair_rate = 1.0 / mean_s(mode.after), 1.0 / mean_s(mode.repair)
            self.up_s = self.draw(self.failure_rate)

    def work(self) -> Process:
        """The machine's life; a part is the time at which it was taken into the line."""
        env, tally, i, before, after = self.env, self.tally, self.index, self.before, self.after
        while True:
            if before is None:
                part = env.now
            else:
                part = yield before.get()
                tally.level(i - 1, -1, env.now)
            if self.operators is not None:
                tally.show(i, WAITING, env.now)
                yield self.operators.call(i)
                yield from self.run()
                self.operators.free()
            elif self.fails:
                yield from self.run()
            else:
                tally.show(i, RUNNING, env.now)
                yield env.timeout(self.draw(self.rate))
            tally.finished[i] += 1
            if after is None:
                tally.left(part, env.now)
            else:
                tally.show(i, BLOCKED, env.now)
                yield after.put(part)
                tally.level(i, +1, env.now)
            tally.show(i, STARVED, env.now)

    def run(self) -> Process:
        """One run, cut by failures; the running time to the next one is kept from run to run."""
        env, tally, i = self.env, self.tally, self.index
        left = self.draw(self.rate)
        while self.up_s < left:
            tally.show(i, RUNNING, env.now)
            yield env.timeout(self.up_s)
            left -= self.up_s
            tally.show(i, DOWN, env.now)
            yield env.timeout(self.draw(self.repair_rate))
            self.up_s = self.draw(self.failure_rate)
        tally.show(i, RUNNING, env.now)
        yield env.timeout(left)
        self.up_s -= left
