"""What a vehicle is: its size, axles, limits and mass, as published or as declared.

    BMW_320I.wheelbase_m                                    # 2.578912798
    replace(BMW_320I, acceleration_max_m_s2=6.0)            # a braking assumption laid over the tyres' limit
    published(2) is BMW_320I

Sets 1 to 4 are those of the CommonRoad vehicle models, digit by digit. Their largest acceleration, 11.5 m/s^2, is what
the tyres hold, forward and backward alike: it is no drivetrain, no driver and no comfort. Lay 6.0 m/s^2 (R157-derived),
0.774 g (its careful human driver) or 0.85 g (emergency braking) over it with `dataclasses.replace`.

The two plant vehicles are ours: declared, plausible values of no particular product, and published nowhere.

Source: Althoff and Wuersching, CommonRoad: Vehicle Models, 2020; parameter files of release 3.0.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from jangin.errors import BadTask, UnknownName

__all__ = [
    "BMW_320I",
    "FORD_ESCORT",
    "PLANT_ROBOT",
    "PLANT_TUGGER",
    "TRUCK_AND_TRAILER",
    "VW_VANAGON",
    "DifferentialDrive",
    "Trailer",
    "VehicleParameters",
    "published",
]

GRAVITY_M_S2 = 9.81  # as the published models round it


@dataclass(frozen=True)
class Trailer:
    """A trailer whose hitch lies on the truck's rear axle.

    Attributes:
        length_m, width_m: full size of its box.
        wheelbase_m: hitch to trailer axle.
        hitch_to_rear_m: hitch to the rear end of the box.
    """

    length_m: float
    width_m: float
    wheelbase_m: float
    hitch_to_rear_m: float

    def __post_init__(self) -> None:
        _refuse_unless_above_0(self, ("length_m", "width_m", "wheelbase_m", "hitch_to_rear_m"))

    @property
    def centre_behind_hitch_m(self) -> float:
        """From the hitch back to the centre of the trailer's box."""
        return self.hitch_to_rear_m - 0.5 * self.length_m


@dataclass(frozen=True)
class VehicleParameters:
    """A vehicle steered at the front axle.

    Attributes:
        name: what it is.
        length_m, width_m: full size of the box.
        front_axle_m, rear_axle_m: distance of each axle from the centre of gravity; their sum is the wheelbase.
        rear_axle_to_centre_m: from the rear axle forward to the centre of the box. For the published cars it is
            `rear_axle_m`: CommonRoad puts the box around the centre of gravity.
        steer_max_rad, steer_rate_max_rad_s: of the front wheels, to either side.
        acceleration_max_m_s2: largest |acceleration|; forward, above `switch_speed_m_s`, it falls as 1 / speed.
        switch_speed_m_s: where the engine's power begins to limit.
        speed_min_m_s, speed_max_m_s: backward (negative) and forward.
        mass_kg, yaw_inertia_kg_m2, centre_of_gravity_height_m: None where none is published; the dynamic model needs
            them. The published models use the height of the *sprung* mass, h_s; so do we.
        friction, cornering_stiffness_per_rad: of the tyres, mu and C_S.
        trailer: None for a vehicle without one.
        source: where the values come from.
    """

    name: str
    length_m: float
    width_m: float
    front_axle_m: float
    rear_axle_m: float
    rear_axle_to_centre_m: float
    steer_max_rad: float
    steer_rate_max_rad_s: float
    acceleration_max_m_s2: float
    switch_speed_m_s: float
    speed_min_m_s: float
    speed_max_m_s: float
    mass_kg: float | None = None
    yaw_inertia_kg_m2: float | None = None
    centre_of_gravity_height_m: float | None = None
    friction: float = 1.0489
    cornering_stiffness_per_rad: float = 21.92 / 1.0489
    trailer: Trailer | None = None
    source: str = "declared"

    def __post_init__(self) -> None:
        above_0 = (
            "length_m", "width_m", "front_axle_m", "rear_axle_m", "steer_max_rad", "steer_rate_max_rad_s",
            "acceleration_max_m_s2", "switch_speed_m_s", "speed_max_m_s", "mass_kg", "yaw_inertia_kg_m2",
            "centre_of_gravity_height_m", "friction", "cornering_stiffness_per_rad",
        )  # fmt: skip
        _refuse_unless_above_0(self, above_0)
        if not self.steer_max_rad < math.pi / 2:
            raise BadTask(
                f"{self.name}: steer_max_rad = {self.steer_max_rad:g} turns on the spot; give less than pi/2."
            )
        if not -math.inf < self.speed_min_m_s <= 0.0:
            raise BadTask(f"{self.name}: speed_min_m_s = {self.speed_min_m_s:g}; give 0, or less to drive backward.")

    @property
    def wheelbase_m(self) -> float:
        return self.front_axle_m + self.rear_axle_m


