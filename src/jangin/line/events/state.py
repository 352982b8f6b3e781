"""The arrays a compiled run works on: what the layout says, and where everything is now.

Integers and floats of one kind of thing lie in one array, a row per thing, a named column per fact. `Plant` is made
once from a layout (`tables.py`) and only read; `World` is one replication and changes at every event.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Plant", "World"]

Array = np.ndarray

# stations: columns of Plant.station
(S_MACHINE, S_MACHINES, S_BATCH, S_ASSEMBLE, S_SPLIT, S_BEFORE, S_REWORK_TO, S_REWORK_LIMIT, S_CYCLE, S_SETUP,
 S_SKILL, S_IN, S_INS, S_ROUTE, S_ROUTES, S_FIRST_TYPE, S_LIVE, S_BEHIND, S_AGAIN) = range(19)  # fmt: skip
# buffers and yards: columns of Plant.buffer
(B_CAPACITY, B_ORDER, B_TARGET, B_TARGETS, B_SOURCE, B_SOURCES, B_TRACKED, B_PLACES, B_RELEASE, B_PRIORITY,
 B_FLEET) = range(11)  # fmt: skip
# releases: columns of Plant.release
R_KIND, R_BUFFER, R_EVERY, R_WIP, R_SEQUENCE, R_SEQUENCES = range(6)
SATURATED, PUSH, CONWIP = range(3)
FIFO, LIFO, PRIORITY = range(3)

# machines: columns of World.machine
(M_STATION, M_ACT, M_HOLD, M_PARTS, M_FIRST, M_LAST, M_RUN, M_DEST, M_TYPE, M_PERSON, M_MODE, M_MENDER, M_EVENT,
 M_SHOWN, M_NEXT, M_WAITS, M_AHEAD, M_TODO, M_FATE, M_SET, M_HELPER, M_MENDING) = range(22)  # fmt: skip
# World.machine_s
N_LEFT, N_SINCE, N_RUN_SINCE, N_IDLE_SINCE = range(4)
# what a machine does
IDLE, HELD, CALLING, SETTING, RUNNING, FINISHED, FETCHED = range(7)
# why it stands still: bits of M_HOLD
DOWN, STOPPED, OFF = 1, 2, 4
# M_EVENT: what its activity slot will bring
RUN_ENDS = -1
GOOD, SCRAP, REWORK = range(3)

# failure modes of machines: columns of World.mode
F_MACHINE, F_TIMED, F_AFTER, F_REPAIR, F_SKILL, F_COUNT, F_STREAM, F_REPAIRS = range(8)
# buffers now: columns of World.level
L_PARTS, L_HEAD, L_TAIL, L_WAIT_HEAD, L_WAIT_TAIL, L_IN_WORK, L_BEHIND, L_KEPT = range(8)
# parts: columns of World.part
P_TYPE, P_REWORKS, P_NEXT = range(3)
# people: columns of World.person, and what a person does: nothing, comes, is there for request W_FOR
W_CREW, W_DOING, W_FOR, W_SHOWN = range(4)
FREE, COMING, THERE = range(3)
# World.person_s
H_X, H_Y, H_SINCE = range(3)

# vehicles: columns of World.vehicle, and what a vehicle does
V_FLEET, V_PHASE, V_MACHINE, V_BUFFER, V_PART, V_ZONE, V_NEXT, V_SHOWN, V_BROUGHT = range(9)
PARKED, TO_SOURCE, AT_SOURCE, LOADING, TO_TARGET, UNLOADING, TO_CHARGER, CHARGING = range(8)
# World.vehicle_s: where, driving since it was charged, since when in its state, most driving at the end of a drive
D_X, D_Y, D_DRIVEN, D_SINCE, D_MOST = range(5)
# Plant.fleet_s; World.zone
G_SPEED, G_LOAD, G_UNLOAD, G_DRIVE, G_RESERVE, G_CHARGE = range(6)
Z_FREE, Z_FIRST, Z_LAST = range(3)

# Plant.slots: the first slot of ..., how many slots, how many streams; Plant.streams: the first stream of ...
(X_REPAIRS, X_CLOCKS, X_RELEASES, X_CALENDARS, X_STOPS, X_VEHICLES, X_WARM_UP, X_SLOTS, X_STREAMS) = range(9)
(Y_CYCLES, Y_FATES, Y_ROUTES, Y_FAILURES, Y_ARRIVALS, Y_TYPES) = range(6)

# World.counts
(C_FREE, C_TODO, C_WIP, C_BUSY, C_RELEASED, C_LEFT, C_SCRAPPED, C_JOINED, C_SPLIT, C_CURRENT, C_AGAIN, C_TRACED,
 C_STATUS, C_AWAY, C_EVENTS, C_PEOPLE, C_BLOCKED, C_LEFT_BEFORE, C_SCRAPPED_BEFORE, C_BEGUN,
 C_AGAIN_LEFT) = range(21)  # fmt: skip
FINE, FULL, STUCK, STALE = range(4)
# World.tally: parts finished, of these scrapped and sent to rework; finished of those reworked before, and these good
A_FINISHED, A_SCRAPPED, A_REWORKED, A_AGAIN, A_AGAIN_GOOD = range(5)
# World.clock
T_NOW, T_WARM, T_WIP, T_WIP_AT, T_LEAD, T_STUCK, T_BIN = range(7)

# the states of iso22400.STATES, by number
(RUNNING_, SETUP_, BLOCKED_, STARVED_, WAITING_, DOWN_, STOPPED_, OFF_) = range(8)
STATES = 8
# the states of result.PERSON_STATES and result.VEHICLE_STATES, by number
(WORKING, WALKING, OFF_SHIFT, IDLE_PERSON) = range(4)
(EMPTY, LOADED, HANDLING, HELD_UP, CHARGING_, IDLE_VEHICLE) = range(6)


class Plant(NamedTuple):
    """What the layout says. Shapes: see the columns above; `number` and `real` are pools that rows point into."""

    station: Array  # (S, 19) int64
    chance: Array  # (S, 2) float64: scrap, rework
    buffer: Array  # (B + releases, 11) int64: the declared buffers, then a yard for each release
    release: Array  # (R, 6) int64
    mix: Array  # (R, P) float64: cumulated shares of the part types
    number: Array  # int64 pool: feeding buffers, targets, sources, sequences, routes' buffers and types
    real: Array  # float64 pool: routes' shares, set-up times, priorities
    dist: Array  # (D, 3) int64: kind, first value, values
    shape: Array  # (D, 3) float64: the distribution's numbers
    values: Array  # float64 pool: measured times
    crew: Array  # (K, 2) int64: first person, people
    skill_crews: Array  # (Q, K) int64: 1 where a crew has a skill
    serves: Array  # (K, S) int64: 1 where a station calls a crew's people
    speed: Array  # (K,) float64: walking speed, 0 for "at once"
    home: Array  # (K, 2) float64: where a crew begins
    place: Array  # (S, 2) float64: where stations stand
    calendar: Array  # (A, 2) int64: first switch in `switches`, switches
    period: Array  # (A,) float64
    switches: Array  # (n, 2) float64: time in the period, 1 on or 0 off
    on_calendar: Array  # (S,) int64: a station's calendar or -1
    stop: Array  # (Z,) int64: the station of each planned stop
    stop_s: Array  # (Z, 3) float64: first, lasts, every
    fleet: Array  # (G, 2) int64: first vehicle, vehicles
    fleet_s: Array  # (G, 6) float64: speed, load, unload, driving with a full battery, reserve, charge
    depot: Array  # (G, 2) float64: where a fleet begins and charges
    zone_of: Array  # (G * S,) int64: the zone of a station for a fleet, or -1
    zone_places: Array  # (Z,) int64: vehicles that a zone has room for
    slots: Array  # (9,) first slot of repairs, clocks, releases, calendars, stops, vehicles, warm-up; slots; streams
    streams: Array  # (6,) int64: first stream of cycles, fates, routes, failures, arrivals, types
    cyclic: Array  # (1,) int64: 1 if a standstill of some stations only is possible


class World(NamedTuple):
    """One replication, now. Machine m, mode f, buffer b, part p, person w, slot: rows."""

    machine: Array
    machine_s: Array
    mode: Array
    mode_s: Array
    started: Array  # (S,) runs started
    level: Array
    prefer: Array  # (B,) a station that several buffers feed takes from the highest first, and from -inf nothing;
    #               set between calls of `run`
    part: Array
    born: Array  # (parts,) released at
    entered: Array  # (parts,) in its buffer since
    person: Array
    person_s: Array  # (W, 3) where a person stands, and since when in the state shown
    person_spent: Array  # (W, 4) seconds by state; idle is the rest
    duty: Array  # (K,) 1 while some station that a crew serves is on shift
    vehicle: Array  # (V, 9)
    vehicle_s: Array  # (V, 5)
    vehicle_spent: Array  # (V, 6) seconds by state
    first_call: Array  # (G,) the machine that has waited longest for a vehicle, or -1
    calls: Array  # (M,) the machine that called after this one
    call_s: Array  # (M,) when it called
    zone: Array  # (Z, 3)
    queue: Array  # (Q, 2) first and last request of each skill
    request: Array  # (2 M, 1) next request
    request_s: Array  # (2 M,) since when
    at: Array
    where: Array
    order: Array
    size: Array
    todo: Array
    drawn: Array  # (R, 2) parts drawn and arrivals drawn of each release
    calendar_now: Array  # (A,) the switch each calendar is at
    stop_now: Array  # (Z,)
    keys: Array
    counts: Array
    clock: Array
    seconds: Array  # (M, 8) machine-seconds by state
    buffer_s: Array  # (B, 2) integral of the level, and since when
    tally: Array  # (S, 5)
    good: Array  # (P,) good parts that left, by type
    bins: Array  # (n,) good parts that left by time
    trace: Array  # (n, 3) time, machine, state; n = 0 for none
    mark: Array  # (M,) int64, for the search for a standstill
    line_up: Array  # (M,) likewise
