"""The criteria of the reference drivers, as pure functions of arrays: what a run-time shield evaluates each period.

    rss_longitudinal_gap_m(speed_m_s=25.0, lead_speed_m_s=15.0)                   # 62.7 m in JRC's constants
    rss_longitudinal_gap_m(25.0, 15.0, constants=IEEE_RSS)                        # 114.2 m in ad-rss-lib's
    reg157_ttc_needed_s(relative_speed_m_s=10.0)                                  # 1.183 s
    fsm_demand_m_s2(gap_m, speed_m_s, lead_speed_m_s, acceleration_m_s2)          # what the fuzzy model asks for

Arguments broadcast; results are float64 arrays. `gap_m` is from bumper to bumper, speeds are along the lane, positive
forwards, a relative speed is the following vehicle's minus the leading one's. Nothing is checked: a shield calls these
every period.

Sources: UN R157 (5.2.3.3, 5.2.5.2), Shalev-Shwartz et al., arXiv:1708.06374 (RSS); Mattas et al., Accident Analysis &
Prevention 148 (2020) 105794 (fuzzy model); Regulation (EU) 2022/1426, annex III. R157-derived, never a type approval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = [
    "ANNEX_III_SPEED_KMH",
    "ANNEX_III_TTC_S",
    "IEEE_RSS",
    "JRC_FUZZY",
    "JRC_RSS",
    "MINIMUM_GAP",
    "Fuzzy",
    "RssConstants",
    "annex_iii_ttc_fit_s",
    "annex_iii_ttc_s",
    "crash_fuzziness",
    "fsm_demand_m_s2",
    "fsm_gap_m",
    "minimum_gap_m",
    "minimum_headway_s",
    "proactive_fuzziness",
    "reg157_ttc_needed_s",
    "rss_lateral_gap_m",
    "rss_longitudinal_gap_m",
    "rss_steady_gap_m",
]

Array = np.ndarray
Value = float | Array

# ── UN R157 ──────────────────────────────────────────────────────────────────────────────────────────────────────

# Table of 5.2.3.3: speed of the lane-keeping vehicle [km/h], minimum time gap [s]; between its rows, interpolated.
MINIMUM_GAP = ((7.2, 1.0), (10.0, 1.1), (20.0, 1.2), (30.0, 1.3), (40.0, 1.4), (50.0, 1.5), (60.0, 1.6))
_LEAST_GAP_M = 2.0


def minimum_headway_s(speed_m_s: Value) -> Array:
    """Minimum time gap of 5.2.3.3 at a speed, up to 60 km/h; beyond the table's ends, the value of its nearest row."""
    speeds_kmh, times_s = zip(*MINIMUM_GAP, strict=True)
    return np.asarray(np.interp(np.asarray(speed_m_s, float) * 3.6, speeds_kmh, times_s))


def minimum_gap_m(speed_m_s: Value) -> Array:
    """d_min of 5.2.3.3: speed times minimum time gap, and never less than 2 m."""
    return np.maximum(np.asarray(speed_m_s, float) * minimum_headway_s(speed_m_s), _LEAST_GAP_M)


def reg157_ttc_needed_s(relative_speed_m_s: Value, deceleration_m_s2: float = 6.0, delay_s: float = 0.35) -> Array:
    """Time to collision above which a cut-in's collision shall be avoided, of 5.2.5.2: v_rel / (2 * 6 m/s^2) + 0.35 s.

    It applies once the cutting-in vehicle's lane intrusion is visible. Not positive for a vehicle that draws away.
    """
    return np.asarray(relative_speed_m_s, float) / (2.0 * deceleration_m_s2) + delay_s


# ── Regulation (EU) 2022/1426, annex III ─────────────────────────────────────────────────────────────────────────

ANNEX_III_SPEED_KMH = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0)
ANNEX_III_TTC_S = {  # time to collision at lane intrusion, by relative speed
    "unbelted or standing": (0.74, 1.32, 1.90, 2.47, 3.05, 3.63),
    "others": (0.48, 0.71, 0.94, 1.18, 1.41, 1.64),
}
# Our fits v_rel / (2 b) + t to the printed table, not the regulation's text: deceleration b [m/s^2], delay t [s].
_ANNEX_III_FIT = {"unbelted or standing": (2.4, 0.16), "others": (6.0, 0.25)}


def annex_iii_ttc_s(relative_speed_m_s: Value, occupants: str = "others") -> Array:
    """Annex III's table, interpolated between its rows and held beyond its ends; raises KeyError for `occupants`."""
    kmh = np.asarray(relative_speed_m_s, float) * 3.6
    return np.asarray(np.interp(kmh, ANNEX_III_SPEED_KMH, ANNEX_III_TTC_S[occupants]))


