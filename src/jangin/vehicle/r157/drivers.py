"""The reference drivers, each with the reading of the regulation it stands for.

    driver = CarefulHuman()                       # the Joint Research Centre's (JRC) reading
    reaction = driver.begin(n=256)
    acceleration_m_s2 = reaction.act(seen)        # (256,), <= 0: reference drivers never accelerate

Their fields are the readings; `READINGS` names those that are in use, and three open codes disagree on them:

    careful-human            perceives when the boxes overlap in width; JRC: no further time to perceive the risk
    careful-human-0.72m      perceives when the cutting-in vehicle has come 0.72 m off its line
    careful-human-1.15s      perceives beyond the 0.375 m that vehicles wander; 0.4 s for the risk, 0.75 s to the brake
    careful-human-aeb        careful-human with automatic emergency braking at 0.85 g below 1.2 s, once the boxes
                             overlap in width
    reg157                   the formula of 5.2.5.2, from a lateral gap of 0.5 m on; JRC adds 0.1 s
    rss                      responsibility-sensitive safety in JRC's constants
    rss-ieee                 the same in the constants of ad-rss-lib; not the one in JRC's counts
    fuzzy                    the fuzzy safety model

Kept from JRC, because the published counts contain it:
    Time to collision is |gap / closing speed|, so that a driver a hair behind a vehicle that draws away still brakes.
    Nobody reacts to a vehicle whose centre is behind his own.
    The careful human has seen no conflict in a cut-in that is in his lane, still ahead, with a time to collision of
    2 s or more. A contact after that is not counted against him: `excused`.

Sources: UN R157, annex 4, appendix 3, and 5.2.5.2; the others as in criteria.py. R157-derived, never a type approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from jangin.errors import UnknownName
from jangin.vehicle.r157.criteria import (
    IEEE_RSS,
    JRC_FUZZY,
    JRC_RSS,
    Fuzzy,
    RssConstants,
    fsm_demand_m_s2,
    fsm_gap_m,
    reg157_ttc_needed_s,
    rss_lateral_gap_m,
    rss_longitudinal_gap_m,
    rss_steady_gap_m,
)
from jangin.vehicle.r157.disturbances import BESIDE_M, LENGTH_M, RATE_HZ, STEP_S, WANDER_M, Seen

__all__ = ["READINGS", "CarefulHuman", "FuzzyModel", "ReferenceDriver", "Reg157", "Rss", "reading"]

Array = np.ndarray

G_M_S2 = 9.81
_NO_DEMAND_M_S2 = 1e-9  # what rounding makes of a gap that is exactly the safe one
_BRAKE_M_S2, _JERK_M_S3 = 0.774 * G_M_S2, 12.65  # full braking, reached in 0.6 s


# ── careful human ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class CarefulHuman:
    """The competent and careful human driver of annex 4, appendix 3.

    Attributes:
        off_line_m: he perceives a cut-in when the other has come so far off its line towards his, centre to centre.
            1.6 m is when the boxes begin to overlap in width.
        critical_ttc_s: he brakes for a cut-in below this time to collision.
        delay_s: from perceiving to braking; he coasts meanwhile.
        coast_m_s2: deceleration of coasting.
        jerk_m_s3, brake_m_s2: how fast he brakes, and how hard at most.
        lead_brake_m_s2: for a vehicle in front in his lane, he brakes if it stands or brakes harder.
            The regulation says 5; it gives no start for softer leads, so JRC brakes for every one.
        lead_headway_s: and if its time gap is below. The regulation says 2.
        aeb_ttc_s, aeb_brake_m_s2: automatic emergency braking below this time to collision, if in his lane; 0 is none.
    """

    off_line_m: float = 1.6
    critical_ttc_s: float = 2.0
    delay_s: float = 0.75
    coast_m_s2: float = 0.4
    jerk_m_s3: float = _JERK_M_S3
    brake_m_s2: float = _BRAKE_M_S2
    lead_brake_m_s2: float = 0.0
    lead_headway_s: float = np.inf
    aeb_ttc_s: float = 0.0
    aeb_brake_m_s2: float = 0.85 * G_M_S2

    def begin(self, n: int) -> _CarefulHuman:
        """A fresh reaction to n scenarios."""
        return _CarefulHuman(self, n)

    def steady_gap_m(self, speed_m_s: Array) -> Array:
        """The gap he keeps while he follows: 2 s."""
        return 2.0 * np.asarray(speed_m_s, float)


class _CarefulHuman:
    def __init__(self, driver: CarefulHuman, n: int) -> None:
        self.driver, self.pedal = driver, _Pedal(n, driver.delay_s, driver.jerk_m_s3, driver.brake_m_s2)
        self.aeb = _Pedal(n, 0.0, driver.aeb_brake_m_s2 / 0.6, driver.aeb_brake_m_s2)
        self.from_side, self.alarmed, self.excused = (np.zeros(n, bool) for _ in range(3))

    def act(self, seen: Seen) -> Array:
        d, ahead, ttc = self.driver, _ahead(seen), _ttc(seen)
        in_lane = ahead & (seen.lateral_gap_m <= 0.0)
        self.from_side |= seen.lateral_gap_m > 0.0
        soon = ttc < d.critical_ttc_s
        cut_in = self.from_side & ahead & (np.abs(seen.lateral_m) <= BESIDE_M - d.off_line_m)
        self.excused |= cut_in & ~soon
        headway_s = np.divide(seen.gap_m, seen.speed_m_s, out=np.full(ttc.shape, np.inf), where=seen.speed_m_s > 0.0)
        stops = (seen.other_speed_m_s == 0.0) | (-seen.other_acceleration_m_s2 > d.lead_brake_m_s2)
        lead = ~self.from_side & in_lane & stops & (headway_s <= d.lead_headway_s * (1.0 + 1e-9))
        self.alarmed |= lead | (cut_in & soon)
        brakes = self.alarmed & ahead & (soon | ~self.from_side)
        human = np.where(self.pedal.waiting & self.alarmed & ahead, d.coast_m_s2, 0.0)
        human = human + self.pedal.press(self.alarmed & ahead, brakes, begin_m_s2=d.coast_m_s2)
        emergency = in_lane & (seen.closing_m_s > 0.0) & (ttc < d.aeb_ttc_s)
        machine = self.aeb.press(emergency, emergency)
        return -np.maximum(human, machine)


# ── the regulation's formula ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Reg157:
    """A driver who brakes as 5.2.5.2 supposes.

    Attributes:
        lateral_gap_m: a cut-in is visible from this free width on.
        delay_s, brake_m_s2: of the formula v_rel / (2 brake) + delay.
        added_s: what JRC adds to it: a period of its clock.
    """

    lateral_gap_m: float = 0.5
    delay_s: float = 0.35
    brake_m_s2: float = 6.0
    added_s: float = 0.1

    def begin(self, n: int) -> _Reg157:
        """A fresh reaction to n scenarios."""
        return _Reg157(self, n)


class _Reg157:
    def __init__(self, driver: Reg157, n: int) -> None:
        self.driver, self.pedal = driver, _Pedal(n, driver.delay_s, np.inf, driver.brake_m_s2)
        self.alarmed, self.excused = np.zeros(n, bool), np.zeros(n, bool)

    def act(self, seen: Seen) -> Array:
        d = self.driver
        needed = reg157_ttc_needed_s(seen.closing_m_s, d.brake_m_s2, d.delay_s + d.added_s)
        soon = _ahead(seen) & (_ttc(seen) < needed)
        self.alarmed |= soon & (seen.lateral_gap_m <= d.lateral_gap_m)
        return -self.pedal.press(self.alarmed, self.alarmed & soon)


# ── responsibility-sensitive safety ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Rss:
    """A driver who brakes while both of RSS's distances are too small.

    Attributes:
        constants: of the distances; the response time is also the delay of the first braking.
        jerk_m_s3, brake_m_s2: how fast and how hard he brakes.
    """

    constants: RssConstants = JRC_RSS
    jerk_m_s3: float = _JERK_M_S3
    brake_m_s2: float = _BRAKE_M_S2

    def begin(self, n: int) -> _Rss:
        """A fresh reaction to n scenarios."""
        return _Rss(self, n)

    def steady_gap_m(self, speed_m_s: Array) -> Array:
        """The gap he keeps while he follows: safe even if the leader's braking is noticed a response time late."""
        return rss_steady_gap_m(speed_m_s, self.constants)


