"""What the arrays of a world of aisles hold: one number a column, the same names in compiled code and in Python.

    body[sim, k, X]           # k = 0 the driven vehicle, then people, then other vehicles
    rack[sim, k]              # (x, y, heading, length, width) of what never moves
    trial[sim, GOAL_X]        # what this simulation was begun with and what it has seen so far
    settings[SUBSTEP]         # of the task, the same for all simulations

The aisle runs along x, its middle is y = 0, y is to the left. A pose is that of a box's centre, here also the middle of
the driven axle.
"""

from __future__ import annotations

__all__: list[str] = []

# ── body: one row each ──────────────────────────────────────────────────────────────────────────────────────────────
(
    X,  # [m]
    Y,  # [m]
    HEADING,  # [rad]
    VX,  # velocity, in the aisle's frame [m/s]
    VY,
    LENGTH,  # of the box [m]
    WIDTH,
    KIND,  # one of the kinds below
    SPEED,  # forward [m/s]; of vehicles
    YAW_RATE,  # [rad/s]; of the driven vehicle
    PHASE,  # of a person: one of the phases below
    PACE,  # how fast it walks or drives when nothing is in the way [m/s]
    TO_X,  # where it walks to [m]
    TO_Y,
    ALONG,  # +1: it goes along x, -1: against it
    REACTS_M,  # of a person: the distance at which it makes way for vehicles [m]
    TRIGGER_M,  # one who waits steps out when the driven vehicle's front is this near along the aisle [m]
    STOP_AT_S,  # a person stops after walking so long [s]
    STOP_FOR_S,  # for so long; counts down [s]
    WALKED_S,
) = range(20)
NBODY = 20

NOBODY, ROBOT, PERSON, DRIVES, PARKED = range(5)
WAITS, CROSSES, WALKS = range(3)

# ── trial: one row a simulation ─────────────────────────────────────────────────────────────────────────────────────
(
    TICKS,  # substeps done
    HALF_WIDTH,  # of the aisle [m]
    GOAL_X,  # [m]
    GOAL_Y,
    BRAKE,  # deceleration with this load on this floor [m/s^2]
    ACCEL,  # likewise acceleration
    LAG,  # time constant of the drive [s]
    TOLD_SPEED,  # command behind the lag [m/s]
    TOLD_YAW,  # [rad/s]
    RANGE,  # of the scanner [m]
    NOISE,  # factor on the sensors' noise
    LATENCY,  # of what is seen of others [substeps], not a whole number
    OPEN_LEFT_1,  # middles of the openings between racks [m]
    OPEN_LEFT_2,
    OPEN_RIGHT_1,
    OPEN_RIGHT_2,
    MIN_GAP,  # smallest distance to anything so far [m]
    MIN_PERSON_GAP,  # to a person [m]
    PEAK_ZONE_SPEED,  # highest speed with a person in the zone so far [m/s]
    PEAK_DEFICIT,  # most by which the stopping distance exceeded the way to a person in the path [m]
    IMPACT,  # relative speed of the contact [m/s]; 0 without
    WAY,  # driven [m]
    ZONE_EXCESS,  # in the last period: by how much the zone's speed was exceeded at the most [m/s]
    DEFICIT,  # in the last period: of stopping distance, at the most [m]
    PERSON_GAP,  # now [m]
) = range(25)
NTRIAL = 25

# ── settings: of the task ───────────────────────────────────────────────────────────────────────────────────────────
(
    SUBSTEP,  # [s]
    PER_PERIOD,  # substeps a control period
    LAST_TICK,  # of a trial, by the clock
    SPEED_MIN,  # of the driven vehicle [m/s]
    SPEED_MAX,
    YAW_MAX,  # [rad/s]
    YAW_ACCEL,  # [rad/s^2]
    ZONE,  # a person nearer than this, in front or beside, is in the zone [m]
    ZONE_SPEED,  # the speed allowed then [m/s]
    TOLERANCE,  # the goal is reached so near to it [m]
    PEOPLE,  # bodies 1 .. PEOPLE are people
    END_LOW,  # ends of the aisle [m]
    END_HIGH,
) = range(13)
NSETTINGS = 13

# ── outcomes, in the world's order ──────────────────────────────────────────────────────────────────────────────────
RUNNING, SUCCESS, TIMEOUT, PERSON_CONTACT, VEHICLE_CONTACT, WALL, INVALID_STATE = range(7)
HISTORY = 8  # substeps of the past that are kept for late sensors
OPENING_M = 1.4  # width of an opening between racks
RACK_DEPTH_M = 1.1
NRACK = 10
PERSON_LENGTH_M, PERSON_WIDTH_M = 0.35, 0.50  # chest depth and shoulders
PERSON_RADIUS_M = 0.31  # half the diagonal