def annex_iii_ttc_fit_s(relative_speed_m_s: Value, occupants: str = "others") -> Array:
    """A fit to annex III's table, within 0.01 s of every row; it is ours, the regulation prints the table alone."""
    deceleration_m_s2, delay_s = _ANNEX_III_FIT[occupants]
    return reg157_ttc_needed_s(relative_speed_m_s, deceleration_m_s2, delay_s)


# ── responsibility-sensitive safety ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class RssConstants:
    """What RSS leaves to its user.

    Attributes:
        response_s: response time rho of the vehicle whose distance is asked for.
        other_response_s: of the other one, where it closes laterally too.
        acceleration_m_s2: the most it may accelerate meanwhile.
        least_brake_m_s2: how hard it brakes afterwards, at least.
        most_brake_m_s2: how hard the leading vehicle may brake.
        lateral_acceleration_m_s2, lateral_brake_m_s2: the same, sideways.
        fluctuation_m: lateral fluctuation margin mu.
    """

    response_s: float
    other_response_s: float
    acceleration_m_s2: float
    least_brake_m_s2: float
    most_brake_m_s2: float
    lateral_acceleration_m_s2: float
    lateral_brake_m_s2: float
    fluctuation_m: float


# Two published sets that share nothing but the formula; a distance without the name of its set says little.
JRC_RSS = RssConstants(0.75, 0.0, 3.0, 6.0, 6.0, 1.0, 1.0, 0.3)  # the Joint Research Centre's R157 study
IEEE_RSS = RssConstants(1.0, 2.0, 3.5, 4.0, 8.0, 0.2, 0.8, 0.1)  # of the tests of ad-rss-lib, after IEEE 2846


def rss_longitudinal_gap_m(speed_m_s: Value, lead_speed_m_s: Value, constants: RssConstants = JRC_RSS) -> Array:
    """RSS's safe longitudinal gap behind a vehicle in the same direction (definition 1), >= 0.

    [v rho + a rho^2 / 2 + (v + a rho)^2 / (2 b_min) - v_l^2 / (2 b_max)]+
    """
    c, v, lead = constants, np.asarray(speed_m_s, float), np.asarray(lead_speed_m_s, float)
    after = v + c.acceleration_m_s2 * c.response_s
    travelled = v * c.response_s + c.acceleration_m_s2 * c.response_s**2 / 2.0 + after**2 / (2.0 * c.least_brake_m_s2)
    return np.asarray(np.maximum(travelled - lead**2 / (2.0 * c.most_brake_m_s2), 0.0))


def rss_steady_gap_m(speed_m_s: Value, constants: RssConstants = JRC_RSS) -> Array:
    """Gap at equal speeds that stays safe if the leader brakes and the response begins a response time later.

    Below b_max rho (4.5 m/s in JRC's constants) the leader would stop earlier than that. JRC lets it roll back for the
    rest of the response time, which asks for up to 0.17 m more; kept, for the counts rest on it.
    """
    c, v = constants, np.asarray(speed_m_s, float)
    slowed = np.maximum(v - c.most_brake_m_s2 * c.response_s, 0.0)
    led = v * c.response_s - c.most_brake_m_s2 * c.response_s**2 / 2.0
    return np.asarray(np.maximum(v * c.response_s + rss_longitudinal_gap_m(v, slowed, c) - led, 0.0))


def rss_lateral_gap_m(
    closing_m_s: Value, other_closing_m_s: Value | None = None, constants: RssConstants = JRC_RSS
) -> Array:
    """RSS's safe lateral gap to a vehicle beside (definition 6), never below the fluctuation margin.

    closing_m_s: lateral speed of one vehicle towards the other, negative where it draws away; `other_closing_m_s` of
    the other one towards it, None for one that keeps its line and answers for nothing (JRC's reading).
    For two that draw apart, ad-rss-lib drops the margin too.
    """
    c = constants
    travelled = _sideways_m(closing_m_s, c.response_s, c)
    if other_closing_m_s is not None:
        travelled = travelled + _sideways_m(other_closing_m_s, c.other_response_s, c)
    return np.asarray(c.fluctuation_m + np.maximum(travelled, 0.0))


def _sideways_m(closing_m_s: Value, response_s: float, c: RssConstants) -> Array:
    """How far a vehicle comes sideways: it speeds up for the response time, then brakes to a lateral standstill.

    What it still draws away while it brakes is not counted on.
    """
    v = np.asarray(closing_m_s, float)
    after = v + c.lateral_acceleration_m_s2 * response_s
    return (v + after) / 2.0 * response_s + np.maximum(after, 0.0) ** 2 / (2.0 * c.lateral_brake_m_s2)


