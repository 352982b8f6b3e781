"""From a torch actor to a policy.onnx: normaliser, tanh and action scaling inside, the channels named.

    data = export(actor, task, {"jangin.recipe": "sac"})
    OnnxPolicy(data, task).act(observations)          # equals the actor, in the action channels' units

The graph is written node by node: Sub, Mul, Clip, then Gemm and Elu per layer, Gemm, Tanh, Mul, Add. Same weights, same
bytes. Input `observation` (batch, nobs), output `action` (batch, nact), both float32, the batch axis free.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from jangin.learn.networks import Actor, action_range
from jangin.policy import describe_signals
from jangin.task import Array, Task

__all__ = ["export"]

OPSET, IR_VERSION = 17, 9  # of 2022 and 2023: any runtime a plant may have reads them


def export(actor: Actor, task: Task, more: Mapping[str, str] | None = None) -> bytes:
    """The deterministic policy of `actor` as an ONNX file's bytes; `more` goes into its metadata."""
    from onnx import checker, helper, numpy_helper

    middle, half = action_range(task.action)
    weights, chain = _chain(actor, middle, half)
    nodes, value = [], "observation"
    for k, (kind, inputs, attributes) in enumerate(chain):
        output = "action" if k == len(chain) - 1 else f"v{k}"
        nodes.append(helper.make_node(kind, [value, *inputs], [output], name=f"n{k}", **attributes))
        value = output
    ends = [
        helper.make_tensor_value_info(name, 1, ["batch", n])  # 1 is float32 in ONNX
        for name, n in (("observation", len(task.observation)), ("action", len(task.action)))
    ]
    constants = [numpy_helper.from_array(np.ascontiguousarray(a, np.float32), name) for name, a in weights.items()]
    graph = helper.make_graph(nodes, "policy", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="jangin")
    model.ir_version = IR_VERSION
    helper.set_model_props(model, {**_contract(task), **(more or {})})
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _contract(task: Task) -> dict[str, str]:
    return {
        "jangin.task": task.name,
        "jangin.rate_hz": repr(float(task.rate_hz)),
        "jangin.observation": json.dumps(describe_signals(task.observation)),
        "jangin.action": json.dumps(describe_signals(task.action)),
    }


def _chain(
    actor: Actor, middle: Array, half: Array
) -> tuple[dict[str, Array], list[tuple[str, list[str], dict[str, Any]]]]:
    """Constants by name, and the operations in order: (kind, constant inputs after the running value, attributes)."""
    normaliser = actor.normaliser
    constants = {"shift": _array(normaliser.shift), "scale": _array(normaliser.scale), "half": half, "middle": middle}
    constants |= {"least": np.array(-normaliser.clip), "most": np.array(normaliser.clip)}
    chain: list[tuple[str, list[str], dict[str, Any]]] = [
        ("Sub", ["shift"], {}),
        ("Mul", ["scale"], {}),
        ("Clip", ["least", "most"], {}),
    ]
    for k, layer in enumerate([*actor.body, actor.mean]):
        constants |= {f"w{k}": _array(layer.weight), f"b{k}": _array(layer.bias)}
        chain.append(("Gemm", [f"w{k}", f"b{k}"], {"transB": 1}))
        chain.append(("Elu", [], {}) if k < len(actor.body) else ("Tanh", [], {}))
    return constants, [*chain, ("Mul", ["half"], {}), ("Add", ["middle"], {})]


def _array(tensor: Any) -> Array:
    return np.asarray(tensor.detach().cpu().numpy())
