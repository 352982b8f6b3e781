"""A profile: safety limits that their user has confirmed, and the limits and claims they make of a task.

    profile = read_profile("my.yaml")                  # BadFile names the key and what belongs there
    profile.limits()                                   # Limits(force_n=140.0, tool_speed_m_s=0.147)
    profile.claims(task)                               # P(peak_force_n > 140) <= 0.001 @ 0.95, ...
    profile.provenance(), profile.notes(task)          # for the plan and the report

A profile holds tables (by body region, for separation, for light curtains) and, where it is made for a task, a
situation: which regions may be touched, how, and by what mass. Every number has a value, a unit, a source and says
whether somebody has verified it. The published schema is safety/profile.schema.json; docs/limits.md explains it.

What it does not do: judge a hazard. A claim made of it says that a policy in simulation stays below a number.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jangin.claim import Claim
from jangin.errors import BadClaim, BadFile, JanginError, UnknownName
from jangin.safety.body import Contact, Number, Permitted, Region, permitted
from jangin.schema import misfit, parse_yaml, read_yaml, schema
from jangin.task import Limits, Task, sha256_of

__all__ = [
    "NOT_A_SAFETY_ASSESSMENT",
    "SCHEMA_FILE",
    "Profile",
    "Situation",
    "default_profile",
    "default_text",
    "profile_of",
    "read_profile",
    "rounded_down",
]

SCHEMA_FILE = "safety/profile.schema.json"
NOT_A_SAFETY_ASSESSMENT = (
    "This is arithmetic with a profile's numbers, not a safety assessment: the risk assessment, the measurement on the "
    "machine and its certified safety functions remain with whoever puts it to work."
)
SIMULATED = (
    "peak_force_n is the simulated force at the robot's wrist, peak_tool_speed_m_s the speed of its tool: the claims "
    "say what the policy does in simulation. A contact with a person is judged by measuring it (ISO/PAS 5672)."
)
STANDING_PERSON = "The permitted speed is relative: it is the tool's only where the person does not move towards it."
COLUMNS = {"force_n": "peak_force_n", "tool_speed_m_s": "peak_tool_speed_m_s"}  # what the trials record of each limit
NAMES = {"force_n": "contact force", "tool_speed_m_s": "contact speed"}  # of the claims


@dataclass(frozen=True)
class Situation:
    """What the robot may touch, and how.

    Attributes:
        contact: "transient" (the body part can recoil) or "quasi_static" (it is clamped).
        regions: every region that may be touched; the strictest decides.
        moving_mass, payload: of the robot's moving parts, and of tool and load [kg].
        contact_area: the smaller of the two surfaces [cm2]; None leaves the pressure out.
        exceedance, confidence: of the claims: P(limit exceeded) <= exceedance @ confidence.
    """

    contact: Contact
    regions: tuple[str, ...]
    moving_mass: Number
    payload: Number
    contact_area: Number | None
    exceedance: Number
    confidence: Number


@dataclass(frozen=True)
class Profile:
    """Limits with their sources; make it with `read_profile` or `default_profile`.

    Attributes:
        name: the profile's own.
        confirm: what must be done before its numbers are relied on.
        confirmed_by: who has done that, when, with which edition; "" while nobody has.
        regions: body regions by name.
        separation, distance: the other numbers, by name.
        situation: what makes the tables a task's limits; None in a profile that is only looked up.
        sha256: of everything in it but its comments.
    """

    name: str
    confirm: str
    confirmed_by: str
    regions: Mapping[str, Region]
    separation: Mapping[str, Number]
    distance: Mapping[str, Number]
    situation: Situation | None
    sha256: str

    def region(self, name: str) -> Region:
        """A body region; raises UnknownName with the nearest."""
        if name not in self.regions:
            raise UnknownName("body region", name, self.regions, f"They are those of the profile {self.name!r}.")
        return self.regions[name]

    def permitted(self) -> tuple[Permitted, ...]:
        """What each region of the situation permits; raises JanginError where there is no situation."""
        s = self._situation()
        return tuple(
            permitted(self.region(name), s.moving_mass, s.payload, contact=s.contact, area=s.contact_area)
            for name in s.regions
        )

    def limits(self) -> Limits:
        """The smallest force and speed that any region of the situation permits, rounded down to 3 digits."""
        found = self.permitted()
        return Limits(
            force_n=rounded_down(min(p.force_n for p in found)),
            tool_speed_m_s=rounded_down(min(p.speed_m_s for p in found)),
        )

    def claims(self, task: Task) -> tuple[Claim, ...]:
        """P(limit exceeded) <= exceedance, for each of the limits that the task records.

        Raises: BadClaim when it records none of them.
        """
        s, limits = self._situation(), self.limits().items()
        recorded = {limit: column for limit, column in COLUMNS.items() if column in task.columns}
        if not recorded:
            raise BadClaim(
                f"{task.name} records neither {' nor '.join(COLUMNS.values())}, so the limits of the profile "
                f"{self.name!r} cannot be claimed. Record one of them, or qualify without the profile."
            )
        where = f"{s.contact.replace('_', '-')} contact with {', '.join(self.region(r).words for r in s.regions)}"
        why = f"{where}; limits profile {self.name}, sha256 {self.sha256[:12]}"
        tail = f"<= {s.exceedance.value:.12g} @ {s.confidence.value:.12g}"
        return tuple(
            Claim.parse(f"P({column} > {limits[limit]:.12g}) {tail}", name=NAMES[limit], why=why)
            for limit, column in recorded.items()
        )

    def provenance(self) -> tuple[dict[str, Any], ...]:
        """The limits and every number they rest on, plain values: name, value, unit, source, verified.

        A limit is verified when somebody has confirmed the profile and every number behind it is verified.
        """
        s, found, limits = self._situation(), self.permitted(), self.limits()
        softest = min(found, key=lambda p: p.force_n)
        slowest = min(found, key=lambda p: p.speed_m_s)
        derived = (
            ("force_n", limits.force_n, "N", softest, softest.force_formula),
            ("tool_speed_m_s", limits.tool_speed_m_s, "m/s", slowest, slowest.formulas[-1]),
        )
        rows = []
        for name, value, unit, least, formula in derived:
            where = f"{least.region.words}, {least.contact.replace('_', '-')}"
            source = f"{where}: {formula}; limits profile {self.name}, sha256 {self.sha256}"
            numbers = [n for p in found for n in _behind(name, p)]
            verified = bool(self.confirmed_by) and all(n.verified for n in numbers)
            rows.append(Number(float(value or 0.0), unit, source, verified).entry(name))
        used = {name: number for p in found for name, number in p.used.items()}
        rest = {**used, "exceedance": s.exceedance, "confidence": s.confidence}
        return (*rows, *(number.entry(name) for name, number in rest.items()))

    def notes(self, task: Task | None = None) -> tuple[str, ...]:
        """What a plan and a report must say beside these limits, one sentence each."""
        notes = [*self.unconfirmed({k: n for p in self.permitted() for k, n in p.used.items()})]
        if task is not None:
            missing = [column for column in COLUMNS.values() if column not in task.columns]
            notes += [f"{task.name} does not record {c}, so nothing is claimed about it." for c in missing]
        return (*notes, STANDING_PERSON, SIMULATED, NOT_A_SAFETY_ASSESSMENT)

    def unconfirmed(self, used: Mapping[str, Number]) -> tuple[str, ...]:
        """Sentences about numbers that nobody has verified, and a profile that nobody has confirmed."""
        notes = []
        if not self.confirmed_by:
            notes.append(f"Nobody has confirmed the limits profile {self.name!r}. {self.confirm}")
        if names := [name for name, number in used.items() if not number.verified]:
            notes.append(f"Not verified in the limits profile {self.name!r}: {', '.join(names)}.")
        return tuple(notes)

    def _situation(self) -> Situation:
        if self.situation is None:
            raise JanginError(
                f"The limits profile {self.name!r} has no situation: it does not say what may be touched, and by what. "
                "Make one with: jangin limits profile --out my.yaml --region hand_finger --moving-mass-kg 20 "
                "--exceedance 0.001"
            )
        return self.situation


def _behind(limit: str, found: Permitted) -> list[Number]:
    """The numbers that a limit rests on: the speed on all, the force not on stiffness and masses."""
    of_speed = (f"{found.region.key}.stiffness", f"{found.region.key}.mass", "moving_mass", "payload")
    return [n for name, n in found.used.items() if limit == "tool_speed_m_s" or name not in of_speed]


def rounded_down(value: float, digits: int = 3) -> float:
    """`value` > 0 with so many significant digits, never above it."""
    step = math.floor(math.log10(value)) - digits + 1
    # a value that is already such a number must not lose its last digit to binary rounding
    return round(math.floor(value / 10.0**step + 1e-9) * 10.0**step, 12)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def read_profile(path: str | Path) -> Profile:
    """A profile's file; raises BadFile, or UnknownName for a region, in one sentence."""
    return profile_of(read_yaml(path, SCHEMA_FILE), str(path))


