"""Small true policies and finished run folders for the tests of ship, bundle and run, made without torch or qualify."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import onnx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from onnx import TensorProto, helper, numpy_helper

from jangin import bundle
from jangin.engine.rollout import rollout
from jangin.policy import OnnxPolicy, describe_signals
from jangin.record import RunFolder, sha256_file
from jangin.task import canonical_json, sha256_of, task_declaration
from toy import Toy

GAIN, SPEED = 0.8, 0.07
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def expected_action(seen: np.ndarray) -> np.ndarray:
    """What `linear_policy` computes, in closed form: clip(GAIN (goal - p), -SPEED, SPEED)."""
    return np.clip(np.float32(GAIN) * (seen[:, 2:4] - seen[:, :2]), -np.float32(SPEED), np.float32(SPEED))


def metadata(task) -> dict[str, str]:
    """What a policy of this task says of itself."""
    return {
        "jangin.task": task.name,
        "jangin.rate_hz": repr(float(task.rate_hz)),
        "jangin.observation": json.dumps(describe_signals(task.observation)),
        "jangin.action": json.dumps(describe_signals(task.action)),
    }


def linear_policy(task=None, /, *, kind="plain", nobs=5, **changed: str | None) -> bytes:
    """ONNX bytes of action = clip(GAIN (goal - p)); `changed` replaces metadata by name ("rate_hz"), None drops one.

    kind: "plain"; "nan" answers with NaN; "batch" mixes the rows of a batch; "one" accepts a batch of exactly 3.
    """
    weights = np.zeros((nobs, 2), np.float32)
    weights[[0, 1, 2, 3], [0, 1, 0, 1]] = -GAIN, -GAIN, GAIN, GAIN
    constants = {"w": weights, "low": np.float32(-SPEED), "high": np.float32(SPEED)}
    nodes = [helper.make_node("MatMul", ["observation", "w"], ["raw"])]
    if kind == "batch":
        constants["axis"] = np.array([0], np.int64)
        nodes.append(helper.make_node("ReduceMean", ["raw", "axis"], ["other"]))
    elif kind == "nan":
        nodes.append(helper.make_node("Sqrt", ["low"], ["other"]))
    else:
        constants["other"] = np.float32(0)
    nodes.append(helper.make_node("Clip", ["raw", "low", "high"], ["clipped"]))
    nodes.append(helper.make_node("Add", ["clipped", "other"], ["action"]))
    batch = 3 if kind == "one" else "n"
    graph = helper.make_graph(
        nodes,
        "policy",
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, [batch, nobs])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, [batch, 2])],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    says = metadata(task or Toy()) | {f"jangin.{k}": v for k, v in changed.items()}
    helper.set_model_props(model, {k: v for k, v in says.items() if v is not None})
    onnx.checker.check_model(model)
    return model.SerializeToString()


def finished_folder(path: Path, task=None, policy: bytes | None = None, *, verdict="QUALIFIED", seed=7) -> RunFolder:
    """A run folder as learn, qualify and the report leave it; the trials are real, the verdict is written by hand."""
    task = (task or Toy()).at("evidence")
    policy = linear_policy(task) if policy is None else policy
    folder = RunFolder.create(path)
    folder.write_bytes("policy.onnx", policy)
    folder.write_json("task.json", json.loads(canonical_json(task_declaration(task))))
    folder.write_text("evidence/plan.yaml", f"schema: jangin-plan/1\nseed: {seed}\nclaims: ['success >= 0.5 @ 0.95']\n")
    runs = OnnxPolicy(linear_policy(task), task)
    trials = rollout(task, runs, 64, seed=seed, purpose="evidence", size=64)
    trials = dataclasses.replace(trials, meta={**trials.meta, "purpose": "evidence"})
    folder.write_trials("evidence/trials.parquet", trials)
    folder.write_text("report.html", "<!doctype html><title>report</title>\n")
    claim = {"claim": "success >= 0.5 @ 0.95", "n": 64, "successes": 64, "bound": 0.92, "decision": "supported"}
    hashes = {
        "plan": sha256_file(folder / "evidence/plan.yaml"),
        "policy": sha256_of(policy),
        "task": sha256_of(task_declaration(task)),
        "trials": sha256_file(folder / "evidence/trials.parquet"),
    }
    record = {
        "schema": "jangin-verdict/1",
        "verdict": verdict,
        "sentence": f"{verdict}: written by hand for a test.",
        "trials": 64,
        "claims": [{**claim, "log_e_for": 5.0, "log_e_against": -9.0, "decided_at": 40}],
        "reasons": [],
        "hashes": hashes,
        "baselines": {},
    }
    folder.write_json("evidence/verdict.json", record)
    folder.seal()
    return folder


def unpacked(data: bytes) -> dict[str, bytes]:
    """A bundle's files by name, without its signature; read by the standard library, not by jangin."""
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as z:
        return {n: z.read(n) for n in z.namelist() if n != "signature.json"}


def resigned(data: bytes, *, manifest=None, key=KEY, **files: bytes) -> bytes:
    """The bundle with files replaced and `manifest(values)` applied, hashes kept true, signed anew by `key`.

    Keywords are file names with "__" for "/" and "_" before the suffix: golden__action_npy.
    """
    import yaml

    members = unpacked(data)
    values = yaml.safe_load(members.pop("bundle.yaml"))
    for name, content in files.items():
        path = ".".join(name.replace("__", "/").rsplit("_", 1))
        assert path in members, path
        members[path] = content
    values["files"] = {n: {"bytes": len(d), "sha256": sha256_of(d)} for n, d in members.items()}
    values["identity"]["policy_sha256"] = sha256_of(members["policy.onnx"])
    if manifest is not None:
        manifest(values)
    return bundle.encode({"bundle.yaml": yaml.safe_dump(values, sort_keys=False).encode(), **members}, key)
