"""Stored CommonRoad solutions (.xml) of the kinematic single track, to be judged like drives of ours.

    solution = read_solution("solution_KS2:SM1:USA_US101-1_1_T-1:2018b.xml")
    solution.scenario, solution.vehicle, solution.cost        # "USA_US101-1_1_T-1", 2, "SM1"
    compared(scenario, solution).costs["SM1"]

Read: <CommonRoadSolution> with <ksTrajectory> of <ksState> (x, y, steering angle, velocity, orientation, time), in the
log. `model_gap_m` says how far a solution's states lie from what its own steering and speeds drive, from step to step:
the cost of a trajectory that no vehicle can drive says nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jangin.errors import BadFile, BadRoad
from jangin.vehicle.commonroad import Scenario
from jangin.vehicle.driving.judge import Verdict, judged, logged
from jangin.vehicle.models import kinematic
from jangin.vehicle.parameters import published
from jangin.vehicle.road_xml import read_xml

__all__ = ["Solution", "compared", "model_gap_m", "read_solution"]

Array = np.ndarray

_BENCHMARK = re.compile(r"(?P<model>[A-Z]+)(?P<vehicle>\d):(?P<cost>[A-Z]+\d):(?P<scenario>[^:]+):(?P<version>[^:]+)")
_STATE = ("x", "y", "steeringAngle", "velocity", "orientation")


@dataclass(frozen=True, eq=False)
class Solution:
    """Trajectories by problem.

    Attributes:
        vehicle: number of the published parameter set.
        cost: name of the cost function it was made for.
        first_step: the time step of each trajectory's first state.
        states: (k, 5) of the kinematic model, by the name of the problem.
    """

    scenario: str
    vehicle: int
    cost: str
    first_step: dict[str, int]
    states: dict[str, Array]


def read_solution(path: str | Path) -> Solution:
    """The solution in a file.

    Raises: BadFile if it is missing, truncated, not of the kinematic model, or leaves out a time step.
    """
    root = read_xml(path, "CommonRoadSolution")
    benchmark = root.word("benchmark_id")
    match = _BENCHMARK.fullmatch(benchmark)
    if match is None or match["model"] != "KS":
        raise BadFile(
            f"{root.place}: the benchmark is {benchmark!r}; read are solutions of the kinematic model, such as "
            "'KS2:SM1:USA_US101-1_1_T-1:2018b'. Choose one of those."
        )
    states, first = {}, {}
    for trajectory in root.all("ksTrajectory"):
        rows = [[node.need(tag).value() for tag in (*_STATE, "time")] for node in trajectory.all("ksState")]
        table = np.array(sorted(rows, key=lambda row: row[-1]))
        if not len(table) or (np.diff(table[:, -1]) != 1.0).any():
            raise BadFile(f"{trajectory.place}: time steps must follow one another. Fill the gap.")
        name = trajectory.word("planningProblem")
        states[name], first[name] = table[:, :-1], round(table[0, -1])
    if not states:
        raise BadFile(f"{root.place}: there is no <ksTrajectory>. Give a solution of the kinematic model.")
    return Solution(match["scenario"], int(match["vehicle"]), match["cost"], first, states)


def model_gap_m(solution: Solution, problem: str, step_s: float) -> float:
    """The most that a state's position lies from where the state before would drive with even steering and speed."""
    states = solution.states[problem]
    wheelbase = published(solution.vehicle).wheelbase_m
    before, after = states[:-1], states[1:]
    way = 0.5 * (before[:, 3] + after[:, 3]) * step_s
    turn = way * np.tan(0.5 * (before[:, 2] + after[:, 2])) / wheelbase
    x = before[:, 0] + way * np.sinc(0.5 * turn / np.pi) * np.cos(before[:, 4] + 0.5 * turn)
    y = before[:, 1] + way * np.sinc(0.5 * turn / np.pi) * np.sin(before[:, 4] + 0.5 * turn)
    return float(np.hypot(after[:, 0] - x, after[:, 1] - y).max(initial=0.0))


def compared(scenario: Scenario, solution: Solution, *, reference: str = "centre") -> dict[str, Verdict]:
    """The verdict on each trajectory of a solution in the log, by problem.

    reference: what its positions mean, as in `ride`. Stored solutions move like a rear axle and were checked with
    the box centred on it.

    Raises: BadRoad if it is for another scenario, or for a problem that the scenario does not have.
    """
    if scenario.id != solution.scenario:
        raise BadRoad(
            f"The solution is for {solution.scenario!r}, the scenario is {scenario.id!r}. Give those that belong "
            "together."
        )
    problems = {problem.name: problem for problem in scenario.problems}
    vehicle, found = published(solution.vehicle), {}
    model = kinematic(vehicle)
    for name, states in solution.states.items():
        if name not in problems:
            raise BadRoad(f"The solution is for problem {name!r}; {scenario.id} has {', '.join(problems)}.")
        ahead_m = 0.0 if reference == "rear axle" else model.centre_ahead_m
        moved = states.copy()
        moved[:, 0] -= ahead_m * np.cos(states[:, 4])
        moved[:, 1] -= ahead_m * np.sin(states[:, 4])
        times = (solution.first_step[name] + np.arange(len(states))) * scenario.step_s
        others = logged(scenario.recorded, times)
        found[name] = judged(scenario, problems[name], moved, others, vehicle=vehicle, ahead_m=ahead_m)
    return found
