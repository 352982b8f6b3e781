"""`gym:ENV_ID`: an environment of Gymnasium's registry, or of any package as `gym:module:ENV_ID`, as a task.

    task = gym_task("gym:CartPole-v1")                      # success: the registered reward threshold
    task = gym_task("gym:Reacher-v5", mapping="reach.yaml")

Without a mapping, success is what the environment's info calls `is_success` or `success`, or else a sum of rewards of
at least the threshold it is registered with. Observations are flattened as Gymnasium flattens spaces; of a Discrete
action space each choice is a channel and the largest is taken, so the zero action is choice 0.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jangin.claim import Claim
from jangin.errors import BadTask, MissingExtra, UnknownName
from jangin.gym.mapping import GymMapping, Success, read_mapping
from jangin.gym.slots import make
from jangin.gym.world import GymWorld
from jangin.task import Channel, Conditions, Limits, Policy, Signals, canonical_json, sha256_of

__all__ = ["GymTask", "gym_task"]

PREFIX = "gym:"
_PROBE_STEPS = 40  # of random actions that tell which info keys an environment gives
_HINTS = ("is_success", "success")


@dataclass(frozen=True)
class About:
    """What an environment says of itself."""

    observation: Signals
    action: Signals
    rate_hz: float
    max_steps: int
    threshold: float | None
    info: tuple[str, ...]
    engine: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class GymTask:
    """A Gymnasium environment as a task.

    Attributes:
        env: the environment's id, fixed by the task's name.
        mapping: a file that says what success, failures and margin are there (YAML, see docs/gymnasium.md).
    """

    env: str = ""
    mapping: Path | None = None

    def __post_init__(self) -> None:
        _check_keys(self)

    @property
    def name(self) -> str:
        """gym:ENV_ID."""
        return f"{PREFIX}{self.env}"

    @property
    def told(self) -> GymMapping:
        """What the mapping file says."""
        return _told(None if self.mapping is None else str(self.mapping))

    @property
    def about(self) -> About:
        """What the environment says of itself."""
        return _about(self.env, None if self.mapping is None else str(self.mapping))

    @property
    def success(self) -> Success:
        """The mapping's, or what the environment itself calls success."""
        if self.told.success is not None:
            return self.told.success
        for key in _HINTS:
            if key in self.about.info:
                return Success(info=key)
        if self.about.threshold is not None:
            return Success(return_at_least=self.about.threshold)
        raise BadTask(
            f"{self.name} says nowhere what success is: its info has {', '.join(self.about.info) or 'no key'}, and it "
            f"is registered without a reward threshold. Say it in a mapping: --task.mapping FILE."
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """The info keys that success and the mapping read, each once."""
        own = [self.success.info] if self.success.info else []
        return tuple(dict.fromkeys([*own, *self.told.keys]))

    @property
    def conditions(self) -> Conditions:
        """What the mapping varies; without one only the reset's seed differs from trial to trial."""
        return self.told.conditions

    @property
    def observation(self) -> Signals:
        """The flattened observation space."""
        return self.about.observation

    @property
    def privileged(self) -> Signals:
        """The observation: an environment of others tells nothing more."""
        return self.about.observation

    @property
    def action(self) -> Signals:
        """The flattened action space, or one channel for each choice."""
        return self.about.action

    @property
    def rate_hz(self) -> float:
        """Steps per second of simulated time; 1 where the environment does not say."""
        return self.about.rate_hz

    @property
    def limit_s(self) -> float:
        """The time limit [s]."""
        return self.about.max_steps / self.about.rate_hz

    @property
    def limits(self) -> Limits:
        """The mapping's, on columns it records."""
        return Limits(extra=dict(self.told.limits))

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The mapping's."""
        return tuple(Claim.parse(c) for c in self.told.claims)

    @property
    def columns(self) -> Mapping[str, str]:
        """Every recorded value and its unit."""
        own = {"cycle_s": "s", "margin": "", "return": "", "steps": ""}
        return {**own, **{name: r.unit for name, r in self.told.record.items()}}

    @property
    def model(self) -> Mapping[str, str]:
        """Which environment, its packages' versions, and what the mapping says."""
        told = canonical_json(dataclasses.asdict(self.told))
        return {"environment": self.env, "mapping_sha256": sha256_of(told.encode()), **self.about.versions}

    def at(self, stage: Literal["training", "evidence"]) -> GymTask:
        """The same: an environment of others has one physics."""
        return self

    def world(self, nsim: int, *, threads: int = 0, seed: int = 0, purpose: str = "simulate") -> GymWorld:
        """nsim environments on `threads` worker processes (0: one per core, 1: in this process)."""
        _ = self.success  # says so before anything runs, where nothing says what it is
        workers = threads or os.cpu_count() or 1
        return GymWorld(self, nsim, workers=workers, seed=seed, purpose=purpose)

    def expert(self) -> Policy | None:
        """None: nobody wrote one for it."""
        return None

    def teacher(self) -> Policy | None:
        """None."""
        return None


TASK = GymTask


def gym_task(name: str) -> GymTask:
    """The task `gym:ENV_ID`; raises MissingExtra, UnknownName or BadTask."""
    env = name.removeprefix(PREFIX)
    try:
        import gymnasium
    except ImportError:
        raise MissingExtra("gymnasium", "gym", f"The task {name}") from None
    if ":" not in env and env not in gymnasium.registry:
        hint = "An environment of a package is gym:MODULE:ENV_ID, as gym:gymnasium_robotics:FetchReach-v4."
        close = [k for k in gymnasium.registry if k.lower().startswith(env[:3].lower())] or list(gymnasium.registry)
        raise UnknownName("Gymnasium environment", env, close, hint)
    return GymTask(env)


@functools.lru_cache(maxsize=16)
def _told(mapping: str | None) -> GymMapping:
    return GymMapping() if mapping is None else read_mapping(mapping)


@functools.lru_cache(maxsize=16)
def _about(name: str, mapping: str | None) -> About:
    """Make one environment, look at it, and let random actions show which info keys it gives."""
    told = _told(mapping)
    env = make(name, told.make)
    try:
        spec, inside = env.spec, env.unwrapped
        env.action_space.seed(0)
        env.reset(seed=0)
        info: dict[str, Any] = {}
        for _ in range(_PROBE_STEPS):
            *_, ended, cut, more = env.step(env.action_space.sample())
            info |= more
            if ended or cut:
                env.reset(seed=0)
        own = getattr(inside, "dt", None) or getattr(inside, "tau", None)
        fps = (env.metadata or {}).get("render_fps")
        rate = 1.0 / float(told.seconds_per_step or own or (1.0 / fps if fps else 1.0))
        limit = told.max_steps or getattr(spec, "max_episode_steps", None)
        if not limit:
            raise BadTask(f"gym:{name} has no time limit. Give max_steps in a mapping: --task.mapping FILE.")
        versions = _versions(inside)
        engine = f"gymnasium {versions['gymnasium']} {name}"
        return About(
            observation=_observation(name, env.observation_space),
            action=_action(name, env.action_space),
            rate_hz=rate,
            max_steps=int(limit),
            threshold=getattr(spec, "reward_threshold", None),
            info=tuple(sorted(k for k in info if isinstance(k, str))),
            engine=engine,
            versions=versions,
        )
    finally:
        env.close()


def _check_keys(task: GymTask) -> None:
    """A key that the environment never gives would make a claim about nothing."""
    if not task.env or task.mapping is None:
        return
    missing = [key for key in task.told.keys if key not in task.about.info]
    if missing:
        raise BadTask(
            f"{task.mapping} reads info[{missing[0]!r}], which {task.name} did not give in {_PROBE_STEPS} steps; "
            f"it gave: {', '.join(task.about.info) or 'nothing'}."
        )


def _versions(inside: Any) -> dict[str, str]:
    """Of Gymnasium, of the environment's own package, and of MuJoCo where it is used."""
    packages = {"gymnasium", type(inside).__module__.partition(".")[0]}
    if "mujoco" in type(inside).__module__ or hasattr(inside, "mujoco_renderer"):
        packages.add("mujoco")
    found = {}
    for package in sorted(packages):
        try:
            found[package] = metadata.version(package.replace("_", "-"))
        except metadata.PackageNotFoundError:
            found[package] = "unknown"
    return found


def _observation(name: str, space: Any) -> Signals:
    from gymnasium.spaces.utils import flatten_space

    try:
        size = int(np.prod(flatten_space(space).shape))
    except (NotImplementedError, TypeError, AttributeError) as e:
        raise BadTask(f"gym:{name} observes {space}, which cannot be flattened into numbers.") from e
    return Signals(tuple(Channel(f"observation_{k}", "") for k in range(size)))


def _action(name: str, space: Any) -> Signals:
    if type(space).__name__ == "Discrete":
        return Signals(tuple(Channel(f"choice_{k}", "", "", 0.0, 1.0) for k in range(int(space.n))))
    if type(space).__name__ != "Box":
        raise BadTask(f"gym:{name} acts in {space}; a Box or a Discrete space is what a policy can act in here.")
    low, high = np.broadcast_to(space.low, space.shape).ravel(), np.broadcast_to(space.high, space.shape).ravel()
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise BadTask(f"gym:{name} acts without bounds: {space}. Wrap it so that every action has a range.")
    pairs = enumerate(zip(low.tolist(), high.tolist(), strict=True))
    return Signals(tuple(Channel(f"action_{k}", "", "", a, b) for k, (a, b) in pairs))
