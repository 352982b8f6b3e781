"""The critics of SAC on a problem whose values are known, and what its parts promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from jangin.learn.learning import one_thread
from jangin.learn.recipe import Setting
from jangin.learn.sac import SAC, target
from jangin.task import Channel, Conditions, Signals, Step


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


class Pendulum:
    """Two states that alternate whatever one does: from A a reward of 1, from B none; a trial ends after `periods`.

    `ends` says how: "timeout" (the values are those of the endless problem) or "success" (they are not).
    """

    outcomes, engine = ("running", "success", "timeout"), "two states"

    def __init__(self, nsim, periods, ends):
        self.nsim, self.periods, self.code = nsim, periods, self.outcomes.index(ends)
        self.state, self.t = np.zeros(nsim, int), np.zeros(nsim, int)

    def reset(self, ids, trials):
        self.state[ids], self.t[ids] = np.asarray(trials) % 2, 0

    def observe(self):
        return np.eye(2, dtype=np.float32)[self.state]

    def privileged(self):
        return np.zeros((self.nsim, 0), np.float32)

    def step(self, action, ids=None):
        reward = (self.state == 0).astype(np.float32)
        self.state, self.t = 1 - self.state, self.t + 1
        outcome = np.where(self.t >= self.periods, self.code, 0).astype(np.int16)
        return Step(reward, np.zeros(self.nsim, np.float32), outcome)


class TwoStates:
    """The task around it."""

    name, rate_hz, conditions, privileged = "toy/two-states", 1.0, Conditions(()), Signals(())
    observation = Signals((Channel("a", ""), Channel("b", "")))
    action = Signals((Channel("u", "", low=-1, high=1),))

    def __init__(self, periods, ends):
        self.periods, self.ends = periods, ends

    def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
        return Pendulum(nsim, self.periods, self.ends)

    def teacher(self):
        return None

    expert = teacher


def values(task, *, nstep, gamma):
    """What the critics say of A and B after learning, in units of reward."""
    recipe = SAC(
        steps=10**9,
        nsim=8,
        demo_steps=256,
        batch=64,
        updates=4,
        warm_up=10**9,
        nstep=nstep,
        gamma=gamma,
        tau=0.05,
        critic_lr=3e-3,
        critic_hidden=(32, 32),
        actor_hidden=(8,),
        nown=2000,
    )
    learner = recipe.begin(Setting(task, seed=0, threads=1, device=torch.device("cpu")))
    for _ in range(400):
        learner.advance()
    with torch.no_grad():
        said = learner.critics(torch.eye(2), torch.zeros(2, 1)).mean(0).numpy() * learner._scale.value
    learner.close()
    return said


@pytest.mark.parametrize("nstep", [1, 3])
def test_critics_find_the_endless_values_through_time_outs(nstep):
    """Q(A) = 1 / (1 - g^2), Q(B) = g / (1 - g^2), though every trial is cut after 4 periods."""
    g = 0.8
    a, b = values(TwoStates(4, "timeout"), nstep=nstep, gamma=g)
    assert a == pytest.approx(1 / (1 - g * g), rel=0.04)
    assert b == pytest.approx(g / (1 - g * g), rel=0.04)


def test_critics_know_that_after_an_end_nothing_follows():
    """Trials of one period that end for good: Q(A) = 1, Q(B) = 0."""
    a, b = values(TwoStates(1, "success"), nstep=3, gamma=0.8)
    assert a == pytest.approx(1.0, abs=0.05)
    assert b == pytest.approx(0.0, abs=0.05)


def test_the_target_takes_the_least_critic():
    """reward + discount * (min of the critics + bonus)."""
    reward, discount = torch.tensor([1.0, 2.0]), torch.tensor([0.5, 0.0])
    said = torch.tensor([[4.0, 9.0], [6.0, 7.0]])
    assert target(reward, discount, said, 1.0).tolist() == [3.5, 2.0]


def test_a_step_of_the_actor_leaves_the_critics_alone():
    """The actor's loss passes through the critics; only the actor and the temperature move."""
    from toy import Toy

    recipe = SAC(steps=2000, nsim=16, demo_steps=320, warm_up=0, batch=32)
    learner = recipe.begin(Setting(Toy(), seed=0, threads=1, device=torch.device("cpu")))
    for _ in range(25):
        learner.advance()
    batch = learner._replay.sample(32, demo_share=0.5, rng=torch.Generator().manual_seed(0))

    def frozen(network):
        return [p.detach().clone() for p in network.parameters()]

    critics, actor = frozen(learner.critics), frozen(learner.actor)
    losses = learner._update_actor(batch)
    assert set(losses) == {"actor_loss", "entropy", "temperature"}
    assert all(torch.equal(p, q) for p, q in zip(critics, learner.critics.parameters()))
    assert not all(torch.equal(p, q) for p, q in zip(actor, learner.actor.parameters()))
    learner.close()
