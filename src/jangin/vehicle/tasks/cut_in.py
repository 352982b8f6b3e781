"""React in time when somebody cuts in, brakes, or clears the lane in front of an obstacle (R157-derived).

    jangin simulate vehicle/cut-in --policy expert --trials 1000
    jangin qualify vehicle/cut-in --policy runs/cut-in --claim 'P(preventable_collision) <= 0.001'

The car keeps its lane; a policy decides its acceleration ten times a second. What the other vehicle does is one of the
regulation's three disturbances with the geometry and clock of the Joint Research Centre's study (`r157/`). Every trial
ends in a collision unless it is reacted to, but not every collision can be avoided: a collision that the first of the
`references` would have avoided in the same scenario is called `preventable_collision`. "No crash where the careful
driver has none" is therefore a claim on one outcome. R157-derived; it supports no claim of compliance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from jangin.claim import Claim
from jangin.errors import BadTask
from jangin.task import Array, Channel, Condition, Conditions, Fixed, Limits, LogUniform, Signals, Uniform
from jangin.vehicle.r157.criteria import (
    fsm_demand_m_s2,
    reg157_ttc_needed_s,
    rss_lateral_gap_m,
    rss_longitudinal_gap_m,
)
from jangin.vehicle.r157.disturbances import (
    BESIDE_M,
    WIDTH_M,
    CutIn,
    CutOut,
    Deceleration,
    Disturbance,
)
from jangin.vehicle.r157.drivers import reading

if TYPE_CHECKING:
    from jangin.vehicle.cut_in_world import CutInWorld

KMH, ENGINE_M_S2 = 1.0 / 3.6, 2.0
DISTURBANCES, SHIELDS = ("cut-in", "cut-out", "deceleration"), ("none", "rss", "r157")


@dataclass(frozen=True)
class CutInTask:
    """One disturbance of the traffic ahead.

    Attributes:
        physics: "training": exact sensors and a brake that acts at once; "evidence": late, noisy, short-sighted
            sensors, and a brake whose deceleration rises with a bounded jerk.
        disturbance: "cut-in", "cut-out" or "deceleration".
        shield: "none", "rss" or "r157": what corrects the action.
        references: reference drivers whose outcome each row holds beside the policy's; the first says which collisions
            are preventable.
        speed_kmh: range of the speed before the disturbance [km/h].
        ttc_s: range of the time to collision when the other's box begins to reach into the own path; of a cut-in [s].
        lateral_speed_m_s: range of the other's lateral speed [m/s].
        hardest_m_s2: what the brake can do [m/s^2].
        overreaction_m_s: so much slower than the other vehicle before the scenario is managed is a failure of its own,
            `overreaction`: whoever comes from behind pays for it [m/s].
        limit_s: of a scenario [s]; the study's 35 s and the longest way sideways.
    """

    physics: Literal["training", "evidence"] = "evidence"
    disturbance: Literal["cut-in", "cut-out", "deceleration"] = "cut-in"
    shield: Literal["none", "rss", "r157"] = "none"
    references: tuple[str, ...] = ("careful-human",)
    speed_kmh: tuple[float, float] = (20.0, 130.0)
    ttc_s: tuple[float, float] = (0.7, 6.0)
    lateral_speed_m_s: tuple[float, float] = (0.3, 1.7)
    hardest_m_s2: float = 9.0
    overreaction_m_s: float = 2.0
    limit_s: float = 38.0

    name = "vehicle/cut-in"
    rate_hz = 10.0
    claims = (
        Claim.parse("P(preventable_collision) <= 0.01 @ 0.95"),
        Claim.parse("success >= 0.90 @ 0.95"),
    )

    def __post_init__(self) -> None:
        allowed = {"physics": ("training", "evidence"), "disturbance": DISTURBANCES, "shield": SHIELDS}
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise BadTask(f"{name} is {getattr(self, name)!r}; it must be one of {', '.join(values)}.")
        if not self.references:
            raise BadTask("references is empty; name one reference driver or more, as careful-human.")
        for name in self.references:
            reading(name)
        for name in ("speed_kmh", "ttc_s", "lateral_speed_m_s"):
            low, high = getattr(self, name)
            if not 0.0 < low <= high:
                raise BadTask(
                    f"{name} is from {low:g} to {high:g}; both must be above 0, and the first not the larger."
                )
        for name, most in (("speed_kmh", 300.0), ("ttc_s", 100.0), ("lateral_speed_m_s", 5.0)):
            if not getattr(self, name)[1] <= most:
                raise BadTask(f"{name} goes up to {getattr(self, name)[1]:g}; give at most {most:g}.")
        for name in ("hardest_m_s2", "overreaction_m_s"):
            if not 0.0 < getattr(self, name) < np.inf:
                raise BadTask(f"{name} is {getattr(self, name):g}; it must be above 0 and finite.")
        if not 1.0 <= self.limit_s < np.inf:
            raise BadTask(f"limit_s is {self.limit_s:g}; a scenario takes a second or more.")

    @property
    def columns(self) -> Mapping[str, str]:
        """Unit of every recorded value that is not a condition."""
        own = {"cycle_s": "s", "margin": "", "min_ttc_s": "s", "peak_decel_m_s2": "m/s^2", "impact_m_s": "m/s"}
        return {**own, "interventions": "", **{f"{name.replace('-', '_')}_avoids": "" for name in self.references}}

    @property
    def acceleration_m_s2(self) -> tuple[float, float]:
        """What brake and engine can do."""
        return -self.hardest_m_s2, ENGINE_M_S2

    @property
    def conditions(self) -> Conditions:
        """The scenario, then the sensors and the brake."""
        blind = self.physics == "training"
        speed = Condition("speed_m_s", "m/s", Uniform(*(v * KMH for v in self.speed_kmh)), "before the disturbance")
        headway = Condition("headway_s", "s", Uniform(1.0, 2.0), "gap to the leader over speed")
        aside = Condition("lateral_speed_m_s", "m/s", Uniform(*self.lateral_speed_m_s), "of the other vehicle")
        scenario = {
            "cut-in": (
                speed,
                Condition("other_share", "", Uniform(0.1, 0.9), "speed of the other vehicle as a share of it"),
                Condition("ttc_s", "s", LogUniform(*self.ttc_s), "to collision when its box reaches into the path"),
                aside,
            ),
            "cut-out": (
                speed,
                headway,
                Condition("front_gap_m", "m", Uniform(10.0, 147.0), "from the leader to the standing vehicle"),
                aside,
            ),
            "deceleration": (
                speed,
                headway,
                Condition("lead_decel_m_s2", "m/s^2", Uniform(0.5, 9.3), "of the leader"),
            ),
        }[self.disturbance]
        sensors = (
            Condition("sensor_range_m", "m", Fixed(150.0) if blind else Uniform(100.0, 150.0), "of the sensors"),
            Condition("sensor_noise", "", Fixed(0.0) if blind else Uniform(0.0, 1.0), "factor on the sensors' noise"),
            Condition("latency_s", "s", Fixed(0.0) if blind else Uniform(0.0, 0.2), "of what is seen of the other"),
            Condition(
                "brake_jerk_m_s3", "m/s^3", Fixed(1e3) if blind else Uniform(15.0, 40.0), "the brake builds up so"
            ),
        )
        return Conditions((*scenario, *sensors))

    def scenarios(self, values: Mapping[str, Array]) -> Disturbance:
        """The concrete scenarios of conditions, (n,) each."""
        speed = np.asarray(values["speed_m_s"], float)
        if self.disturbance == "cut-out":
            return CutOut(speed, speed * values["headway_s"], values["front_gap_m"], values["lateral_speed_m_s"])
        if self.disturbance == "deceleration":
            return Deceleration(speed, speed * values["headway_s"], values["lead_decel_m_s2"])
        other, aside = speed * values["other_share"], values["lateral_speed_m_s"]
        reaches_s = (BESIDE_M - WIDTH_M) / aside  # from when the gap is `gap_m` until the boxes overlap in width
        return CutIn(speed, other, (speed - other) * (values["ttc_s"] + reaches_s), aside)

    @property
    def observation(self) -> Signals:
        """What radar and camera give of the other vehicle, and the own speed and acceleration."""
        return Signals(
            (
                Channel("gap_m", "m", low=-20.0, high=150.0, noise=0.5),
                Channel("closing_m_s", "m/s", low=-40.0, high=40.0, noise=0.3),
                Channel("lateral_m", "m", "lane", low=-8.0, high=8.0, noise=0.1),
                Channel("other_lateral_speed_m_s", "m/s", "lane", low=-5.0, high=5.0),
                Channel("other_accel_m_s2", "m/s^2", low=-12.0, high=5.0),
                Channel("speed_m_s", "m/s", low=0.0, high=60.0),
                Channel("accel_m_s2", "m/s^2", low=-12.0, high=5.0),
            )
        )

    @property
    def privileged(self) -> Signals:
        """The true distances, and the trial's conditions."""
        true = (Channel("true_gap_m", "m"), Channel("true_lateral_m", "m"))
        return Signals((*true, *(Channel(c.name, c.unit) for c in self.conditions)))

    @property
    def action(self) -> Signals:
        """The acceleration that is asked for; of a positive one the engine gives what it can."""
        return Signals((Channel("accel_m_s2", "m/s^2", low=-self.hardest_m_s2, high=self.hardest_m_s2),))

    @property
    def limits(self) -> Limits:
        """Braking."""
        return Limits(extra={"decel_m_s2": self.hardest_m_s2})

    @property
    def model(self) -> Mapping[str, str]:
        """The identity of what is simulated."""
        return {"scenario": f"R157-derived {self.disturbance}", "boxes": "4.3 m x 1.9 m, 10 Hz"}

    @property
    def unguarded(self) -> CutInTask:
        """The same without a shield."""
        return replace(self, shield="none")

    def at(self, stage: Literal["training", "evidence"]) -> CutInTask:
        """This task in a stage's physics."""
        return replace(self, physics=stage)

    def world(self, nsim: int, *, threads: int = 0, seed: int = 0, purpose: str = "simulate") -> CutInWorld:
        """nsim scenarios; see jangin.task.World."""
        from jangin.vehicle.cut_in_world import CutInWorld

        return CutInWorld(self, nsim, threads=threads, seed=seed, purpose=purpose)

    def expert(self) -> Foresight:
        """The rule-based driver."""
        return Foresight(self)

    def teacher(self) -> None:
        """None: the rule needs no more than the sensors."""
        return

    # ── the shield ───────────────────────────────────────────────────────────────────────────────────────────────

    def corrected(self, asked: Array, other: Array, gap: Array, speed: Array) -> Array:
        """The acceleration, or the criterion's braking where it is not met; `other` (6, n) as the world keeps it."""
        from jangin.vehicle.cut_in_world import ASIDE, SPEED, Y

        aside, between = other[ASIDE], np.abs(other[Y]) - WIDTH_M
        towards = np.maximum(-np.sign(other[Y]) * aside, 0.0)
        closing = speed - other[SPEED]
        if self.shield == "rss":
            near = between < rss_lateral_gap_m(towards)
            unsafe = near & (gap > -BESIDE_M) & (gap < rss_longitudinal_gap_m(speed, other[SPEED]))
            brake = np.full(len(asked), 0.774 * 9.81)
        else:
            near = (between < 0.5) & ((towards > 0.0) | (between < 0.0))
            ttc = np.where(closing > 0.0, gap / np.where(closing > 0.0, closing, 1.0), np.inf)
            unsafe = near & (gap > 0.0) & (ttc < reg157_ttc_needed_s(np.maximum(closing, 0.0)) + 0.3)
            brake = np.maximum(6.0, np.maximum(closing, 0.0) ** 2 / (2.0 * np.maximum(gap - 0.5, 0.1)))
        return np.where(unsafe & (closing > 0.0), np.minimum(asked, -np.minimum(brake, self.hardest_m_s2)), asked)


