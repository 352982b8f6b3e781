"""Known ends of paired comparisons: when published outcomes decide, and what independent policies take on average.

    for study in PUBLISHED:
        when(study) == study.stop

The outcomes are those of policies that Snyder et al. compared on robots and in simulation (RSS 2025, arXiv 2503.10966):
of each study only which trials one policy alone succeeded in, up to where it is decided; no file and no code of theirs
is used. The stops, and the mean numbers, were found outside this code.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["INDEPENDENT", "PUBLISHED", "Study"]


@dataclass(frozen=True)
class Study:
    """One published comparison.

    Attributes:
        name: of the task.
        pairs, old, new: trials of each policy, and in how many of all of them each succeeded.
        alpha: at which it is decided.
        stop: the pair that decides that the new policy is better.
        won, lost: the trials, counted from 1, up to there, that only the new or only the old one succeeded in.
        mean: pairs to the decision on average, for independent policies of these rates, given up at `pairs`.
    """

    name: str
    pairs: int
    old: int
    new: int
    alpha: float
    stop: int
    won: tuple[int, ...]
    lost: tuple[int, ...]
    mean: float


PUBLISHED = (
    Study("CleanUpSpill", 50, 14, 40, 0.05, 9, (1, 2, 4, 6, 7, 8, 9), (), 15.9),
    Study("FoldRedTowel", 50, 28, 46, 0.05, 19, (1, 6, 11, 14, 16, 17, 19), (), 23.6),
    Study("SpoonOnTowel", 500, 42, 193, 0.01, 26, (3, 11, 12, 13, 14, 18, 21, 23, 26), (), 42.6),
    Study(
        "EggplantInBasket",
        500,
        200,
        282,
        0.01,
        104,
        (1, 2, 5, 7, 16, 18, 30, 35, 44, 48, 49, 50, 52, 63, 65, 69, 71, 72, 76, 81, 82, 84, 86, 92, 94, 97, 100, 104),
        (11, 46, 51, 57, 60, 80, 89, 95),
        199.5,
    ),
    Study("StackCube", 500, 0, 15, 0.01, 282, (14, 76, 77, 125, 135, 167, 199, 217, 282), (), 294.5),
)

INDEPENDENT = {(0.85, 0.95): 129, (0.90, 0.95): 395, (0.95, 0.99): 253}  # rates: mean pairs of 1,500 simulated studies