class _Rss:
    def __init__(self, driver: Rss, n: int) -> None:
        self.driver, self.excused = driver, np.zeros(n, bool)
        self.pedal = _Pedal(n, driver.constants.response_s, driver.jerk_m_s3, driver.brake_m_s2)

    def act(self, seen: Seen) -> Array:
        c = self.driver.constants
        beside = seen.lateral_gap_m < rss_lateral_gap_m(np.abs(seen.other_lateral_speed_m_s), constants=c)
        near = seen.gap_m < rss_longitudinal_gap_m(seen.speed_m_s, seen.other_speed_m_s, c)
        unsafe = _ahead(seen) & beside & near
        return -self.pedal.press(unsafe, unsafe)


# ── fuzzy model ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class FuzzyModel:
    """A driver who brakes as hard as the fuzzy model asks, unless he is past before the other is in his lane.

    Attributes:
        constants: of the model; the response time is also the delay of the first braking.
        jerk_m_s3, brake_m_s2: how fast and how hard he brakes at most.
        spare_s: how much earlier than the other he must be past.
    """

    constants: Fuzzy = JRC_FUZZY
    jerk_m_s3: float = _JERK_M_S3
    brake_m_s2: float = _BRAKE_M_S2
    spare_s: float = 0.1

    def begin(self, n: int) -> _Fuzzy:
        """A fresh reaction to n scenarios."""
        return _Fuzzy(self, n)

    def steady_gap_m(self, speed_m_s: Array) -> Array:
        """The gap he keeps while he follows: the smallest at which the model asks for nothing."""
        return fsm_gap_m(speed_m_s, speed_m_s, self.constants)


