"""The ONNX file is the actor: same numbers, same channels, same bytes each time."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
import torch

from jangin.errors import BadPolicy
from jangin.learn.export import export
from jangin.learn.networks import Actor, action_range
from jangin.policy import OnnxPolicy
from jangin.task import Channel, Signals
from toy import Toy


class Lopsided(Toy):
    """A toy whose action ranges are neither symmetric nor alike."""

    action = Signals((Channel("dx", "m", "base", -0.1, 0.3), Channel("dy", "rad", "tool", 2.0, 2.5)))


def actor_for(task, *, hidden=(32, 16), spread="state") -> Actor:
    rng = torch.Generator().manual_seed(3)
    actor = Actor(len(task.observation), len(task.action), hidden=hidden, spread=spread, rng=rng)
    actor.normaliser.update(torch.randn(100, len(task.observation), generator=rng) * 4 + 2)
    for weight in actor.parameters():
        weight.data.add_(0.1 * torch.randn(weight.shape, generator=rng))
    return actor


@pytest.mark.parametrize("spread", ["state", "free"])
@pytest.mark.parametrize("hidden", [(8,), (32, 16), (16, 16, 16)])
def test_the_file_says_what_the_actor_says_in_the_channels_units(hidden, spread):
    """OnnxPolicy.act = middle + half * actor.act, to 1e-5 of the range, for any batch, inside and outside the clip."""
    task = Lopsided()
    actor = actor_for(task, hidden=hidden, spread=spread)
    policy = OnnxPolicy(export(actor, task), task)
    middle, half = action_range(task.action)
    for n in (1, 7, 256):
        seen = torch.randn(n, 5, generator=torch.Generator().manual_seed(n)) * 20
        with torch.no_grad():
            expected = middle + half * actor.act(seen).numpy()
        assert np.max(np.abs(policy.act(seen.numpy()) - expected) / (2 * half)) < 1e-5
    corners = policy.act((1e6 * np.sign(np.random.default_rng(0).normal(size=(64, 5)))).astype(np.float32))
    assert np.all(corners >= task.action.low - 1e-6)
    assert np.all(corners <= task.action.high + 1e-6)


def test_the_file_names_its_channels_task_and_rate():
    """The metadata is the task's contract, with what else is told; another task's channels are refused."""
    task = Toy()
    data = export(actor_for(task), task, {"jangin.seed": "7"})
    meta = OnnxPolicy(data, task).metadata
    assert meta["jangin.task"] == "toy/point"
    assert float(meta["jangin.rate_hz"]) == 20.0
    assert meta["jangin.seed"] == "7"
    assert [c["name"] for c in json.loads(meta["jangin.observation"])] == list(task.observation.names)
    with pytest.raises(BadPolicy, match="made for other action channels"):
        OnnxPolicy(data, Lopsided())


def test_same_weights_same_bytes():
    """The file is a function of the weights and nothing else."""
    task = Toy()
    assert export(actor_for(task), task) == export(actor_for(task), task)


def test_the_file_is_checked_onnx_of_an_old_enough_opset():
    """ONNX's own checker accepts it, with shapes inferred strictly; the batch axis is free."""
    task = Toy()
    model = onnx.load_from_string(export(actor_for(task), task))
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 17
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
