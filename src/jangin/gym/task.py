"""`gym:ENV_ID`: an environment of Gymnasium's registry as a task; of another package as `gym:MODULE:ENV_ID`.

    task = gym_task("gym:CartPole-v1")                                  # success: the registered reward threshold
    task = GymTask("Reacher-v5", mapping=read_mapping("reach.yaml"))    # success: as the mapping says

Without a mapping, success is what the environment's info calls `is_success` or `success`, or else a sum of rewards of
at least the threshold it is registered with. A module is imported only by `gym_task`, because somebody typed its name;
a task that is read from a file names an environment, and never a module.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from jangin.claim import Claim
from jangin.errors import BadTask, MissingExtra, UnknownName
from jangin.gym.about import About, about_of, check, info_path
from jangin.gym.mapping import OWN, GymMapping, Success, read_mapping
from jangin.gym.slots import MODULES, place_of
from jangin.gym.values import Condition
from jangin.gym.world import GymWorld
from jangin.task import Conditions, Limits, Policy, Signals, canonical_json

__all__ = ["GymTask", "gym_task"]

PREFIX = "gym:"
_HINTS = ("is_success", "success")

_File = tyro.constructors.PrimitiveConstructorSpec(
    nargs=1,
    metavar="FILE",
    instance_from_str=lambda words: read_mapping(words[0]),
    is_instance=lambda value: isinstance(value, Mapping),
    str_from_instance=lambda value: ["as-recorded" if value else "none"],
)


@dataclass(frozen=True)
class GymTask:
    """A Gymnasium environment as a task.

    Attributes:
        env: the environment's id, fixed by the task's name.
        mapping: a file that says what success, failures and margin are there (YAML, see docs/gymnasium.md).
    """

    env: Annotated[str, tyro.conf.Fixed, tyro.conf.Suppress] = ""
    mapping: Annotated[Mapping[str, Any], _File] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if ":" in self.env:
            raise BadTask(f"The environment's id is {self.env!r}; a module is named by gym:MODULE:ENV_ID alone.")
        if self.mapping:
            check(self.env, self.told, (*self.told.names, *(self.success_names if self.told.success else ())))

    def __hash__(self) -> int:
        return hash((self.env, canonical_json(self.mapping)))

    @property
    def name(self) -> str:
        """gym:ENV_ID."""
        return f"{PREFIX}{self.env}"

    @property
    def told(self) -> GymMapping:
        """What the mapping says."""
        return _told(canonical_json(self.mapping))

    @property
    def about(self) -> About:
        """What the environment says of itself."""
        return about_of(self.env, self.told)

    @property
    def success(self) -> Success:
        """The mapping's, or what the environment itself calls success."""
        if self.told.success is not None:
            return self.told.success
        about = self.about
        for key in _HINTS:
            if key in about.info:
                return Success((Condition.parse(f"info.{key}"),))
        if about.threshold is not None:
            return Success((Condition.parse(f"return >= {about.threshold:g}"),), look="last")
        raise BadTask(
            f"{self.name} does not say what success is: its info has neither of {', '.join(_HINTS)}, and no reward "
            f"threshold is registered. Say it in a mapping, as --task.mapping FILE; docs/gymnasium.md has examples."
        )

    @property
    def success_names(self) -> tuple[str, ...]:
        """The names of numbers that success reads."""
        return tuple(dict.fromkeys(name for c in self.success.when for name in c.names))

    @property
    def info(self) -> dict[str, tuple[str | int, ...]]:
        """The numbers of info that anything here reads, and the way to each."""
        names = dict.fromkeys([*self.success_names, *self.told.names])
        return {name: info_path(name) for name in names if name.startswith("info.")}

    @property
    def conditions(self) -> Conditions:
        """What the mapping varies; beside it the reset's seed differs from trial to trial."""
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
    def choices(self) -> tuple[int, ...]:
        """How many channels of `action`, one after the other, vote for each decision; () where they are numbers."""
        return self.about.choices

    @property
    def rate_hz(self) -> float:
        """Steps per second of simulated time."""
        about = self.about
        if math.isnan(about.step_s):
            raise BadTask(
                f"{self.name} does not say how long a step is: {about.step_s_from}. "
                f"Give seconds_per_step in a mapping, as --task.mapping FILE."
            )
        return 1.0 / about.step_s

    @property
    def max_steps(self) -> int:
        """Steps after which a trial is cut."""
        if self.about.max_steps is None:
            raise BadTask(f"{self.name} has no time limit. Give max_steps in a mapping, as --task.mapping FILE.")
        return int(self.about.max_steps)

    @property
    def limit_s(self) -> float:
        """The time limit [s]."""
        return self.max_steps / self.rate_hz

    @property
    def limits(self) -> Limits:
        """The mapping's, on columns it records."""
        return Limits(extra=dict(self.told.limits))

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The mapping's."""
        return self.told.claims

    @property
    def columns(self) -> Mapping[str, str]:
        """Every recorded value and its unit."""
        own = {**OWN, "margin": self.told.margin_unit}
        return {**own, **{name: r.unit for name, r in self.told.record.items()}}

    @property
    def model(self) -> Mapping[str, str]:
        """Identity: what the environment is and by which versions, what success is, and how long a step is."""
        about = self.about
        return {
            "environment": self.env,
            "entry_point": about.entry_point,
            "success": self.success.text,
            "seconds_per_step": f"{1.0 / self.rate_hz:g}, from {about.step_s_from}",
            "max_steps": str(self.max_steps),
            **{f"{package}_version": version for package, version in about.versions.items()},
        }

    def at(self, stage: Literal["training", "evidence"]) -> GymTask:
        """This task: the environment has one physics."""
        return self

    def world(self, nsim: int, *, threads: int = 0, seed: int = 0, purpose: str = "simulate") -> GymWorld:
        """nsim environments in `threads` processes, 0 for one per core, 1 for none but this one."""
        workers = threads or os.cpu_count() or 1
        return GymWorld(self, nsim, workers=workers, seed=seed, purpose=purpose)

    def expert(self) -> Policy | None:
        """None: nobody wrote one."""
        return None

    def teacher(self) -> Policy | None:
        """None: nobody wrote one."""
        return None