TASK = CutInTask


class Foresight:
    """Brakes for whoever is in the lane or will be before it is passed, as hard as the fuzzy model asks or is needed.

    The demand is the fuzzy model's (`r157/criteria.py`); beside it the constant braking that takes the closing speed
    away one metre before the other vehicle, as soon as that is worth it.
    """

    name = "expert"
    sees: Literal["observation", "privileged"] = "observation"
    WORTH_M_S2, SPARE = 1.5, 1.15  # from this braking on; and so much more of it than is needed

    def __init__(self, task: CutInTask) -> None:
        self._task = task
        self._at = {name: k for k, name in enumerate(task.observation.names)}

    def reset(self, ids: Array, trials: Array) -> None:
        """Nothing to forget."""

    def act(self, seen: Array) -> Array:
        """(nsim, nobs) -> (nsim, 1)."""
        see = {name: np.asarray(seen[:, k], float) for name, k in self._at.items()}
        gap, closing, speed = see["gap_m"], see["closing_m_s"], see["speed_m_s"]
        between = np.abs(see["lateral_m"]) - WIDTH_M
        towards = np.maximum(-np.sign(see["lateral_m"]) * see["other_lateral_speed_m_s"], 0.0)
        arrives_s = np.maximum(between, 0.0) / np.maximum(towards, 1e-3)
        passes_s = (gap + 10.0) / np.maximum(closing, 1e-3)
        mine = (between < 0.2) | ((towards > 0.15) & (arrives_s < passes_s))
        ahead = mine & (gap > -4.0)
        other = np.maximum(speed - closing, 0.0)
        left = np.maximum(gap - 1.0 - np.maximum(closing, 0.0) * 0.2, 0.3)
        needed = self.SPARE * np.maximum(closing, 0.0) ** 2 / (2.0 * left) + np.maximum(-see["other_accel_m_s2"], 0.0)
        fuzzy = fsm_demand_m_s2(np.maximum(gap, 0.0), speed, other, np.minimum(see["accel_m_s2"], 0.0))
        demand = np.maximum(fuzzy, np.where(needed > self.WORTH_M_S2, needed, 0.0))
        found = np.where(ahead & (closing > -0.5), np.minimum(demand, self._task.hardest_m_s2), 0.0)
        return -found[:, None].astype(np.float32)
