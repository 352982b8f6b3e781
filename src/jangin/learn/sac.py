"""Off-policy learning seeded with a teacher: soft actor-critic whose critics know what only a simulator knows.

    learner = SAC(steps=100_000).begin(setting)
    while not learner.finished:
        losses = learner.advance()         # one control period of every slot, and the updates that run beside it

Three phases. The teacher acts, with some noise, while the actor imitates it and the critics learn what that is worth.
Then the actor acts while only the critics go on, until they know what *it* is worth. Then both learn, from batches of
which a share stays the teacher's.

Sources: Haarnoja et al., "Soft actor-critic algorithms and applications" (2018) for the algorithm and its temperature;
Ball et al., "Efficient online reinforcement learning with offline data" (ICML 2023) for layer normalisation and the
teacher's share; Pinto et al., "Asymmetric actor critic" (RSS 2018) for the critics' privileged input.

A checkpoint holds networks, optimisers, counters and the generator, not the remembered transitions: after a resume the
teacher shows `demo_steps` again and the actor acts for `refill` more, uncounted, before updates go on. The result is as
good, but not the same bits as without the interruption."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from jangin.learn.buffer import Batch, Layout, NStep, Replay
from jangin.learn.checkpoint import tensors
from jangin.learn.collect import Moment, ReturnScale, Slots, noise_floor, teacher_of
from jangin.learn.networks import Actor, Critics, squashed_sample
from jangin.learn.recipe import Setting
from jangin.streams import generator
from jangin.task import Array

__all__ = ["RECIPE", "SAC", "target"]


@dataclass(frozen=True)
class SAC:
    """Hyperparameters.

    Attributes:
        steps: control steps in all, the teacher's included.
        nsim: slots that run in lock-step.
        teacher: whether the task's teacher, or where there is none its expert, shows how it is done.
        demo_steps: control steps of the teacher at the start; without one, of random actions.
        demo_noise: standard deviation of what is added to the teacher's action, in half action ranges, in every other
            slot: what it does about a deviation is worth seeing too.
        demo_share: share of the teacher's transitions in a batch, at the start and at the end of learning.
        quiet: share of the slots that act without exploring. What is shipped will not explore: where it would stand
            still for ever, only a slot that does the same gets to know.
        warm_up: updates of the critics alone between imitation and improvement.
        updates: critic updates per control period of all slots; these run beside the simulation.
        actor_every: critic updates per actor update.
        batch: transitions per update.
        nown: own transitions that are remembered.
        nstep: control periods whose rewards are summed before the critic's value takes over.
        gamma: discount per control period.
        tau: share of the critics that flows into their targets per update.
        actor_lr, critic_lr, temperature_lr: Adam's steps ...
        settle_from, settle_to: ... which from this share of `steps` on fall linearly, to this share of themselves.
        average: share of the actor that flows, per update of it, into the averaged actor, which is what is measured and
            exported: a single update makes the actor better here and worse there.
        entropy: target entropy of the squashed action, per action channel [nats].
        temperature: of the entropy bonus, at the start.
        soft_target: whether the target counts the entropy bonus of the next action.
        imitation: weight of the squared distance to the teacher's action in the actor's loss, at the start and from
            `imitation_until` on. Without any, what the teacher does gently is in time done with force.
        imitation_until: share of `steps` at which that weight has fallen to its second value.
        normalise_until: share of `steps` up to which the normalisers take in what is seen; what another recipe hands on
            is enough.
        refill: own transitions gathered after a resume before updates go on.
        cost_weight: what the limits' cost of a control period takes off its reward.
        actor_hidden, critic_hidden: widths of the hidden layers.
        log_std: of the exploration in front of the tanh, at the start.
    """

    steps: int = 200_000
    nsim: int = 64
    teacher: bool = True
    demo_steps: int = 20_000
    demo_noise: float = 0.2
    demo_share: tuple[float, float] = (0.5, 0.1)
    quiet: float = 0.5
    warm_up: int = 500
    updates: int = 4
    actor_every: int = 2
    batch: int = 256
    nown: int = 300_000
    nstep: int = 5
    gamma: float = 0.995
    tau: float = 0.01
    actor_lr: float = 5e-4
    critic_lr: float = 1e-3
    temperature_lr: float = 3e-3
    settle_from: float = 0.4
    settle_to: float = 0.1
    average: float = 0.004
    entropy: float = -1.0
    temperature: float = 0.005
    soft_target: bool = False
    imitation: tuple[float, float] = (1.0, 0.2)
    imitation_until: float = 0.4
    normalise_until: float = 0.3
    refill: int = 5_000
    cost_weight: float = 1.0
    actor_hidden: tuple[int, ...] = (128, 128)
    critic_hidden: tuple[int, ...] = (128, 128)
    log_std: float = -2.0

    name = "sac"

    def begin(self, setting: Setting) -> Learner:
        """Worlds, networks and optimisers, nothing learned yet."""
        return Learner(self, setting)


RECIPE = SAC


def target(reward: Tensor, discount: Tensor, values: Tensor, bonus: Tensor | float = 0.0) -> Tensor:
    """What a critic should say, (n,): reward + discount * (least of the critics' `values` (ncritics, n) + bonus)."""
    return reward + discount * (values.amin(0) + bonus)


class Learner:
    """Soft actor-critic at work; see recipe.Learner for what each method promises."""

    def __init__(self, recipe: SAC, setting: Setting) -> None:
        task = setting.task
        self.recipe, self._device = recipe, setting.device
        self._teacher = teacher_of(task) if recipe.teacher else None
        self._slots = Slots(
            task,
            recipe.nsim,
            threads=setting.threads,
            seed=setting.seed,
            first=setting.first_trial,
            cost_weight=recipe.cost_weight,
            teacher=self._teacher,
        )
        draw = generator(task.name, seed=setting.seed, purpose="learn-sac", trial=0)
        self._rng = torch.Generator().manual_seed(int(draw.integers(2**62)))
        self._nobs, nact, nseen = len(task.observation), len(task.action), self._slots.seen.shape[1]
        floor = noise_floor(task)
        self._acting = Actor(
            self._nobs,
            nact,
            hidden=recipe.actor_hidden,
            log_std=recipe.log_std,
            floor=floor[: self._nobs],
            rng=self._rng,
        )
        self.critics = Critics(nseen, nact, hidden=recipe.critic_hidden, floor=floor, rng=self._rng)
        if setting.before is not None:
            self._acting.follow(setting.before.actor)
        self._optimise()
        self._layout = Layout(nseen, nact)
        self._nstep = NStep(recipe.nsim, recipe.nstep, recipe.gamma, self._layout)
        self._scale = ReturnScale(recipe.nsim, recipe.gamma)
        self.steps = self.updates = self._critics_alone = 0
        self.moments: Sequence[Moment] = ()
        self._refilling = False
        handed = () if setting.before is None else setting.before.moments
        self._normalise_until = 0.0 if handed else recipe.normalise_until * recipe.steps
        ndemo = sum(len(m.reward) for m in handed) or recipe.demo_steps
        self._to_show = 0 if handed else recipe.demo_steps
        self._replay = Replay(self._layout, ndemo=ndemo, nown=recipe.nown, device=self._device)
        if handed:
            self._take_over(handed)

    def _optimise(self) -> None:
        """Move the networks to the device, and make what refers to their tensors."""
        recipe = self.recipe
        self._acting.to(self._device)
        self.critics.to(self._device)
        self.actor = copy.deepcopy(self._acting).requires_grad_(False)
        self.actor.normaliser = self._acting.normaliser
        self.targets = copy.deepcopy(self.critics).requires_grad_(False)
        self.targets.normaliser = self.critics.normaliser
        self._log_temperature = torch.full((), math.log(recipe.temperature), device=self._device, requires_grad=True)
        self._weights = {
            "actor": list(self._acting.parameters()),
            "critics": list(self.critics.parameters()),
            "temperature": [self._log_temperature],
        }
        self._lr = {"actor": recipe.actor_lr, "critics": recipe.critic_lr, "temperature": recipe.temperature_lr}
        self._adam = {k: torch.optim.Adam(w, self._lr[k], fused=True) for k, w in self._weights.items()}
        self._target_weights, self._averaged = list(self.targets.parameters()), list(self.actor.parameters())

    def _take_over(self, handed: Sequence[Moment]) -> None:
        """Remember what the recipe before this one experienced, instead of demonstrations of its own."""
        nsim = len(handed[0].reward)
        nstep = NStep(nsim, self.recipe.nstep, self.recipe.gamma, self._layout)
        self._scale = ReturnScale(nsim, self.recipe.gamma)
        for moment in handed:
            self._scale.update(moment)
            self.critics.normaliser.update(torch.as_tensor(moment.seen, device=self._device))  # the actor knows them
            self._replay.add(nstep.push(moment), demo=True)

    # ── where it is ──────────────────────────────────────────────────────────────────────────────────────────────

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

    @property
    def _showing(self) -> bool:
        return self._to_show > 0

    @property
    def _improving(self) -> bool:
        return not self._showing and self._critics_alone >= self.recipe.warm_up

    def _between(self, ends: tuple[float, float], until: float = 1.0) -> float:
        """The first at the first control step, the second from the share `until` of all on, a straight line between."""
        start, end = ends
        return start + (end - start) * min(1.0, self.steps / (until * self.recipe.steps))

    # ── one iteration ────────────────────────────────────────────────────────────────────────────────────────────

    def advance(self) -> Mapping[str, float]:
        """One control period of every slot; the updates run while the world simulates, on what was known before it."""
        showing, refilling = self._showing, self._refilling
        self._slots.start(self._action(showing))
        losses = {} if refilling else self._learn()
        moment = self._slots.finish()
        self._replay.add(self._nstep.push(moment), demo=showing)
        self._to_show -= self.recipe.nsim if showing else 0
        if refilling:
            self._refilling = self._showing or self._replay.own < min(self.recipe.refill, self.recipe.nown)
            return losses
        self.steps += self.recipe.nsim
        if showing or self.steps <= self._normalise_until:
            self._normalise(moment)
        if showing:
            self._scale.update(moment)
        return losses

    def _action(self, showing: bool) -> Array:
        noise = self._noise(len(self._slots.seen))
        if showing and self._teacher is None:
            return torch.tanh(2.0 * noise).numpy()
        if showing:
            noise[::2] = 0.0
            return self._slots.label + self.recipe.demo_noise * noise.numpy()
        with torch.no_grad():
            observation = torch.as_tensor(self._slots.seen[:, : self._nobs], device=self._device)
            mean, log_std = self._acting(observation)
            noise[: round(self.recipe.quiet * len(noise))] = 0.0
            action, _ = squashed_sample(mean, log_std, noise.to(self._device))
        return action.cpu().numpy()

    def _noise(self, n: int) -> Tensor:
        """Standard normal (n, nact), drawn on the CPU so that it is the same on every device."""
        return torch.randn(n, self._layout.nact, generator=self._rng)

    def _normalise(self, moment: Moment) -> None:
        seen = torch.as_tensor(moment.seen, device=self._device)
        self._acting.normaliser.update(seen[:, : self._nobs])
        self.critics.normaliser.update(seen)

    def _learn(self) -> dict[str, float]:
        recipe = self.recipe
        if len(self._replay) < 4 * recipe.batch:
            return {}
        share = self._between(recipe.demo_share)
        losses: dict[str, Tensor] = {}
        for _ in range(recipe.updates):
            batch = self._replay.sample(recipe.batch, demo_share=share, rng=self._rng)
            losses["critic_loss"] = self._update_critics(batch)
            self.updates += 1
            if self.updates % recipe.actor_every == 0:
                losses |= self._update_actor(batch)
            self._critics_alone += not self._showing
        return {k: float(v) for k, v in losses.items()}

    def _update_critics(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            mean, log_std = self._acting(batch.next_seen[:, : self._nobs])
            action, log_prob = squashed_sample(mean, log_std, self._noise(len(mean)).to(self._device))
            bonus = -self._log_temperature.exp() * log_prob if self.recipe.soft_target else 0.0
            reward = batch.reward / self._scale.value
            goal = target(reward, batch.discount, self.targets(batch.next_seen, action), bonus)
        loss = ((self.critics(batch.seen, batch.action) - goal) ** 2).mean(1).sum()
        self._descend("critics", loss)
        with torch.no_grad():
            torch._foreach_lerp_(self._target_weights, self._weights["critics"], self.recipe.tau)
        return loss.detach()

    def _update_actor(self, batch: Batch) -> dict[str, Tensor]:
        if not self._improving:
            if self._teacher is None or not self._showing:
                return {}
            distance = ((self._acting.act(batch.seen[:, : self._nobs]) - batch.label) ** 2).sum(1).mean()
            self._descend("actor", distance)
            self.actor.follow(self._acting)
            return {"imitation_loss": distance.detach()}
        mean, log_std = self._acting(batch.seen[:, : self._nobs])
        action, log_prob = squashed_sample(mean, log_std, self._noise(len(mean)).to(self._device))
        temperature = self._log_temperature.detach().exp()
        loss = (temperature * log_prob - self.critics(batch.seen, action).amin(0)).mean()
        if self._teacher is not None:
            imitation = self._between(self.recipe.imitation, self.recipe.imitation_until)
            loss = loss + imitation * ((torch.tanh(mean) - batch.label) ** 2).sum(1).mean()
        self._descend("actor", loss)
        with torch.no_grad():
            torch._foreach_lerp_(self._averaged, self._weights["actor"], self.recipe.average)
        surplus = log_prob.detach().mean() + self.recipe.entropy * self._layout.nact
        self._descend("temperature", -self._log_temperature * surplus)
        return {"actor_loss": loss.detach(), "entropy": -log_prob.detach().mean(), "temperature": temperature}

    def _descend(self, what: str, loss: Tensor) -> None:
        """One step of Adam on one group of weights; the gradient of no other is computed."""
        weights, adam = self._weights[what], self._adam[what]
        unused = what == "actor"  # imitation does not touch the spread
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights, allow_unused=unused), strict=True):
            weight.grad = gradient
        adam.param_groups[0]["lr"] = self._lr[what] * self._pace()
        adam.step()

    def _pace(self) -> float:
        """Factor on Adam's steps: 1 up to `settle_from` of all control steps, `settle_to` at the end."""
        begun, last = self.recipe.settle_from, self.recipe.settle_to
        settling = max(0.0, self.steps / self.recipe.steps - begun) / (1.0 - begun)
        return 1.0 - (1.0 - last) * min(settling, 1.0)

    # ── resume ───────────────────────────────────────────────────────────────────────────────────────────────────

    def state(self) -> dict[str, Any]:
        """Everything but the remembered transitions."""
        return {
            "actor": self.actor.state_dict(),
            "acting": self._acting.state_dict(),
            "critics": self.critics.state_dict(),
            "targets": self.targets.state_dict(),
            "temperature": self._log_temperature,
            "adam": {k: a.state_dict() for k, a in self._adam.items()},
            "rng": self._rng.get_state(),
            "scale": [self._scale.count, self._scale.square],
            "counters": [self.steps, self.updates, self._critics_alone, max(self._to_show, 0)],
            "normalise_until": self._normalise_until,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take `state` back; what was remembered is gathered anew before learning goes on."""
        state = tensors(dict(state))
        for name, network in (
            *(("actor", self.actor), ("acting", self._acting)),
            *(("critics", self.critics), ("targets", self.targets)),
        ):
            network.load_state_dict(state[name])
        with torch.no_grad():
            self._log_temperature.copy_(state["temperature"])
        for name, adam in self._adam.items():
            adam.load_state_dict(state["adam"][name])
        self._rng.set_state(state["rng"])
        self._scale.count, self._scale.square = state["scale"]
        self.steps, self.updates, self._critics_alone, to_show = state["counters"]
        self._normalise_until = state["normalise_until"]
        self._to_show, self._refilling = (to_show, False) if to_show else (self.recipe.demo_steps, True)

    def close(self) -> None:
        """Wait for the world's thread and let it go."""
        self._slots.close()
