"""Exact values that the planner must reproduce: a claim, a true p, and what the rule takes there.

    for row in TABLE:
        trials_needed(p0=row.p0, p=row.p, alpha=0.05, most=row.most).expected      # rounds to row.expected

Found once by dynamic programming over the number of failures, outside this code, at alpha = alpha_refute = 0.05; the
fixed number of trials has 90 % power at p and is told p; Wald's bound is for errors of 0.05 and 0.10.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BOUNDARIES", "SIZES", "TABLE", "Known"]


@dataclass(frozen=True)
class Known:
    """One row.

    Attributes:
        p0, p: the claim P(indicator) >= p0, and the truth.
        expected, median: trials to the decision; a median of 0 was not recorded.
        supported: probability of support, to three digits.
        fixed: trials and allowed failures of the fixed plan; None for p < p0.
        wald: the lower bound.
    """

    p0: float
    p: float
    expected: int
    median: int
    supported: float
    fixed: tuple[int, int] | None
    wald: int

    @property
    def most(self) -> int:
        """Where the rule gives up: far enough to change no digit of the row."""
        return 300_000 if self.p0 > 0.995 else 30_000


TABLE = (
    Known(0.90, 1.0, 36, 0, 1.0, (29, 0), 23),
    Known(0.90, 0.99, 48, 0, 1.0, (46, 1), 33),
    Known(0.90, 0.97, 93, 86, 0.999, (103, 5), 65),
    Known(0.90, 0.95, 216, 172, 0.997, (239, 16), 142),
    Known(0.90, 0.93, 729, 620, 0.992, (748, 61), 430),
    Known(0.90, 0.85, 354, 0, 0.003, None, 194),
    Known(0.90, 0.80, 92, 0, 0.0, None, 54),
    Known(0.90, 0.70, 26, 0, 0.0, None, 15),
    Known(0.95, 1.0, 74, 0, 1.0, (59, 0), 46),
    Known(0.95, 0.995, 99, 0, 1.0, (93, 1), 69),
    Known(0.95, 0.99, 136, 0, 1.0, (153, 3), 96),
    Known(0.95, 0.98, 287, 249, 0.998, (311, 9), 196),
    Known(0.95, 0.97, 774, 644, 0.996, (832, 31), 486),
    Known(0.95, 0.92, 556, 0, 0.002, None, 294),
    Known(0.95, 0.90, 208, 0, 0.0, None, 115),
    Known(0.95, 0.80, 29, 0, 0.0, None, 17),
    Known(0.99, 1.0, 377, 0, 1.0, (299, 0), 236),
    Known(0.99, 0.9995, 436, 0, 0.999, (473, 1), 295),
    Known(0.99, 0.999, 506, 377, 0.999, (473, 1), 353),
    Known(0.99, 0.998, 697, 0, 0.998, (773, 3), 494),
    Known(0.99, 0.997, 990, 0, 0.996, (1049, 5), 696),
    Known(0.99, 0.995, 2314, 1925, 0.993, (2546, 17), 1536),
    Known(0.99, 0.98, 1193, 0, 0.001, None, 607),
    Known(0.99, 0.97, 339, 0, 0.0, None, 181),
    Known(0.99, 0.95, 106, 0, 0.0, None, 58),
    Known(0.999, 1.0, 3787, 0, 1.0, (2995, 0), 2375),
    Known(0.999, 0.9999, 5091, 0, 0.999, (4742, 1), 3546),
    Known(0.999, 0.9997, 9978, 0, 0.998, (11840, 6), 7008),
)

SIZES = {0.90: (10_000, 0.046), 0.95: (10_000, 0.046), 0.99: (20_000, 0.045)}  # p0: most trials, P(supported) at p = p0

BOUNDARIES = {  # p0: the first number of trials that supports with 0, 1, ... failures
    0.95: (74, 131, 174, 213, 249, 284, 317, 349),
    0.99: (377, 663, 883, 1079, 1262, 1436, 1604, 1767),
}
