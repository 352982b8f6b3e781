"""Laws of what evidence leaves open: posteriors, part times, their closed forms, intervals that cover, more trials."""

from __future__ import annotations

import dataclasses
import itertools
import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from jangin import streams
from jangin.line.evidence_posterior import (
    Outer,
    Shares,
    halvings,
    moments,
    outer,
    posterior_trials,
    shares,
    tables,
)
from jangin.line.evidence_station import UNSEEN, StationEvidence
from jangin.line.evidence_times import BLOCK, WIDE, PathTimes, quantiles
from jangin.line.layout import (
    Constant,
    Empirical,
    Erlang,
    Evidence,
    Exponential,
    Gamma,
    Lognormal,
    Normal,
    Trace,
    Triangular,
    Uniform,
    Weibull,
    mean_s,
)
from jangin.stats.nested import two_level

KEY = streams.key("line/test", seed=7, purpose="path")
TRUE = {"success": 0.88, "slip": 0.08, "timeout": 0.04}
MEAN_S, CV = 6.0, 0.3
SLIP_S, TIMEOUT_S, FAILED_S = Exponential(12.0), Constant(30.0), 9.0
DECLARED = Evidence(
    run="peg", handling_s=2.0, attempts=2, failed_s=FAILED_S, recovery={"slip": SLIP_S, "timeout": TIMEOUT_S}
)


def evidence(outcomes, times, declared=DECLARED):
    """Evidence as read_evidence gives it, without a folder."""
    return StationEvidence(
        run=Path("peg"), declared=declared, outcomes=outcomes, cycle_s=np.sort(times),
        failed_s=10.0 if declared.failed_s is None else declared.failed_s, limit_s=10.0, task="t", policy="p",
        chip="c", engine="e", made=date(2026, 1, 1), verdict="QUALIFIED", sentence="", plan_sha256="0",
        trials_sha256="0", conditions={},
    )  # fmt: skip


def success_times(rng, n):
    """n true times of a success: lognormal."""
    s2 = math.log1p(CV**2)
    return MEAN_S * np.exp(math.sqrt(s2) * rng.standard_normal(n) - s2 / 2)


def tried(rng, n, declared=DECLARED):
    """n trials of the true policy."""
    counts = dict(zip(TRUE, rng.multinomial(n, list(TRUE.values())).tolist(), strict=True))
    seen = {name: c for name, c in counts.items() if c}
    return evidence(seen, success_times(rng, counts["success"]), declared)


def more(rng, e, n):
    """The same evidence with n further trials of the true policy."""
    new = tried(rng, n)
    joined = {k: e.outcomes.get(k, 0) + new.outcomes.get(k, 0) for k in TRUE}
    joined = {k: v for k, v in joined.items() if v}
    return dataclasses.replace(e, outcomes=joined, cycle_s=np.sort([*e.cycle_s, *new.cycle_s]))


def fixed(p, table, declared, outcomes=("success", "slip")):
    """One known station, as if the trials left nothing open."""
    e = evidence(dict.fromkeys(outcomes, 1), np.asarray(table), declared)
    return Outer(e, outcomes, np.array([p], float), np.array([table], float))


def true_times(rng, n):
    """n part times and scrap flags of the true station, drawn in the plainest way."""
    t, scrap = np.full(n, DECLARED.handling_s), np.ones(n, bool)
    for _ in range(DECLARED.attempts):
        for i in np.flatnonzero(scrap):
            how = rng.choice(3, p=list(TRUE.values()))
            if how == 0:
                t[i] += success_times(rng, 1)[0]
                scrap[i] = False
            else:
                t[i] += FAILED_S + (rng.exponential(SLIP_S.mean_s) if how == 1 else TIMEOUT_S.value_s)
    return t, scrap


# ── the posterior ────────────────────────────────────────────────────────────────────────────────────────────────


