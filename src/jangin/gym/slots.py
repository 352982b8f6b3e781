"""Environments side by side: in this process, or shared out over worker processes; the results do not depend on it.

    group = slots("CartPole-v1", {}, n=64, keys=("is_success",), workers=2)
    group.reset(ids, seeds, options, attributes)        # observations (k, nobs) float32
    group.step(ids, actions)                            # observations, rewards, terminated, truncated, infos (k, keys)
    group.close()

A slot is one environment that others wrote. Each trial begins with reset(seed=...), which is all that Gymnasium
promises to make it repeat; that it does is checked by running the first block of every evidence twice.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any, Protocol

import numpy as np

from jangin.errors import BadTask
from jangin.task import Array

__all__ = ["Slots", "make", "slots"]


class Slots(Protocol):
    """n environments, addressed by sorted unique ids."""

    def reset(self, ids: Array, seeds: Array, options: Sequence[Any], attributes: Sequence[Any]) -> Array: ...

    def step(self, ids: Array, actions: Array) -> tuple[Array, Array, Array, Array, Array]: ...

    def picture(self, sim: int) -> Array | None: ...

    def close(self) -> None: ...


def make(env: str, keywords: Mapping[str, Any]) -> Any:
    """The environment of an id, as "CartPole-v1" or "module:ENV-v0"; raises BadTask in one sentence."""
    import gymnasium

    try:
        return gymnasium.make(env, **keywords)
    except Exception as e:  # Gymnasium and every environment raise their own classes
        raise BadTask(f"gym:{env} cannot be made: {' '.join(str(e).split())}") from e


def slots(env: str, keywords: Mapping[str, Any], *, n: int, keys: Sequence[str], workers: int) -> Slots:
    """n environments on so many processes, all in this one for workers <= 1."""
    workers = min(workers, n)
    if workers <= 1:
        return _Here(env, keywords, n, tuple(keys))
    return _Shared(env, keywords, n, tuple(keys), workers)


class _Here:
    """Environments in this process, made when their slot is first used."""

    def __init__(self, env: str, keywords: Mapping[str, Any], n: int, keys: tuple[str, ...]) -> None:
        from gymnasium.spaces.utils import flatten

        self._env, self._keywords, self._keys, self._flatten = env, dict(keywords), keys, flatten
        self._envs: list[Any] = [None] * n

    def reset(self, ids: Array, seeds: Array, options: Sequence[Any], attributes: Sequence[Any]) -> Array:
        seen = []
        for i, seed, option, attribute in zip(ids.tolist(), seeds.tolist(), options, attributes, strict=True):
            if self._envs[i] is None:
                self._envs[i] = make(self._env, self._keywords)
            env = self._envs[i]
            for path, value in attribute.items():
                _set(env.unwrapped, path, value)
            observation, _ = env.reset(seed=seed, options=option or None)
            seen.append(self._flatten(env.observation_space, observation))
        return np.asarray(seen, np.float32)

    def step(self, ids: Array, actions: Array) -> tuple[Array, Array, Array, Array, Array]:
        seen, rewards, ended, cut, infos = [], [], [], [], []
        for i, action in zip(ids.tolist(), actions, strict=True):
            env = self._envs[i]
            observation, reward, terminated, truncated, info = env.step(_action(env.action_space, action))
            seen.append(self._flatten(env.observation_space, observation))
            rewards.append(float(reward))
            ended.append(bool(terminated))
            cut.append(bool(truncated))
            infos.append([_number(info.get(key)) for key in self._keys])
        shape = (len(ids), len(self._keys))
        return (
            np.asarray(seen, np.float32),
            np.asarray(rewards),
            np.asarray(ended, bool),
            np.asarray(cut, bool),
            np.asarray(infos, float).reshape(shape),
        )

    def picture(self, sim: int) -> Array | None:
        return None

    def close(self) -> None:
        for env in self._envs:
            if env is not None:
                with contextlib.suppress(Exception):  # an environment's close may fail as it likes; we are done with it
                    env.close()


def _set(at: Any, path: str, value: float) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        at = getattr(at, parent)
    if not hasattr(at, name):
        raise BadTask(f"The environment has no attribute {path!r}, which the mapping sets. Name one that it has.")
    setattr(at, name, value)


def _action(space: Any, action: Array) -> Any:
    """A row of our action channels as what the space takes: one of Discrete's choices, or numbers in its shape."""
    if hasattr(space, "n"):
        return int(np.argmax(action)) + int(space.start)
    return action.reshape(space.shape).astype(space.dtype)


