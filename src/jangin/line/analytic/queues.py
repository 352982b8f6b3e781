"""Single queues, open networks and closed networks in steady state.

    many_servers(2.5, 1.0, 3)                          # M/M/3: queue 3.51124, time 2.40449
    general_service(0.8, mean=1.0, scv=0.5)            # M/G/1, Pollaczek-Khinchine
    general(0.8, 1.0, servers=1, scv_arrivals=.5, scv_service=.5)       # G/G/c, approximate
    open_network([1.0, 0.0], [[0, 1], [.1, 0]], [1.5, 1.2])             # Jackson
    closed_network([1.0, 2.0], [1.0, 0.7], population=5)                # CONWIP with exponential servers

Rates are per unit of time; scv is a squared coefficient of variation (variance / mean^2): 1 exponential, 0 constant.
Waiting rooms are infinite, service is first come first served.

Sources: Pollaczek (1930) and Khinchine (1932); Jackson, Management Science 10 (1963) 131; Kingman, Biometrika 49 (1962)
315; Allen, Probability, Statistics, and Queueing Theory (1990); Gordon and Newell, Operations Research 15 (1967) 254;
Buzen, Comm. ACM 16 (1973) 527; Reiser and Lavenberg, J. ACM 27 (1980) 313.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from jangin.line.analytic.result import BadNumbers, numbers, same_length, whole

__all__ = [
    "ClosedNetwork",
    "OpenNetwork",
    "Queue",
    "closed_network",
    "erlang_c",
    "general",
    "general_service",
    "kingman_bound",
    "many_servers",
    "open_network",
]


@dataclass(frozen=True)
class Queue:
    """A station in steady state.

    Attributes:
        arrival_rate: = throughput, parts per unit of time.
        utilisation: share of the servers' time in work, below 1.
        waiting: mean parts that wait (Lq); in_system: with those in service (L).
        wait: mean time waiting (Wq); time: with service (W). At arrival rate 0 those of a lone part.
        exact: whether the model is solved exactly; method: the formula.
    """

    arrival_rate: float
    utilisation: float
    waiting: float
    wait: float
    time: float
    exact: bool
    method: str

    @property
    def in_system(self) -> float:
        """Mean parts waiting and in service (L = lambda W)."""
        return self.arrival_rate * self.time


@dataclass(frozen=True)
class OpenNetwork:
    """A Jackson network: its nodes as independent M/M/c queues, parts in all, and the time one spends in it."""

    nodes: tuple[Queue, ...]
    throughput: float
    exact: bool
    method: str

    @property
    def wip(self) -> float:
        """Mean parts in all nodes."""
        return sum(q.in_system for q in self.nodes)

    @property
    def lead_time(self) -> float:
        """Mean time from entering to leaving, over all parts."""
        return self.wip / self.throughput


@dataclass(frozen=True)
class ClosedNetwork:
    """A closed network with a fixed number of parts.

    Attributes:
        throughput: visits per unit of time to a node of visit ratio 1.
        wip: mean parts at each node; time: mean time of one visit to each node; utilisation: of each node's servers.
        lead_time: mean time of one round, population / throughput.
    """

    population: int
    throughput: float
    wip: tuple[float, ...]
    time: tuple[float, ...]
    utilisation: tuple[float, ...]
    exact: bool
    method: str

    @property
    def lead_time(self) -> float:
        """Mean time of one round through the network."""
        return self.population / self.throughput


def erlang_c(load: float, servers: int) -> float:
    """Probability that an arriving part waits in M/M/c; load = arrival rate / service rate of one server, < servers."""
    (a,), (c,) = numbers("load", [load], open_low=False), whole("servers", [servers], low=1)
    if a >= c:
        raise BadNumbers(_unstable("the queue", a, c))
    blocked = 1.0  # Erlang B by its recursion: no factorials, no overflow
    for k in range(1, c + 1):
        blocked = a * blocked / (k + a * blocked)
    return c * blocked / (c - a * (1.0 - blocked))


def many_servers(arrival_rate: float, service_rate: float, servers: int = 1) -> Queue:
    """M/M/c (M/M/1 for one server), exact. Raises: BadNumbers when arrivals reach what the servers can do."""
    (lam,), (mu,) = numbers("arrival rate", [arrival_rate], open_low=False), numbers("service rate", [service_rate])
    waits = erlang_c(lam / mu, servers)
    wait = waits / (servers * mu - lam)
    return Queue(lam, lam / (servers * mu), lam * wait, wait, wait + 1.0 / mu, True, f"M/M/{servers}, Erlang C")


def general_service(arrival_rate: float, mean: float, scv: float) -> Queue:
    """M/G/1 by Pollaczek and Khinchine, exact: Wq = rho/(1 - rho) (1 + scv)/2 E[S]."""
    (lam,), (s,) = numbers("arrival rate", [arrival_rate], open_low=False), numbers("mean", [mean])
    (scv,) = numbers("scv", [scv], open_low=False)
    rho = lam * s
    if rho >= 1.0:
        raise BadNumbers(_unstable("the queue", rho, 1))
    wait = rho / (1.0 - rho) * (1.0 + scv) / 2.0 * s
    return Queue(lam, rho, lam * wait, wait, wait + s, True, "M/G/1, Pollaczek-Khinchine")


def general(arrival_rate: float, mean: float, *, servers: int = 1, scv_arrivals: float, scv_service: float) -> Queue:
    """G/G/c by Allen and Cunneen, approximate: the wait of M/M/c times (scv_arrivals + scv_service) / 2.

    Exact for M/M/c and M/G/1, and good in heavy traffic; for bursty or nearly constant arrivals in light traffic it can
    be off by tens of percent.
    """
    like = many_servers(arrival_rate, 1.0 / numbers("mean", [mean])[0], servers)
    ca, cs = numbers("scv", [scv_arrivals, scv_service], open_low=False)
    exact = ca == 1.0 and (cs == 1.0 or servers == 1)
    wait = like.wait * (ca + cs) / 2.0
    return Queue(
        like.arrival_rate,
        like.utilisation,
        like.arrival_rate * wait,
        wait,
        wait + mean,
        exact,
        f"G/G/{servers}, Allen-Cunneen",
    )


def kingman_bound(arrival_rate: float, mean: float, *, scv_arrivals: float, scv_service: float) -> float:
    """The mean wait in G/G/1 is at most this: lambda (var A + var S) / (2 (1 - rho)); tight as rho -> 1."""
    (lam,), (s,) = numbers("arrival rate", [arrival_rate]), numbers("mean", [mean])
    ca, cs = numbers("scv", [scv_arrivals, scv_service], open_low=False)
    if lam * s >= 1.0:
        raise BadNumbers(_unstable("the queue", lam * s, 1))
    return lam * (ca / lam**2 + cs * s**2) / (2.0 * (1.0 - lam * s))


def open_network(
    arrivals: Sequence[float],
    routing: ArrayLike,
    service_rates: Sequence[float],
    servers: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
) -> OpenNetwork:
    """A Jackson network: traffic equations, then M/M/c at every node (product form), exact.

    Args:
        arrivals: Poisson rate of parts from outside to each of the n nodes, >= 0, not all 0.
        routing: (n, n), the probability that a part done at i goes to j; what a row lacks to 1 leaves.
        service_rates: of one server at each node; servers: at each node, 1 if None.
        names: what the nodes are called in errors.

    Raises: BadNumbers for routings that no part leaves, and for nodes that cannot keep up (all of them, by name).
    """
    outside = np.array(numbers("arrivals", arrivals, open_low=False))
    mu = numbers("service rates", service_rates)
    n = len(mu)
    c = whole("servers", [1] * n if servers is None else servers, low=1)
    names = [f"node {k}" for k in range(n)] if names is None else list(names)
    for what, values in (("arrivals", outside), ("servers", c), ("names", names)):
        same_length(what, values, n, f"{n} nodes")
    if not outside.any():
        raise BadNumbers("No part arrives from outside; give an arrival rate above 0, or use a closed network.")
    flow = _traffic(outside, _routing(routing, names), names)
    late = [(name, f / m, k) for name, f, m, k in zip(names, flow, mu, c, strict=True) if f >= m * k]
    if late:
        raise BadNumbers(" ".join(_unstable(*node) for node in late))
    nodes = tuple(many_servers(float(f), m, k) for f, m, k in zip(flow, mu, c, strict=True))
    return OpenNetwork(nodes, float(outside.sum()), True, "Jackson network, product form")


def closed_network(
    visits: Sequence[float], service_rates: Sequence[float], population: int, servers: Sequence[int] | None = None
) -> ClosedNetwork:
    """A closed network of exponential servers and one class of parts (Gordon and Newell), exact.

    The normalising constants by Buzen's convolution, in logarithms: only sums of positive terms, so it stays right for
    many servers and long queues, where mean value analysis with its differences does not. The figures are those of MVA.
    With one server per node and visits of 1 it is a CONWIP line of exponential stations.

    Args:
        visits: visit ratio of each node, > 0 (1 for each node of a serial line).
        service_rates: of one server at each node.
        population: parts in the network, >= 1.
        servers: at each node, 1 if None; as many as the population makes it a pure delay.
    """
    v, mu = numbers("visits", visits), numbers("service rates", service_rates)
    same_length("service rates", mu, len(v), f"{len(v)} nodes")
    c = whole("servers", [1] * len(v) if servers is None else servers, low=1)
    same_length("servers", c, len(v), f"{len(v)} nodes")
    (n,) = whole("population", [population], low=1)
    weights = [_log_weights(x / m, k, n) for x, m, k in zip(v, mu, c, strict=True)]
    before = [np.r_[0.0, np.full(n, -np.inf)]]  # of the nodes before each, and after each
    for w in weights[:-1]:
        before.append(_convolved(before[-1], w))
    after = [before[0]]
    for w in weights[:0:-1]:
        after.append(_convolved(after[-1], w))
    whole_network = _convolved(before[-1], weights[-1])
    throughput = math.exp(whole_network[n - 1] - whole_network[n])
    wip = []
    for w, left, right in zip(weights, before, reversed(after), strict=True):
        share = np.exp(w + _convolved(left, right)[::-1] - whole_network[n])  # P(k parts at the node)
        wip.append(float(share @ np.arange(n + 1)))
    return ClosedNetwork(
        population=n,
        throughput=throughput,
        wip=tuple(wip),
        time=tuple(q / (throughput * x) for q, x in zip(wip, v, strict=True)),
        utilisation=tuple(min(1.0, throughput * x / (m * k)) for x, m, k in zip(v, mu, c, strict=True)),
        exact=True,
        method="Gordon-Newell network, product form, Buzen's convolution",
    )


def _unstable(name: str, load: float, servers: int) -> str:
    return (
        f"Work of {load:.6g} servers arrives at {name}, which has {servers}: its queue grows without end; give it more "
        "or faster servers, or fewer parts."
    )


def _routing(routing: ArrayLike, names: Sequence[str]) -> np.ndarray:
    r = np.asarray(routing, float)
    if r.shape != (len(names), len(names)):
        raise BadNumbers(f"The routing has shape {r.shape}; give ({len(names)}, {len(names)}), a row per node.")
    for name, row in zip(names, r, strict=True):
        if not (np.isfinite(row).all() and (row >= 0.0).all() and row.sum() <= 1.0 + 1e-12):
            raise BadNumbers(f"The routing out of {name} is {row.tolist()}; give probabilities that sum to at most 1.")
    return r


def _traffic(outside: np.ndarray, routing: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Rates through each node: flow = outside + flow routing. Nodes from which no part ever leaves are an error."""
    leaves = routing.sum(axis=1) < 1.0 - 1e-12
    for _ in names:
        leaves = leaves | ((routing > 0.0) @ leaves.astype(float) > 0.0)
    if not leaves.all():
        stuck = ", ".join(name for name, ok in zip(names, leaves, strict=True) if not ok)
        raise BadNumbers(f"A part that comes to {stuck} never leaves; let the routing lead out with some probability.")
    return np.maximum(np.linalg.solve(np.eye(len(names)) - routing.T, outside), 0.0)


def _log_weights(demand: float, servers: int, n: int) -> np.ndarray:
    """ln of demand^k / prod_{j<=k} min(j, servers), for k = 0..n."""
    k = np.arange(1, n + 1)
    return np.r_[0.0, np.cumsum(math.log(demand) - np.log(np.minimum(k, servers)))]


def _convolved(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """ln of the convolution of exp(a) and exp(b), to the same length."""
    found = np.empty_like(a)
    for k in range(len(a)):
        terms = a[: k + 1] + b[k::-1]
        top = terms.max()
        found[k] = top + math.log(np.exp(terms - top).sum()) if top > -np.inf else -np.inf
    return found
