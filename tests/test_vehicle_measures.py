"""Measures of closeness, comfort, fault and cost: exact values and laws."""

import math

import numpy as np
import pytest

from jangin.errors import BadTask, UnknownName
from jangin.vehicle.boxes import Boxes
from jangin.vehicle.costs import WEIGHTS, Driven, cost, integral, partial_costs
from jangin.vehicle.measures import (
    comfort,
    deceleration_behind_braking,
    deceleration_to_avoid,
    fault,
    is_at_fault,
    post_encroachment,
    time_headway,
    time_to_brake,
    time_to_collision,
)


def test_closeness_by_hand():
    """40 m behind at 30 against 20 m/s: TTC 4 s, THW 4/3 s, DRAC 1.25 m/s^2, and braking at 5 m/s^2 may wait 3 s."""
    assert time_to_collision(40.0, 10.0) == 4.0
    assert time_headway(40.0, 30.0) == pytest.approx(4.0 / 3.0)
    assert deceleration_to_avoid(40.0, 10.0) == 1.25
    assert time_to_brake(40.0, 10.0, 5.0) == 3.0
    assert post_encroachment(12.5, 14.0) == 1.5


def test_closeness_at_its_ends():
    """What does not close is never met and needs nothing; what is in contact has no time and no braking left."""
    gap, closing = np.array([10.0, 10.0, 0.0, -1.0]), np.array([0.0, -3.0, 5.0, -5.0])
    assert time_to_collision(gap, closing).tolist() == [math.inf, math.inf, 0.0, 0.0]
    assert time_headway(gap, closing).tolist() == [math.inf, math.inf, 0.0, 0.0]
    assert deceleration_to_avoid(gap, closing).tolist() == [0.0, 0.0, math.inf, math.inf]
    assert time_to_brake(gap, closing, 6.0)[:2].tolist() == [math.inf, math.inf]
    assert time_to_brake(5.0, 10.0, 5.0) == -0.5  # half a second too late


def test_braking_at_drac_just_touches():
    """Braking evenly at DRAC closes the gap to 0 at the moment the speeds are equal."""
    rng = np.random.default_rng(1)
    gap, closing = rng.uniform(1.0, 80.0, 50), rng.uniform(0.5, 30.0, 50)
    braking = deceleration_to_avoid(gap, closing)
    until = closing / braking
    np.testing.assert_allclose(gap - closing * until + 0.5 * braking * until**2, 0.0, atol=1e-10)


def test_braking_behind_a_braking_leader_just_touches():
    """Simulated finely, the least gap is 0 at the required braking, above 0 at more and below 0 at less."""
    rng = np.random.default_rng(2)
    n = 60
    gap, v = rng.uniform(2.0, 60.0, n), rng.uniform(5.0, 40.0, n)
    lead, brakes = rng.uniform(0.0, 40.0, n), rng.uniform(1.0, 9.0, n)
    needed = deceleration_behind_braking(gap, v, lead, brakes)
    t = np.linspace(0.0, 60.0, 60001)[:, None]

    def way(speed, braking):
        rest = speed / np.maximum(braking, 1e-12)
        running = np.minimum(t, rest)
        return speed * running - 0.5 * braking * running**2

    def least(factor):
        return (gap + way(lead, brakes) - way(v, factor * needed)).min(axis=0)

    needs = v / needed < 59.0  # at rest within the time simulated
    assert needs.sum() > 40
    assert np.abs(least(1.0))[needs].max() < 1e-2
    assert (least(1.01)[needs] > 0.0).all()
    assert (least(0.99)[needs] < 0.0).all()


def test_a_leader_at_even_speed_needs_drac():
    """Behind a leader that does not brake the required deceleration is DRAC; behind a standing one v^2 / 2 gap."""
    assert deceleration_behind_braking(40.0, 30.0, 20.0, 0.0) == 1.25
    assert deceleration_behind_braking(40.0, 20.0, 30.0, 0.0) == 0.0
    assert deceleration_behind_braking(50.0, 20.0, 0.0, 0.0) == 4.0
    assert deceleration_behind_braking(0.0, 20.0, 20.0, 4.0) == math.inf
    # 20 m/s both, 20 m apart, the leader at 8 m/s^2 rests after 25 m: 400 / (2 x 45)
    assert deceleration_behind_braking(20.0, 20.0, 20.0, 8.0) == pytest.approx(400.0 / 90.0)


