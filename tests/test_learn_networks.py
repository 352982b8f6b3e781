"""The networks against closed forms: merged moments, changes of variables, batched critics against a loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import distributions

from jangin.errors import BadPolicy, BadTask
from jangin.learn.networks import (
    Actor,
    Critics,
    Normaliser,
    action_range,
    gaussian_entropy,
    gaussian_log_prob,
    squashed_sample,
)
from jangin.task import Channel, Signals


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_moments_merged_batch_by_batch_are_those_of_all_rows_together():
    """Chan's update: any split of the rows gives the mean and variance of the whole."""
    x = torch.randn(1000, 3, generator=rng()) * torch.tensor([1e-3, 1.0, 50.0]) + torch.tensor([5.0, 0.0, -7.0])
    normaliser = Normaliser(3)
    for part in x.split([1, 2, 300, 697]):
        normaliser.update(part)
    assert np.allclose(normaliser.mean, x.double().mean(0), rtol=1e-12)
    assert np.allclose(normaliser.squares / normaliser.count, x.double().var(0, correction=0), rtol=1e-9)
    assert torch.allclose(normaliser(x).mean(0), torch.zeros(3), atol=1e-3)
    inside = normaliser(x).abs() < normaliser.clip
    assert torch.allclose(normaliser(x)[inside.all(1)].std(0), torch.ones(3), atol=0.02)


def test_a_channel_that_shows_only_noise_is_not_blown_up():
    """A standard deviation below the floor is not believed; what lies far out is clipped."""
    normaliser = Normaliser(2, floor=np.array([0.5, 0.0]))
    normaliser.update(torch.tensor([[1.0, 0.0], [1.1, 2.0]]))
    assert normaliser(torch.tensor([[1.55, 1.0]])).tolist() == [[pytest.approx(1.0), 0.0]]
    assert normaliser(torch.tensor([[1e9, -1e9]])).tolist() == [[5.0, -5.0]]


def test_gaussian_density_entropy_are_torchs_own():
    """log N(u) and the entropy agree with torch.distributions."""
    mean, log_std = torch.randn(7, 4, generator=rng(1)), torch.randn(7, 4, generator=rng(2)) * 0.3
    u = torch.randn(7, 4, generator=rng(3))
    normal = distributions.Independent(distributions.Normal(mean, log_std.exp()), 1)
    assert torch.allclose(gaussian_log_prob(u, mean, log_std), normal.log_prob(u), atol=1e-5)
    assert torch.allclose(gaussian_entropy(log_std), normal.entropy(), atol=1e-6)


def test_squashed_density_is_the_change_of_variables():
    """log p(tanh u) agrees with torch's TanhTransform, and stays finite where 1 - tanh(u)^2 is zero in float32."""
    mean, log_std = torch.randn(50, 2, generator=rng(1)), torch.randn(50, 2, generator=rng(2)) * 0.3
    noise = torch.randn(50, 2, generator=rng(3))
    action, log_prob = squashed_sample(mean, log_std, noise)
    base = distributions.Normal(mean.double(), log_std.double().exp())
    tanh = distributions.TransformedDistribution(base, distributions.TanhTransform(cache_size=1))
    u = mean.double() + log_std.double().exp() * noise.double()
    expected = tanh.log_prob(torch.tanh(u)).sum(1)
    inside = action.abs().max(1).values < 0.999
    assert torch.allclose(log_prob[inside].double(), expected[inside], atol=1e-4)
    far = squashed_sample(torch.tensor([[30.0]]), torch.zeros(1, 1), torch.zeros(1, 1))
    assert far[0].item() == 1.0
    assert far[1].item() == pytest.approx(60.0 - np.log(4.0) - 0.5 * np.log(2 * np.pi), abs=1e-4)


