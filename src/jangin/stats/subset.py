"""Subset simulation: a small probability as a product of larger ones, from a ladder of levels.

    found = pilot(journal, n=2000, most=25_000, rng=rng)            # levels and step sizes, found once
    climb(journal, found.ladder, n=1500, replicate=0, rng=rng)      # one replicate; its rows are in the journal
    product(journal.table(), rows)                                  # its estimate, from the table alone

With thresholds t_1 > t_2 > ... >= 0 and F_j = {margin <= t_j}, each inside the one before,

    P(margin < 0) = P(F_1) P(F_2 | F_1) ... P(margin < 0 | F_last).

The first population is drawn from N(0, I). From those inside F_j a fifth as many as the population are picked; each
starts a chain of five states (itself and four moves) whose law is N(0, I) inside F_j, and the chains are the next
population. Each factor is the share of a population inside the next level.

The move: z' = sqrt(1 - s^2) z + s xi with xi ~ N(0, I), run as a trial of its own number, is accepted if its margin is
<= t_j; else the chain stays. That keeps the law of (z, noise) inside F_j: the proposal for z is reversible for N(0, I);
a new trial number draws the noise anew and independently, which is reversible for the noise's own law; so is the pair
for the product of the two, and rejecting what lies outside F_j restricts that law to F_j (Metropolis). So it is right
for a black box whose trials are random beyond z, too.

Unbiased: levels and step sizes come from a pilot run that takes no part in the estimate. There a level is a quantile,
and the step is steered to an acceptance of 0.44. Given the ladder, the mean of a replicate's estimate is P(margin < 0)
exactly: every survivor is picked equally often on average and moves keep the law, so the product of shares is a
martingale. (Levels set by each run's own quantiles, as in the original method, give several per cent too much at 1e-7.)
Ties are no matter: a level is a set, and the share of it is counted, not presumed.

What it cannot do: climb a plateau. Where more than four in five of a population share the largest margin, there is no
next level, and the pilot says so.

Source: Au and Beck, Probab. Eng. Mech. 16 (2001) 263; Papaioannou, Betz, Zwirglmaier, Straub, ibid. 41 (2015) 89, moves
in standard normal space; Botev and Kroese, Stat. Comput. 22 (2012) 1, fixed levels are unbiased.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from jangin.stats.journal import Journal, Table

__all__ = ["CHAIN", "Ladder", "Pilot", "climb", "cost", "next_threshold", "pilot", "product"]

Array = np.ndarray

CHAIN = 5  # states of a chain: a level holds about a fifth of the one before
_ACCEPTANCE = 0.44  # of moves, what the pilot's step size is steered to
_FIRST_STEP = 0.6


@dataclass(frozen=True)
class Ladder:
    """Where the levels are.

    Attributes:
        thresholds: falling, all >= 0; none where a fifth of all trials fail.
        steps: the step size s in (0, 1] of moves inside each level.
    """

    thresholds: tuple[float, ...] = ()
    steps: tuple[float, ...] = ()


@dataclass(frozen=True)
class Pilot:
    """What the pilot run found.

    Attributes:
        ladder: the levels down to the event; None where it got stuck, on a plateau or out of trials.
        failing: (k,) int64, the trials that its last population's failing members stand at; one may stand for several.
        probability: a rough guess, for planning only.
    """

    ladder: Ladder | None
    failing: Array
    probability: float


def cost(n: int, levels: int) -> int:
    """Trials of one replicate with populations of n, a multiple of 5."""
    return n + levels * (n - n // CHAIN)


def pilot(journal: Journal, *, n: int, most: int, rng: np.random.Generator) -> Pilot:
    """Find a ladder with populations of n, a multiple of 5, in at most so many trials.

    Each level is the 1/5-quantile of the population before; the one of which a fifth fails is the last.
    """
    thresholds: list[float] = []
    steps: list[float] = []
    guess, step = 1.0, _FIRST_STEP
    population = journal.ask(rng.standard_normal((n, journal.dim), np.float32), method="pilot")
    while True:
        margin = journal.margin[population]
        failing = population[margin < 0]
        reached = len(failing) >= n // CHAIN
        threshold = next_threshold(margin)
        if reached or threshold is None or journal.n + n - n // CHAIN > most:
            ladder = Ladder(tuple(thresholds), tuple(steps)) if reached else None
            return Pilot(ladder, failing, guess * len(failing) / n)
        inside = margin <= threshold
        guess *= float(np.mean(inside))
        chains, tried = [_picked(population, inside, rng)], []
        for k in range(1, CHAIN):
            tried.append(math.log(step))
            to = _moved(journal, chains[-1], step, threshold, rng, method="pilot", level=len(steps) + 1)
            step = min(1.0, step * math.exp((float(np.mean(to != chains[-1])) - _ACCEPTANCE) / math.sqrt(k)))
            chains.append(to)
        population = np.concatenate(chains)
        thresholds.append(threshold)
        steps.append(math.exp(math.fsum(tried[-2:]) / 2))


def next_threshold(margin: Array) -> float | None:
    """The level that a fifth of a population is inside, at least 0; None on a plateau.

    A plateau: the level would hold the whole population, because fewer than a fifth are below its largest margin.
    """
    ordered = np.sort(margin)
    threshold = max(float(ordered[len(margin) // CHAIN - 1]), 0.0)
    return threshold if threshold < ordered[-1] else None


def climb(journal: Journal, ladder: Ladder, *, n: int, replicate: int, rng: np.random.Generator) -> None:
    """One replicate with populations of n, a multiple of 5; it ends early where nobody is inside the next level."""
    first = rng.standard_normal((n, journal.dim), np.float32)
    population = journal.ask(first, method="subset", replicate=replicate)
    for level, (threshold, step) in enumerate(zip(ladder.thresholds, ladder.steps, strict=True), start=1):
        inside = journal.margin[population] <= threshold
        if not inside.any():
            return
        chains = [_picked(population, inside, rng)]
        for _ in range(1, CHAIN):
            to = _moved(journal, chains[-1], step, threshold, rng, method="subset", level=level, replicate=replicate)
            chains.append(to)
        population = np.concatenate(chains)


def _picked(population: Array, inside: Array, rng: np.random.Generator) -> Array:
    """A fifth as many as the population, evenly spaced among those inside from a random start on.

    Each of k survivors is picked n/(5k) times on average, whatever k is: systematic resampling.
    """
    survivors, count = population[inside], len(population) // CHAIN
    at = (np.arange(count) + rng.uniform()) * (len(survivors) / count)
    return np.asarray(survivors[np.minimum(at.astype(int), len(survivors) - 1)])


def _moved(
    journal: Journal, states: Array, step: float, threshold: float, rng: np.random.Generator, **labels: float | str
) -> Array:
    """Where each chain is after one move: trial numbers."""
    fresh = rng.standard_normal((len(states), journal.dim), np.float32)
    z = math.sqrt(1.0 - step * step) * journal.z[states].astype(float) + step * fresh
    ids = journal.ask(z, threshold=threshold, parent=states, **labels)  # type: ignore[arg-type]
    return np.where(journal.margin[ids] <= threshold, ids, states)


def populations(table: Table, rows: Array) -> list[tuple[Array, float]]:
    """The populations of one run, as trial numbers (n,), and the threshold that the next one was made for; inf at last.

    Raises: ValueError where the rows are not those of a run.
    """
    parent, level = table["parent"][rows], table["level"][rows]
    population = rows[level == 0]
    out: list[tuple[Array, float]] = []
    for k in range(1, int(level.max()) + 1):
        made = rows[level == k]
        count = len(population) // CHAIN
        if len(made) != count * (CHAIN - 1):
            raise ValueError(f"Level {k} of {_name(table, rows)} has {len(made)} trials, not {count * (CHAIN - 1)}.")
        threshold = float(table["threshold"][made[0]])
        out.append((population, threshold))
        steps = made.reshape(CHAIN - 1, count)
        chains = [table["parent"][steps[0]]]
        for ids in steps:
            if (table["parent"][ids] != chains[-1]).any() or (table["threshold"][ids] != threshold).any():
                raise ValueError(f"The chains of level {k} of {_name(table, rows)} do not go on from where they were.")
            chains.append(np.where(table["margin"][ids] <= threshold, ids, chains[-1]))
        if not (np.isin(chains[0], population) & (table["margin"][chains[0]] <= threshold)).all():
            raise ValueError(f"A chain of level {k} of {_name(table, rows)} starts outside its level.")
        population = np.concatenate(chains)
    if (parent[level == 0] >= 0).any():
        raise ValueError(f"The first trials of {_name(table, rows)} have parents; they are drawn afresh.")
    return [*out, (population, math.inf)]


def product(table: Table, rows: Array) -> tuple[float, Array]:
    """One replicate's estimate from its rows, and the failing members of its last population, as trial numbers."""
    steps = populations(table, rows)
    shares = [float(np.mean(table["margin"][population] <= threshold)) for population, threshold in steps[:-1]]
    last = steps[-1][0]
    failing = last[table["margin"][last] < 0]
    return math.prod(shares) * len(failing) / len(last), failing


def _name(table: Table, rows: Array) -> str:
    replicate = int(table["replicate"][rows[0]])
    return f"replicate {replicate + 1} of subset simulation" if replicate >= 0 else "the pilot run"
