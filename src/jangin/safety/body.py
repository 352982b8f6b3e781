"""A body region's numbers, each with its source, and what they permit in one contact.

    region = profile.regions["hand_finger"]
    found = permitted(region, Number(20.0, "kg", ...), Number(2.0, "kg", ...), contact="quasi_static")
    found.force_n, found.speed_m_s, found.formulas, found.used

A transient contact is one the body part recoils from: the permitted force is that of a quasi-static contact times the
region's factor, and the region's mass takes part. In a quasi-static contact the part is clamped and cannot give way.
Where a contact area is given, the permitted pressure times the area bounds the force too, and the smaller one governs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jangin.errors import JanginError
from jangin.safety.contact import permitted_speed, reduced_mass, robot_mass

__all__ = ["CONTACTS", "Contact", "Number", "Permitted", "Region", "no_transient", "permitted", "shown"]

Contact = Literal["transient", "quasi_static"]
CONTACTS: tuple[Contact, ...] = ("transient", "quasi_static")
_N_M = 1000.0  # N/m in one N/mm


@dataclass(frozen=True)
class Number:
    """A number and where it comes from.

    Attributes:
        value, unit: as the source gives it.
        source: where it was read, or that it was not read anywhere.
        verified: whether somebody has compared it with that source.
        note: what else a reader should know; "" for nothing.
    """

    value: float
    unit: str
    source: str
    verified: bool
    note: str = ""

    @classmethod
    def of_plain(cls, values: Mapping[str, Any]) -> Number:
        """The number that a profile's mapping holds; it fits the schema already."""
        return cls(**{**values, "value": float(values["value"])})

    def entry(self, name: str) -> dict[str, Any]:
        """The number as a row of a table of limits with their sources: plain values."""
        return {
            "name": name,
            "value": self.value,
            "unit": self.unit,
            "source": self.source,
            "verified": self.verified,
        }


@dataclass(frozen=True)
class Region:
    """What a person's body region bears.

    Attributes:
        key, words: its name in files, and for people.
        force: permitted in quasi-static contact [N].
        stiffness: of the body part as a spring [N/mm].
        mass: that gives way in a transient contact [kg].
        transient_factor: permitted transient over quasi-static force; None where no transient contact is permitted.
        pressure: permitted in quasi-static contact [N/cm2]; None where the profile has none.
    """

    key: str
    words: str
    force: Number
    stiffness: Number
    mass: Number
    transient_factor: Number | None
    pressure: Number | None

    @classmethod
    def of_plain(cls, key: str, values: Mapping[str, Any]) -> Region:
        """The region that a profile's mapping holds; it fits the schema already."""
        numbers = {k: None if v is None else Number.of_plain(v) for k, v in values.items() if k != "words"}
        return cls(key=key, words=values["words"], **numbers)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Permitted:
    """What one region permits in one contact.

    Attributes:
        region, contact: which.
        force_n: the largest force, by the force or by the pressure.
        speed_m_s: the relative speed at which an impact reaches it.
        reduced_kg, stiffness_n_m: of the model.
        force_formula: the arithmetic of the force, with the numbers filled in.
        formulas: that of everything, line by line; the last is the speed's.
        used: the profile's numbers in it, by name.
    """

    region: Region
    contact: Contact
    force_n: float
    speed_m_s: float
    reduced_kg: float
    stiffness_n_m: float
    force_formula: str
    formulas: tuple[str, ...]
    used: Mapping[str, Number]


def permitted(
    region: Region, moving: Number, payload: Number, *, contact: Contact, area: Number | None = None
) -> Permitted:
    """The force and the relative speed that a region permits; moving, payload [kg], area [cm2].

    Raises: JanginError for a transient contact where none is permitted, and for a mass or area out of range.
    """
    robot = robot_mass(moving_kg=moving.value, payload_kg=payload.value)
    force, lines, used = _force(region, contact, area)
    force_formula = "; ".join(lines)
    stiffness = region.stiffness.value * _N_M
    clamped = contact == "quasi_static"
    mu = reduced_mass(body_kg=math.inf if clamped else region.mass.value, robot_kg=robot)
    speed = permitted_speed(force_n=force, stiffness_n_m=stiffness, reduced_kg=mu)
    used |= {f"{region.key}.stiffness": region.stiffness}
    if not clamped:
        used |= {f"{region.key}.mass": region.mass}
    used |= {"moving_mass": moving, "payload": payload}
    lines += [
        f"m_R = M/2 + m_L = {shown(moving.value)}/2 + {shown(payload.value)} = {shown(robot)} kg",
        f"mu = m_R = {shown(mu)} kg, as a clamped body part cannot give way (m_H -> infinity)"
        if clamped
        else f"mu = 1/(1/m_H + 1/m_R) = 1/(1/{shown(region.mass.value)} + 1/{shown(robot)}) = {shown(mu)} kg",
        f"v_max = F_max/sqrt(k mu) = {shown(force)}/sqrt({shown(stiffness)} x {shown(mu)}) = {shown(speed)} m/s",
    ]
    return Permitted(region, contact, force, speed, mu, stiffness, force_formula, tuple(lines), used)


def _force(region: Region, contact: Contact, area: Number | None) -> tuple[float, list[str], dict[str, Number]]:
    """The permitted force [N], its formulas, and the numbers used."""
    factor = 1.0
    used = {f"{region.key}.force": region.force}
    lines = [f"F_max = {shown(region.force.value)} N in quasi-static contact"]
    if contact == "transient":
        if region.transient_factor is None:
            raise no_transient(region)
        factor = region.transient_factor.value
        used[f"{region.key}.transient_factor"] = region.transient_factor
        lines = [f"F_max = {shown(factor)} x {shown(region.force.value)} = {shown(factor * region.force.value)} N"]
    force = factor * region.force.value
    if area is None:
        return force, lines, used
    if not (math.isfinite(area.value) and area.value > 0.0):
        raise JanginError(f"The contact area is {area.value:g} cm2; give the smaller of the two surfaces, above 0.")
    if region.pressure is None:
        raise JanginError(
            f"The profile has no pressure for the {region.words} ({region.key}). Leave the contact area out, or add a "
            "pressure to the profile."
        )
    pressed = factor * region.pressure.value * area.value
    used |= {f"{region.key}.pressure": region.pressure, "contact_area": area}
    times = f"{shown(factor)} x " if contact == "transient" else ""
    lines.append(
        f"F_p = p A = {times}{shown(region.pressure.value)} x {shown(area.value)} = {shown(pressed)} N by pressure"
    )
    if pressed < force:
        lines.append(f"F_max = min(F_max, F_p) = {shown(pressed)} N: the pressure governs")
    return min(force, pressed), lines, used


def no_transient(region: Region) -> JanginError:
    """What to say where a contact in motion is asked for and none is permitted."""
    return JanginError(
        f"No transient contact is permitted with the {region.words} ({region.key}). Keep the robot away from it; "
        "--clamped, or contact: quasi_static, asks for what is permitted to a part that is already held."
    )


def shown(value: float) -> str:
    """Four significant digits, without an exponent."""
    text = f"{value:.4g}"
    return f"{value:.0f}" if "e+" in text else text
