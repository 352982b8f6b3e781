"""The questions of `jangin limits`, and who answers them.

    found = limits("contact", default_profile(), region="hand_finger", moving_mass_kg=20.0, payload_kg=2.0)

    contact               the force and the relative speed that a body region permits; with speed_m_s, what that does
    separation            S_p of a robot's speed; with distance_m, the robot's speed that a distance permits
    protective-distance   S of a light curtain or scanner; with distance_mm, the response time that a distance permits
    profile               writes a profile for the user to confirm; with a region, one that has a situation

Each question has values of its own; one that does not belong is refused by its flag's name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jangin.errors import JanginError, UnknownName
from jangin.safety.calculation import Calculation, flag
from jangin.safety.profile import Profile
from jangin.safety.questions.contact import contact
from jangin.safety.questions.distance import protective_distance
from jangin.safety.questions.make_profile import make_profile
from jangin.safety.questions.separation import separation

__all__ = ["QUESTIONS", "Question", "limits"]


@dataclass(frozen=True)
class Question:
    """Who answers it, the values it needs, and those it can take."""

    answer: Callable[..., Calculation]
    needs: tuple[str, ...]
    takes: tuple[str, ...]


_TOUCH = ("payload_kg", "clamped", "contact_area_cm2")
QUESTIONS = {
    "contact": Question(contact, ("region", "moving_mass_kg"), (*_TOUCH, "speed_m_s")),
    "separation": Question(
        separation,
        ("reaction_s",),
        (
            *("robot_speed_m_s", "distance_m", "person_speed_m_s", "stopping_s", "stopping_distance_m"),
            *("deceleration_m_s2", "intrusion_m", "person_uncertainty_m", "robot_uncertainty_m"),
        ),
    ),
    "protective-distance": Question(
        protective_distance,
        ("edition",),
        (
            *("response_s", "distance_mm", "approach", "resolution_mm", "height_mm", "intrusion_mm"),
            "supplement_mm",
        ),
    ),
    "profile": Question(make_profile, ("out",), ("region", "moving_mass_kg", *_TOUCH, "exceedance", "confidence")),
}


def limits(what: str, profile: Profile, **values: Any) -> Calculation:
    """Answer one question with a profile's numbers; values that are None or False are not given.

    Raises: UnknownName for a question, region, edition or approach that is none; JanginError for a value that is
    missing, does not belong to the question, or is out of range; BadFile for a file that exists.
    """
    if what not in QUESTIONS:
        raise UnknownName("question", what, QUESTIONS, "Ask one right after the verb, as `jangin limits contact`.")
    question = QUESTIONS[what]
    asked = {k: v for k, v in values.items() if v is not None and v is not False}
    if strange := [k for k in asked if k not in (*question.needs, *question.takes)]:
        have = ", ".join(flag(k) for k in (*question.needs, *question.takes))
        raise JanginError(f"jangin limits {what} has no use for {flag(strange[0])}; it takes: {have}.")
    if missing := [k for k in question.needs if k not in asked]:
        raise JanginError(f"jangin limits {what} needs {flag(missing[0])}. See jangin limits --help.")
    return question.answer(profile, **asked)
