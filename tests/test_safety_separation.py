"""Speed and separation monitoring and ISO 13855: worked values, inverses, and the rule of 500 mm against all T."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest

from jangin.errors import JanginError
from jangin.safety.separation import (
    Approach,
    Braking,
    Stop,
    general_separation,
    permitted_response,
    permitted_robot_speed,
    protective_separation,
    safeguard_distance,
)

STOP = Stop(time_s=0.3, distance_m=0.15)
CASE = {"person_m_s": 1.6, "reaction_s": 0.1, "margin_m": 0.208 + 0.1 + 0.02}
HAND = Approach(hand_mm_s=2000.0, walk_mm_s=1600.0, switch_mm=500.0, smallest_mm=100.0)
WALK = Approach(hand_mm_s=1600.0, walk_mm_s=1600.0, switch_mm=0.0, walking=True)


# ── speed and separation monitoring ──────────────────────────────────────────────────────────────────────────────


def test_worked_separation():
    """v_h 1.6, T_r 0.1, T_s 0.3, v_r 1, S_s 0.15, C 0.208, Z 0.1 + 0.02: 1.218 m, part by part."""
    found = protective_separation(STOP, robot_m_s=1.0, **CASE)
    assert dataclasses.astuple(found) == pytest.approx((0.64, 0.1, 0.15, 0.328))
    assert found.total_m == pytest.approx(1.218, abs=1e-12)


def test_separation_of_nothing_is_nothing():
    """A robot that stands, a person who stands, no margin: 0; each part alone is the whole."""
    still = {"person_m_s": 0.0, "robot_m_s": 0.0, "reaction_s": 0.1}
    assert protective_separation(Stop(0.3, 0.0), **still).total_m == 0.0
    assert protective_separation(Stop(0.3, 0.15), **still).total_m == 0.15
    assert protective_separation(Stop(0.3, 0.0), **still, margin_m=0.2).total_m == 0.2


@pytest.mark.parametrize("stop", [STOP, Braking(2.0), Braking(10.0)], ids=str)
def test_the_permitted_speed_undoes_the_separation(stop):
    """The speed that S_p permits is the speed S_p was for; a longer distance never permits less."""
    for v in (0.01, 0.25, 1.0, 3.0):
        s = protective_separation(stop, robot_m_s=v, **CASE).total_m
        assert permitted_robot_speed(s, stop, **CASE) == pytest.approx(v, rel=1e-9)
    speeds = [permitted_robot_speed(d, stop, **CASE) for d in np.linspace(0.0, 3.0, 40)]
    assert speeds == sorted(speeds)
    assert speeds[0] == 0.0


def test_no_speed_is_permitted_where_even_standing_needs_more():
    """Below what a robot at rest needs, the answer is to stand still; it is no negative speed."""
    assert permitted_robot_speed(0.2, STOP, **CASE) == 0.0
    assert permitted_robot_speed(0.2, Braking(5.0), **CASE) == 0.0
    resting = protective_separation(Braking(5.0), robot_m_s=0.0, **CASE).total_m
    assert permitted_robot_speed(resting, Braking(5.0), **CASE) == 0.0
    assert math.isinf(permitted_robot_speed(2.0, STOP, person_m_s=1.6, reaction_s=0.0))


def test_constant_braking_is_its_own_stop():
    """b: T_s = v/b, S_s = v^2/(2b); braking harder never needs more distance, and infinitely hard needs none."""
    halt = Braking(2.0).of(1.0)
    assert (halt.time_s, halt.distance_m) == (0.5, 0.25)
    totals = [protective_separation(Braking(b), robot_m_s=1.0, **CASE).total_m for b in (1.0, 2.0, 8.0, 1e9)]
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] == pytest.approx(1.6 * 0.1 + 0.1 + 0.328, abs=1e-6)


@pytest.mark.parametrize(("speed", "deceleration"), list(itertools.product((0.25, 1.0, 2.0), (1.0, 4.0))))
def test_the_general_form_contains_the_constant_one(speed, deceleration):
    """Slow twin: the integrals over a sampled stop at constant deceleration are the closed form's parts."""
    halt = Braking(deceleration).of(speed)
    braking = np.linspace(0.1, 0.1 + halt.time_s, 101)
    times = np.concatenate([[0.0], braking])
    robot = np.concatenate([[speed], speed - deceleration * (braking - 0.1)])
    robot[-1] = 0.0
    general = general_separation(times, np.full(len(times), 1.6), robot, reaction_s=0.1, margin_m=0.328)
    closed = protective_separation(Braking(deceleration), robot_m_s=speed, **CASE)
    assert dataclasses.astuple(general) == pytest.approx(dataclasses.astuple(closed), rel=1e-9)


def test_the_general_form_integrates_what_varies():
    """A person who stops walking half way, and a robot that brakes in two steps, by hand."""
    times = np.array([0.0, 0.1, 0.3, 0.5])
    found = general_separation(times, np.array([1.6, 1.6, 0.0, 0.0]), np.array([1.0, 1.0, 0.5, 0.0]), reaction_s=0.1)
    assert found.person_m == pytest.approx(0.16 + 0.16)
    assert found.reaction_m == pytest.approx(0.1)
    assert found.braking_m == pytest.approx(0.15 + 0.05)


