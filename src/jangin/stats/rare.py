"""How likely is a rare failure? Two methods that must agree, or no answer: an estimate (grade B), never a bound.

    found = estimate(margin, dim=2, seed=7)             # margin(z (n, dim), trial (n,)) -> (n,), negative is failure
    found.probability, found.low, found.high            # None where found.refused says why there is no estimate
    found.methods["subset"].estimates                   # one per independent replicate
    found.failures[0].z                                 # the most likely failure of the largest group of them
    recompute(found.table) == found                     # from the recorded margins alone, without the black box

The latent z is standard normal: a condition with distribution function F is F^-1(uniform(z)). What else is random in a
trial belongs to its number (`journal`). Which two methods: subset simulation (`subset`) always; beside it cross-entropy
importance sampling (`importance`), or, where the margin comes with its course and there are more than 50 latent
numbers, splitting of trajectories (`splitting`): a density over a long horizon of noise collapses. The choice looks at
the problem's form, never at a result.

How the budget is used: about a tenth for a pilot run, which finds the levels; a third of the rest for the second method
with its search; what is left for subset simulation. It is never exceeded.

Each replicate's estimate is unbiased, so the mean over replicates is, too; the geometric mean is too small by a factor
of about exp(-variance/2) and is given beside it. The interval is Cox's for the mean of a log-normal law with Student's
t (Olsson): right as far as the logarithms of the replicates' estimates are normal. The answer is the plain mean of the
two methods' means, its interval holds both of theirs.

There is none (`refused`) where a margin is NaN, the margin has plateaus or is a success flag, no failure was reached, a
replicate came out as 0, a method's interval spans more than a factor of 10, or the two methods disagree: their 99 %
intervals do not meet, which chance brings about less often than once in fifty.

What it does not say: anything about a failure that the margin does not lead to. Both methods descend along the margin;
a region that lies behind higher ground can be overlooked by both. No method that runs fewer than about 3/p trials can
exclude that; independent trials (grade A) can.

Source: Olsson, J. Stat. Educ. 13 (2005) 1, the interval; those of the three methods are with them.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from jangin.stats import importance, splitting, subset
from jangin.stats.journal import COLUMNS, METHODS, Journal, Margin, Progress, Table, UnknownMargin, generator, recorded
from jangin.stats.mixture import fit

__all__ = [
    "COLUMNS",
    "METHODS",
    "Failure",
    "Margin",
    "Method",
    "RareEstimate",
    "estimate",
    "log_t_interval",
    "normal",
    "recompute",
    "recorded",
    "uniform",
]

Array = np.ndarray

_LEAST_BUDGET, _LEAST_POPULATION = 10_000, 100
_LONG = 50  # latent numbers: beyond, a trajectory is split rather than drawn from a fitted density
_PILOT_MOST, _WEIGHED, _SPLIT = 0.25, 0.3, 0.4  # shares of the budget, and of what the pilot run left of it
_ROUNDS = 6  # of the search for a density, each a fiftieth of the budget
_AGREEMENT = 0.99  # confidence of the intervals that have to meet: chance keeps one pair in a hundred apart
_FACTOR = 10.0  # what a method's interval may span
_READ = {"subset": subset.product, "cross-entropy": importance.weighted_share, "splitting": splitting.kept_share}


@dataclass(frozen=True)
class Method:
    """What one method found.

    Attributes:
        estimates: of the probability, one per replicate.
        probability: their mean.
        geometric: their geometric mean; 0 where one of them is 0.
        low, high: the interval for the probability from how they spread; 0 and 1 where one of them is 0.
        variation: the coefficient of variation of one replicate.
        evaluations: trials, with those of the method's own search.
    """

    estimates: tuple[float, ...]
    probability: float
    geometric: float
    low: float
    high: float
    variation: float
    evaluations: int


@dataclass(frozen=True)
class Failure:
    """The most likely failure of a group of failures: where the density of N(0, I) is largest.

    Attributes:
        trial: its number.
        margin: below 0.
        z: the latent numbers.
        share: of the probability of failure, roughly, that its group has.
    """

    trial: int
    margin: float
    z: tuple[float, ...]
    share: float


@dataclass(frozen=True)
class RareEstimate:
    """What the methods found together. It is an estimate and never a bound, which `grade` says wherever it goes.

    Attributes:
        probability: of margin < 0, the mean of the two methods' means; None where it is refused.
        low, high: the interval that holds both methods' intervals; None where it is refused.
        confidence: of the intervals.
        refused: why there is no estimate, in a sentence; "" where there is one.
        agreed: whether both methods gave intervals, and those at 99 % meet.
        evaluations: trials in all.
        methods: by name; empty where the pilot run got stuck.
        failures: the groups that were found, the largest first; at most four.
        table: every trial, as columns (`journal.COLUMNS`).
    """

    probability: float | None
    low: float | None
    high: float | None
    confidence: float
    refused: str
    agreed: bool
    evaluations: int
    methods: Mapping[str, Method]
    failures: tuple[Failure, ...]
    grade: Literal["B"] = "B"
    table: Table = field(repr=False, compare=False, default_factory=dict)

    @property
    def most_likely(self) -> Failure | None:
        """The failure nearest to the middle of all conditions; None where none was found."""
        return min(self.failures, key=lambda f: math.fsum(v * v for v in f.z), default=None)


def estimate(
    margin: Margin,
    dim: int,
    *,
    seed: int,
    replicates: int = 8,
    budget: int = 100_000,
    batch: int = 1,
    confidence: float = 0.95,
    progress: Progress | None = None,
) -> RareEstimate:
    """Estimate P(margin < 0) in at most `budget` trials. The same seed asks the same questions.

    Args:
        margin: the black box; see the module and `journal`.
        dim: latent numbers of a trial.
        replicates: of each method, at least 8.
        batch: every question is for a multiple of so many trials (splitting asks for as many as it drops).
        progress: is told trials so far, the budget, and what runs.

    Raises: ValueError for numbers that make no sense and for a margin that answers in another shape.
    """
    _check(dim, replicates, budget, batch)
    journal = Journal(margin, dim, budget=budget, progress=progress)
    with contextlib.suppress(UnknownMargin):  # the table shows it
        _search(journal, seed, replicates, batch)
    return recompute(journal.table(), confidence)


def _search(journal: Journal, seed: int, replicates: int, batch: int) -> None:
    """Ask everything there is to ask, within the journal's budget."""
    unit = subset.CHAIN * batch
    n = max(round(journal.budget / 50 / unit), 1) * unit
    found = subset.pilot(journal, n=n, most=int(_PILOT_MOST * journal.budget), rng=generator(seed, "pilot"))
    if found.ladder is not None and not _stuck(journal.table()):
        if journal.dim > _LONG and journal.nstep > 1:
            _split(journal, found.probability, int(_SPLIT * journal.left / replicates), replicates, seed)
        else:
            _weigh(journal, found.failing, int(_WEIGHED * journal.left / replicates), replicates, batch, seed)
        _climb(journal, found.ladder, replicates, unit, seed)


