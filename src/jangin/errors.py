"""Every error jangin raises on purpose.

    JanginError                 exit code 2 unless said otherwise: the input was wrong
    ├── UnknownName             no such task, robot, policy, condition ...; names the nearest
    ├── BadFile                 a file of the user's that is missing or does not say what it should
    ├── BadClaim                a claim that cannot be parsed or can never be proved
    ├── BadRobot                a robot file that does not offer what a cell needs
    ├── BadLayout               a declared plant that cannot work as it is declared; `at` says where
    ├── BadLog                  times, counts or states of a plant that contradict each other
    ├── BadTask                 a task whose fields are outside what is believable
    ├── BadPolicy               a policy whose inputs or outputs do not fit the task
    ├── BadFolder               a run folder that exists, is damaged, or cannot be written
    ├── BadRoad                 a road or a scenario that contradicts itself, or a goal nobody can reach
    ├── BadSchedule             a scheduling instance, a schedule or a shop's progress that contradicts itself
    ├── PluginError             an installed extension that fails to load; names its distribution
    ├── MissingExtra            an optional dependency; gives the pip line
    ├── Refused                 a bundle that will not start here, and why
    └── InvalidEvidence         exit code 4: evidence that is no evidence

A message says three things: what came, what was allowed (or the nearest name), what to do.
A failed trial is a result, never an exception.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "BadClaim",
    "BadFile",
    "BadFolder",
    "BadLayout",
    "BadLog",
    "BadPolicy",
    "BadRoad",
    "BadRobot",
    "BadSchedule",
    "BadTask",
    "InvalidEvidence",
    "JanginError",
    "MissingExtra",
    "PluginError",
    "Refused",
    "UnknownName",
    "nearest",
]


class JanginError(Exception):
    """An error with a sentence for the user; `exit_code` is what the command line ends with."""

    exit_code = 2


class UnknownName(JanginError):
    """A name nobody has registered."""

    def __init__(self, kind: str, name: str, allowed: Iterable[str], remedy: str = "") -> None:
        allowed = sorted(allowed)
        hint = nearest(name, allowed)
        did = f" Did you mean {hint!r}?" if hint else ""
        have = f" There is: {', '.join(allowed)}." if allowed else ""
        super().__init__(f"There is no {kind} {name!r}.{did}{have}{' ' + remedy if remedy else ''}")
        self.kind, self.name, self.allowed = kind, name, allowed


class BadFile(JanginError):
    """A file of the user's (claims, a mapping, a profile) that is missing or does not say what it should."""


class BadClaim(JanginError):
    """A claim that cannot be parsed, or that no policy could prove."""


class BadRobot(JanginError):
    """A robot file that lacks something a cell needs."""


class BadLayout(JanginError):
    """A declared plant that cannot work as it is declared; `at` is the way to the element, ("stations", 2, "batch")."""

    def __init__(self, message: str, at: Iterable[str | int] = ()) -> None:
        super().__init__(message)
        self.at = tuple(at)


class BadLog(JanginError):
    """Times, counts or states of a plant, logged or planned, that contradict each other."""


class BadTask(JanginError):
    """A task whose fields are outside what its physics can be believed for."""


class BadPolicy(JanginError):
    """A policy that cannot be loaded or does not fit the task."""


class BadFolder(JanginError):
    """A run folder that exists already, is damaged, or cannot be written."""


class BadRoad(JanginError):
    """A road or a scenario that contradicts itself, or asks for what cannot be reached."""


class BadSchedule(JanginError):
    """A scheduling instance, a schedule or a shop's progress that contradicts itself."""


class PluginError(JanginError):
    """An installed extension that fails to load."""


class MissingExtra(JanginError):
    """An optional dependency that is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the package {package!r}: pip install 'jangin[{extra}]'.")


class Refused(JanginError):
    """A bundle that will not start here."""


class InvalidEvidence(JanginError):
    """Evidence that is no evidence."""

    exit_code = 4


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """The allowed name closest to `name`, or None when nothing is close."""
    close = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return close[0] if close else None
