"""What does a body region permit, and what does a given speed do to it?

    contact(profile, region="hand_finger", moving_mass_kg=20.0, payload_kg=2.0, speed_m_s=0.5)

The arithmetic is `safety.contact`, what a region permits `safety.body`.
"""

from __future__ import annotations

from typing import Any

from jangin.safety.body import permitted, shown
from jangin.safety.calculation import GIVEN, Calculation, given
from jangin.safety.contact import peak_force
from jangin.safety.profile import STANDING_PERSON, Profile, rounded_down

__all__ = ["contact"]

_PRESSURE = (
    "F/A is the mean pressure: an edge or a corner presses harder. The stiffness is that of a small contact, so a "
    "large area makes the model less cautious."
)


def contact(
    profile: Profile,
    *,
    region: str,
    moving_mass_kg: float,
    payload_kg: float = 0.0,
    speed_m_s: float | None = None,
    clamped: bool = False,
    contact_area_cm2: float | None = None,
) -> Calculation:
    """The permitted force and relative speed; with `speed_m_s` the force of an impact at that speed."""
    found = permitted(
        profile.region(region),
        given(moving_mass_kg, "kg"),
        given(payload_kg, "kg"),
        contact="quasi_static" if clamped else "transient",
        area=None if contact_area_cm2 is None else given(contact_area_cm2, "cm2"),
    )
    force, speed, words = found.force_n, found.speed_m_s, found.region.words
    value, unit, formulas = speed, "m/s", [*found.formulas]
    numbers: dict[str, Any] = {"force_n": force, "speed_m_s": speed, "reduced_kg": found.reduced_kg}
    sentence = (
        f"Contact with {words}, {'clamped' if clamped else 'free to recoil'}: at most {shown(rounded_down(force))} N, "
        f"which an impact reaches at {shown(rounded_down(speed))} m/s."
    )
    if speed_m_s is not None:
        k, mu = found.stiffness_n_m, found.reduced_kg
        value, unit = peak_force(speed_m_s=speed_m_s, stiffness_n_m=k, reduced_kg=mu), "N"
        within = value <= force * (1.0 + 1e-12)  # the permitted speed itself is within, whatever its rounding
        numbers |= {"impact_speed_m_s": speed_m_s, "impact_force_n": value, "within": within}
        formulas.append(f"F = v sqrt(k mu) = {shown(speed_m_s)} x sqrt({shown(k)} x {shown(mu)}) = {shown(value)} N")
        verdict = "within what is permitted" if within else f"{shown(value / force)} times what is permitted"
        sentence += f" An impact at {shown(speed_m_s)} m/s gives {shown(value)} N, {verdict}."
    remarks = [STANDING_PERSON] if contact_area_cm2 is None else [_PRESSURE, STANDING_PERSON]
    if clamped and found.region.transient_factor is None:
        remarks.append(
            f"No contact in motion is permitted with the {words}: the speed is only what the spring model gives for a "
            "part that is already held."
        )
    used = {name: n for name, n in found.used.items() if n.source != GIVEN}
    return Calculation(profile, sentence, value, unit, numbers, formulas, used, remarks)
