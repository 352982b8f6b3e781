"""Policies that any task can be run with: an ONNX file, Python of the user's own, zero, random, and a blinded one.

    policy = OnnxPolicy(Path("policy.onnx").read_bytes(), task)   # refused when names, order or shapes differ
    policy = CallablePolicy(balance, task, name="mine:balance", sha256=None)

An ONNX policy of ours has one float32 input `observation` (n, nobs) and one float32 output `action` (n, nact), the
normaliser and the action scaling inside, and `metadata_props` that name its channels (`jangin.observation`,
`jangin.action`: JSON lists of {name, unit, frame, low, high}), `jangin.task` and `jangin.rate_hz`. One of other makers
has any one input of floating-point numbers whose last dimension is the observation; its output `action`, or else the
first, is taken; one that takes a single observation is run row by row. ONNX files are executed by ONNX Runtime on one
thread, so the same batch gives the same bits at any number of cores.

A task may have decisions among choices instead of numbers (`choices`: how many channels vote for each decision). Then a
policy answers with a vote for every choice, or with the index of the one it takes.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from jangin.errors import BadPolicy
from jangin.streams import generator
from jangin.task import Array, Policy, Signals, Task, sha256_of

__all__ = ["Blind", "CallablePolicy", "OnnxPolicy", "Random", "Zero", "describe_signals"]


def describe_signals(signals: Signals) -> list[dict[str, Any]]:
    """The channels as plain values for a file: name, unit, frame, and the range ("-inf"/"inf" as text)."""

    def bound(x: float) -> float | str:
        return float(x) if np.isfinite(x) else repr(float(x))

    return [
        {"name": c.name, "unit": c.unit, "frame": c.frame, "low": bound(c.low), "high": bound(c.high)} for c in signals
    ]


class OnnxPolicy:
    """A policy from the bytes of an ONNX file, executed by ONNX Runtime on the provider asked for.

    Raises: BadPolicy when it is not an ONNX file, or its channels are not the task's, in the task's order.
    """

    sees: Literal["observation", "privileged"] = "observation"

    def __init__(
        self,
        data: bytes,
        task: Task | None = None,
        *,
        name: str = "policy.onnx",
        provider: str = "CPUExecutionProvider",
    ) -> None:
        self._session = _session(data, name, provider)
        self.name = name
        self.provider = provider
        self.sha256 = sha256_of(data)
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self._wanted: _Wanted | None = None
        self._check_shape()
        if task is not None:
            self._check_task(task)

    def _check_shape(self) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or not outputs or inputs[0].type not in _FLOATS or not 1 <= len(inputs[0].shape) <= 2:
            raise BadPolicy(
                f"{self.name} has the inputs {_signature(inputs)} and the outputs {_signature(outputs)}; a policy has "
                f"one input of floating-point numbers, (n, observations), and an output 'action', or the first one."
            )
        seen, done = inputs[0], next((o for o in outputs if o.name == "action"), outputs[0])
        batch = seen.shape[0] if len(seen.shape) == 2 else 1
        if isinstance(batch, int) and batch != 1:
            raise BadPolicy(
                f"{self.name} takes {batch} observations at a time, no more and no less; export it with a dynamic "
                f"first dimension, or with 1."
            )
        self._input, self._output, self._float = seen.name, done.name, _FLOATS[seen.type]
        self._row_by_row, self._bare = batch == 1, len(seen.shape) == 1
        self.nobs = seen.shape[-1]
        self.nact = done.shape[-1] if len(done.shape) == 2 or (self._bare and len(done.shape) == 1) else None

    def _check_task(self, task: Task) -> None:
        self._wanted = _Wanted.of(self.name, task)
        wanted = (len(task.observation), len(task.action))
        # an index has a dimension of its own, and a dimension with a name may be anything: those are seen when it runs
        fixed = self.nact if isinstance(self.nact, int) and not self._wanted.choices else wanted[1]
        if (self.nobs if isinstance(self.nobs, int) else wanted[0], fixed) != wanted:
            raise BadPolicy(
                f"{self.name} maps {self.nobs} numbers to {self.nact}; {task.name} has {wanted[0]} observations and "
                f"{wanted[1]} actions."
            )
        for key, signals in (("observation", task.observation), ("action", task.action)):
            text = self.metadata.get(f"jangin.{key}")
            if text is None:
                continue
            if json.loads(text) != describe_signals(signals):
                theirs = [c["name"] for c in json.loads(text)]
                differ = next(
                    (f"{a} where the task has {b}" for a, b in zip(theirs, signals.names, strict=False) if a != b), ""
                )
                raise BadPolicy(
                    f"{self.name} was made for other {key} channels than {task.name} has here"
                    f"{f' ({differ})' if differ else ' (same names, other units, frames or ranges)'}."
                )
        try:
            self.act(np.zeros((2, wanted[0]), np.float32))
        except BadPolicy:
            raise
        except Exception as e:  # ONNX Runtime raises its own many classes for a graph that it cannot run
            raise BadPolicy(f"{self.name} cannot be run on {wanted[0]} observations: {e}") from e

    def reset(self, ids: Array, trials: Array) -> None:
        """Nothing to forget: the graph has no state."""

    def act(self, seen: Array) -> Array:
        """(n, nobs) float32 -> (n, nact) float32."""
        seen = np.ascontiguousarray(seen, self._float)
        if self._row_by_row:
            rows = [self._run(row if self._bare else row[None]) for row in seen]
            answer = np.stack(rows) if self._bare else np.concatenate([np.atleast_1d(r) for r in rows])
        else:
            answer = self._run(seen)
        return np.asarray(answer, np.float32) if self._wanted is None else self._wanted.action(answer, len(seen))

    def _run(self, seen: Array) -> Array:
        return np.asarray(self._session.run([self._output], {self._input: seen})[0])


_FLOATS = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16}


def _session(data: bytes, name: str, provider: str) -> Any:
    """ONNX Runtime's session on one thread, on that provider and no other; raises BadPolicy."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if provider not in ort.get_available_providers():
        raise BadPolicy(
            f"The execution provider {provider!r} is not installed here; there is: "
            f"{', '.join(ort.get_available_providers())}."
        )
    try:
        session = ort.InferenceSession(data, options, providers=[provider])
    except Exception as e:  # ONNX Runtime raises its own many classes for a file it cannot read
        raise BadPolicy(f"{name} is not a policy that ONNX Runtime can load: {e}") from e
    # ONNX Runtime falls back to another provider without an error: look at what it really uses
    if session.get_providers()[0] != provider:
        raise BadPolicy(f"{name} asked for {provider} but would run on {session.get_providers()[0]}.")
    return session


