"""The criteria as formulas: closed forms, tables, and ad-rss-lib's values."""

from __future__ import annotations

import numpy as np
import pytest

from jangin.vehicle.r157.criteria import (
    ANNEX_III_SPEED_KMH,
    ANNEX_III_TTC_S,
    IEEE_RSS,
    JRC_RSS,
    MINIMUM_GAP,
    annex_iii_ttc_fit_s,
    annex_iii_ttc_s,
    crash_fuzziness,
    fsm_demand_m_s2,
    fsm_gap_m,
    minimum_gap_m,
    minimum_headway_s,
    proactive_fuzziness,
    reg157_ttc_needed_s,
    rss_lateral_gap_m,
    rss_longitudinal_gap_m,
    rss_steady_gap_m,
)

SPEEDS = np.linspace(0.0, 40.0, 81)


def test_the_longitudinal_gap_is_what_two_stopping_distances_leave():
    """RSS's gap: response and acceleration, then the follower's stopping distance minus the leader's; >= 0."""
    v, lead = np.meshgrid(SPEEDS, SPEEDS, indexing="ij")
    for c in (JRC_RSS, IEEE_RSS):
        after = v + c.acceleration_m_s2 * c.response_s
        way = (v + after) / 2 * c.response_s + after**2 / (2 * c.least_brake_m_s2) - lead**2 / (2 * c.most_brake_m_s2)
        assert rss_longitudinal_gap_m(v, lead, c) == pytest.approx(np.maximum(way, 0.0))


def test_the_gaps_grow_with_speed_and_shrink_with_the_leaders():
    """Every criterion is monotone in both speeds."""
    for gap in (rss_longitudinal_gap_m, fsm_gap_m):
        assert np.all(np.diff(gap(SPEEDS, 10.0)) >= 0.0)
        assert np.all(np.diff(gap(20.0, SPEEDS)) <= 0.0)
    for steady in (minimum_gap_m, rss_steady_gap_m):
        assert np.all(np.diff(steady(SPEEDS)) >= 0.0)
    assert np.all(np.diff(rss_lateral_gap_m(np.linspace(-2.0, 2.0, 41))) >= 0.0)


@pytest.mark.parametrize(
    ("speed", "lead", "gap"), [(25.0, 15.0, 114.219), (10.0, 30.0, 0.0), (0.0, 0.0, 3.28125), (33.3, 33.3, 135.024)]
)
def test_longitudinal_gaps_are_those_of_ad_rss_lib(speed: float, lead: float, gap: float):
    """Values that ad-rss 5.0.0 prints for the same constants, six digits."""
    assert rss_longitudinal_gap_m(speed, lead, IEEE_RSS) == pytest.approx(gap, rel=5e-6)


@pytest.mark.parametrize(
    ("one", "other", "gap"),
    [(0.5, 0.0, 1.50625), (0.0, 0.0, 0.725), (-0.5, 0.0, 0.2), (0.5, 0.5, 2.9125), (1.0, -0.3, 1.90625)],
)
def test_lateral_gaps_are_those_of_ad_rss_lib(one: float, other: float, gap: float):
    """The same for lateral gaps; speeds are towards each other."""
    assert rss_lateral_gap_m(one, other, IEEE_RSS) == pytest.approx(gap)


def test_two_vehicles_alike_may_change_places():
    """With equal response times the lateral gap is symmetric; vehicles that draw apart need the fluctuation alone."""
    alike = IEEE_RSS.__class__(**{**vars(IEEE_RSS), "other_response_s": IEEE_RSS.response_s})
    assert rss_lateral_gap_m(0.7, 0.2, alike) == rss_lateral_gap_m(0.2, 0.7, alike)
    assert rss_lateral_gap_m(-3.0, -3.0, alike) == alike.fluctuation_m


