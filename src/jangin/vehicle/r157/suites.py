"""Suites of concrete scenarios: the Joint Research Centre's three grids, and random ones inside their range.

    suite = cut_in_grid("low")                                   # CutIn, 15,930 scenarios
    can_be_avoided = preventable(suite, CarefulHuman())          # (15930,) bool: where that driver does not crash
    policy_crashed = simulate(suite, policy).crashed & can_be_avoided          # must be empty to be as careful

    drawn = drawn_cut_ins(CUT_IN_CONDITIONS.at(rng.random((n, 4))))            # CutIn inside the continuous range

A driver's preventable set is the complement of his own crashes, excused contacts included: what he does not answer for
he is not blamed for, but nobody has shown that it can be prevented either; `preventable` leaves those out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from jangin.errors import UnknownName
from jangin.task import Condition, Conditions, Uniform
from jangin.vehicle.r157.disturbances import CutIn, CutOut, Deceleration, Disturbance, Driver, simulate
from jangin.vehicle.r157.drivers import CarefulHuman, FuzzyModel, Rss

__all__ = [
    "CUT_IN_CONDITIONS",
    "CUT_OUT_CONDITIONS",
    "DECELERATION_CONDITIONS",
    "cut_in_grid",
    "cut_out_grid",
    "deceleration_grid",
    "drawn_cut_ins",
    "drawn_cut_outs",
    "drawn_decelerations",
    "preventable",
]

Array = np.ndarray
Following = CarefulHuman | FuzzyModel | Rss  # drivers with a gap of their own at a steady speed

_KMH = 1.0 / 3.6
_G_M_S2 = 9.81


# ── grids ────────────────────────────────────────────────────────────────────────────────────────────────────────


def cut_in_grid(speeds: Literal["low", "high"]) -> CutIn:
    """JRC's cut-ins, in the order ego speed, other speed, gap, lateral speed; raises UnknownName.

    low: ego 10..60 km/h by 10, other slower by steps of 10, gap 1..59 m by 1: 15,930 scenarios.
    high: ego 70, 90, 110, 130 km/h, other from 10 by 30, gap 1..119 m by 2: 14,040 scenarios.
    Both: lateral speed 0..1.7 m/s by 0.1; those of 0 never cut in.
    """
    if speeds not in ("low", "high"):
        raise UnknownName("cut-in grid", str(speeds), ("low", "high"))
    low = speeds == "low"
    egos, step = (range(10, 61, 10), 10) if low else (range(70, 131, 20), 30)
    pairs = np.array([(ego, other) for ego in egos for other in range(10, ego, step)], float)
    gaps = np.arange(1.0, 60.0) if low else np.arange(1.0, 120.0, 2.0)
    pair, gap, lateral = _product(np.arange(len(pairs)), gaps, np.arange(0.0, 1.8, 0.1))
    ego, other = pairs[pair.astype(int)].T
    return CutIn(ego / 3.6, other / 3.6, gap, lateral)


def cut_out_grid(driver: Following) -> CutOut:
    """JRC's 5,850 cut-outs, in the order speed, front gap, lateral speed, each at the driver's own steady gap.

    Speed 10..130 km/h by 10, front gap 2..147 m by 5, lateral speed 0.1..2.9 m/s by 0.2.
    """
    speed, front, lateral = _product(
        np.arange(10.0, 131.0, 10.0) / 3.6, np.arange(2.0, 148.0, 5.0), np.arange(0.1, 3.0, 0.2)
    )
    return CutOut(speed, driver.steady_gap_m(speed), front, lateral)


def deceleration_grid(driver: Following) -> Deceleration:
    """JRC's 1,121 braking leaders, in the order deceleration, speed, each at the driver's own steady gap.

    Deceleration 0.05..0.95 g by 0.05, speed 12..128 km/h by 2.
    """
    deceleration, speed = _product(np.arange(0.05, 0.96, 0.05) * _G_M_S2, np.arange(12.0, 129.0, 2.0) / 3.6)
    return Deceleration(speed, driver.steady_gap_m(speed), deceleration)


def preventable(scenarios: Disturbance, driver: Driver) -> Array:
    """(n,) bool: where this driver has no contact, counted or excused."""
    return ~simulate(scenarios, driver).contact


def _product(*axes: Array) -> tuple[Array, ...]:
    """All combinations, the last axis fastest; one (n,) array an axis."""
    return tuple(a.ravel() for a in np.meshgrid(*axes, indexing="ij"))


# ── random scenarios ─────────────────────────────────────────────────────────────────────────────────────────────

# The other vehicle's speed is a share of the subject vehicle's: independent conditions, yet always slower.
CUT_IN_CONDITIONS = Conditions(
    (
        Condition("speed_m_s", "m/s", Uniform(10.0 * _KMH, 130.0 * _KMH), "subject vehicle, before it reacts"),
        Condition("other_share", "", Uniform(0.1, 1.0), "speed of the cutting-in vehicle, as a share of it"),
        Condition("gap_m", "m", Uniform(1.0, 119.0), "bumper to bumper, when it has its lateral speed"),
        Condition("lateral_speed_m_s", "m/s", Uniform(0.1, 1.7), "of the cutting-in vehicle"),
    )
)

CUT_OUT_CONDITIONS = Conditions(
    (
        Condition("speed_m_s", "m/s", Uniform(10.0 * _KMH, 130.0 * _KMH), "subject vehicle and leader"),
        Condition("headway_s", "s", Uniform(1.0, 2.0), "gap to the leader over speed"),
        Condition("front_gap_m", "m", Uniform(2.0, 147.0), "from the leader to the standing vehicle"),
        Condition("lateral_speed_m_s", "m/s", Uniform(0.1, 2.9), "of the leader that leaves"),
    )
)

DECELERATION_CONDITIONS = Conditions(
    (
        Condition("speed_m_s", "m/s", Uniform(12.0 * _KMH, 128.0 * _KMH), "subject vehicle and leader"),
        Condition("headway_s", "s", Uniform(1.0, 2.0), "gap to the leader over speed"),
        Condition("deceleration_m_s2", "m/s^2", Uniform(0.05 * _G_M_S2, 0.95 * _G_M_S2), "of the leader"),
    )
)


def drawn_cut_ins(drawn: Mapping[str, Array]) -> CutIn:
    """The cut-ins of drawn conditions, as `CUT_IN_CONDITIONS.at` gives them."""
    speed = np.asarray(drawn["speed_m_s"], float)
    return CutIn(speed, speed * drawn["other_share"], drawn["gap_m"], drawn["lateral_speed_m_s"])


def drawn_cut_outs(drawn: Mapping[str, Array]) -> CutOut:
    """The cut-outs of drawn conditions, as `CUT_OUT_CONDITIONS.at` gives them."""
    speed = np.asarray(drawn["speed_m_s"], float)
    return CutOut(speed, speed * drawn["headway_s"], drawn["front_gap_m"], drawn["lateral_speed_m_s"])


def drawn_decelerations(drawn: Mapping[str, Array]) -> Deceleration:
    """The braking leaders of drawn conditions, as `DECELERATION_CONDITIONS.at` gives them."""
    speed = np.asarray(drawn["speed_m_s"], float)
    return Deceleration(speed, speed * drawn["headway_s"], drawn["deceleration_m_s2"])
