"""Checkpoints: everything comes back, nothing is executed, damage has a sentence."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
import torch

from jangin.errors import BadFolder
from jangin.learn.checkpoint import pack, tensors, unpack


def test_everything_comes_back():
    """Nested dictionaries with text and integer keys, lists, arrays, tensors, bytes, numbers, text, None."""
    state = {
        "net": {"w": torch.arange(6.0).reshape(2, 3), "n": np.array([1, 2])},
        "adam": {"state": {0: {"step": torch.tensor(3.0)}, 1: {}}, "param_groups": [{"betas": (0.9, 0.999)}]},
        "best": [(0.5, 10, b"\x00\xff")],
        "plain": [1, 2.5, "text", True, None, float("inf")],
    }
    back = unpack(pack(state))
    assert np.array_equal(back["net"]["w"], state["net"]["w"].numpy())
    assert back["net"]["n"].dtype == np.int64
    assert back["adam"]["state"][0]["step"] == 3.0
    assert back["adam"]["state"][1] == {}
    assert back["adam"]["param_groups"] == [{"betas": [0.9, 0.999]}]
    assert back["best"] == [[0.5, 10, b"\x00\xff"]]
    assert back["plain"] == state["plain"]
    assert torch.equal(tensors(back["net"])["w"], state["net"]["w"])


def test_an_optimiser_goes_on_to_the_bit():
    """Adam restored from a checkpoint takes the very same step."""

    def made():
        w = torch.nn.Parameter(torch.ones(3))
        return w, torch.optim.Adam([w], 0.1, fused=True)

    def descend(w, adam):
        adam.zero_grad()
        (w**2 * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
        adam.step()

    w, adam = made()
    descend(w, adam)
    saved = unpack(pack({"w": w, "adam": adam.state_dict()}))
    other, other_adam = made()
    other.data.copy_(torch.from_numpy(saved["w"]))
    other_adam.load_state_dict(tensors(saved)["adam"])
    descend(w, adam)
    descend(other, other_adam)
    assert torch.equal(w, other)


def test_the_same_state_gives_the_same_bytes():
    """No clock, no address."""
    state = {"a": torch.ones(2), "b": [1, b"x"]}
    assert pack(state) == pack(state)


def _evil() -> bytes:
    file = io.BytesIO()
    np.savez(file, tree=np.array([{"a": 1}], dtype=object))
    return file.getvalue()


@pytest.mark.parametrize(
    "data", [b"", b"no zip", pack({"a": torch.ones(5)})[:-30], pickle.dumps({"a": 1}), _evil()], ids=range(5)
)
def test_what_is_no_checkpoint_gets_a_sentence(data):
    """Cut off, foreign or pickled bytes are refused, never executed."""
    with pytest.raises(BadFolder, match=r"checkpoint\.npz is not a whole checkpoint"):
        unpack(data)
