"""From nothing: proximal policy optimisation whose critic knows what only a simulator knows.

    learner = PPO(steps=1_000_000).begin(setting)
    while not learner.finished:
        losses = learner.advance()         # `horizon` control periods of every slot, then some epochs on them

The Gaussian stands in front of the tanh, which belongs to the world as far as the algorithm is concerned: the tanh's
slope is the same under the old and the new policy, so it cancels in their ratio.

Sources: Schulman et al., "Proximal policy optimization algorithms" (2017), equation 7; Schulman et al.,
"High-dimensional continuous control using generalized advantage estimation" (ICLR 2016), equation 16; Pardo et al.,
"Time limits in reinforcement learning" (ICML 2018) for the value after a time-out; the step size follows the divergence
as in rsl_rl.
A resumed run begins new trials, and so has other bits than an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jangin.learn.checkpoint import tensors
from jangin.learn.collect import Moment, ReturnScale, Slots, noise_floor
from jangin.learn.networks import Actor, Critics, gaussian_entropy, gaussian_log_prob
from jangin.learn.recipe import Setting
from jangin.streams import generator
from jangin.task import Array

__all__ = ["PPO", "RECIPE", "advantages", "clipped_objective", "gaussian_divergence"]


@dataclass(frozen=True)
class PPO:
    """Hyperparameters.

    Attributes:
        steps: control steps.
        nsim: slots that run in lock-step.
        horizon: control periods per iteration.
        epochs: times each iteration's experience is gone through.
        batch: control steps per update.
        actor_lr, critic_lr: Adam's steps at the start; they fall to a tenth linearly.
        divergence: of the new from the old policy [nats] that the actor's step is adapted to, per epoch.
        gamma: discount per control period.
        lam: lambda of the advantage estimate.
        clip: of the probability ratio, +-.
        entropy: weight of the entropy bonus.
        max_gradient: norm to which the actor's gradient is cut.
        warm_up: iterations in which only the critic learns when another recipe went before.
        log_std, log_std_after: of the exploration in front of the tanh, at the start: from nothing, after another
            recipe.
        cost_weight: what the limits' cost of a control period takes off its reward.
        actor_hidden, critic_hidden: widths of the hidden layers.
    """

    steps: int = 1_000_000
    nsim: int = 256
    horizon: int = 24
    epochs: int = 4
    batch: int = 2048
    actor_lr: float = 3e-4
    critic_lr: float = 1e-3
    divergence: float = 0.015
    gamma: float = 0.985
    lam: float = 0.95
    clip: float = 0.2
    entropy: float = 0.002
    max_gradient: float = 1.0
    warm_up: int = 5
    log_std: float = -0.7
    log_std_after: float = -1.6
    cost_weight: float = 1.0
    actor_hidden: tuple[int, ...] = (128, 128)
    critic_hidden: tuple[int, ...] = (128, 128)

    name = "ppo"

    def begin(self, setting: Setting) -> Learner:
        """World, networks and optimisers, nothing learned yet."""
        return Learner(self, setting)


RECIPE = PPO


def advantages(
    reward: Array, value: Array, next_value: Array, terminal: Array, ended: Array, *, gamma: float, lam: float
) -> Array:
    """Generalised advantage estimates of T control periods in N slots; every array is (T, N).

    `next_value` is the value of what followed in the same trial, also where a time-out cut it short; it counts unless
    `terminal`. The sum over later periods stops where the trial `ended`, for good or by the clock.
    """
    delta = reward + gamma * next_value * ~terminal - value
    result = np.zeros_like(delta)
    running = np.zeros_like(delta[0])
    for t in reversed(range(len(delta))):
        running = delta[t] + gamma * lam * running * ~ended[t]
        result[t] = running
    return result


def clipped_objective(log_ratio: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """min(r A, clip(r, 1 - c, 1 + c) A), to be maximised; r = exp(log_ratio)."""
    ratio = log_ratio.exp()
    return torch.minimum(ratio * advantage, ratio.clamp(1.0 - clip, 1.0 + clip) * advantage)


def gaussian_divergence(mean: Tensor, log_std: Tensor, mean_to: Tensor, log_std_to: Tensor) -> Tensor:
    """Kullback-Leibler divergence [nats] of independent Gaussians from others, summed over the last axis."""
    square = (2.0 * (log_std - log_std_to)).exp() + ((mean - mean_to) * (-log_std_to).exp()) ** 2
    return (log_std_to - log_std + 0.5 * (square - 1.0)).sum(-1)


@dataclass(frozen=True)
class _Experience:
    """One iteration's control steps, flat: seen, what was drawn in front of the tanh, and how; advantage and return."""

    seen: Tensor
    drawn: Tensor
    mean: Tensor
    log_std: Tensor
    log_prob: Tensor
    advantage: Tensor
    value: Tensor


