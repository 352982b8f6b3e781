"""Three traffic disturbances in bulk: a cut-in, a cut-out in front of a standstill, a leader that brakes.

    found = simulate(cut_in_grid("low"), CarefulHuman())          # (n,) arrays: contact, impact_speed_m_s, ...

    run = Run(CutIn(speed_m_s, other_speed_m_s, gap_m, lateral_speed_m_s))       # the same, stepped by hand
    while not run.done:
        run.step(policy(run.seen))                                # (n,) accelerations [m/s^2], negative brakes
    run.outcome()

Geometry and clock are those of the Joint Research Centre's R157 study, so that its counts can be compared: boxes of
4.3 m x 1.9 m, 10 Hz, 35 s from the instant at which the gap is the scenario's; the other vehicle does what the scenario
says whatever the subject vehicle does. The subject vehicle keeps its lane; only its acceleration is decided.

    speed' = max(speed + a dt, 0),    x' = x + speed' dt,    contact where both boxes overlap at an instant

Positions are box centres, x forward along the lane, y to the left from the subject vehicle's lane centre.
A Run holds all instants of the other vehicle, 350 (n,) arrays; `simulate` cuts large suites into pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Protocol, TypeVar

import numpy as np

from jangin.errors import BadTask

__all__ = [
    "CutIn",
    "CutOut",
    "Deceleration",
    "Disturbance",
    "Driver",
    "Motion",
    "Outcome",
    "Reaction",
    "Run",
    "Seen",
    "simulate",
]

Array = np.ndarray

LENGTH_M, WIDTH_M = 4.3, 1.9
STANDING_LENGTH_M = 5.0  # of the vehicle that a cut-out uncovers
RATE_HZ, STEP_S, STEPS = 10, 0.1, 350
WANDER_M = 0.375  # a vehicle that keeps its lane strays this far; more is seen as leaving it
BESIDE_M = 3.5  # lateral distance of the lanes' centres: 1.6 m between the boxes, and a width
LATERAL_ACCELERATION_M_S2 = 1.5
_PIECE = 4096  # scenarios at a time: their arrays stay in cache


# ── scenarios ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class _Scenarios:
    """Concrete scenarios of one kind; every field is (n,) float64. Raises BadTask for what cannot be driven."""

    def __post_init__(self) -> None:
        given = {f.name: np.asarray(getattr(self, f.name), float) for f in fields(self)}
        try:
            shape = np.broadcast_shapes((1,), *(v.shape for v in given.values()))
        except ValueError:
            *sizes, last = (str(v.size) for v in given.values())
            raise BadTask(
                f"The scenarios' fields have {', '.join(sizes)} and {last} values; "
                "give as many of each, or one for all."
            ) from None
        for name, value in given.items():
            wrong = ~np.isfinite(value) | (value < 0.0)
            if np.any(wrong):
                first = int(np.argmax(np.atleast_1d(wrong)))
                raise BadTask(
                    f"{name} of scenario {first} is {np.atleast_1d(value)[first]:g}; "
                    f"it must be a finite number and not negative. Correct it, or leave the scenario out."
                )
            if len(shape) != 1:
                raise BadTask(f"The scenarios have the shape {shape}; give one value a scenario, (n,) arrays.")
            object.__setattr__(self, name, np.broadcast_to(value, shape).copy())

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))


@dataclass(frozen=True, eq=False)
class CutIn(_Scenarios):
    """A slower vehicle from the lane on the left cuts in.

    Attributes:
        speed_m_s: of the subject vehicle before it reacts.
        other_speed_m_s: of the other vehicle, constant.
        gap_m: from bumper to bumper when the other has reached its lateral speed; its boxes are then 1.6 m apart.
        lateral_speed_m_s: of the other vehicle, reached at 1.5 m/s^2 before that instant, until it is in the middle.
    """

    speed_m_s: Array
    other_speed_m_s: Array
    gap_m: Array
    lateral_speed_m_s: Array


@dataclass(frozen=True, eq=False)
class CutOut(_Scenarios):
    """The leader leaves the lane to the right and uncovers a vehicle at standstill.

    Attributes:
        speed_m_s: of the subject vehicle before it reacts, and of the leader, constant.
        gap_m: from the subject vehicle's bumper to the leader's.
        front_gap_m: from the leader's bumper to the standing vehicle's when the leader begins to leave.
        lateral_speed_m_s: of the leader, at once and until it is out of the way.
    """

    speed_m_s: Array
    gap_m: Array
    front_gap_m: Array
    lateral_speed_m_s: Array


@dataclass(frozen=True, eq=False)
class Deceleration(_Scenarios):
    """The leader of a following subject vehicle brakes, at once and to standstill.

    Attributes:
        speed_m_s: of both before.
        gap_m: from bumper to bumper before.
        deceleration_m_s2: of the leader.
    """

    speed_m_s: Array
    gap_m: Array
    deceleration_m_s2: Array


Disturbance = CutIn | CutOut | Deceleration
Scenarios = TypeVar("Scenarios", bound=CutIn | CutOut | Deceleration)


def rows(scenarios: Scenarios, index: Array | slice) -> Scenarios:
    """The scenarios at an index or mask."""
    return type(scenarios)(**{f.name: getattr(scenarios, f.name)[index] for f in fields(scenarios)})


# ── what the other vehicle does ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class Motion:
    """Where the other vehicle is at every instant, and where the subject vehicle begins; (instants, n) or (n,).

    Attributes:
        x_m, y_m: centre of the other vehicle.
        length_m: of it.
        speed_m_s, lateral_speed_m_s: its speeds; lateral ones are positive to the left.
        acceleration_m_s2: what it does in the coming period, as its brake lights tell.
        last: (n,) instant after which a scenario is over.
        ego_x_m: (n,) where the subject vehicle begins.
    """

    x_m: Array
    y_m: Array
    length_m: Array
    speed_m_s: Array
    lateral_speed_m_s: Array
    acceleration_m_s2: Array
    last: Array
    ego_x_m: Array


def motion(scenarios: Disturbance) -> Motion:
    """The other vehicle's motion in each scenario."""
    match scenarios:
        case CutIn():
            return _cut_in(scenarios)
        case CutOut():
            return _cut_out(scenarios)
        case Deceleration():
            return _deceleration(scenarios)