# ── fuzzy model ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Fuzzy:
    """Constants of the fuzzy model.

    Attributes:
        response_s: response time.
        comfort_brake_m_s2, hard_brake_m_s2: the following vehicle's comfortable and hard braking.
        lead_brake_m_s2: how hard the leading vehicle may brake.
        margin_m: gap that is left at standstill.
        safe_margin_m: what the safe gap has on top.
    """

    response_s: float = 0.75
    comfort_brake_m_s2: float = 4.0
    hard_brake_m_s2: float = 6.0
    lead_brake_m_s2: float = 7.0
    margin_m: float = 2.0
    safe_margin_m: float = 2.0


JRC_FUZZY = Fuzzy()


def _ramp(value: Array, zero: Array, one: Array) -> Array:
    """0 from `zero` on, 1 up to `one` < zero, straight between; where the two coincide, a step."""
    width = zero - one
    slope = np.divide(zero - value, width, out=np.where(value < zero, 1.0, 0.0), where=width > 0.0)
    return np.clip(slope, 0.0, 1.0)


def proactive_fuzziness(gap_m: Value, speed_m_s: Value, lead_speed_m_s: Value, constants: Fuzzy = JRC_FUZZY) -> Array:
    """PFS in [0, 1]: how unsafe it would be if the leading vehicle braked now; 0 safe, 1 unsafe."""
    c, v, lead = constants, np.asarray(speed_m_s, float), np.asarray(lead_speed_m_s, float)
    led = lead**2 / (2.0 * c.lead_brake_m_s2)
    safe = v * c.response_s + v**2 / (2.0 * c.comfort_brake_m_s2) - led + c.safe_margin_m
    unsafe = v * c.response_s + v**2 / (2.0 * c.hard_brake_m_s2) - led
    return _ramp(np.asarray(gap_m, float) - c.margin_m, safe, unsafe)


def crash_fuzziness(
    gap_m: Value,
    speed_m_s: Value,
    lead_speed_m_s: Value,
    acceleration_m_s2: Value = 0.0,
    constants: Fuzzy = JRC_FUZZY,
) -> Array:
    """CFS in [0, 1]: how near a crash is if the leading vehicle keeps its speed; 0 where nothing closes in."""
    c, v, lead = constants, np.asarray(speed_m_s, float), np.asarray(lead_speed_m_s, float)
    gap, a = np.broadcast_arrays(np.asarray(gap_m, float), np.asarray(acceleration_m_s2, float))
    held = np.maximum(a, -c.comfort_brake_m_s2)  # no harder than comfortable while it responds
    after = v + c.response_s * held - lead  # relative speed when it has responded
    travelled = (v + c.response_s * held / 2.0 - lead) * c.response_s
    safe = travelled + after**2 / (2.0 * c.comfort_brake_m_s2)
    unsafe = travelled + after**2 / (2.0 * c.hard_brake_m_s2)
    enough = np.divide((v - lead) ** 2, 2.0 * np.abs(a), out=np.zeros(np.broadcast(v, lead, a).shape), where=a != 0)
    slowed = (gap < enough).astype(float)  # its braking alone takes the relative speed away: in time, or not
    return np.where(v <= lead, 0.0, np.where(after < 0.0, slowed, _ramp(gap, safe, unsafe)))


def fsm_demand_m_s2(
    gap_m: Value,
    speed_m_s: Value,
    lead_speed_m_s: Value,
    acceleration_m_s2: Value = 0.0,
    constants: Fuzzy = JRC_FUZZY,
) -> Array:
    """Deceleration that the fuzzy model asks for, >= 0: up to comfortable for PFS, from there to hard for CFS."""
    c = constants
    crash = crash_fuzziness(gap_m, speed_m_s, lead_speed_m_s, acceleration_m_s2, c)
    calm = c.comfort_brake_m_s2 * proactive_fuzziness(gap_m, speed_m_s, lead_speed_m_s, c)
    return np.where(crash > 0.0, c.comfort_brake_m_s2 + crash * (c.hard_brake_m_s2 - c.comfort_brake_m_s2), calm)


def fsm_gap_m(speed_m_s: Value, lead_speed_m_s: Value, constants: Fuzzy = JRC_FUZZY) -> Array:
    """Smallest gap at which the fuzzy model asks for nothing proactively."""
    c, v, lead = constants, np.asarray(speed_m_s, float), np.asarray(lead_speed_m_s, float)
    led = lead**2 / (2.0 * c.lead_brake_m_s2)
    free = v * c.response_s + v**2 / (2.0 * c.comfort_brake_m_s2) - led
    return np.asarray(free + c.safe_margin_m + c.margin_m)
