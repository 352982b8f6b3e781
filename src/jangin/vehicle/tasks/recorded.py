"""Drive in recorded traffic to a goal that has its place, its time, its speed and its orientation.

    jangin simulate vehicle/recorded --policy expert --trials 100
    jangin simulate vehicle/recorded --task.scenarios ./commonroad --task.replay reactive --policy expert

The scenarios are CommonRoad files of the user's, or three small ones of ours. A trial takes one problem of them, moves
its start a little, and is done when a goal is met before anything is touched or the road is left. The others drive as
recorded, blind to the vehicle ("log"), or keep their ways and react to it ("reactive"): report both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from jangin.claim import Claim
from jangin.errors import BadTask
from jangin.task import (
    Array,
    Channel,
    Condition,
    Conditions,
    Distribution,
    Fixed,
    Limits,
    Signals,
    Uniform,
    sha256_of,
)
from jangin.vehicle.parameters import BMW_320I
from jangin.vehicle.recorded_channels import channels

if TYPE_CHECKING:
    from jangin.vehicle.recorded_expert import RecordedExpert
    from jangin.vehicle.recorded_world import RecordedWorld

PRIVILEGED_CARS = 8


@dataclass(frozen=True)
class Recorded:
    """Recorded traffic, and one vehicle to drive in it.

    Attributes:
        physics: "training": exact sensors; "evidence": with noise.
        scenarios: a folder of CommonRoad .xml files, or one file; "" for the built-in ones.
        replay: "log": the others are blind; "reactive": they keep their ways and follow whoever is ahead.
        limit_s: problems whose goal's time ends later are left out [s].
        start_left_m: a trial starts up to so far beside the problem's start [m].
        start_faster_m_s: and with up to so much more or less speed [m/s].
    """

    physics: Literal["training", "evidence"] = "evidence"
    scenarios: str = ""
    replay: Literal["log", "reactive"] = "log"
    limit_s: float = 20.0
    start_left_m: float = 0.3
    start_faster_m_s: float = 1.0

    name = "vehicle/recorded"
    rate_hz = 5.0
    substep_s = 0.1
    vehicle = BMW_320I
    claims = (Claim.parse("success >= 0.80 @ 0.95"), Claim.parse("P(at_fault > 0.5) <= 0.05 @ 0.95"))
    columns = {
        "cycle_s": "s",
        "margin": "",
        "mean_speed_m_s": "m/s",
        "min_ttc_s": "s",
        "peak_decel_m_s2": "m/s^2",
        "peak_inverse_ttc_1_s": "1/s",
        "impact_m_s": "m/s",
        "at_fault": "",
    }

    def __post_init__(self) -> None:
        for name, values in (("physics", ("training", "evidence")), ("replay", ("log", "reactive"))):
            if getattr(self, name) not in values:
                raise BadTask(f"{name} is {getattr(self, name)!r}; it must be one of {', '.join(values)}.")
        if not 1.0 <= self.limit_s <= 200.0:
            raise BadTask(f"limit_s is {self.limit_s:g}; it must be from 1 to 200.")
        if not np.isclose(self.limit_s * self.rate_hz, round(self.limit_s * self.rate_hz)):
            raise BadTask(f"limit_s is {self.limit_s:g}; it must be a whole number of control periods of 0.2 s.")
        for name, most in (("start_left_m", 1.0), ("start_faster_m_s", 5.0)):
            if not 0.0 < getattr(self, name) <= most:
                raise BadTask(f"{name} is {getattr(self, name):g}; it must be above 0, and {most:g} at the most.")

    # ── the contract ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def conditions(self) -> Conditions:
        """Which problem, where and how fast it starts, and the sensors."""
        noise: Distribution = Fixed(0.0) if self.physics == "training" else Uniform(0.0, 1.0)
        left, faster = self.start_left_m, self.start_faster_m_s
        return Conditions(
            (
                Condition("problem", "", Uniform(0.0, 1.0), "as a share of the list of problems: the first is at 0"),
                Condition("beside_m", "m", Uniform(-left, left), "of the start, to the left of the problem's"),
                Condition("faster_m_s", "m/s", Uniform(-faster, faster), "than the problem's start"),
                Condition("sensor_noise", "", noise, "factor on the sensors' noise"),
            )
        )

    @property
    def observation(self) -> Signals:
        """Itself, its course and goal, and the nearest road users, in the course's coordinates."""
        return Signals(channels(self.limit_s))

    @property
    def privileged(self) -> Signals:
        """Where the nearest road users truly are, from the vehicle, and the trial's conditions."""
        near = (
            Channel(f"true_{k}_{what}", unit)
            for k in range(PRIVILEGED_CARS)
            for what, unit in (("ahead_m", "m"), ("left_m", "m"), ("ahead_m_s", "m/s"), ("left_m_s", "m/s"))
        )
        return Signals((*near, *(Channel(condition.name, condition.unit) for condition in self.conditions)))

    @property
    def action(self) -> Signals:
        """An acceleration and a steering rate."""
        rate = self.vehicle.steer_rate_max_rad_s
        return Signals(
            (
                Channel("accel_m_s2", "m/s^2", low=-8.0, high=4.0),
                Channel("steering_rate_rad_s", "rad/s", low=-rate, high=rate),
            )
        )

    @property
    def limits(self) -> Limits:
        """The rate of closing in, and braking."""
        return Limits(extra={"inverse_ttc_1_s": 1.0, "decel_m_s2": 8.0})

    @property
    def model(self) -> Mapping[str, str]:
        """The identity of the vehicle and the scenarios, and how many problems of them are taken."""
        from jangin.vehicle.recorded_cases import cases

        found = cases(self.scenarios, self.limit_s)
        return {
            "vehicle": self.vehicle.name,
            "vehicle_sha256": sha256_of(asdict(self.vehicle)),
            "scenarios_sha256": found.sha256,
            "problems": str(len(found.cases)),
            "problems_left_out": str(len(found.left_out)),
        }

    def at(self, stage: Literal["training", "evidence"]) -> Recorded:
        """This task in a stage's physics."""
        return replace(self, physics=stage)

    def world(self, nsim: int, *, threads: int = 0, seed: int = 0, purpose: str = "simulate") -> RecordedWorld:
        """nsim vehicles, each in its own scenario; see jangin.task.World."""
        from jangin.vehicle.recorded_world import RecordedWorld  # numba

        return RecordedWorld(self, nsim, threads=threads, seed=seed, purpose=purpose)

    def expert(self) -> RecordedExpert:
        """The rule-based planner."""
        from jangin.vehicle.recorded_expert import RecordedExpert

        return RecordedExpert(self)

    def teacher(self) -> None:
        """None: nobody knows a rule that needs the privileged signals."""
        return

    # ── what the world asks ──────────────────────────────────────────────────────────────────────────────────────

    def numbered(self, share: Array, problems: int) -> Array:
        """Which of so many problems a share in [0, 1) is."""
        return np.minimum((np.asarray(share) * problems).astype(np.int64), problems - 1)


TASK = Recorded
