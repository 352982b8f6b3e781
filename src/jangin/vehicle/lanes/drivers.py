"""Who else is on the motorway: kinds of vehicles with their drivers and shares.

    MOTORWAY            # passenger cars and trucks of a European or Korean motorway; declared, see below
    PEERS               # highway-env's

Sources: car following parameters around those of Treiber and Kesting, Traffic Flow Dynamics (2013), table 11.2; lane
changing as in Kesting, Treiber and Helbing (2007); highway-env 1.12. The spread about them is declared, not measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from jangin.vehicle.traffic.drivers import HIGHWAY_ENV, PARAMETERS, Driver, Population, Uniform

__all__ = ["MOTORWAY", "PEERS", "Kind"]

Range = tuple[float, float]
_DRIVEN = PARAMETERS[:10]  # desired speed to keep-right bias: the columns of a car from V0 on


@dataclass(frozen=True)
class Kind:
    """A kind of vehicle with its drivers, every number drawn evenly over its range.

    Attributes:
        share: of all vehicles.
        length_m, width_m: of the box.
        drivers: who drives it; a parameter either is fixed or varies evenly.
    """

    share: float
    length_m: Range
    width_m: Range
    drivers: Population

    def rows(self) -> list[Range]:
        """The share, twice, then the ranges, in the order of the columns of a car from LENGTH on."""
        return [(self.share, self.share), self.length_m, self.width_m, *(self._range(name) for name in _DRIVEN)]

    def _range(self, name: str) -> Range:
        spread = self.drivers.spread.get(name)
        if spread is None:
            fixed = float(getattr(self.drivers.typical, name))
            return fixed, fixed
        assert isinstance(spread, Uniform), f"{name} of {self.drivers.name} must vary evenly"
        return spread.low, spread.high


_DECLARED = "declared, around Treiber and Kesting (2013) and Kesting, Treiber, Helbing (2007)"

CARS = Population(
    "motorway-cars",
    _DECLARED,
    Driver(28.0, 1.35, 1.5, 2.0),
    {
        "desired_speed_m_s": Uniform(23.0, 34.0), "headway_s": Uniform(0.9, 1.8), "accel_m_s2": Uniform(1.0, 2.0),
        "decel_m_s2": Uniform(1.5, 2.5), "jam_gap_m": Uniform(2.0, 4.0), "politeness": Uniform(0.1, 0.5),
        "threshold_m_s2": Uniform(0.1, 0.3), "safe_decel_m_s2": Uniform(2.0, 3.0), "keep_right_m_s2": Uniform(0.0, 0.2),
    },
)  # fmt: skip
TRUCKS = Population(
    "motorway-trucks",
    _DECLARED,
    Driver(23.0, 1.7, 0.75, 1.75),
    {
        "desired_speed_m_s": Uniform(22.0, 25.0), "headway_s": Uniform(1.2, 2.2), "accel_m_s2": Uniform(0.5, 1.0),
        "decel_m_s2": Uniform(1.5, 2.0), "jam_gap_m": Uniform(2.0, 4.0), "politeness": Uniform(0.2, 0.6),
        "threshold_m_s2": Uniform(0.2, 0.4), "safe_decel_m_s2": Uniform(1.5, 2.0), "keep_right_m_s2": Uniform(0.3, 0.6),
    },
)  # fmt: skip

MOTORWAY = (Kind(0.85, (4.0, 5.2), (1.7, 2.0), CARS), Kind(0.15, (8.0, 16.5), (2.5, 2.55), TRUCKS))
PEERS = (Kind(1.0, (5.0, 5.0), (2.0, 2.0), HIGHWAY_ENV),)
