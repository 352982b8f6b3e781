"""Drive a plant vehicle along an aisle among people and other vehicles.

    jangin simulate vehicle/aisle --policy expert --trials 500
    jangin learn vehicle/aisle --recipe ppo --budget-s 300

A mobile robot with two driven wheels drives from one end of an aisle between racks to a goal near the other end, and
stands there. People walk along the aisle, stop, and step out from between the racks, where no sensor sees them before;
another vehicle comes towards it or goes ahead of it, and a tugger may be parked at the side. Near people it must be
slow, and never so fast that it could not stop before one who is in its way.
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
from jangin.vehicle.parameters import GRAVITY_M_S2, PLANT_ROBOT

if TYPE_CHECKING:
    from jangin.vehicle.aisle_expert import DynamicWindow
    from jangin.vehicle.aisle_world import AisleWorld

RANGE_M = 10.0  # of the best scanner
EMPTY_KG, BRAKE_N, DRIVE_N = 250.0, 550.0, 400.0  # of the vehicle: declared, as its other parameters are
GRIP = 0.6  # share of the weight on the driven wheels, which also brake
NRAY, PEOPLE_SEEN, VEHICLES_SEEN = 24, 3, 2


@dataclass(frozen=True)
class Aisle:
    """An aisle between racks, and one plant vehicle to drive along it.

    Attributes:
        physics: "training": exact sensors, a dry floor and a quick drive; "evidence": noise, latency, ranges, friction
            and lag vary.
        people: at the most so many are about.
        stepping: share of the people who wait between racks and step out.
        goal_m: how far along the aisle the goal lies [m].
        limit_s: in so long at the most [s].
        zone_m: a person nearer than this, in front or beside, is in the zone [m].
        zone_m_s: the speed allowed with a person in the zone [m/s].
        tolerance_m: the goal is reached within this distance of it [m].
    """

    physics: Literal["training", "evidence"] = "evidence"
    people: int = 3
    stepping: float = 0.5
    goal_m: float = 16.0
    limit_s: float = 60.0
    zone_m: float = 1.0
    zone_m_s: float = 0.3
    tolerance_m: float = 0.3

    name = "vehicle/aisle"
    rate_hz = 5.0
    substep_s = 0.05
    vehicle = PLANT_ROBOT
    claims = (
        Claim.parse("success >= 0.90 @ 0.95"),
        Claim.parse("P(person_contact) <= 0.02 @ 0.95"),
        Claim.parse("P(peak_zone_speed_m_s > 0.6) <= 0.10 @ 0.95"),
    )
    columns = {
        "cycle_s": "s",
        "margin": "",
        "mean_speed_m_s": "m/s",
        "min_gap_m": "m",
        "min_person_gap_m": "m",
        "peak_zone_speed_m_s": "m/s",
        "peak_stop_deficit_m": "m",
        "impact_m_s": "m/s",
        "brake_m_s2": "m/s^2",
    }

    def __post_init__(self) -> None:
        if self.physics not in ("training", "evidence"):
            raise BadTask(f"physics is {self.physics!r}; it must be one of training, evidence.")
        if not 0 <= self.people <= 12:
            raise BadTask(f"people is {self.people}; it must be from 0 to 12.")
        if not 0.0 <= self.stepping <= 1.0:
            raise BadTask(f"stepping is {self.stepping:g}; it is a share, from 0 to 1.")
        if not 12.0 <= self.goal_m <= 60.0:
            raise BadTask(f"goal_m is {self.goal_m:g}; it must be from 12 to 60.")
        for name in ("limit_s", "zone_m", "zone_m_s", "tolerance_m"):
            if not getattr(self, name) > 0.0:
                raise BadTask(f"{name} is {getattr(self, name):g}; it must be above 0.")
        if not np.isclose(self.limit_s * self.rate_hz, round(self.limit_s * self.rate_hz)):
            raise BadTask(f"limit_s is {self.limit_s:g}; it must be a whole number of control periods of 0.2 s.")

    # ── the contract ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def conditions(self) -> Conditions:
        """Aisle, people, other vehicles, load, floor, drive and sensors."""
        blind = self.physics == "training"

        def varies(exact: float, low: float, high: float) -> Distribution:
            return Fixed(exact) if blind else Uniform(low, high)

        parked = Uniform(5.0, 5.0 + 2.0 * (self.goal_m - 8.0))
        return Conditions(
            (
                Condition("aisle_m", "m", Uniform(3.2, 4.2), "width of the aisle"),
                Condition("people_about", "", Uniform(0.0, self.people + 1.0), "its whole part is how many"),
                Condition("attentive", "", Uniform(0.0, 1.0), "share of the people who make way early"),
                Condition("walking_m_s", "m/s", Uniform(0.8, 1.5), "how fast people walk, on average"),
                Condition(
                    "other_m_s", "m/s", Uniform(-1.0, 1.0), "of the other vehicle; slower than 0.2: there is none"
                ),
                Condition("parked_m", "m", parked, "where a tugger is parked; beyond the goal less 3 m: none is"),
                Condition("start_m", "m", Uniform(-0.6, 0.6), "to the left of the aisle's middle, at the start"),
                Condition("start_rad", "rad", Uniform(-0.3, 0.3), "heading at the start"),
                Condition("goal_left_m", "m", Uniform(-0.5, 0.5), "the goal, to the left of the aisle's middle"),
                Condition("payload_kg", "kg", Uniform(0.0, 400.0), "on the vehicle"),
                Condition("friction", "", varies(0.5, 0.15, 0.6), "of the floor"),
                Condition("lag_s", "s", varies(0.1, 0.05, 0.3), "time constant of the drive"),
                Condition("sensor_range_m", "m", varies(8.0, 5.0, RANGE_M), "of the scanner"),
                Condition("sensor_noise", "", varies(0.0, 0.0, 1.0), "factor on the sensors' noise"),
                Condition("latency_s", "s", varies(0.0, 0.0, 0.25), "of what is seen of others"),
            )
        )

    @property
    def observation(self) -> Signals:
        """Itself and the map, a scanner's ranges, and the nearest people and vehicles in sight."""
        far, top, turn = self.goal_m + 6.0, self.vehicle.speed_max_m_s, self.vehicle.yaw_rate_max_rad_s
        own = (
            Channel("speed_m_s", "m/s", low=-top, high=top),
            Channel("yaw_rate_rad_s", "rad/s", low=-turn, high=turn),
            Channel("goal_ahead_m", "m", "vehicle", low=-far, high=far),
            Channel("goal_left_m", "m", "vehicle", low=-far, high=far),
            Channel("offset_m", "m", "aisle", low=-3.0, high=3.0),
            Channel("heading_rad", "rad", "aisle", low=-3.15, high=3.15),
            Channel("half_aisle_m", "m", "aisle", low=0.0, high=3.0),
            Channel("opening_left_m", "m", "aisle", low=0.0, high=6.0),
            Channel("opening_right_m", "m", "aisle", low=0.0, high=6.0),
            Channel("left_s", "s", low=0.0, high=self.limit_s, sense="time"),
        )
        rays = (Channel(f"range_{k}_m", "m", "vehicle", low=0.0, high=RANGE_M, noise=0.03) for k in range(NRAY))
        movers = (
            channel
            for kind, count in (("person", PEOPLE_SEEN), ("vehicle", VEHICLES_SEEN))
            for k in range(count)
            for channel in (
                Channel(f"{kind}_{k}_ahead_m", "m", "vehicle", low=-RANGE_M, high=RANGE_M, noise=0.05),
                Channel(f"{kind}_{k}_left_m", "m", "vehicle", low=-RANGE_M, high=RANGE_M, noise=0.05),
                Channel(f"{kind}_{k}_ahead_m_s", "m/s", "vehicle", low=-3.0, high=3.0, noise=0.1),
                Channel(f"{kind}_{k}_left_m_s", "m/s", "vehicle", low=-3.0, high=3.0, noise=0.1),
            )
        )
        return Signals((*own, *rays, *movers))

    @property
    def privileged(self) -> Signals:
        """Where everybody truly is, the racks hiding nobody, and the trial's conditions."""
        names = (*(f"person_{k}" for k in range(self.people)), "other", "parked")
        bodies = (
            Channel(f"true_{name}_{what}", unit)
            for name in names
            for what, unit in (("ahead_m", "m"), ("left_m", "m"), ("ahead_m_s", "m/s"), ("left_m_s", "m/s"))
        )
        return Signals((*bodies, *(Channel(condition.name, condition.unit) for condition in self.conditions)))

    @property
    def action(self) -> Signals:
        """A speed and a yaw rate."""
        turn = self.vehicle.yaw_rate_max_rad_s
        return Signals(
            (
                Channel("told_m_s", "m/s", low=self.vehicle.speed_min_m_s, high=self.vehicle.speed_max_m_s),
                Channel("told_rad_s", "rad/s", low=-turn, high=turn),
            )
        )

    @property
    def limits(self) -> Limits:
        """The speed near people, and the stopping distance beyond the way to a person."""
        return Limits(extra={"zone_speed_m_s": self.zone_m_s, "stop_deficit_m": 0.1})

    @property
    def model(self) -> Mapping[str, str]:
        """The identity of the vehicle."""
        return {"vehicle": self.vehicle.name, "vehicle_sha256": sha256_of(asdict(self.vehicle))}

    def at(self, stage: Literal["training", "evidence"]) -> Aisle:
        """This task in a stage's physics."""
        return replace(self, physics=stage)

    def world(self, nsim: int, *, threads: int = 0, seed: int = 0, purpose: str = "simulate") -> AisleWorld:
        """nsim aisles; see jangin.task.World."""
        from jangin.vehicle.aisle_world import AisleWorld  # numba

        return AisleWorld(self, nsim, threads=threads, seed=seed, purpose=purpose)

    def expert(self) -> DynamicWindow:
        """The rule-based driver."""
        from jangin.vehicle.aisle_expert import DynamicWindow

        return DynamicWindow(self)

    def teacher(self) -> None:
        """None: nobody knows a rule that needs the privileged signals."""
        return

    # ── what the world asks ──────────────────────────────────────────────────────────────────────────────────────

    def braking_m_s2(self, payload_kg: Array, friction: Array) -> Array:
        """Deceleration with a load on a floor: of the brakes, the tyres' grip and the drive's setting the least."""
        grip = GRIP * np.asarray(friction) * GRAVITY_M_S2
        return np.minimum(np.minimum(self.vehicle.deceleration_m_s2, BRAKE_N / (EMPTY_KG + payload_kg)), grip)

    def accelerating_m_s2(self, payload_kg: Array, friction: Array) -> Array:
        """Likewise acceleration."""
        grip = GRIP * np.asarray(friction) * GRAVITY_M_S2
        return np.minimum(np.minimum(self.vehicle.acceleration_m_s2, DRIVE_N / (EMPTY_KG + payload_kg)), grip)


TASK = Aisle