def uniform(z: Array) -> Array:
    """The uniforms in [0, 1) of standard normals: where a condition's inverse distribution function is taken."""
    return np.asarray(np.minimum(ndtr(z), np.nextafter(1.0, 0.0)))


def normal(u: Array) -> Array:
    """The standard normals of uniforms in [0, 1], the inverse of `uniform`; the ends stay finite."""
    return np.asarray(ndtri(np.clip(u, 1e-15, 1.0 - 1e-15)))


def _check(dim: int, replicates: int, budget: int, batch: int) -> None:
    if dim < 1:
        raise ValueError(f"A search among {dim} latent numbers finds nothing; give at least one.")
    if replicates < 8:
        raise ValueError(f"{replicates} replicates are too few to see how they spread; give at least 8.")
    least = max(_LEAST_BUDGET, 200 * batch)
    if batch < 1 or budget < least:
        raise ValueError(
            f"A budget of {budget:,} trials in batches of {batch:,} is too small for two methods of {replicates} "
            f"replicates; give at least {max(least, _LEAST_BUDGET):,} trials and batches of 1 or more."
        )


def _weigh(journal: Journal, failing: Array, each: int, replicates: int, batch: int, seed: int) -> None:
    before, n = journal.n, max(round(journal.budget / 50 / batch), 1) * batch
    proposal = importance.search(journal, failing, n=n, rounds=_ROUNDS, rng=generator(seed, "search"))
    n = (each - (journal.n - before) // replicates) // batch * batch
    if n < _LEAST_POPULATION:
        return
    for k in range(replicates):
        importance.weigh(journal, proposal, n=n, replicate=k, rng=generator(seed, "cross-entropy", k))


def _split(journal: Journal, probability: float, each: int, replicates: int, seed: int) -> None:
    n = splitting.population_for(each, probability)
    for k in range(replicates):
        splitting.split(journal, n=n, most=each, replicate=k, rng=generator(seed, "splitting", k))


def _climb(journal: Journal, ladder: subset.Ladder, replicates: int, unit: int, seed: int) -> None:
    n = int(journal.left / replicates / subset.cost(unit, len(ladder.thresholds))) * unit
    if n < _LEAST_POPULATION:
        return
    for k in range(replicates):
        subset.climb(journal, ladder, n=n, replicate=k, rng=generator(seed, "subset", k))


# ── reading the table ────────────────────────────────────────────────────────────────────────────────────────────


def recompute(table: Table, confidence: float = 0.95) -> RareEstimate:
    """The estimate that a table of trials gives; `estimate` itself ends with it. Nothing is asked of a black box.

    It reads every margin, weight and parent, and holds the rows to the rules of their method. That the table's z are
    those that a seed gives is shown by running `estimate` on `recorded(table)`.

    Raises: ValueError for a table that no search has written, with the first thing that is wrong.
    """
    _check_table(table)
    if refused := _unknown(table) or _stuck(table):
        return _refused(refused, table, confidence)
    methods, members = {}, []
    for name in ("subset", "cross-entropy", "splitting"):
        of = _replicates(table, name)
        if of:
            read = [_READ[name](table, rows) for rows in of]
            methods[name] = _method([p for p, _ in read], _evaluations(table, name), confidence)
            members += [(_weights(table, name, p, failing), failing) for p, failing in read]
    if len(methods) < 2:
        refused = (
            f"The pilot run took {_count(table, 'pilot'):,} of the trials, and what was left is too little for two "
            f"methods. Give a larger budget."
        )
        return _refused(refused, table, confidence, methods)
    agreed = _meet(methods)
    refused = _why_not(methods, agreed)
    means = [m.probability for m in methods.values()]
    return RareEstimate(
        probability=None if refused else math.fsum(means) / len(means),
        low=None if refused else min(m.low for m in methods.values()),
        high=None if refused else max(m.high for m in methods.values()),
        confidence=confidence,
        refused=refused,
        agreed=agreed,
        evaluations=len(table["trial"]),
        methods=methods,
        failures=_groups(table, members),
        table=table,
    )


def log_t_interval(estimates: Array, confidence: float) -> tuple[float, float]:
    """The interval for the mean of a log-normal law from n independent draws, all positive: Cox's, with Student's t.

    ln of the mean is estimated by m + s^2/2, m and s^2 mean and variance of the logarithms, with the variance
    s^2/n + s^4/(2(n-1)).

    Source: Olsson, J. Stat. Educ. 13 (2005) 1.
    """
    logs = np.log(estimates)
    n, variance = len(logs), float(np.var(logs, ddof=1))
    half = float(stdtrit(n - 1, 0.5 + 0.5 * confidence)) * math.sqrt(variance / n + variance**2 / (2 * (n - 1)))
    centre = float(np.mean(logs)) + 0.5 * variance
    return math.exp(centre - half), min(math.exp(min(centre + half, 0.0)), 1.0)


def _check_table(table: Table) -> None:
    if missing := [c for c in COLUMNS if c not in table]:
        raise ValueError(f"The table of a search has no column {missing[0]!r}; it has: {', '.join(sorted(table))}.")
    lengths = {len(table[c]) for c in COLUMNS}
    if len(lengths) > 1 or not len(table["trial"]):
        raise ValueError(
            f"The columns of a search have {min(lengths)} to {max(lengths)} rows; they must have the same."
        )
    if (gap := np.flatnonzero(table["trial"] != np.arange(len(table["trial"])))).size:
        raise ValueError(f"Row {gap[0]} of a search is trial {table['trial'][gap[0]]}; trials are numbered by row.")
    if not _count(table, "pilot"):
        raise ValueError("The table of a search has no pilot run; it was not written by one, or was cut.")


def _rows(table: Table, name: str) -> Array:
    return np.flatnonzero(table["method"] == METHODS.index(name))


def _count(table: Table, name: str) -> int:
    return len(_rows(table, name))


def _evaluations(table: Table, name: str) -> int:
    return _count(table, name) + (_count(table, "search") if name == "cross-entropy" else 0)


def _replicates(table: Table, name: str) -> list[Array]:
    """The rows of each replicate."""
    rows = _rows(table, name)
    of = table["replicate"][rows]
    return [rows[of == k] for k in np.unique(of)]


def _method(estimates: list[float], evaluations: int, confidence: float) -> Method:
    values = np.array(estimates)
    mean = float(np.mean(values))
    positive = bool((values > 0).all())
    low, high = log_t_interval(values, confidence) if positive else (0.0, 1.0)
    return Method(
        estimates=tuple(estimates),
        probability=mean,
        geometric=math.exp(float(np.mean(np.log(values)))) if positive else 0.0,
        low=low,
        high=high,
        variation=float(np.std(values, ddof=1)) / mean if mean > 0 else math.inf,
        evaluations=evaluations,
    )


# ── why there is no estimate ─────────────────────────────────────────────────────────────────────────────────────


def _unknown(table: Table) -> str:
    """The refusal where a margin is NaN; "" where none is."""
    unknown = np.flatnonzero(np.isnan(table["margin"]))
    if not unknown.size:
        return ""
    return (
        f"The margin of trial {unknown[0]} is NaN; a search needs a number for every trial. Mend what made it unknown, "
        f"or give inf where a trial came nowhere near the event."
    )


def _stuck(table: Table) -> str:
    """Why the pilot run did not reach the failures; "" where it did."""
    steps = subset.populations(table, _rows(table, "pilot"))
    last = steps[-1][0]
    first, margin = table["margin"][steps[0][0]], table["margin"][last]
    if (different := len(np.unique(first))) <= 2:
        values = "value" if different == 1 else "values"
        return (
            f"The margin takes {different} {values} in {len(first):,} trials, as a success flag does: nothing leads to "
            f"the failure. Search along a continuous measure of how far a trial was from it."
        )
    if np.count_nonzero(margin < 0) >= len(margin) // subset.CHAIN:
        return ""
    if subset.next_threshold(margin) is None:
        level = float(margin.max())
        if len(np.unique(last[margin == level])) <= len(last) // (2 * subset.CHAIN):  # trials that stand for many
            return (
                f"The search got stuck at a margin of {level:.6g}, {len(steps) - 1} levels deep: no trial near there "
                f"has a smaller one. Failures lie beyond a jump of the margin, or there are none."
            )
        return (
            f"The margin has a plateau: {100 * np.mean(margin == level):.0f} % of the trials at level {len(steps) - 1} "
            f"share the value {level:.6g}, and nothing leads on from there. Search along a measure that varies."
        )
    trials, smallest = _count(table, "pilot"), float(table["margin"].min())
    return (
        f"No failure was reached often enough in {trials:,} trials of the pilot run, {len(steps) - 1} levels deep; the "
        f"smallest margin was {smallest:.6g}. The event is too rare for this budget, or the margin does not lead to it."
    )


def _why_not(methods: Mapping[str, Method], agreed: bool) -> str:
    """Why two methods' results make no estimate; "" where they do."""
    for name, m in methods.items():
        if zeros := m.estimates.count(0.0):
            return (
                f"{zeros} of {len(m.estimates)} replicates of {name} reached no failure. Give a larger budget, or a "
                f"margin that leads there."
            )
        if m.high > _FACTOR * m.low:
            return (
                f"The replicates of {name} spread too widely, from {min(m.estimates):.3g} to {max(m.estimates):.3g}: "
                f"their interval spans more than a factor of {_FACTOR:g}. Give a larger budget."
            )
    if not agreed:
        said = " and ".join(f"{k} {m.probability:.3g} [{m.low:.3g}, {m.high:.3g}]" for k, m in methods.items())
        return f"The two methods disagree: {said}. One of them overlooks failures; give a larger budget."
    return ""


def _meet(methods: Mapping[str, Method]) -> bool:
    """Whether the methods' intervals, at the confidence of an agreement, have a point in common."""
    if not all(min(m.estimates) > 0 for m in methods.values()):
        return False
    intervals = [log_t_interval(np.array(m.estimates), _AGREEMENT) for m in methods.values()]
    return max(low for low, _ in intervals) <= min(high for _, high in intervals)


def _refused(
    refused: str, table: Table, confidence: float, methods: Mapping[str, Method] | None = None
) -> RareEstimate:
    failing = np.flatnonzero(table["margin"] < 0)
    return RareEstimate(
        probability=None,
        low=None,
        high=None,
        confidence=confidence,
        refused=refused,
        agreed=False,
        evaluations=len(table["trial"]),
        methods=methods or {},
        failures=_groups(table, [(np.ones(len(failing)), failing)]),
        table=table,
    )


# ── which failures there are ─────────────────────────────────────────────────────────────────────────────────────


def _weights(table: Table, name: str, estimate: float, failing: Array) -> Array:
    """What each failing member counts of a replicate's estimate, (k,)."""
    if name == "cross-entropy":
        weight = np.exp(table["log_weight"][failing])
        return np.asarray(weight * (estimate / weight.sum())) if len(failing) else weight
    return np.full(len(failing), estimate / max(len(failing), 1))


def _groups(table: Table, members: list[tuple[Array, Array]]) -> tuple[Failure, ...]:
    """At most four groups of failing trials by a fitted mixture, each with its most likely member, largest first."""
    weight = np.concatenate([w for w, _ in members])
    trials = np.concatenate([t for _, t in members])
    if not len(trials) or not weight.sum() > 0:
        return ()
    thin = np.unique(np.linspace(0, len(trials) - 1, 1000).astype(int))
    z = table["z"][trials].astype(float)
    rng = np.random.Generator(np.random.Philox(0))
    effective = min(float(weight[thin].sum() ** 2 / np.sum(weight[thin] ** 2)), len(np.unique(trials[thin])))
    group = np.argmax(fit(z[thin], weight[thin], effective=effective, rng=rng).log_parts(z), axis=1)
    found = []
    for k in np.unique(group):
        mine = np.flatnonzero(group == k)
        best = mine[np.argmin(np.sum(z[mine] ** 2, axis=1))]
        trial, share = int(trials[best]), float(weight[mine].sum() / weight.sum())
        found.append(Failure(trial, float(table["margin"][trial]), tuple(z[best].tolist()), share))
    return tuple(sorted(found, key=lambda f: (-f.share, f.trial)))
