"""Slotted lines of machines with one cycle time and geometric, operation-dependent failures.

    line_exact([Machine(.1, .01)] * 2, [10]).throughput                # 0.856175
    line_decomposed([Machine(.1, .01)] * 3, [10, 10]).throughput       # approximate; exact .819137
    Machine(.1, .01).efficiency                                        # r / (r + p), alone
    throughput_bounds([Machine(.1, .01)] * 3)                          # the limits of no and of infinite buffers

Conventions of Buzacott and Gershwin: a buffer holds n in 0..N parts, the one in the next machine included. Machines
change first, then buffers, both by the contents at the start of the slot: a machine that is up, has n > 0 before it and
n < N after it, fails with probability p and makes nothing in that slot, or makes a part; one that is down is repaired
with probability r and then works at once; one that is up but starved or blocked stays up. The first machine is never
starved, the last never blocked. With N below 4 this convention costs throughput by itself (N = 1 gives at most 1/2).

`StationShares`: running = makes a part in a slot, down = down after the machines changed; a machine is starved or
blocked while it is up. Parts are counted in the buffers (`wip_stations` are 0).

The decomposition is that of Gershwin, solved by the algorithm of Dallery, David and Xie (DDX): a line of M machines
becomes M - 1 lines of two machines, whose closed form is used for N >= 4 and the exact chain below. On the
three-machine rows of the tests it is within 0.25 % of the exact chain; on random lines of 3 and 4 machines 0.3 % off on
average and 2.4 % at worst.

Sources: Buzacott, PhD thesis, Birmingham (1967); Gershwin and Schick, Operations Research 31 (1983) 354; Gershwin,
Operations Research 35 (1987) 291; Dallery, David and Xie, IIE Transactions 20 (1988) 280; Gershwin, Manufacturing
Systems Engineering (1994).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from jangin.line.analytic.result import BadNumbers, LineAnswer, StationShares, numbers, same_length, whole
from jangin.stats.markov import TooManyStates, reachable, stationary_of_steps

__all__ = ["Machine", "line_decomposed", "line_exact", "throughput_bounds"]

State = tuple[tuple[int, ...], tuple[int, ...]]  # contents of the buffers; 1 for each machine that is up
SHORT = 4  # the smallest capacity the two-machine closed form holds for


@dataclass(frozen=True)
class Machine:
    """A machine that in a slot is repaired with probability `repair` if down and fails with `failure` if it works."""

    repair: float
    failure: float

    @property
    def efficiency(self) -> float:
        """Share of slots in which it makes a part if it is never starved or blocked."""
        return self.repair / (self.repair + self.failure)


def throughput_bounds(machines: Sequence[Machine]) -> tuple[float, float]:
    """What no buffers and infinite buffers would give: 1 / (1 + sum p/r), and the least efficiency.

    The first is the throughput of machines that stop together (Buzacott's line without storage); a chain with N below 4
    can lie below it, see above.
    """
    _checked(machines, None)
    return 1.0 / (1.0 + sum(m.failure / m.repair for m in machines)), min(m.efficiency for m in machines)


def line_exact(machines: Sequence[Machine], capacities: Sequence[int], *, limit: int = 200_000) -> LineAnswer:
    """The exact chain: up to 2^M prod(N + 1) states.

    Args:
        machines: from first to last.
        capacities: N of the buffers between them, >= 1.

    Raises: BadNumbers for inputs that describe no such line, or a chain beyond the limit.
    """
    capacities = _checked(machines, capacities)
    start: State = ((0,) * len(capacities), (1,) * len(machines))
    try:
        chain = reachable(start, partial(_next_slot, machines, capacities), limit=limit)
        steady = stationary_of_steps(chain)
    except TooManyStates as e:
        raise BadNumbers(
            f"The exact chain of this line has more than {limit:,} states; use the decomposition (approximate), or "
            "simulate."
        ) from e
    except ValueError as e:
        raise BadNumbers(str(e)) from e
    content = np.array([s[0] for s in chain.states], int).reshape(len(chain), -1)
    up = np.array([s[1] for s in chain.states], float)
    shares = tuple(_shares(machines, capacities, content, up, steady.probability, i) for i in range(len(machines)))
    made = [s.running for s in shares]
    return LineAnswer(
        throughput=made[-1],
        wip_stations=(0.0,) * len(machines),
        wip_buffers=tuple(float(v) for v in steady.probability @ content),
        wip_queue=None,
        stations=shares,
        exact=True,
        method=f"Markov chain of geometric machines, {len(chain):,} states, {steady.method}",
        error=max(abs(m / made[-1] - 1.0) for m in made),
    )


def line_decomposed(
    machines: Sequence[Machine], capacities: Sequence[int], *, tolerance: float = 1e-9, sweeps: int = 2_000
) -> LineAnswer:
    """Gershwin's decomposition by the DDX algorithm; two machines exactly, more approximately.

    Sweeps until the throughputs of all two-machine lines agree within `tolerance`.

    Raises: BadNumbers for inputs that describe no such line, or when the sweeps do not converge.
    """
    capacities = _checked(machines, capacities)
    m = len(machines)
    if m == 1:
        return line_exact(machines, capacities)
    up, down = list(machines[:-1]), list(machines[1:])  # pseudo-machines before and after each buffer
    pairs = [_pair(up[i], down[i], capacities[i]) for i in range(m - 1)]
    for _ in range(sweeps):
        for i in range(1, m - 1):
            up[i] = _upstream(machines[i], up[i - 1], down[i - 1], pairs[i - 1])
            pairs[i] = _pair(up[i], down[i], capacities[i])
        for i in range(m - 3, -1, -1):
            down[i] = _downstream(machines[i + 1], up[i + 1], down[i + 1], pairs[i + 1])
            pairs[i] = _pair(up[i], down[i], capacities[i])
        made = [q.throughput for q in pairs]
        if max(made) - min(made) <= tolerance * made[0]:
            break
    else:
        raise BadNumbers(
            f"The decomposition has not converged after {sweeps:,} sweeps (throughputs from {min(made):.6g} to "
            f"{max(made):.6g}); machines that differ very much are the usual cause. Simulate this line instead."
        )
    return _decomposed_answer(machines, pairs, exact=m == 2)


@dataclass(frozen=True)
class _Pair:
    """A two-machine line: throughput, P(empty), P(full), mean content."""

    throughput: float
    empty: float
    full: float
    content: float


def _upstream(own: Machine, before_up: Machine, before_down: Machine, before: _Pair) -> Machine:
    """The pseudo-machine that stands for `own` and all before it, from the two-machine line one buffer upstream.

    Flow rate and idle time: p_d/r_d + p_u/r_u = 1/E + 1/e - 2. Resumption of flow: a stop of the pseudo-machine is with
    probability x one of the line upstream, which ends at that line's rate, else one of `own`.
    """
    ratio = 1.0 / before.throughput + 1.0 / own.efficiency - before_down.failure / before_down.repair - 2.0
    return _pseudo(own, ratio, before.empty / (ratio * before.throughput), before_up.repair)


def _downstream(own: Machine, after_up: Machine, after_down: Machine, after: _Pair) -> Machine:
    """The same for `own` and all after it."""
    ratio = 1.0 / after.throughput + 1.0 / own.efficiency - after_up.failure / after_up.repair - 2.0
    return _pseudo(own, ratio, after.full / (ratio * after.throughput), after_down.repair)


def _pseudo(own: Machine, ratio: float, x: float, other: float) -> Machine:
    ratio, x = max(ratio, 1e-12), min(max(x, 0.0), 1.0)  # outside only before the sweeps have settled
    repair = other * x + own.repair * (1.0 - x)
    return Machine(repair, min(ratio * repair, 1.0 - 1e-9))


def _pair(first: Machine, second: Machine, n: int) -> _Pair:
    """The two-machine line; Gershwin's closed form (1994) for n >= 4, the chain below."""
    if n < SHORT or min(first.failure, second.failure) == 0.0:
        return _pair_by_chain(first, second, n)
    r1, p1, r2, p2 = first.repair, first.failure, second.repair, second.failure
    starts1, starts2 = r1 + r2 - r1 * r2 - r1 * p2, r1 + r2 - r1 * r2 - p1 * r2
    y1, y2 = starts1 / (p1 + p2 - p1 * p2 - p1 * r2), starts2 / (p1 + p2 - p1 * p2 - p2 * r1)
    log_x = np.log(y2) - np.log(y1)
    inner = np.exp((np.arange(n + 1) - (n if log_x > 0.0 else 0)) * log_x)  # x^k, scaled against overflow
    # rows: content 0..N; columns: (down, down), (down, up), (up, down), (up, up)
    share = np.zeros((n + 1, 4))
    share[2 : n - 1] = np.outer(inner[2 : n - 1], [1.0, y2, y1, y1 * y2])
    share[0, 1] = inner[1] * starts1 / (r1 * p2)
    share[1, [0, 1, 3]] = inner[1] * np.array([1.0, y2, (r2 + (1.0 - p2) * y2) / p2])
    share[n - 1, [0, 2, 3]] = inner[n - 1] * np.array([1.0, y1, (r1 + (1.0 - p1) * y1) / p1])
    share[n, 2] = inner[n - 1] * starts2 / (r2 * p1)
    share /= share.sum()
    has_part = share[1:]
    throughput = float(has_part[:, [1, 3]].sum() * (1.0 - p2) + has_part[:, [0, 2]].sum() * r2)
    return _Pair(throughput, float(share[0].sum()), float(share[n].sum()), float(share.sum(axis=1) @ np.arange(n + 1)))


def _pair_by_chain(first: Machine, second: Machine, n: int) -> _Pair:
    start: State = ((0,), (1, 1))
    chain = reachable(start, partial(_next_slot, (first, second), (n,)))
    share = stationary_of_steps(chain).probability
    content = np.array([s[0][0] for s in chain.states])
    up = np.array([s[1][1] for s in chain.states])
    works = np.where(up == 1, 1.0 - second.failure, second.repair) * (content > 0)
    return _Pair(
        float(share @ works), float(share @ (content == 0)), float(share @ (content == n)), float(share @ content)
    )


def _checked(machines: Sequence[Machine], capacities: Sequence[int] | None) -> tuple[int, ...]:
    numbers("repair probabilities", [m.repair for m in machines], high=1.0)
    numbers("failure probabilities", [m.failure for m in machines], high=1.0, open_low=False)
    if capacities is None:
        return ()
    same_length("capacities", capacities, len(machines) - 1, f"{len(machines)} machines")
    return whole("capacities", capacities, low=1)


def _idle(capacities: Sequence[int], content: Sequence[int], i: int) -> bool:
    """Whether machine i is starved or blocked, by the contents at the start of the slot."""
    return (i > 0 and content[i - 1] == 0) or (i < len(capacities) and content[i] == capacities[i])


def _next_slot(machines: Sequence[Machine], capacities: Sequence[int], state: State) -> Iterator[tuple[State, float]]:
    content, up = state
    m = len(machines)
    able = [not _idle(capacities, content, i) for i in range(m)]
    options: list[list[tuple[int, float]]] = []
    for i, machine in enumerate(machines):
        if up[i] and not able[i]:
            options.append([(1, 1.0)])
        elif up[i]:
            options.append([(1, 1.0 - machine.failure), (0, machine.failure)])
        else:
            options.append([(1, machine.repair), (0, 1.0 - machine.repair)])
    for outcome in itertools.product(*options):
        q = 1.0
        for _, chance in outcome:
            q *= chance
        then = tuple(u for u, _ in outcome)
        makes = [u and a for u, a in zip(then, able, strict=True)]
        yield (tuple(c + makes[k] - makes[k + 1] for k, c in enumerate(content)), then), q


def _shares(
    machines: Sequence[Machine],
    capacities: Sequence[int],
    content: np.ndarray,
    up: np.ndarray,
    share: np.ndarray,
    i: int,
) -> StationShares:
    """What machine i does in a slot, from the distribution at its start: contents (n, M - 1), up (n, M)."""
    never = np.zeros(len(share), bool)
    dry = content[:, i - 1] == 0 if i > 0 else never
    full = content[:, i] == capacities[i] if i < len(capacities) else never
    idle = dry | full
    is_up = np.where(up[:, i] == 1.0, np.where(idle, 1.0, 1.0 - machines[i].failure), machines[i].repair)
    weight = share * is_up
    return StationShares(
        running=float(weight @ ~idle),
        blocked=float(weight @ (full & ~dry)),
        starved=float(weight @ dry),
        down=float(share @ (1.0 - is_up)),
        starved_and_blocked=float(weight @ (dry & full)),
    )


def _decomposed_answer(machines: Sequence[Machine], pairs: Sequence[_Pair], *, exact: bool) -> LineAnswer:
    """Starved and blocked shares of a machine as its two neighbouring pairs have them, scaled to what remains."""
    made = pairs[-1].throughput
    shares = []
    for i, machine in enumerate(machines):
        down = made * machine.failure / machine.repair
        dry = pairs[i - 1].empty if i > 0 else 0.0
        full = pairs[i].full if i < len(pairs) else 0.0
        idle = max(0.0, 1.0 - made - down)
        part = dry / (dry + full) if dry + full > 0.0 else 0.0
        shares.append(StationShares(made, idle * (1.0 - part), idle * part, down))
    return LineAnswer(
        throughput=made,
        wip_stations=(0.0,) * len(machines),
        wip_buffers=tuple(q.content for q in pairs),
        wip_queue=None,
        stations=tuple(shares),
        exact=exact,
        method="two-machine closed form (Gershwin 1994)"
        if exact
        else "decomposition of Gershwin (1987), DDX algorithm",
        error=1e-9 if exact else None,
    )
