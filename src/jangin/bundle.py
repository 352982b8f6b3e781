"""The bundle: one signed file that carries a policy, its contract and its evidence, and refuses anything else.

    data = encode({"bundle.yaml": ..., "policy.onnx": ..., ...}, key)    # adds signature.json
    opened = read("peg-insert.bundle", trust="1f6a...")                  # Opened, or Refused with one sentence
    opened.manifest["identity"]["task"], opened.members["policy.onnx"]

Promises
    One content, one file. A bundle is a zip that any tool opens, but its members are stored, sorted and given fixed
    headers: the same content and key are the same bytes everywhere, and a file with any other byte in it is refused.
    Reading executes nothing and writes nothing: no pickle, no import by name, no YAML tags or aliases, and no path is
    ever made from a member's name. Members are not compressed, so a bundle is never larger than its file.
    The signature (ed25519) covers the sha256 of every other file. `bundle.yaml` is strict: an unknown or a missing key
    is refused (`bundle.schema.json`).

Whether the policy answers as it did, and fits this machine, is for `run.player` to check. A signature says who signed,
not that what they signed is good: give `trust` wherever it matters. docs/bundle.md describes the format.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jangin import schema
from jangin.errors import Refused
from jangin.signing import signed, trusted_fingerprint, verified
from jangin.task import Array, Bundle, Signals, canonical_json, sha256_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = [
    "GOLDEN",
    "MANIFEST",
    "NOT_A_SAFETY_FUNCTION",
    "SCHEMA",
    "Opened",
    "check_manifest",
    "decode",
    "describe_channels",
    "encode",
    "first_difference",
    "metadata_misfit",
    "misfit",
    "pack_array",
    "read",
    "unpack_array",
]

SCHEMA = "jangin-bundle/1"
_SCHEMA_FILE = "bundle.schema.json"
MANIFEST, SIGNATURE = "bundle.yaml", "signature.json"
GOLDEN = ("golden/observation.npy", "golden/action.npy")
MAX_BYTES = 512 << 20  # of a whole bundle; read into memory once
NOT_A_SAFETY_FUNCTION = (
    "This policy is not a safety function: the machine's safety controller stays in charge, whatever the verdict says."
)


@dataclass(frozen=True)
class Opened:
    """A bundle whose signature, hashes and manifest have been checked.

    Attributes:
        bundle: path, manifest, sha256 of the file, fingerprint of the signer.
        members: every file in it by name; nothing is on disk.
        pinned: whether the signer was the one that `trust` asked for; False when nobody asked.
    """

    bundle: Bundle
    members: Mapping[str, bytes]
    pinned: bool

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The parsed `bundle.yaml`."""
        return self.bundle.manifest


# ── whole bundles ────────────────────────────────────────────────────────────────────────────────────────────────


def encode(members: Mapping[str, bytes], key: Ed25519PrivateKey) -> bytes:
    """The bytes of a bundle: `members` (with bundle.yaml, without a signature) signed by `key`."""
    assert members.keys() & {MANIFEST, SIGNATURE} == {MANIFEST}, sorted(members)
    signature = signed({name: sha256_of(data) for name, data in members.items()}, key)
    return _pack({**members, SIGNATURE: _signature_bytes(signature)})


