"""Adaptive multilevel splitting of trajectories: what came furthest is continued, what fell behind starts from there.

    split(journal, n=800, most=9000, replicate=0, rng=rng)          # one replicate; its rows are in the journal
    kept_share(journal.table(), rows)                               # its estimate, from the table alone

For a black box that gives the course of the smallest margin so far, (n, nstep), where step i depends on the first
(i+1) dim/nstep latent numbers and nothing later. All n trajectories start from N(0, I). Again and again the fifth with
the largest margins is dropped, with all that tie with them, and each is replaced by a copy of one of the others, drawn
at random: as far as the step at which that one first was below the level, and with fresh latent numbers from there on.
The estimate is the product of the shares that were kept, times the share that fails at last.

Unbiased whatever the margin, and ties are no matter, if those at the level are dropped too and copies branch where the
parent was strictly below it: walks on whole numbers need no continuous margin. The level is a course's maximum so far
and need not be a good guide for that, only for the estimate to vary little.

Source: Cerou and Guyader, Stoch. Anal. Appl. 25 (2007) 417; Brehier, Gazeau, Goudenege, Lelievre, Rousset, Ann. Appl.
Probab. 26 (2016) 3559, unbiasedness, with ties, for Markov chains in discrete time.
"""

from __future__ import annotations

import math

import numpy as np

from jangin.stats.journal import Journal, Table

__all__ = ["kept_share", "population_for", "split"]

Array = np.ndarray

_DROPPED = 5  # one in so many at a time


def population_for(budget: int, probability: float) -> int:
    """How many trajectories one replicate of about so many trials can have, from a rough guess of the probability."""
    return int(budget / (1.0 - 0.9 * math.log(probability)))


def split(journal: Journal, *, n: int, most: int, replicate: int, rng: np.random.Generator) -> None:
    """One replicate of n trajectories; it ends when four in five fail, when all tie, or after so many trials.

    Raises: ValueError where a course changed before the step from which its latent numbers are fresh.
    """
    z = rng.standard_normal((n, journal.dim), np.float32)
    first = journal.n
    population, course = journal.ask_course(z, method="splitting", replicate=replicate)
    width = _width(journal.dim, course.shape[1])
    for level in range(1, 10_000):
        margin = course[:, -1]
        threshold = float(np.sort(margin)[-(n // _DROPPED)])
        dropped, kept = np.flatnonzero(margin >= threshold), np.flatnonzero(margin < threshold)
        if threshold < 0 or not kept.size or journal.n - first + len(dropped) > most:
            return
        parents = kept[rng.integers(len(kept), size=len(dropped))]
        branch = np.argmax(course[parents] < threshold, axis=1) + 1  # steps that are kept
        fresh = rng.standard_normal((len(dropped), journal.dim), np.float32)
        old = np.arange(journal.dim) < (branch * width)[:, None]
        ids, made = journal.ask_course(
            np.where(old, journal.z[population[parents]], fresh),
            method="splitting",
            replicate=replicate,
            level=level,
            threshold=threshold,
            parent=population[parents],
        )
        _check(made, course[parents], branch, ids)
        population[dropped], course[dropped] = ids, made


def _width(dim: int, nstep: int) -> int:
    if nstep < 2 or dim % nstep:
        raise ValueError(
            f"A course of {nstep} steps does not fit {dim} latent numbers; splitting needs a row of margins for each "
            f"trial, one per step, and as many latent numbers in every step."
        )
    return dim // nstep


def _check(made: Array, parents: Array, branch: Array, ids: Array) -> None:
    """A copy repeats its parent up to the branch; where it does not, more is random than the latent numbers."""
    shared = np.arange(made.shape[1]) < branch[:, None]
    if (changed := np.flatnonzero((shared & (made != parents)).any(axis=1))).size:
        raise ValueError(
            f"The course of trial {ids[changed[0]]} differs from its parent's before the step where they part. "
            f"Splitting needs courses that depend on the latent numbers so far alone; otherwise give the margin, (n,)."
        )


def kept_share(table: Table, rows: Array) -> tuple[float, Array]:
    """One replicate's estimate from its rows, and the failing ones of its last population, as trial numbers.

    A run that ended early is counted as it stands: the estimate is unbiased at any stopping time.

    Raises: ValueError where the rows are not those of a run.
    """
    level, margin = table["level"][rows], table["margin"]
    population, estimate = rows[level == 0], 1.0
    for k in range(1, int(level.max()) + 1):
        made = rows[level == k]
        dropped = margin[population] >= table["threshold"][made[0]]
        if np.count_nonzero(dropped) != len(made):
            raise ValueError(
                f"Level {k} of replicate {int(table['replicate'][rows[0]]) + 1} of splitting replaces {len(made)} "
                f"trials where {np.count_nonzero(dropped)} are to be."
            )
        estimate *= 1.0 - len(made) / len(population)
        population[dropped] = made
    failing = population[margin[population] < 0]
    return estimate * len(failing) / len(population), failing
