"""The problems that `vehicle/recorded` draws its trials from: of the user's files, or of our three examples.

    found = cases("/data/commonroad", 20.0)      # a folder, or one file; "" for the examples
    found.cases[0].scenario, found.cases[0].problem, found.cases[0].course
    found.left_out                               # sentences: which were not taken, and why

A problem is taken if it has a course over lanes to a goal and its goal's time is over in time. A file that cannot be
read at all is an error: it is named, not skipped.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

from jangin.errors import BadFile, BadRoad, BadTask
from jangin.vehicle.commonroad import Problem, Scenario, read_commonroad
from jangin.vehicle.driving.course import Course, course_of
from jangin.vehicle.driving.examples import examples

__all__ = ["STEP_S", "Case", "Cases", "cases"]

STEP_S = 0.1  # of the recordings


@dataclass(frozen=True, eq=False)
class Case:
    """A problem, and the course to its goal."""

    scenario: Scenario
    problem: Problem
    course: Course


@dataclass(frozen=True, eq=False)
class Cases:
    """What was found; `sha256` is of the files' bytes, or of the examples' trajectories."""

    cases: tuple[Case, ...]
    left_out: tuple[str, ...]
    sha256: str


def cases(scenarios: str, limit_s: float) -> Cases:
    """The cases of a folder's .xml files in the order of their names, of one file, or of the examples ("").

    Raises: BadFile for a folder without scenarios, or a file that cannot be read; BadRoad for one that contradicts
    itself; BadTask if no problem can be taken.
    """
    files = _files(scenarios)
    return _cases(files, tuple(file.stat().st_mtime_ns for file in files), limit_s)


def _files(scenarios: str) -> tuple[Path, ...]:
    if not scenarios:
        return ()
    path = Path(scenarios)
    if path.is_dir():
        files = tuple(sorted(path.glob("*.xml")))
        if not files:
            raise BadFile(f"{path}: there is no .xml file in this folder. Give one with CommonRoad scenarios.")
        return files
    if not path.is_file():
        raise BadFile(f"{path}: there is no such file or folder. Give CommonRoad scenarios, or leave it empty.")
    return (path,)


@functools.lru_cache(maxsize=4)
def _cases(files: tuple[Path, ...], changed_ns: tuple[int, ...], limit_s: float) -> Cases:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    found: list[Case] = []
    left_out: list[str] = []
    for scenario in (read_commonroad(file) for file in files) if files else examples():
        if not files:
            digest.update(scenario.recorded.x_m.tobytes())
        for problem in scenario.problems:
            try:
                found.append(_case(scenario, problem, limit_s))
            except BadRoad as why:
                left_out.append(str(why))
    if not found:
        first = f"the first: {left_out[0]}" if left_out else "there are none. Give scenarios with planning problems."
        raise BadTask(f"None of {len(left_out)} problems can be driven; {first}")
    return Cases(tuple(found), tuple(left_out), digest.hexdigest())


def _case(scenario: Scenario, problem: Problem, limit_s: float) -> Case:
    if scenario.step_s != STEP_S:
        raise BadRoad(
            f"{problem.place}: the scenario has steps of {scenario.step_s:g} s; taken are steps of 0.1 s. Resample it."
        )
    steps = max(goal.steps.high for goal in problem.goals) - problem.start.step
    if steps * STEP_S > limit_s:
        raise BadRoad(
            f"{problem.place}: the goal's time ends after {steps * STEP_S:g} s, beyond limit_s = {limit_s:g}; raise it."
        )
    return Case(scenario, problem, course_of(scenario.road, problem))
