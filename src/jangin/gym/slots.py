"""Environments side by side: in this process, or shared out over worker processes; the results do not depend on it.

    group = slots("CartPole-v1", {}, n=64, info=(("is_success",),), workers=2)
    group.reset(ids, [Start(seed=1, options={}, attributes={}, make={}), ...])     # observations (k, nobs) float32
    group.step(ids, actions)                                                       # a Stepped, k rows each
    group.close()

A slot is one environment that others wrote; it is made when first used. Each trial begins with reset(seed=...), which
is all that Gymnasium promises to make it repeat; that it does is checked by running the first block of every evidence
twice. A worker is a Python of its own that was not forked, with a pipe; when the pipe closes, it ends.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import socket
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Protocol

import numpy as np

from jangin.errors import BadTask
from jangin.gym.spaces import action_taker, observation_taker
from jangin.task import Array

__all__ = [
    "MODULES",
    "InfoPath",
    "Raised",
    "Slots",
    "Start",
    "Stepped",
    "make",
    "number_at",
    "serve",
    "set_at",
    "slots",
]

InfoPath = tuple[str | int, ...]  # keys into info, and last perhaps a place in an array

# modules that register environments, by environment: those that the user named, for workers to import too
MODULES: dict[str, str] = {}


@dataclass(frozen=True)
class Start:
    """What a trial begins with: reset's seed and options, attributes set before it, words of make (then made anew)."""

    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, float] = field(default_factory=dict)
    make: Mapping[str, float] | None = None  # None: the environment of the trial before is used again


@dataclass(frozen=True)
class Stepped:
    """One step of k environments: `seen` (k, nobs) float32, `reward` (k,), `ended` and `cut` (k,) bool, `info` (k, m),
    NaN where a number was not given."""

    seen: Array
    reward: Array
    ended: Array
    cut: Array
    info: Array


class Raised(Exception):
    """An environment raised; `slot` is which, `what` says what and in which file and line."""

    def __init__(self, slot: int, what: str) -> None:
        super().__init__(slot, what)
        self.slot, self.what = slot, what


class Slots(Protocol):
    """n environments, addressed by sorted unique ids."""

    def reset(self, ids: Array, starts: Sequence[Start]) -> Array:
        """Begin anew; observations (k, nobs) float32. Raises: Raised, BadTask."""
        ...

    def step(self, ids: Array, actions: Array) -> Stepped:
        """One step with actions (k, nact). Raises: Raised, BadTask."""
        ...

    def close(self) -> None:
        """End all environments."""
        ...


def make(env: str, keywords: Mapping[str, Any]) -> Any:
    """The environment of a registered id; raises BadTask in one sentence."""
    import gymnasium

    try:
        return gymnasium.make(env, **{"disable_env_checker": True, **keywords})
    except Exception as e:  # Gymnasium and every environment raise their own classes
        what = " ".join(str(e).split()) or place_of(e)
        raise BadTask(f"gym:{env} cannot be made: {type(e).__name__}: {what}") from e


def slots(env: str, keywords: Mapping[str, Any], *, n: int, info: Sequence[InfoPath], workers: int) -> Slots:
    """n environments in so many processes, all in this one for workers <= 1."""
    workers = min(workers, n)
    if workers <= 1:
        return _Here(env, keywords, n, tuple(info))
    return _Shared(env, keywords, n, tuple(info), workers)


def place_of(error: BaseException) -> str:
    """What was raised and where, as "ValueError: ..., in file.py, line 12"."""
    steps = traceback.extract_tb(error.__traceback__)
    where = f" in {steps[-1].filename}, line {steps[-1].lineno}" if steps else ""
    return " ".join(f"{type(error).__name__}: {error}".split()) + where


