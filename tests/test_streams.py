"""A trial's randomness depends on (task, seed, purpose, trial) and on nothing else."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from conftest import environment
from jangin.streams import generator, key

FAMILY = {"seed": 7, "purpose": "evidence"}
PINNED = {
    0: [0.469301080167818, 0.4799788194865767, 0.9677145284934079],
    1234: [0.3836951568370427, 0.46673431077322725, 0.5795061251099575],
}


def draws(trial: int, n: int = 8, task: str = "cell/peg-insert", **family) -> np.ndarray:
    return generator(task, trial=trial, **(FAMILY | family)).random(n)


def test_the_bits_are_pinned():
    """A published verdict must replay for ever: these numbers may never change."""
    for trial, expected in PINNED.items():
        assert draws(trial, 3).tolist() == expected


def test_same_trial_same_bits_in_any_order():
    """Trial t draws the same numbers whether it comes first, last or alone."""
    forward = {t: draws(t) for t in range(50)}
    backward = {t: draws(t) for t in reversed(range(50))}
    for t in range(50):
        np.testing.assert_array_equal(forward[t], backward[t])


def test_same_bits_in_another_process():
    """Nothing of the process (hash seed, import order) enters the stream."""
    code = (
        "from jangin.streams import generator;"
        "print(generator('cell/peg-insert', seed=7, purpose='evidence', trial=3).random(4).tobytes().hex())"
    )
    got = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=environment() | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1")
    }
    assert got == {draws(3, 4).tobytes().hex()}


@pytest.mark.parametrize("change", [{"seed": 8}, {"purpose": "simulate"}, {"task": "cell/reach"}])
def test_another_family_is_another_stream(change):
    """Changing task, seed or purpose changes every draw."""
    assert not np.intersect1d(draws(5, 64), draws(5, 64, **change)).size


def test_trials_own_disjoint_counters():
    """Trial t owns the counters whose top word is t, 2**192 of them: no other trial can arrive there."""
    words = generator("a", seed=0, purpose="p", trial=9).bit_generator.state["state"]["counter"]
    np.testing.assert_array_equal(words, np.array([0, 0, 0, 9], np.uint64))
    rng = generator("a", seed=0, purpose="p", trial=9)
    rng.random(100_003)
    words = rng.bit_generator.state["state"]["counter"]
    assert words[3] == 9
    assert words[1:3].tolist() == [0, 0]


def test_neighbouring_trials_look_independent():
    """First draws of consecutive trials are uniform and uncorrelated (bounds at six standard errors)."""
    n = 4000
    u = np.array([draws(t, 2) for t in range(n)])
    assert abs(u.mean(0) - 0.5).max() < 6 * np.sqrt(1 / 12 / n)
    for a, b in ((u[:-1, 0], u[1:, 0]), (u[:, 0], u[:, 1])):
        assert abs(np.corrcoef(a, b)[0, 1]) < 6 / np.sqrt(n)


def test_the_key_is_the_hash_of_the_three_names():
    """The key is the first 16 bytes of sha256(task US seed US purpose) as little-endian words."""
    digest = hashlib.sha256(b"cell/reach\x1f11\x1flearn").digest()
    got = key("cell/reach", seed=11, purpose="learn")
    assert got.dtype == np.uint64
    assert got.tolist() == [int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little")]


def test_names_cannot_run_into_each_other():
    """("a", 1) and ("a1", "") differ: the parts are separated by a character no name has."""
    assert key("a", seed=1, purpose="1").tolist() != key("a", seed=11, purpose="").tolist()
    assert key("a", seed=1, purpose="b").tolist() != key("a1", seed=1, purpose="b").tolist()


def test_a_numpy_seed_is_the_same_seed():
    """seed=7 and seed=np.int64(7) name the same stream."""
    np.testing.assert_array_equal(draws(3), draws(3, seed=np.int64(7)))
