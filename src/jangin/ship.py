"""ship: a finished run folder becomes one signed bundle.

    bundle = ship(PegInsert(), RunFolder.open("runs/peg"), key=Path("signing.key"))
    bundle.path, bundle.signer        # runs/peg/peg-insert.bundle, the signer's fingerprint

Before anything is signed: every file of the folder is as its run left it, the verdict is of this very task and policy,
the policy names its channels as the task does, and the finished bundle is opened again. A verdict other than QUALIFIED
is refused unless told so explicitly, and then the bundle says so for ever.

Golden vectors go along: observations of the evidence's own trials and the policy's answers to them, one at a time as on
a machine. Whoever runs the bundle, on whatever chip, must get the same answers within the stated tolerance.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from jangin import __version__
from jangin.bundle import (
    GOLDEN,
    MANIFEST,
    NOT_A_SAFETY_FUNCTION,
    SCHEMA,
    decode,
    describe_channels,
    encode,
    metadata_misfit,
    misfit,
    pack_array,
)
from jangin.engine.rollout import run_block
from jangin.errors import BadFolder, BadPolicy, JanginError, Refused
from jangin.policy import OnnxPolicy
from jangin.record import RunFolder, sha256_file
from jangin.signing import signing_key
from jangin.task import Array, Bundle, Task, Trials, sha256_of, task_declaration

__all__ = ["golden", "ship"]

CARRIED = ("evidence/plan.yaml", "evidence/trials.parquet", "evidence/verdict.json", "policy.onnx", "task.json")
CARRIED_IF_THERE = ("evidence/baselines.parquet", "report.html")
CARRIED_QUIETLY = ("evidence/search.parquet", "evidence/junit.xml")  # not every qualification has them
HASHED = {  # names in verdict.json -> files
    "plan": "evidence/plan.yaml",
    "policy": "policy.onnx",
    "trials": "evidence/trials.parquet",
    "baselines": "evidence/baselines.parquet",
}
GOLDEN_SIMS, GOLDEN_ROWS, GOLDEN_EARLY = 32, 64, 16
TOLERANCE = 1e-4  # of an action's range: far above float32 rounding between chips, far below what a machine can feel


def ship(
    task: Task,
    folder: RunFolder,
    *,
    key: Path,
    name: str | None = None,
    version: str = "1",
    allow_unqualified: bool = False,
    created: datetime.datetime | None = None,
) -> Bundle:
    """Sign a finished run folder's policy, contract and evidence into `<folder>/<name>.bundle`.

    Args:
        task: the task the folder's policy was qualified for, with the same fields.
        folder: what qualify or deliver left; it is sealed again with the bundle in it.
        key: file of the user's ed25519 private key; a missing one is made, and the result's notes say so.
        name: letters, digits, dots and dashes; the folder's by default.
        version: the user's own version of it.
        allow_unqualified: ship a policy that has no QUALIFIED verdict.
        created: when it is said to have been made; now by default. The same folder, key and time give the same bytes.

    Raises: BadFolder (a file missing, changed, or a bundle of that name there), BadPolicy, Refused (not QUALIFIED,
    another task), JanginError (a name, version or key that cannot be used).
    """
    name = folder.path.resolve().name if name is None else name
    if wrong := misfit(name, "name", "The bundle's name") or misfit(version, "version", "The bundle's version"):
        raise JanginError(f"{wrong}. Give another one with --name or --version.")
    path = folder / f"{name}.bundle"
    if path.exists():
        raise BadFolder(f"{path} exists and is not replaced. Give another --name, or move it away first.")
    evidence = task.at("evidence")
    verdict = _verdict(folder, evidence, allow_unqualified=allow_unqualified)
    policy = OnnxPolicy((folder / "policy.onnx").read_bytes(), evidence, name=str(folder / "policy.onnx"))
    observation, action, tolerance = golden(evidence, policy, folder.read_trials("evidence/trials.parquet"))

    carried = [*CARRIED, *(n for n in (*CARRIED_IF_THERE, *CARRIED_QUIETLY) if folder.has(n))]
    members = {n: (folder / n).read_bytes() for n in carried}
    members |= dict(zip(GOLDEN, (pack_array(observation), pack_array(action)), strict=True))
    identity = _identity(evidence, policy, name, version, created or datetime.datetime.now(datetime.UTC))
    manifest = _manifest(evidence, verdict, identity, {"rows": len(observation), "tolerance": tolerance}, members)
    if differs := metadata_misfit(policy.metadata, manifest):
        raise BadPolicy(
            f"{policy.name} cannot be shipped for {evidence.name}: {differs}. Export it with `jangin learn`."
        )
    signing, made = signing_key(Path(key))
    text = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    data = encode({MANIFEST: text.encode(), **members}, signing)
    bundle = decode(data, path).bundle  # a bundle that would be refused is never written
    folder.write_bytes(path.name, data)
    folder.seal()
    return Bundle(path, bundle.manifest, bundle.sha256, bundle.signer, tuple(filter(None, [made, *_missing(folder)])))


def _missing(folder: RunFolder) -> list[str]:
    return [f"The folder has no {n}, so the bundle carries none." for n in CARRIED_IF_THERE if not folder.has(n)]


def _verdict(folder: RunFolder, task: Task, *, allow_unqualified: bool) -> dict[str, Any]:
    """The folder's verdict, once every file is as it was when it was given, and it is about this task."""
    for name in CARRIED:
        if not folder.has(name):
            raise BadFolder(f"{folder.path} has no {name}: there is nothing to ship yet. Run qualify on it first.")
    if folder.has("manifest.json"):
        folder.check()
    verdict: dict[str, Any] = folder.read_json("evidence/verdict.json")
    try:
        hashes, summary = dict(verdict["hashes"]), _summary(verdict)
        about = str(hashes["task"])
    except (KeyError, TypeError, ValueError) as e:
        raise BadFolder(f"{folder / 'evidence/verdict.json'} is not a verdict that this version reads: {e!r}.") from e
    for what, file in HASHED.items():
        if folder.has(file) and hashes.get(what) != sha256_file(folder / file):
            raise BadFolder(f"The verdict in {folder.path} is not about its {file}: the sha256 differs. Qualify again.")
    here = sha256_of(task_declaration(task))
    if about != here:
        raise Refused(
            f"The verdict in {folder.path} is about another {task.name} than the one given here (sha256 {about[:12]} "
            f"and {here[:12]}). Give the task the fields it was qualified with."
        )
    if summary["verdict"] != "QUALIFIED" and not allow_unqualified:
        raise Refused(
            f"The verdict in {folder.path} is {summary['verdict']}, so this policy is not shipped. Qualify it, or say "
            f"--allow-unqualified and the bundle will carry {summary['verdict']} for ever."
        )
    return summary


