"""The exact chain of a serial line: exponential stations of identical machines, finite buffers, failures.

    line_in_steady_state([Station(1.0), Station(1.0), Station(1.0)], buffers=[2, 2]).throughput      # 0.734017
    line_in_steady_state([Station(1.0, failure_rate=.01, repair_rate=.1)] * 2, [3], blocking="before")

Semantics, which are those of the sample-path recursion for one machine per station (D[i,k]: part k leaves station i):

- Blocking "after" service: a machine that finds no space ahead keeps its finished part and stands.
      D[i,k] = max(max(D[i,k-1], D[i-1,k]) + S[i,k], D[i+1,k-b-1])
- Blocking "before" service: a machine starts only if parts in work at its station + parts in the buffer + parts in the
  machines downstream < buffer + machines downstream; the part waits before the machine.
      D[i,k] = max(D[i,k-1], D[i-1,k], D[i+1,k-b-1]) + S[i,k]
- The first station is never starved in a saturated line; otherwise parts arrive by a Poisson process and wait in a
  queue of its own; one that finds all places taken is lost. The last station is never blocked.
- A machine fails at rate p while it works (operation-dependent) or while it is up (time-dependent) and is repaired at
  rate r, each by its own crew. Its part is kept and work goes on where it stopped. A machine that is down neither takes
  a part nor gives one away.

Gershwin and Berman's exponential two-machine line with storage N is blocking before service with a buffer of N - 1:
their N counts the place in the downstream machine.

An infinite queue is cut off where the share of lost parts is below 1e-10; that share is the relative error of the
throughput, and it is reported. Exact means exact for this model, up to the `error` given.

Sources: Hunt, Operations Research 4 (1956) 674; Hillier and Boling, Operations Research 15 (1967) 286; Gershwin and
Berman, AIIE Transactions 13 (1981) 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from jangin.line.analytic.result import BadNumbers, LineAnswer, StationShares, numbers, same_length, whole
from jangin.stats.markov import Stationary, TooManyStates, reachable, stationary_of_rates

__all__ = ["Arrivals", "Station", "check_station", "line_in_steady_state", "two_stations"]

Blocking = Literal["after", "before"]
LOST = 1e-10  # the share of lost parts at which an infinite queue may be cut off
LONGEST_QUEUE = 4096  # beyond it the line is so near its capacity that no steady-state figure is of use


@dataclass(frozen=True)
class Station:
    """Identical machines with exponential times.

    Attributes:
        rate: parts per unit of time of one machine while it works, > 0.
        machines: how many in parallel, >= 1.
        failure_rate: failures per unit of time of one machine, >= 0; 0 for a reliable one.
        repair_rate: repairs per unit of time of one that is down, > 0 if it can fail.
        fails: "operation" for failures only while a part is in work, "time" for failures at any time while up.
    """

    rate: float
    machines: int = 1
    failure_rate: float = 0.0
    repair_rate: float = 0.0
    fails: Literal["operation", "time"] = "operation"


@dataclass(frozen=True)
class Arrivals:
    """Parts that arrive by a Poisson process and wait before the first station.

    Attributes:
        rate: parts per unit of time, > 0.
        queue: places to wait, without those in the machines; None for as many as it takes.
    """

    rate: float
    queue: int | None = None


class Machines(NamedTuple):
    """How many machines of a station are in each state; the rest is idle and up."""

    works: int = 0
    blocked: int = 0
    down_in_work: int = 0
    down_idle: int = 0
    down_blocked: int = 0


State = tuple[tuple[int, ...], tuple[Machines, ...]]  # parts in the places before each station; the machines of each


def line_in_steady_state(
    stations: Sequence[Station],
    buffers: Sequence[int],
    *,
    blocking: Blocking = "after",
    arrivals: Arrivals | None = None,
    limit: int = 200_000,
) -> LineAnswer:
    """The line's steady state, from its Markov chain.

    Args:
        stations: from first to last.
        buffers: places between them, one entry fewer, >= 0.
        arrivals: None for a saturated line.
        limit: the largest number of states to build; 100,000 take some seconds.

    Raises: BadNumbers for inputs that describe no such line, a queue that grows without end, or a chain beyond the
    limit.
    """
    _check(stations, buffers, blocking, arrivals)
    if arrivals is None or arrivals.queue is not None:
        return _solved(_Line(tuple(stations), tuple(buffers), blocking, arrivals), limit)
    capacity = line_in_steady_state(stations, buffers, blocking=blocking, limit=limit).throughput
    if not arrivals.rate < capacity:
        raise BadNumbers(
            f"Parts arrive at rate {arrivals.rate:g} and the line can make {capacity:.6g}: its queue grows without "
            "end; give the queue a capacity, or a lower rate."
        )
    queue = max(8, math.ceil(math.log(LOST) / math.log(arrivals.rate / capacity)))  # as long as an M/M/1 queue needs
    while queue <= LONGEST_QUEUE:
        line = _Line(tuple(stations), tuple(buffers), blocking, Arrivals(arrivals.rate, queue))
        answer = _solved(line, limit, infinite=True)
        if answer.lost <= LOST:
            return answer
        queue *= 2
    raise BadNumbers(
        f"Parts arrive at rate {arrivals.rate:g}, so close to the line's capacity of {capacity:.6g} that its queue is "
        f"beyond {LONGEST_QUEUE} parts; give the queue a capacity."
    )


def two_stations(rate_1: float, rate_2: float, buffer: int) -> float:
    """Throughput of two reliable single-machine stations, saturated, blocking after service: the closed form.

    Source: Hunt (1956); with n = buffer + 2: mu1 mu2 (mu1^n - mu2^n) / (mu1^(n+1) - mu2^(n+1)), equal rates mu n/(n+1).
    """
    (mu1, mu2), (b,) = numbers("rates", (rate_1, rate_2)), whole("buffers", (buffer,), low=0)
    small, large = min(mu1, mu2), max(mu1, mu2)
    x, n = small / large, b + 2
    if 1.0 - x < 1e-9:
        return small * n / (n + 1)
    # (1 - x^n) / (1 - x^(n+1)), written so that it neither overflows nor loses digits near x = 1
    return small * math.expm1(n * math.log(x)) / math.expm1((n + 1) * math.log(x))


def check_station(number: int, s: Station) -> None:
    """Raises: BadNumbers for rates, machines or failures that describe no station; names it by its number."""
    of = f"of station {number}"
    numbers(f"rate {of}", [s.rate])
    whole(f"machines {of}", [s.machines], low=1)
    numbers(f"failure rate {of}", [s.failure_rate], open_low=False)
    numbers(f"repair rate {of}", [s.repair_rate], open_low=False)
    if s.failure_rate > 0.0 and s.repair_rate == 0.0:
        raise BadNumbers(
            f"Station {number} fails at rate {s.failure_rate:g} and is never repaired; give a repair rate."
        )
    if s.fails not in ("operation", "time"):
        raise BadNumbers(f"Station {number} fails by {s.fails!r}; give 'operation' or 'time'.")


def _check(stations: Sequence[Station], buffers: Sequence[int], blocking: Blocking, arrivals: Arrivals | None) -> None:
    if not stations:
        raise BadNumbers("A line of no stations makes nothing; give at least one.")
    for number, s in enumerate(stations):
        check_station(number, s)
    same_length("buffers", buffers, len(stations) - 1, f"{len(stations)} stations")
    whole("buffers", buffers, low=0)
    if blocking not in ("after", "before"):
        raise BadNumbers(f"Blocking {blocking!r} is not known; give 'after' or 'before' (service).")
    if arrivals is not None:
        numbers("arrival rate", [arrivals.rate])
        whole("queue", [0 if arrivals.queue is None else arrivals.queue], low=0)


@dataclass(frozen=True)
class _Line:
    """The transitions of one line. Place i is what lies before station i: the queue (i = 0) or buffer i - 1.

    With blocking after service a place holds the parts that are in no machine. Before service it holds those in the
    machines of station i too, because there a part needs one of b + c places, wherever it stands.
    """

    stations: tuple[Station, ...]
    buffers: tuple[int, ...]
    blocking: Blocking
    arrivals: Arrivals | None

    def capacity(self, i: int) -> int:
        """Parts that place i holds; only asked where there is one."""
        own = self.buffers[i - 1] if i > 0 else self.arrivals.queue if self.arrivals and self.arrivals.queue else 0
        return own + (self.stations[i].machines if self.blocking == "before" else 0)

    def endless(self, i: int) -> bool:
        """Whether place i is the stock of raw parts of a saturated line."""
        return i == 0 and self.arrivals is None

    def empty(self) -> State:
        m = len(self.stations)
        return self._settled([0] * m, [Machines()] * m)

    def after(self, state: State) -> Iterator[tuple[State, float]]:
        """The states that follow, with their rates."""
        parts, machines = state
        for i, (s, m) in enumerate(zip(self.stations, machines, strict=True)):
            if m.works:
                yield self._finished(state, i), m.works * s.rate
            for rate, changed in _failures_and_repairs(s, m):
                yield self._settled(list(parts), [*machines[:i], changed, *machines[i + 1 :]]), rate
        if self.arrivals is not None and self._space_for_arrival(state):
            yield self._settled([parts[0] + 1, *parts[1:]], list(machines)), self.arrivals.rate

    def _finished(self, state: State, i: int) -> State:
        """A machine of station i finishes its part."""
        parts, machines = list(state[0]), list(state[1])
        m = machines[i]
        last = i == len(machines) - 1
        if self.blocking == "after":
            machines[i] = m._replace(works=m.works - 1, blocked=m.blocked + (not last))
        else:
            machines[i] = m._replace(works=m.works - 1)
            if not self.endless(i):
                parts[i] -= 1
            if not last:
                parts[i + 1] += 1
        return self._settled(parts, machines)

    def _space_for_arrival(self, state: State) -> bool:
        """After service an idle machine takes the part at once, whatever the queue holds."""
        parts, machines = state
        free = _idle(self.stations[0], machines[0]) if self.blocking == "after" else 0
        return parts[0] < self.capacity(0) + free

    def _settled(self, parts: list[int], machines: list[Machines]) -> State:
        """Move every part that can move. From the last station to the first: space moves upstream."""
        for i in range(len(machines) - 1, -1, -1):
            if self.blocking == "after":
                self._take(parts, machines, i)
            else:
                self._start(parts, machines, i)
        return tuple(parts), tuple(machines)

    def _take(self, parts: list[int], machines: list[Machines], i: int) -> None:
        """Blocking after service: idle machines of station i take parts, and blocked ones upstream move up."""
        m, idle = machines[i], _idle(self.stations[i], machines[i])
        offered = machines[i - 1].blocked if i > 0 else 0
        taken = idle if self.endless(i) else min(idle, parts[i] + offered)
        machines[i] = m._replace(works=m.works + taken)
        if self.endless(i):
            return
        if i == 0:
            parts[0] -= taken
            return
        stand = parts[i] + offered - taken  # parts that still wait, in the buffer as far as it holds them
        parts[i] = min(stand, self.capacity(i))
        machines[i - 1] = machines[i - 1]._replace(blocked=stand - parts[i])

    def _start(self, parts: list[int], machines: list[Machines], i: int) -> None:
        """Blocking before service: idle machines of station i start parts for which there will be space."""
        m = machines[i]
        starts = min(_idle(self.stations[i], m), self.waiting(parts, machines, i), self.space(parts, machines, i))
        machines[i] = m._replace(works=m.works + starts)

    def waiting(self, parts: Sequence[int], machines: Sequence[Machines], i: int) -> int:
        """Parts before station i that are not in work."""
        if self.endless(i):
            return self.stations[i].machines
        return parts[i] - (_in_work(machines[i]) if self.blocking == "before" else 0)

    def space(self, parts: Sequence[int], machines: Sequence[Machines], i: int) -> int:
        """Places ahead of station i that are not promised; blocking before service."""
        if self.blocking == "after" or i == len(machines) - 1:
            return self.stations[i].machines
        return self.capacity(i + 1) - parts[i + 1] - _in_work(machines[i])


def _in_work(m: Machines) -> int:
    return m.works + m.down_in_work


def _idle(s: Station, m: Machines) -> int:
    """Machines that are up and without a part."""
    return s.machines - sum(m)


def _failures_and_repairs(s: Station, m: Machines) -> Iterator[tuple[float, Machines]]:
    p, r = s.failure_rate, s.repair_rate
    if p == 0.0:
        return
    if m.works:
        yield m.works * p, m._replace(works=m.works - 1, down_in_work=m.down_in_work + 1)
    if m.down_in_work:
        yield m.down_in_work * r, m._replace(works=m.works + 1, down_in_work=m.down_in_work - 1)
    if s.fails == "operation":
        return
    if idle := _idle(s, m):
        yield idle * p, m._replace(down_idle=m.down_idle + 1)
    if m.down_idle:
        yield m.down_idle * r, m._replace(down_idle=m.down_idle - 1)
    if m.blocked:
        yield m.blocked * p, m._replace(blocked=m.blocked - 1, down_blocked=m.down_blocked + 1)
    if m.down_blocked:
        yield m.down_blocked * r, m._replace(blocked=m.blocked + 1, down_blocked=m.down_blocked - 1)


def _solved(line: _Line, limit: int, *, infinite: bool = False) -> LineAnswer:
    try:
        chain = reachable(line.empty(), line.after, limit=limit)
        steady = stationary_of_rates(chain)
    except TooManyStates as e:
        raise BadNumbers(
            f"The exact chain of this line has more than {limit:,} states; use the decomposition (approximate), or "
            "simulate."
        ) from e
    except ValueError as e:
        raise BadNumbers(str(e)) from e
    return _answer(line, chain.states, steady, infinite)


def _answer(line: _Line, states: Sequence[State], steady: Stationary, infinite: bool) -> LineAnswer:
    share = steady.probability
    parts = np.array([s[0] for s in states], float)  # (n, stations)
    machines = np.array([s[1] for s in states], float)  # (n, stations, 5)
    rates = np.array([s.rate for s in line.stations])
    flows = (share @ machines[:, :, 0]) * rates
    throughput = float(flows[-1])
    lost = 0.0
    if line.arrivals is not None:
        full = np.array([not line._space_for_arrival(s) for s in states])
        lost = float(share @ full)
    held = machines.sum(axis=2) - machines[:, :, 3]  # parts in machines: all but those down without one
    waiting = parts
    if line.blocking == "before":
        counts = np.array([s.machines for s in line.stations])
        first = 1 if line.arrivals is None else 0  # raw parts of a saturated line are no work in progress until started
        held[:, first:] = np.minimum(parts, counts)[:, first:]
        waiting = np.maximum(parts - counts, 0.0)
    wip = share @ waiting
    error = float(np.max(np.abs(flows - throughput)) / throughput)
    return LineAnswer(
        throughput=throughput,
        wip_stations=tuple(float(v) for v in share @ held),
        wip_buffers=tuple(float(v) for v in wip[1:]),
        wip_queue=None if line.arrivals is None else float(wip[0]),
        stations=tuple(_shares(line, states, share, machines, i) for i in range(len(rates))),
        exact=True,
        method=f"continuous-time Markov chain, {len(states):,} states, {steady.method}"
        + (f"; queue cut off at {line.arrivals.queue} places" if infinite and line.arrivals else ""),
        error=error + (lost if infinite else 0.0),
        lost=lost,
    )


def _shares(line: _Line, states: Sequence[State], share: np.ndarray, machines: np.ndarray, i: int) -> StationShares:
    """What the machines of station i do. Idle ones without a part are starved, idle ones with a part blocked."""
    c = line.stations[i].machines
    works, blocked, *down = (float(v) / c for v in share @ machines[:, i, :])
    both = idle_blocked = 0.0
    if line.blocking == "before":
        idle = np.array([_idle(line.stations[i], s[1][i]) for s in states])
        with_part = np.minimum(idle, [line.waiting(*s, i) for s in states])
        no_space = np.maximum(idle - np.array([line.space(*s, i) for s in states]), 0)
        idle_blocked = float(share @ with_part) / c
        both = float(share @ np.minimum(idle - with_part, no_space)) / c
    stands = blocked + idle_blocked
    gone = sum(down)
    return StationShares(works, stands, max(0.0, 1.0 - works - stands - gone), gone, both)
