"""Claims: what "ready" means, as one Bernoulli question each.

    Claim.parse("success >= 0.99 @ 0.95")              P(success) >= 0.99
    Claim.parse("q95(cycle_s) <= 4.0 @ 0.95")          P(cycle_s <= 4.0) >= 0.95
    Claim.parse("P(peak_force_n > 60) <= 0.01 @ 0.95") P(not peak_force_n > 60) >= 0.99

Every claim becomes "P(indicator) >= p0" with a confidence 1 - alpha; the quantile and the exceedance forms
are exact and distribution-free. A trial that failed has cycle_s = inf, so it counts against a cycle claim.
What a claim does not say: anything about conditions other than the declared ones, or about a real machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from jangin.errors import BadClaim

__all__ = ["Claim"]

_NUMBER = r"([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
_AT = rf"(?:\s*@\s*{_NUMBER})?\s*$"
_NAME = r"([A-Za-z_][A-Za-z0-9_]*)"
_SUCCESS = re.compile(rf"^\s*success\s*>=\s*{_NUMBER}{_AT}")
_QUANTILE = re.compile(rf"^\s*q{_NUMBER}\s*\(\s*{_NAME}\s*\)\s*<=\s*{_NUMBER}{_AT}")
_EXCEED = re.compile(rf"^\s*[Pp]\s*\(\s*{_NAME}\s*>\s*{_NUMBER}\s*\)\s*<=\s*{_NUMBER}{_AT}")
_FORMS = "'success >= 0.99 @ 0.95', 'q95(cycle_s) <= 4.0 @ 0.95' or 'P(peak_force_n > 60) <= 0.01 @ 0.95'"


@dataclass(frozen=True)
class Claim:
    """One claim, reduced to P(indicator) >= p0 at confidence 1 - alpha.

    Attributes:
        kind: which form it was written in.
        column: the column of the trials table it reads (`outcome` for success).
        threshold: the column's bound, in the column's unit; nan for success.
        p0: the probability the indicator must reach, in (0, 1).
        confidence: 1 - alpha, in (0, 1).
    """

    kind: Literal["success", "quantile", "exceedance"]
    column: str
    threshold: float
    p0: float
    confidence: float = 0.95

    @classmethod
    def parse(cls, text: str) -> Claim:
        """Read one claim; raises BadClaim with the three forms when it cannot."""
        if found := _SUCCESS.match(text):
            p0, at = found.groups()
            claim = cls("success", "outcome", float("nan"), float(p0), float(at or 0.95))
        elif found := _QUANTILE.match(text):
            q, column, bound, at = found.groups()
            claim = cls("quantile", column, float(bound), round(float(q) / 100.0, 12), float(at or 0.95))
        elif found := _EXCEED.match(text):
            column, bound, p, at = found.groups()
            # 1 - p in decimal, not binary: 1 - 0.01 must be 0.99 exactly as typed
            claim = cls("exceedance", column, float(bound), round(1.0 - float(p), 12), float(at or 0.95))
        else:
            raise BadClaim(f"The claim {text!r} cannot be read. Write it as {_FORMS}.")
        if not 0.0 < claim.p0 < 1.0:
            raise BadClaim(
                f"The claim {text!r} asks for a probability of {claim.p0:g}; it must lie strictly between "
                f"0 and 1: no number of trials can prove more."
            )
        if not 0.5 <= claim.confidence < 1.0:
            raise BadClaim(
                f"The claim {text!r} has confidence {claim.confidence:g}; give 0.5 <= c < 1, as in '@ 0.95'."
            )
        return claim

    @property
    def alpha(self) -> float:
        """The probability, at most, of supporting this claim when it is false."""
        return round(1.0 - self.confidence, 12)

    def __str__(self) -> str:
        at = f" @ {self.confidence:.12g}"  # 12 digits: what is printed reads back as the same claim
        if self.kind == "success":
            return f"success >= {self.p0:.12g}{at}"
        if self.kind == "quantile":
            return f"q{100 * self.p0:.12g}({self.column}) <= {self.threshold:.12g}{at}"
        return f"P({self.column} > {self.threshold:.12g}) <= {round(1 - self.p0, 12):.12g}{at}"

    def indicator(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Whether each trial speaks for the claim, (n,) bool; raises BadClaim for a column that is not there."""
        if self.column not in columns:
            numeric = sorted(k for k, v in columns.items() if np.asarray(v).dtype.kind == "f")
            raise BadClaim(f"The claim '{self}' reads {self.column!r}; the trials have: {', '.join(numeric)}.")
        values = np.asarray(columns[self.column])
        if self.kind == "success":
            return np.asarray(values == "success")
        # written so that a NaN speaks against the claim
        return np.asarray(values <= self.threshold)
