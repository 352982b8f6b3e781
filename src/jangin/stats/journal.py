"""Every question that a search puts to a black box, and every answer, in the order they were asked.

    journal = Journal(margin, dim=2, budget=10_000)
    ids = journal.ask(z, method="pilot")                # (n,) int64: the numbers of these trials
    journal.margin[ids], journal.z[ids]                 # what came back, and for what
    journal.table()                                     # the whole as equally long columns

The black box is `margin(z, trial) -> (n,) float64`: z is (n, dim) standard normal, trial is (n,) int64, and the event
happens where the margin is below 0. A simulator draws whatever else is random in a trial (noise of sensors, say) from
the trial's number. Trials are numbered 0, 1, 2 ... in the order they are asked for and no number is used twice, so
every candidate comes with noise of its own.

A black box that follows trajectories may answer with an (n, nstep) array instead: the smallest margin so far after each
step, which never rises along a row. Its last column is the margin. See `splitting` for what that allows.

Latent numbers are rounded to float32 before the black box sees them: what is recorded is what was asked, in half the
space.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

__all__ = [
    "COLUMNS",
    "METHODS",
    "Course",
    "Journal",
    "Margin",
    "Progress",
    "Table",
    "UnknownMargin",
    "generator",
    "recorded",
]

Array = np.ndarray
Margin = Callable[[Array, Array], Array]
Progress = Callable[[int, int, str], None]
Table = Mapping[str, Array]

METHODS = ("pilot", "search", "cross-entropy", "splitting", "subset")
COLUMNS = ("trial", "method", "replicate", "level", "threshold", "parent", "margin", "log_weight", "z")
Course = tuple[Array, Array]

_UNTOLD: dict[str, float] = {"replicate": -1, "level": 0, "threshold": np.inf, "parent": -1, "log_weight": 0.0}


def generator(seed: int, method: str, replicate: int = 0) -> np.random.Generator:
    """The stream of one replicate of one method: independent of every other one, the same in any order of running."""
    sequence = np.random.SeedSequence(seed, spawn_key=(METHODS.index(method), replicate))
    return np.random.Generator(np.random.Philox(sequence))


class UnknownMargin(Exception):
    """A margin is NaN: the search ends, and the journal shows where."""


class Journal:
    """Asks the black box and keeps what was asked and answered; see the module.

    Attributes:
        dim: latent numbers of a trial.
        budget: the most trials.
        n: trials so far.
        z: (budget, dim) float32, of which the first n rows are in use.
        margin: (budget,) float64, likewise.
        nstep: steps of the courses that the black box gives; 1 where it gives the margin alone.
    """

    def __init__(self, margin: Margin, dim: int, *, budget: int, progress: Progress | None = None) -> None:
        self.dim, self.budget, self.n, self.nstep = dim, budget, 0, 1
        self._ask, self._progress = margin, progress
        self.z, self.margin = np.empty((budget, dim), np.float32), np.empty(budget)
        self._labels: dict[str, Array] = {
            "method": np.empty(budget, np.int8),
            "replicate": np.empty(budget, np.int16),
            "level": np.empty(budget, np.int16),
            "threshold": np.empty(budget),
            "parent": np.empty(budget, np.int64),
            "log_weight": np.empty(budget),
        }

    @property
    def left(self) -> int:
        """Trials that may still be asked for."""
        return self.budget - self.n

    def ask(self, z: Array, *, method: str, **labels: Array | float) -> Array:
        """Run one trial for each row of z (n, dim), n <= left; their numbers, (n,) int64.

        Args:
            method: one of `METHODS`.
            replicate, level: int, what the question belongs to; -1 and 0 unless given.
            threshold: what the margin was to be held against; +inf.
            parent: (n,) the number of the trial that each one was made from; -1 for none.
            log_weight: (n,) ln of the density of N(0, I) over the one that z was drawn from; 0.

        Raises: ValueError for an answer of another shape; UnknownMargin, once all is recorded, for one with a NaN.
        """
        return self.ask_course(z, method=method, **labels)[0]

    def ask_course(self, z: Array, *, method: str, **labels: Array | float) -> Course:
        """The same, and the courses of the margins (n, nstep): of one step where the black box shows none."""
        assert len(z) <= self.left, "a search keeps count of what it may still ask"
        rows = slice(self.n, self.n + len(z))
        ids = np.arange(rows.start, rows.stop)
        self.z[rows] = z
        course = self._answered(self.z[rows].astype(float), ids)
        self.margin[rows], self.nstep = course[:, -1], course.shape[1]
        for name, value in {"method": METHODS.index(method), **_UNTOLD, **labels}.items():
            self._labels[name][rows] = value
        self.n += len(z)
        if self._progress is not None:
            replicate = labels.get("replicate", -1)
            self._progress(self.n, self.budget, f"{method} {replicate + 1}" if np.all(replicate >= 0) else method)
        if np.isnan(course).any():
            self.margin[rows] = np.where(np.isnan(course).any(axis=1), np.nan, self.margin[rows])
            raise UnknownMargin
        return ids, course

    def _answered(self, z: Array, ids: Array) -> Array:
        answer = np.asarray(self._ask(z, ids), float)
        course = answer[:, None] if answer.ndim == 1 else answer
        if course.ndim != 2 or len(course) != len(z) or not course.shape[1]:
            raise ValueError(
                f"The margin of {len(z):,} trials came back with the shape {answer.shape}; give one number for each "
                f"trial, ({len(z)},), or for each trial a row of one number per step."
            )
        return course

    def table(self) -> dict[str, Array]:
        """All trials so far as columns of n rows, those of `COLUMNS`; z is (n, dim) float32.

        trial is the row's own number; method counts in `METHODS`; replicate is -1 for what all replicates share.
        """
        rows = slice(0, self.n)
        labels = {name: values[rows].copy() for name, values in self._labels.items()}
        labels |= {"trial": np.arange(self.n), "margin": self.margin[rows].copy(), "z": self.z[rows].copy()}
        return {name: labels[name] for name in COLUMNS}


def recorded(table: Table) -> Margin:
    """A black box that answers from a table: the same search, run again on it, must ask the same questions.

    Raises (when asked): ValueError where a question is not the one in the table.
    """

    def answer(z: Array, trial: Array) -> Array:
        if trial[-1] >= len(table["margin"]):
            raise ValueError(f"The search asks for trial {trial[-1]}; the table ends at {len(table['margin']) - 1}.")
        if (other := np.flatnonzero((z.astype(np.float32) != table["z"][trial]).any(axis=1))).size:
            raise ValueError(f"The search asks for trial {trial[other[0]]} at another place than the table has it.")
        return np.asarray(table["margin"][trial])

    return answer
