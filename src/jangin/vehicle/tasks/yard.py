"""Place a car, a tugger or a truck with its trailer in a parking place or at a dock, at walking speed.

    jangin simulate vehicle/yard --policy expert --trials 500
    jangin simulate vehicle/yard --task.vehicle truck --task.place dock --policy expert

A car begins along the aisle beside a row of parking places and has to stand in one of them, backward or nose in, as the
trial asks. Or a vehicle begins in front of a dock and has to back up to it; that is also for the truck with a trailer.
What stands around are neighbours, a wall behind and a wall opposite. Boxes have their full size and are checked for
contact along the whole way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from jangin.claim import Claim
from jangin.errors import BadTask
from jangin.task import (
    Array,
    Channel,
    Condition,
    Conditions,
    Distribution,
    Fixed,
    Limits,
    Signals,
    Uniform,
    sha256_of,
)
from jangin.vehicle.parameters import BMW_320I, PLANT_TUGGER, TRUCK_AND_TRAILER, VehicleParameters
from jangin.vehicle.yards import columns as c

if TYPE_CHECKING:
    from jangin.vehicle.yard_expert import YardExpert
    from jangin.vehicle.yard_map import Sites
    from jangin.vehicle.yard_world import YardWorld

VEHICLES = {"car": BMW_320I, "truck": TRUCK_AND_TRAILER, "tugger": PLANT_TUGGER}
ACCEL_M_S2 = {"car": 1.5, "truck": 0.8, "tugger": 1.0}  # declared: of careful placing
SENSOR_M = 8.0  # range of the distance sensors
NSENSOR = 12
HITCH_MAX_RAD = 1.2  # declared: beyond it the truck touches its trailer


@dataclass(frozen=True)
class Plan:
    """The sizes of a place; ranges are drawn from.

    Attributes:
        spare_m: by how much places are wider than the vehicle.
        apron_m: from where the place opens to what is opposite.
        side_m: the yard ends so far to either side.
        along_m: of the start, out of the place: off the aisle's middle, or off the first pose clear of the neighbours.
        aside_m: of the start, to one side of the place.
        turn_rad: of the start, either way.
        near_m: by how much a neighbour stands nearer than in the middle of its own place.
        ahead_m: by how much a neighbour stands farther out or in.
    """

    spare_m: tuple[float, float]
    apron_m: tuple[float, float]
    side_m: float
    along_m: tuple[float, float]
    aside_m: tuple[float, float]
    turn_rad: float
    near_m: float
    ahead_m: float


PLANS = {
    ("car", "parking"): Plan((0.8, 1.2), (6.0, 7.5), 14.0, (-0.4, 0.4), (4.0, 8.0), 0.15, 0.25, 0.2),
    ("tugger", "parking"): Plan((0.5, 0.8), (3.0, 4.0), 7.0, (-0.2, 0.2), (2.0, 4.0), 0.15, 0.12, 0.1),
    ("car", "dock"): Plan((0.8, 1.2), (12.0, 15.0), 14.0, (1.0, 4.0), (0.0, 1.5), 0.25, 0.25, 0.2),
    ("tugger", "dock"): Plan((0.5, 0.8), (6.0, 8.0), 7.0, (0.5, 2.0), (0.0, 0.8), 0.25, 0.12, 0.1),
    ("truck", "dock"): Plan((1.0, 1.6), (32.0, 38.0), 25.0, (1.0, 6.0), (0.0, 2.0), 0.15, 0.25, 0.3),
}


@dataclass(frozen=True)
class Yard:
    """A place among others, and one vehicle to stand in it.

    Attributes:
        physics: "training": exact sensors and quick actuators on level ground; "evidence": lags, a steering offset,
            slope, noise and latency vary.
        vehicle: "car": a BMW 320i; "truck": a truck with its trailer; "tugger": a plant's.
        place: "parking": a row of places beside an aisle; "dock": in front of a dock.
        limit_s: in so long at the most [s].
        map: a CommonRoad scenario (.xml) or an OpenDRIVE road (.xodr) to take places from; "": those declared here.
        tolerance_m: the placed body's middle stands so near to the goal at the farthest [m].
        tolerance_rad: and is turned by so much at the most [rad].
    """

    physics: Literal["training", "evidence"] = "evidence"
    vehicle: Literal["car", "truck", "tugger"] = "car"
    place: Literal["parking", "dock"] = "parking"
    map: str = ""
    limit_s: float = 120.0
    tolerance_m: float = 0.25
    tolerance_rad: float = 0.08

    name = "vehicle/yard"
    rate_hz = 5.0
    substep_s = 0.05
    claims = (
        Claim.parse("success >= 0.90 @ 0.95"),
        Claim.parse("P(collision) <= 0.03 @ 0.95"),
    )
    columns = {
        "cycle_s": "s",
        "margin": "",
        "min_gap_m": "m",
        "miss_m": "m",
        "miss_rad": "rad",
        "peak_speed_m_s": "m/s",
        "peak_hitch_rad": "rad",
        "turns": "",
        "impact_m_s": "m/s",
    }

    def __post_init__(self) -> None:
        allowed = {"physics": ("training", "evidence"), "vehicle": tuple(VEHICLES), "place": ("parking", "dock")}
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise BadTask(f"{name} is {getattr(self, name)!r}; it must be one of {', '.join(values)}.")
        if (self.vehicle, self.place) not in PLANS:
            raise BadTask("A truck with its trailer does not fit into a parking place; give it place='dock'.")
        if self.map:
            _ = self.sites  # refuses a map without a place
        for name in ("limit_s", "tolerance_m", "tolerance_rad"):
            if not getattr(self, name) > 0.0:
                raise BadTask(f"{name} is {getattr(self, name):g}; it must be above 0.")
        if self.tolerance_m > 0.5:
            raise BadTask(f"tolerance_m is {self.tolerance_m:g}; a place is at most 0.5 wide to stand in.")
        if not np.isclose(self.limit_s * self.rate_hz, round(self.limit_s * self.rate_hz)):
            raise BadTask(f"limit_s is {self.limit_s:g}; it must be a whole number of control periods of 0.2 s.")

    # ── what stands where ────────────────────────────────────────────────────────────────────────────────────────

    @property
    def parameters(self) -> VehicleParameters:
        """Of the vehicle."""
        return VEHICLES[self.vehicle]

    @property
    def plan(self) -> Plan:
        """The sizes of the place."""
        return PLANS[self.vehicle, self.place]

    @property
    def placed_m(self) -> tuple[float, float]:
        """Length and width of the body that is placed: the car, or the trailer."""
        body = self.parameters.trailer or self.parameters
        return body.length_m, body.width_m

    @property
    def sites(self) -> Sites | None:
        """The places of the map; None without one."""
        if not self.map:
            return None
        from jangin.vehicle.yard_map import read_sites  # the readers

        length, width = self.placed_m
        return read_sites(self.map, length_m=length, width_m=width)

    @property
    def speeds_m_s(self) -> tuple[float, float]:
        """Backward and forward; 10 km/h, or what the vehicle can if that is less."""
        return max(self.parameters.speed_min_m_s, -2.0), min(self.parameters.speed_max_m_s, 10.0 / 3.6)

    # ── the contract ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def conditions(self) -> Conditions:
        """The place, its neighbours, the start, and what sensors and actuators are like."""
        plan, blind, truck, sites = (
            self.plan,
            self.physics == "training",
            self.parameters.trailer is not None,
            self.sites,
        )

        def varies(exact: float, low: float, high: float) -> Distribution:
            return Fixed(exact) if blind else Uniform(low, high)

        nose_in: Distribution = Uniform(0.0, 1.0) if self.place == "parking" else Fixed(0.0)
        hitch: Distribution = Uniform(-0.1, 0.1) if truck else Fixed(0.0)
        turn, ahead, near = plan.turn_rad if sites is None else 0.03, plan.ahead_m, Uniform(-plan.near_m, plan.near_m)
        aside: Distribution = Uniform(*plan.aside_m) if sites is None else Uniform(-0.1, 0.1)
        along: Distribution = Uniform(*plan.along_m) if sites is None else Uniform(-0.5, 0.5)
        site: Distribution = Fixed(0.0) if sites is None else Uniform(0.0, float(len(sites.names)))
        return Conditions(
            (
                Condition("spare_m", "m", Uniform(*plan.spare_m), "by how much places are wider than the vehicle"),
                Condition("apron_m", "m", Uniform(*plan.apron_m), "free in front of the place"),
                Condition("nose_in", "", nose_in, "from 0.5 on the vehicle stands nose in, else it backs in"),
                Condition("neighbours", "", Uniform(0.0, 4.0), "its whole part: 0 none, 1 left, 2 right, 3 both"),
                Condition("near_left_m", "m", near, "the left neighbour is nearer by"),
                Condition("near_right_m", "m", near, "the right neighbour is nearer by"),
                Condition("ahead_m", "m", Uniform(-ahead, ahead), "the neighbours stand farther out by"),
                Condition("side", "", Uniform(-1.0, 1.0), "of the start: above 0 left of the place"),
                Condition("start_along_m", "m", along, "of the start, out of the place; on a map: ahead of its start"),
                Condition("start_aside_m", "m", aside, "of the start, to its side; on a map: left of its start"),
                Condition("start_turn_rad", "rad", Uniform(-turn, turn), "of the start"),
                Condition("start_hitch_rad", "rad", hitch, "of the start"),
                Condition("site", "", site, "its whole part is the place of the map"),
                Condition("slope", "", varies(0.0, -0.03, 0.03), "of the ground, rising out of the place"),
                Condition("lag_s", "s", varies(0.1, 0.05, 0.4), "time constant of the drive"),
                Condition("steer_lag_s", "s", varies(0.05, 0.05, 0.3), "time constant of the steering"),
                Condition("steer_offset_rad", "rad", varies(0.0, -0.02, 0.02), "wheels off what is told"),
                Condition("sensor_noise", "", varies(0.0, 0.0, 1.0), "factor on the sensors' noise"),
                Condition("latency_s", "s", varies(0.0, 0.0, 0.25), "of what is seen of the place"),
            )
        )

    @property
    def observation(self) -> Signals:
        """The goal from the placed body, itself, the place, and distances around."""
        far, low, high = 60.0, *self.speeds_m_s
        stop = self.parameters.steer_max_rad
        own = (
            Channel("goal_ahead_m", "m", "placed body", low=-far, high=far, noise=0.03),
            Channel("goal_left_m", "m", "placed body", low=-far, high=far, noise=0.03),
            Channel("goal_cos", "1", "placed body", low=-1.0, high=1.0, noise=0.01),
            Channel("goal_sin", "1", "placed body", low=-1.0, high=1.0, noise=0.01),
            Channel("speed_m_s", "m/s", low=low - 0.5, high=high + 0.5),
            Channel("steer_rad", "rad", low=-stop, high=stop),
            Channel("hitch_rad", "rad", low=-1.6, high=1.6),
            Channel("free_left_m", "m", "place", low=0.0, high=far),
            Channel("free_right_m", "m", "place", low=0.0, high=far),
            Channel("mouth_m", "m", "place", low=0.0, high=far),
            Channel("apron_m", "m", "place", low=0.0, high=far),
            Channel("opens_ahead", "1", "goal", low=-1.0, high=1.0),
            Channel("left_s", "s", low=0.0, high=self.limit_s, sense="time"),
        )
        around = (Channel(f"range_{k}_m", "m", low=0.0, high=SENSOR_M, noise=0.03) for k in range(NSENSOR))
        return Signals((*own, *around))

    @property
    def privileged(self) -> Signals:
        """Where the vehicle truly is, and the trial's conditions."""
        true = (
            Channel("true_x_m", "m", "place"),
            Channel("true_y_m", "m", "place"),
            Channel("true_cos", "1", "place"),
            Channel("true_sin", "1", "place"),
            Channel("true_gap_m", "m"),
        )
        return Signals((*true, *(Channel(condition.name, condition.unit) for condition in self.conditions)))

    @property
    def action(self) -> Signals:
        """A speed and a steering rate."""
        low, high = self.speeds_m_s
        rate = self.parameters.steer_rate_max_rad_s
        return Signals(
            (
                Channel("told_m_s", "m/s", low=low, high=high),
                Channel("steering_rate_rad_s", "rad/s", low=-rate, high=rate),
            )
        )

    @property
    def limits(self) -> Limits:
        """Speed and hitch."""
        return Limits(extra={"speed_m_s": 10.0 / 3.6, "hitch_rad": HITCH_MAX_RAD})

    @property
    def model(self) -> Mapping[str, str]:
        """The identity of the vehicle."""
        found = {"vehicle": self.parameters.name, "vehicle_sha256": sha256_of(asdict(self.parameters))}
        return found if self.sites is None else {**found, "map_sha256": self.sites.sha256}

    def at(self, stage: Literal["training", "evidence"]) -> Yard:
        """This task in a stage's physics."""
        return replace(self, physics=stage)

    def world(self, nsim: int, *, threads: int = 0, seed: int = 0, purpose: str = "simulate") -> YardWorld:
        """nsim yards; see jangin.task.World."""
        from jangin.vehicle.yard_world import YardWorld  # numba

        return YardWorld(self, nsim, threads=threads, seed=seed, purpose=purpose)

    def expert(self) -> YardExpert:
        """The planner: a searched path, or the law for backing up a trailer."""
        from jangin.vehicle.yard_expert import YardExpert

        return YardExpert(self)

    def teacher(self) -> None:
        """None: nobody knows a rule that needs the privileged signals."""
        return

    # ── what the world asks ──────────────────────────────────────────────────────────────────────────────────────

    def settings(self) -> Array:
        """The compiled world's settings, by the names in `yards/columns.py`."""
        found, p = np.zeros(c.NSETTINGS), self.parameters
        values = {
            c.SUBSTEP: self.substep_s,
            c.PER_PERIOD: round(1.0 / (self.substep_s * self.rate_hz)),
            c.LAST_TICK: round(self.limit_s / self.substep_s),
            c.WHEELBASE: p.wheelbase_m,
            c.LENGTH: p.length_m,
            c.WIDTH: p.width_m,
            c.AHEAD: p.rear_axle_to_centre_m,
            c.STEER_MAX: p.steer_max_rad,
            c.STEER_RATE: p.steer_rate_max_rad_s,
            c.SPEED_MIN: self.speeds_m_s[0],
            c.SPEED_MAX: self.speeds_m_s[1],
            c.ACCEL: ACCEL_M_S2[self.vehicle],
            c.HITCH_MAX: HITCH_MAX_RAD,
            c.NEAR_M: self.tolerance_m,
            c.NEAR_RAD: self.tolerance_rad,
            c.RANGE: SENSOR_M,
        }
        if p.trailer is not None:
            values |= {c.TRAILER: 1.0, c.TRAILER_BASE: p.trailer.wheelbase_m, c.TRAILER_LENGTH: p.trailer.length_m}
            values |= {c.TRAILER_WIDTH: p.trailer.width_m, c.TRAILER_BEHIND: p.trailer.centre_behind_hitch_m}
        for column, value in values.items():
            found[column] = value
        return found


TASK = Yard