class Learner:
    """Proximal policy optimisation at work; see recipe.Learner for what each method promises."""

    def __init__(self, recipe: PPO, setting: Setting) -> None:
        task = setting.task
        self.recipe, self._device, self.steps = recipe, setting.device, 0
        self.moments: Sequence[Moment] = ()
        self._slots = Slots(
            task,
            recipe.nsim,
            threads=setting.threads,
            seed=setting.seed,
            first=setting.first_trial,
            cost_weight=recipe.cost_weight,
        )
        draw = generator(task.name, seed=setting.seed, purpose="learn-ppo", trial=0)
        self._rng = torch.Generator().manual_seed(int(draw.integers(2**62)))
        self._nobs, nact, floor = len(task.observation), len(task.action), noise_floor(task)
        self.actor = Actor(
            self._nobs,
            nact,
            hidden=recipe.actor_hidden,
            spread="free",
            log_std=recipe.log_std if setting.before is None else recipe.log_std_after,
            floor=floor[: self._nobs],
            rng=self._rng,
        )
        nseen = self._slots.seen.shape[1]
        self.critic = Critics(nseen, 0, n=1, hidden=recipe.critic_hidden, floor=floor, rng=self._rng)
        self.actor.to(self._device)
        self.critic.to(self._device)
        self._normalise(torch.as_tensor(self._slots.seen, device=self._device))
        if setting.before is not None:
            self.actor.follow(setting.before.actor)
        self._critic_only = 0 if setting.before is None else recipe.warm_up
        self._actor_adam = torch.optim.Adam(self.actor.parameters(), recipe.actor_lr, fused=True)
        self._critic_adam = torch.optim.Adam(self.critic.parameters(), recipe.critic_lr, fused=True)
        self._scale = ReturnScale(recipe.nsim, recipe.gamma)
        self._pace = 1.0  # factor on the actor's step that keeps the divergence where it should be

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
        """Share of successes among the last trials."""
        return self._slots.recent_success

    def advance(self) -> Mapping[str, float]:
        """`horizon` control periods of every slot, then `epochs` on them."""
        experience = self._gather()
        losses = self._learn(experience)
        self._normalise(experience.seen)
        return losses

    def _normalise(self, seen: Tensor) -> None:
        self.actor.normaliser.update(seen[:, : self._nobs])
        self.critic.normaliser.update(seen)

    # ── experience ───────────────────────────────────────────────────────────────────────────────────────────────

    @torch.no_grad()
    def _gather(self) -> _Experience:
        moments: list[Moment] = []
        drawn: list[tuple[Tensor, Tensor, Tensor]] = []
        for _ in range(self.recipe.horizon):
            observation = torch.as_tensor(self._slots.seen[:, : self._nobs], device=self._device)
            mean, log_std = self.actor(observation)
            noise = torch.randn(mean.shape, generator=self._rng).to(self._device)
            u = mean + log_std.exp() * noise
            moment = self._slots.step(torch.tanh(u).cpu().numpy())
            self._scale.update(moment)
            moments.append(moment)
            drawn.append((u, mean, log_std))
            self.steps += self.recipe.nsim
        return self._weigh(moments, drawn)

    def _weigh(self, moments: list[Moment], drawn: list[tuple[Tensor, Tensor, Tensor]]) -> _Experience:
        """Advantages and returns of what happened."""
        recipe = self.recipe
        seen, following = (
            torch.as_tensor(np.stack([getattr(m, part) for m in moments]), device=self._device).flatten(0, 1)
            for part in ("seen", "next_seen")
        )
        reward, terminal, truncated = (
            np.stack([getattr(m, part) for m in moments]) for part in ("reward", "terminal", "truncated")
        )
        value, next_value = (self.critic(s)[0].reshape(reward.shape).cpu().numpy() for s in (seen, following))
        advantage = advantages(
            reward / np.float32(self._scale.value),
            value,
            next_value,
            terminal,
            terminal | truncated,
            gamma=recipe.gamma,
            lam=recipe.lam,
        )
        u, mean, log_std = (torch.stack(part).flatten(0, 1) for part in zip(*drawn, strict=True))
        gain, goal = (torch.as_tensor(a.reshape(-1), device=self._device) for a in (advantage, advantage + value))
        gain = (gain - gain.mean()) / (gain.std() + 1e-8)
        return _Experience(seen, u, mean, log_std, gaussian_log_prob(u, mean, log_std), gain, goal)

    # ── updates ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _learn(self, x: _Experience) -> dict[str, float]:
        recipe = self.recipe
        fade = 1.0 - 0.9 * min(1.0, self.steps / recipe.steps)
        self._critic_adam.param_groups[0]["lr"] = recipe.critic_lr * fade
        losses: dict[str, float] = {}
        for _ in range(recipe.epochs):
            self._actor_adam.param_groups[0]["lr"] = recipe.actor_lr * fade * self._pace
            divergence = []
            order = torch.randperm(len(x.seen), generator=self._rng).to(self._device)
            for which in order.split(recipe.batch):
                losses["critic_loss"] = self._update_critic(x, which)
                if self._critic_only <= 0:
                    losses["actor_loss"], moved = self._update_actor(x, which)
                    divergence.append(moved)
            if divergence:
                losses["divergence"] = float(np.mean(divergence))
                self._pace *= self._correction(losses["divergence"])
                self._pace = min(max(self._pace, 0.03), 30.0)
        self._critic_only -= 1
        losses["entropy"] = float(gaussian_entropy(x.log_std).mean())
        return losses

    def _correction(self, divergence: float) -> float:
        if divergence > 2.0 * self.recipe.divergence:
            return 1 / 1.5
        return 1.5 if divergence < 0.5 * self.recipe.divergence else 1.0

    def _update_critic(self, x: _Experience, which: Tensor) -> float:
        loss = ((self.critic(x.seen[which])[0] - x.value[which]) ** 2).mean()
        self._critic_adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._critic_adam.step()
        return float(loss.detach())

    def _update_actor(self, x: _Experience, which: Tensor) -> tuple[float, float]:
        mean, log_std = self.actor(x.seen[which, : self._nobs])
        log_ratio = gaussian_log_prob(x.drawn[which], mean, log_std) - x.log_prob[which]
        gain = clipped_objective(log_ratio, x.advantage[which], self.recipe.clip).mean()
        loss = -gain - self.recipe.entropy * gaussian_entropy(log_std).mean()
        self._actor_adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.actor.parameters(), self.recipe.max_gradient)
        self._actor_adam.step()
        with torch.no_grad():
            moved = gaussian_divergence(x.mean[which], x.log_std[which], mean, log_std).mean()
        return float(loss.detach()), float(moved)

    # ── resume ───────────────────────────────────────────────────────────────────────────────────────────────────

    def state(self) -> dict[str, Any]:
        """Networks, optimisers, generator and counters."""
        return {
            "actor": self.actor.state_dict(),
            "critic": self.critic.state_dict(),
            "actor_adam": self._actor_adam.state_dict(),
            "critic_adam": self._critic_adam.state_dict(),
            "rng": self._rng.get_state(),
            "scale": [self._scale.count, self._scale.square],
            "counters": [self.steps, self._critic_only, self._pace],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take `state` back."""
        state = tensors(dict(state))
        self.actor.load_state_dict(state["actor"])
        self.critic.load_state_dict(state["critic"])
        self._actor_adam.load_state_dict(state["actor_adam"])
        self._critic_adam.load_state_dict(state["critic_adam"])
        self._rng.set_state(state["rng"])
        self._scale.count, self._scale.square = state["scale"]
        self.steps, self._critic_only, self._pace = state["counters"]

    def close(self) -> None:
        """Wait for the world's thread and let it go."""
        self._slots.close()
