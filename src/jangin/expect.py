"""How many trials will a claim take? Exactly, before the first one is run, for every true value it might have.

    for e in expect(["success >= 0.99 @ 0.95"]):
        e.rows[0].p, e.rows[0].needed.expected, e.rows[0].needed.median        # 1.0, 377.0, 377

Beside the rule that qualify follows, which is told nothing, stand the smallest fixed number of trials of somebody who
knows the true value beforehand, and the least that any rule can need on average (Wald). No simulation: the distribution
of the decision is followed trial by trial (`stats/planning.py`).
What it does not answer: how the claims of one qualification share their trials. They do; the slowest decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jangin.claim import THIRDS, Claim
from jangin.errors import BadClaim
from jangin.stats.planning import Expected, likely_values
from jangin.stats.planning import expect as rows_of
from jangin.stats.sequential import trials_to_support

__all__ = ["Expectation", "expect"]

_MOST_TRIALS = 1_000_000  # of a policy that never fails: where its table takes a minute and a half


@dataclass(frozen=True)
class Expectation:
    """What one claim will take.

    Attributes:
        claim: its text.
        p0: the probability it asks for; the rows' `p` are of the same event.
        rows: one for each true value, the best first.
        share: of the trials that lie in a cell, where the claim must hold in each: a row is about one of them, and its
            trials are those of the cell divided by this.
        power: the fixed number's probability to prove the claim at the true value.
    """

    claim: str
    p0: float
    rows: tuple[Expected, ...]
    share: float
    power: float


def expect(
    claims: Sequence[Claim | str],
    *,
    values: Sequence[float] | None = None,
    most: int | None = None,
    power: float = 0.9,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Expectation, ...]:
    """A table for each claim; `values` are true probabilities in [0, 1], those around the claimed one unless given.

    `most` is where the rule gives up. Raises: BadClaim for one that is no question about a probability, or a value
    outside [0, 1].
    """
    chosen = [Claim.parse(c) if isinstance(c, str) else c for c in claims]
    if not chosen:
        raise BadClaim("No claim was given. Give one, as 'success >= 0.99 @ 0.95'.")
    for claim in chosen:
        if claim.kind == "reference" or claim.grade == "B":
            what = "is of grade B, which is searched" if claim.grade == "B" else "compares two policies"
            raise BadClaim(f"The claim '{claim}' {what}: what it takes is not a question of one probability.")
    if most is None:
        _check_size(chosen)
    if wrong := next((v for v in values or () if not 0.0 <= v <= 1.0), None):
        raise BadClaim(f"A true value of {wrong:g} is no probability. Give values between 0 and 1, as --at 0.995.")
    found = []
    for k, claim in enumerate(chosen):
        at = tuple(sorted(set(values), reverse=True)) if values else likely_values(claim.p0)
        rows = rows_of(p0=claim.p0, alpha=claim.alpha, values=at, most=most, power=power)
        found.append(Expectation(str(claim), claim.p0, rows, _share(claim), power))
        if progress is not None:
            progress(k + 1, len(chosen))
    return tuple(found)


def _check_size(claims: Sequence[Claim]) -> None:
    """Refuse a claim so demanding that following its rule to the end takes more memory than a machine has."""
    for claim in claims:
        needed = int(trials_to_support(claim.p0, claim.alpha, 0))
        if needed > _MOST_TRIALS:
            raise BadClaim(
                f"The claim '{claim}' takes {needed:,} trials even of a policy that never fails, too many to follow "
                f"exactly what happens on the way. Give --max-trials to ask only about so many."
            )


def _share(claim: Claim) -> float:
    """Of the trials, those in one cell; equally likely parts are assumed, because no task is at hand."""
    if claim.cells is None:
        return 1.0
    return 1.0 / float(np.prod([parts for _, parts in claim.cells])) if claim.cells else 1.0 / THIRDS