@functools.cache
def default_profile() -> Profile:
    """The profile that jangin ships; nobody has confirmed it."""
    return profile_of(parse_yaml(default_text()), "the default profile")


@functools.cache
def default_text() -> str:
    """The default profile as its file, comments included."""
    return (resources.files("jangin.safety") / "profiles" / "default.yaml").read_text(encoding="utf-8")


def profile_of(values: Mapping[str, Any], place: str) -> Profile:
    """The profile that plain values describe; `place` is for messages. Raises: BadFile, UnknownName."""
    if wrong := misfit(values, schema(SCHEMA_FILE), "profile"):
        raise BadFile(f"{place} is no limits profile: {wrong}.")
    profile = Profile(
        name=values["name"],
        confirm=values["confirm"],
        confirmed_by=values["confirmed_by"].strip(),
        regions={k: Region.of_plain(k, v) for k, v in values["contact"]["regions"].items()},
        separation={k: Number.of_plain(v) for k, v in values["separation"].items()},
        distance={k: Number.of_plain(v) for k, v in values["protective_distance"].items()},
        situation=_situation_of(values["situation"]),
        sha256=sha256_of(_decimal(values)),
    )
    if profile.situation is not None:
        try:
            profile.permitted()
        except UnknownName as e:
            raise e
        except JanginError as e:
            raise BadFile(f"{place}, situation: {e}") from e
    return profile


def _situation_of(values: Mapping[str, Any] | None) -> Situation | None:
    if values is None:
        return None
    area = values["contact_area"]
    return Situation(
        contact=values["contact"],
        regions=tuple(values["regions"]),
        moving_mass=Number.of_plain(values["moving_mass"]),
        payload=Number.of_plain(values["payload"]),
        contact_area=None if area is None else Number.of_plain(area),
        exceedance=Number.of_plain(values["exceedance"]),
        confidence=Number.of_plain(values["confidence"]),
    )


def _decimal(value: Any) -> Any:
    """`value` with whole numbers as floats: 140 and 140.0 are one number, and one hash."""
    if isinstance(value, Mapping):
        return {k: _decimal(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_decimal(v) for v in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