def test_comfort_of_simple_motions():
    """Even acceleration, an even circle and a standstill have the extremes that a formula gives."""
    t = np.arange(0.0, 5.0, 0.1)
    speed = np.stack([5.0 + 2.0 * t, np.full(50, 10.0), np.zeros(50), 30.0 - 5.0 * t])
    heading = np.stack([0.0 * t, 3.0 + 0.3 * t, 0.0 * t, 0.0 * t])
    heading[1] = np.angle(np.exp(1j * heading[1]))  # wraps past pi
    found = comfort(speed, heading, 0.1)
    assert found.holds.tolist() == [True, True, True, False]
    assert found.within["acceleration_m_s2"].tolist() == [True, True, True, False]
    np.testing.assert_allclose(found.extremes["acceleration_m_s2"][0], 2.0, atol=1e-12)
    np.testing.assert_allclose(found.extremes["yaw_rate_rad_s"][1], 0.3, atol=1e-12)
    np.testing.assert_allclose(found.extremes["lateral_m_s2"][1], 3.0, atol=1e-11)
    np.testing.assert_allclose(found.extremes["jerk_size_m_s3"], 0.0, atol=1e-10)


@pytest.mark.parametrize(
    ("motion", "name"),
    [
        (lambda t: (10.0 + 2.5 * t, 0.0 * t), "acceleration_m_s2"),
        (lambda t: (20.0 + 0.0 * t, 0.25 * t), "lateral_m_s2"),
        (lambda t: (1.0 + 0.0 * t, 1.0 * t), "yaw_rate_rad_s"),
        (lambda t: (0.5 + 0.0 * t, -0.1 * t**2 * 10.0), "yaw_acceleration_rad_s2"),
        (lambda t: (10.0 + 4.2 / 2.0 * (t - 0.4) ** 2, 0.0 * t), "jerk_m_s3"),
    ],
)
def test_each_comfort_limit_binds(motion, name):
    """Just past one published limit, that one is called, and the trajectory does not hold."""
    t = np.arange(0.0, 0.85, 0.05)
    found = comfort(*(v[None] for v in motion(t)), 0.05)
    assert not found.within[name][0]
    assert not found.holds[0]


def test_faults_by_hand():
    """Each class once, in nuPlan's order; who runs into others is at fault, who is hit or stands is not."""
    ego = Boxes(0.0, 0.0, 0.0, 4.0, 2.0)
    x = np.array([3.9, 3.9, -3.9, 3.9, -0.5, 1.9])
    y = np.array([0.0, 0.0, 0.0, 0.0, 1.9, 2.9])
    heading = np.array([0.0, 0.0, 0.0, 0.0, 0.0, -0.5 * math.pi])
    other = Boxes(x, y, heading, 4.0, 2.0)
    kinds = fault(ego, other, np.array([0.0, 10, 10, 10, 10, 10]), np.array([5.0, 0.05, 15, 5, 10, 8]), rear_axle_m=1.4)
    assert kinds.tolist() == ["ego stopped", "other stopped", "rear", "front", "lateral", "front"]
    assert is_at_fault(kinds, True).tolist() == [False, True, False, True, False, True]
    assert is_at_fault(kinds, False).tolist() == [False, True, False, True, True, True]


def test_simpson_is_exact_for_parabolas_and_agrees_with_scipy():
    """Any parabola is integrated exactly at odd and even counts, and any values as SciPy's rule does."""
    simpson = pytest.importorskip("scipy.integrate").simpson
    for n in (3, 4, 7, 10, 51):
        t = np.linspace(0.0, 2.0, n)
        assert integral(1.0 + t - 3.0 * t**2, t[1]) == pytest.approx(2.0 + 2.0 - 8.0, abs=1e-12)
        values = np.random.default_rng(n).normal(size=(4, n))
        np.testing.assert_allclose(integral(values, 0.1), simpson(values, dx=0.1), rtol=1e-12)


