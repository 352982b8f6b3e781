"""Drivers: what one is like, and populations to draw many from.

    TREIBER_KESTING.typical.following          # (33.3, 1.0, 1.0, 1.5, 2.0, 4.0): the parameters `idm` takes, in order
    rows = HIGHWAY_ENV.drawn(rng.random((50, len(PARAMETERS))))     # (50, 12): one driver a row, columns as PARAMETERS
    krauss = sumo_krauss(limit_m_s=130 / 3.6)

One uniform a parameter and vehicle goes through the inverse distribution function, whether or not that parameter varies
in this population. So two populations given the same uniforms draw the "same" drivers, and a parameter made to vary
changes no other.

Populations here: TREIBER_KESTING and TREIBER_KESTING_CITY, KESTING_ACC, KESTING_MOBIL, HIGHWAY_ENV, `sumo_krauss`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np

from jangin.errors import BadTask, UnknownName

__all__ = [
    "HIGHWAY_ENV",
    "KESTING_ACC",
    "KESTING_MOBIL",
    "PARAMETERS",
    "TREIBER_KESTING",
    "TREIBER_KESTING_CITY",
    "Driver",
    "Normal",
    "Population",
    "Uniform",
    "sumo_krauss",
]

Array = np.ndarray


@dataclass(frozen=True)
class Driver:
    """What a driver is like. The first six are what `idm` takes, in its order; the rest is for the other models.

    Attributes:
        desired_speed_m_s: kept on a free road.
        headway_s: time gap kept behind a leader; the reaction time of Krauss's and Gipps's drivers.
        accel_m_s2: from a standstill on a free road.
        decel_m_s2: comfortable for `idm`, the hardest for Krauss's driver; positive.
        jam_gap_m: gap kept at a standstill.
        exponent: how late the acceleration fades near the desired speed.
        politeness: MOBIL's weight of others; below 0 is malice.
        threshold_m_s2: what a lane change must be worth.
        safe_decel_m_s2: what a lane change may make its new follower brake; positive.
        keep_right_m_s2: what the lane to the right is worth as such.
        coolness: of `acc`, 0 .. 1.
        imperfection: of Krauss's driver, 0 .. 1.
    """

    desired_speed_m_s: float
    headway_s: float
    accel_m_s2: float
    decel_m_s2: float
    jam_gap_m: float = 2.0
    exponent: float = 4.0
    politeness: float = 0.0
    threshold_m_s2: float = 0.2
    safe_decel_m_s2: float = 4.0
    keep_right_m_s2: float = 0.0
    coolness: float = 0.99
    imperfection: float = 0.0

    def __post_init__(self) -> None:
        for f in fields(self):
            value, (low, high, open_low) = getattr(self, f.name), _ALLOWED[f.name]
            if not math.isfinite(value) or value > high or value < low or (open_low and value == low):
                least = f"more than {low:g}" if open_low else f"{low:g} or more"
                raise BadTask(
                    f"A driver with {f.name} = {value:g} cannot be simulated; give {least}, at most {high:g}."
                )

    @property
    def following(self) -> tuple[float, float, float, float, float, float]:
        """The parameters `idm` takes after the lead speed, in its order."""
        return (
            self.desired_speed_m_s,
            self.headway_s,
            self.accel_m_s2,
            self.decel_m_s2,
            self.jam_gap_m,
            self.exponent,
        )

    @property
    def row(self) -> Array:
        """All parameters, (len(PARAMETERS),)."""
        return np.array([getattr(self, name) for name in PARAMETERS])


# lowest, highest, and whether the lowest itself is excluded
_ALLOWED: dict[str, tuple[float, float, bool]] = {
    "desired_speed_m_s": (0.0, 150.0, True),
    "headway_s": (0.0, 20.0, False),
    "accel_m_s2": (0.0, 20.0, True),
    "decel_m_s2": (0.0, 20.0, True),
    "jam_gap_m": (0.0, 50.0, False),
    "exponent": (0.0, 100.0, True),
    "politeness": (-10.0, 10.0, False),
    "threshold_m_s2": (0.0, 20.0, False),
    "safe_decel_m_s2": (0.0, 20.0, True),
    "keep_right_m_s2": (-10.0, 10.0, False),
    "coolness": (0.0, 1.0, False),
    "imperfection": (0.0, 1.0, False),
}

PARAMETERS: tuple[str, ...] = tuple(f.name for f in fields(Driver))


@dataclass(frozen=True)
class Uniform:
    """Evenly from `low` to `high`."""

    low: float
    high: float

    def at(self, u: Array) -> Array:
        """The quantiles at u in [0, 1]."""
        return self.low + (self.high - self.low) * u


@dataclass(frozen=True)
class Normal:
    """The normal distribution of that mean and standard deviation, cut off at `low` and `high`, not piled up there."""

    mean: float
    sd: float
    low: float
    high: float

    def at(self, u: Array) -> Array:
        """The quantiles at u in [0, 1]."""
        from jangin.stats.inverse import normal

        below, upto = (0.5 * math.erfc((self.mean - x) / (self.sd * math.sqrt(2.0))) for x in (self.low, self.high))
        return np.clip(self.mean + self.sd * normal(below + (upto - below) * u), self.low, self.high)


@dataclass(frozen=True)
class Population:
    """Drivers of a kind.

    Attributes:
        name: what it is called.
        source: where the numbers were published.
        typical: the driver of it with the parameters that do not vary.
        spread: how the others vary from driver to driver.
    """

    name: str
    source: str
    typical: Driver
    spread: Mapping[str, Uniform | Normal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, s in self.spread.items():
            if name not in PARAMETERS:
                raise UnknownName("parameter of a driver", name, PARAMETERS)
            if not s.low <= s.high or (isinstance(s, Normal) and not s.sd > 0.0):
                raise BadTask(f"{name} of the drivers {self.name!r} cannot vary as {s}; give low <= high and sd > 0.")
            for end in (s.low, s.high):
                replace(self.typical, **{name: end})  # refuses an end no driver can have

    def drawn(self, uniforms: Array) -> Array:
        """Drivers, (n, len(PARAMETERS)), columns as PARAMETERS; from uniforms in [0, 1] of that very shape."""
        uniforms = np.asarray(uniforms, float)
        if uniforms.ndim != 2 or uniforms.shape[1] != len(PARAMETERS):
            raise ValueError(f"Uniforms of shape {uniforms.shape}; give one row a driver, (n, {len(PARAMETERS)}).")
        rows = np.tile(self.typical.row, (len(uniforms), 1))
        for name, s in self.spread.items():
            k = PARAMETERS.index(name)
            rows[:, k] = s.at(uniforms[:, k])
        return rows


TREIBER_KESTING = Population(
    "treiber-kesting",
    "Treiber, Kesting, Traffic Flow Dynamics (2013), chapter 11 (IDM, motorway); MOBIL as on the authors' pages",
    Driver(120 / 3.6, 1.0, 1.0, 1.5, politeness=0.25, threshold_m_s2=0.2, safe_decel_m_s2=4.0, keep_right_m_s2=0.2),
)
"""The textbook driver on a motorway."""

TREIBER_KESTING_CITY = Population(
    "treiber-kesting-city",
    TREIBER_KESTING.source.replace("motorway", "city"),
    replace(TREIBER_KESTING.typical, desired_speed_m_s=54 / 3.6),
)
"""The textbook driver in a city."""

KESTING_ACC = Population(
    "kesting-acc",
    "Kesting, Treiber, Helbing, Phil. Trans. R. Soc. A 368 (2010) 4585 (arXiv 0912.3613)",
    Driver(120 / 3.6, 1.5, 1.4, 2.0, coolness=0.99),
)
"""The adaptive cruise control of the enhanced model's paper; meant for `acc`."""