def read(path: str | Path, *, trust: str | Path | None = None) -> Opened:
    """Open a bundle and check it; `trust` is the signer's fingerprint or the file of their public key.

    Raises: Refused, with one sentence, when anything at all is not as it was signed.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Refused(f"{path} has {size} bytes; a bundle has at most {MAX_BYTES}. It is not a bundle jangin made.")
        data = path.read_bytes()
    except FileNotFoundError:
        raise Refused(f"There is no bundle {path}. `jangin ship` makes one from a qualified run folder.") from None
    except OSError as e:
        raise Refused(f"Cannot read the bundle {path}: {e.strerror or e}.") from e
    return decode(data, path, trust=trust)


def decode(data: bytes, path: Path, *, trust: str | Path | None = None) -> Opened:
    """As `read`, from bytes; `path` is only for messages and the result."""
    wanted = None if trust is None else trusted_fingerprint(trust)
    members = _unpack(data, path)
    signer = _check_signature(members, path)
    if wanted is not None and signer != wanted:
        raise Refused(f"{path} was signed by {signer}, and the trusted signer is {wanted}. Ask them for one.")
    _check_container(data, members, path)
    manifest = check_manifest(members[MANIFEST], path)
    _check_agreement(manifest, members, path)
    return Opened(Bundle(path, manifest, sha256_of(data), signer), members, wanted is not None)


def check_manifest(data: bytes, path: Path) -> dict[str, Any]:
    """Parse `bundle.yaml` strictly; raises Refused naming the key that is unknown, missing or of a wrong kind."""
    try:
        manifest = schema.parse_yaml(data)
    except ValueError as e:
        raise Refused(f"The {MANIFEST} of {path} is not strict YAML: {e}.") from e
    wrong = schema.misfit(manifest, schema.schema(_SCHEMA_FILE), MANIFEST)
    if wrong:
        raise Refused(f"{path} is not a {SCHEMA} that this version reads: {wrong}.")
    assert isinstance(manifest, dict)
    return manifest


def _check_agreement(manifest: Mapping[str, Any], members: Mapping[str, bytes], path: Path) -> None:
    """What the manifest says twice must be the same twice."""
    listed = {name: (entry["bytes"], entry["sha256"]) for name, entry in manifest["files"].items()}
    found = {n: (len(d), sha256_of(d)) for n, d in members.items() if n not in (MANIFEST, SIGNATURE)}
    if differs := sorted(n for n in listed.keys() | found.keys() if listed.get(n) != found.get(n)):
        raise Refused(f"{path} contradicts itself: {MANIFEST} and the file {differs[0]} do not agree.")
    timing, outputs = manifest["timing"], manifest["io"]["outputs"][0]["channels"]
    names = [[c["name"] for c in manifest["io"][k][0]["channels"]] for k in ("inputs", "outputs")]
    ranges = [c["range"] for k in ("inputs", "outputs") for c in manifest["io"][k][0]["channels"]]
    try:
        verdict = json.loads(members["evidence/verdict.json"])["verdict"]
    except (ValueError, KeyError, TypeError, RecursionError):
        verdict = None
    agree = {
        "identity.policy_sha256": manifest["identity"]["policy_sha256"] == listed["policy.onnx"][1],
        "timing.period_ms": abs(timing["period_ms"] * timing["rate_hz"] / 1000.0 - 1.0) < 1e-9,
        "io (a channel's name comes twice)": all(len(n) == len(set(n)) for n in names),
        "io (a range is empty)": all(float(low) < float(high) for low, high in ranges),
        "golden.tolerance": len(manifest["golden"]["tolerance"]) == len(outputs),
        "verdict.verdict": verdict == manifest["verdict"]["verdict"],
    }
    for where, fine in agree.items():
        if not fine:
            raise Refused(f"{path} contradicts itself in {where}: it was not made by `jangin ship`.")


# ── the container: a stored zip with one possible form ───────────────────────────────────────────────────────────

_LOCAL = struct.Struct("<4s5H3I2H")  # APPNOTE 6.3.10, 4.3.7
_CENTRAL = struct.Struct("<4s6H3I5H2I")  # 4.3.12
_END = struct.Struct("<4s4H2IH")  # 4.3.16
_VERSION, _UNIX, _DATE, _MODE = 20, 3 << 8, (1 << 5) | 1, 0o100644 << 16  # 1980-01-01: the zip format's zero
_NAME = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")


def _pack(members: Mapping[str, bytes]) -> bytes:
    body, directory = bytearray(), bytearray()
    for name in sorted(members):
        data, raw = members[name], name.encode("ascii")
        fields = (_VERSION, 0, 0, 0, _DATE, zlib.crc32(data), len(data), len(data), len(raw), 0)
        directory += _CENTRAL.pack(b"PK\1\2", _UNIX | _VERSION, *fields, 0, 0, 0, _MODE, len(body)) + raw
        body += _LOCAL.pack(b"PK\3\4", *fields) + raw + data
    n = len(members)
    return bytes(body + directory + _END.pack(b"PK\5\6", 0, 0, n, n, len(directory), len(body), 0))


def _unpack(data: bytes, path: Path) -> dict[str, bytes]:
    """Members in file order. Headers are only read as far as needed: `decode` compares them all by packing again."""
    members: dict[str, bytes] = {}
    at, needed = 0, _END.size
    if data[:4] != b"PK\3\4":
        raise Refused(
            f"{path} is not a bundle: it does not begin as a zip file does. Give a file that `jangin ship` made."
        )
    while data[at : at + 4] == b"PK\3\4":
        head = data[at : at + _LOCAL.size]
        if len(head) < _LOCAL.size:
            raise _cut_off(path)
        _, _, flags, method, _, _, _, size, _, n_name, n_extra = _LOCAL.unpack(head)
        begin = at + _LOCAL.size + n_name + n_extra
        raw = data[at + _LOCAL.size : at + _LOCAL.size + n_name]
        if begin + size > len(data):
            raise _cut_off(path)
        if not _NAME.fullmatch(raw):
            raise Refused(
                f"{path} holds a file named {raw.decode('utf-8', 'replace')!r}, which no bundle does: not opened."
            )
        name = raw.decode("ascii")
        if flags or method:
            raise Refused(f"{path} holds {name} compressed or encrypted; the files of a bundle are stored as they are.")
        if name in members:
            raise Refused(f"{path} holds two files named {name}; a bundle holds each once.")
        members[name] = data[begin : begin + size]
        at, needed = begin + size, needed + _CENTRAL.size + n_name
    if len(data) < at + needed:
        raise _cut_off(path)
    return members


def _check_container(data: bytes, members: Mapping[str, bytes], path: Path) -> None:
    if _pack(members) != data:
        raise Refused(
            f"{path} was altered around its files or packed again by another tool. Copy the original file once more."
        )


def _cut_off(path: Path) -> Refused:
    return Refused(f"{path} is damaged: it ends too early. Copy the original file once more.")


# ── the signature ────────────────────────────────────────────────────────────────────────────────────────────────


def _check_signature(members: Mapping[str, bytes], path: Path) -> str:
    """The signer's fingerprint, after every member was found as signed."""
    for name in (SIGNATURE, MANIFEST):
        if name not in members:
            raise Refused(f"{path} has no {name}: it is not a bundle, or the file was taken out.")
    try:
        signature = json.loads(members[SIGNATURE])
    except (ValueError, RecursionError):
        signature = None
    wrong = misfit(signature, "signature", SIGNATURE)
    if wrong or _signature_bytes(signature) != members[SIGNATURE]:
        raise Refused(
            f"The signature of {path} cannot be read{f': {wrong}' if wrong else ''}. It was changed after signing."
        )
    if not verified(signature):
        raise Refused(
            f"The signature of {path} is wrong: it was changed after it was signed, or never signed by this key."
        )
    signed = signature["files"]
    for name in sorted(signed.keys() | members.keys() - {SIGNATURE}):
        if name not in members:
            raise Refused(f"{path} lacks the file {name}, which was signed: it was taken out afterwards.")
        if name not in signed:
            raise Refused(f"{path} holds the file {name}, which nobody signed: it was added afterwards.")
        if sha256_of(members[name]) != signed[name]:
            raise Refused(f"The file {name} in {path} was changed after it was signed: its sha256 differs.")
    return str(signature["fingerprint"])


