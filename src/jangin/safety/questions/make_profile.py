"""A profile to confirm: the default one as a file, and with a region one that makes limits and claims.

    make_profile(profile, out="my.yaml")
    make_profile(profile, out="my.yaml", region="hand_finger", moving_mass_kg=20.0, clamped=True, exceedance=0.001)

The file is the default profile's text, comments and all, so that what is to be confirmed can be read beside it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jangin.errors import BadFile, JanginError
from jangin.record import write_whole
from jangin.safety.body import no_transient
from jangin.safety.calculation import Calculation, above_zero, flag, not_negative
from jangin.safety.profile import Profile, default_profile, default_text, profile_of
from jangin.schema import parse_yaml

__all__ = ["make_profile"]

_NUMBERS = {  # of a situation: the value's name, and its unit
    "moving_mass": ("moving_mass_kg", "kg"),
    "payload": ("payload_kg", "kg"),
    "contact_area": ("contact_area_cm2", "cm2"),
    "exceedance": ("exceedance", "1"),
    "confidence": ("confidence", "1"),
}
_UNLESS_SAID = {"payload_kg": 0.0, "confidence": 0.95}


def make_profile(
    profile: Profile, *, out: str | Path, region: str | None = None, clamped: bool = False, **numbers: float
) -> Calculation:
    """Write the default profile to `out`, whole or not at all.

    `region` may name several, with commas between; `numbers` are moving_mass_kg and exceedance, which a situation
    needs, and payload_kg, contact_area_cm2 and confidence. Raises: JanginError; BadFile for a file that exists.
    """
    if profile.sha256 != default_profile().sha256:
        raise JanginError(
            "jangin limits profile writes the default one and has no use for --profile. Edit your own file."
        )
    text = default_text().replace("\nname: default\n", f"\nname: {json.dumps(Path(out).stem)}\n", 1)
    if region is not None:
        regions = [name.strip() for name in region.split(",")]
        _check(profile, regions, clamped, numbers)
        text = _with_situation(text, regions, clamped, {**_UNLESS_SAID, **numbers})
    elif given := [*(["clamped"] if clamped else []), *numbers]:
        raise JanginError(
            f"{flag(given[0])} is part of a situation, which needs --region too, as hand_finger or neck,chest."
        )
    made = profile_of(parse_yaml(text), str(out))
    if Path(out).exists():
        raise BadFile(
            f"{out} exists, and a profile that somebody may have confirmed is not replaced. Give another place."
        )
    write_whole(Path(out), text.encode())
    sentence = f"{out} is a limits profile for you to confirm."
    if made.situation is None:
        return Calculation(made, sentence, None, "", {"out": str(out)}, [], {})
    limits = made.limits().items()
    sentence += f" It permits at most {limits['force_n']:g} N and {limits['tool_speed_m_s']:g} m/s."
    found = made.permitted()
    formulas = [f"{p.region.key}: {line}" for p in found for line in p.formulas]
    used = {name: number for p in found for name, number in p.used.items()}
    return Calculation(made, sentence, None, "", {"out": str(out), **limits}, formulas, used)


def _check(profile: Profile, regions: Sequence[str], clamped: bool, numbers: dict[str, float]) -> None:
    """Refuse, by flag, what the file would be refused for by key."""
    for name in regions:
        if profile.region(name).transient_factor is None and not clamped:
            raise no_transient(profile.region(name))
    if missing := [name for name in ("moving_mass_kg", "exceedance") if name not in numbers]:
        raise JanginError(f"A profile with a situation needs {flag(missing[0])} too. See jangin limits --help.")
    above_zero(moving_mass_kg=numbers["moving_mass_kg"], contact_area_cm2=numbers.get("contact_area_cm2"))
    not_negative(payload_kg=numbers.get("payload_kg"))
    if not 0.0 < numbers["exceedance"] < 1.0:
        raise JanginError(f"--exceedance is {numbers['exceedance']:g}; give a share above 0 and below 1, as 0.001.")
    if not 0.5 <= numbers.get("confidence", 0.5) < 1.0:
        raise JanginError(f"--confidence is {numbers['confidence']:g}; give a share from 0.5 to below 1, as 0.95.")


def _with_situation(text: str, regions: Sequence[str], clamped: bool, numbers: dict[str, float]) -> str:
    """The default profile's text with a situation in place of its null, its comments kept."""
    import yaml

    def entry(name: str, unit: str) -> dict[str, Any] | None:
        known = {"unit": unit, "source": "given to jangin limits profile", "verified": False, "note": ""}
        return {"value": numbers[name], **known} if name in numbers else None

    filled = {key: entry(name, unit) for key, (name, unit) in _NUMBERS.items()}
    situation = {"contact": "quasi_static" if clamped else "transient", "regions": list(regions), **filled}
    head, found, _ = text.rpartition("situation: null")
    assert found, "the default profile ends with its empty situation"
    return head + yaml.safe_dump({"situation": situation}, sort_keys=False, width=240, default_flow_style=None)
