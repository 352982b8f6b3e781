"""What every question of `jangin limits` is answered with: the number, the arithmetic, the sources, what must be said.

    found.value, found.unit, found.formulas, found.used, found.notes
    print(found.text)                                  # all of it, for a person
    json.dumps(found.plain)                            # all of it, for a machine

An answer is never without its notes: numbers nobody has verified, and what it is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jangin.errors import JanginError
from jangin.safety.body import Number, shown
from jangin.safety.profile import NOT_A_SAFETY_ASSESSMENT, Profile

__all__ = ["GIVEN", "Calculation", "Table", "above_zero", "flag", "given", "not_negative", "rounded_up"]

GIVEN = "given"  # source of a number from the command line: it is nobody's table


@dataclass(frozen=True)
class Calculation:
    """One answer.

    Attributes:
        profile: whose numbers were used.
        sentence: the answer for a person.
        value, unit: the number; None and "" where a file is the answer.
        numbers: all results by name, with the unit in the name.
        formulas: the arithmetic with the numbers filled in, line by line.
        used: the profile's numbers in it, by name.
        remarks: what must be said beside it, one sentence each.
    """

    profile: Profile
    sentence: str
    value: float | None
    unit: str
    numbers: Mapping[str, Any]
    formulas: Sequence[str]
    used: Mapping[str, Number]
    remarks: Sequence[str] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """The remarks, what nobody has verified, and that this is no safety assessment."""
        return (*self.profile.unconfirmed(self.used), *self.remarks, NOT_A_SAFETY_ASSESSMENT)

    @property
    def plain(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "answer": self.sentence,
            "value": self.value,
            "unit": self.unit,
            "numbers": dict(self.numbers),
            "formulas": list(self.formulas),
            "used": [{**n.entry(name), "note": n.note} for name, n in self.used.items()],
            "notes": list(self.notes),
            "profile": {"name": self.profile.name, "sha256": self.profile.sha256},
        }

    @property
    def text(self) -> str:
        """Everything as lines."""
        rows = [(name, f"{n.value:g} {n.unit}".removesuffix(" 1"), n) for name, n in self.used.items()]
        first = max((len(name) for name, _, _ in rows), default=0)
        second = max((len(value) for _, value, _ in rows), default=0)
        lines = [self.sentence, *(f"  {line}" for line in self.formulas)]
        lines.append(f"  profile {self.profile.name}, sha256 {self.profile.sha256[:12]}, of which were used:")
        for name, value, n in rows:
            seen = "verified" if n.verified else "NOT verified"
            note = f" ({n.note})" if n.note else ""
            lines.append(f"    {name:<{first}}  {value:<{second}}  {seen:<12}  {n.source}{note}")
        if not rows:
            lines[-1] = lines[-1].replace(", of which were used:", ": none of its numbers was used")
        return "\n".join([*lines, *(f"  note         {note}" for note in self.notes)])


class Table:
    """A profile's numbers by name, that remembers which of them were looked at."""

    def __init__(self, numbers: Mapping[str, Number]) -> None:
        self._numbers = numbers
        self.used: dict[str, Number] = {}

    def __call__(self, name: str) -> float:
        """The value of a number, which counts as used from now on."""
        self.used[name] = self._numbers[name]
        return self.used[name].value


def given(value: float, unit: str) -> Number:
    """A number from the command line."""
    return Number(float(value), unit, GIVEN, True)


def flag(name: str) -> str:
    """A value's name on the command line."""
    return f"--{name.replace('_', '-')}"


def not_negative(**values: float | None) -> None:
    """Refuse a number below 0 by its flag; None is "not said" and passes."""
    for name, value in values.items():
        if value is not None and not (math.isfinite(value) and value >= 0.0):
            raise JanginError(f"{flag(name)} is {value:g}; give a number of at least 0.")


def above_zero(**values: float | None) -> None:
    """Refuse a number that is not above 0 by its flag; None is "not said" and passes."""
    for name, value in values.items():
        if value is not None and not (math.isfinite(value) and value > 0.0):
            raise JanginError(f"{flag(name)} is {value:g}; give a finite number above 0.")


def rounded_up(value: float) -> str:
    """Four significant digits, never below the value."""
    if value <= 0.0:
        return "0"
    step = 10.0 ** (math.floor(math.log10(value)) - 3)
    return shown(math.ceil(value / step - 1e-9) * step)