def _signature(values: Sequence[Any]) -> str:
    """Inputs or outputs as "observation (n, 4) float"."""
    return ", ".join(f"{v.name} ({', '.join(map(str, v.shape))}) {v.type[7:-1]}" for v in values) or "none"


@dataclass(frozen=True)
class _Wanted:
    """What a policy's answer must be for a task, and the sentence where it is not."""

    policy: str
    task: str
    nact: int
    choices: tuple[int, ...]

    @classmethod
    def of(cls, policy: str, task: Task) -> _Wanted:
        """For this policy on this task."""
        return cls(policy, task.name, len(task.action), tuple(getattr(task, "choices", ())))

    def action(self, answer: Any, n: int) -> Array:
        """An answer to n observations as (n, nact) float32: itself, or a vote of 1 for each choice that it names."""
        try:
            given = np.asarray(answer)
        except ValueError:  # rows of different lengths
            given = np.asarray(None)
        if given.dtype.kind not in "biuf":
            raise BadPolicy(f"{self.policy} answered with {_brief(answer)}, not with an array of numbers.")
        many = len(self.choices)
        if many and (given.shape == (n, many) or (many == 1 and given.shape == (n,))):
            return self._votes(given.reshape(n, many))
        if given.shape == (n,) and self.nact == 1:
            given = given[:, None]
        if given.shape != (n, self.nact):
            index = f", or {(n, many) if many > 1 else (n,)} whole numbers" if many else ""
            raise BadPolicy(
                f"{self.policy} answered with the shape {given.shape} to {n} observations; {self.task} wants "
                f"{(n, self.nact)}{index}."
            )
        return given.astype(np.float32)

    def _votes(self, index: Array) -> Array:
        """Indices of choices (n, decisions) as votes (n, nact); NaN stays NaN."""
        sizes = np.array(self.choices)
        known = np.isfinite(index)
        wrong = known & ((index < 0) | (index >= sizes) | (index != np.floor(np.where(known, index, 0))))
        if wrong.any():
            row, group = np.argwhere(wrong)[0]
            raise BadPolicy(
                f"{self.policy} answered with the choice {index[row, group]}; {self.task} has the choices 0 to "
                f"{sizes[group] - 1}."
            )
        parts = [np.where(known[:, [g]], np.arange(k) == index[:, [g]], np.nan) for g, k in enumerate(sizes)]
        return np.concatenate(parts, axis=1).astype(np.float32)