def test_squashed_density_integrates_to_one():
    """The density of a one-dimensional action, summed over (-1, 1), is a probability."""
    u = torch.linspace(-8, 8, 40001, dtype=torch.float64)[:, None]
    mean, log_std = torch.full_like(u, 0.3), torch.full_like(u, -0.2)
    action, log_prob = squashed_sample(mean, log_std, (u - mean) / log_std.exp())
    assert torch.trapezoid(log_prob.exp(), action[:, 0]).item() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("spread", ["state", "free"])
def test_an_actors_deterministic_action_is_the_tanh_of_its_mean(spread):
    """act() and forward() are one network; the log standard deviation starts where it was asked to."""
    actor = Actor(5, 3, hidden=(16, 8), spread=spread, log_std=-1.5, rng=rng())
    x = torch.randn(9, 5, generator=rng(1))
    mean, log_std = actor(x)
    assert torch.equal(actor.act(x), torch.tanh(mean))
    assert mean.shape == log_std.shape == (9, 3)
    assert log_std.mean().item() == pytest.approx(-1.5, abs=0.1)


def test_the_same_generator_gives_the_same_weights_and_the_global_one_is_left_alone():
    """Weights come from the generator that is handed over."""
    before = torch.get_rng_state()
    one, two = Actor(5, 3, rng=rng(4)), Actor(5, 3, rng=rng(4))
    Critics(5, 3, rng=rng(5))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters()))


def test_an_actor_that_follows_acts_like_the_other():
    """Everything that acts is taken over, whatever kind the spread is; other widths are refused."""
    teacher = Actor(5, 3, hidden=(16, 8), spread="state", rng=rng(1))
    teacher.normaliser.update(torch.randn(50, 5, generator=rng(2)) * 3 + 1)
    student = Actor(5, 3, hidden=(16, 8), spread="free", log_std=-0.5, rng=rng(3))
    student.follow(teacher)
    x = torch.randn(20, 5, generator=rng(4))
    assert torch.equal(student.act(x), teacher.act(x))
    assert student(x)[1].unique().tolist() == [-0.5]
    with pytest.raises(BadPolicy, match="hidden layers of 16 and 8 cannot go on as 32 and 8"):
        Actor(5, 3, hidden=(32, 8), rng=rng()).follow(teacher)


def test_critics_evaluated_together_are_what_each_says_alone():
    """The batched product is a loop over perceptrons: normalise, product, layer norm, ReLU, product."""
    critics = Critics(4, 2, n=3, hidden=(16, 8), rng=rng(1))
    seen, action = torch.randn(10, 4, generator=rng(2)), torch.rand(10, 2, generator=rng(3)) * 2 - 1
    critics.normaliser.update(seen * 2 + 1)
    for bias in critics.biases:
        torch.nn.init.normal_(bias, generator=rng(4))
    together = critics(seen, action)
    assert together.shape == (3, 10)
    for k in range(3):
        h = torch.cat([critics.normaliser(seen), action], 1)
        for layer, (weight, bias) in enumerate(zip(critics.weights, critics.biases)):
            if layer:
                h = (h - h.mean(1, keepdim=True)) / (h.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
                h = h.clamp(min=0)
            h = h @ weight[k] + bias[k]
        assert torch.allclose(together[k], h[:, 0], atol=1e-5)


def test_critics_are_independent():
    """The gradient of one critic's value does not reach another's weights."""
    critics = Critics(4, 2, n=2, rng=rng(1))
    seen, action = torch.randn(10, 4, generator=rng(2)), torch.zeros(10, 2)
    critics(seen, action)[0].sum().backward()
    for weight in critics.weights:
        assert weight.grad is not None
        assert weight.grad[0].abs().sum() > 0
        assert weight.grad[1].abs().sum() == 0


def test_an_action_without_a_finite_range_is_refused():
    """The middle and half width of the range; and a sentence when there is none."""
    middle, half = action_range(Signals((Channel("a", "m", low=-1, high=3),)))
    assert (middle.tolist(), half.tolist()) == ([1.0], [2.0])
    with pytest.raises(BadTask, match=r"channel 'push' has the range \[-inf, inf\] N; to be learned it needs a finite"):
        action_range(Signals((Channel("push", "N"),)))