class _Here:
    """Environments in this process."""

    def __init__(self, env: str, keywords: Mapping[str, Any], n: int, info: tuple[InfoPath, ...]) -> None:
        self._env, self._keywords, self._info = env, dict(keywords), info
        self._envs: list[Any] = [None] * n
        self._numbers: Callable[[Any], Array]
        self._action: Callable[[Array], Any]

    def reset(self, ids: Array, starts: Sequence[Start]) -> Array:
        """Begin episodes; the first observations, a row each."""
        seen = []
        for i, start in zip(ids.tolist(), starts, strict=True):
            if self._envs[i] is not None and start.make is not None:
                self._envs[i].close()
                self._envs[i] = None
            if self._envs[i] is None:
                self._envs[i] = env = make(self._env, {**self._keywords, **(start.make or {})})
                self._numbers = observation_taker(env.observation_space)
                self._action = action_taker(env.action_space)
            env = self._envs[i]
            try:
                for path, value in start.attributes.items():
                    set_at(env.unwrapped, path, value)
                observation, _ = env.reset(seed=start.seed, options=dict(start.options) or None)
            except BadTask:
                raise
            except Exception as e:  # an environment may raise anything; the world says in which trial
                raise Raised(i, place_of(e)) from e
            seen.append(self._numbers(observation))
        return np.asarray(seen, np.float32)

    def step(self, ids: Array, actions: Array) -> Stepped:
        """One period of each of `ids`, in this process, one after another."""
        seen, reward, ended, cut = [], [], [], []
        info = np.full((len(ids), len(self._info)), np.nan)
        for k, i in enumerate(ids.tolist()):
            env = self._envs[i]
            try:
                observation, r, terminated, truncated, told = env.step(self._action(actions[k]))
                seen.append(self._numbers(observation))
                reward.append(float(r))
                ended.append(bool(terminated))
                cut.append(bool(truncated))
            except Exception as e:  # an environment may raise anything; the world says in which trial
                raise Raised(i, place_of(e)) from e
            for m, path in enumerate(self._info):
                info[k, m] = number_at(told, path)
        return Stepped(np.asarray(seen, np.float32), np.asarray(reward), np.array(ended), np.array(cut), info)

    def close(self) -> None:
        for env in self._envs:
            if env is not None:
                with contextlib.suppress(Exception):  # an environment's close may fail as it likes; we are done with it
                    env.close()
        self._envs = [None] * len(self._envs)


def set_at(env: Any, path: str, value: float) -> None:
    """Set an attribute, as `gravity`, `model.opt.timestep` or `model.body_mass.3`; raises BadTask."""
    at, name, place = _attribute(env, path)
    old = getattr(at, name) if place is None else getattr(at, name)[place]
    if isinstance(old, (bool, np.bool_)) or not np.isscalar(old) or isinstance(old, (str, bytes)):
        raise BadTask(f"The environment's attribute {path!r} is {type(old).__name__}, not a number to be set.")
    whole = isinstance(old, (int, np.integer)) and float(value).is_integer()
    new = int(value) if whole else float(value)
    if place is None:
        setattr(at, name, new)
    else:
        getattr(at, name)[place] = new


def value_at(env: Any, path: str) -> float:
    """The number at an attribute's path."""
    at, name, place = _attribute(env, path)
    return float(getattr(at, name) if place is None else getattr(at, name)[place])


def _attribute(env: Any, path: str) -> tuple[Any, str, int | None]:
    """The object, its attribute's name and the place in it; raises BadTask where there is none."""
    *parents, name = path.split(".")
    place = ""
    if name.isdigit():
        place, name = name, parents.pop()
    at = env
    for parent in parents:
        at = getattr(at, parent, None)
    if not hasattr(at, name):
        numbers = [n for n, v in getattr(env, "__dict__", {}).items() if isinstance(v, (int, float)) and n[0] != "_"]
        raise BadTask(
            f"The environment has no attribute {path!r} for the mapping's condition. Numbers of its own are: "
            f"{', '.join(sorted(numbers)) or 'none'}."
        )
    if place and int(place) >= np.size(getattr(at, name)):
        raise BadTask(f"The environment's attribute {path!r} has only {np.size(getattr(at, name))} numbers.")
    return at, name, int(place) if place else None


def number_at(info: Any, path: InfoPath) -> float:
    """The number at a path into info; NaN where there is none."""
    at = info
    for part in path:
        if isinstance(part, int):
            flat = np.ravel(at)
            if part >= flat.size:
                return float("nan")
            at = flat[part]
        else:
            at = at.get(part) if isinstance(at, Mapping) else None
            if at is None:
                return float("nan")
    try:
        return float(at)
    except (TypeError, ValueError):
        return float("nan")


