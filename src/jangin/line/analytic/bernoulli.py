"""Slotted lines of Bernoulli machines: each makes a part in a slot with probability p, if it can.

    two_machines(0.9, 0.9, 2).throughput                                # 0.857143 (6/7)
    line_exact([.9] * 3, [2, 2]).throughput                             # 0.831887
    line_aggregated([.9] * 3, [2, 2]).throughput                        # 0.832016, approximate

Conventions of Li and Meerkov: cycle times are equal and synchronised; a machine's state is drawn anew in each slot,
independently; buffers hold N >= 1 parts, the one in work downstream included; a machine is starved if the buffer before
it is empty at the start of the slot, blocked if the one after it is full then and the next machine does not take a part
in this slot. A machine that is up but starved or blocked makes nothing and loses nothing. The first is never starved,
the last never blocked.

`StationShares.down` is 1 - p. Li and Meerkov's ST is `starved`; their BL is `blocked + starved_and_blocked`. Parts are
counted in the buffers alone (`wip_stations` are 0), at the start of a slot.

The aggregation is approximate beyond two machines: up to about 1 % on lines of 5 in the tests.

Source: Li and Meerkov, Production Systems Engineering (2009), chapter 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from jangin.line.analytic.result import BadNumbers, LineAnswer, StationShares, numbers, same_length, whole
from jangin.stats.markov import TooManyStates, reachable, stationary_of_steps

__all__ = ["line_aggregated", "line_exact", "starvation", "two_machines"]

SOURCE = "Li and Meerkov, Production Systems Engineering (2009)"


def starvation(x: float, y: float, n: int) -> float:
    """Q(x, y, N): the share of slots that begin with an empty buffer between machines of x (before) and y (after).

    Args: x, y in (0, 1]; n the buffer's capacity, >= 1. By symmetry Q(y, x, N) is the share of slots in which the first
    machine, if up, is blocked. Two perfect machines: 0, the buffer never empties once it holds a part.
    """
    if x == 1.0 or (y == 1.0 and x > 0.0):
        # a perfect first machine never lets the buffer run dry; a perfect second one leaves nothing but the last part
        return 0.0 if x == 1.0 else 1.0 - x
    if x == y:
        return (1.0 - x) / (n + 1.0 - x)
    # a - 1 = (x - y) / (y (1 - x)), without the loss of digits near x = y and without overflow of a^N
    off = (x - y) / (y * (1.0 - x))
    exponent = math.log1p((x - y) / y) + n * math.log1p(off)
    return 0.0 if exponent > 700.0 else (1.0 - x) * off / math.expm1(exponent)


def two_machines(p1: float, p2: float, n: int) -> LineAnswer:
    """Two machines and a buffer of n >= 1: the closed form.

    Raises: BadNumbers for probabilities outside (0, 1] or a capacity below 1.
    """
    p, capacity = _checked((p1, p2), (n,))
    dry, full = starvation(p[0], p[1], capacity[0]), starvation(p[1], p[0], capacity[0])
    shares = (
        StationShares(p[0] * (1.0 - full), p[0] * full, 0.0, 1.0 - p[0]),
        StationShares(p[1] * (1.0 - dry), 0.0, p[1] * dry, 1.0 - p[1]),
    )
    return LineAnswer(
        throughput=shares[1].running,
        wip_stations=(0.0, 0.0),
        wip_buffers=(_mean_content(p[0], p[1], capacity[0]),),
        wip_queue=None,
        stations=shares,
        exact=True,
        method=f"two Bernoulli machines, closed form; {SOURCE}",
        error=abs(shares[0].running / shares[1].running - 1.0),
    )


def line_exact(p: Sequence[float], capacities: Sequence[int], *, limit: int = 200_000) -> LineAnswer:
    """M machines: the exact chain of the buffers' contents, prod(N + 1) states at most.

    Args:
        p: probability that each machine is up in a slot, in (0, 1].
        capacities: of the M - 1 buffers, >= 1.

    Raises: BadNumbers for inputs that describe no such line, or a chain beyond the limit.
    """
    p, capacities = _checked(p, capacities)
    try:
        chain = reachable((0,) * len(capacities), partial(_next_slot, p, capacities), limit=limit)
        steady = stationary_of_steps(chain)
    except TooManyStates as e:
        raise BadNumbers(
            f"The exact chain of this line has more than {limit:,} states; use the aggregation (approximate), or "
            "simulate."
        ) from e
    except ValueError as e:
        raise BadNumbers(str(e)) from e
    shares = _exact_shares(p, capacities, np.array(chain.states), steady.probability)
    made = [s.running for s in shares]
    return LineAnswer(
        throughput=made[-1],
        wip_stations=(0.0,) * len(p),
        wip_buffers=tuple(float(v) for v in steady.probability @ np.array(chain.states)),
        wip_queue=None,
        stations=shares,
        exact=True,
        method=f"Markov chain of Bernoulli machines, {len(chain):,} states, {steady.method}",
        error=max(abs(m / made[-1] - 1.0) for m in made),
    )


def line_aggregated(p: Sequence[float], capacities: Sequence[int], *, tolerance: float = 1e-12) -> LineAnswer:
    """M machines by backward and forward aggregation, in microseconds per machine; exact for M <= 2, else approximate.

    The recursion converges for every line (Li and Meerkov); it stops when no probability moves by more
    than the tolerance.

    Raises: BadNumbers for inputs that describe no such line.
    """
    p, capacities = _checked(p, capacities)
    m = len(p)
    backward, forward = list(p), list(p)
    for _ in range(100_000):
        before = backward + forward
        for i in range(m - 2, -1, -1):
            backward[i] = p[i] * (1.0 - starvation(backward[i + 1], forward[i], capacities[i]))
        for i in range(1, m):
            forward[i] = p[i] * (1.0 - starvation(forward[i - 1], backward[i], capacities[i - 1]))
        if max(abs(a - b) for a, b in zip(backward + forward, before, strict=True)) <= tolerance:
            break
    dry = [0.0] + [starvation(forward[i - 1], backward[i], capacities[i - 1]) for i in range(1, m)]
    full = [starvation(backward[i + 1], forward[i], capacities[i]) for i in range(m - 1)] + [0.0]
    shares = tuple(
        StationShares(q * (1 - d) * (1 - f), q * (1 - d) * f, q * d, 1.0 - q, q * d * f)
        for q, d, f in zip(p, dry, full, strict=True)
    )
    return LineAnswer(
        throughput=forward[-1],
        wip_stations=(0.0,) * m,
        wip_buffers=tuple(_mean_content(forward[i], backward[i + 1], capacities[i]) for i in range(m - 1)),
        wip_queue=None,
        stations=shares,
        exact=m <= 2,
        method=f"aggregation of Bernoulli machines; {SOURCE}",
        error=tolerance if m <= 2 else None,
    )


def _checked(p: Sequence[float], capacities: Sequence[int]) -> tuple[tuple[float, ...], tuple[int, ...]]:
    found, sizes = numbers("p", p, high=1.0), whole("capacities", capacities, low=1)
    same_length("capacities", sizes, len(found) - 1, f"{len(found)} machines")
    return found, sizes


def _mean_content(x: float, y: float, n: int) -> float:
    """Mean parts in the buffer between Bernoulli machines of x (before) and y (after), at the start of a slot.

    The chain is a birth-death chain: up from k in 1..N-1 with x (1 - y), down with y (1 - x); up from 0 with x; down
    from N with y (1 - x), because a full buffer that gives a part takes one from a machine that is up.
    """
    if y == 1.0:
        return x if x < 1.0 or n == 1 else 1.0  # holds at most the part made in the slot before
    if x == 1.0:
        return float(n)
    log_share = np.zeros(n + 1)
    log_share[1:] = math.log(x / (y * (1.0 - x))) + np.arange(n) * math.log(x * (1.0 - y) / (y * (1.0 - x)))
    share = np.exp(log_share - log_share.max())
    return float(share @ np.arange(n + 1) / share.sum())


def _next_slot(
    p: tuple[float, ...], capacities: tuple[int, ...], content: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], float]]:
    """What the buffers hold after a slot, with probabilities; outcomes that end alike may come more than once.

    Decided from the last machine to the first, because a full buffer takes a part only if one is taken from it. A
    machine that could make nothing is not asked whether it is up, which keeps the outcomes few.
    """
    outcomes: list[tuple[float, tuple[bool, ...]]] = [
        (1.0, ())
    ]  # (probability, which of the machines from i on make one)
    for i in range(len(p) - 1, -1, -1):
        following: list[tuple[float, tuple[bool, ...]]] = []
        for q, makes in outcomes:
            has_part = i == 0 or content[i - 1] > 0
            has_space = i == len(p) - 1 or content[i] < capacities[i] or makes[0]
            if not (has_part and has_space):
                following.append((q, (False, *makes)))
                continue
            following.append((q * p[i], (True, *makes)))
            if p[i] < 1.0:
                following.append((q * (1.0 - p[i]), (False, *makes)))
        outcomes = following
    for q, makes in outcomes:
        yield tuple(c + makes[k] - makes[k + 1] for k, c in enumerate(content)), q


def _exact_shares(
    p: tuple[float, ...], capacities: tuple[int, ...], content: np.ndarray, share: np.ndarray
) -> tuple[StationShares, ...]:
    """What the machines do, from the distribution of the contents (n states, M - 1)."""
    takes = np.full(len(content), 1.0)  # the last machine's output always has space
    found: list[StationShares] = []
    for i in range(len(p) - 1, -1, -1):
        has_part = np.ones(len(content)) if i == 0 else (content[:, i - 1] > 0).astype(float)
        space = takes if i == len(p) - 1 else np.where(content[:, i] < capacities[i], 1.0, takes)
        makes = p[i] * has_part * space  # probability of making a part, given the contents
        both = p[i] * float(share @ ((1.0 - has_part) * (1.0 - space)))
        blocked = p[i] * float(share @ (has_part * (1.0 - space)))
        starved = p[i] * float(share @ (1.0 - has_part))
        found.append(StationShares(float(share @ makes), blocked, starved, 1.0 - p[i], both))
        takes = makes
    return tuple(reversed(found))
