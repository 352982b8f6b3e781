"""THE file to read: the contract between a task, the engine that simulates it and the verbs that use it.

    task = PegInsert(physics="evidence")              # a frozen dataclass: its fields are its flags
    world = task.world(nsim=256, threads=0, seed=7, purpose="evidence")
    world.reset(ids=np.arange(256), trials=np.arange(256))     # conditions come from the trial's number
    while running:
        step = world.step(policy.act(world.observe()))
    trials = rollout(task, policy, ...)               # engine/rollout.py: the same loop, in trial order

Promises
    A trial is its number: (task, seed, purpose, trial) fixes its conditions, its noise and, with a policy, every bit
    of its outcome, in any batch and on any number of threads.
    Arrays are (nsim, ...), SI units, float32 where a policy sees them; every channel has a name, a unit and a frame.
    A failed trial is an outcome with a name. A trial the engine cannot vouch for is an `invalid` outcome with a name.

What this file does not do: simulate, learn, decide or write. It imports NumPy and nothing else of weight.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from jangin.claim import Claim

__all__ = [
    "INVALID",
    "RUNNING",
    "SUCCESS",
    "TIMEOUT",
    "Array",
    "Bundle",
    "CellResult",
    "Channel",
    "Choice",
    "Claim",
    "ClaimResult",
    "Condition",
    "Conditions",
    "Filmed",
    "Fixed",
    "Frame",
    "Guarded",
    "Limits",
    "LogUniform",
    "Policy",
    "Scenery",
    "Shape",
    "Signals",
    "Step",
    "Task",
    "Trials",
    "Uniform",
    "Verdict",
    "World",
    "canonical_json",
    "sha256_of",
    "task_declaration",
]

Array = np.ndarray

# Outcomes every task has. A task adds its own failures by name ("wrist_force", "workspace"); names that begin with
# INVALID are trials the engine cannot vouch for ("invalid_nan", "invalid_penetration", "invalid_overflow").
RUNNING, SUCCESS, TIMEOUT, INVALID = "running", "success", "timeout", "invalid"


# ── conditions: what differs from trial to trial ─────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Uniform:
    """Uniform on [low, high]."""

    low: float
    high: float

    def ppf(self, u: Array) -> Array:
        """The value at probability u in [0, 1)."""
        return self.low + (self.high - self.low) * u


@dataclass(frozen=True)
class LogUniform:
    """Uniform in the logarithm on [low, high], 0 < low."""

    low: float
    high: float

    def ppf(self, u: Array) -> Array:
        """The value at probability u in [0, 1)."""
        return np.exp(np.log(self.low) + (np.log(self.high) - np.log(self.low)) * u)


@dataclass(frozen=True)
class Choice:
    """One of `values`, each as likely as the others."""

    values: tuple[float, ...]

    def ppf(self, u: Array) -> Array:
        """The value at probability u in [0, 1)."""
        index = np.minimum((np.asarray(u) * len(self.values)).astype(int), len(self.values) - 1)
        return np.asarray(self.values, float)[index]


@dataclass(frozen=True)
class Fixed:
    """Always `value`."""

    value: float

    def ppf(self, u: Array) -> Array:
        """The value at probability u in [0, 1)."""
        return np.full(np.shape(u), float(self.value))


Distribution = Uniform | LogUniform | Choice | Fixed
_DISTRIBUTIONS = {kind.__name__: kind for kind in (Uniform, LogUniform, Choice, Fixed)}


@dataclass(frozen=True)
class Condition:
    """One thing that varies between trials. `name` ends in its unit where it has one (`clearance_m`)."""

    name: str
    unit: str
    distribution: Distribution
    doc: str = ""


@dataclass(frozen=True)
class Conditions:
    """The operational design domain: independent conditions, drawn by inverse CDF from uniforms in declared order."""

    items: tuple[Condition, ...]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def names(self) -> tuple[str, ...]:
        """The conditions' names, in the order they are drawn."""
        return tuple(c.name for c in self.items)

    @property
    def units(self) -> dict[str, str]:
        """Unit of each condition by name."""
        return {c.name: c.unit for c in self.items}

    def at(self, u: Array) -> dict[str, Array]:
        """Values at uniforms u (n, len(self)) in [0, 1); one (n,) float64 array per name."""
        return {c.name: np.asarray(c.distribution.ppf(u[:, k]), float) for k, c in enumerate(self.items)}

    @classmethod
    def of_plain(cls, items: Sequence[Mapping[str, Any]]) -> Conditions:
        """The conditions that a task's declaration lists; raises KeyError or TypeError for anything else."""
        found = []
        for item in items:
            kind, values = item["distribution"]["type"], {k: v for k, v in item["distribution"].items() if k != "type"}
            values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            distribution = _DISTRIBUTIONS[kind](**values)
            found.append(Condition(item["name"], item["unit"], distribution, item.get("doc", "")))
        return cls(tuple(found))

    def draw(self, rng: np.random.Generator, at: Array | None = None) -> dict[str, float]:
        """One trial's conditions; draws len(self) uniforms from `rng`, and uses `at` (len(self),) instead if given."""
        drawn = rng.random((1, len(self.items)))
        values = self.at(drawn if at is None else np.asarray(at, float)[None])
        return {name: float(v[0]) for name, v in values.items()}


