"""Laws of claims: what is read is what is printed, each form asks the right question, wrong ones are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jangin.claim import Claim
from jangin.errors import BadClaim, JanginError


@pytest.mark.parametrize(
    ("text", "kind", "column", "threshold", "p0", "confidence"),
    [
        ("success >= 0.99 @ 0.95", "success", "outcome", math.nan, 0.99, 0.95),
        ("success>=.9", "success", "outcome", math.nan, 0.9, 0.95),
        ("q95(cycle_s) <= 4.0 @ 0.95", "quantile", "cycle_s", 4.0, 0.95, 0.95),
        ("q99.9( cycle_s ) <= 1e1 @ 0.9", "quantile", "cycle_s", 10.0, 0.999, 0.9),
        ("P(peak_force_n > 60) <= 0.01 @ 0.99", "exceedance", "peak_force_n", 60.0, 0.99, 0.99),
        ("p(peak_force_n>60)<=1e-3", "exceedance", "peak_force_n", 60.0, 0.999, 0.95),
    ],
)
def test_forms(text, kind, column, threshold, p0, confidence):
    """The three forms, with and without blanks and confidence; probabilities are decimal, not 1 - 0.01 in binary."""
    claim = Claim.parse(text)
    assert (claim.kind, claim.column, claim.p0, claim.confidence) == (kind, column, p0, confidence)
    assert claim.threshold == threshold or (math.isnan(claim.threshold) and math.isnan(threshold))


@pytest.mark.parametrize(
    "text",
    [
        "success >= 0.99 @ 0.95",
        "success >= 0.9999999 @ 0.999999",
        "q95(cycle_s) <= 4 @ 0.95",
        "q99.9(cycle_s) <= 12.3456789 @ 0.95",
        "P(peak_force_n > 60) <= 0.01 @ 0.95",
        "P(peak_force_n > 1234567.5) <= 1e-06 @ 0.99",
    ],
)
def test_printed_text_reads_back(text):
    """str(claim) is canonical: it reads back to the same claim, and printing that gives the same text."""
    claim = Claim.parse(text)
    again = Claim.parse(str(claim))
    assert str(claim) == str(again) == text
    assert (claim.p0, claim.confidence, claim.column) == (again.p0, again.confidence, again.column)


def test_indicator():
    """Success reads the outcome; a failed trial's inf and an unknown NaN speak against a bound."""
    columns = {
        "outcome": np.array(["success", "timeout", "success", "success"], object),
        "cycle_s": np.array([1.0, np.inf, 2.0, np.nan]),
        "peak_force_n": np.array([10.0, 60.0, 60.1, 5.0]),
    }
    assert Claim.parse("success >= 0.9").indicator(columns).tolist() == [True, False, True, True]
    assert Claim.parse("q90(cycle_s) <= 2").indicator(columns).tolist() == [True, False, True, False]
    assert Claim.parse("P(peak_force_n > 60) <= 0.1").indicator(columns).tolist() == [True, True, False, True]


def test_alpha():
    """alpha is 1 - confidence in decimal."""
    assert Claim.parse("success >= 0.9 @ 0.95").alpha == 0.05
    assert Claim.parse("success >= 0.9 @ 0.999").alpha == 0.001


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("success > 0.9", "cannot be read. Write it as 'success >= 0.99 @ 0.95', 'q95(cycle_s) <= 4.0 @ 0.95', "),
        ("", "The claim '' cannot be read."),
        ("success >= 0.9; rm -rf", "cannot be read"),
        ("q95(cycle_s) >= 4", "cannot be read"),
        ("success >= 1", "asks for a probability of 1; it must lie strictly between 0 and 1"),
        ("success >= 0", "asks for a probability of 0;"),
        ("P(peak_force_n > 60) <= 0", "asks for a probability of 1;"),
        ("q100(cycle_s) <= 4", "asks for a probability of 1;"),
        ("success >= 99", "asks for a probability of 99;"),
        ("success >= 0.9 @ 1", "has confidence 1; give 0.5 <= c < 1, as in '@ 0.95'."),
        ("success >= 0.9 @ 0.05", "has confidence 0.05;"),
    ],
)
def test_refused(text, said):
    """What cannot be read or proved is refused with what came, what is allowed and what to write."""
    with pytest.raises(BadClaim) as e:
        Claim.parse(text)
    assert said in str(e.value)
    assert isinstance(e.value, JanginError)
    assert e.value.exit_code == 2


