"""How close estimates of rare failures come to the exact probability, at one budget, over many seeds.

    rows = estimates(repeats=10, seed=0)          # a row per problem of tests/rare_problems.py

A matter of the seeds alone: the same ones give the same numbers on any machine.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

from bench.rows import Row
from jangin.stats.rare import RareEstimate, estimate

__all__ = ["estimates"]

BUDGET = 100_000
WITHIN = 0.1
PROMISED = ("four-branch", "RP22", "walk, 20", "gambler, 20")


def estimates(*, repeats: int, seed: int) -> list[Row]:
    """Each problem searched so many times, by at most 100,000 trials each time."""
    return [_row(name, problem, repeats, seed) for name, problem in _problems().items()]


def _problems() -> dict[str, Any]:
    """The problems of the tests, which stand beside this folder."""
    tests = str(Path(__file__).parents[1] / "tests")
    sys.path.insert(0, tests)
    try:
        import rare_problems
    finally:
        sys.path.remove(tests)
    return {**rare_problems.STATIC, "RP110": rare_problems.BAIT, **rare_problems.DYNAMIC}


def _row(name: str, problem: Any, repeats: int, seed: int) -> Row:
    found = [estimate(problem.margin, problem.dim, seed=seed + k, budget=BUDGET) for k in range(repeats)]
    ratios = [f.probability / problem.exact if f.probability is not None else math.inf for f in found]
    given = [f for f in found if not f.refused]
    held = sum(f.low <= problem.exact <= f.high for f in given if f.low is not None and f.high is not None)
    notes = [f"interval holds it in {held} of {len(given)}"]
    notes += [f"{len(found) - len(given)} refused"] if len(given) < len(found) else []
    notes += [f"variation of one replicate: {_variations(found)}"]
    return Row(
        f"{name}, p = {problem.exact:.3g}, {problem.dim} latent",
        "of exact",
        ratios,
        against=f"share within {100 * WITHIN:.0f} %",
        ratio=float(np.mean([abs(r - 1.0) <= WITHIN for r in ratios])),
        target=0.9 if name in PROMISED else None,
        timed=False,
        note="; ".join(notes),
        details={
            "evaluations": [f.evaluations for f in found],
            "methods": [{k: m.probability / problem.exact for k, m in f.methods.items()} for f in found],
            "refused": [f.refused for f in found],
        },
    )


def _variations(found: list[RareEstimate]) -> str:
    names = dict.fromkeys(name for f in found for name in f.methods)
    of = {k: [f.methods[k].variation for f in found if k in f.methods] for k in names}
    return ", ".join(f"{k} {np.median(v):.2f}" for k, v in of.items())
