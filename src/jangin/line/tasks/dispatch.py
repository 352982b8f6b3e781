"""Finish an order of three part types in one shift: what the bottleneck works on next, under breakdowns.

    jangin simulate line/dispatch --policy expert --trials 500
    jangin learn line/dispatch --recipe ppo --budget-s 60

Parts arrive at random and wait by type before a press whose tool must be changed from type to type, for as long as the
two types ask. A decoupling buffer and two assembly machines follow. All these machines break down. Once a minute a
policy says how much each type is preferred; the press, when it is free, takes from the waiting type that is preferred
most, and first come first served in a tie. It never waits for a better part. What happens between two decisions is
exactly what `layout.py` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from jangin.claim import Claim
from jangin.errors import BadTask
from jangin.line import layout as lay
from jangin.task import Array, Channel, Condition, Conditions, Limits, Signals, Uniform, sha256_of

if TYPE_CHECKING:
    from jangin.line.dispatch_world import DispatchWorld

TYPES = ("a", "b", "c")
SETUP_S = {"a": {"b": 240.0, "c": 480.0}, "b": {"a": 360.0, "c": 240.0}, "c": {"a": 420.0, "b": 540.0}}  # from, to
PRESS_S, ASSEMBLY_S = {"a": 40.0, "b": 50.0, "c": 60.0}, 75.0  # cycle times, mean
ASSEMBLY_MTBF = 2.0  # an assembly machine runs so many times as long as the press until it fails
SCATTER, REPAIR_CV = 0.15, 1.2  # coefficients of variation in "evidence": of a cycle, of a repair
QUEUE_SEEN = 100.0  # parts: the counter of a queue goes no further


@dataclass(frozen=True)
class Dispatch:
    """One shift at a press with set-ups, two assembly machines behind it, and an order.

    Attributes:
        physics: "training": cycle times are constant and repairs exponential; "evidence": both are lognormal, so that
            a few repairs are very long.
        order: parts of all types together.
        places: of the buffer between the press and the assembly machines.
        limit_s: the shift [s]; a whole number of minutes.
        mtbf_s: range of the press's mean running time to failure [s].
        mttr_s: range of all machines' mean time to repair [s].
        setup_scale: range of the factor on all set-up times.
        supply: range of how many parts are expected to arrive in the shift, per part of the order.
        share: range of the order's share of types a and of b; the rest is of type c.
    """

    physics: Literal["training", "evidence"] = "evidence"
    order: int = 200
    places: int = 6
    limit_s: float = 14_400.0
    mtbf_s: tuple[float, float] = (1_800.0, 5_400.0)
    mttr_s: tuple[float, float] = (120.0, 480.0)
    setup_scale: tuple[float, float] = (0.6, 1.2)
    supply: tuple[float, float] = (1.4, 1.9)
    share: tuple[float, float] = (0.25, 0.40)

    name = "line/dispatch"
    rate_hz = 1.0 / 60.0
    action = Signals(tuple(Channel(f"prefer_{k}", "1", low=-1.0, high=1.0) for k in TYPES))
    claims = (
        Claim.parse("success >= 0.80 @ 0.95"),
        Claim.parse("P(setup_s > 5400) <= 0.05 @ 0.95"),
    )
    columns = {"cycle_s": "s", "margin": "", "setup_s": "s", "press_down_s": "s"}

    def __post_init__(self) -> None:
        if self.physics not in ("training", "evidence"):
            raise BadTask(f"physics is {self.physics!r}; it must be 'training' or 'evidence'.")
        for name, least in (("order", 3), ("places", 0)):
            if getattr(self, name) < least:
                raise BadTask(f"{name} is {getattr(self, name)}; it must be {least} or more.")
        for name in ("mtbf_s", "mttr_s", "setup_scale", "supply", "share"):
            low, high = getattr(self, name)
            if not 0.0 < low <= high:
                raise BadTask(
                    f"{name} is from {low:g} to {high:g}; both must be above 0, and the first not the larger."
                )
        if self.share[1] >= 0.5:
            raise BadTask(f"share goes up to {self.share[1]:g}; below 0.5, so that something is left for type c.")
        if not self.limit_s >= 60.0:
            raise BadTask(f"limit_s is {self.limit_s:g}; a shift is a minute or more.")

    @property
    def conditions(self) -> Conditions:
        """How the machines fail, how long set-ups take, and what is ordered."""
        return Conditions(
            (
                Condition("mtbf_s", "s", Uniform(*self.mtbf_s), "mean running time of the press to a failure"),
                Condition("mttr_s", "s", Uniform(*self.mttr_s), "mean time to repair, of all machines"),
                Condition("setup_scale", "", Uniform(*self.setup_scale), "factor on all set-up times"),
                Condition("supply", "", Uniform(*self.supply), "parts expected in the shift, per part of the order"),
                Condition("share_a", "", Uniform(*self.share), "of the order and of the parts that come, type a"),
                Condition("share_b", "", Uniform(*self.share), "likewise type b; the rest is type c"),
            )
        )

    @property
    def observation(self) -> Signals:
        """What the plant's control system shows: counters, lamps and the clock, all of them exact."""
        parts = float(self.order)
        queue = (Channel(f"queue_{k}", "parts", low=0.0, high=QUEUE_SEEN) for k in TYPES)
        missing = (Channel(f"missing_{k}", "parts", low=0.0, high=parts) for k in TYPES)
        to_start = (Channel(f"to_start_{k}", "parts", low=0.0, high=parts) for k in TYPES)
        set_for = (Channel(f"set_for_{k}", "1", low=0.0, high=1.0) for k in TYPES)
        return Signals(
            (
                *queue,
                *missing,
                *to_start,
                *set_for,
                Channel("press_up", "1", low=0.0, high=1.0),
                Channel("press_setting", "1", low=0.0, high=1.0),
                Channel("assembly_up", "machines", low=0.0, high=2.0),
                Channel("between", "parts", low=0.0, high=max(1.0, float(self.places))),
                Channel("left_s", "s", low=0.0, high=self.limit_s, sense="time"),
            )
        )

    @property
    def privileged(self) -> Signals:
        """What nobody knows in the plant: how long the repairs under way still take, and the trial's conditions."""
        repair = (Channel(f"{m}_repair_s", "s") for m in ("press", "assembly_1", "assembly_2"))
        return Signals((*repair, *(Channel(c.name, c.unit) for c in self.conditions)))

    @property
    def limits(self) -> Limits:
        """Time in set-ups: every one costs the setters' work and the first parts."""
        return Limits(extra={"setup_s": 0.375 * self.limit_s})

    @property
    def model(self) -> Mapping[str, str]:
        """The identity of the plant under the middle of the conditions."""
        middle = {name: float(v[0]) for name, v in self.conditions.at(np.full((1, len(self.conditions)), 0.5)).items()}
        return {"layout": "press and two assembly machines", "layout_sha256": sha256_of(self.layout(middle))}

    def at(self, stage: Literal["training", "evidence"]) -> Dispatch:
        """This task in a stage's physics."""
        return replace(self, physics=stage)

    def world(self, nsim: int, *, threads: int = 0, seed: int = 0, purpose: str = "simulate") -> DispatchWorld:
        """nsim shifts; see jangin.task.World."""
        from jangin.line.dispatch_world import DispatchWorld  # numba

        return DispatchWorld(self, nsim, threads=threads, seed=seed, purpose=purpose)

    def expert(self) -> WorthTheSetUp:
        """The tuned rule."""
        return WorthTheSetUp(self.observation)

    def teacher(self) -> None:
        """None: nobody knows a rule that needs the privileged signals."""
        return

    # ── what the world asks ──────────────────────────────────────────────────────────────────────────────────────

    def shares(self, values: Mapping[str, float]) -> tuple[float, float, float]:
        """Of the three types, by a trial's conditions."""
        a, b = values["share_a"], values["share_b"]
        return a, b, 1.0 - a - b

    def needed(self, values: Mapping[str, float]) -> Array:
        """How many parts of each type are ordered, (3,) int64; they add up to `order`."""
        a, b, _ = (round(share * self.order) for share in self.shares(values))
        return np.array([a, b, self.order - a - b], np.int64)

    def layout(self, values: Mapping[str, float]) -> lay.Layout:
        """The plant of a trial."""
        exact = self.physics == "training"

        def cycle(mean_s: float) -> lay.Distribution:
            return lay.Constant(mean_s) if exact else lay.Lognormal(mean_s, SCATTER)

        mttr_s = values["mttr_s"]
        repair = lay.Exponential(mttr_s) if exact else lay.Lognormal(mttr_s, REPAIR_CV)
        scaled = {k: {to: s * values["setup_scale"] for to, s in row.items()} for k, row in SETUP_S.items()}
        every_s = self.limit_s / (values["supply"] * self.order)
        return lay.Layout(
            "dispatch",
            stations=(
                lay.Station(
                    "entry",
                    lay.Cycle(lay.Constant(0.0)),
                    routes=tuple(lay.Route(f"wait_{k}", parts=(k,)) for k in TYPES),
                ),
                lay.Station(
                    "press",
                    lay.Cycle({k: cycle(PRESS_S[k]) for k in TYPES}),
                    setup=lay.SetUp(scaled, first="a"),
                    failures=(lay.Failure("tool", lay.Exponential(values["mtbf_s"]), repair),),
                ),
                lay.Station(
                    "assembly",
                    lay.Cycle(cycle(ASSEMBLY_S)),
                    machines=2,
                    failures=(lay.Failure("feeder", lay.Exponential(ASSEMBLY_MTBF * values["mtbf_s"]), repair),),
                ),
            ),
            buffers=(
                *(lay.Buffer(f"wait_{k}", ("entry",), ("press",)) for k in TYPES),
                lay.Buffer("between", ("press",), ("assembly",), capacity=self.places),
            ),
            releases=(
                lay.Release(
                    "entry",
                    "push",
                    every=lay.Exponential(every_s),
                    mix=dict(zip(TYPES, self.shares(values), strict=True)),
                ),
            ),
            parts=TYPES,
        )