def test_outcomes_are_dirichlet_with_half_a_count_each():
    """Means a_i / A and variances a_i (A - a_i) / (A^2 (A + 1)) with a = counts + 1/2, within their sampling error."""
    e = evidence({"success": 90, "slip": 7, "timeout": 3}, np.full(90, 5.0))
    k = 20_000
    drawn = outer(e, k, np.random.default_rng(1), m=4)
    a = np.array([90.5, 7.5, 3.5])
    total = a.sum()
    variance = a * (total - a) / (total**2 * (total + 1))
    assert drawn.outcomes == ("success", "slip", "timeout")
    assert np.allclose(drawn.p.sum(axis=1), 1.0, atol=1e-12)
    assert np.all(np.abs(drawn.p.mean(axis=0) - a / total) < 5 * np.sqrt(variance / k))
    assert np.allclose(drawn.p.var(axis=0), variance, rtol=5 * math.sqrt(3 / k))
    assert posterior_trials(e) == total + 1
    assert np.allclose(variance, (a / total) * (1 - a / total) / posterior_trials(e))


def test_no_failure_is_no_proof_of_none():
    """Of 500 successes in 500 trials the success probability is Beta(500.5, 0.5): Jeffreys, not 1."""
    drawn = outer(evidence({"success": 500}, np.full(500, 5.0)), 4_000, np.random.default_rng(2), m=4)
    assert drawn.outcomes == ("success", UNSEEN)
    assert stats.kstest(drawn.p[:, 0], stats.beta(500.5, 0.5).cdf).pvalue > 1e-4


def test_mean_time_is_the_bayesian_bootstraps():
    """The mean of the table has Rubin's expectation xbar and variance (sum of squares / n) / (n + 1)."""
    x = np.random.default_rng(3).gamma(4.0, 2.0, 40)
    k = 20_000
    means = outer(evidence({"success": 40}, x), k, np.random.default_rng(4), m=16).table_s.mean(axis=1)
    variance = x.var() / 41
    assert abs(means.mean() - x.mean()) < 5 * math.sqrt(variance / k)
    assert means.var() == pytest.approx(variance, rel=5 * math.sqrt(3 / k))


def test_equal_times_share_a_weight():
    """Where times repeat, as on a clock, the weight of a value is Beta(count, n - count)."""
    x = np.repeat([1.0, 2.0], [6, 14])
    means = outer(evidence({"success": 20}, x), 4_000, np.random.default_rng(5), m=8).table_s.mean(axis=1)
    assert stats.kstest(means - 1.0, stats.beta(14, 6).cdf).pvalue > 1e-4


def test_tables_keep_their_stated_error():
    """Against the weighted times themselves: mean exact, distribution within 1 / m, variance within range^2 / (4 m)."""
    x, m = np.sort(np.random.default_rng(6).lognormal(1.0, 0.7, 50)), 32
    drawn = outer(evidence({"success": 50}, x), 20, np.random.default_rng(7), m=m)
    rng = np.random.default_rng(7)
    rng.dirichlet([50.5, 0.5], size=20)
    for table, w in zip(drawn.table_s, rng.standard_gamma(np.ones(50), size=(20, 50)), strict=True):
        share = w / w.sum()
        mean = share @ x
        assert table.mean() == pytest.approx(mean, rel=1e-12)
        assert np.all(np.diff(table) >= 0.0)
        lost = share @ (x - mean) ** 2 - table.var()
        assert -1e-12 <= lost <= (x[-1] - x[0]) ** 2 / (4 * m)
        exact = np.cumsum(share)
        below = np.searchsorted(table, x * (1 + 1e-12), side="right") / m  # means of equal times round
        assert np.all(np.abs(below - exact) <= 1 / m + 1e-12)


def test_constant_times_stay_constant():
    """Times that never vary come out as that time to the bit."""
    drawn = outer(evidence({"success": 30}, np.full(30, 0.1)), 50, np.random.default_rng(8))
    assert np.all(drawn.table_s == 0.1)


def test_a_million_different_times_are_grouped():
    """Very many different times keep the posterior's mean, and its variance within the stated part."""
    x = np.sort(np.random.default_rng(9).gamma(4.0, 2.0, 100_000))
    means = outer(evidence({"success": len(x)}, x), 200, np.random.default_rng(10)).table_s.mean(axis=1)
    assert abs(means.mean() - x.mean()) < 5 * x.std() / math.sqrt(len(x) * 200)
    assert means.std() == pytest.approx(x.std() / math.sqrt(len(x)), rel=5 / math.sqrt(2 * 200))