@pytest.mark.parametrize(
    ("times", "robot", "reaction", "says"),
    [
        ([0.0, 0.1, 0.3], [1.0, 1.0, 0.5], 0.1, "The robot still moves at 0.5 m/s at the last time; give speeds until"),
        ([0.0, 0.2, 0.3], [1.0, 1.0, 0.0], 0.1, "The reaction time 0.1 s is not one of the times; add it to them."),
        ([0.0, 0.3, 0.1], [1.0, 1.0, 0.0], 0.1, "Give times that rise from 0"),
        ([0.0, 0.1, 0.3], [1.0, 0.0], 0.1, "as equally long lists"),
        ([0.0, 0.1, 0.3], [-1.0, 1.0, 0.0], 0.1, "that are not negative"),
    ],
)
def test_a_sampled_stop_must_be_one(times, robot, reaction, says):
    """Speeds that never reach standstill, or times out of order, are named."""
    with pytest.raises(JanginError) as e:
        general_separation(np.array(times), np.full(len(times), 1.6), np.array(robot), reaction_s=reaction)
    assert says in str(e.value)


# ── ISO 13855 ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("approach", "response", "intrusion", "distance"),
    [
        (HAND, 0.32, 0.0, 512.0),  # a curtain of 14 mm: 640 mm by hand, so 512 mm walking
        (HAND, 0.165, 0.0, 330.0),  # stays with the hand
        (HAND, 0.25, 0.0, 500.0),  # exactly at the switch
        (HAND, 0.28, 0.0, 500.0),  # 560 mm by hand, 448 mm walking: neither, but 500 mm
        (HAND, 0.25, 128.0, 528.0),  # a curtain of 30 mm
        (HAND, 0.01, 0.0, 100.0),  # never less
        (WALK, 0.3, 850.0, 1330.0),  # a zone that detects no hand
        (WALK, 0.3, 1120.0, 1600.0),  # a level zone 200 mm high: 1200 - 0.4 x 200
    ],
)
def test_worked_distances(approach, response, intrusion, distance):
    """The makers' worked examples and the corners of the rule [mm]."""
    assert safeguard_distance(approach, response_s=response, intrusion_mm=intrusion) == pytest.approx(distance)


def slow_rule(response, intrusion):
    """The rule as an operating manual words it, step by step."""
    s = 2000.0 * response + intrusion
    if s > 500.0:
        s = 1600.0 * response + intrusion
        if s <= 500.0:
            s = 500.0
    return max(s, 100.0)


def test_the_rule_for_every_response():
    """Slow twin on a grid: never decreasing in T, flat at 500 mm, and between the walking and the hand's distance."""
    for intrusion in (0.0, 80.0, 128.0, 208.0, 600.0):
        times = np.linspace(0.0, 1.0, 501)
        found = [safeguard_distance(HAND, response_s=t, intrusion_mm=intrusion) for t in times]
        assert found == [slow_rule(t, intrusion) for t in times]
        assert found == sorted(found)
        assert all(f >= 1600 * t + intrusion for t, f in zip(times, found))
        assert all(f <= max(2000 * t + intrusion, 100.0) for t, f in zip(times, found))


def test_the_supplement_is_added_to_no_less_than_any_reading():
    """Z after the rule is at least what the rule gives with Z inside it."""
    for response, z in itertools.product(np.linspace(0.0, 0.5, 101), (10.0, 60.0, 300.0)):
        after = safeguard_distance(HAND, response_s=response, intrusion_mm=50.0, supplement_mm=z)
        assert after >= slow_rule(response, 50.0 + z) - 1e-9


@pytest.mark.parametrize("approach", [HAND, WALK], ids=["hand", "walk"])
def test_the_permitted_response_is_the_longest(approach):
    """The distance suffices for the response it permits, and for none that is longer."""
    for distance, z in itertools.product((210.0, 300.0, 499.0, 500.0, 501.0, 900.0), (0.0, 40.0)):
        t = permitted_response(approach, distance_mm=distance, intrusion_mm=128.0, supplement_mm=z)
        need = [safeguard_distance(approach, response_s=s, intrusion_mm=128.0, supplement_mm=z) for s in (t, t + 1e-6)]
        assert need[0] <= distance + 1e-9
        assert need[1] > distance


def test_where_no_response_is_fast_enough():
    """A distance within what a hand reaches before it is noticed is refused with what it would take."""
    with pytest.raises(JanginError) as e:
        permitted_response(HAND, distance_mm=120.0, intrusion_mm=128.0)
    assert str(e.value) == (
        "At 120 mm no response is fast enough: 128 mm are needed however short it is. "
        "Move the detection zone away, or use one that is finer."
    )


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Stop(-0.1, 0.0), "The stopping time is -0.1 s; give a number of at least 0."),
        (lambda: Braking(0.0), "The deceleration is 0 m/s^2; give a finite number above 0."),
        (
            lambda: protective_separation(STOP, person_m_s=-1.0, robot_m_s=1.0, reaction_s=0.1),
            "The person's speed is -1 m/s; give a number of at least 0.",
        ),
        (
            lambda: safeguard_distance(HAND, response_s=math.nan, intrusion_mm=0.0),
            "The response time is nan s; give a number of at least 0.",
        ),
        (
            lambda: Approach(1600.0, 2000.0, 500.0),
            "The approach speeds are 1600 mm/s by hand and 2000 mm/s walking; both must be above 0, and walking not "
            "the faster one.",
        ),
    ],
)
def test_impossible_values_are_named(call, says):
    """What came, and what was allowed."""
    with pytest.raises(JanginError) as e:
        call()
    assert str(e.value) == says
