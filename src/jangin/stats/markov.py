"""Stationary distributions of finite Markov chains, and the states that can be reached at all.

    chain = reachable(0, lambda n: [(n + 1, 0.9), (n - 1, 1.0)] if 0 < n < 9 else [(1, 0.9)] if n == 0 else [(8, 1.0)])
    stationary_of_rates(chain).probability             # (10,) continuous time: weights are rates [1/time]
    stationary_of_steps(chain_of([[.5, .5], [.2, .8]])).probability     # (2,) discrete time: probabilities, rows of 1

States that the chain leaves for good get probability 0. A chain with several recurrent classes has no one stationary
distribution: that is an error which names a state of each.

Accuracy. Up to 150 states by the elimination of Grassmann, Taksar and Heyman: no subtraction, so every probability,
however small, is right to about n rounding errors. Above that, one balance equation gives way to normalisation, and the
rest is solved by a sparse LU without pivoting (the matrix is an M-matrix, for which that is stable). Where the factors
would be large, GMRES with an incomplete LU is tried first, and the full LU where that does not get below 1e-12.
`residual` is measured afterwards in all cases; more than 1e-9 is an error.

Source: Grassmann, Taksar and Heyman, Operations Research 33 (1985) 1107; O'Cinneide, Numer. Math. 65 (1993) 109.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse import linalg as splinalg

__all__ = [
    "Chain",
    "Stationary",
    "TooManyStates",
    "chain_of",
    "reachable",
    "stationary_of_rates",
    "stationary_of_steps",
]

Array = np.ndarray
State = TypeVar("State", bound=Hashable)

SMALL = 150  # states up to which the dense elimination, the most exact of all, is also as fast as the LU (3 ms)
FACTORED = 1e9  # n x bandwidth^2 up to which LU takes less than half a second; beyond it GMRES is tried first
TOLERANCE = 1e-9  # the largest residual that is given out as a solution
ITERATED = 1e-12  # the largest residual of GMRES that spares the LU


class TooManyStates(ValueError):
    """More states than the limit; a larger limit costs memory and time, an approximation neither."""


@dataclass(frozen=True, eq=False)
class Chain(Generic[State]):
    """A finite chain: its states, and its transitions as parallel arrays.

    Attributes:
        states: the n states, in the order in which they are numbered.
        source, target: (m,) int, the numbers of the states a transition leaves and enters; pairs may repeat.
        weight: (m,) float, rates [1/time] or probabilities, > 0.
    """

    states: tuple[State, ...] = field(repr=False)
    source: Array = field(repr=False)
    target: Array = field(repr=False)
    weight: Array = field(repr=False)

    def __len__(self) -> int:
        return len(self.states)


@dataclass(frozen=True, eq=False)
class Stationary:
    """The long-run shares of time (of steps) in each state.

    Attributes:
        probability: (n,), >= 0, sums to 1; 0 exactly for states that are left for good.
        residual: the differences between flow into and out of a state, summed without sign, over the total flow.
        method: how it was solved.
        recurrent: the number of states that are visited for ever.
    """

    probability: Array = field(repr=False)
    residual: float
    method: Literal["GTH elimination", "sparse LU", "GMRES"]
    recurrent: int


def reachable(
    start: State, transitions: Callable[[State], Iterable[tuple[State, float]]], *, limit: int = 200_000
) -> Chain[State]:
    """The chain of all states that can be reached from `start`, breadth first, numbered in the order of discovery.

    `transitions` gives the states that follow one, each with its rate or probability; weights of 0 are left out, so a
    state that only they lead to is not in the chain. A state is any hashable value.

    Raises: TooManyStates (a ValueError) beyond `limit` states; ValueError for a weight that is negative or no number.
    """
    number: dict[State, int] = {start: 0}
    states = [start]
    source: list[int] = []
    target: list[int] = []
    weight: list[float] = []
    at = 0
    while at < len(states):
        for state, w in transitions(states[at]):
            if not 0.0 <= w < np.inf:
                raise ValueError(f"State {states[at]!r} goes to {state!r} with weight {w:g}; give a number >= 0.")
            if w == 0.0:
                continue
            k = number.setdefault(state, len(states))
            if k == len(states):
                if k >= limit:
                    raise TooManyStates(
                        f"The chain has more than {limit:,} states; make it smaller, or use an approximation."
                    )
                states.append(state)
            source.append(at)
            target.append(k)
            weight.append(w)
        at += 1
    return Chain(tuple(states), np.array(source, np.int64), np.array(target, np.int64), np.array(weight, float))


def chain_of(matrix: ArrayLike) -> Chain[int]:
    """The chain of a dense square matrix: a generator (its diagonal is not looked at) or transition probabilities."""
    dense = np.asarray(matrix, float)
    if dense.ndim != 2 or dense.shape[0] != dense.shape[1] or not dense.size:
        raise ValueError(f"A chain's matrix has one row and one column per state, not shape {dense.shape}.")
    off = dense - np.diag(np.diag(dense))
    if not np.isfinite(dense).all() or (off < 0.0).any():
        raise ValueError("A chain's matrix has an entry off its diagonal that is negative or no number.")
    kept = off + np.diag(np.maximum(np.diag(dense), 0.0))  # a generator's diagonal is no transition
    source, target = np.nonzero(kept)
    return Chain(tuple(range(len(dense))), source, target, kept[source, target])


def stationary_of_rates(chain: Chain[State]) -> Stationary:
    """The stationary distribution in continuous time; a transition from a state to itself changes nothing.

    Raises: ValueError for several recurrent classes, or when no method reaches a residual of 1e-9.
    """
    n = len(chain)
    moves = chain.source != chain.target
    rates = sparse.csr_matrix((chain.weight[moves], (chain.source[moves], chain.target[moves])), shape=(n, n))
    rates.sum_duplicates()
    kept = _recurrent(rates, chain.states)
    inner = rates[kept][:, kept].tocsr()
    share, method = _solved(inner)
    residual = _residual(inner, share)
    if not residual <= TOLERANCE:
        raise ValueError(
            f"The balance equations of {len(kept):,} states are solved to {residual:.1e} only; rates that differ by "
            f"many powers of ten (here {inner.data.min():g} to {inner.data.max():g}) may be the cause."
        )
    probability = np.zeros(n)
    probability[kept] = share
    return Stationary(probability, residual, method, len(kept))


def stationary_of_steps(chain: Chain[State]) -> Stationary:
    """The stationary distribution in discrete time, periodic or not (then: the long-run share of steps).

    Raises: ValueError for probabilities out of a state that do not sum to 1 within 1e-9, and as in continuous time.
    """
    total = np.bincount(chain.source, chain.weight, minlength=len(chain))
    worst = int(np.argmax(np.abs(total - 1.0)))
    if abs(total[worst] - 1.0) > 1e-9:
        raise ValueError(
            f"The probabilities out of state {chain.states[worst]!r} sum to {total[worst]:.12g}; make them sum to 1."
        )
    return stationary_of_rates(chain)


def _recurrent(rates: sparse.csr_matrix, states: tuple[State, ...]) -> Array:
    """The numbers of the states of the one recurrent class: the strongly connected one that is never left."""
    classes, label = csgraph.connected_components(rates, directed=True, connection="strong")
    source, target = rates.nonzero()
    leaves = label[source] != label[target]
    closed = np.ones(classes, bool)
    closed[label[source[leaves]]] = False
    ends = np.flatnonzero(closed)
    if len(ends) > 1:
        first = sorted(int(np.argmax(label == c)) for c in ends)
        named = ", ".join(repr(states[k]) for k in first[:3])
        raise ValueError(
            f"The chain has {len(ends)} classes of states that it never leaves (those of {named}"
            f"{', ...' if len(ends) > 3 else ''}): where it ends depends on where it began, so no one answer exists."
        )
    return np.flatnonzero(label == ends[0])


def _solved(rates: sparse.csr_matrix) -> tuple[Array, Literal["GTH elimination", "sparse LU", "GMRES"]]:
    """The stationary distribution of an irreducible chain and the method."""
    n = rates.shape[0]
    if n <= SMALL:
        return _eliminated(rates.toarray()), "GTH elimination"
    out = np.asarray(rates.sum(axis=1)).ravel()
    likely = _likely_state(rates, out)
    rest = np.flatnonzero(np.arange(n) != likely)
    # The balance of every state but one, with that state's probability set to 1 and the scale found afterwards. Each
    # row divided by its outflow: the unknowns are flows, which differ less than the probabilities do.
    step = (sparse.diags(1.0 / out) @ rates).tocsr()
    matrix = (sparse.identity(n - 1) - step[rest][:, rest].T).tocsc()
    inflow = step[likely].toarray().ravel()[rest]

    def share(flow: Array) -> Array:
        unscaled = np.maximum(np.insert(flow, likely, 1.0), 0.0) / out  # 1e-20 may come out as -1e-25
        return np.asarray(unscaled / unscaled.sum())

    if n * _bandwidth(matrix) ** 2 > FACTORED:
        iterated = share(_iterated(matrix, inflow))
        if _residual(rates, iterated) <= ITERATED:
            return iterated, "GMRES"
    return share(_factored(matrix, inflow)), "sparse LU"


def _residual(rates: sparse.csr_matrix, share: Array) -> float:
    """How far a distribution is from balance, relative to the total flow."""
    flow = share * np.asarray(rates.sum(axis=1)).ravel()
    return float(np.abs(rates.T @ share - flow).sum() / flow.sum()) if len(share) > 1 else 0.0


def _eliminated(rates: Array) -> Array:
    """GTH: censor the chain on fewer and fewer states, then go back; only sums, products and quotients of positives."""
    n = len(rates)
    q = rates.copy()
    out = np.zeros(n)
    for k in range(n - 1, 0, -1):
        out[k] = q[k, :k].sum()
        q[:k, :k] += np.outer(q[:k, k], q[k, :k] / out[k])
        np.fill_diagonal(q[:k, :k], 0.0)
    share = np.ones(n)
    for k in range(1, n):
        share[k] = share[:k] @ q[:k, k] / out[k]
    return share / share.sum()


def _likely_state(rates: sparse.csr_matrix, out: Array) -> int:
    """A state that is not rare (a rare one set to 1 overflows): the likeliest after 50 steps of the lazy jump chain."""
    n = len(out)
    step = (sparse.diags(1.0 / out) @ rates).T.tocsr()
    share = np.full(n, 1.0 / n)
    for _ in range(50):
        share = 0.5 * share + 0.5 * (step @ share)
    return int(np.argmax(share))


def _bandwidth(matrix: sparse.csc_matrix) -> float:
    """How far from the diagonal the entries lie after reordering: what the LU will fill."""
    order = csgraph.reverse_cuthill_mckee(matrix)
    entries = matrix[order][:, order].tocoo()
    return float(np.abs(entries.row - entries.col).max())


def _factored(matrix: sparse.csc_matrix, b: Array) -> Array:
    """LU without pivoting, ordered for a symmetric pattern; with one step of iterative refinement."""
    lu = splinalg.splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    x = np.asarray(lu.solve(b))
    return x + np.asarray(lu.solve(b - matrix @ x))


def _iterated(matrix: sparse.csc_matrix, b: Array) -> Array:
    """GMRES with an incomplete LU in breadth-first order; what it reaches is measured by the caller."""
    ilu = splinalg.spilu(matrix, drop_tol=0.05, fill_factor=4, diag_pivot_thresh=0.0, permc_spec="NATURAL")
    through = splinalg.LinearOperator(matrix.shape, ilu.solve)
    x, _ = splinalg.gmres(matrix, b, M=through, rtol=1e-13, atol=0.0, restart=100, maxiter=10)
    return np.asarray(x)
