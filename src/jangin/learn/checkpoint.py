"""State to bytes and back without pickle: an NPZ of plain arrays, and one JSON text that says where they belong.

    data = pack({"actor": actor.state_dict(), "steps": 1000})
    state = unpack(data)                                   # arrays come back as NumPy; raises BadFolder when damaged

Dictionaries (with text or integer keys), lists, tuples (as lists), tensors, arrays, bytes, numbers, text, booleans and
None survive. Nothing in a checkpoint is ever executed.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import torch

from jangin.errors import BadFolder
from jangin.task import Array

__all__ = ["pack", "tensors", "unpack"]


def pack(state: Any) -> bytes:
    """The bytes of an NPZ file that holds `state`."""
    arrays: list[Array] = []
    tree = _encode(state, arrays)
    named = {"tree": np.frombuffer(json.dumps(tree).encode(), np.uint8), **{f"a{k}": a for k, a in enumerate(arrays)}}
    file = io.BytesIO()
    np.savez(file, **named)  # type: ignore[arg-type]
    return file.getvalue()


def unpack(data: bytes, name: str = "checkpoint.npz") -> Any:
    """What `pack` was given; raises BadFolder when the bytes are not a whole checkpoint."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            tree = json.loads(file["tree"].tobytes())
            return _decode(tree, [file[f"a{k}"] for k in range(len(file.files) - 1)])
    except (ValueError, KeyError, IndexError, TypeError, EOFError, zipfile.BadZipFile) as e:
        raise BadFolder(f"{name} is not a whole checkpoint ({e}). Learn anew, without --resume.") from e


def tensors(state: dict[Any, Any]) -> dict[Any, Any]:
    """The same tree with every array as a torch tensor, as `load_state_dict` wants it."""
    return {k: _tensor(v) for k, v in state.items()}


def _tensor(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, dict):
        return tensors(value)
    return [_tensor(v) for v in value] if isinstance(value, list) else value


def _encode(value: Any, arrays: list[Array]) -> Any:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, (np.ndarray, bytes)):
        arrays.append(np.frombuffer(value, np.uint8) if isinstance(value, bytes) else value)
        return {"bytes" if isinstance(value, bytes) else "array": len(arrays) - 1}
    if isinstance(value, dict):
        return {"dict": [[k, _encode(v, arrays)] for k, v in value.items()]}
    if isinstance(value, (list, tuple)):
        return {"list": [_encode(v, arrays) for v in value]}
    return value


def _decode(tree: Any, arrays: list[Array]) -> Any:
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    if kind == "array":
        return arrays[content]
    if kind == "bytes":
        return arrays[content].tobytes()
    if kind == "list":
        return [_decode(v, arrays) for v in content]
    return {k: _decode(v, arrays) for k, v in content}