def test_unknown_column():
    """A claim on a column that the trials do not have names those they have."""
    with pytest.raises(BadClaim, match=r"reads 'force'; the trials have: cycle_s, peak_force_n\."):
        Claim.parse("P(force > 1) <= 0.1").indicator({"cycle_s": np.zeros(1), "peak_force_n": np.zeros(1)})


# ── the wider language ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "success >= 0.95 in each cell @ 0.95",
        "success >= 0.95 in each cell of friction:3 x tilt_rad:2 @ 0.9",
        "q95(cycle_s) <= 2 in each cell of x:4 @ 0.95",
        "P(collision) <= 0.001 @ 0.95",
        "P(failure) <= 0.01 @ 0.95",
        "P(distance_m < -0.02) <= 0.001 @ 0.95",
        "P(collision) <= 1e-06 grade B @ 0.95",
        "P(collision) <= 1e-06 grade B by distance_m @ 0.9",
        "P(peak_force_n > 60) <= 1e-05 grade B @ 0.95",
        "success not worse than old policies/v1.onnx by 0.01 @ 0.95",
    ],
)
def test_every_form_is_printed_as_it_is_read(text):
    """One text per claim, whatever its form; entries of a file go the same way round, the user's words kept."""
    claim = Claim.parse(text)
    assert str(claim) == text
    assert Claim.parse(str(claim)) == claim
    assert Claim.of_entry(claim.entry) == claim
    named = Claim.parse(text, name="takt", why="line 3")
    assert Claim.of_entry(named.entry) == named
    assert str(named) == text


def test_what_follows_a_claim_may_come_in_any_order():
    one = Claim.parse("success >= 0.9 @ 0.99 in each cell of a:2")
    assert one == Claim.parse("success >= 0.9 in each cell of a:2 @ 0.99")
    assert one.cells == (("a", 2),)
    assert Claim.parse("success>=.9 in each cell of a x b").cells == (("a", 3), ("b", 3))
    assert Claim.parse("success >= 0.9 in each cell").cells == ()
    assert Claim.parse("success >= 0.9").cells is None


def test_an_event_is_an_outcome_and_failure_is_any_but_success():
    columns = {"outcome": np.array(["success", "timeout", "collision"], object)}
    assert Claim.parse("P(collision) <= 0.1").indicator(columns).tolist() == [True, True, False]
    assert Claim.parse("P(failure) <= 0.1").indicator(columns).tolist() == [True, False, False]


def test_a_shortfall_counts_what_is_below_and_what_is_unknown():
    columns = {"gap_m": np.array([0.1, 0.02, 0.019, np.nan])}
    assert Claim.parse("P(gap_m < 0.02) <= 0.1").indicator(columns).tolist() == [True, True, False, False]


def test_the_score_of_a_search_is_negative_exactly_on_the_event():
    columns = {
        "outcome": np.array(["success", "collision", "timeout"], object),
        "gap_m": np.array([0.3, -0.1, 0.2]),
        "force_n": np.array([50.0, 70.0, 60.0]),
    }
    assert Claim.parse("P(force_n > 60) <= 1e-6 grade B").score(columns).tolist() == [10.0, -10.0, 0.0]
    assert Claim.parse("P(gap_m < 0.1) <= 1e-6 grade B").score(columns) == pytest.approx([0.2, -0.2, 0.1])
    assert Claim.parse("P(collision) <= 1e-6 grade B by gap_m").score(columns).tolist() == [0.3, -0.1, 0.2]
    with pytest.raises(BadClaim, match=r"searched along 'gap_m', which should be negative exactly .* in 1 of 3 trials"):
        Claim.parse("P(timeout) <= 1e-6 grade B by gap_m").score({**columns, "gap_m": np.array([0.3, 0.1, 0.2])})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("success not worse than old.onnx by 0", "has a margin of 0; it must lie strictly between 0 and 1"),
        ("success not worse than old.onnx by 0.01 in each cell", "goes with neither cells nor grade B"),
        ("success >= 0.9 grade B", "is no rare event; write grade B as 'P(EVENT) <= 1e-6 grade B by COLUMN'"),
        ("P(x > 1) <= 0.1 grade B in each cell", "give either cells or grade B"),
        ("P(x > 1) <= 0.1 grade A by y", "has 'by y', which only grade B reads"),
        ("success >= 0.9 in each cell of a x a", "cuts 'a' twice"),
        ("success >= 0.9 in each cell of a:0", "cuts 'a' into no parts"),
        ("success >= 0.9 @ 0.9 @ 0.95", "says its confidence twice"),
    ],
)
def test_combinations_that_mean_nothing_are_refused(text, said):
    with pytest.raises(BadClaim) as e:
        Claim.parse(text)
    assert said in str(e.value)