# ── in several processes ─────────────────────────────────────────────────────────────────────────────────────────


def serve(file: int) -> None:
    """A worker's life on the pipe with this number: make slots, do what is told, end when the pipe closes."""
    warnings.simplefilter("ignore")  # as the command line does: they are about a library's insides
    pipe = Connection(file)
    here: _Here | None = None
    with contextlib.suppress(EOFError, OSError):  # the parent is gone
        while True:
            name, arguments = pipe.recv()
            try:
                if name == "begin":
                    *made, module = arguments
                    if module:
                        importlib.import_module(module)
                    here = _Here(*made)
                    answer: Any = None
                else:
                    answer = getattr(here, name)(*arguments)
            except Raised as e:
                pipe.send(("raised", e.slot, e.what))
            except BadTask as e:
                pipe.send(("refused", 0, str(e)))
            except Exception as e:  # whatever a package's import raises belongs to the parent
                pipe.send(("refused", 0, f"A worker process of it failed: {place_of(e)}."))
            else:
                pipe.send(("done", 0, answer))
    if here is not None:
        here.close()


class _Shared:
    """Slots dealt out to workers in equal runs of ids."""

    def __init__(self, env: str, keywords: Mapping[str, Any], n: int, info: tuple[InfoPath, ...], workers: int) -> None:
        self._env, self._edges = env, np.linspace(0, n, workers + 1).astype(int)
        self._pipes: list[Connection] = []
        self._workers: list[subprocess.Popen[bytes]] = []
        for k in range(workers):
            pipe, worker = _start_worker()
            self._pipes.append(pipe)
            self._workers.append(worker)
            size = int(self._edges[k + 1] - self._edges[k])
            self._send(k, ("begin", (env, dict(keywords), size, info, MODULES.get(env, ""))))
        for k in range(workers):
            self._receive(k)

    def reset(self, ids: Array, starts: Sequence[Start]) -> Array:
        return np.concatenate(self._ask("reset", ids, lambda a, b: starts[a:b]))

    def step(self, ids: Array, actions: Array) -> Stepped:
        parts = self._ask("step", ids, lambda a, b: actions[a:b])
        names = Stepped.__dataclass_fields__
        return Stepped(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})

    def _ask(self, name: str, ids: Array, share: Callable[[int, int], Any]) -> list[Any]:
        """Send every worker its share, then collect the answers, in the order of ids."""
        cuts = np.searchsorted(ids, self._edges)
        shares = [(k, int(a), int(b)) for k, (a, b) in enumerate(itertools.pairwise(cuts)) if a < b]
        for k, a, b in shares:
            self._send(k, (name, (ids[a:b] - self._edges[k], share(a, b))))
        return [self._receive(k) for k, _, _ in shares]

    def _send(self, k: int, message: Any) -> None:
        try:
            self._pipes[k].send(message)
        except OSError:
            raise self._died(k) from None

    def _receive(self, k: int) -> Any:
        try:
            word, slot, answer = self._pipes[k].recv()
        except (EOFError, OSError):
            raise self._died(k) from None
        if word == "raised":
            raise Raised(int(self._edges[k]) + slot, answer)
        if word == "refused":
            raise BadTask(answer)
        return answer

    def _died(self, k: int) -> BadTask:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._workers[k].wait(1.0)
        code = self._workers[k].returncode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return BadTask(
            f"A worker process of gym:{self._env} died ({how}): the environment crashed it, or memory ran out. "
            f"--threads 1 runs everything in one process, a smaller --block fewer environments at a time."
        )

    def close(self) -> None:
        """End the worker processes."""
        for pipe in self._pipes:
            pipe.close()
        for worker in self._workers:
            try:
                worker.wait(2.0)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def _start_worker() -> tuple[Connection, subprocess.Popen[bytes]]:
    """A Python that serves a pipe, with this one's module path and a process group of its own, so that Ctrl-C in a
    terminal is the parent's alone; it imports nothing of the program that called us."""
    ours, theirs = socket.socketpair()
    program = f"import sys; sys.path[:] = {sys.path!r}; from jangin.gym.slots import serve; serve({theirs.fileno()})"
    worker = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        process_group=0,
    )
    theirs.close()
    return Connection(ours.detach()), worker
