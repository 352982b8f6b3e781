"""How far before a hazard must a light curtain or scanner be, or how fast must the machine stand?

    protective_distance(profile, edition="2010", response_s=0.32, resolution_mm=14.0)        # 512 mm
    protective_distance(profile, edition="2024", response_s=0.32, intrusion_mm=120.0)        # D_DS from your copy
    protective_distance(profile, edition="2010", distance_mm=512.0, resolution_mm=14.0)      # 0.32 s

The arithmetic is `safety.separation`. Which intrusion distance belongs to a zone is decided here, by the profile's
numbers; of the edition of 2024 only that of level zones is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jangin.errors import JanginError, UnknownName
from jangin.safety.body import Number, shown
from jangin.safety.calculation import Calculation, Table, not_negative, rounded_up
from jangin.safety.profile import Profile, rounded_down
from jangin.safety.separation import Approach, permitted_response, safeguard_distance

__all__ = ["EDITIONS", "WAYS", "protective_distance"]

EDITIONS = ("2010", "2024")
WAYS = ("orthogonal", "parallel")
_SAID = {"2010": "C = {} mm, given", "2024": "D_DS = {} mm, given"}
_AROUND = "Reaching over, around or under the zone, and standing behind it, are not part of this: see ISO 13855."


def protective_distance(
    profile: Profile,
    *,
    edition: str,
    response_s: float | None = None,
    distance_mm: float | None = None,
    approach: str = "orthogonal",
    resolution_mm: float | None = None,
    height_mm: float | None = None,
    intrusion_mm: float | None = None,
    supplement_mm: float = 0.0,
) -> Calculation:
    """S of `response_s`, the response time that `distance_mm` permits, or both."""
    if response_s is None and distance_mm is None:
        raise JanginError(
            "jangin limits protective-distance needs --response-s for the distance it asks for, or --distance-mm for "
            "the response time that it permits."
        )
    not_negative(response_s=response_s, distance_mm=distance_mm, resolution_mm=resolution_mm)
    not_negative(height_mm=height_mm, intrusion_mm=intrusion_mm, supplement_mm=supplement_mm)
    if supplement_mm and edition == "2010":
        raise JanginError("--supplement-mm is Z of the edition of 2024; that of 2010 has none. Leave it out.")
    zone = _zone(profile, edition, approach, resolution_mm, height_mm, intrusion_mm)
    formulas, numbers = [zone.formula], {"intrusion_mm": zone.intrusion_mm}
    sentences: list[str] = []
    value: float | None = None
    unit = ""
    if response_s is not None:
        value, unit = _distance(zone, response_s, supplement_mm), "mm"
        formulas += _forward(zone, response_s, supplement_mm, value)
        numbers["needed_mm"] = value
        sentences.append(f"The detection zone must be at least {rounded_up(value)} mm before the hazard.")
    if distance_mm is not None:
        seconds = permitted_response(
            zone.approach, distance_mm=distance_mm, intrusion_mm=zone.intrusion_mm, supplement_mm=supplement_mm
        )
        formulas.append(_inverse(zone, distance_mm, supplement_mm, seconds))
        numbers |= {"distance_mm": distance_mm, "permitted_response_s": seconds}
        down = shown(rounded_down(seconds)) if seconds > 0.0 else "0"
        sentences.append(f"At {shown(distance_mm)} mm the machine must stand within {down} s of detection.")
        if value is None:
            value, unit = seconds, "s"
        else:
            numbers["within"] = value <= distance_mm
    return Calculation(profile, " ".join(sentences), value, unit, numbers, formulas, zone.used, [_AROUND])


@dataclass(frozen=True)
class _Zone:
    """A detection zone: how a person comes through it, how far before it notices, and by which numbers."""

    approach: Approach
    intrusion_mm: float
    symbol: str
    formula: str
    used: Mapping[str, Number]


def _zone(
    profile: Profile, edition: str, way: str, resolution: float | None, height: float | None, given: float | None
) -> _Zone:
    if edition not in EDITIONS:
        raise UnknownName("edition of ISO 13855", edition, EDITIONS, "Their intrusion distances differ.")
    if way not in WAYS:
        raise UnknownName("approach", way, WAYS)
    table, symbol = Table(profile.distance), "C" if edition == "2010" else "D_DS"
    if way == "parallel":
        walking, (intrusion, formula) = True, _parallel(table, edition, resolution, height, given)
    elif height is not None:
        raise JanginError("--height-mm is for --approach parallel; leave it out, or say so.")
    else:
        walking = resolution is not None and resolution > table("finest_walking_resolution")
        intrusion, formula = _orthogonal(table, edition, resolution, walking, given)
    walk = table("walking_speed")
    if walking:
        approach = Approach(walk, walk, switch_mm=0.0, walking=True)
    else:
        approach = Approach(table("hand_speed"), walk, table("switch_distance"), table("smallest_distance"))
    return _Zone(approach, intrusion, symbol, formula, table.used)


def _orthogonal(
    table: Table, edition: str, resolution: float | None, walking: bool, given: float | None
) -> tuple[float, str]:
    """The intrusion distance of a zone across the approach, and its formula."""
    if given is not None:
        return given, _SAID[edition].format(shown(given))
    if edition == "2024":
        raise JanginError(
            "jangin has no rule for D_DS of the edition of 2024: take it from your copy of ISO 13855, by the zone's "
            "resolution and mounting, and give it as --intrusion-mm."
        )
    if resolution is None:
        raise JanginError("jangin limits protective-distance needs --resolution-mm of the zone, or --intrusion-mm.")
    d = shown(resolution)
    if walking:
        found = table("intrusion_walking")
        return found, f"C = {found:g} mm, as a zone of {d} mm resolution detects no hand"
    per, of = table("intrusion_per_resolution"), table("intrusion_resolution")
    found = max(0.0, per * (resolution - of))
    return found, f"C = {per:g} (d - {of:g}) = {per:g} x ({d} - {of:g}), at least 0, = {shown(found)} mm"


def _parallel(
    table: Table, edition: str, resolution: float | None, height: float | None, given: float | None
) -> tuple[float, str]:
    """The intrusion distance of a zone along the approach, and its formula; checks how high the zone lies."""
    if height is None:
        raise JanginError("--approach parallel needs --height-mm, the height of the zone above the floor.")
    highest = table("height_largest")
    if height > highest:
        raise JanginError(f"--height-mm is {height:g}; a zone along the approach lies at most {highest:g} mm high.")
    if resolution is not None:
        lowest = table("height_per_resolution") * (resolution - table("height_resolution"))
        if height < lowest:
            raise JanginError(
                f"A zone of {resolution:g} mm resolution must lie at least {lowest:g} mm high to detect a leg; "
                f"--height-mm is {height:g}. Give a finer resolution, or mount it higher."
            )
    if given is not None:
        return given, _SAID[edition].format(shown(given))
    if edition == "2024":
        found = table("parallel_intrusion_2024")
        return found, f"D_DS = {found:g} mm, at any height"
    most, per = table("parallel_intrusion"), table("parallel_intrusion_per_height")
    least = table("parallel_intrusion_smallest")
    found = max(most - per * height, least)
    formula = f"C = {most:g} - {per:g} H = {most:g} - {per:g} x {shown(height)}, at least {least:g}"
    return found, f"{formula}, = {shown(found)} mm"


# ── the arithmetic in words ──────────────────────────────────────────────────────────────────────────────────────


def _distance(zone: _Zone, response_s: float, supplement_mm: float) -> float:
    return safeguard_distance(
        zone.approach, response_s=response_s, intrusion_mm=zone.intrusion_mm, supplement_mm=supplement_mm
    )


def _forward(zone: _Zone, response_s: float, supplement_mm: float, found: float) -> list[str]:
    """Which K was tried, what came of it, and S."""
    a, c, t = zone.approach, shown(zone.intrusion_mm), shown(response_s)

    def tried(k: float) -> tuple[float, str]:
        s = k * response_s + zone.intrusion_mm
        return s, f"K T + {zone.symbol} = {k:g} x {t} + {c} = {shown(s)} mm"

    lines = []
    if not a.walking:
        reached, line = tried(a.hand_mm_s)
        stands = reached <= a.switch_mm
        lines.append(f"{line}, {'at most' if stands else 'more than'} {a.switch_mm:g} mm")
        least = f"at least {a.smallest_mm:g}" if stands else f"at least {a.switch_mm:g}"
    if a.walking or not stands:
        lines.append(tried(a.walk_mm_s)[1])
    bound = "" if a.walking else f", {least} mm"
    z, plus = (" + Z", f"; Z = {shown(supplement_mm)} mm") if supplement_mm else ("", "")
    return [*lines, f"S = K T + {zone.symbol}{z}{bound}{plus} = {shown(found)} mm"]


def _inverse(zone: _Zone, distance_mm: float, supplement_mm: float, seconds: float) -> str:
    a, z = zone.approach, f" - {shown(supplement_mm)}" if supplement_mm else ""
    k = a.walk_mm_s if a.walking or distance_mm - supplement_mm >= a.switch_mm else a.hand_mm_s
    symbols = f"(S - {zone.symbol}{' - Z' if z else ''})/K"
    return f"T = {symbols} = ({shown(distance_mm)} - {shown(zone.intrusion_mm)}{z})/{k:g} = {shown(seconds)} s"
