"""Whether trials come out the same: random blocks of trials, run again, compared bit for bit.

    rows = replayed(trials=1000, seed=0)                             # of the expert
    rows = replayed(trials=1000, seed=0, policy=onnx_bytes)          # of a learned policy

The blocks are drawn at random from the first million trials. They are run on all cores, then again on one thread, and
again in another process. Every value of every row is compared; a row's chip is a label and is not.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.rows import Row
from bench.speed import peg
from bench.steady import PURPOSE, expert_of
from jangin.engine.rollout import BLOCK, run_block
from jangin.policy import OnnxPolicy
from jangin.task import Array, Trials

__all__ = ["differing_values", "drawn_blocks", "played", "replayed"]

OF_TRIALS = 1_000_000


def drawn_blocks(trials: int, *, size: int, seed: int) -> list[int]:
    """Numbers of random blocks of `size` that hold `trials` trials in all."""
    rng = np.random.default_rng(seed)
    return sorted(rng.choice(OF_TRIALS // size, -(-trials // size), replace=False).tolist())


def played(blocks: Sequence[int], *, size: int, threads: int, seed: int, data: bytes | None = None) -> Trials:
    """Trials of the peg task in the evidence physics, block after block: an ONNX policy's, without one the expert's."""
    task = peg("evidence")
    policy = OnnxPolicy(data, task) if data is not None else expert_of(task)
    world = task.world(size, threads=threads, seed=seed, purpose=PURPOSE)
    return Trials.concat([run_block(task, world, policy, block * size, seed=seed) for block in blocks])


def differing_values(one: Trials, other: Trials) -> int:
    """How many values differ in their bits; columns that only one of them has count whole."""
    names = {*one.columns, *other.columns} - {"chip"}
    both = names & {*one.columns} & {*other.columns}
    return len(one) * (len(names) - len(both)) + sum(_differing(one[n], other[n]) for n in both)


def _differing(a: Array, b: Array) -> int:
    if a.shape != b.shape:
        return max(len(a), len(b))
    if a.dtype.kind == "f" and b.dtype == a.dtype:
        a, b = a.view(f"u{a.dtype.itemsize}"), b.view(f"u{b.dtype.itemsize}")
    return int(np.sum(a != b))


def replayed(*, trials: int, seed: int, size: int = BLOCK, policy: bytes | None = None) -> list[Row]:
    """One row per way to run them again."""
    blocks = drawn_blocks(trials, size=size, seed=seed)
    how: dict[str, Any] = {"size": size, "seed": seed, "data": policy}
    first = played(blocks, threads=2, **how).head(trials)
    single = played(blocks, threads=1, **how).head(trials)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        elsewhere = pool.apply(played, (blocks,), {"threads": 2, **how}).head(trials)
    who = "expert" if policy is None else "learned policy"
    return [
        _row(who, first, single, "1 thread", blocks),
        _row(who, first, elsewhere, "another process", blocks),
    ]


def _row(who: str, first: Trials, again: Trials, where: str, blocks: list[int]) -> Row:
    differing = differing_values(first, again)
    return Row(
        what=f"peg-insert, evidence: {len(first):,} random trials of the {who}, again",
        unit="values that differ",
        values=[differing],
        against=f"2 threads, then {where}",
        ratio=float(differing),
        target=0.0,
        less_is_better=True,
        timed=False,
        note=f"of {len(first) * (len(first.columns) - 1):,}",
        details={"blocks": blocks, "successes": first.successes},
    )
