"""Laws of fitting a driver to recorded followers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jangin.errors import BadLog
from jangin.vehicle.commonroad import read_commonroad
from jangin.vehicle.recorded import Recorded
from jangin.vehicle.traffic.calibration import (
    BOUNDS,
    Following,
    calibrated,
    error,
    followings,
    held_out,
    simulated,
)
from jangin.vehicle.traffic.drivers import TREIBER_KESTING, Driver

SHARED = Path(__file__).parents[2] / "shared" / "data" / "vehicle" / "commonroad"
STEP = 0.1
TRUE = Driver(22.0, 1.3, 1.2, 1.8, jam_gap_m=2.6)


def made(source: str, seed: int, driver: Driver = TRUE) -> Following:
    """A run as that driver would drive it, behind a leader who stops, drives off, wanders and runs away."""
    rng = np.random.default_rng(seed)
    t = np.arange(900) * STEP
    lead = np.clip(12.0 + 14.0 * np.sin(2.0 * np.pi * (t / rng.uniform(50.0, 70.0) + rng.random())), 0.0, None)
    place = np.concatenate([[0.0], np.cumsum(0.5 * (lead[1:] + lead[:-1]) * STEP)])
    speed, gap = np.full(900, max(lead[0], 1.0)), rng.uniform(15.0, 30.0)
    behind = Following(source, STEP, speed, place + gap, lead, np.zeros(900))  # the follower's place is put in below
    gaps, speeds = simulated(behind, driver)
    return Following(source, STEP, speeds, gaps, lead, place + gap - gaps)


RUNS = [made(f"recording-{k // 2}", seed=k) for k in range(8)]


def test_the_true_driver_is_simulated_without_error() -> None:
    """In the place of the follower it drove, a driver reproduces every gap and speed; every other driver does not."""
    for run in RUNS:
        gaps, speeds = simulated(run, TRUE)
        np.testing.assert_allclose(gaps, run.gap_m, atol=1e-9)
        np.testing.assert_allclose(speeds, run.speed_m_s, atol=1e-9)
    assert error(RUNS, TRUE).rmse_m < 1e-9
    assert error(RUNS, TREIBER_KESTING.typical).rmse_m > 1.0


def test_error_measures_by_hand() -> None:
    """The three measures of Kesting and Treiber (2008) as written there, over all instants of two runs."""
    found = error(RUNS[:2], TREIBER_KESTING.typical)
    real = np.concatenate([r.gap_m for r in RUNS[:2]])
    off = np.concatenate([simulated(r, TREIBER_KESTING.typical)[0] for r in RUNS[:2]]) - real
    assert found.rmse_m == pytest.approx(np.sqrt(np.mean(off**2)), rel=1e-12)
    assert found.relative == pytest.approx(np.sqrt(np.mean((off / real) ** 2)), rel=1e-12)
    assert found.mixed == pytest.approx(np.sqrt(np.mean(off**2 / real) / np.mean(real)), rel=1e-12)
    assert (found.runs, found.instants, found.crashes) == (2, 1800, 0)


def test_calibration_recovers_the_driver_of_synthetic_runs() -> None:
    """From runs of a known driver its five parameters come back within 1 %, and it is right on the runs held out."""
    fit, kept = held_out(RUNS, share=0.25, seed=1)
    found = calibrated(fit, kept, seed=3)
    for name in BOUNDS:
        assert getattr(found.driver, name) == pytest.approx(getattr(TRUE, name), rel=0.01)
    assert found.held_out.rmse_m < 0.02 < found.textbook_held_out.rmse_m
    assert found.textbook_fitted == error(fit, TREIBER_KESTING.typical)
    assert min(found.sensitivity.values()) > 0.1


def test_calibration_is_a_function_of_its_seed() -> None:
    """The same seed gives the same bits."""
    runs = [calibrated(RUNS[:2], RUNS[2:3], seed=5, generations=5) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0].driver != calibrated(RUNS[:2], RUNS[2:3], seed=6, generations=5).driver


def test_a_parameter_that_the_runs_do_not_show_is_said_to_be_free() -> None:
    """Who never drives off behind a leader at one speed shows no desired speed nor acceleration: sensitivity near 0."""
    t = np.arange(300) * STEP
    lead = np.full(300, 10.0)
    runs = [Following(s, STEP, np.full(300, 10.0), np.full(300, 14.0), lead, 10.0 * t) for s in ("a", "b")]
    found = calibrated(runs[:1], runs[1:], seed=1, generations=60)
    assert found.held_out.rmse_m < 0.05
    off = replace(found.driver, accel_m_s2=1.1 * found.driver.accel_m_s2)
    assert error(runs, off).rmse_m < 0.1


def test_held_out_takes_whole_recordings() -> None:
    """No recording is on both sides, all runs are on one, the share is about as asked and the seed decides."""
    fit, kept = held_out(RUNS, share=0.25, seed=1)
    assert not {r.source for r in fit} & {r.source for r in kept}
    assert len(fit) + len(kept) == len(RUNS)
    assert len({r.source for r in kept}) == 1
    assert len({held_out(RUNS, share=0.25, seed=s)[1][0].source for s in range(12)}) > 1


def test_runs_that_contradict_themselves_are_refused() -> None:
    """An overlap, arrays of different lengths, too few recordings and empty sides: one sentence each."""
    one = np.ones(5)
    with pytest.raises(BadLog, match="A run of 'x' has a gap of 0 or less"):
        Following("x", STEP, one, np.array([1.0, 1.0, 0.0, 1.0, 1.0]), one)
    with pytest.raises(BadLog, match="give two or more instants each"):
        Following("x", STEP, one, one[:4], one)
    with pytest.raises(BadLog, match=r"Runs of 1 recording\(s\) cannot be split"):
        held_out(RUNS[:2], share=0.5, seed=1)
    with pytest.raises(BadLog) as e:
        calibrated(RUNS, [], seed=1)
    assert str(e.value) == "8 runs to fit to and 0 held out; give at least one each."


def test_without_travelled_metres_the_speeds_give_them() -> None:
    """The leader's place is the gap and what the follower has come, by the trapezoidal rule."""
    run = Following("x", 0.5, np.array([2.0, 4.0, 4.0]), np.array([10.0, 9.0, 9.5]), np.ones(3))
    assert run.lead_m.tolist() == [10.0, 10.5, 13.0]


