"""Spaces of an environment as signals, and rows of signals as what a space takes.

    observation_signals("gym:CartPole-v1", env.observation_space)    # one channel a number, as Gymnasium flattens
    action_signals("gym:CartPole-v1", env.action_space)              # a channel for each choice, or each number
    action_taker(env.action_space)(row)                              # what env.step takes

Of a Discrete action space each choice is a channel and the largest is taken, the first of equals; so the zero action is
the first choice. A MultiDiscrete space is several such choices side by side, a MultiBinary one choices of two.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from jangin.errors import BadTask
from jangin.task import Array, Channel, Signals

__all__ = [
    "MOST_NUMBERS",
    "action_signals",
    "action_taker",
    "choices",
    "observation_signals",
    "observation_taker",
]

MOST_NUMBERS = 4096  # of an observation; more is a picture, and a channel each is no way to describe one


def observation_signals(task: str, space: Any) -> Signals:
    """A channel for each number of the flattened space; a Dict's are named by their keys, others `observation_K`.

    The ranges are what the space says; what the environment gives is not clipped to them.
    """
    parts = space.spaces.items() if _kind(space) == "Dict" else [("observation", space)]
    channels: list[Channel] = []
    for key, part in parts:
        low, high = _bounds(task, part)
        name = "".join(c if c.isalnum() else "_" for c in str(key))
        if len(channels) + len(low) > MOST_NUMBERS:
            raise BadTask(
                f"{task} observes {np.prod(part.shape):,} numbers and more; at most {MOST_NUMBERS:,} can be observed "
                f"here, so pictures cannot. Make it with an observation of numbers, if it has one."
            )
        channels += [
            Channel(f"{name}_{k}", "", "", float(a), float(b)) for k, (a, b) in enumerate(zip(low, high, strict=True))
        ]
    return Signals(tuple(channels))


def _bounds(task: str, space: Any) -> tuple[Array, Array]:
    """Ends of the flattened space's ranges, each (n,)."""
    from gymnasium.spaces import Box
    from gymnasium.spaces.utils import flatten_space

    try:
        flat = flatten_space(space)
    except NotImplementedError:
        flat = None
    if not isinstance(flat, Box):
        raise BadTask(
            f"{task} observes {_brief(space)}; a space of numbers of one size (Box, Discrete, MultiDiscrete, "
            f"MultiBinary, and Dict or Tuple of them) is what can be observed here."
        )
    return flat.low.astype(float), flat.high.astype(float)


def action_signals(task: str, space: Any) -> Signals:
    """A channel for each number of a Box, or for each choice; every channel has a finite range."""
    sizes = choices(space)
    if sizes:
        names = [f"choice_{k}" for k in range(sizes[0])] if len(sizes) == 1 else []
        names = names or [f"choice_{g}_{k}" for g, size in enumerate(sizes) for k in range(size)]
        return Signals(tuple(Channel(name, "", "", 0.0, 1.0) for name in names))
    if _kind(space) != "Box":
        raise BadTask(
            f"{task} acts in {_brief(space)}; Box, Discrete, MultiDiscrete and MultiBinary are what a policy can act "
            f"in here."
        )
    low, high = space.low.astype(float).ravel(), space.high.astype(float).ravel()
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise BadTask(
            f"{task} acts in {_brief(space)}, which has no bounds, so random actions cannot be tried. Register it with "
            f"gymnasium.wrappers.RescaleAction or another wrapper that gives every action a range."
        )
    pairs = enumerate(zip(low.tolist(), high.tolist(), strict=True))
    return Signals(tuple(Channel(f"action_{k}", "", "", a, b) for k, (a, b) in pairs))


def choices(space: Any) -> tuple[int, ...]:
    """How many choices each of a space's decisions has; () where it takes numbers."""
    kind = _kind(space)
    if kind == "Discrete":
        return (int(space.n),)
    if kind == "MultiDiscrete":
        return tuple(int(n) for n in np.ravel(space.nvec))
    return (2,) * int(np.prod(space.shape)) if kind == "MultiBinary" else ()


def action_taker(space: Any) -> Callable[[Array], Any]:
    """From a row (nact,) of action channels, numbers within their ranges, to what the space takes.

    A function made once for a space: there may be a million steps.
    """
    sizes, shape, dtype = choices(space), space.shape, space.dtype
    if not sizes:
        whole = dtype.kind in "iu"
        return lambda row: (np.rint(row) if whole else row).reshape(shape).astype(dtype)
    start = getattr(space, "start", 0)
    if _kind(space) == "Discrete":
        first = int(start)
        return lambda row: int(row.argmax()) + first
    ends = np.cumsum(sizes).tolist()
    parts = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    return lambda row: (np.reshape([row[part].argmax() for part in parts], shape) + start).astype(dtype)


def observation_taker(space: Any) -> Callable[[Any], Array]:
    """From what the environment observes to its numbers, (nobs,), in the order of `observation_signals`."""
    from gymnasium.spaces.utils import flatten

    return np.ravel if _kind(space) == "Box" else functools.partial(flatten, space)


def _kind(space: Any) -> str:
    return type(space).__name__


def _brief(space: Any) -> str:
    text = " ".join(str(space).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
