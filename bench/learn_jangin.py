"""Our own recipes as contestants: the learners of `jangin.learn`, advanced as `jangin learn` does."""

from __future__ import annotations

from contextlib import ExitStack

import torch

from jangin.learn.learning import one_thread
from jangin.learn.recipe import Learner, Setting, joined
from jangin.task import Array, Task

__all__ = ["begin"]


def begin(task: Task, *, seed: int, threads: int, recipe: str) -> JanginLearner:
    """A recipe's learner; "" is what `jangin learn` takes without --recipe."""
    return JanginLearner(task, recipe or "dagger+sac", seed=seed, threads=threads)


class JanginLearner:
    """Recipes one after the other, each going on from the one before."""

    def __init__(self, task: Task, recipe: str, *, seed: int, threads: int) -> None:
        self._task, self._seed, self._threads = task, seed, threads
        self._stack = ExitStack()
        self._stack.enter_context(one_thread())
        self._recipes, self._before = list(joined(recipe)), 0
        self._learner: Learner = self._recipes.pop(0).begin(self._setting(None))

    def _setting(self, before: Learner | None) -> Setting:
        first = 0 if before is None else before.next_trial
        return Setting(self._task, self._seed, self._threads, torch.device("cpu"), first, before)

    @property
    def steps(self) -> int:
        """Control steps so far, of all recipes."""
        return self._before + self._learner.steps

    def advance(self) -> bool:
        """One iteration; the next recipe begins where one ends."""
        self._learner.advance()
        if self._learner.finished:
            if not self._recipes:
                return False
            done = self._learner
            self._before += done.steps
            done.close()
            self._learner = self._recipes.pop(0).begin(self._setting(done))
        return True

    @torch.no_grad()
    def act(self, observation: Array) -> Array:
        """The mean of the policy, in [-1, 1]."""
        actor = self._learner.actor
        action: Array = actor.act(torch.as_tensor(observation)).numpy()
        return action

    def close(self) -> None:
        """Let go of the world's thread."""
        self._learner.close()
        self._stack.close()