def test_jrcs_lateral_gap_is_the_formula_of_its_study():
    """0.3 + (2 c + rt) rt / 2 + (c + rt)^2 / 2 for a lateral speed c and rt = 0.75 s."""
    c, rt = np.linspace(0.0, 3.0, 31), 0.75
    assert rss_lateral_gap_m(c) == pytest.approx(0.3 + (2 * c + rt) * rt / 2 + (c + rt) ** 2 / 2)


def test_the_regulations_time_is_its_formula():
    """v_rel / (2 * 6 m/s^2) + 0.35 s: 36 km/h need 1.183 s."""
    assert reg157_ttc_needed_s(np.array([0.0, 10.0, 12.0])) == pytest.approx([0.35, 0.35 + 10 / 12, 1.35])


def test_braking_at_the_regulations_time_just_avoids():
    """Who brakes at 6 m/s^2 after 0.35 s from exactly that time to collision loses exactly the gap."""
    v = np.linspace(1.0, 30.0, 30)
    assert reg157_ttc_needed_s(v) * v == pytest.approx(0.35 * v + v**2 / (2 * 6.0))


def test_the_minimum_gap_is_the_table_interpolated_and_never_below_two_metres():
    """Rows of 5.2.3.3 exactly, halfway between them the mean, held beyond the ends, 2 m at low speed."""
    kmh, time_s = np.array(MINIMUM_GAP).T
    assert minimum_headway_s(kmh / 3.6) == pytest.approx(time_s)
    assert minimum_headway_s(np.array([15.0, 55.0, 0.0, 130.0]) / 3.6) == pytest.approx([1.15, 1.55, 1.0, 1.6])
    assert minimum_gap_m(np.array([0.0, 2.0, 60.0 / 3.6])) == pytest.approx([2.0, 2.0, 60.0 / 3.6 * 1.6])


@pytest.mark.parametrize("occupants", ANNEX_III_TTC_S)
def test_the_fit_to_annex_iii_is_within_a_hundredth_of_its_table(occupants: str):
    """The fit is ours, the table the regulation's: they differ by no more than the table's last digit."""
    v = np.array(ANNEX_III_SPEED_KMH) / 3.6
    assert annex_iii_ttc_s(v, occupants) == pytest.approx(ANNEX_III_TTC_S[occupants])
    assert np.abs(annex_iii_ttc_fit_s(v, occupants) - ANNEX_III_TTC_S[occupants]).max() <= 0.005 + 1e-12


def test_the_fuzzy_model_asks_for_nothing_at_its_gap_and_for_all_of_it_at_none():
    """Demand is 0 from the safe gap on, 4 m/s^2 at none, 6 at none while closing in, and falls with the gap."""
    assert fsm_demand_m_s2(fsm_gap_m(SPEEDS, SPEEDS) + 1e-9, SPEEDS, SPEEDS) == pytest.approx(0.0, abs=1e-9)
    assert fsm_demand_m_s2(0.0, SPEEDS[1:], SPEEDS[1:]) == pytest.approx(4.0)
    assert fsm_demand_m_s2(0.0, 20.0, 5.0) == pytest.approx(6.0)
    demand = fsm_demand_m_s2(np.linspace(0.0, 120.0, 500), 30.0, 20.0)
    assert np.all(np.diff(demand) <= 1e-12)
    assert set(np.round(demand[[0, -1]], 9)) == {6.0, 0.0}


def test_crash_fuzziness_is_a_step_for_whom_braking_alone_suffices():
    """Where the braking so far takes the relative speed away in time, only the way decides: (v - v_l)^2 / 2 a."""
    enough = 2.0**2 / (2 * 4.0)
    gaps = np.array([enough - 1e-9, enough + 1e-9])
    assert crash_fuzziness(gaps, 12.0, 10.0, -4.0).tolist() == [1.0, 0.0]
    assert crash_fuzziness(0.1, 10.0, 10.0).tolist() == 0.0
    assert np.all((proactive_fuzziness(SPEEDS, 20.0, 10.0) >= 0.0) & (proactive_fuzziness(SPEEDS, 20.0, 10.0) <= 1.0))