def _signature_bytes(signature: Mapping[str, Any]) -> bytes:
    return (canonical_json(signature) + "\n").encode()


# ── bundle.yaml ──────────────────────────────────────────────────────────────────────────────────────────────────


def misfit(value: Any, definition: str, at: str) -> str:
    """What keeps `value`, called `at`, from being a `definition` of bundle.schema.json; "" when nothing does."""
    return schema.misfit(value, schema.schema(_SCHEMA_FILE), at, definition=definition)


# ── channels and arrays ──────────────────────────────────────────────────────────────────────────────────────────


def describe_channels(signals: Signals) -> list[dict[str, Any]]:
    """The channels as bundle.yaml has them: name, unit, frame, range [low, high] ("-inf", "inf" as text), noise."""

    def bound(x: float) -> float | str:
        return float(x) if np.isfinite(x) else repr(float(x))

    return [
        {
            "name": c.name,
            "unit": c.unit,
            "frame": c.frame,
            "range": [bound(c.low), bound(c.high)],
            "noise": float(c.noise),
        }
        for c in signals
    ]


def first_difference(wanted: list[dict[str, Any]], got: list[dict[str, Any]]) -> str:
    """Where two lists of channels part, for a sentence; "" when name, unit, frame and range agree in order."""
    if len(wanted) != len(got):
        return f"{len(got)} channels where the bundle has {len(wanted)}"
    for k, (a, b) in enumerate(zip(wanted, got, strict=True)):
        for key in ("name", "unit", "frame", "range"):
            if a.get(key) != b.get(key):
                what = f"channel {k}" if key == "name" else f"the {key} of {a['name']}"
                return f"{what} is {b.get(key)!r} where the bundle has {a[key]!r}"
    return ""


