"""Who else is on the motorway: kinds of drivers and vehicles with their shares, as ranges.

    MOTORWAY            # passenger cars and trucks of a European or Korean motorway; declared, see below
    PEERS               # highway-env's

Sources: car following parameters around those of Treiber and Kesting, Traffic Flow Dynamics (2013), table 11.2; lane
changing as in Kesting, Treiber and Helbing (2007); highway-env 1.12. The spread about them is declared, not measured.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

__all__ = ["MOTORWAY", "PEERS", "Kind"]

Range = tuple[float, float]


@dataclass(frozen=True)
class Kind:
    """A kind of driver with its vehicle: its share of all, and the range each of its numbers is drawn from evenly.

    Attributes:
        share: of all vehicles.
        length_m, width_m: of the box.
        desired_m_s: speed on a free road.
        headway_s, accel_m_s2, decel_m_s2, jam_gap_m, exponent: of the intelligent driver model.
        politeness, threshold_m_s2, safe_decel_m_s2, keep_right_m_s2: of MOBIL.
    """

    share: float
    length_m: Range
    width_m: Range
    desired_m_s: Range
    headway_s: Range
    accel_m_s2: Range
    decel_m_s2: Range
    jam_gap_m: Range
    exponent: Range
    politeness: Range
    threshold_m_s2: Range
    safe_decel_m_s2: Range
    keep_right_m_s2: Range

    def rows(self) -> list[Range]:
        """The share, twice, then the ranges, in the order of the columns of a car."""
        share, *ranges = astuple(self)
        return [(share, share), *ranges]


MOTORWAY = (
    Kind(
        0.85,
        length_m=(4.0, 5.2), width_m=(1.7, 2.0), desired_m_s=(23.0, 34.0), headway_s=(0.9, 1.8),
        accel_m_s2=(1.0, 2.0), decel_m_s2=(1.5, 2.5), jam_gap_m=(2.0, 4.0), exponent=(4.0, 4.0),
        politeness=(0.1, 0.5), threshold_m_s2=(0.1, 0.3), safe_decel_m_s2=(2.0, 3.0), keep_right_m_s2=(0.0, 0.2),
    ),
    Kind(
        0.15,
        length_m=(8.0, 16.5), width_m=(2.5, 2.55), desired_m_s=(22.0, 25.0), headway_s=(1.2, 2.2),
        accel_m_s2=(0.5, 1.0), decel_m_s2=(1.5, 2.0), jam_gap_m=(2.0, 4.0), exponent=(4.0, 4.0),
        politeness=(0.2, 0.6), threshold_m_s2=(0.2, 0.4), safe_decel_m_s2=(1.5, 2.0), keep_right_m_s2=(0.3, 0.6),
    ),
)  # fmt: skip

PEERS = (
    Kind(
        1.0,
        length_m=(5.0, 5.0), width_m=(2.0, 2.0), desired_m_s=(21.0, 24.0), headway_s=(1.5, 1.5),
        accel_m_s2=(3.0, 3.0), decel_m_s2=(5.0, 5.0), jam_gap_m=(10.0, 10.0), exponent=(3.5, 4.5),
        politeness=(0.0, 0.0), threshold_m_s2=(0.2, 0.2), safe_decel_m_s2=(2.0, 2.0), keep_right_m_s2=(0.0, 0.0),
    ),
)  # fmt: skip
