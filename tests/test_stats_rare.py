"""Laws of the searches for rare failures: known probabilities, intervals, refusals, and the table that gives them."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import gamma, norm

from jangin.stats.mixture import Mixture, fit
from jangin.stats.rare import RareEstimate, estimate, recompute, uniform
from rare_problems import DYNAMIC, STATIC

EASY = [k for k in STATIC if k not in ("RP25", "RP63", "RP107", "RP111", "R-S 5", "lead brake 73")]


@pytest.mark.parametrize("name", EASY)
def test_static_problems(name):
    """Both methods agree, their means lie within what their replicates allow, and the estimate within 10 %."""
    margin, dim, exact = STATIC[name]
    found = estimate(margin, dim, seed=3, samples=1000)
    assert not found.refused
    assert found.evaluations <= 110_000
    assert found.probability == pytest.approx(exact, rel=0.1)
    for method in found.methods.values():
        error = method.variation / math.sqrt(len(method.estimates))
        assert abs(method.probability / exact - 1.0) < 4.0 * error + 0.01
    assert found.methods["cross-entropy"].variation < 0.15
    assert found.methods["subset"].variation < 0.5
    assert found.low <= found.probability <= found.high


@pytest.mark.parametrize(("name", "within"), [("R-S 5", 0.1), ("RP111", 0.2)])
def test_one_in_a_million(name, within):
    margin, dim, exact = STATIC[name]
    found = estimate(margin, dim, seed=5, samples=1000)
    assert not found.refused
    assert found.probability == pytest.approx(exact, rel=within)


@pytest.mark.parametrize(("name", "samples"), [("walk 20", 900), ("walk 10", 1000), ("ruin 20", 1000)])
def test_trajectories(name, samples):
    """Thirty normal steps, and a gambler's 250: within 10 % of the exact value by at most 100,000 evaluations."""
    margin, dim, exact = DYNAMIC[name]
    found = estimate(margin, dim, seed=2, samples=samples)
    assert not found.refused
    assert found.evaluations <= 100_000
    assert found.probability == pytest.approx(exact, rel=0.1)


def test_exact_values_by_another_way():
    """The problems' probabilities, where a closed form is at hand."""
    assert STATIC["RP107"][2] == pytest.approx(norm.sf(5.0), rel=1e-9)
    assert STATIC["RP54"][2] == pytest.approx(gamma(20).cdf(8.951), rel=1e-9)
    assert STATIC["R-S 5"][2] == pytest.approx(norm.sf(5 / math.sqrt(2)), rel=1e-9)
    assert DYNAMIC["ruin 20"][2] == pytest.approx((1 - 1.5**5) / (1 - 1.5**20), rel=1e-9)


def test_the_table_gives_the_estimate_again():
    """From the evaluations alone, bit for bit; a changed margin changes it."""
    margin, dim, _ = STATIC["RP22"]
    found = estimate(margin, dim, seed=1, samples=200)
    assert recompute(found.table) == found
    other = {**found.table, "margin": np.where(found.table["margin"] < 0, 1.0, found.table["margin"])}
    assert recompute(other) != found


def test_the_seed_fixes_everything():
    margin, dim, _ = STATIC["RP22"]
    one, two = (estimate(margin, dim, seed=s, samples=200) for s in (4, 4))
    assert one == two
    assert all((one.table[k] == two.table[k]).all() for k in one.table)
    assert estimate(margin, dim, seed=5, samples=200) != one


def test_noise_that_belongs_to_the_trials_number():
    """A margin with noise of its own: P(a + b + noise > 5.5) with everything normal, the noise drawn anew each time."""

    def margin(z, trial):
        noise = norm.ppf((trial * 0.6180339887498949) % 1.0 * (1 - 1e-9) + 5e-10)
        return 5.5 - z.sum(axis=1) - noise

    exact = norm.sf(5.5 / math.sqrt(3.0))
    found = estimate(margin, 2, seed=0, samples=1500)
    assert not found.refused
    assert found.probability == pytest.approx(exact, rel=0.2)


def test_every_candidate_has_a_number_of_its_own():
    asked = []

    def margin(z, trial):
        asked.append(trial)
        return 2.0 - z[:, 0]

    found = estimate(margin, 1, seed=0, samples=100)
    numbers = np.concatenate(asked)
    assert numbers.tolist() == list(range(found.evaluations))