def metadata_misfit(metadata: Mapping[str, str], manifest: Mapping[str, Any]) -> str:
    """What a policy's own metadata says otherwise than bundle.yaml, for a sentence; "" when both agree.

    `metadata` is `OnnxPolicy.metadata`: without it nobody knows the order of the numbers, so it must be there.
    """
    keys = ("jangin.task", "jangin.rate_hz", "jangin.observation", "jangin.action")
    if missing := [key for key in keys if key not in metadata]:
        return f"its metadata lacks {missing[0]!r}"
    task, rate_hz = manifest["identity"]["task"], manifest["timing"]["rate_hz"]
    if metadata["jangin.task"] != task:
        return f"it was made for the task {metadata['jangin.task']!r}, not {task!r}"
    try:
        own_hz = float(metadata["jangin.rate_hz"])
        own = {
            key: [_as_channel(c) for c in json.loads(metadata[f"jangin.{key}"])] for key in ("observation", "action")
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "its metadata cannot be read"
    if own_hz != rate_hz:
        return f"it was made for {own_hz:g} Hz, not {rate_hz:g} Hz"
    for key, tensor in (("observation", "inputs"), ("action", "outputs")):
        if differs := first_difference(manifest["io"][tensor][0]["channels"], own[key]):
            return f"in its {key}, {differs}"
    return ""


def _as_channel(own: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": own["name"], "unit": own["unit"], "frame": own["frame"], "range": [own["low"], own["high"]]}


def pack_array(values: Array) -> bytes:
    """A float32 array as the bytes of an .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values, "<f4"), allow_pickle=False)
    return buffer.getvalue()


def unpack_array(data: bytes, shape: tuple[int, int], where: str) -> Array:
    """The finite float32 array of this shape in the bytes of an .npy file; Refused otherwise. Never unpickles."""
    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as e:  # np.load has no one class for "not an .npy file"; whatever it was, the bundle is refused
        raise Refused(f"{where} is not a plain array file (.npy).") from e
    if not isinstance(values, np.ndarray) or values.dtype != np.dtype("<f4") or values.shape != shape:
        raise Refused(f"{where} is not {shape[0]} x {shape[1]} float32 numbers.")
    if not np.isfinite(values).all():
        raise Refused(f"{where} holds a number that is not finite.")
    return np.asarray(values)
