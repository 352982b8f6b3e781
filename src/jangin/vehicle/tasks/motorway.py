"""Drive a stretch of motorway in dense traffic in good time: speed, lanes, and merging from a slip road.

    jangin simulate vehicle/motorway --policy expert --trials 500
    jangin learn vehicle/motorway --recipe ppo --budget-s 300

A trial begins at the traffic's side, on the motorway or on a slip road that ends, and is done when `goal_m` metres are
driven within `limit_s`. The other drivers follow (IDM) and change lanes (MOBIL); no two are alike, some drive trucks.
A decision once a second asks for another lane, a higher or a lower speed; what turns wheels beneath it is a lane
keeping and a speed controller with the limits of a passenger car. Or, with `actions="continuous"`, the policy does that
itself, ten times a second. Boxes have their full size and are checked for contact along the whole way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
from jangin.vehicle.lanes import columns as c
from jangin.vehicle.lanes.drivers import MOTORWAY, PEERS, Kind
from jangin.vehicle.parameters import BMW_320I
from jangin.vehicle.planner import IdmMobil

if TYPE_CHECKING:
    from jangin.vehicle.motorway_world import MotorwayWorld

SHIELDS = ("none", "rss", "r157")


@dataclass(frozen=True)
class Motorway:
    """A stretch of motorway, and one vehicle to drive on it.

    Attributes:
        physics: "training": sensors without noise or latency; "evidence": with both.
        traffic: "motorway": drivers and density of a real one; "highway-env": as that simulator has them.
        actions: "meta": a lane and a speed once a second; "continuous": acceleration and steering rate at 10 Hz.
        sees: "frenet": eight neighbours in lane coordinates; "kinematics": highway-env's five rows.
        shield: "none", "rss" or "r157": what corrects the action at run time.
        lanes: through lanes.
        cars: other vehicles.
        goal_m: the way to drive [m].
        limit_s: in so long at the most [s].
        density: range of the traffic's density [vehicles per km and lane].
        ramp: share of the trials that begin on a slip road.
        rss_response_s: of the shield, until it brakes [s].
        rss_brake_m_s2: what it then brakes with at the least [m/s^2].
        rss_brake_other_m_s2: the hardest braking expected of others [m/s^2].
    """

    physics: Literal["training", "evidence"] = "evidence"
    traffic: Literal["motorway", "highway-env"] = "motorway"
    actions: Literal["meta", "continuous"] = "meta"
    sees: Literal["frenet", "kinematics"] = "frenet"
    shield: Literal["none", "rss", "r157"] = "none"
    lanes: int = 3
    cars: int = 24
    goal_m: float = 800.0
    limit_s: float = 40.0
    density: tuple[float, float] = (8.0, 20.0)
    ramp: float = 0.25
    rss_response_s: float = 0.3
    rss_brake_m_s2: float = 6.0
    rss_brake_other_m_s2: float = 8.0

    name = "vehicle/motorway"
    # steps are cheap here, and the expert is not the best that can be done
    recipe = {
        "ppo": {
            "steps": 4_000_000, "nsim": 1024, "horizon": 16, "epochs": 3, "batch": 4096, "gamma": 0.98,
            "actor_lr": 5e-4, "actor_hidden": (256, 256), "critic_hidden": (256, 256),
        },
    }  # fmt: skip
    columns = {
        "cycle_s": "s",
        "margin": "",
        "mean_speed_m_s": "m/s",
        "min_ttc_s": "s",
        "min_headway_s": "s",
        "peak_decel_m_s2": "m/s^2",
        "peak_inverse_ttc_1_s": "1/s",
        "peak_deficit_m": "m",
        "impact_m_s": "m/s",
        "hit_from_behind": "",
        "lane_changes": "",
        "interventions": "",
        "others_overlap": "substeps",
    }
    length_m, width_m = BMW_320I.length_m, BMW_320I.width_m
    wheelbase_m = BMW_320I.front_axle_m + BMW_320I.rear_axle_m
    steer_max_rad, steer_rate_rad_s = BMW_320I.steer_max_rad, BMW_320I.steer_rate_max_rad_s

    def __post_init__(self) -> None:
        allowed = {"physics": ("training", "evidence"), "traffic": ("motorway", "highway-env"), "shield": SHIELDS}
        allowed |= {"actions": ("meta", "continuous"), "sees": ("frenet", "kinematics")}
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise BadTask(f"{name} is {getattr(self, name)!r}; it must be one of {', '.join(values)}.")
        if not 2 <= self.lanes <= 6:
            raise BadTask(f"lanes is {self.lanes}; it must be from 2 to 6.")
        if not self.lanes <= self.cars <= 200:
            raise BadTask(f"cars is {self.cars}; it must be from one a lane, {self.lanes}, to 200.")
        if not 0.0 < self.density[0] <= self.density[1] <= 60.0:
            raise BadTask(
                f"density is from {self.density[0]:g} to {self.density[1]:g}; within 0 to 60 per km and lane."
            )
        if not 0.0 <= self.ramp <= 1.0:
            raise BadTask(f"ramp is {self.ramp:g}; it is a share, from 0 to 1.")
        for name in ("goal_m", "limit_s", "rss_response_s", "rss_brake_m_s2", "rss_brake_other_m_s2"):
            if not 0.0 < getattr(self, name) < np.inf:
                raise BadTask(f"{name} is {getattr(self, name):g}; it must be above 0 and finite.")
        if not np.isclose(self.limit_s * self.rate_hz, round(self.limit_s * self.rate_hz)):
            raise BadTask(f"limit_s is {self.limit_s:g}; it must be a whole number of control periods.")

    # ── what a control period is ─────────────────────────────────────────────────────────────────────────────────

    @property
    def peer(self) -> bool:
        """Whether traffic is highway-env's."""
        return self.traffic == "highway-env"

    @property
    def rate_hz(self) -> float:
        """Of decisions."""
        return 1.0 if self.actions == "meta" else 10.0

    @property
    def substep_s(self) -> float:
        """Of the simulation [s]."""
        return 0.2 if self.actions == "meta" else 0.1

    @property
    def lane_width_m(self) -> float:
        """Of every lane [m]."""
        return 4.0 if self.peer else 3.5

    @property
    def start_m(self) -> float:
        """Where the driven vehicle begins [m]; that of highway-env is 153 m into the road."""
        return 153.0 if self.peer else 0.0

    @property
    def speeds_m_s(self) -> tuple[float, ...]:
        """That can be told by meta-actions [m/s]."""
        return (20.0, 25.0, 30.0) if self.peer else tuple(5.0 * k for k in range(7))

    # ── the contract ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def conditions(self) -> Conditions:
        """Traffic, road, entry and sensors."""
        blind = self.physics == "training" or self.peer

        def sensor(low: float, high: float) -> Distribution:
            return Fixed(low) if blind else Uniform(low, high)

        curve: Distribution = Fixed(0.0) if self.peer else Uniform(-1e-3, 1e-3)
        start: Distribution = Fixed(25.0) if self.peer else Uniform(17.0, 19.9)
        return Conditions(
            (
                Condition("density_1_km", "1/km", Uniform(*self.density), "vehicles per km and lane"),
                Condition("entry", "", Uniform(0.0, 1.0), "below `ramp` the trial begins on a slip road"),
                Condition(
                    "lane", "", Uniform(0.0, self.lanes), "whose whole part is the lane otherwise: 0 the rightmost"
                ),
                Condition("ramp_m", "m", Uniform(150.0, 300.0), "length of the slip road from the start on"),
                Condition("start_m_s", "m/s", start, "speed at the start"),
                Condition("curvature_1_m", "1/m", curve, "of the road, to the left"),
                Condition("sensor_range_m", "m", Fixed(200.0) if blind else Uniform(100.0, 200.0), "of the sensors"),
                Condition("sensor_noise", "", sensor(0.0, 1.0), "factor on the sensors' noise"),
                Condition("latency_s", "s", sensor(0.0, 0.3), "of what is seen of others"),
            )
        )

    @property
    def observation(self) -> Signals:
        """Itself, and eight neighbours by lane; or highway-env's Kinematics."""
        if self.sees == "kinematics":
            rows = (f"{name}_{k}" for k in range(5) for name in ("presence", "x", "y", "vx", "vy"))
            return Signals(tuple(Channel(name, "1", low=-1.0, high=1.0) for name in rows))
        own = (
            Channel("speed_m_s", "m/s", low=0.0, high=60.0),
            Channel("target_speed_m_s", "m/s", low=0.0, high=60.0),
            Channel("offset_m", "m", "lane", low=-4.0, high=4.0),
            Channel("heading_rad", "rad", "lane", low=-1.0, high=1.0),
            Channel("changing", "lanes", low=-1.0, high=1.0),
            Channel("lane_left", "1", low=0.0, high=1.0),
            Channel("lane_right", "1", low=0.0, high=1.0),
            Channel("lane_ends_m", "m", low=0.0, high=300.0),
            Channel("to_go_m", "m", low=0.0, high=max(self.goal_m, 1.0)),
            Channel("curvature_1_m", "1/m", low=-0.01, high=0.01),
            Channel("steer_rad", "rad", low=-1.1, high=1.1),
            Channel("left_s", "s", low=0.0, high=self.limit_s, sense="time"),
        )
        near = (
            channel
            for slot in c.SLOTS
            for channel in (
                Channel(f"{slot}_gap_m", "m", "lane", low=-20.0, high=200.0, noise=c.GAP_NOISE_M),
                Channel(f"{slot}_speed_m_s", "m/s", "lane", low=-60.0, high=60.0, noise=c.SPEED_NOISE_M_S),
                Channel(f"{slot}_offset_m", "m", "lane", low=-8.0, high=8.0, noise=c.OFFSET_NOISE_M),
            )
        )
        return Signals((*own, *near))

    @property
    def privileged(self) -> Signals:
        """Where the nearest vehicles truly are and mean to go, and the trial's conditions."""
        near = (
            Channel(f"{name}_{k}", unit)
            for k in range(min(8, self.cars))
            for name, unit in (("along_m", "m"), ("aside_m", "m"), ("faster_m_s", "m/s"), ("goes_m", "m"))
        )
        return Signals((*near, *(Channel(condition.name, condition.unit) for condition in self.conditions)))

    @property
    def action(self) -> Signals:
        """A speed and a lane to change to; or an acceleration and a steering rate."""
        if self.actions == "meta":
            return Signals((Channel("faster", "1", low=-1.0, high=1.0), Channel("left", "1", low=-1.0, high=1.0)))
        rate = self.steer_rate_rad_s
        return Signals(
            (
                Channel("accel_m_s2", "m/s^2", low=-6.0, high=3.0),
                Channel("steering_rate_rad_s", "rad/s", low=-rate, high=rate),
            )
        )

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What "ready" means; less where nobody sees who comes from behind, as in highway-env."""
        least, most = (0.90, 0.10) if self.peer else (0.95, 0.02)
        return Claim.parse(f"success >= {least} @ 0.95"), Claim.parse(f"P(collision) <= {most} @ 0.95")

    @property
    def limits(self) -> Limits:
        """The rate of closing in, and braking."""
        return Limits(extra={"inverse_ttc_1_s": 1.0, "decel_m_s2": 8.0})

    @property
    def model(self) -> Mapping[str, str]:
        """The identity of vehicle and traffic."""
        return {"vehicle": BMW_320I.name, "traffic": self.traffic, "traffic_sha256": sha256_of(self.people().tolist())}

    @property
    def unguarded(self) -> Motorway:
        """The same without a shield."""
        return replace(self, shield="none")

    def at(self, stage: Literal["training", "evidence"]) -> Motorway:
        """This task in a stage's physics."""
        return replace(self, physics=stage)

    def world(self, nsim: int, *, threads: int = 0, seed: int = 0, purpose: str = "simulate") -> MotorwayWorld:
        """nsim stretches; see jangin.task.World."""
        from jangin.vehicle.motorway_world import MotorwayWorld  # numba

        return MotorwayWorld(self, nsim, threads=threads, seed=seed, purpose=purpose)

    def expert(self) -> IdmMobil | None:
        """The rule-based driver; None where it cannot see how its wheels stand and yet has to turn them."""
        return None if self.actions == "continuous" and self.sees == "kinematics" else IdmMobil(self)

    def teacher(self) -> None:
        """None: nobody knows a rule that needs the privileged signals."""
        return

    # ── what the world asks ──────────────────────────────────────────────────────────────────────────────────────

    def settings(self) -> Array:
        """The compiled world's settings, by the names in `lanes/columns.py`."""
        found = np.zeros(c.NSETTINGS)
        values = {
            c.SUBSTEP: self.substep_s,
            c.PER_PERIOD: round(1.0 / (self.substep_s * self.rate_hz)),
            c.LANES: self.lanes,
            c.LANE_WIDTH: self.lane_width_m,
            c.PEER: self.peer,
            c.WRAP: not self.peer,
            c.EGO_ACCEL: 9.0 if self.peer else 3.0,
            c.EGO_BRAKE: 9.0 if self.peer else 8.0,
            c.TRACK_BRAKE: 9.0 if self.peer else 4.0,
            c.TRACK_S: 0.6 if self.peer else 1.0,
            c.SPEED_LOW: self.speeds_m_s[0],
            c.SPEED_STEP: self.speeds_m_s[1] - self.speeds_m_s[0],
            c.SPEEDS: len(self.speeds_m_s),
            c.CONTINUOUS: self.actions == "continuous",
            c.SHIELD: SHIELDS.index(self.shield),
            c.STEER_MAX: self.steer_max_rad,
            c.STEER_RATE: self.steer_rate_rad_s,
            c.WHEELBASE: self.wheelbase_m,
            c.RSS_RESPONSE: self.rss_response_s,
            c.RSS_ACCEL: 3.0,
            c.RSS_BRAKE: self.rss_brake_m_s2,
            c.RSS_BRAKE_OTHER: self.rss_brake_other_m_s2,
            c.KINEMATICS: self.sees == "kinematics",
            c.LAST_SUBSTEP: round(self.limit_s / self.substep_s),
        }
        for column, value in values.items():
            found[column] = value
        return found

    def kinds(self) -> tuple[Kind, ...]:
        """Who else drives."""
        return PEERS if self.peer else MOTORWAY

    def people(self) -> Array:
        """(nkind, 1 + n, 2): each kind's share, then the range of each column from LENGTH to KEEP_RIGHT."""
        return np.array([kind.rows() for kind in self.kinds()])

    def own_driver(self) -> Mapping[int, float]:
        """How the driven vehicle would drive if it were one of the others; for what they expect of it."""
        return {c.HEADWAY: 1.0, c.COMFORT_ACCEL: 2.0, c.COMFORT_DECEL: 3.0, c.JAM_GAP: 2.0, c.EXPONENT: 4.0}


TASK = Motorway