KESTING_MOBIL = Population(
    "kesting-mobil",
    "MOBIL: Kesting, Treiber, Helbing, TRR 1999 (2007) 86; car following as TREIBER_KESTING",
    replace(TREIBER_KESTING.typical, threshold_m_s2=0.1, safe_decel_m_s2=4.0, keep_right_m_s2=0.3),
    {"politeness": Uniform(0.0, 1.0)},
)
"""From egoists to people who weigh others like themselves, who keep to the right."""

HIGHWAY_ENV = Population(
    "highway-env",
    "highway-env 1.12, vehicle/behavior.py and vehicle/kinematics.py",
    Driver(22.5, 1.5, 3.0, 5.0, jam_gap_m=10.0, politeness=0.0, threshold_m_s2=0.2, safe_decel_m_s2=2.0),
    {"desired_speed_m_s": Uniform(21.0, 24.0), "exponent": Uniform(3.5, 4.5)},
)
"""The drivers of highway-env's motorway. Its distances are from centre to centre (10 m = 5 m and a 5 m car) and its
formula is `idm_highway_env`; accelerations are clipped to 6 m/s^2 either way, lanes are chosen once a second."""


def sumo_krauss(limit_m_s: float) -> Population:
    """SUMO's default passenger cars on a road with this speed limit; `krauss_speed`, whose headway is SUMO's tau.

    In SUMO tau is no reaction time: drivers react within one step, so give `krauss_speed` a step of at most tau.
    """
    return Population(
        "sumo-krauss",
        "SUMO's defaults of vClass passenger: Krauss, speedFactor normc(1, 0.1, 0.2, 2)",
        Driver(limit_m_s, 1.0, 2.6, 4.5, jam_gap_m=2.5, imperfection=0.5),
        {"desired_speed_m_s": Normal(limit_m_s, 0.1 * limit_m_s, 0.2 * limit_m_s, 2.0 * limit_m_s)},
    )