# ── signals: what a policy sees and does ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Channel:
    """One number a policy sees or commands.

    Attributes:
        name: unique in its Signals, e.g. `wrench_fx`.
        unit: SI, e.g. "N".
        frame: the frame it is expressed in, e.g. "tool"; "" for none.
        low, high: the range it is clipped to, in `unit`.
        noise: standard deviation of the white noise of each reading, in `unit`.
        sense: the sense it belongs to; the blind baseline zeroes "touch", and a policy that has "time" sees the clock,
            so that running out of time is an end to learn from.
    """

    name: str
    unit: str
    frame: str = ""
    low: float = -np.inf
    high: float = np.inf
    noise: float = 0.0
    sense: str = ""


@dataclass(frozen=True)
class Signals:
    """An ordered vector of channels."""

    channels: tuple[Channel, ...]

    def __len__(self) -> int:
        return len(self.channels)

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.channels)

    @property
    def names(self) -> tuple[str, ...]:
        """Channel names, in order."""
        return tuple(c.name for c in self.channels)

    @property
    def low(self) -> Array:
        """Lower ends of the ranges, (len(self),) float32."""
        return np.array([c.low for c in self.channels], np.float32)

    @property
    def high(self) -> Array:
        """Upper ends of the ranges, (len(self),) float32."""
        return np.array([c.high for c in self.channels], np.float32)

    def of_sense(self, sense: str) -> Array:
        """Which channels belong to a sense, (len(self),) bool."""
        return np.array([c.sense == sense for c in self.channels], bool)

    def index(self, name: str) -> int:
        """Position of a channel; raises KeyError."""
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(f"no channel {name!r}; there is: {', '.join(self.names)}") from None


# ── limits: one object, three uses ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Limits:
    """What must never be exceeded: a cost while learning, a gate in qualification, the guard at run time.

    Never part of the reward. None means "not limited here".

    Attributes:
        force_n: norm of the wrist force [N], over every simulated substep.
        torque_nm: norm of the wrist torque [N m].
        tool_speed_m_s: norm of the tool's linear velocity [m/s].
        workspace_low_m, workspace_high_m: corners of the box the tool's tip must stay in [m], base frame.
        joint_margin_rad: distance every joint keeps from its range [rad].
        extra: further limits by name, in the unit of the name's suffix.
    """

    force_n: float | None = None
    torque_nm: float | None = None
    tool_speed_m_s: float | None = None
    workspace_low_m: tuple[float, float, float] | None = None
    workspace_high_m: tuple[float, float, float] | None = None
    joint_margin_rad: float | None = None
    extra: Mapping[str, float] = field(default_factory=dict)

    def items(self) -> dict[str, Any]:
        """The limits that are set, by name."""
        found = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "extra"}
        return {k: v for k, v in {**found, **self.extra}.items() if v is not None}


# ── a task and its world ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Step:
    """What one control period did to the n simulations that were stepped.

    Attributes:
        reward: (n,) float32.
        cost: (n,) float32 >= 0; how far into the limits this period went (0 = well inside); never part of `reward`.
        outcome: (n,) int16 index into `world.outcomes`; 0 is still running.
    """

    reward: Array
    cost: Array
    outcome: Array