# ── closed forms of the part time ────────────────────────────────────────────────────────────────────────────────


def test_geometric_attempts():
    """With constant times the mean is h + s + c q / p and the variance c^2 q / p^2, attempts without limit."""
    q, s, c = 0.2, 5.0, 7.0
    declared = dataclasses.replace(DECLARED, attempts=200, failed_s=c, recovery={})
    found = moments(fixed([1 - q, q], [s, s], declared))
    assert found.mean_s[0] == pytest.approx(2.0 + s + c * q / (1 - q), rel=1e-12)
    assert found.variance_s2[0] == pytest.approx(c**2 * q / (1 - q) ** 2, rel=1e-10)
    assert found.scrap[0] == pytest.approx(q**200)


def test_truncated_attempts_by_enumeration():
    """Mean, variance and scrap equal those summed over every way in which 3 attempts can end."""
    p, times = [0.6, 0.3, 0.1], [4.0, 6.0]
    slip, late, manual = Uniform(2.0, 8.0), Erlang(10.0, 2), Exponential(40.0)
    declared = dataclasses.replace(
        DECLARED, attempts=3, recovery={"slip": slip, "default": late}, given_up="manual", manual=manual
    )
    found = moments(fixed(p, times, declared, ("success", "slip", "timeout")))
    parts = {0: (np.mean(times), np.var(times)), 1: (FAILED_S + 5.0, 3.0), 2: (FAILED_S + 10.0, 50.0)}
    first = second = 0.0
    ways = [(*f, 0) for n in range(3) for f in itertools.product((1, 2), repeat=n)]
    ways += list(itertools.product((1, 2), repeat=3))
    for way in ways:
        weight = math.prod(p[k] for k in way)
        by_hand = (40.0, 1600.0) if way[-1] else (0.0, 0.0)
        mean = 2.0 + sum(parts[k][0] for k in way) + by_hand[0]
        first += weight * mean
        second += weight * (mean**2 + sum(parts[k][1] for k in way) + by_hand[1])
    assert found.mean_s[0] == pytest.approx(first, rel=1e-12)
    assert found.variance_s2[0] == pytest.approx(second - first**2, rel=1e-12)
    assert found.scrap[0] == 0.0
    assert found.good_per_hour[0] == pytest.approx(3600.0 / first)


@pytest.mark.parametrize(
    "time",
    [
        Constant(3.0), Exponential(3.0), Uniform(1.0, 4.0), Triangular(1.0, 2.0, 6.0), Normal(6.0, 1.0),
        Lognormal(4.0, 0.4), Gamma(4.0, 0.5), Erlang(6.0, 3), Weibull(5.0, 1.7), Empirical((1.0, 2.0, 7.0)),
    ],
)  # fmt: skip
def test_quantiles_integrate_to_the_moments(time):
    """Mean and variance of the quantile function, by the midpoint rule, are those of the distribution."""
    n = 300_000
    x = quantiles(time, (np.arange(n) + 0.5) / n)
    assert x.mean() == pytest.approx(mean_s(time), rel=1e-4)
    declared = dataclasses.replace(DECLARED, handling_s=0.0, given_up="manual", manual=time, failed_s=0.0, recovery={})
    given_up = moments(fixed([0.0, 1.0], [1.0], declared))
    assert x.var() == pytest.approx(given_up.variance_s2[0], rel=2e-3, abs=1e-12)
    assert given_up.mean_s[0] == pytest.approx(mean_s(time))


def test_a_trace_has_no_quantiles():
    """Values with an order are refused, with the remedy."""
    with pytest.raises(ValueError, match="A trace has an order and no quantiles; give its values as empirical"):
        quantiles(Trace((1.0, 2.0)), np.array([0.5]))


# ── part times ───────────────────────────────────────────────────────────────────────────────────────────────────


def some_draws(k=7, **changes):
    rng = np.random.default_rng(11)
    return outer(tried(rng, 60, dataclasses.replace(DECLARED, attempts=3, **changes)), k, rng, m=64)