def _brief(value: Any) -> str:
    text = " ".join(repr(value).split())
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"


class CallablePolicy:
    """A function or an object of the user's own as a policy.

    A function maps observations (n, nobs) float32 to actions (n, nact), or to the indices of choices, (n,) where the
    task is one decision. An object has the methods of `task.Policy`; of a class, one is made with the task.

    Raises: BadPolicy when it is none of these, or answers with something else.
    """

    def __init__(self, target: Any, task: Task, *, name: str, sha256: str | None) -> None:
        made = _made(target, task, name) if isinstance(target, type) else target
        lacks = [part for part in ("act", "reset") if not callable(getattr(made, part, None))]
        if lacks and not callable(made):
            raise BadPolicy(
                f"{name} is {_brief(made)}; a policy is a function of the observations, or has the methods act and "
                f"reset{' (it has no reset)' if lacks == ['reset'] else ''}."
            )
        self.name, self.sha256, self._wanted = name, sha256, _Wanted.of(name, task)
        self.sees: Literal["observation", "privileged"] = getattr(made, "sees", "observation")
        self._act: Callable[..., Any] = made if lacks else made.act
        self._reset: Callable[..., Any] | None = None if lacks else made.reset

    def reset(self, ids: Array, trials: Array) -> None:
        """As the user's object does; a function has nothing to forget."""
        if self._reset is not None:
            self._call(self._reset, ids, trials)

    def act(self, seen: Array) -> Array:
        """(n, nobs) float32 -> (n, nact) float32."""
        return self._wanted.action(self._call(self._act, seen), len(seen))

    def _call(self, function: Callable[..., Any], *given: Array) -> Any:
        try:
            return function(*given)
        except Exception as e:  # the user's code may raise anything; an error in it is shown with its file and line
            if e.__traceback__ is not None and e.__traceback__.tb_next is not None:
                raise
            # no frame but this one: it could not be called so, or is written in C and has no line to show
            shapes = ", ".join(str(g.shape) for g in given)
            raise BadPolicy(f"{self.name} cannot be called with arrays of the shape {shapes}: {e}.") from e


def _made(target: type, task: Task, name: str) -> Any:
    """An object of the user's class, made with the task."""
    try:
        inspect.signature(target).bind(task)
    except TypeError as e:
        raise BadPolicy(f"The class {name} cannot be made with the task: {e}. Write __init__(self, task).") from e
    except ValueError:  # a class written in C tells no signature
        pass
    return target(task)


class Zero:
    """The zero action, always: no task may be solved by it."""

    name = "zero"
    sees: Literal["observation", "privileged"] = "observation"

    def __init__(self, task: Task) -> None:
        self._nact = len(task.action)

    def reset(self, ids: Array, trials: Array) -> None:
        """Nothing to forget."""

    def act(self, seen: Array) -> Array:
        """(n, nobs) -> zeros (n, nact)."""
        return np.zeros((len(seen), self._nact), np.float32)


class Random:
    """Uniform actions over the whole range, drawn from the trial's own stream (purpose "random-policy")."""

    name = "random"
    sees: Literal["observation", "privileged"] = "observation"

    def __init__(self, task: Task, *, seed: int) -> None:
        self._task, self._seed = task.name, seed
        self._low, self._high = task.action.low, task.action.high
        self._rng: dict[int, np.random.Generator] = {}

    def reset(self, ids: Array, trials: Array) -> None:
        """Start each trial's stream."""
        for i, t in zip(ids, trials, strict=True):
            self._rng[int(i)] = generator(self._task, seed=self._seed, purpose="random-policy", trial=int(t))

    def act(self, seen: Array) -> Array:
        """(n, nobs) -> uniform (n, nact)."""
        u = np.stack([self._rng[i].random(len(self._low), np.float32) for i in range(len(seen))])
        return self._low + (self._high - self._low) * u


class Blind:
    """Another policy with one sense taken away: its channels read zero. How much of the success is that sense?"""

    sees: Literal["observation", "privileged"] = "observation"

    def __init__(self, policy: Policy, task: Task, sense: str = "touch") -> None:
        self._policy = policy
        self._mask = task.observation.of_sense(sense)
        self.name = f"{policy.name} without {sense}"

    def reset(self, ids: Array, trials: Array) -> None:
        """Forget as the wrapped policy does."""
        self._policy.reset(ids, trials)

    def act(self, seen: Array) -> Array:
        """As the wrapped policy, on a copy with the sense's channels at zero."""
        seen = seen.copy()
        seen[:, self._mask] = 0.0
        return self._policy.act(seen)