def _number(value: Any) -> float:
    if value is None:
        return float("nan")
    try:
        return float(np.asarray(value).reshape(-1)[0])
    except (TypeError, ValueError, IndexError):
        return float("nan")


# ── in several processes ─────────────────────────────────────────────────────────────────────────────────────────


def _serve(pipe: Connection, env: str, keywords: Mapping[str, Any], n: int, keys: tuple[str, ...]) -> None:
    """A worker: does what it is told until the pipe closes; an error goes back as its sentence."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it closes the pipe
    here = _Here(env, keywords, n, keys)
    while True:
        try:
            name, arguments = pipe.recv()
        except (EOFError, OSError):
            break
        try:
            pipe.send((None, getattr(here, name)(*arguments)))
        except Exception as e:  # whatever an environment raises belongs to the parent
            pipe.send((f"{type(e).__name__}: {e}", None))
    here.close()


class _Shared:
    """Slots dealt out to workers in equal runs of ids."""

    def __init__(self, env: str, keywords: Mapping[str, Any], n: int, keys: tuple[str, ...], workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._env, self._edges = env, np.linspace(0, n, workers + 1).astype(int)
        self._pipes, self._workers = [], []
        for k in range(workers):
            ours, theirs = context.Pipe()
            size = int(self._edges[k + 1] - self._edges[k])
            worker = context.Process(target=_serve, args=(theirs, env, dict(keywords), size, keys), daemon=True)
            worker.start()
            theirs.close()
            self._pipes.append(ours)
            self._workers.append(worker)

    def reset(self, ids: Array, seeds: Array, options: Sequence[Any], attributes: Sequence[Any]) -> Array:
        def part(a: int, b: int) -> tuple[Any, ...]:
            return seeds[a:b], options[a:b], attributes[a:b]

        return np.concatenate(self._ask("reset", ids, part))

    def step(self, ids: Array, actions: Array) -> tuple[Array, Array, Array, Array, Array]:
        answers = self._ask("step", ids, lambda a, b: (actions[a:b],))
        seen, rewards, ended, cut, infos = (np.concatenate(parts) for parts in zip(*answers, strict=True))
        return seen, rewards, ended, cut, infos

    def _ask(self, name: str, ids: Array, part: Any) -> list[Any]:
        """Send every worker its share, then collect the answers, in the order of ids."""
        cuts = np.searchsorted(ids, self._edges)
        asked = []
        for k, pipe in enumerate(self._pipes):
            a, b = int(cuts[k]), int(cuts[k + 1])
            if a < b:
                self._send(k, pipe, (name, (ids[a:b] - self._edges[k], *part(a, b))))
                asked.append(k)
        return [self._receive(k) for k in asked]

    def _send(self, k: int, pipe: Connection, message: Any) -> None:
        try:
            pipe.send(message)
        except OSError:
            raise self._died(k) from None

    def _receive(self, k: int) -> Any:
        try:
            error, answer = self._pipes[k].recv()
        except (EOFError, OSError):
            raise self._died(k) from None
        if error is not None:
            raise BadTask(f"gym:{self._env} failed in a worker: {' '.join(error.split())}.")
        return answer

    def _died(self, k: int) -> BadTask:
        self._workers[k].join(1.0)
        return BadTask(
            f"A worker process of gym:{self._env} died (exit code {self._workers[k].exitcode}). "
            f"Try --threads 1, which runs everything in one process."
        )

    def picture(self, sim: int) -> Array | None:
        return None

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        for worker in self._workers:
            worker.join(2.0)
            if worker.is_alive():
                worker.terminate()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # the interpreter may be going down
            self.close()