@dataclass(frozen=True)
class DifferentialDrive:
    """A vehicle that turns by two driven wheels on one axle; speeds ramp up and down in straight lines.

    Attributes:
        name: what it is.
        length_m, width_m: full size of the box.
        axle_to_centre_m: from the middle of the driven axle forward to the centre of the box.
        track_m: distance of the two wheels.
        speed_min_m_s, speed_max_m_s: backward (negative or 0) and forward.
        yaw_rate_max_rad_s: to either side.
        acceleration_m_s2, deceleration_m_s2: away from standstill, and towards it.
        yaw_acceleration_rad_s2: away from no turning and towards it alike.
        source: where the values come from.
    """

    name: str
    length_m: float
    width_m: float
    axle_to_centre_m: float
    track_m: float
    speed_min_m_s: float
    speed_max_m_s: float
    yaw_rate_max_rad_s: float
    acceleration_m_s2: float
    deceleration_m_s2: float
    yaw_acceleration_rad_s2: float
    source: str = "declared"

    def __post_init__(self) -> None:
        above_0 = (
            "length_m", "width_m", "track_m", "speed_max_m_s", "yaw_rate_max_rad_s", "acceleration_m_s2",
            "deceleration_m_s2", "yaw_acceleration_rad_s2",
        )  # fmt: skip
        _refuse_unless_above_0(self, above_0)
        if not -math.inf < self.speed_min_m_s <= 0.0:
            raise BadTask(f"{self.name}: speed_min_m_s = {self.speed_min_m_s:g}; give 0, or less to drive backward.")

    @property
    def wheel_speed_max_m_s(self) -> float:
        """What each wheel must be able to run, so that every speed is allowed with every yaw rate."""
        return max(self.speed_max_m_s, -self.speed_min_m_s) + 0.5 * self.track_m * self.yaw_rate_max_rad_s


def _refuse_unless_above_0(values: Trailer | VehicleParameters | DifferentialDrive, names: Sequence[str]) -> None:
    known = {f.name for f in fields(values)}
    for name in names:
        assert name in known, name
        value = getattr(values, name)
        if value is not None and not 0.0 < value < math.inf:
            raise BadTask(f"{getattr(values, 'name', 'trailer')}: {name} = {value:g}; give a value above 0.")


_COMMONROAD = "CommonRoad vehicle models 3.0.2, parameter set {}"

FORD_ESCORT = VehicleParameters(
    name="Ford Escort",
    length_m=4.298,
    width_m=1.674,
    front_axle_m=0.88392,
    rear_axle_m=1.50876,
    rear_axle_to_centre_m=1.50876,
    steer_max_rad=0.91,
    steer_rate_max_rad_s=0.4,
    acceleration_max_m_s2=11.5,
    switch_speed_m_s=4.755,
    speed_min_m_s=-13.9,
    speed_max_m_s=45.8,
    mass_kg=1225.8878467253344,
    yaw_inertia_kg_m2=1538.8533713561394,
    centre_of_gravity_height_m=0.59436,
    source=_COMMONROAD.format(1),
)