TASK = Dispatch


class WorthTheSetUp:
    """Change over to another type only when the work that waits for it is `stay` times as long as the set-up.

    The type the press is set for is preferred until nothing of it waits that is wanted; then the type with the most
    waiting work per second of set-up. A type whose order is started in full comes last. `stay` was tuned by
    simulation; docs/line-dispatch.md shows what other values reach.
    """

    name = "expert"
    sees: Literal["observation", "privileged"] = "observation"

    def __init__(self, observation: Signals, *, stay: float = 16.0) -> None:
        self._queue, self._to_start, self._set = (
            [observation.index(f"{name}_{k}") for k in TYPES] for name in ("queue", "to_start", "set_for")
        )
        self._stay = stay
        self._setup_s = np.array([[SETUP_S[a].get(z, 0.0) for z in TYPES] for a in TYPES])
        self._cycle_s = np.array([PRESS_S[k] for k in TYPES])

    def reset(self, ids: Array, trials: Array) -> None:
        """Nothing to forget."""

    def act(self, seen: Array) -> Array:
        """(nsim, nobs) -> (nsim, 3): a half for the type that is set, more for one that is worth the set-up."""
        to_start, set_for = seen[:, self._to_start], seen[:, self._set]
        work_s = np.minimum(seen[:, self._queue], to_start) * self._cycle_s
        worth = work_s / np.maximum(set_for @ self._setup_s, 1.0)
        worth = np.where((set_for > 0) & (work_s > 0), self._stay, worth)
        return np.where(to_start > 0, worth / (worth + self._stay), -1.0).astype(np.float32)
