"""Numbers of an environment by name, sums of them, and conditions on them: the words of a mapping.

    Sum.parse("0.05 - info.distance").value(numbers)          # numbers: name -> (n,) float64
    Condition.parse("info.coverage >= 0.95").score(numbers)   # info.coverage - 0.95, >= 0 where it holds
    Condition.parse("info.is_success").score(numbers)         # 1 where it is true, -1 where not

The names are those of one step: `reward`, `return` (the rewards so far), `steps`, `time_s`, `terminated`, `truncated`,
`info.KEY` or `info.KEY.2` (the third of an array), `observation.3` or `observation.KEY.0`. A sum has names, numbers,
and numbers times names. Nothing is evaluated: a text is read into numbers and names, and refused where it is anything
else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jangin.errors import BadTask, nearest
from jangin.task import Array

__all__ = ["STEP", "Condition", "Sum"]

STEP = ("reward", "return", "steps", "time_s", "terminated", "truncated")

_NUMBER = r"\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?"
_NAME = r"[A-Za-z_][\w/]*(?:\.[\w/]+)*"
_TOKEN = re.compile(rf"\s*(?:({_NUMBER})|({_NAME})|([-+*]))")
_COMPARISON = re.compile(r"(>=|<=|>|<)")
_OF_ENVIRONMENT = re.compile(r"info\.[\w/.]+|observation\.([\w/.]+\.)?\d+")


@dataclass(frozen=True)
class Sum:
    """Factors times names, and a constant."""

    terms: tuple[tuple[float, str], ...]
    constant: float

    @classmethod
    def parse(cls, text: str) -> Sum:
        """Read a sum; raises BadTask in one sentence."""
        terms: list[tuple[float, str]] = []
        constant, at, words = 0.0, 0, _words(text)
        while at < len(words):
            sign = 1.0
            if words[at] in ("+", "-"):
                sign, at = (-1.0 if words[at] == "-" else 1.0), at + 1
            elif at:
                raise _unreadable(text)
            factor, name, at = _term(words, at, text)
            if name:
                terms.append((sign * factor, name))
            else:
                constant += sign * factor
        if not words:
            raise _unreadable(text)
        return cls(tuple(terms), constant)

    @property
    def names(self) -> tuple[str, ...]:
        """The names it reads."""
        return tuple(name for _, name in self.terms)

    def value(self, numbers: Mapping[str, Array]) -> Array:
        """Its value where each name has the numbers (n,); NaN where one was not given."""
        total: Array = np.full(np.shape(next(iter(numbers.values()))), self.constant)
        for factor, name in self.terms:
            total = total + factor * numbers[name]
        return total

    def minus(self, other: Sum) -> Sum:
        """This sum less another."""
        return Sum(self.terms + tuple((-f, n) for f, n in other.terms), self.constant - other.constant)


@dataclass(frozen=True)
class Condition:
    """A sum that is to be true, or at least (for `strict`: more than) 0."""

    text: str
    sum: Sum
    flag: bool
    strict: bool

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition, as "info.is_success" or "info.coverage >= 0.95"; raises BadTask in one sentence."""
        parts = _COMPARISON.split(text)
        if len(parts) == 1:
            found = Sum.parse(text)
            if len(found.terms) != 1 or found.constant:
                raise BadTask(f"{text!r} compares nothing; write a name alone, or as 'info.distance <= 0.05'.")
            return cls(text, found, flag=True, strict=False)
        if len(parts) != 3:
            raise BadTask(f"{text!r} compares more than two things; write several conditions as a list.")
        left, sign, right = Sum.parse(parts[0]), parts[1], Sum.parse(parts[2])
        more = left.minus(right) if sign[0] == ">" else right.minus(left)
        if not more.terms:
            raise BadTask(f"{text!r} compares numbers only; name something of the environment, as 'info.distance'.")
        return cls(text, more, flag=False, strict=len(sign) == 1)

    @property
    def names(self) -> tuple[str, ...]:
        """The names it reads."""
        return self.sum.names

    def score(self, numbers: Mapping[str, Array]) -> Array:
        """How far beyond what it asks, (n,): 1 or -1 for a flag, which is not true where it is not given; else NaN."""
        value = self.sum.value(numbers)
        return np.where(np.nan_to_num(value) > 0, 1.0, -1.0) if self.flag else value

    def holds(self, numbers: Mapping[str, Array]) -> Array:
        """Where it holds, (n,) bool; not where a number was not given."""
        score = self.score(numbers)
        return np.asarray(score > 0 if self.strict else score >= 0)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _words(text: str) -> list[str]:
    words, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unreadable(text)
        words.append(match[0].strip())
        at = match.end()
    return words


def _term(words: list[str], at: int, text: str) -> tuple[float, str, int]:
    """Factor, name ("" for none) and the place after a term."""
    if at >= len(words) or words[at] in ("+", "-", "*"):
        raise _unreadable(text)
    factor, name = (1.0, words[at]) if not _is_number(words[at]) else (float(words[at]), "")
    at += 1
    if at < len(words) and words[at] == "*":
        if at + 1 >= len(words) or bool(name) != _is_number(words[at + 1]):
            raise _unreadable(text)
        factor, name = (float(words[at + 1]), name) if name else (factor, words[at + 1])
        at += 2
    if name:
        _check_name(name)
    return factor, name, at


def _is_number(word: str) -> bool:
    return re.fullmatch(_NUMBER, word) is not None


def _check_name(name: str) -> None:
    if name in STEP or _OF_ENVIRONMENT.fullmatch(name):
        return
    hint = nearest(name, [*STEP, f"info.{name}"])
    raise BadTask(
        f"{name!r} is no number of a step{f'; is it {hint!r}' if hint else ''}? There is: {', '.join(STEP)}, info.KEY, "
        f"info.KEY.0, observation.0, observation.KEY.0."
    )


def _unreadable(text: str) -> BadTask:
    return BadTask(f"{text!r} cannot be read; write names, numbers, + and -, as '0.05 - info.distance'.")