BMW_320I = VehicleParameters(
    name="BMW 320i",
    length_m=4.508,
    width_m=1.61,
    front_axle_m=1.1561957064,
    rear_axle_m=1.4227170936,
    rear_axle_to_centre_m=1.4227170936,
    steer_max_rad=1.066,
    steer_rate_max_rad_s=0.4,
    acceleration_max_m_s2=11.5,
    switch_speed_m_s=7.319,
    speed_min_m_s=-13.9,
    speed_max_m_s=50.8,
    mass_kg=1093.2952334674046,
    yaw_inertia_kg_m2=1791.5995300122856,
    centre_of_gravity_height_m=0.61373004,
    source=_COMMONROAD.format(2),
)

VW_VANAGON = VehicleParameters(
    name="VW Vanagon",
    length_m=4.569,
    width_m=1.844,
    front_axle_m=1.1507916024,
    rear_axle_m=1.3211363976000001,
    rear_axle_to_centre_m=1.3211363976000001,
    steer_max_rad=1.023,
    steer_rate_max_rad_s=0.4,
    acceleration_max_m_s2=11.5,
    switch_speed_m_s=7.824,
    speed_min_m_s=-11.2,
    speed_max_m_s=41.7,
    mass_kg=1478.8979637767998,
    yaw_inertia_kg_m2=2473.1176915564442,
    centre_of_gravity_height_m=0.804490644,
    source=_COMMONROAD.format(3),
)

# The rear axle lies 1.95 m behind the centre of the truck: with the end of the trailer 12.0 m behind the hitch, and it
# on that axle, the published total of 16.5 m leaves 4.5 m from the axle to the front of the 5.1 m truck.
TRUCK_AND_TRAILER = VehicleParameters(
    name="truck and trailer",
    length_m=5.1,
    width_m=2.55,
    front_axle_m=1.8,
    rear_axle_m=1.8,
    rear_axle_to_centre_m=16.5 - 12.0 - 0.5 * 5.1,
    steer_max_rad=0.55,
    steer_rate_max_rad_s=0.7103,
    acceleration_max_m_s2=11.5,
    switch_speed_m_s=7.824,
    speed_min_m_s=-2.78,
    speed_max_m_s=22.22,
    trailer=Trailer(length_m=13.6, width_m=2.55, wheelbase_m=8.1, hitch_to_rear_m=12.0),
    source=_COMMONROAD.format(4),
)

PLANT_TUGGER = VehicleParameters(
    name="plant tugger",
    length_m=1.9,
    width_m=0.9,
    front_axle_m=0.6,
    rear_axle_m=0.6,
    rear_axle_to_centre_m=0.55,
    steer_max_rad=0.8,
    steer_rate_max_rad_s=0.8,
    acceleration_max_m_s2=1.0,
    switch_speed_m_s=2.0,  # its top speed: the drive is never short of power
    speed_min_m_s=-0.5,
    speed_max_m_s=2.0,
)

PLANT_ROBOT = DifferentialDrive(
    name="plant robot",
    length_m=1.0,
    width_m=0.7,
    axle_to_centre_m=0.0,
    track_m=0.6,
    speed_min_m_s=-0.3,
    speed_max_m_s=1.5,
    yaw_rate_max_rad_s=1.5,
    acceleration_m_s2=0.8,
    deceleration_m_s2=1.2,
    yaw_acceleration_rad_s2=3.0,
)

_PUBLISHED = {"1": FORD_ESCORT, "2": BMW_320I, "3": VW_VANAGON, "4": TRUCK_AND_TRAILER}


def published(number: int) -> VehicleParameters:
    """The CommonRoad parameter set of that number, 1 to 4.

    Raises: UnknownName for another number.
    """
    if str(number) not in _PUBLISHED:
        raise UnknownName("published parameter set", str(number), _PUBLISHED)
    return _PUBLISHED[str(number)]
