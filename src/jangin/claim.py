"""Claims: what "ready" means, in one small language for the command line and for files; see docs/claims.md.

    Claim.parse("success >= 0.99 @ 0.95")                        P(success) >= 0.99
    Claim.parse("q95(cycle_s) <= 4.0")                           P(cycle_s <= 4.0) >= 0.95
    Claim.parse("P(peak_force_n > 60) <= 0.01")                  P(not peak_force_n > 60) >= 0.99
    Claim.parse("P(collision) <= 0.001")                         P(the trial does not end as collision) >= 0.999
    Claim.parse("success >= 0.95 in each cell of friction x tilt_rad:2")   the same in every part of the conditions
    Claim.parse("success not worse than old.onnx by 0.01")       E[success - success of old.onnx] >= -0.01
    Claim.parse("P(collision) <= 1e-6 grade B by clearance_m")   an estimate from a search, never a bound

All but the last two kinds become "P(indicator) >= p0" with a confidence 1 - alpha, written "@ 0.95" and 0.95 unless
said; the quantile and the exceedance forms are exact and assume no distribution. A trial that failed has cycle_s = inf,
so it counts against a cycle claim. `@`, `in each cell` and `grade` may follow in any order.
What a claim does not say: anything about conditions other than the declared ones, or about a real machine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from jangin.errors import BadClaim

__all__ = ["FAILURE", "THIRDS", "Claim"]

THIRDS = 3  # parts of a condition where "in each cell" does not say how many
FAILURE = "failure"  # in P(failure): whatever is not success

_NUMBER = r"([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
_SIGNED = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
_NAME = r"([A-Za-z_][A-Za-z0-9_]*)"
_HEADS = {
    "reference": re.compile(rf"success\s+not\s+worse\s+than\s+(\S.*?)\s+by\s+{_NUMBER}$"),
    "success": re.compile(rf"success\s*>=\s*{_NUMBER}$"),
    "quantile": re.compile(rf"q{_NUMBER}\s*\(\s*{_NAME}\s*\)\s*<=\s*{_SIGNED}$"),
    "exceedance": re.compile(rf"[Pp]\s*\(\s*{_NAME}\s*>\s*{_SIGNED}\s*\)\s*<=\s*{_NUMBER}$"),
    "shortfall": re.compile(rf"[Pp]\s*\(\s*{_NAME}\s*<\s*{_SIGNED}\s*\)\s*<=\s*{_NUMBER}$"),
    "event": re.compile(rf"[Pp]\s*\(\s*{_NAME}\s*\)\s*<=\s*{_NUMBER}$"),
}
_CUT = rf"{_NAME}(?:\s*:\s*([0-9]+))?"
_TAILS = {
    "confidence": re.compile(rf"\s*@\s*{_NUMBER}$"),
    "cells": re.compile(rf"\s+in\s+each\s+cell(?:\s+of\s+({_CUT}(?:\s+x\s+{_CUT})*))?$"),
    "grade": re.compile(rf"\s+grade\s+([AB])(?:\s+by\s+{_NAME})?$"),
}
_FORMS = (
    "'success >= 0.99 @ 0.95', 'q95(cycle_s) <= 4.0 @ 0.95', 'P(peak_force_n > 60) <= 0.01 @ 0.95', "
    "'P(collision) <= 0.001', 'success >= 0.95 in each cell', 'success not worse than old.onnx by 0.01' or "
    "'P(collision) <= 1e-6 grade B by clearance_m'"
)


@dataclass(frozen=True)
class Claim:
    """One claim, reduced to P(indicator) >= p0 at confidence 1 - alpha.

    Attributes:
        kind: which form it was written in.
        column: the column of the trials table it reads (`outcome` for success, an event, a reference).
        threshold: the column's bound, in the column's unit; nan where there is none.
        p0: the probability the indicator must reach, in (0, 1); for "reference" the mean difference, -margin.
        confidence: 1 - alpha, in [0.5, 1).
        event: for "event" the outcome that is to be rare; `failure` is any but success.
        cells: None, or the conditions whose parts must each hold the claim, as (name, parts); () is every condition by
            itself, in thirds.
        grade: "A" is proved by independent trials; "B" is estimated by a search along `by`, and always called so.
        by: for grade B the column that is negative exactly when the event happens; "" for the claim's own.
        reference: for "reference" the policy to be compared with, as the user named it.
        name, why: the user's own words, from a claims file; they change nothing.
    """

    kind: Literal["success", "quantile", "exceedance", "shortfall", "event", "reference"]
    column: str
    threshold: float
    p0: float
    confidence: float = 0.95
    event: str = ""
    cells: tuple[tuple[str, int], ...] | None = None
    grade: Literal["A", "B"] = "A"
    by: str = ""
    reference: str = ""
    name: str = ""
    why: str = ""

    @classmethod
    def parse(cls, text: str, *, name: str = "", why: str = "") -> Claim:
        """Read one claim; raises BadClaim with the forms when it cannot."""
        head, tail = _without_tails(text)
        claim = cls(**_head(head, text), **tail, name=name, why=why)
        _check(claim, text)
        return claim

    @property
    def alpha(self) -> float:
        """The probability, at most, of supporting this claim when it is false."""
        return round(1.0 - self.confidence, 12)

    @property
    def allowed(self) -> float:
        """1 - p0 in decimal: the probability that what is to be rare may have; for "reference" the margin."""
        return -self.p0 if self.kind == "reference" else round(1.0 - self.p0, 12)

    def __str__(self) -> str:
        return f"{self._head()}{self._tail()} @ {self.confidence:.12g}"

    def _head(self) -> str:
        # 12 digits: what is printed reads back as the same claim
        if self.kind == "success":
            return f"success >= {self.p0:.12g}"
        if self.kind == "reference":
            return f"success not worse than {self.reference} by {self.allowed:.12g}"
        if self.kind == "quantile":
            return f"q{100 * self.p0:.12g}({self.column}) <= {self.threshold:.12g}"
        bound = "" if self.kind == "event" else f" {'>' if self.kind == 'exceedance' else '<'} {self.threshold:.12g}"
        return f"P({self.event or self.column}{bound}) <= {self.allowed:.12g}"

    def _tail(self) -> str:
        found = ""
        if self.cells is not None:
            found += " in each cell"
            found += f" of {' x '.join(f'{n}:{k}' for n, k in self.cells)}" if self.cells else ""
        if self.grade == "B":
            found += " grade B" + (f" by {self.by}" if self.by else "")
        return found

    @property
    def entry(self) -> str | dict[str, str]:
        """The claim as a claims file or a plan holds it: its text, beside the user's words where there are any."""
        words = {k: v for k, v in (("name", self.name), ("why", self.why)) if v}
        return {"claim": str(self), **words} if words else str(self)

    @classmethod
    def of_entry(cls, entry: str | Mapping[str, str]) -> Claim:
        """The inverse of `entry`; raises BadClaim."""
        if isinstance(entry, str):
            return cls.parse(entry)
        return cls.parse(str(entry["claim"]), name=str(entry.get("name", "")), why=str(entry.get("why", "")))

    # ── what trials say of it ────────────────────────────────────────────────────────────────────────────────────

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the trials table it reads, beside conditions and a reference's outcomes."""
        return (self.column, *((self.by,) if self.by else ()))

    def indicator(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Whether each trial speaks for the claim, (n,) bool; raises BadClaim for a column that is not there."""
        values = self._values(columns, self.column)
        if self.kind in ("success", "reference"):
            return np.asarray(values == "success")
        if self.kind == "event":
            return np.asarray(values == "success" if self.event == FAILURE else values != self.event)
        # written so that a NaN speaks against the claim
        return np.asarray(values >= self.threshold if self.kind == "shortfall" else values <= self.threshold)

    def score(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """For a search: how far each trial was from the event, (n,) float64, negative exactly when it happened.

        Raises: BadClaim for a column that is not there, or whose sign says something else than the event.
        """
        if self.kind in ("exceedance", "shortfall", "quantile") and not self.by:
            values = np.asarray(self._values(columns, self.column), float)
            return values - self.threshold if self.kind == "shortfall" else self.threshold - values
        by = self.by or "margin"
        score, bad = np.asarray(self._values(columns, by), float), ~self.indicator(columns)
        if wrong := int(np.sum((score < 0) != bad)):
            raise BadClaim(
                f"The claim '{self}' is searched along {by!r}, which should be negative exactly when the event "
                f"happens; in {wrong:,} of {len(bad):,} trials it is not. Name another column, as 'grade B by NAME'."
            )
        return score

    def _values(self, columns: Mapping[str, np.ndarray], name: str) -> np.ndarray:
        if name not in columns:
            numeric = sorted(k for k, v in columns.items() if np.asarray(v).dtype.kind == "f")
            raise BadClaim(f"The claim '{self}' reads {name!r}; the trials have: {', '.join(numeric)}.")
        return np.asarray(columns[name])


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _without_tails(text: str) -> tuple[str, dict[str, Any]]:
    """The claim without confidence, cells and grade; and those, as fields."""
    head = text.strip()
    found: dict[str, Any] = {}
    while True:
        name, match = next(((k, m) for k, p in _TAILS.items() if (m := p.search(head))), ("", None))
        if match is None:
            return head, found
        if name in found:
            raise BadClaim(f"The claim {text!r} says its {name} twice. Say it once.")
        head = head[: match.start()].rstrip()
        if name == "confidence":
            found["confidence"] = float(match[1])
        elif name == "grade":
            found |= {"grade": match[1]} | ({"by": match[2]} if match[2] else {})
        else:
            cuts = [c.partition(":") for c in re.split(r"\s+x\s+", match[1])] if match[1] else []
            found["cells"] = tuple((n.strip(), int(k) if k else THIRDS) for n, _, k in cuts)


def _head(head: str, text: str) -> dict[str, Any]:
    """The fields that the claim's first part gives."""
    kind, match = next(((k, m) for k, p in _HEADS.items() if (m := p.match(head))), ("", None))
    if match is None:
        raise BadClaim(f"The claim {text!r} cannot be read. Write it as {_FORMS}.")
    if kind == "success":
        return {"kind": kind, "column": "outcome", "threshold": math.nan, "p0": float(match[1])}
    if kind == "reference":
        return {"kind": kind, "column": "outcome", "threshold": math.nan, "p0": -float(match[2]), "reference": match[1]}
    if kind == "quantile":
        p0 = round(float(match[1]) / 100.0, 12)
        return {"kind": kind, "column": match[2], "threshold": float(match[3]), "p0": p0}
    # 1 - p in decimal, not binary: 1 - 0.01 must be 0.99 exactly as typed
    p0 = round(1.0 - float(match[match.lastindex or 0]), 12)
    if kind == "event":
        return {"kind": kind, "column": "outcome", "threshold": math.nan, "p0": p0, "event": match[1]}
    return {"kind": kind, "column": match[1], "threshold": float(match[2]), "p0": p0}


def _check(claim: Claim, text: str) -> None:
    if claim.kind == "reference":
        if not 0.0 < claim.allowed < 1.0:
            raise BadClaim(
                f"The claim {text!r} has a margin of {claim.allowed:g}; it must lie strictly between 0 and 1: "
                f"how much worse is still acceptable, as in 'by 0.01'."
            )
        if claim.cells is not None or claim.grade == "B":
            raise BadClaim(f"The claim {text!r} compares with a policy, which goes with neither cells nor grade B.")
    elif not 0.0 < claim.p0 < 1.0:
        raise BadClaim(
            f"The claim {text!r} asks for a probability of {claim.p0:g}; it must lie strictly between "
            f"0 and 1: no number of trials can prove more."
        )
    if not 0.5 <= claim.confidence < 1.0:
        raise BadClaim(f"The claim {text!r} has confidence {claim.confidence:g}; give 0.5 <= c < 1, as in '@ 0.95'.")
    if claim.grade == "B" and claim.kind not in ("exceedance", "shortfall", "event"):
        raise BadClaim(f"The claim {text!r} is no rare event; write grade B as 'P(EVENT) <= 1e-6 grade B by COLUMN'.")
    if claim.grade == "B" and claim.cells is not None:
        raise BadClaim(f"The claim {text!r} asks for an estimate in each cell; give either cells or grade B.")
    if claim.grade == "A" and claim.by:
        raise BadClaim(f"The claim {text!r} has 'by {claim.by}', which only grade B reads. Leave it out.")
    names = [n for n, _ in claim.cells or ()]
    if twice := next((n for n in names if names.count(n) > 1), None):
        raise BadClaim(f"The claim {text!r} cuts {twice!r} twice. Name each condition once.")
    if few := next((n for n, k in claim.cells or () if k < 1), None):
        raise BadClaim(f"The claim {text!r} cuts {few!r} into no parts; give 1 or more, as '{few}:3'.")
