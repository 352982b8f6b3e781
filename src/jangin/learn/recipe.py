"""What a recipe is: a file of this folder with hyperparameters, and a learner that goes one step at a time.

    recipe = find_recipe("sac")()                 # src/jangin/learn/sac.py, attribute RECIPE: a frozen dataclass
    learner = recipe.begin(setting)               # worlds, networks, optimisers
    while not learner.finished:
        losses = learner.advance()                # a few control periods and the updates that go with them
    actor = learner.actor

Recipes are joined with "+": in "dagger+sac" the second begins with the first's actor. A new algorithm is one new file.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from jangin.errors import UnknownName
from jangin.task import Task

if TYPE_CHECKING:
    import torch

    from jangin.learn.collect import Moment
    from jangin.learn.networks import Actor

__all__ = ["Learner", "Recipe", "Setting", "described", "find_recipe", "joined", "recipe_names"]


@dataclass(frozen=True)
class Setting:
    """Where a learner works.

    Attributes:
        task: the task, in its training physics.
        seed: of the trials' stream (purpose "learn") and of the networks.
        threads: of the world; 0 is all cores. The result does not depend on it.
        device: where the networks live.
        first_trial: number of the first trial nobody has learned from yet.
        before: the finished learner of the recipe before this one, if there was one.
    """

    task: Task
    seed: int
    threads: int
    device: torch.device
    first_trial: int = 0
    before: Learner | None = None


class Learner(Protocol):
    """A recipe at work on a task."""

    actor: Actor
    steps: int  # control steps taken by this learner, all slots together
    moments: Sequence[Moment]  # what it experienced and wants to hand on; empty when nothing

    @property
    def finished(self) -> bool:
        """Whether its own number of control steps is used up."""

    @property
    def next_trial(self) -> int:
        """Number of the next fresh trial."""

    @property
    def recent_success(self) -> float:
        """Share of successes among the last trials that ended while learning; nan before the first."""

    def advance(self) -> Mapping[str, float]:
        """One iteration; returns losses by name for the curve."""

    def state(self) -> dict[str, Any]:
        """Everything needed to go on, as tensors and plain values."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take `state` back."""

    def close(self) -> None:
        """Wait for the world's thread and let it go; safe to call twice."""


class Recipe(Protocol):
    """Hyperparameters of one algorithm: a frozen dataclass."""

    @property
    def name(self) -> str:
        """The file's name."""

    @property
    def steps(self) -> int:
        """Control steps it takes unless told otherwise."""

    def begin(self, setting: Setting) -> Learner:
        """Start to learn."""


def recipe_names() -> list[str]:
    """The recipes there are: the files of this folder that have a RECIPE."""
    here = Path(__file__).parent
    return sorted(p.stem for p in here.glob("*.py") if "\nRECIPE = " in p.read_text(encoding="utf-8"))


def find_recipe(name: str) -> Callable[..., Recipe]:
    """The recipe class of a name; raises UnknownName with the names there are."""
    if name not in recipe_names():
        raise UnknownName("recipe", name, recipe_names(), "Recipes can be joined, as in 'dagger+sac'.")
    recipe: Callable[..., Recipe] = importlib.import_module(f"jangin.learn.{name}").RECIPE
    return recipe


def joined(recipe: str | Recipe | Sequence[Recipe]) -> tuple[Recipe, ...]:
    """The recipes to follow one after the other: "dagger+sac" with default hyperparameters, or objects as they are."""
    if isinstance(recipe, str):
        return tuple(find_recipe(part.strip())() for part in recipe.split("+"))
    return cast(tuple[Recipe, ...], tuple(recipe) if isinstance(recipe, Sequence) else (recipe,))


def described(recipes: Sequence[Recipe]) -> list[dict[str, Any]]:
    """The recipes as plain values: name and every hyperparameter but the number of steps, which may be raised later."""
    return [{"name": r.name, **dataclasses.asdict(r), "steps": None} for r in recipes]  # type: ignore[call-overload]