@runtime_checkable
class World(Protocol):
    """nsim simulations of a task in lock-step.

    `ids` are sorted unique integer simulation numbers; None means all. Arrays returned by `observe` and `privileged`
    always cover all nsim simulations, those of `step` the ones that were stepped.
    """

    nsim: int
    outcomes: tuple[str, ...]  # outcomes[0] is RUNNING, then SUCCESS, TIMEOUT, then the task's own by name
    engine: str  # e.g. "mujoco 4.0.0 evidence": the engine, its version and the named physics

    def reset(self, ids: Array, trials: Array, at: Array | None = None) -> None:
        """Begin trial trials[k] in simulation ids[k]; everything random comes from the trial's number.

        `at` (len(ids), len(task.conditions)): uniforms in [0, 1) that take the place of those the conditions are drawn
        by, for a search among the conditions. All else stays the trial's own: its noise is the same with and without.
        """

    def observe(self) -> Array:
        """(nsim, len(task.observation)) float32: what a real machine's sensors give, noise included.

        Calling it twice without a step between returns the same bits.
        """

    def privileged(self) -> Array:
        """(nsim, len(task.privileged)) float32: what only a simulator knows, for a critic or a teacher."""

    def step(self, action: Array, ids: Array | None = None) -> Step:
        """Advance by one control period; `action`: (nsim, len(task.action)) in the channels' units; it is clipped."""

    def record(self, ids: Array) -> dict[str, Array]:
        """The finished trials' row values, each (n,): every condition by name, `cycle_s`, `margin`, the peaks by name.

        `cycle_s` is the time to success, inf for a trial that has not succeeded. `margin` is the signed distance to
        failure, >= 0 exactly for success.
        """

    def picture(self, sim: int, width: int = 640, height: int = 480) -> Array | None:
        """An off-screen picture of one simulation, (height, width, 3) uint8; None where nothing can be drawn."""


# ── optional: a world that can be seen from above ────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Shape:
    """A fixed line or area of the ground.

    Attributes:
        kind: what it is. Areas: "road", "floor", "wall", "dock", "goal", "obstacle"; lines: "lane edge", "lane mark"
            (drawn broken), "wall", "goal", "path". Another kind is drawn as a plain outline under its own name.
        points_m: (n, 2) x, y of its corners [m], world frame.
        closed: an area, whose last corner is joined to the first.
    """

    kind: str
    points_m: Array
    closed: bool = False


@dataclass(frozen=True)
class Scenery:
    """What stands still in a trial, and how it is shown.

    Attributes:
        shapes: in the order they are drawn, the lowest first.
        view_m: length and width of the window that is shown [m].
        values: name, unit and shown range of what frames report over time, in the order of their charts.
    """

    shapes: tuple[Shape, ...]
    view_m: tuple[float, float]
    values: Signals


@dataclass(frozen=True)
class Frame:
    """What is where at one moment, seen from above: x to the right, y up, headings counter-clockwise from x.

    Attributes:
        t_s: since the trial began [s].
        boxes: (n, 5) x, y of the box's centre [m], heading [rad], length, width [m], world frame.
        kinds: of each box: "driven" (one of them at least), "vehicle", "truck", "trailer", "person", or others.
        ids: of each box, the same in every frame it is in. One that is too far from where it was to have driven there
            has come in again elsewhere, and is not shown on the way.
        values: what `Scenery.values` names, now; inf where there is none (no vehicle ahead: an infinite gap). The name
            `shield` is for the share of the last period in which a shield changed what was asked for: it is also shown
            around the driven box.
        view: x, y [m] and heading [rad] of the window's middle; None: the first driven box, with x to the right.
        before: frames between the last control period's and this one, oldest first, where a period has more than one
            substep; their `values` may be empty.
    """

    t_s: float
    boxes: Array
    kinds: tuple[str, ...]
    ids: tuple[int, ...]
    values: Mapping[str, float] = field(default_factory=dict)
    view: tuple[float, float, float] | None = None
    before: tuple[Frame, ...] = ()


@runtime_checkable
class Filmed(Protocol):
    """What a world offers beyond `World` if its trials can be seen from above, as animations in a report.

    Both methods only look: calling them, or not, changes no bit of a trial.
    """

    def scenery(self, sim: int) -> Scenery:
        """What stands still in the trial that simulation `sim` is in."""

    def frame(self, sim: int) -> Frame:
        """What is where in simulation `sim` now; after the trial's end, as it ended."""