def _cut_out(s: CutOut) -> Motion:
    """The leader until it has left its line by more than it wanders, the standing vehicle from then on.

    A leader that runs into the standing vehicle stops dead, and from then on it is the leader one has to stop for.
    """
    step = np.arange(1, STEPS + 2)[:, None]  # the first instant is a period after the leader has begun to leave
    moved, aside = step * s.speed_m_s / RATE_HZ, step * s.lateral_speed_m_s / RATE_HZ
    standing_x = s.gap_m + s.front_gap_m + 2.0 * LENGTH_M
    leader_x = s.gap_m + LENGTH_M + moved
    hits = _first((standing_x - leader_x < (LENGTH_M + STANDING_LENGTH_M) / 2.0) & (aside < WIDTH_M))
    uncovers = _first(aside > WANDER_M)
    stopped = step > hits
    uncovered = (step > uncovers) & ~stopped
    until = np.minimum(step, hits + 1)
    return Motion(
        x_m=np.where(uncovered, standing_x, s.gap_m + LENGTH_M + until * s.speed_m_s / RATE_HZ),
        y_m=np.where(uncovered, 0.0, -until * s.lateral_speed_m_s / RATE_HZ),
        length_m=np.where(uncovered, STANDING_LENGTH_M, LENGTH_M),
        speed_m_s=np.where(uncovered | stopped, 0.0, s.speed_m_s),
        lateral_speed_m_s=np.where(uncovered | stopped, 0.0, -s.lateral_speed_m_s),
        acceleration_m_s2=np.broadcast_to(0.0, uncovered.shape),
        last=np.full(len(s), STEPS),
        ego_x_m=s.speed_m_s / RATE_HZ,
    )


def _first(true: Array) -> Array:
    """(n,) row of the first true in each column, or how many rows there are."""
    return np.where(true.any(axis=0), true.argmax(axis=0), len(true))


def _deceleration(s: Deceleration) -> Motion:
    """The leader from the instant before it brakes."""
    speed = np.maximum(s.speed_m_s - np.arange(STEPS + 1)[:, None] * s.deceleration_m_s2 / RATE_HZ, 0.0)
    still = np.zeros_like(speed)
    x = s.gap_m + LENGTH_M + np.cumsum(speed, axis=0) / RATE_HZ
    braking = -np.minimum(s.deceleration_m_s2, speed * RATE_HZ)
    return Motion(x, still, still + LENGTH_M, speed, still, braking, np.full(len(s), STEPS), s.speed_m_s / RATE_HZ)


