"""Imitation with corrections: the student acts, the teacher says at every moment what it would have done instead.

    learner = DAgger(steps=50_000).begin(setting)
    while not learner.finished:
        losses = learner.advance()         # one control period of every slot, and the updates that run beside it

At the beginning of each trial it is drawn who acts in it, the teacher or the student; the teacher's part falls from one
to zero. In every other slot noise is added, so that corrections are seen; the others show where the student gets stuck.
The student is regressed on every label so far. The teacher may see what the student cannot: then the student learns the
average, and another recipe has to teach it to search.

Source: Ross, Gordon and Bagnell, "A reduction of imitation learning and structured prediction to no-regret online
learning" (AISTATS 2011). What was seen is handed on to a recipe that learns from anybody's transitions ("dagger+sac").
After a resume labels are gathered anew as learning goes on, and the bits are not those of an uninterrupted run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from jangin.errors import BadTask
from jangin.learn.checkpoint import tensors
from jangin.learn.collect import Moment, Slots, noise_floor, teacher_of
from jangin.learn.networks import Actor
from jangin.learn.recipe import Setting
from jangin.streams import generator

__all__ = ["RECIPE", "DAgger"]


@dataclass(frozen=True)
class DAgger:
    """Hyperparameters.

    Attributes:
        steps: control steps.
        nsim: slots that run in lock-step.
        teacher_until: share of `steps` after which the student always acts.
        noise: standard deviation of what is added to the action in every other slot, in half action ranges.
        updates: regressions per control period of all slots; these run beside the simulation.
        batch: labels per regression.
        lr: Adam's step at the start and at the end.
        cost_weight: what the limits' cost takes off the reward of what is handed on.
        hidden: widths of the hidden layers.
    """

    steps: int = 20_000
    nsim: int = 64
    teacher_until: float = 0.25
    noise: float = 0.15
    updates: int = 4
    batch: int = 512
    lr: tuple[float, float] = (1e-3, 1e-4)
    cost_weight: float = 1.0
    hidden: tuple[int, ...] = (128, 128)

    name = "dagger"

    def begin(self, setting: Setting) -> Learner:
        """World, network and optimiser, nothing learned yet; raises BadTask when the task has nobody to imitate."""
        return Learner(self, setting)


RECIPE = DAgger


class Learner:
    """Imitation at work; see recipe.Learner for what each method promises."""

    def __init__(self, recipe: DAgger, setting: Setting) -> None:
        task = setting.task
        teacher = teacher_of(task)
        if teacher is None:
            raise BadTask(f"{task.name} has neither a teacher nor an expert to imitate. Use the recipe 'ppo' or 'sac'.")
        self.recipe, self._device, self.steps = recipe, setting.device, 0
        self._slots = Slots(
            task,
            recipe.nsim,
            threads=setting.threads,
            seed=setting.seed,
            first=setting.first_trial,
            cost_weight=recipe.cost_weight,
            teacher=teacher,
        )
        draw = generator(task.name, seed=setting.seed, purpose="learn-dagger", trial=0)
        self._rng = torch.Generator().manual_seed(int(draw.integers(2**62)))
        self._nobs, nact = len(task.observation), len(task.action)
        floor = noise_floor(task)[: self._nobs]
        self.actor = Actor(self._nobs, nact, hidden=recipe.hidden, floor=floor, rng=self._rng)
        if setting.before is not None:
            self.actor.follow(setting.before.actor)
        self.actor.to(self._device)
        self._weights = [*self.actor.body.parameters(), *self.actor.mean.parameters()]
        self._adam = torch.optim.Adam(self._weights, recipe.lr[0], fused=True)
        self._examples = torch.empty(recipe.steps + recipe.nsim, self._nobs + nact, device=self._device)
        self._nexamples = 0
        self._taught = np.ones(recipe.nsim, bool)  # who acts in each slot's trial
        self.moments: list[Moment] = []

    @property
    def finished(self) -> bool:
        """Whether its control steps are used up."""
        return self.steps >= self.recipe.steps

    @property
    def next_trial(self) -> int:
        """Number of the next fresh trial."""
        return self._slots.next_trial

    @property
    def recent_success(self) -> float:
        """Share of successes among the last trials, whoever acted."""
        return self._slots.recent_success

    def advance(self) -> Mapping[str, float]:
        """One control period of every slot; the regressions run while the world simulates."""
        recipe = self.recipe
        with torch.no_grad():
            seen = torch.as_tensor(self._slots.seen[:, : self._nobs], device=self._device)
            student = self.actor.act(seen).cpu().numpy()
        noise = recipe.noise * torch.randn(student.shape, generator=self._rng).numpy()
        noise[::2] = 0.0
        self._slots.start(np.where(self._taught[:, None], self._slots.label, student) + noise)
        losses = self._learn()
        moment = self._slots.finish()
        self._remember(moment)
        self.steps += recipe.nsim
        teacher_share = max(0.0, 1.0 - self.steps / (recipe.teacher_until * recipe.steps))
        drawn = torch.rand(recipe.nsim, generator=self._rng).numpy() < teacher_share
        self._taught = np.where(moment.terminal | moment.truncated, drawn, self._taught)
        return losses

    def _remember(self, moment: Moment) -> None:
        self.moments.append(moment)
        seen = torch.as_tensor(moment.seen[:, : self._nobs], device=self._device)
        self.actor.normaliser.update(seen)
        label = torch.as_tensor(moment.label, device=self._device)
        self._examples[self._nexamples : self._nexamples + len(seen)] = torch.cat([seen, label], 1)
        self._nexamples += len(seen)

    def _learn(self) -> dict[str, float]:
        recipe = self.recipe
        if self._nexamples < recipe.batch:
            return {}
        first, last = recipe.lr
        self._adam.param_groups[0]["lr"] = first + (last - first) * min(1.0, self.steps / recipe.steps)
        for _ in range(recipe.updates):
            which = torch.empty(recipe.batch, dtype=torch.int64).random_(self._nexamples, generator=self._rng)
            seen, label = self._examples.index_select(0, which.to(self._device)).split(
                [self._nobs, self._examples.shape[1] - self._nobs], dim=1
            )
            loss = ((self.actor.act(seen) - label) ** 2).sum(1).mean()
            for weight, gradient in zip(self._weights, torch.autograd.grad(loss, self._weights), strict=True):
                weight.grad = gradient
            self._adam.step()
        return {"imitation_loss": float(loss.detach())}

    def state(self) -> dict[str, Any]:
        """Everything but the remembered labels."""
        return {
            "actor": self.actor.state_dict(),
            "adam": self._adam.state_dict(),
            "rng": self._rng.get_state(),
            "steps": self.steps,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take `state` back."""
        state = tensors(dict(state))
        self.actor.load_state_dict(state["actor"])
        self._adam.load_state_dict(state["adam"])
        self._rng.set_state(state["rng"])
        self.steps = state["steps"]

    def close(self) -> None:
        """Wait for the world's thread and let it go."""
        self._slots.close()
