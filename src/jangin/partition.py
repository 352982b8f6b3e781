"""The cells that a claim must hold in: the declared conditions cut into parts that are equally likely.

    parts = partition(conditions, (("friction", 3), ("tilt_rad", 2)))     # a grid of 6
    parts = partition(conditions, ())                                     # every condition by itself, in thirds
    parts[0].text, parts[0].probability, parts[0].holds(trials.columns)   # "friction low third", 1/3, (n,) bool

A condition that is one of a few values is cut into its values, one that is fixed not at all. Cells of "every condition
by itself" overlap: a trial lies in one part of each. Within a cell the trials are again independent and identically
distributed, under the conditions restricted to it, so a claim about a cell is a claim like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from jangin.claim import THIRDS
from jangin.errors import BadClaim, nearest
from jangin.task import Array, Choice, Condition, Conditions, Fixed

__all__ = ["Part", "partition"]

_MOST = 1000  # cells of one claim; each needs as many trials of its own as the claim without cells


@dataclass(frozen=True)
class Span:
    """One condition's values in [low, high); the first span of a condition is open downwards, the last upwards, so that
    rounding of a declared end leaves no trial outside."""

    name: str
    low: float
    high: float
    first: bool
    last: bool
    text: str

    def holds(self, values: Array) -> Array:
        """Which values lie in it, (n,) bool."""
        above = self.first | (values >= self.low)
        return np.asarray(above & (self.last | (values < self.high)))


@dataclass(frozen=True)
class Part:
    """One cell of the conditions.

    Attributes:
        text: for a person, as "friction 0.1 to 0.3 and tilt_rad 0 to 0.02".
        spans: what it is bounded by.
        probability: of a trial to lie in it.
    """

    text: str
    spans: tuple[Span, ...]
    probability: float

    def holds(self, columns: Mapping[str, Array]) -> Array:
        """Which trials lie in it, (n,) bool, from their conditions' columns."""
        return np.asarray(np.logical_and.reduce([s.holds(np.asarray(columns[s.name], float)) for s in self.spans]))


def partition(conditions: Conditions, cuts: Sequence[tuple[str, int]]) -> tuple[Part, ...]:
    """The cells for the cuts of a claim; raises BadClaim for a condition that is not there, or for too many cells."""
    named = {c.name: c for c in conditions}
    for name, _ in cuts:
        if name not in named:
            hint = nearest(name, named)
            raise BadClaim(
                f"There is no condition {name!r} to cut into cells.{f' Did you mean {hint!r}?' if hint else ''} "
                f"There is: {', '.join(named) or 'none'}."
            )
    if cuts:
        grid = [_spans(named[name], parts) for name, parts in cuts]
        size = int(np.prod([len(axis) for axis in grid]))
        if size > _MOST:
            raise BadClaim(f"That makes {size:,} cells; give at most {_MOST:,}, each needs its own trials.")
        return tuple(_part(spans) for spans in product(*grid))
    alone = [_spans(c, THIRDS) for c in conditions if not isinstance(c.distribution, Fixed)]
    if not alone:
        raise BadClaim("The task has no condition that varies, so there are no cells. Leave out 'in each cell'.")
    return tuple(_part((span,)) for spans in alone for span in spans)


def _spans(condition: Condition, parts: int) -> list[tuple[Span, float]]:
    """The condition's parts and the probability of each."""
    d = condition.distribution
    if isinstance(d, Choice):
        values = sorted(set(d.values))
        ends = zip(values, [*values[1:], values[-1]], strict=True)
        spans = [Span(condition.name, v, up, v == values[0], v == values[-1], f"{v:.4g}") for v, up in ends]
        return [(s, d.values.count(s.low) / len(d.values)) for s in spans]
    edges = d.ppf(np.linspace(0.0, 1.0, parts + 1))
    if isinstance(d, Fixed) or edges[0] == edges[-1]:
        return [(Span(condition.name, float(edges[0]), float(edges[0]), True, True, f"{edges[0]:.4g}"), 1.0)]
    last = parts - 1
    return [
        (Span(condition.name, float(a), float(b), k == 0, k == last, f"{a:.4g} to {b:.4g}"), 1.0 / parts)
        for k, (a, b) in enumerate(pairwise(edges))
    ]


def _part(spans: Sequence[tuple[Span, float]]) -> Part:
    text = " and ".join(f"{s.name} {s.text}" for s, _ in spans)
    return Part(text, tuple(s for s, _ in spans), float(np.prod([p for _, p in spans])))