def test_followings_are_the_pairs_in_a_lane() -> None:
    """Of three cars in one lane and one beside, two runs: the gap bumper to bumper, the leader's speed, and no run
    behind somebody too far, too briefly ahead, or driving across."""
    t = np.arange(81) * STEP
    x = np.stack([80.0 + 10.0 * t, 60.0 + 10.0 * t + np.sin(t), 30.0 + 10.0 * t, 64.0 + 10.0 * t, np.full(81, 400.0)])
    y = np.zeros((5, 81))
    y[3] = 3.5
    y[4] = 40.0 - 10.0 * t  # crosses far ahead of everybody
    heading = np.zeros((5, 81))
    heading[4] = -np.pi / 2
    speed = np.full((5, 81), 10.0)
    speed[1] += np.cos(t)
    r = Recorded(STEP, tuple("abcde"), ("car",) * 5, np.full(5, 5.0), np.full(5, 1.8), x, y, heading, speed)
    runs = followings(r, source="made")
    assert len(runs) == 2
    np.testing.assert_allclose(runs[0].gap_m, x[0] - x[1] - 5.0, atol=2e-5)
    np.testing.assert_allclose(runs[1].gap_m, x[1] - x[2] - 5.0, atol=2e-5)
    np.testing.assert_allclose(runs[1].lead_speed_m_s, speed[1], atol=1e-12)
    np.testing.assert_allclose(runs[1].travelled_m, 10.0 * t, atol=1e-9)
    assert [len(r_.gap_m) for r_ in followings(r, source="made", least_s=8.0)] == [81, 81]
    assert followings(r, source="made", least_s=8.1) == []
    assert len(followings(r, source="made", farthest_m=20.0)) == 1


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded scenarios are not here")
def test_the_recorded_scenarios_hold_consistent_runs() -> None:
    """In recorded traffic the leaders' places, found along the followers' ways, move with the leaders' recorded speeds,
    and a driver fitted to US 101 describes it better than the textbook's, within the 11 to 29 % of published fits."""
    names = ("USA_US101-3_3_T-1", "USA_US101-4_1_T-1")
    runs = [r for n in names for r in followings(read_commonroad(SHARED / f"{n}.xml").recorded, source=n)]
    assert {r.source for r in runs} == set(names)
    for r in runs:
        driven = np.trapezoid(r.lead_speed_m_s, dx=r.step_s)
        assert abs(r.lead_m[-1] - r.lead_m[0] - driven) < 0.6 + 0.03 * r.lead_m[-1]
    found = calibrated(runs, runs, seed=1, generations=60)
    assert found.fitted == found.held_out
    assert 0.05 < found.fitted.mixed < min(0.29, found.textbook_fitted.mixed)
