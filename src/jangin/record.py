"""The run folder: whole files, hashes, schema version. Nothing else in jangin writes files.

    folder = RunFolder.create("runs/peg")             # refuses a folder that exists
    folder.write_text("task.json", text)              # whole or not at all: temporary file, fsync, rename
    folder.write_trials("evidence/trials.parquet", trials)
    folder.seal()                                     # manifest.json: sha256 of every file
    RunFolder.open("runs/peg").check()                # raises BadFolder naming the file that differs

A folder holds: task.json curve.csv policy.onnx evidence/{plan.yaml,trials.parquet,verdict.json} report.html
<name>.bundle manifest.json.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jangin.errors import BadFolder
from jangin.task import Trials

__all__ = ["SCHEMA", "RunFolder", "read_trials", "sha256_file", "write_whole"]

SCHEMA = "jangin-run/1"
MANIFEST = "manifest.json"


def sha256_file(path: Path) -> str:
    """sha256 of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while chunk := f.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def write_whole(path: Path, write: Callable[[Path], None] | bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all: into a temporary file beside it, flushed to disk, then renamed.

    Raises: BadFolder when the disk is full or the place cannot be written; the old file, if any, is untouched.
    """
    path = Path(path)
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        os.close(handle)
        if isinstance(write, bytes):
            Path(temporary).write_bytes(write)
        else:
            write(Path(temporary))
        with open(temporary, "rb+") as f:
            os.fsync(f.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
        temporary = ""
    except OSError as e:
        raise BadFolder(
            f"Cannot write {path}: {e.strerror or e}. Free some space or give another place with --out."
        ) from e
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


@dataclass(frozen=True)
class RunFolder:
    """A folder of one run; make it with `create` or `open`."""

    path: Path

    @classmethod
    def create(cls, path: str | Path, *, resume: bool | None = False) -> RunFolder:
        """A new folder; raises BadFolder when it exists and holds something, unless `resume`; None: nobody could."""
        path = Path(path)
        if path.exists() and not path.is_dir():
            raise BadFolder(f"{path} is a file, not a folder. Give another place with --out.")
        if path.is_dir() and any(path.iterdir()) and not resume:
            or_resume = "" if resume is None else ", or --resume to go on with it"
            raise BadFolder(f"{path} exists and is not empty. Give another place with --out{or_resume}.")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise BadFolder(f"Cannot make the folder {path}: {e.strerror or e}. Give another place with --out.") from e
        return cls(path)

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """An existing folder; raises BadFolder when it is not there."""
        path = Path(path)
        if not path.is_dir():
            raise BadFolder(
                f"There is no run folder {path}. A run folder is what --out of learn, qualify or deliver made."
            )
        return cls(path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def has(self, name: str) -> bool:
        """Whether the folder holds a file of this name."""
        return (self.path / name).is_file()

    def write_bytes(self, name: str, data: bytes) -> Path:
        """Write one file whole."""
        write_whole(self.path / name, data)
        return self.path / name

    def write_text(self, name: str, text: str) -> Path:
        """Write one text file whole, UTF-8."""
        return self.write_bytes(name, text.encode())

    def write_json(self, name: str, value: Any) -> Path:
        """Write plain values as indented JSON with sorted keys."""
        return self.write_text(
            name, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
        )

    def write_trials(self, name: str, trials: Trials) -> Path:
        """Write the trials table as Parquet; units in the columns' metadata, `meta` in the file's."""
        write_whole(self.path / name, lambda p: _write_parquet(p, trials))
        return self.path / name

    def remove(self, name: str) -> None:
        """Delete one file, and the folder it was in when nothing else is left there; a missing file is no error."""
        place = self.path / name
        try:
            place.unlink(missing_ok=True)
            if place.parent != self.path and place.parent.is_dir() and not any(place.parent.iterdir()):
                place.parent.rmdir()
        except OSError as e:
            raise BadFolder(f"Cannot delete {place}: {e.strerror or e}.") from e

    def read_text(self, name: str) -> str:
        """Read one text file; raises BadFolder when it is missing or not text."""
        try:
            return (self.path / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise BadFolder(f"{self.path} has no {name}; it is not a finished run of this kind.") from None
        except (OSError, UnicodeDecodeError) as e:
            raise BadFolder(f"Cannot read {self.path / name}: {e}.") from e

    def read_json(self, name: str) -> Any:
        """Read one JSON file; raises BadFolder when it is missing or damaged."""
        try:
            return json.loads(self.read_text(name))
        except json.JSONDecodeError as e:
            raise BadFolder(f"{self.path / name} is damaged: {e}.") from e

    def read_trials(self, name: str) -> Trials:
        """Read a trials table; raises BadFolder when it is missing or damaged."""
        return read_trials(self.path / name)

    def files(self) -> list[str]:
        """Every file in the folder but the manifest, hidden ones and unfinished ones; sorted POSIX paths."""
        found = (p.relative_to(self.path) for p in self.path.rglob("*") if p.is_file())
        return sorted(
            p.as_posix() for p in found if p.name != MANIFEST and not any(part.startswith(".") for part in p.parts)
        )

    def seal(self) -> Path:
        """Write manifest.json: schema version, and size and sha256 of every file."""
        files = {
            n: {"bytes": (self.path / n).stat().st_size, "sha256": sha256_file(self.path / n)} for n in self.files()
        }
        return self.write_json(MANIFEST, {"schema": SCHEMA, "files": files})

    def check(self, *, apart_from: tuple[str, ...] = ()) -> None:
        """Raises BadFolder naming the first file that is missing, changed or not in the manifest.

        Files whose names begin with one of `apart_from` are not looked at.
        """
        manifest = self.read_json(MANIFEST)
        if manifest.get("schema") != SCHEMA:
            raise BadFolder(f"{self.path} has schema {manifest.get('schema')!r}; this version reads {SCHEMA!r}.")
        files = {name: entry for name, entry in manifest["files"].items() if not name.startswith(apart_from)}
        for name, entry in files.items():
            if not self.has(name):
                raise BadFolder(f"{self.path / name} is missing, though the manifest lists it.")
            if sha256_file(self.path / name) != entry["sha256"]:
                raise BadFolder(f"{self.path / name} was changed after the run: its sha256 differs from the manifest.")
        extra = [n for n in self.files() if n not in files and not n.startswith(apart_from)]
        if extra:
            raise BadFolder(f"{self.path / extra[0]} is not in the manifest: it was added after the run.")


def _write_parquet(path: Path, trials: Trials) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields, arrays = [], []
    for name, values in trials.columns.items():
        values = np.asarray(values)
        array = pa.array(values.tolist() if values.dtype.kind in "OU" else values)
        unit = trials.units.get(name)
        fields.append(pa.field(name, array.type, metadata={"unit": unit} if unit else None))
        arrays.append(array)
    meta = {"jangin": json.dumps(dict(trials.meta), sort_keys=True)}
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=meta))
    pq.write_table(table, path, compression="zstd")


def read_trials(path: str | Path) -> Trials:
    """Read a trials table from Parquet; raises BadFolder when it is missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise BadFolder(f"There is no trials table {path}.") from None
    except (pa.ArrowException, OSError) as e:
        raise BadFolder(f"{path} is not a readable trials table (Parquet): {e}") from e
    columns, units = {}, {}
    for f in table.schema:
        values = table.column(f.name)
        text = pa.types.is_string(f.type) or pa.types.is_large_string(f.type)
        columns[f.name] = _text_column(values) if text else values.to_numpy()
        if f.metadata and b"unit" in f.metadata:
            units[f.name] = f.metadata[b"unit"].decode()
    meta = json.loads((table.schema.metadata or {}).get(b"jangin", b"{}"))
    return Trials(columns, units, meta)


def _text_column(values: Any) -> np.ndarray:
    """A text column (n,) object; equal texts are one object, because a million rows hold a handful of them."""
    coded = values.combine_chunks().dictionary_encode()
    if coded.null_count:
        return np.array(values.to_pylist(), dtype=object)
    return np.array(coded.dictionary.to_pylist(), dtype=object)[coded.indices.to_numpy()]