class _Fuzzy:
    def __init__(self, driver: FuzzyModel, n: int) -> None:
        self.driver, self.excused = driver, np.zeros(n, bool)
        self.pedal = _Pedal(n, driver.constants.response_s, driver.jerk_m_s3, driver.brake_m_s2)

    def act(self, seen: Seen) -> Array:
        demand = fsm_demand_m_s2(
            seen.gap_m, seen.speed_m_s, seen.other_speed_m_s, seen.acceleration_m_s2, self.driver.constants
        )
        concerned = _ahead(seen) & ~self._passes(seen) & (demand > _NO_DEMAND_M_S2)
        return -self.pedal.press(concerned, concerned, at_most_m_s2=demand)

    def _passes(self, seen: Seen) -> Array:
        """Whether the other is still beside and comes too late: its lateral headway exceeds the time until past it."""
        beside = seen.lateral_gap_m > 0.0
        sideways, closing = np.abs(seen.other_lateral_speed_m_s), seen.closing_m_s
        comes_s = np.divide(seen.lateral_gap_m, sideways, out=np.full(closing.shape, np.inf), where=sideways > 0.0)
        past_s = np.divide(
            seen.gap_m + 2.0 * LENGTH_M, closing, out=np.full(closing.shape, np.inf), where=closing != 0.0
        )
        return beside & ((sideways == 0.0) | (comes_s > past_s + self.driver.spare_s))


# ── what they share ──────────────────────────────────────────────────────────────────────────────────────────────


class _Pedal:
    """n brake pedals: the first press takes a delay, then deceleration grows with limited jerk and is remembered."""

    def __init__(self, n: int, delay_s: float, jerk_m_s3: float, most_m_s2: float) -> None:
        self.left_s, self.brake_m_s2 = np.full(n, delay_s), np.zeros(n)
        self.rise_m_s2, self.most_m_s2 = jerk_m_s3 / RATE_HZ, most_m_s2

    @property
    def waiting(self) -> Array:
        """(n,) where a press would still be within the delay."""
        return self.left_s > 0.0

    def press(
        self, wanted: Array, braking: Array, at_most_m_s2: Array | float = np.inf, begin_m_s2: float = 0.0
    ) -> Array:
        """(n,) decelerations >= 0: time passes where a press is `wanted`, and after the delay `braking` ones brake."""
        waits = wanted & self.waiting
        brakes = braking & ~self.waiting
        self.left_s = np.where(waits, self.left_s - STEP_S, self.left_s)
        grown = np.minimum(np.minimum(self.brake_m_s2 + self.rise_m_s2, at_most_m_s2), self.most_m_s2)
        self.brake_m_s2 = np.where(brakes, grown, np.where(waits, begin_m_s2, self.brake_m_s2))
        return np.where(brakes, self.brake_m_s2, 0.0)


def _ahead(seen: Seen) -> Array:
    """Where the other vehicle's centre is in front of the subject vehicle's."""
    return seen.gap_m > -LENGTH_M


def _ttc(seen: Seen) -> Array:
    """|gap / closing speed|, as JRC has it; inf at equal speeds."""
    out = np.full(seen.gap_m.shape, np.inf)
    return np.abs(np.divide(seen.gap_m, seen.closing_m_s, out=out, where=seen.closing_m_s != 0.0))


ReferenceDriver = CarefulHuman | Reg157 | Rss | FuzzyModel

READINGS: Mapping[str, ReferenceDriver] = MappingProxyType(
    {
        "careful-human": CarefulHuman(),
        "careful-human-0.72m": CarefulHuman(off_line_m=0.72),
        "careful-human-1.15s": CarefulHuman(off_line_m=WANDER_M, delay_s=0.4 + 0.75),
        "careful-human-aeb": CarefulHuman(aeb_ttc_s=1.2),
        "reg157": Reg157(),
        "rss": Rss(),
        "rss-ieee": Rss(IEEE_RSS, brake_m_s2=IEEE_RSS.least_brake_m_s2),
        "fuzzy": FuzzyModel(),
    }
)


def reading(name: str) -> ReferenceDriver:
    """The reference driver of a name; raises UnknownName."""
    try:
        return READINGS[name]
    except KeyError:
        raise UnknownName("reference driver", name, READINGS) from None
