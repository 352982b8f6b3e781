"""What the arrays of a world of yards hold: one number a column, the same names in compiled code and in Python.

    car[sim, X]               # the vehicle: its rear axle
    box[sim, k]               # (x, y, heading, length, width) of what stands still; length 0: nothing
    trial[sim, GOAL_X]        # what this simulation was begun with and what it has seen so far
    settings[SUBSTEP]         # of the task, the same for all simulations

The frame is the place's: its middle is the origin, its open end lies to +x, y is to the left looking out of it. The
body that is placed is the last one: the car, or the trailer.
"""

from __future__ import annotations

__all__: list[str] = []

# ── car ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
(
    X,  # of the rear axle, where the hitch is [m]
    Y,
    HEADING,  # [rad]
    SPEED,  # [m/s]
    STEER,  # of the front wheels [rad]
    HITCH,  # the trailer's heading minus the truck's [rad]
) = range(6)
NCAR = 6

# ── trial ───────────────────────────────────────────────────────────────────────────────────────────────────────────
(
    TICKS,  # substeps done
    GOAL_X,  # of the centre of the body that is placed [m]
    GOAL_Y,
    GOAL_HEADING,
    LAG,  # time constant of the drive [s]
    STEER_LAG,  # and of the steering [s]
    STEER_OFFSET,  # by which the wheels are off what is told [rad]
    SLOPE,  # of the ground, rising to +x
    TOLD_SPEED,  # behind the lag [m/s]
    TOLD_RATE,  # [rad/s]
    NOISE,  # factor on the sensors' noise
    LATENCY,  # of what is seen [substeps], not a whole number
    FREE_LEFT,  # from the place's axis to what stands on its left [m]
    FREE_RIGHT,
    MOUTH,  # x where the place opens [m]
    APRON,  # from there to what is opposite [m]
    LOW_X,  # the yard's ends [m]
    HIGH_X,
    LOW_Y,
    HIGH_Y,
    MIN_GAP,  # smallest distance to anything so far [m]
    PEAK_SPEED,  # [m/s]
    PEAK_HITCH,  # [rad]
    IMPACT,  # speed of the contact [m/s]
    TURNS,  # changes of direction
    DIRECTION,  # it last drove in: +1, -1, or 0 at the start
    GAP,  # now [m]
    FIRST_MISS,  # how far from the goal the trial began [m]
) = range(28)
NTRIAL = 28

# ── settings ────────────────────────────────────────────────────────────────────────────────────────────────────────
(
    SUBSTEP,  # [s]
    PER_PERIOD,
    LAST_TICK,
    WHEELBASE,  # of the car or truck [m]
    LENGTH,  # of its box
    WIDTH,
    AHEAD,  # from the rear axle forward to the middle of the box [m]
    TRAILER,  # 1: there is one
    TRAILER_BASE,  # hitch to trailer axle [m]
    TRAILER_LENGTH,
    TRAILER_WIDTH,
    TRAILER_BEHIND,  # from the hitch back to the middle of its box [m]
    STEER_MAX,
    STEER_RATE,
    SPEED_MIN,
    SPEED_MAX,
    ACCEL,  # the most, either way [m/s^2]
    HITCH_MAX,  # beyond it truck and trailer touch [rad]
    NEAR_M,  # tolerance of the place [m]
    NEAR_RAD,  # and of the heading [rad]
    RANGE,  # of the distance sensors [m]
) = range(21)
NSETTINGS = 21

RUNNING, SUCCESS, TIMEOUT, COLLISION, OFF_YARD, JACKKNIFE, INVALID_STATE = range(7)
HISTORY = 8  # substeps of the past that are kept for late sensors