def test_costs_in_closed_form():
    """Along an even acceleration every part is a polynomial's integral; the weights are the published ones."""
    t = np.arange(0.0, 4.01, 0.1)
    still = np.zeros((1, 41))
    driven = Driven(
        step_s=0.1, speed_m_s=(10.0 + t)[None], steer_rad=(0.02 * t)[None], goal_speed_m_s=14.0,
        lane_offset_m=still + 0.5, lane_angle_rad=still + 0.1, obstacle_m=still + 5.0,
    )  # fmt: skip
    assert cost("JB1", driven) == pytest.approx(4.0)
    expected = {"A": 3.9, "SA": 0.0004 * 64.0 / 3.0, "SR": 0.0004 * 3.9, "L": 48.0, "V": 64.0 / 3.0, "O": 0.04}
    parts = partial_costs("SM1", driven)
    assert {k: float(v[0]) for k, v in parts.items()} == pytest.approx(expected)
    total = 50.0 * 3.9 + 50.0 * expected["SA"] + 50.0 * expected["SR"] + 48.0 + 20.0 * expected["V"] + 50.0 * 0.04
    assert cost("SM1", driven) == pytest.approx(total)
    assert cost("SM1", driven, length="LC") == pytest.approx(total - 48.0 + 0.25 * 4.0)
    nearness = 4.0 * math.exp(-1.0)
    assert cost("SA1", driven) == pytest.approx(0.1 * expected["SA"] + 0.1 * expected["SR"] + 1e5 * nearness)
    assert cost("WX1", driven) == pytest.approx(40.0 + 64.0 / 3.0 + 0.39 + 0.1 * nearness + 480.0)
    assert cost("TR1", driven) == pytest.approx(22.0 * expected["SR"] + 8.0 * nearness + 0.5)
    along = math.cos(0.1)
    lane_speed = np.polynomial.Polynomial([14.0 - 10.0 * along, -along]) ** 2
    assert cost("MW1", driven) == pytest.approx(0.2 * (lane_speed.integ()(4.0) - lane_speed.integ()(0.0)) + 0.25)


def test_jerk_costs_see_jerk():
    """Speed t^2 has jerk 2: J and, along a straight lane, Jlon are 4 times the time; across it there is none."""
    t = np.arange(0.0, 2.01, 0.1)
    driven = Driven(step_s=0.1, speed_m_s=(t**2)[None], lane_angle_rad=np.zeros((1, 21)))
    parts = partial_costs("MW1", driven)
    assert parts["Jlon"] == pytest.approx(4.0 * 1.8)
    assert parts["Jlat"] == 0.0
    assert parts["Vlon"] == 0.0  # a goal without a speed
    assert set(WEIGHTS) == {"JB1", "SM1", "WX1", "SA1", "MW1", "TR1"}


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda d: cost("SM9", d), UnknownName,
         "There is no cost function 'SM9'. Did you mean 'SM1'? There is: JB1, MW1, SA1, SM1, TR1, WX1."),
        (lambda d: cost("SM1", d, length="path"), UnknownName, "There is no reading of L 'path'. There is: L, LC."),
        (lambda d: cost("SM1", d), BadTask, "The part SA of the cost needs steer_rad; give it with the trajectory."),
        (lambda d: Driven(0.1, np.zeros((2, 3))), BadTask,
         "Speeds of shape (2, 3) are no trajectories; give (n, steps) with 4 steps or more."),
        (lambda d: Driven(0.1, np.zeros((2, 5)), steer_rad=np.zeros((2, 4))), BadTask,
         "steer_rad has shape (2, 4) and the speed (2, 5); give one value per instant."),
        (lambda d: comfort(np.zeros((2, 5)), np.zeros((2, 4)), 0.1), BadTask,
         "Speeds (2, 5) and headings (2, 4) are no trajectories; give (n, 3 or more) of each."),
        (lambda d: deceleration_behind_braking(1.0, 1.0, 1.0, -1.0), BadTask,
         "A leader's speed and deceleration are 0 or more here; give what it brakes, not how it speeds up."),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_a_sentence(call, kind, text):
    """A cost or a trajectory that cannot be says what came and what to give."""
    with pytest.raises(kind) as error:
        call(Driven(0.1, np.zeros((1, 10))))
    assert str(error.value) == text