def plain_part(drawn, key, inner, i, c):
    """Part i of column c by the recipe in EvidenceTable, one number at a time."""
    t = tables(drawn, c // inner)
    block, at = divmod(i, BLOCK)

    def number(lane):
        philox = np.random.Philox(key=key, counter=np.array([0, lane, block, 0], np.uint64))
        philox.advance((c * BLOCK + at) // 4)
        return np.random.Generator(philox).random(4)[(c * BLOCK + at) % 4]

    m, time = len(t.table_s), t.handling_s
    for attempt in range(1, t.attempts + 1):
        u = number(2 * attempt - 1)
        if u < t.cumulative[0]:
            return time + t.table_s[min(int(u * (m / t.cumulative[0])), m - 1)], False
        r = min(int(np.sum(t.cumulative <= u)), len(t.outcomes) - 1)
        time += t.failed_s[r] + quantiles(t.recovery[r], np.array([number(2 * attempt)]))[0]
    return (time, True) if t.scrap else (time + quantiles(t.manual, np.array([number(0)]))[0], False)


@pytest.mark.parametrize("changes", [{}, {"given_up": "manual", "manual": Gamma(50.0, 0.2)}, {"recovery": {}}])
def test_part_times_are_the_recipe(changes):
    """Many at once are what the recipe of EvidenceTable gives one by one, and so is the scrap."""
    drawn = some_draws(**changes)
    times = PathTimes(drawn, 3, KEY)
    found = times(2 * BLOCK)
    plain = [[plain_part(drawn, KEY, 3, i, c) for c in range(21)] for i in range(2 * BLOCK)]
    assert np.allclose(found, [[t for t, _ in row] for row in plain], rtol=1e-12, atol=0)
    assert np.array_equal(times.scrapped, [[s for _, s in row] for row in plain])
    assert times.scrapped.any() == times.may_scrap == ("given_up" not in changes)


def test_no_dependence_on_chunks():
    """However many parts are asked for at once, the same parts come out, to the bit, scrap too."""
    whole = PathTimes(some_draws(), 3, KEY)
    times, scrapped = whole(300), whole.scrapped
    chunks = PathTimes(some_draws(), 3, KEY)
    found = [(chunks(n), chunks.scrapped) for n in (1, 0, 5, 63, 64, 100, 67)]
    assert np.array_equal(np.concatenate([t for t, _ in found]), times)
    assert np.array_equal(np.concatenate([s for _, s in found]), scrapped)


def test_a_third_attempt_changes_no_part_that_two_were_enough_for():
    """Two layouts that differ in `attempts` stay in step: what does not need the third is the same to the bit."""
    three = some_draws()
    e = three.evidence
    two = dataclasses.replace(
        three, evidence=dataclasses.replace(e, declared=dataclasses.replace(e.declared, attempts=2))
    )
    a, b = PathTimes(two, 30, KEY), PathTimes(three, 30, KEY)
    ta, tb = a(200), b(200)
    assert 0 < a.scrapped.sum() < a.scrapped.size / 2
    assert np.array_equal(ta[~a.scrapped], tb[~a.scrapped])
    assert np.all(ta[a.scrapped] < tb[a.scrapped])


def test_no_dependence_on_parts_of_the_study():
    """Draws worked on in parts, as by two threads, give the columns of the whole; also across the width of a batch."""
    drawn, inner = some_draws(k=20), WIDE // 10
    whole = PathTimes(drawn, inner, KEY)(70)
    split = [PathTimes(drawn.part(a, n), inner, KEY)(70) for a, n in ((0, 7), (7, 13))]
    assert np.array_equal(np.hstack(split), whole)
    nested = PathTimes(drawn.part(5, 10).part(2, 3), inner, KEY)(70)
    assert np.array_equal(nested, whole[:, 7 * inner : 10 * inner])


def test_columns_and_keys_share_no_numbers():
    """Of continuous times no two are equal: not in another column, part or draw, and not under another key."""
    table = np.sort(np.random.default_rng(12).random(4))
    declared = dataclasses.replace(DECLARED, attempts=1, recovery={"slip": Exponential(1.0)})
    one = fixed([1e-12, 1 - 1e-12], table, declared)
    drawn = dataclasses.replace(one, p=np.repeat(one.p, 5, 0), table_s=np.repeat(one.table_s, 5, 0))
    found = [PathTimes(drawn, 4, streams.key("line/test", seed=s, purpose="path"))(200).ravel() for s in (1, 2)]
    values = np.concatenate(found)
    assert len(np.unique(values)) >= len(values) - 2  # 8,000 of 2**52 values: a chance of 1e-8 for one tie


def test_columns_are_uncorrelated():
    """Means of the columns of one draw vary as those of independent runs do."""
    drawn = fixed([0.8, 0.2], np.linspace(3.0, 9.0, 64), DECLARED)
    n = 200
    means = PathTimes(drawn, 1000, KEY)(n).mean(axis=0)
    expected = float(moments(drawn).variance_s2[0]) / n
    ratio = means.var(ddof=1) / expected
    assert stats.chi2.ppf(1e-6, 999) / 999 < ratio < stats.chi2.ppf(1 - 1e-6, 999) / 999


def test_part_times_have_the_moments():
    """Mean, variance and scrap rate of 200,000 parts of one draw are those of the closed form."""
    drawn = some_draws(1)
    times = PathTimes(drawn, 100, KEY)
    t, found = times(2_000), moments(drawn)
    n = t.size
    assert abs(t.mean() - found.mean_s[0]) < 5 * math.sqrt(found.variance_s2[0] / n)
    assert t.var() == pytest.approx(found.variance_s2[0], rel=0.05)
    scrap = found.scrap[0]
    assert abs(times.scrapped.mean() - scrap) < 5 * math.sqrt(scrap * (1 - scrap) / n)


def test_law_of_total_variance():
    """Between the draws the variance of the mean part time, within them a part's variance over the parts of a run."""
    rng, n = np.random.default_rng(13), 40
    drawn = outer(tried(rng, 80), 2_000, rng)
    split = two_level(PathTimes(drawn, 10, KEY)(n).mean(axis=0).reshape(2_000, 10))
    found = moments(drawn)
    assert split.within == pytest.approx(found.variance_s2.mean() / n, rel=0.05)
    spread = found.mean_s.var() + found.variance_s2.mean() / (n * 10)
    assert abs(split.between - found.mean_s.var()) < 5 * spread * math.sqrt(2 / 2_000)
    assert split.mean.mean == pytest.approx(found.mean_s.mean(), abs=5 * math.sqrt(spread / 2_000))


# ── the interval ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_intervals_cover():
    """Over 400 repeated qualifications of a known policy, 95 % intervals hold the true long-run mean and the next run.

    Less 2 points, by which the bootstrap of 100 skew times may fall short; at that rate red with probability 1e-6.
    """
    repeats, n = 400, 20
    truth = moments(fixed(list(TRUE.values()), [MEAN_S], DECLARED, tuple(TRUE))).mean_s[
        0
    ]  # the mean alone needs no spread
    held = next_held = 0
    for i in range(repeats):
        rng = np.random.default_rng([14, i])
        drawn = outer(tried(rng, 100), 199, rng, m=128)
        key = streams.key("line/test", seed=i, purpose="path")
        split = two_level(PathTimes(drawn, 4, key)(n).mean(axis=0).reshape(199, 4))
        held += split.long_run[0] <= truth <= split.long_run[1]
        next_held += split.single_run[0] <= true_times(rng, n)[0].mean() <= split.single_run[1]
    assert held >= stats.binom.ppf(1e-6, repeats, 0.93)
    assert next_held >= stats.binom.ppf(1e-6, repeats, 0.93)


# ── more trials ──────────────────────────────────────────────────────────────────────────────────────────────────


def widths(e, rng, parts):
    """Widths of both intervals of the mean part time, of runs of so many parts; and the split."""
    drawn = outer(e, 1_999, rng, m=64)
    found = moments(drawn)
    noise = rng.standard_normal((1_999, 4)) * np.sqrt(found.variance_s2 / parts)[:, None]
    split = two_level(found.mean_s[:, None] + noise)
    return np.array([np.ptp(split.long_run), np.ptp(split.single_run)]), split


def test_so_many_more_trials_do_halve_it():
    """Taking the trials that `halvings` asks for halves the interval of the long-run mean, and that of a single run."""
    ratios = []
    for i in range(30):
        rng = np.random.default_rng([15, i])
        e = tried(rng, 150)
        before, split = widths(e, rng, parts=3_000)
        asked = halvings(split, {"peg": e})["peg"]
        assert asked.evidence is not None
        assert asked.whole is not None
        long_run, _ = widths(more(rng, e, asked.evidence), rng, parts=3_000)
        single, _ = widths(more(rng, e, asked.whole), rng, parts=3_000)
        ratios.append([long_run[0] / before[0], single[1] / before[1]])
    mean, error = np.mean(ratios, axis=0), np.std(ratios, axis=0) / math.sqrt(len(ratios))
    assert np.all(np.abs(mean - 0.5) < 5 * error + 0.01)


def test_shares_of_a_linear_line():
    """Of a + b x1 + c x2 + noise each station has b^2 Var(x1), c^2 Var(x2); what is explained leaves the noise."""
    rng = np.random.default_rng(16)
    drawn = {"peg": outer(tried(rng, 100), 4_000, rng, m=64), "weld": outer(tried(rng, 400), 4_000, rng, m=64)}
    x = [moments(d).mean_s for d in drawn.values()]
    noise = rng.standard_normal(4_000)
    noise *= np.std(x[0]) / np.std(noise)
    rows = 7.0 - 2.0 * x[0] - 3.0 * x[1] + noise
    parts = np.array([4.0 * np.var(x[0]), 9.0 * np.var(x[1])])
    found = shares(rows, drawn)
    assert list(found.stations.values()) == pytest.approx(parts / parts.sum(), abs=0.03)
    assert sum(found.stations.values()) == pytest.approx(1.0)
    assert found.explained == pytest.approx(parts.sum() / (parts.sum() + np.var(noise)), abs=0.03)


def test_a_station_that_does_not_matter_has_no_share():
    """A line whose rows do not depend on a station gives that station a share within its noise."""
    rng = np.random.default_rng(17)
    drawn = {"peg": outer(tried(rng, 100), 2_000, rng, m=64), "idle": outer(tried(rng, 100), 2_000, rng, m=64)}
    found = shares(3600.0 / moments(drawn["peg"]).mean_s, drawn)
    assert found.stations["idle"] < 0.01
    assert found.explained > 0.95
    assert shares(np.full(2_000, 60.0), drawn) == Shares({"peg": 0.0, "idle": 0.0}, 0.0)


def test_shares_need_draws():
    """Too few draws to tell stations apart are refused."""
    drawn = {"peg": some_draws(7)}
    with pytest.raises(ValueError, match=r"Means of shape \(7,\) cannot be split; give one per draw, and 20 draws"):
        shares(np.arange(7.0), drawn)


def test_one_station_alone():
    """With n' trials of one station, own n / (n + n') + others is a quarter of the variance, or no number does it."""
    rng = np.random.default_rng(18)
    e = {"peg": tried(rng, 100), "weld": tried(rng, 100)}
    values = rng.standard_normal((999, 1)) * 10.0 + rng.standard_normal((999, 3)) * 1e-3
    split = two_level(values)
    alone = halvings(split, e, Shares({"peg": 0.9, "weld": 0.1}, 1.0))
    assert alone["peg"].evidence is not None
    n = posterior_trials(e["peg"])
    left = 0.9 * n / (n + alone["peg"].evidence) + 0.1
    assert left == pytest.approx(0.25, abs=0.9 / n)
    assert alone["weld"].evidence is None
    assert alone["weld"].reason == (
        "With trials of weld alone: however many trials: the process itself keeps the interval of a single run at 95% "
        "of its width."
    )
    together = halvings(split, e)
    assert together["peg"].evidence == math.ceil(3 * n)