@runtime_checkable
class Policy(Protocol):
    """Maps what it sees to an action, one row per simulation.

    Attributes:
        name: for records, e.g. "expert" or "policy.onnx".
        sees: "observation" or "privileged" (a teacher that cheats): which of the world's arrays `act` is given.
    """

    name: str
    sees: Literal["observation", "privileged"]

    def reset(self, ids: Array, trials: Array) -> None:
        """Forget everything about simulations `ids`, which begin trials `trials`."""

    def act(self, seen: Array) -> Array:
        """(nsim, nseen) float32 -> (nsim, nact) float32 in the action channels' units."""


@runtime_checkable
class Task(Protocol):
    """What is to be done, under which conditions, and what "ready" means. A frozen dataclass; its fields are its flags.

    The file `src/jangin/cell/tasks/peg_insert.py` with `TASK = PegInsert` *is* the task `cell/peg-insert`.
    """

    @property
    def name(self) -> str: ...  # "cell/peg-insert"
    @property
    def conditions(self) -> Conditions: ...
    @property
    def observation(self) -> Signals: ...
    @property
    def privileged(self) -> Signals: ...
    @property
    def action(self) -> Signals: ...
    @property
    def rate_hz(self) -> float: ...  # of control
    @property
    def limit_s(self) -> float: ...  # a trial that runs longer has failed
    @property
    def limits(self) -> Limits: ...
    @property
    def claims(self) -> tuple[Claim, ...]: ...  # what "ready" means unless the user says otherwise
    @property
    def columns(self) -> Mapping[str, str]: ...  # unit of every recorded value that is not a condition, by name
    @property
    def model(self) -> Mapping[str, str]: ...  # identity of what is simulated: {"robot": "ur5e", "robot_sha256": ...}

    def at(self, stage: Literal["training", "evidence"]) -> Task:
        """This task in the physics that a stage uses; the same object where there is only one."""

    def world(self, nsim: int, *, threads: int = 0, seed: int = 0, purpose: str = "simulate") -> World:
        """nsim simulations on `threads` threads (0: all cores) of the stream family (name, seed, purpose)."""

    def expert(self) -> Policy | None:
        """The scripted baseline: what a plant would run today. It sees the observation."""

    def teacher(self) -> Policy | None:
        """A scripted policy that sees the privileged signals, to learn from; never qualified."""


@runtime_checkable
class Guarded(Protocol):
    """A task whose world corrects actions, so that a qualification also says what the policy does without that.

    Rows of such a world have the column `interventions`: the share of the trial in which something was corrected.
    """

    @property
    def unguarded(self) -> Task: ...  # the same task without the correction; itself where there is none


# ── trials, verdict, bundle ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Trials:
    """The one table that flows through the house: a row is one attempt under one drawn set of conditions.

    Attributes:
        columns: equally long arrays by name: `trial` int64, `seed` int64, every condition by name float64,
            `outcome` str ("success" or why it failed), `cycle_s` float64 (inf if it failed), `margin` float64,
            the peaks by name (`peak_force_n` ...) float64, `engine` str, `chip` str.
        units: unit by column name, where it has one.
        meta: who made it: task, policy, seed, purpose, versions.
    """

    columns: Mapping[str, Array]
    units: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    @property
    def successes(self) -> int:
        """How many rows succeeded."""
        return int(np.sum(self.columns["outcome"] == SUCCESS))

    @property
    def invalid(self) -> Array:
        """Which rows the engine cannot vouch for, (n,) bool."""
        outcomes = np.asarray(self.columns["outcome"])
        broken = [o for o in set(outcomes.tolist()) if str(o).startswith(INVALID)]
        return np.isin(outcomes, broken) if broken else np.zeros(len(outcomes), bool)

    def head(self, n: int) -> Trials:
        """The first n rows."""
        return self.rows(0, n)

    def rows(self, first: int, n: int) -> Trials:
        """n rows from row `first` on."""
        return dataclasses.replace(self, columns={k: v[first : first + n] for k, v in self.columns.items()})

    @staticmethod
    def concat(parts: Sequence[Trials]) -> Trials:
        """Rows of all parts, in order; the first part's units and meta."""
        first = parts[0]
        columns = {k: np.concatenate([p.columns[k] for p in parts]) for k in first.columns}
        return dataclasses.replace(first, columns=columns)


