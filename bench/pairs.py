"""When comparisons stop: on published outcomes, on average by exact computation, and with a margin on simulated pairs.

    rows = pairs(studies=2000, seed=0)

No time is measured: the same seed gives the same numbers on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.pairs_table import INDEPENDENT, PUBLISHED, Study
from bench.rows import Row
from jangin.stats.betting import BettingProcess, log_e_above
from jangin.stats.compare import pairs_needed
from jangin.stats.crossing import first_at

__all__ = ["pairs", "stop"]

ALPHA, MARGIN, RATE = 0.05, 0.02, 0.97
AGREEMENT = {"independent": 0.0, "half of the time alike": 0.5, "never different": 1.0}
LONGEST = {0.0: 9000, 0.5: 5000, 1.0: 700}  # pairs of a study: all but a few in ten thousand have ended by then
NEVER = 1e-300  # alpha at which the other policy is never called better


def pairs(*, studies: int, seed: int) -> list[Row]:
    """Every row; `studies` are simulated for those with a margin."""
    return [*_published(), *_independent(), _size(), *_margins(studies, seed)]


def stop(study: Study) -> int | None:
    """The pair after which the new policy is called better."""
    difference = np.zeros(study.stop, np.int8)
    difference[np.array(study.won) - 1] = 1
    difference[np.array(study.lost, int) - 1] = -1
    return BettingProcess.begin(margin=0.0, alpha=study.alpha).extended(difference).supported_at


def independent(old: float, new: float, alpha: float, most: int = 20_000) -> float:
    """Mean number of pairs for independent policies of these success rates, exactly."""
    won, lost = new * (1.0 - old), old * (1.0 - new)
    return pairs_needed(won=won, lost=lost, alpha=alpha, alpha_against=NEVER, most=most).expected


def _published() -> Iterator[Row]:
    for study in PUBLISHED:
        found = stop(study) or study.pairs
        yield _known(f"{study.name}: pairs until decided", found, study.stop, 0.0)
        mean = independent(study.old / study.pairs, study.new / study.pairs, study.alpha, study.pairs)
        yield _known(f"{study.name}: mean pairs at these rates", mean, study.mean, 0.05)


def _independent() -> Iterator[Row]:
    for (old, new), known in INDEPENDENT.items():
        yield _known(f"mean pairs, independent, {old:g} against {new:g}", independent(old, new, ALPHA), known, 0.05)


def _known(what: str, found: float, known: float, within: float) -> Row:
    apart = abs(found / known - 1.0)
    return Row(
        what,
        "pairs",
        [found],
        against=f"{known:g}, relative error",
        ratio=apart,
        target=within,
        less_is_better=True,
        timed=False,
        note="" if within == 0.0 else "known from 1,500 simulated studies",
    )


def _size() -> Row:
    """Of two equally good policies one is called better, either way, at most twice alpha; each way at most alpha."""
    found = pairs_needed(won=0.09, lost=0.09, alpha=ALPHA, most=500)
    return Row(
        "called better though equal, 0.9 and 0.9, 500 pairs",
        "share",
        [found.better],
        against=f"{ALPHA:g} allowed",
        ratio=found.better / ALPHA,
        target=1.0,
        less_is_better=True,
        timed=False,
        note=f"the other one {found.worse:.4f}",
    )


def _margins(studies: int, seed: int) -> Iterator[Row]:
    """Mean pairs until a margin is shown, for two policies of the same rate, beside bets that follow what was seen."""
    for what, alike in AGREEMENT.items():
        rng = np.random.default_rng([seed, round(100 * alike)])
        n, once = LONGEST[alike], RATE * (1.0 - RATE) * (1.0 - alike)
        here, predictable = [], []
        for _ in range(studies if alike < 1.0 else 1):
            u = rng.random(n)
            difference = np.where(u < once, 1, np.where(u < 2.0 * once, -1, 0))
            here.append(BettingProcess.begin(margin=MARGIN, alpha=ALPHA).extended(difference).supported_at or n)
            capital = log_e_above((difference + 1) / 2, 0.5 * (1.0 - MARGIN), alpha=ALPHA)
            predictable.append(first_at(capital, -np.log(ALPHA)) or n)
        yield Row(
            f"mean pairs, margin {MARGIN:g}, both {RATE:g}, {what}",
            "pairs",
            [float(np.mean(here))],
            against=f"predictable stakes: {np.mean(predictable):,.0f}",
            ratio=float(np.mean(here) / np.mean(predictable)),
            target=1.0,
            less_is_better=True,
            timed=False,
            note=f"{len(here):,} studies",
        )
