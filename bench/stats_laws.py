"""What deciding costs, and whether the rule keeps its promises on simulated studies.

    rows = deciding(repeats=5, seed=0)          # seconds for ten claims on a million trials
    rows = laws(studies=10_000, seed=0)         # errors, power, mean number of trials, coverage of the anytime bound

Where no time is measured a row is a matter of the seed alone: the same seed gives the same numbers on any machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from bench.rows import Row
from bench.stats_table import SIZES, TABLE, Known
from bench.studies import Studies, simulate
from jangin.stats.family import settle
from jangin.stats.planning import expect, trials_needed
from jangin.stats.sequential import EProcess, log_e_against, log_e_for

__all__ = ["deciding", "laws"]

TRIALS = 1_000_000
CLAIMED = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999)
POLICIES = {  # how the failure rates compare with those the claims allow
    "policies at the claimed rates": 1.0,
    "policies that fail half as often": 0.5,
    "policies that fail twice as often": 2.0,
}
TRUTHS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
ALPHA = 0.05
LONG = 10_000  # trials of a sequence whose bound is watched
NEVER = 1e-300  # alpha at which nothing is ever refuted: a bound is watched on


def deciding(*, repeats: int, seed: int) -> list[Row]:
    """Ten claims on a million trials, against one second; one of them against computing every trial; the planner."""
    rows = []
    for what, ratio in POLICIES.items():
        rng = np.random.default_rng(seed)
        good = [rng.random(TRIALS) < 1.0 - ratio * (1.0 - p0) for p0 in CLAIMED]
        seconds = [_seconds(lambda good=good: _decide(good)) for _ in range(repeats)]
        rows.append(_within(f"10 claims, 1,000,000 trials: {what}", seconds, 1.0))
    one = np.random.default_rng(seed).random(TRIALS) < CLAIMED[2]
    pairs = [
        (_seconds(lambda: _every_trial(one, CLAIMED[2])), _seconds(lambda: _process(one, CLAIMED[2])))
        for _ in range(repeats)
    ]
    rows.append(
        Row(
            "1 claim, 1,000,000 trials, by windows",
            "s",
            [windows for _, windows in pairs],
            against="every trial by itself",
            ratio=float(np.median([every / windows for every, windows in pairs])),
            details={"every_trial_s": [every for every, _ in pairs]},
        )
    )
    rows.append(_within("the planner's whole table", [_seconds(_plan_all) for _ in range(repeats)], 10.0))
    return rows


def _within(what: str, seconds: list[float], limit_s: float) -> Row:
    ratio = float(np.median(seconds)) / limit_s
    return Row(what, "s", seconds, against=f"{limit_s:g} s", ratio=ratio, target=1.0, less_is_better=True)


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _process(good: np.ndarray, p0: float) -> EProcess:
    return EProcess.begin(p0=p0, alpha=ALPHA).extended(good)


def _decide(good: list[np.ndarray]) -> None:
    processes = [_process(g, p0) for g, p0 in zip(good, CLAIMED, strict=True)]
    settle(processes, alpha_refute=ALPHA)
    [p.bound() for p in processes]


def _every_trial(good: np.ndarray, p0: float) -> None:
    s, f = np.cumsum(good), np.cumsum(~good)
    log_e_for(s, f, p0)
    log_e_against(s, f, p0)


def _plan_all() -> None:
    for known in TABLE:
        expect(p0=known.p0, alpha=ALPHA, values=[known.p], most=known.most)


# ── promises ─────────────────────────────────────────────────────────────────────────────────────────────────────


def laws(*, studies: int, seed: int) -> list[Row]:
    """Errors at the boundary, the table's mean and power, and how often the anytime bound is ever above the truth."""
    table = {k: _studies(k.p0, k.p, k.most, studies, seed) for k in TABLE}
    means = [_mean(known, found) for known, found in table.items()]
    return [*_sizes(studies, seed), *means, *_least_power(table), *_above(studies, seed)]


def _studies(p0: float, p: float, most: int, studies: int, seed: int, alpha_refute: float = ALPHA) -> Studies:
    """Simulated studies, of each claim and each truth by random numbers of their own."""
    rng = np.random.default_rng([seed, round(1e6 * p0), round(1e6 * p), most])
    return simulate(p0=p0, p=p, alpha=ALPHA, alpha_refute=alpha_refute, most=most, studies=studies, rng=rng)


def _sizes(studies: int, seed: int) -> Iterator[Row]:
    for p0, (most, size) in SIZES.items():
        found = _studies(p0, p0, most, studies, seed)
        exact = trials_needed(p0=p0, p=p0, alpha=ALPHA, most=most)
        what = f"at p = p0 = {p0:g}, {most:,} trials"
        note = f"exactly {exact.supported:.4f}, known {size:g}"
        yield _share(f"supported {what}", float(found.supported.mean()), note)
        yield _share(f"refuted {what}", float(found.refuted.mean()), f"exactly {exact.refuted:.4f}")


def _mean(known: Known, found: Studies) -> Row:
    mean = float(found.trials.mean())
    return Row(
        f"mean trials, claim {known.p0:g}, true p {known.p:g}",
        "trials",
        [mean],
        against=f"{known.expected:,}, relative error",
        ratio=abs(mean / known.expected - 1.0),
        target=0.03,
        less_is_better=True,
        timed=False,
        note=f"supported {found.supported.mean():.4f} of {len(found.trials):,}, known {known.supported:g}",
    )


def _least_power(table: Mapping[Known, Studies]) -> Iterator[Row]:
    """Of each claim, the least share of right decisions; the table says 0.99 or more in each of its rows."""
    for p0 in dict.fromkeys(known.p0 for known in table):
        right = {
            known.p: float((found.supported if known.p > p0 else found.refuted).mean())
            for known, found in table.items()
            if known.p0 == p0
        }
        p, least = min(right.items(), key=lambda pair: pair[1])
        yield Row(
            f"least share decided rightly, claim {p0:g}",
            "share",
            [least],
            against="power",
            ratio=least,
            target=0.99,
            timed=False,
            note=f"at true p {p:g}",
        )


def _above(studies: int, seed: int) -> Iterator[Row]:
    """The bound is ever above p exactly when E+ against p0 = p ever reaches 1/alpha."""
    for p in TRUTHS:
        found = _studies(p, p, LONG, studies, seed, alpha_refute=NEVER)
        exact = trials_needed(p0=p, p=p, alpha=ALPHA, alpha_refute=NEVER, most=LONG).supported
        what = f"anytime bound ever above p = {p:g}, {LONG:,} trials"
        yield _share(what, float(found.supported.mean()), f"exactly {exact:.4f}")


def _share(what: str, share: float, note: str) -> Row:
    return Row(
        what,
        "share",
        [share],
        against=f"{ALPHA:g} allowed",
        ratio=share / ALPHA,
        target=1.0,
        less_is_better=True,
        timed=False,
        note=note,
    )
