"""Power and force limiting: worked values, limiting cases, and the trap of a wrong mass."""

from __future__ import annotations

import itertools
import math

import pytest

from jangin.errors import JanginError
from jangin.safety import default_profile
from jangin.safety.body import CONTACTS, Number, permitted
from jangin.safety.contact import peak_force, permitted_speed, reduced_mass, robot_mass, transferred_energy

REGIONS = default_profile().regions
FREE = {  # m/s at m_R = 5, 10 and 20 kg, transient
    "chest": (0.840, 0.626, 0.485),
    "abdomen": (1.044, 0.778, 0.602),
    "pelvis": (1.080, 0.805, 0.624),
    "back_shoulders": (1.065, 0.794, 0.615),
    "upper_arm_elbow": (1.265, 1.140, 1.072),
    "lower_arm_wrist": (1.339, 1.239, 1.187),
    "hand_finger": (1.397, 1.359, 1.340),
    "thigh_knee": (0.909, 0.662, 0.495),
    "lower_leg": (0.490, 0.357, 0.267),
}


def kg(value: float) -> Number:
    return Number(value, "kg", "test", True)


def cm2(value: float) -> Number:
    return Number(value, "cm2", "test", True)


@pytest.mark.parametrize(("region", "speeds"), FREE.items())
def test_worked_speeds(region, speeds):
    """Transient contact of a robot of 5, 10 and 20 kg effective mass with every region, to the printed digit."""
    for robot, speed in zip((5, 10, 20), speeds):
        found = permitted(REGIONS[region], kg(2 * robot), kg(0), contact="transient")
        assert found.speed_m_s == pytest.approx(speed, abs=5e-4), robot


def test_clamped_hand_cross_check():
    """Svarny et al. give 0.13 m/s for a UR10e and 0.16 m/s for an iiwa on a clamped hand at 140 N."""
    for robot, speed in ((15.5, 0.13), (10.2, 0.16)):
        found = permitted(REGIONS["hand_finger"], kg(2 * robot), kg(0), contact="quasi_static")
        assert found.force_n == 140.0
        assert round(found.speed_m_s, 2) == speed


def test_the_mass_of_a_leg_is_the_persons():
    """The profile has 75 kg for the lower leg; the 4 kg in circulation would permit 0.628 m/s instead of 0.357."""
    leg = REGIONS["lower_leg"]
    assert leg.mass.value == 75.0
    right = permitted(leg, kg(20), kg(0), contact="transient").speed_m_s
    wrong = permitted_speed(force_n=260.0, stiffness_n_m=60e3, reduced_kg=reduced_mass(body_kg=4.0, robot_kg=10.0))
    assert right == pytest.approx(0.357, abs=5e-4)
    assert wrong == pytest.approx(0.628, abs=5e-4)
    assert wrong / right == pytest.approx(1.76, abs=5e-3)


def test_half_the_moving_mass_and_the_whole_load():
    """m_R = M/2 + m_L."""
    assert robot_mass(moving_kg=20.0, payload_kg=2.0) == 12.0
    assert robot_mass(moving_kg=20.0, payload_kg=0.0) == 10.0


@pytest.mark.parametrize("robot", [0.5, 10.0, 300.0])
def test_an_infinite_body_is_a_clamped_one(robot):
    """As m_H grows, mu grows to m_R, which is exactly what the clamped formula uses."""
    mus = [reduced_mass(body_kg=m, robot_kg=robot) for m in (0.1, 1.0, 1e2, 1e4, 1e9)]
    assert mus == sorted(mus)
    assert mus[-1] == pytest.approx(robot, rel=1e-6)
    assert reduced_mass(body_kg=math.inf, robot_kg=robot) == robot
    assert reduced_mass(body_kg=robot, robot_kg=robot) == pytest.approx(robot / 2)


def test_reduced_mass_is_symmetric_and_below_both():
    """mu(a, b) = mu(b, a) < min(a, b)."""
    for a, b in itertools.product((0.6, 3.0, 40.0, 75.0), (1.0, 12.0, 200.0)):
        assert reduced_mass(body_kg=a, robot_kg=b) == pytest.approx(reduced_mass(body_kg=b, robot_kg=a))
        assert reduced_mass(body_kg=a, robot_kg=b) < min(a, b)


def test_force_and_speed_undo_each_other():
    """The force at the permitted speed is the permitted force, and its energy is that of the motion."""
    for force, k, mu in itertools.product((65.0, 280.0), (10e3, 150e3), (0.5, 12.0)):
        v = permitted_speed(force_n=force, stiffness_n_m=k, reduced_kg=mu)
        assert peak_force(speed_m_s=v, stiffness_n_m=k, reduced_kg=mu) == pytest.approx(force, rel=1e-12)
        assert transferred_energy(force_n=force, stiffness_n_m=k) == pytest.approx(mu * v**2 / 2, rel=1e-12)
    assert peak_force(speed_m_s=0.0, stiffness_n_m=1e3, reduced_kg=1.0) == 0.0