def _cut_in(s: CutIn) -> Motion:
    """From the instant at which the other vehicle begins to move sideways; `step` is 0 when the gap is `gap_m`."""
    rise = LATERAL_ACCELERATION_M_S2 / RATE_HZ
    ramp = np.ceil(s.lateral_speed_m_s / rise).astype(int)  # instants until it has its lateral speed
    step = np.arange(STEPS + int(ramp.max(initial=0)) + 1)[:, None] - ramp
    moves = np.full(len(s), np.inf)  # instants until it is in the middle, or just beyond
    np.divide(BESIDE_M, s.lateral_speed_m_s * STEP_S, out=moves, where=s.lateral_speed_m_s > 0.0)
    moves = np.floor(moves) + 1
    rising = np.where(step < 0, (step + ramp) * rise, 0.0)
    steady = np.where((step >= 0) & (step < moves), s.lateral_speed_m_s, 0.0)
    ahead = np.sum(rising, axis=0) - _before(rising)  # what it still has to come sideways before step 0
    speed = np.broadcast_to(s.other_speed_m_s, step.shape)
    along = _before(np.where(step >= 0, speed, 0.0)) + np.minimum(step, 0) * s.other_speed_m_s
    return Motion(
        x_m=s.gap_m + LENGTH_M + along / RATE_HZ,
        y_m=BESIDE_M + (ahead - _before(steady)) / RATE_HZ,
        length_m=np.broadcast_to(LENGTH_M, step.shape),
        speed_m_s=speed,
        lateral_speed_m_s=-(rising + np.where((step >= 0) & (step <= moves), s.lateral_speed_m_s, 0.0)),
        acceleration_m_s2=np.broadcast_to(0.0, step.shape),
        last=STEPS + ramp,
        ego_x_m=_back(s.speed_m_s / RATE_HZ, ramp),
    )


def _back(stride_m: Array, strides: Array) -> Array:
    """Minus so many strides, taken one by one: so rounded, ties at a driver's threshold fall as in JRC's counts."""
    at = np.zeros_like(stride_m)
    for k in range(int(strides.max(initial=0))):
        at = np.where(k < strides, at - stride_m, at)
    return at


def _before(rates: Array) -> Array:
    """Sum of all rows above each row; row by row, for a cumsum down the columns jumps through memory."""
    sums = np.zeros_like(rates)
    for k in range(len(rates) - 1):
        np.add(sums[k], rates[k], out=sums[k + 1])
    return sums


# ── stepping ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class Seen:
    """What a driver knows at an instant; (n,) arrays.

    Attributes:
        time_s: since the scenario began.
        gap_m: from bumper to bumper, negative beside and behind.
        lateral_m: of the other vehicle's centre from the subject vehicle's, positive to the left.
        speed_m_s, acceleration_m_s2: of the subject vehicle; the acceleration is that of the last period.
        other_speed_m_s, other_lateral_speed_m_s, other_acceleration_m_s2: of the other vehicle.
    """

    time_s: float
    gap_m: Array
    lateral_m: Array
    speed_m_s: Array
    acceleration_m_s2: Array
    other_speed_m_s: Array
    other_lateral_speed_m_s: Array
    other_acceleration_m_s2: Array

    @property
    def closing_m_s(self) -> Array:
        """Speed of the subject vehicle relative to the other."""
        return self.speed_m_s - self.other_speed_m_s

    @property
    def ttc_s(self) -> Array:
        """Time to collision gap / closing speed; inf where nothing closes in, negative once beside."""
        out = np.full(self.gap_m.shape, np.inf)
        return np.divide(self.gap_m, self.closing_m_s, out=out, where=self.closing_m_s > 0.0)

    @property
    def lateral_gap_m(self) -> Array:
        """Free width between the boxes, negative where they overlap in width."""
        return np.abs(self.lateral_m) - WIDTH_M


class Reaction(Protocol):
    """A driver in n scenarios: what it does, and what it remembers.

    `excused`, (n,) bool, may say in which scenarios a contact from here on is not counted against it.
    """

    def act(self, seen: Seen) -> Array:
        """(n,) accelerations [m/s^2] for the coming period."""


class Driver(Protocol):
    """Whoever decides the acceleration: a reference driver, or a learned one behind these two methods."""

    def begin(self, n: int) -> Reaction:
        """A fresh reaction to n scenarios."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of n scenarios; (n,) arrays.

    Attributes:
        contact: the boxes touched.
        excused: the driver's reading does not count the contact against it; False for who has no such reading.
        from_side: contact began with the other vehicle's box already alongside, so nobody ran into its back.
        contact_s: when, inf without.
        impact_speed_m_s: norm of the relative velocity at the first instant of contact, 0 without: the severity.
        least_ttc_s: smallest time to collision while the boxes overlap in width, before contact; inf if never.
    """

    contact: Array
    excused: Array
    from_side: Array
    contact_s: Array
    impact_speed_m_s: Array
    least_ttc_s: Array

    def __len__(self) -> int:
        return len(self.contact)

    @property
    def crashed(self) -> Array:
        """(n,) contacts that count."""
        return self.contact & ~self.excused


