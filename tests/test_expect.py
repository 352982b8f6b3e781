"""`expect`: the published table of trials to a decision, by the verb; what it cannot answer is said."""

from __future__ import annotations

import pytest

from jangin.claim import Claim
from jangin.errors import BadClaim
from jangin.expect import expect


def test_the_rows_of_a_claim_as_published():
    """success >= 0.95 at 95 %: mean, median, what a fixed number takes, and Wald's bound."""
    (table,) = expect(["success >= 0.95"], values=[0.98, 1.0, 0.9])
    assert [r.p for r in table.rows] == [1.0, 0.98, 0.9]
    perfect, good, bad = table.rows
    assert (perfect.needed.expected, perfect.needed.median) == (74, 74)
    assert (round(good.needed.expected), good.needed.median) == (287, 249)
    assert round(good.needed.supported, 3) == 0.998
    assert (good.fixed.trials, good.fixed.failures) == (311, 9)
    assert round(good.wald) == 196
    assert (round(bad.needed.expected), bad.fixed, round(bad.wald)) == (208, None, 115)
    assert bad.needed.refuted > 0.999


def test_every_form_is_its_bernoulli_question():
    """A quantile and an exceedance take as long as a success claim of the same probability."""
    forms = ["success >= 0.95", "q95(cycle_s) <= 2", "P(peak_force_n > 60) <= 0.05", "P(collision) <= 0.05"]
    tables = expect(forms, values=[0.99])
    assert len({t.rows for t in tables}) == 1
    assert [t.claim for t in tables] == [str(Claim.parse(c)) for c in forms]


def test_a_cell_gets_its_share_of_the_trials():
    whole, grid, thirds = expect(
        ["success >= 0.9", "success >= 0.9 in each cell of a:2 x b:5", "success >= 0.9 in each cell"], values=[1.0]
    )
    assert (whole.share, grid.share, thirds.share) == (1.0, pytest.approx(0.1), pytest.approx(1 / 3))
    assert grid.rows[0].needed.expected_of(grid.share) == pytest.approx(360)
    assert whole.rows == grid.rows == thirds.rows


def test_progress_counts_claims():
    seen = []
    expect(["success >= 0.9", "success >= 0.8"], values=[1.0], progress=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("claims", "values", "said"),
    [
        ([], None, "No claim was given. Give one"),
        (["success >= 0.9"], [1.5], "A true value of 1.5 is no probability. Give values between 0 and 1"),
        (["success not worse than a.onnx by 0.1"], None, "compares two policies"),
        (["P(x > 1) <= 1e-6 grade B"], None, "is of grade B, which is searched"),
        (["success > 1"], None, "cannot be read"),
    ],
)
def test_what_it_cannot_answer(claims, values, said):
    with pytest.raises(BadClaim) as e:
        expect(claims, values=values)
    assert said in str(e.value)


def test_a_claim_too_demanding_to_follow_is_refused_unless_trials_are_limited():
    with pytest.raises(
        BadClaim, match=r"takes 37,884,186 trials even of a policy that never fails, too many to follow"
    ):
        expect(["success >= 0.9999999"])
    (table,) = expect(["success >= 0.9999999"], values=[1.0], most=1000)
    assert table.rows[0].needed.undecided == pytest.approx(1.0)
