"""The closed loop: a vehicle in recorded traffic, driven step by step until the goal, or the last goal's time, is over.

    found = drive(scenario, scenario.problems[0], Proposals(), replay="log")
    found.verdict.outcome                       # "goal", "collision", "off_road", "timeout"
    found.states, found.moving                  # what was driven, and where the others were

    ride = Ride(scenario, problem, replay="reactive")         # the same by hand
    ride.advance(steering_rate_rad_s, acceleration_m_s2)
    ride.state, ride.others, ride.step

The vehicle is a kinematic single track with the limits of its parameters (by default CommonRoad's vehicle 2, "KS2").
Traffic is the log, blind to the vehicle, or reactive: drivers on their recorded ways who follow by IDM whoever is
ahead, the vehicle too (`traffic.replay`). The loop has no noise and no latency; a planner sees all that is there.

`reference` says what a problem's positions mean: the "centre" of the box, as recorded obstacles are given, and as the
stored solutions were checked; or the "rear axle", as the format's text has it for the kinematic model. Goals are judged
by the same point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from jangin.errors import BadTask, UnknownName
from jangin.vehicle.commonroad import Problem, Scenario
from jangin.vehicle.driving.judge import Standing, Verdict, judged, logged, own_box, reached
from jangin.vehicle.driving.planners import Planner, Setting, Sight
from jangin.vehicle.models import kinematic
from jangin.vehicle.motion import step as moved
from jangin.vehicle.parameters import BMW_320I, VehicleParameters
from jangin.vehicle.traffic.drivers import TREIBER_KESTING_CITY, Driver
from jangin.vehicle.traffic.replay import Moving, Reactive

__all__ = ["REPLAYS", "Drive", "Replay", "Ride", "drive"]

Array = np.ndarray
Replay = Literal["log", "reactive"]

REPLAYS = ("log", "reactive")
LONGEST_STEPS = 2000  # a goal with a later end is not waited for
SEEN_BEFORE = 3  # steps between the two looks from which turning is told


@dataclass(frozen=True, eq=False)
class Drive:
    """A drive, and what it came to.

    Attributes:
        states: (k, 5) of the kinematic model, one a time step from the start on.
        moving: (n, k, 6) the others, columns as `paths.BOX`.
        commands: (k - 1, 2) steering rate [rad/s] and acceleration [m/s^2].
    """

    scenario: str
    problem: str
    planner: str
    replay: str
    states: Array
    moving: Array
    commands: Array
    verdict: Verdict

    @property
    def outcome(self) -> str:
        """ "goal", "collision", "off_road" or "timeout"."""
        return self.verdict.outcome


class Ride:
    """A vehicle in recorded traffic, step by step.

    Attributes:
        state: (5,) of the kinematic model now.
        others: (n, 6) everybody else now, columns as `paths.BOX`; x is NaN for who is absent.
        step: the scenario's time step.
        last_step: when the last goal's time is over.
    """

    def __init__(
        self,
        scenario: Scenario,
        problem: Problem,
        *,
        replay: str = "log",
        vehicle: VehicleParameters = BMW_320I,
        driver: Driver = TREIBER_KESTING_CITY.typical,
        reference: str = "centre",
        moved_by: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Begin.

        moved_by: metres to the left, and m/s faster, than the problem's start.

        Raises: UnknownName for another replay or reference; BadTask for a goal that lasts longer than is waited for.
        """
        if replay not in REPLAYS:
            raise UnknownName("replay", replay, REPLAYS)
        if reference not in ("rear axle", "centre"):
            raise UnknownName("reference point", reference, ("rear axle", "centre"))
        self.scenario, self.problem, self.vehicle, self.replay = scenario, problem, vehicle, replay
        self.ahead_m = 0.0 if reference == "rear axle" else vehicle.rear_axle_to_centre_m
        self.standing, self.model = Standing.of(scenario), kinematic(vehicle)
        start = problem.start
        self.step, self.last_step = start.step, round(max(goal.steps.high for goal in problem.goals))
        if self.last_step - self.step > LONGEST_STEPS:
            raise BadTask(
                f"{problem.place}: the goal's time ends after {self.last_step - self.step} steps; at most "
                f"{LONGEST_STEPS} are driven. Shorten it."
            )
        c, s = np.cos(start.heading_rad), np.sin(start.heading_rad)
        x, y = start.x_m - self.ahead_m * c - moved_by[0] * s, start.y_m - self.ahead_m * s + moved_by[0] * c
        speed = max(start.speed_m_s + moved_by[1], 0.0)
        self.state = self.model.start(x_m=x, y_m=y, heading_rad=start.heading_rad, speed_m_s=speed)
        self._traffic: tuple[Reactive, Moving] | None = None
        if replay == "reactive" and len(scenario.recorded):
            reactive = Reactive.of(scenario.recorded, driver)
            self._traffic = reactive, reactive.start()
            for _ in range(start.step):  # until the vehicle begins, without it
                self._react(None)
        self.others = self._now()
        self._past = [self.others]

    @property
    def box(self) -> Array:
        """(6,) the vehicle's, columns as `paths.BOX`."""
        return own_box(self.state, self.vehicle)

    @property
    def sight(self) -> Sight:
        """What a planner sees now."""
        before = self._past[0]
        return Sight(self.step, self.state, self.others, before, max(len(self._past) - 1, 1) * self.scenario.step_s)

    @property
    def setting(self) -> Setting:
        """What a planner is told before it drives."""
        return Setting(self.scenario, self.problem, self.vehicle, self.standing.boxes, self.ahead_m)

    @property
    def is_there(self) -> bool:
        """Whether the state is in a goal, now."""
        return reached(self.problem, self.state, self.step, self.ahead_m)

    @property
    def is_over(self) -> bool:
        """Whether the last goal's time is over."""
        return self.step >= self.last_step

    def advance(self, steering_rate_rad_s: float, acceleration_m_s2: float) -> None:
        """A time step with a command; the vehicle never drives backward."""
        step_s, before = self.scenario.step_s, self.box
        accel = max(acceleration_m_s2, -self.state[3] / step_s)
        self.state = moved(self.model, self.state[None], np.array([steering_rate_rad_s, accel]), step_s)[0]
        self.state[3] = max(self.state[3], 0.0)  # the last bit of braking to a standstill
        self.step += 1
        self._react(before[None])
        self.others = self._now()
        self._past = [*self._past, self.others][-1 - SEEN_BEFORE :]

    def _react(self, own: Array | None) -> None:
        if self._traffic is not None:
            reactive, moving = self._traffic
            self._traffic = reactive, reactive.advanced(moving, self.scenario.step_s, own)

    def _now(self) -> Array:
        if self._traffic is not None:
            return self._traffic[1].boxes.copy()
        return logged(self.scenario.recorded, self.step * self.scenario.step_s)


def drive(
    scenario: Scenario,
    problem: Problem,
    planner: Planner,
    *,
    replay: str = "log",
    vehicle: VehicleParameters = BMW_320I,
    reference: str = "centre",
) -> Drive:
    """Drive a problem until its goal, or until its time is over, and judge what was driven.

    Contacts and the road's edge are judged afterwards: what is driven beyond them counts for nothing.

    Raises: BadRoad where the planner finds no course; and what `Ride` raises.
    """
    ride = Ride(scenario, problem, replay=replay, vehicle=vehicle, reference=reference)
    driver = planner.start(ride.setting)
    states, moving, commands = [ride.state], [ride.others], []
    while not (ride.is_there or ride.is_over):
        command = driver(ride.sight)
        ride.advance(*command)
        states.append(ride.state)
        moving.append(ride.others)
        commands.append(command)
    driven, others = np.array(states), np.stack(moving, axis=1)
    verdict = judged(scenario, problem, driven, others, vehicle=vehicle, ahead_m=ride.ahead_m)
    told = np.array(commands).reshape(-1, 2)
    return Drive(scenario.id, problem.name, planner.name, replay, driven, others, told, verdict)