class Run:
    """n scenarios, stepped together at 10 Hz; what happens after the first contact is not simulated further."""

    def __init__(self, scenarios: Disturbance) -> None:
        self.motion = motion(scenarios)
        n = len(scenarios)
        self.instant = 0
        self.speed_m_s = scenarios.speed_m_s.copy()
        self.acceleration_m_s2 = np.zeros(n)
        self.x_m = self.motion.ego_x_m.copy()
        self._outcome = Outcome(
            contact=np.zeros(n, bool),
            excused=np.zeros(n, bool),
            from_side=np.zeros(n, bool),
            contact_s=np.full(n, np.inf),
            impact_speed_m_s=np.zeros(n),
            least_ttc_s=np.full(n, np.inf),
        )
        self.seen = self._see()
        self._touch(None)

    @property
    def done(self) -> bool:
        """Whether every scenario has ended, by contact or by time."""
        return bool(np.all(self.ended))

    @property
    def ended(self) -> Array:
        """(n,) which scenarios have ended."""
        return self._outcome.contact | (self.instant >= self.motion.last)

    def step(self, acceleration_m_s2: Array) -> None:
        """One period under (n,) accelerations; scenarios that have ended stay as they are."""
        before, go = self.seen, ~self.ended
        speed = np.maximum(self.speed_m_s + np.asarray(acceleration_m_s2, float) / RATE_HZ, 0.0)
        self.acceleration_m_s2 = np.where(go, (speed - self.speed_m_s) * RATE_HZ, self.acceleration_m_s2)
        self.speed_m_s = np.where(go, speed, self.speed_m_s)
        self.x_m = np.where(go, self.x_m + self.speed_m_s / RATE_HZ, self.x_m)
        self.instant += 1
        self.seen = self._see()
        self._touch(before)

    def outcome(self) -> Outcome:
        """What has come of the scenarios so far; a copy."""
        return Outcome(**{f.name: getattr(self._outcome, f.name).copy() for f in fields(Outcome)})

    def _see(self) -> Seen:
        at, m = min(self.instant, len(self.motion.x_m) - 1), self.motion
        return Seen(
            self.instant * STEP_S,
            m.x_m[at] - self.x_m - (LENGTH_M + m.length_m[at]) / 2.0,
            m.y_m[at],
            self.speed_m_s,
            self.acceleration_m_s2,
            m.speed_m_s[at],
            m.lateral_speed_m_s[at],
            m.acceleration_m_s2[at],
        )

    def _touch(self, before: Seen | None) -> None:
        """Note the contacts that begin at this instant."""
        seen, found = self.seen, self._outcome
        live = ~found.contact & (self.instant < self.motion.last)
        abreast = np.abs(seen.lateral_m) < WIDTH_M
        np.minimum(found.least_ttc_s, seen.ttc_s, out=found.least_ttc_s, where=live & abreast & (seen.gap_m >= 0.0))
        new = live & abreast & (seen.gap_m < 0.0) & (seen.gap_m > -2.0 * LENGTH_M)
        if new.any():
            found.contact[new] = True
            found.contact_s[new] = seen.time_s
            found.impact_speed_m_s[new] = np.hypot(seen.closing_m_s, seen.other_lateral_speed_m_s)[new]
            found.from_side[new] = before is not None and (before.gap_m[new] < 0.0)


def simulate(scenarios: Disturbance, driver: Driver) -> Outcome:
    """The outcome of every scenario under a driver, in order; the same bits however the suite is cut."""
    parts = [_simulate(rows(scenarios, piece), driver) for piece in _pieces(len(scenarios))]
    return Outcome(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Outcome)})


def _simulate(scenarios: Disturbance, driver: Driver) -> Outcome:
    run, reaction = Run(scenarios), driver.begin(len(scenarios))
    excused = np.zeros(len(scenarios), bool)
    while not run.done:
        acceleration, live = reaction.act(run.seen), ~run.ended
        np.copyto(excused, getattr(reaction, "excused", False), where=live)
        run.step(acceleration)
    return replace(run.outcome(), excused=excused & run.outcome().contact)


def _pieces(n: int) -> Iterator[slice]:
    return (slice(first, first + _PIECE) for first in range(0, max(n, 1), _PIECE))