@pytest.mark.parametrize(
    ("margin", "said"),
    [
        (lambda z, t: np.where(z[:, 0] > 4, -1.0, 1.0), "of the points have the very same margin 1: on a plateau"),
        (lambda z, t: np.floor(6 - np.abs(z[:, 0])), "have the very same margin"),
        (lambda z, t: 1.0 + np.exp(-z[:, 0]), "no failure was reached."),
        (lambda z, t: np.where(z[:, 0] > 0, np.nan, z[:, 0]), "the margin is not a number somewhere"),
    ],
)
def test_what_no_search_can_follow_is_refused(margin, said):
    """A success flag, whole numbers, a failure that does not exist, a margin that is unknown: a sentence, no number."""
    found = estimate(margin, 2, seed=0, samples=300)
    assert said in found.refused
    assert (found.probability, found.low, found.high) == (None, None, None)


def test_two_methods_that_disagree_are_refused():
    """A failure that only one of them has found; here the weights of one are falsified."""
    margin, dim, _ = STATIC["RP31"]
    found = estimate(margin, dim, seed=1, samples=500)
    table = {**found.table, "log_weight": found.table["log_weight"] + (found.table["method"] == 1) * math.log(5.0)}
    other = recompute(table)
    assert other.refused.startswith("The two methods disagree: subset finds ")
    assert other.probability is None


def test_a_cliff_is_found_or_refused_but_not_misjudged():
    """Two steps in the margin (RP110), between which nothing leads: any number that is given must be near the truth."""
    exact = 1 - (1 - ndtr(-4.0)) * (1 - ndtr(-5.0))

    def margin(z, trial):
        one = np.where(z[:, 0] <= 3.5, 0.85 - 0.1 * z[:, 0], 4 - z[:, 0])
        two = np.where(z[:, 1] <= 2.0, 2.3 - z[:, 1], 0.5 - 0.1 * z[:, 1])
        return np.minimum(one, two)

    found = estimate(margin, 2, seed=0, samples=1000)
    assert found.refused or found.probability == pytest.approx(exact, rel=0.3)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Cross-entropy and subset simulation on a half-space, 20 estimates: 95 % intervals miss seldom."""
    exact, missed = norm.sf(3.0), {"subset": 0, "cross-entropy": 0}
    for seed in range(20):
        found = estimate(lambda z, t: 3.0 - z[:, 0], 2, seed=seed, samples=100)
        for name, m in found.methods.items():
            missed[name] += not m.low <= exact <= m.high
    assert max(missed.values()) <= 4  # P(more than 4 of 20) is 0.3 % if each misses with 5 %


def test_too_few_replicates():
    with pytest.raises(ValueError, match="3 replicates are too few"):
        estimate(lambda z, t: z[:, 0], 1, seed=0, replicates=3)


# ── the mixture ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mixture_draws_from_the_density_it_states():
    """The mean weight of its own points is 1, and no weight exceeds 1 / share."""
    density = Mixture(np.array([0.3, 0.7]), np.array([[2.0, 0.0], [-1.0, 1.0]]), np.array([[0.5, 1.0], [1.0, 2.0]]))
    defended = density.defended(0.1)
    z = defended.draw(np.random.default_rng(0), 200_000)
    weights = np.exp(defended.log_ratio(z))
    assert weights.mean() == pytest.approx(1.0, abs=0.01)
    assert weights.max() <= 10.0 + 1e-9


def test_a_fit_finds_the_modes_and_leaves_what_is_chance():
    rng = np.random.default_rng(1)
    z = rng.standard_normal((600, 20))
    z[:, 0] += np.where(np.arange(600) % 2, 3.0, -3.0)
    found = fit(z, np.zeros(600), rng)
    assert len(found.weight) >= 2
    assert found.mean[:, 0].min() == pytest.approx(-3.0, abs=0.4)
    assert found.mean[:, 0].max() == pytest.approx(3.0, abs=0.4)
    assert np.abs(found.mean[:, 1:]).max() < 0.5


def test_uniforms_of_normals_stay_below_one():
    assert uniform(np.array([0.0, 40.0, -40.0])).tolist() == [0.5, np.nextafter(1.0, 0.0), 0.0]


def test_an_estimate_is_plain_values():
    assert {f.name for f in dataclasses.fields(RareEstimate)} >= {"probability", "low", "high", "refused", "methods"}