def _summary(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """What bundle.yaml repeats of a verdict, for a person to read."""
    keys = ("claim", "n", "successes", "bound", "decision")
    return {
        "verdict": verdict["verdict"],
        "sentence": verdict["sentence"],
        "trials": verdict["trials"],
        "claims": [{k: claim[k] for k in keys} for claim in verdict["claims"]],
    }


def golden(task: Task, policy: OnnxPolicy, trials: Trials) -> tuple[Array, Array, list[float]]:
    """Golden vectors: observations (rows, nobs) and actions (rows, nact), float32, and a tolerance per action channel.

    The observations are what the policy sees in the first trials of `trials` (same seed, same numbers): the first
    control step of 16 trials, then rows spread evenly over the rest. The answers are given one at a time.

    Raises: BadPolicy when the policy answers with something that is no number, or otherwise in a batch than alone.
    """
    if not len(trials) or not {"trial", "seed"} <= trials.columns.keys():
        raise BadFolder("evidence/trials.parquet holds no trials with a number and a seed. Run qualify again.")
    first, seed = int(trials["trial"][0]), int(trials["seed"][0])
    world = task.world(GOLDEN_SIMS, seed=seed, purpose=str(trials.meta.get("purpose", "evidence")))
    seen: list[Array] = []
    run_block(task, world, policy, first, seed=seed, on_step=lambda running, rows, _: seen.append(rows[running]))
    pool = np.concatenate(seen)
    pool = pool[np.isfinite(pool).all(axis=1)]
    if len(pool) > GOLDEN_ROWS:
        later = np.linspace(GOLDEN_EARLY, len(pool) - 1, GOLDEN_ROWS - GOLDEN_EARLY).round().astype(int)
        pool = pool[np.concatenate([np.arange(GOLDEN_EARLY), later])]
    action = np.concatenate([policy.act(row[None]) for row in pool])
    if not np.isfinite(action).all():
        raise BadPolicy(f"{policy.name} answers a recorded observation with something that is not a finite number.")
    span = np.array([c.high - c.low for c in task.action], float)
    span = np.where(np.isfinite(span), span, np.maximum(np.abs(action).max(axis=0), 1e-6))
    tolerance = TOLERANCE * span
    if not (np.abs(policy.act(pool) - action) <= tolerance).all():
        raise BadPolicy(
            f"{policy.name} answers otherwise in a batch of {len(pool)} than alone; its evidence says nothing here."
        )
    return pool, action, [float(t) for t in tolerance]


def _identity(task: Task, policy: OnnxPolicy, name: str, version: str, created: datetime.datetime) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "created": created.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "jangin": __version__,
        "task": task.name,
        "task_sha256": sha256_of(task_declaration(task)),
        "policy_sha256": policy.sha256,
        "robot": dict(task.model),
    }


def _manifest(
    task: Task,
    verdict: Mapping[str, Any],
    identity: Mapping[str, Any],
    golden_vectors: Mapping[str, Any],
    members: Mapping[str, bytes],
) -> dict[str, Any]:
    declared = task_declaration(task)
    period_ms = 1000.0 / task.rate_hz
    warnings = [
        NOT_A_SAFETY_FUNCTION,
        "The verdict holds for the listed conditions, in simulation. It says nothing of others, or of a real machine.",
    ]
    if verdict["verdict"] != "QUALIFIED":
        warnings.append(f"The verdict is {verdict['verdict']}: this policy was shipped without being qualified.")
    return {
        "schema": SCHEMA,
        "identity": dict(identity),
        # an action that is computed later than its period is over comes too late for it
        "timing": {"rate_hz": float(task.rate_hz), "period_ms": period_ms, "deadline_ms": period_ms},
        "io": {
            "inputs": [{"name": "observation", "dtype": "float32", "channels": describe_channels(task.observation)}],
            "outputs": [{"name": "action", "dtype": "float32", "channels": describe_channels(task.action)}],
        },
        "conditions": [{k: c[k] for k in ("name", "unit", "doc", "distribution")} for c in declared["conditions"]],
        "limits": declared["limits"],
        "verdict": dict(verdict),
        "golden": dict(golden_vectors),
        "files": {n: {"bytes": len(d), "sha256": sha256_of(d)} for n, d in sorted(members.items())},
        "warnings": warnings,
    }
