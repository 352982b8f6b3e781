"""Policies that any task can be run with: an ONNX file, a Python callable, zero, random, and a blinded one.

    policy = OnnxPolicy(Path("policy.onnx").read_bytes(), task)   # refused when names, order or shapes differ

An ONNX policy has one float32 input `observation` (n, nobs) and one float32 output `action` (n, nact), the normaliser
and the action scaling inside, and `metadata_props` that name its channels (`jangin.observation`, `jangin.action`: JSON
lists of {name, unit, frame, low, high}), `jangin.task` and `jangin.rate_hz`. It is executed by ONNX Runtime on one
thread, so the same batch gives the same bits at any number of cores.
"""

from __future__ import annotations

import json
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
            self._session = ort.InferenceSession(data, options, providers=[provider])
        except Exception as e:  # ONNX Runtime raises its own many classes for a file it cannot read
            raise BadPolicy(f"{name} is not a policy that ONNX Runtime can load: {e}") from e
        # ONNX Runtime falls back to another provider without an error: look at what it really uses
        if self._session.get_providers()[0] != provider:
            raise BadPolicy(f"{name} asked for {provider} but would run on {self._session.get_providers()[0]}.")
        self.name = name
        self.provider = provider
        self.sha256 = sha256_of(data)
        self._nact = 0
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self._check_shape()
        if task is not None:
            self._check_task(task)

    def _check_shape(self) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        got = [i.name for i in inputs], [o.name for o in outputs]
        if len(inputs) != 1 or not outputs or "float" not in inputs[0].type or not inputs[0].shape:
            raise BadPolicy(
                f"{self.name} has inputs {got[0]} and outputs {got[1]}; a policy has one input of float32 numbers, "
                f"'observation', and an output 'action', or the first one."
            )
        wanted = next((o for o in outputs if o.name == "action"), outputs[0])
        self._input, self._output = inputs[0].name, wanted.name
        self._one_by_one = inputs[0].shape[0] == 1 and len(inputs[0].shape) > 1
        self.nobs = inputs[0].shape[-1]
        self._is_index = "int" in wanted.type  # which of several choices, instead of a score for each
        self.nact = None if self._is_index or len(wanted.shape) < 2 else wanted.shape[-1]

    def _check_task(self, task: Task) -> None:
        wanted = (len(task.observation), len(task.action))
        self._nact = wanted[1]
        got = tuple(n if isinstance(n, int) else w for n, w in zip((self.nobs, self.nact), wanted, strict=True))
        if got != wanted:
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

    def reset(self, ids: Array, trials: Array) -> None:
        """Nothing to forget: the graph has no state."""

    def act(self, seen: Array) -> Array:
        """(n, nobs) float32 -> (n, nact) float32."""
        seen = np.ascontiguousarray(seen, np.float32)
        rows = [seen[k : k + 1] for k in range(len(seen))] if self._one_by_one else [seen]
        answers = [np.asarray(self._session.run([self._output], {self._input: r})[0]) for r in rows]
        answer = np.concatenate(answers).reshape(len(seen), -1)
        return chosen(answer[:, 0], self._nact) if self._is_index else answer.astype(np.float32)


def chosen(index: Array, choices: int) -> Array:
    """Which of several choices, (n,), as a score for each, (n, choices) float32: 1 for the chosen one."""
    return np.asarray(np.arange(choices) == np.asarray(index).astype(int)[:, None], np.float32)


class CallablePolicy:
    """A function or an object of the user's own as a policy.

    A function maps observations (n, nobs) float32 to actions (n, nact), or to the index of a choice (n,); an object has
    `act` and may have `reset(ids, trials)` and `sees`; of a class an object is made with the task.

    Raises: BadPolicy when it is none of these, or what it returns has another shape.
    """

    def __init__(self, target: Any, task: Task, *, name: str, sha256: str | None) -> None:
        made = target(task) if isinstance(target, type) else target
        if not hasattr(made, "act") and not callable(made):
            raise BadPolicy(f"{name} is {type(made).__name__}, which cannot be called and has no method act.")
        self.name, self.sha256, self._nact = name, sha256, len(task.action)
        self.sees: Literal["observation", "privileged"] = getattr(made, "sees", "observation")
        self._act, self._reset = getattr(made, "act", made), getattr(made, "reset", None)

    def reset(self, ids: Array, trials: Array) -> None:
        """As the user's object does, where it has something to forget."""
        if self._reset is not None:
            self._reset(ids, trials)

    def act(self, seen: Array) -> Array:
        """(n, nobs) float32 -> (n, nact) float32."""
        answer = np.asarray(self._act(seen))
        if answer.shape == (len(seen),) and answer.dtype.kind in "iub":
            return chosen(answer, self._nact)
        if answer.shape != (len(seen), self._nact):
            raise BadPolicy(
                f"{self.name} answered with the shape {answer.shape} for {len(seen)} observations; "
                f"({len(seen)}, {self._nact}) was expected, or ({len(seen)},) whole numbers for a choice."
            )
        return answer.astype(np.float32)


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