@dataclass(frozen=True)
class CellResult:
    """What the evidence says of a claim in one cell of the conditions.

    Attributes:
        cell: which one, in words.
        n, successes: trials that lie in it, and those that speak for the claim.
        bound: anytime-valid lower confidence bound on P(indicator) in it, at the claim's confidence.
        decision: supported, refuted or undecided.
    """

    cell: str
    n: int
    successes: int
    bound: float
    decision: Literal["supported", "refuted", "undecided"]


@dataclass(frozen=True)
class ClaimResult:
    """What the evidence says of one claim.

    Attributes:
        claim: its text.
        n, successes: trials counted, and those that speak for it; for grade B evaluations of the search, and 0.
        bound: anytime-valid lower confidence bound on P(indicator), at the claim's confidence; of the mean difference
            where it compares with a policy; 0 for grade B, which has none.
        decision: supported, refuted or undecided.
        log_e_for, log_e_against: natural logs of the two e-processes when it was decided (or at the end).
        decided_at: trials when it was decided; None while undecided.
        cells: where it must hold in each cell, what the evidence says of them.
        grade: "A" for a proof from independent trials, "B" for an estimate from a search.
        estimate: of grade B: its numbers by name.
    """

    claim: str
    n: int
    successes: int
    bound: float
    decision: Literal["supported", "refuted", "undecided"]
    log_e_for: float
    log_e_against: float
    decided_at: int | None = None
    cells: tuple[CellResult, ...] = ()
    grade: Literal["A", "B"] = "A"
    estimate: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Verdict:
    """The decision on all claims together, and what it rests on.

    Attributes:
        verdict: QUALIFIED when every claim is supported; NOT_QUALIFIED; UNDECIDED; INVALID.
        sentence: the same for a person.
        trials, claims: how many trials, and each claim's result.
        run_dir: the folder with plan, evidence and verdict.
        reasons: why it is INVALID or UNDECIDED, one sentence each.
        baselines: other policies on the same trials: name -> {trials, successes, ...}.
        hashes: sha256 by name: plan, task, policy, trials.
    """

    verdict: Literal["QUALIFIED", "NOT_QUALIFIED", "UNDECIDED", "INVALID"]
    sentence: str
    trials: int
    claims: tuple[ClaimResult, ...]
    run_dir: str
    reasons: tuple[str, ...] = ()
    baselines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 qualified, 1 not qualified, 3 undecided, 4 invalid evidence (2 is wrong input, an exception)."""
        return {"QUALIFIED": 0, "NOT_QUALIFIED": 1, "UNDECIDED": 3, "INVALID": 4}[self.verdict]


@dataclass(frozen=True)
class Bundle:
    """A shipped policy: one signed file.

    Attributes:
        path: the file.
        manifest: the parsed `bundle.yaml`.
        sha256: hash of the whole file.
        signer: fingerprint of the public key that signed it.
        notes: what its maker should know, one sentence each.
    """

    path: Path
    manifest: Mapping[str, Any]
    sha256: str
    signer: str
    notes: tuple[str, ...] = ()


# ── identity ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            "type": type(value).__name__,
            **{f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)},
        }
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return repr(value)
    if isinstance(value, Path):
        return str(value)
    return value


def canonical_json(value: Any) -> str:
    """One text per value: sorted keys, no spaces, dataclasses as {type, fields}, non-finite floats as strings."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(value: Any) -> str:
    """sha256 of `value`'s canonical JSON, or of the bytes themselves, hexadecimal."""
    data = value if isinstance(value, bytes) else canonical_json(value).encode()
    return hashlib.sha256(data).hexdigest()


def task_declaration(task: Task) -> dict[str, Any]:
    """Everything that makes this task this task, as plain values; its sha256 is the task's identity."""
    return {
        "name": task.name,
        "fields": _plain(task),
        "conditions": _plain(task.conditions.items),
        "observation": _plain(task.observation.channels),
        "action": _plain(task.action.channels),
        "rate_hz": task.rate_hz,
        "limit_s": task.limit_s,
        "limits": _plain(task.limits.items()),
        "columns": dict(task.columns),
        "model": dict(task.model),
    }
