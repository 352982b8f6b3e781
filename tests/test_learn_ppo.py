"""The arithmetic of PPO against hand computation and torch's own distributions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import distributions

from jangin.learn.ppo import advantages, clipped_objective, gaussian_divergence


def column(*x, kind=float):
    return np.array(x, kind)[:, None]


def test_advantages_by_hand():
    """Three periods, an end after the second: d_t = r + g V' - V, A_t = d_t + g l A_{t+1} within a trial."""
    g, lam = 0.5, 0.5
    reward, value, following = column(1.0, 2.0, 4.0), column(10.0, 20.0, 30.0), column(20.0, 99.0, 40.0)
    ended = column(False, True, False, kind=bool)
    got = advantages(reward, value, following, terminal=ended, ended=ended, gamma=g, lam=lam)[:, 0]
    d0, d1, d2 = 1 + g * 20 - 10, 2 - 20, 4 + g * 40 - 30
    assert got.tolist() == [d0 + g * lam * d1, d1, d2]


def test_after_a_time_out_the_value_counts_but_the_sum_stops():
    """A truncated period keeps g V(final observation); the next trial's advantages do not leak into it."""
    reward, value, following = column(1.0, 2.0), column(10.0, 20.0), column(7.0, 40.0)
    truncated = column(True, False, kind=bool)
    got = advantages(reward, value, following, terminal=~truncated & False, ended=truncated, gamma=0.5, lam=1.0)[:, 0]
    assert got.tolist() == [1 + 0.5 * 7 - 10, 2 + 0.5 * 40 - 20]


def test_with_lambda_one_an_advantage_is_the_discounted_return_less_the_value():
    """lambda = 1 sums the whole trial; lambda = 0 looks one period ahead."""
    rng = np.random.default_rng(0)
    n, g = 30, 0.9
    reward, value, last = rng.normal(size=(n, 4)), rng.normal(size=(n, 4)), rng.normal(size=4)
    following = np.concatenate([value[1:], last[None]])
    ended = np.zeros((n, 4), bool)
    got = advantages(reward, value, following, terminal=ended, ended=ended, gamma=g, lam=1.0)
    for t in range(n):
        returns = sum(g ** (k - t) * reward[k] for k in range(t, n)) + g ** (n - t) * last
        assert np.allclose(got[t], returns - value[t])
    one = advantages(reward, value, following, terminal=ended, ended=ended, gamma=g, lam=0.0)
    assert np.allclose(one, reward + g * following - value)


@pytest.mark.parametrize(
    ("ratio", "advantage", "slope"),
    [
        (1.0, 1.0, 1.0),  # at the old policy: the plain policy gradient
        (1.0, -1.0, -1.0),
        (1.3, 1.0, 0.0),  # good and already likelier by more than the clip: no more of it
        (0.7, -1.0, 0.0),  # bad and already rarer by more than the clip
        (0.7, 1.0, 0.7),  # good but rarer: back
        (1.3, -1.0, -1.3),  # bad but likelier: back
    ],
)
def test_the_clipped_objectives_slope(ratio, advantage, slope):
    """d objective / d log r = r A, except where clipping forbids to go on."""
    log_ratio = torch.tensor(np.log(ratio), requires_grad=True)
    clipped_objective(log_ratio, torch.tensor(advantage), 0.2).backward()
    assert log_ratio.grad.item() == pytest.approx(slope)


def test_the_divergence_is_torchs_own():
    """KL of two Gaussians agrees with torch.distributions, and is zero from itself."""
    g = torch.Generator().manual_seed(0)
    a, b, c, d = (torch.randn(6, 3, generator=g) * s for s in (1.0, 0.3, 1.0, 0.3))
    expected = distributions.kl_divergence(distributions.Normal(a, b.exp()), distributions.Normal(c, d.exp())).sum(1)
    assert torch.allclose(gaussian_divergence(a, b, c, d), expected, atol=1e-5)
    assert torch.equal(gaussian_divergence(a, b, a, b), torch.zeros(6))
