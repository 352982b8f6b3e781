"""What the arrays of a world of lanes hold: one number a column, the same names in compiled code and in Python.

    car[sim, k, S]            # where vehicle k is along the road; k = 0 is the one that is driven
    trial[sim, GOAL]          # what this simulation was begun with and what it has seen so far
    settings[SUBSTEP]         # of the task, the same for all simulations

Lane coordinates: `S` along the middle of the rightmost through lane, `D` to the left of it, headings relative to the
road. Lane k lies at D = k * width; lane -1 is the slip road, which ends. A vehicle's pose is that of its box's centre.
"""

from __future__ import annotations

__all__: list[str] = []

# ── car: one row a vehicle ──────────────────────────────────────────────────────────────────────────────────────────
(
    S,  # along the road [m]
    D,  # left of the middle of lane 0 [m]
    HEADING,  # relative to the road [rad]
    SPEED,  # [m/s]
    STEER,  # angle of the front wheels [rad]
    ACCEL,  # during the last substep [m/s^2]
    TARGET,  # the lane it is in or going to; a whole number
    PRESENT,  # 1, or 0 for one that waits outside for a gap to come in by
    LENGTH,  # of the box [m]
    WIDTH,  # [m]
    V0,  # desired speed [m/s]
    HEADWAY,  # [s]
    COMFORT_ACCEL,  # [m/s^2]
    COMFORT_DECEL,  # [m/s^2], positive
    JAM_GAP,  # [m]
    EXPONENT,
    POLITENESS,
    THRESHOLD,  # of a lane change [m/s^2]
    SAFE_DECEL,  # that a lane change may impose [m/s^2], positive
    KEEP_RIGHT,  # bias [m/s^2]
) = range(20)
NCAR = 20

# ── trial: one row a simulation ─────────────────────────────────────────────────────────────────────────────────────
(
    SUBSTEPS_DONE,
    CURVATURE,  # of the road, positive to the left [1/m]
    RAMP_END,  # where the slip road ends [m]; -inf without one
    START,  # S of the driven vehicle when the trial began [m]
    GOAL,  # how far it has to get [m]
    AHEAD,  # how far ahead of the driven vehicle traffic is simulated [m]
    BEHIND,  # and behind it [m]
    RANGE,  # of its sensors [m]
    LATENCY,  # of its sensors [substeps], not a whole number
    NOISE,  # factor on the noise of its sensors
    TARGET_SPEED,  # that it is told to drive [m/s]
    MIN_TTC,  # smallest time to collision so far [s]
    MIN_HEADWAY,  # smallest time gap so far [s]
    PEAK_DECEL,  # hardest braking so far [m/s^2], positive
    PEAK_DEFICIT,  # most by which the safe distance was undershot so far [m]
    IMPACT,  # relative speed of the collision [m/s]; 0 without
    LANE_CHANGES,  # of the driven vehicle, begun
    CORRECTED,  # substeps in which the shield changed what was asked for
    FROM_BEHIND,  # 1 if it was hit from behind
    SCRAPES,  # seconds in which two of the others overlap
    GAP_AHEAD,  # to its leader now [m], inf without
    TTC,  # now [s]
    SHIELDED,  # in the last period: share of its substeps that were corrected
) = range(23)
NTRIAL = 23

# ── settings: of the task ───────────────────────────────────────────────────────────────────────────────────────────
(
    SUBSTEP,  # [s]
    PER_PERIOD,  # substeps a control period
    LANES,
    LANE_WIDTH,  # [m]
    PEER,  # 1: vehicles follow each other by the gap of their centres, as highway-env's do
    WRAP,  # 1: who leaves the simulated stretch comes in again at its other end
    EGO_ACCEL,  # the most the driven vehicle accelerates [m/s^2]
    EGO_BRAKE,  # and brakes [m/s^2], positive
    TRACK_BRAKE,  # the most it brakes with for a lower speed that it is told [m/s^2], positive
    TRACK_S,  # time constant of driving the speed that it is told [s]
    SPEED_LOW,  # lowest of the speeds it can be told to drive [m/s]
    SPEED_STEP,  # between two of them [m/s]
    SPEEDS,  # how many
    CONTINUOUS,  # 1: actions are an acceleration and a steering rate
    SHIELD,  # 0 none, 1 RSS, 2 R157-derived
    STEER_MAX,  # [rad]
    STEER_RATE,  # [rad/s]
    WHEELBASE,  # of the driven vehicle [m]
    RSS_RESPONSE,  # [s]
    RSS_ACCEL,  # [m/s^2]
    RSS_BRAKE,  # that the shield itself brakes with at least [m/s^2], positive
    RSS_BRAKE_OTHER,  # the hardest expected of others [m/s^2], positive
    KINEMATICS,  # 1: highway-env's observation
    LAST_SUBSTEP,  # of a trial, by the clock
) = range(24)
NSETTINGS = 24

# ── outcomes, in the world's order ──────────────────────────────────────────────────────────────────────────────────
RUNNING, SUCCESS, TIMEOUT, COLLISION, OFF_ROAD, INVALID_STATE = range(6)
HISTORY = 8  # substeps of the past that are kept for late sensors

# ── what is seen of others ──────────────────────────────────────────────────────────────────────────────────────────
SLOTS = (
    "own_front", "own_rear", "left_front", "left_front_2", "left_rear", "right_front", "right_front_2", "right_rear",
)  # fmt: skip
GAP_NOISE_M, SPEED_NOISE_M_S, OFFSET_NOISE_M = 0.5, 0.3, 0.1  # standard deviations at a noise of 1
