"""Cross-entropy importance sampling: draw from a density that lives where the failures are, and weigh the draws.

    proposal = search(journal, failing, n=2000, rounds=6, rng=rng)       # found once, shared by all replicates
    weigh(journal, proposal, n=2500, replicate=0, rng=rng)               # one replicate; its rows are in the journal
    weighted_share(journal.table(), rows)                                # its estimate, from the table alone

The estimate is the mean of phi(z)/q(z) over failing draws z ~ q, phi the density of N(0, I). It is unbiased for every q
found beforehand; how much it varies depends on q. The best mixture q in the sense of cross-entropy (Kullback-Leibler
divergence from phi restricted to the failures) is the maximum-likelihood fit to draws from that law. It is found in
two steps: first fitted to the pilot run's failing states, which Markov chains have drawn from it; then, round by round,
to independent draws from all proposals so far, each weighed with phi over their mixture. A round's elite is where
margin <= t, with the smallest t >= 0 that leaves an effective number of elite draws of at least 50 and the dimension.
It ends when the failures themselves are many enough.

The density is one of z alone: what else is random in a trial keeps its own law, so the weights are right for it, too.

The search is shared: replicates show how draws from q vary, not what it overlooked. A failure region that the pilot
run missed is missing in all of them; subset simulation explores anew in each replicate, and is there to disagree.

Source: Rubinstein and Kroese, "The Cross-Entropy Method" (2004), ch. 3; Chan and Kroese, Stat. Comput. 22 (2012) 1031,
the fit to Markov chain draws; Cornuet, Marin, Mira, Robert, Scand. J. Statist. 39 (2012) 798, draws of all rounds
together; Hesterberg, Technometrics 37 (1995) 185, the defensive share.
"""

from __future__ import annotations

import numpy as np

from jangin.stats.journal import Journal, Table
from jangin.stats.mixture import Mixture, defended, fit, log_standard
from jangin.stats.subset import CHAIN

__all__ = ["search", "weigh", "weighted_share"]

Array = np.ndarray

_FEW, _ENOUGH = 50, 500  # effective numbers: of an elite, and of failures that need no further round
_MOST_FITTED = 1000, 2000  # points that a fit reads, up to 15 dimensions and beyond: more are slower and no better


def search(journal: Journal, failing: Array, *, n: int, rounds: int, rng: np.random.Generator) -> Mixture:
    """A proposal density, from the pilot run's failing states (trial numbers) and up to so many rounds of n trials."""
    start = journal.z[_thinned(failing, journal.dim)].astype(float)
    # a chain's states are alike: as many as there are chains count
    proposals = [defended(fit(start, np.ones(len(start)), effective=max(len(start) / CHAIN, 1.0), rng=rng))]
    ids = np.zeros(0, np.int64)
    for level in range(rounds):
        z = proposals[-1].draw(n, rng)
        log_weight = _log_weight(z.astype(float), proposals[-1:])
        asked = journal.ask(z, method="search", level=level, log_weight=log_weight)
        ids = np.concatenate([ids, asked])
        elite, log_weight, threshold = _elite(journal, ids, proposals)
        weight = np.exp(log_weight - log_weight.max())
        thin = _thinned(np.arange(len(elite)), journal.dim)
        fitted = fit(journal.z[elite[thin]].astype(float), weight[thin], effective=_effective(weight[thin]), rng=rng)
        proposals.append(defended(fitted))
        if threshold < 0 and _effective(weight) >= _ENOUGH + 5 * journal.dim:
            break
    return proposals[-1]


def _elite(journal: Journal, ids: Array, proposals: list[Mixture]) -> tuple[Array, Array, float]:
    """The draws that the next fit is to: trial numbers (k,), ln weights (k,), the largest margin among them."""
    log_weight = _log_weight(journal.z[ids].astype(float), proposals)
    order = np.argsort(journal.margin[ids], kind="stable")
    weight = np.exp(log_weight[order] - log_weight.max())
    squares = np.maximum(np.cumsum(weight * weight), 1e-300)
    enough = np.cumsum(weight) ** 2 >= max(_FEW, journal.dim) * squares
    margin = journal.margin[ids[order]]
    count = int(np.argmax(enough)) + 1 if enough.any() else len(ids)
    count = max(count, int(np.count_nonzero(margin < 0)))
    return ids[order[:count]], log_weight[order[:count]], float(margin[count - 1])


def _log_weight(z: Array, proposals: list[Mixture]) -> Array:
    """ln of phi over the equal mixture of the proposals, (n,)."""
    together = np.logaddexp.reduce([q.log_density(z) for q in proposals], axis=0) - np.log(len(proposals))
    return np.asarray(log_standard(z) - together)


def _effective(weight: Array) -> float:
    """How many draws of equal weight these are worth (Kish)."""
    return float(weight.sum() ** 2 / np.maximum(np.sum(weight * weight), 1e-300))


def _thinned(ids: Array, dim: int) -> Array:
    """At most as many of them as a fit reads, evenly spaced."""
    most = _MOST_FITTED[dim > 15]
    return ids if len(ids) <= most else ids[np.linspace(0, len(ids) - 1, most).astype(int)]


def weigh(journal: Journal, proposal: Mixture, *, n: int, replicate: int, rng: np.random.Generator) -> None:
    """One replicate of n draws."""
    z = proposal.draw(n, rng)
    log_weight = _log_weight(z.astype(float), [proposal])
    journal.ask(z, method="cross-entropy", replicate=replicate, log_weight=log_weight)


def weighted_share(table: Table, rows: Array) -> tuple[float, Array]:
    """One replicate's estimate from its rows, and the trials that failed."""
    failing = table["margin"][rows] < 0
    return float(np.mean(np.exp(table["log_weight"][rows]) * failing)), rows[failing]