@functools.cache
def _told(plain: str) -> GymMapping:
    return GymMapping.of_plain(json.loads(plain))


def gym_task(name: str, mapping: str | Path | None = None) -> GymTask:
    """The task of a name that somebody typed, `gym:ENV_ID` or `gym:MODULE:ENV_ID`; the module is imported.

    Raises: MissingExtra without gymnasium, UnknownName for an id that is not registered, BadTask for a module that does
    not load, BadFile for the mapping.
    """
    try:
        import gymnasium
    except ImportError as e:
        raise MissingExtra("gymnasium", "gym", f"The task {name}") from e
    module, _, env = name.removeprefix(PREFIX).rpartition(":")
    if module:
        _imported(name, module)
    if env not in gymnasium.registry:
        raise _unknown(name, env, gymnasium.registry)
    if module:
        MODULES[env] = module
    task = GymTask(env)
    return task if mapping is None else dataclasses.replace(task, mapping=read_mapping(mapping))


def _imported(name: str, module: str) -> None:
    """Import a module that registers environments."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as e:
        if e.name is None or not f"{module}.".startswith(f"{e.name}."):
            raise BadTask(f"The module {module!r} of {name} does not load: {e}.") from e
        raise BadTask(
            f"There is no module {module!r} for {name}; gym:MODULE:ENV_ID names the package that registers the "
            f"environment, as gym:gymnasium_robotics:FetchReach-v4. Install it, or name it as Python imports it."
        ) from e
    except Exception as e:  # whatever a package raises, the user must learn which one it was
        raise BadTask(f"The module {module!r} of {name} does not load: {place_of(e)}.") from e


def _unknown(name: str, env: str, registry: Mapping[str, Any]) -> UnknownName:
    """The sentence about an id that is not registered, with the few that are like it."""
    import difflib

    close = difflib.get_close_matches(env, registry, n=3, cutoff=0.6)
    return UnknownName(
        "task",
        name,
        [f"{PREFIX}{known}" for known in close],
        "An environment of a package needs its name too, as gym:gymnasium_robotics:FetchReach-v4.",
    )