def test_the_model_is_a_mass_on_a_spring():
    """Slow twin: two masses meet through a spring, integrated in small steps; the peak force is v sqrt(k mu)."""
    body, robot, k, v, dt = 2.0, 12.0, 40e3, 1.2, 2e-7
    x1, x2, v1, v2, peak = 0.0, 0.0, v, 0.0, 0.0
    while (pressed := x1 - x2) >= 0.0:
        force = k * pressed
        peak = max(peak, force)
        v1 -= force / robot * dt
        v2 += force / body * dt
        x1 += v1 * dt
        x2 += v2 * dt
    mu = reduced_mass(body_kg=body, robot_kg=robot)
    assert peak == pytest.approx(peak_force(speed_m_s=v, stiffness_n_m=k, reduced_kg=mu), rel=1e-4)


@pytest.mark.parametrize("region", [r for r in REGIONS.values() if r.transient_factor], ids=lambda r: r.key)
@pytest.mark.parametrize("contact", CONTACTS)
def test_more_mass_is_never_faster(region, contact):
    """The permitted speed falls with the moving mass and with the load; the force does not depend on them."""
    found = [permitted(region, kg(m), kg(load), contact=contact) for m, load in ((4, 0), (10, 0), (10, 3), (80, 3))]
    speeds = [f.speed_m_s for f in found]
    assert speeds == sorted(speeds, reverse=True)
    assert len(set(speeds)) == 4
    assert len({f.force_n for f in found}) == 1


@pytest.mark.parametrize("region", [r for r in REGIONS.values() if r.transient_factor], ids=lambda r: r.key)
def test_a_clamped_part_bears_half_the_force_and_a_lower_speed(region):
    """Quasi-static: the transient force without its factor of 2, and a speed that is less than half."""
    free = permitted(region, kg(20), kg(2), contact="transient")
    clamped = permitted(region, kg(20), kg(2), contact="quasi_static")
    assert free.force_n == 2 * clamped.force_n
    assert clamped.speed_m_s < free.speed_m_s / 2


def test_pressure_bounds_the_force_of_a_small_area():
    """p A below the force governs; a large area leaves the force as it was; in between the smaller one decides."""
    hand = REGIONS["hand_finger"]
    plain = permitted(hand, kg(20), kg(2), contact="quasi_static")
    small = permitted(hand, kg(20), kg(2), contact="quasi_static", area=cm2(0.5))
    large = permitted(hand, kg(20), kg(2), contact="quasi_static", area=cm2(5.0))
    assert small.force_n == pytest.approx(190 * 0.5)
    assert small.speed_m_s / plain.speed_m_s == pytest.approx(95 / 140)
    assert large.force_n == plain.force_n
    assert "hand_finger.pressure" in small.used
    assert "hand_finger.pressure" not in plain.used
    free = permitted(hand, kg(20), kg(2), contact="transient", area=cm2(0.5))
    assert free.force_n == pytest.approx(2 * 190 * 0.5)


def test_the_numbers_used_are_those_of_the_contact():
    """A clamped contact uses no body mass and no factor; a transient one uses both."""
    free = set(permitted(REGIONS["chest"], kg(20), kg(2), contact="transient").used)
    clamped = set(permitted(REGIONS["chest"], kg(20), kg(2), contact="quasi_static").used)
    assert free - clamped == {"chest.mass", "chest.transient_factor"}
    assert clamped == {"chest.force", "chest.stiffness", "moving_mass", "payload"}


@pytest.mark.parametrize("region", ["face", "skull_forehead"])
def test_no_transient_contact_with_the_head(region):
    """Asked for, it is refused by name; what is permitted to a held part can still be asked."""
    with pytest.raises(JanginError) as e:
        permitted(REGIONS[region], kg(20), kg(0), contact="transient")
    assert str(e.value) == (
        f"No transient contact is permitted with the {REGIONS[region].words} ({region}). Keep the robot away from it; "
        "--clamped, or contact: quasi_static, asks for what is permitted to a part that is already held."
    )
    assert permitted(REGIONS[region], kg(20), kg(0), contact="quasi_static").force_n in (65.0, 130.0)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: robot_mass(moving_kg=-1.0, payload_kg=0.0), "The moving mass is -1 kg; give a finite number above 0."),
        (
            lambda: robot_mass(moving_kg=math.nan, payload_kg=0.0),
            "The moving mass is nan kg; give a finite number above 0.",
        ),
        (
            lambda: robot_mass(moving_kg=1.0, payload_kg=-1.0),
            "The payload is -1 kg; give the mass of tool and load, 0 or more.",
        ),
        (
            lambda: reduced_mass(body_kg=0.0, robot_kg=1.0),
            "The mass of the body part is 0 kg; give a finite number above 0.",
        ),
        (
            lambda: reduced_mass(body_kg=1.0, robot_kg=math.inf),
            "The effective mass of the robot is inf kg; give a finite number above 0.",
        ),
        (
            lambda: peak_force(speed_m_s=-0.1, stiffness_n_m=1.0, reduced_kg=1.0),
            "The speed is -0.1 m/s; give the relative speed at contact, 0 or more.",
        ),
        (
            lambda: permitted_speed(force_n=1.0, stiffness_n_m=0.0, reduced_kg=1.0),
            "The stiffness of the body part is 0 N/m; give a finite number above 0.",
        ),
        (
            lambda: permitted(REGIONS["neck"], kg(20), kg(0), contact="transient", area=cm2(0.0)),
            "The contact area is 0 cm2; give the smaller of the two surfaces, above 0.",
        ),
    ],
)
def test_impossible_values_are_named(call, says):
    """What came, and what was allowed."""
    with pytest.raises(JanginError) as e:
        call()
    assert str(e.value) == says
