"""The run folder: a file is written whole or not at all, and a sealed folder notices every change."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from jangin.errors import BadFolder
from jangin.record import SCHEMA, RunFolder, read_trials, sha256_file, write_whole
from jangin.task import Trials


def listing(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


# ── whole or not at all ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_write_replaces_the_file(tmp_path):
    """After a write the file holds the new bytes, readable by others, and nothing lies beside it."""
    target = tmp_path / "new" / "a.txt"
    write_whole(target, b"one")
    write_whole(target, b"two")
    assert target.read_bytes() == b"two"
    assert listing(target.parent) == ["a.txt"]
    assert target.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [RuntimeError("half way"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_file(tmp_path, error):
    """Whatever interrupts the writer, the old file is whole and no fragment remains."""
    target = tmp_path / "a.txt"
    write_whole(target, b"old")

    def half(path: Path) -> None:
        path.write_bytes(b"ne")
        raise error

    with pytest.raises(type(error)):
        write_whole(target, half)
    assert target.read_bytes() == b"old"
    assert listing(tmp_path) == ["a.txt"]


def test_a_full_disk_is_one_sentence_and_keeps_the_old_file(tmp_path):
    """ENOSPC becomes BadFolder that names the file and what to do."""
    target = tmp_path / "a.txt"
    write_whole(target, b"old")

    def full(path: Path) -> None:
        path.write_bytes(b"ne")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(BadFolder) as caught:
        write_whole(target, full)
    assert str(caught.value) == (
        f"Cannot write {target}: No space left on device. Free some space or give another place with --out."
    )
    assert target.read_bytes() == b"old"
    assert listing(tmp_path) == ["a.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device that is always full")
def test_a_really_full_device(tmp_path):
    """A device without space, not an imitation: same sentence, same old file."""
    target = tmp_path / "a.txt"
    write_whole(target, b"old")

    def to_full_device(path: Path) -> None:
        with open("/dev/full", "wb") as device:
            device.write(b"x" * 100_000)

    with pytest.raises(BadFolder, match="No space left on device"):
        write_whole(target, to_full_device)
    assert target.read_bytes() == b"old"


def test_a_place_that_cannot_hold_a_folder(tmp_path):
    """A file where a folder is needed is said in one sentence."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadFolder, match=r"^Cannot write .*(Not a directory|File exists)"):
        write_whole(tmp_path / "file" / "a.txt", b"x")


# ── making and opening ───────────────────────────────────────────────────────────────────────────────────────────


def test_create_refuses_a_folder_that_holds_something(tmp_path):
    """Finished work is never overwritten unless the user says --resume."""
    (tmp_path / "runs").mkdir()
    RunFolder.create(tmp_path / "runs")  # an empty folder is as good as none
    (tmp_path / "runs" / "a").write_text("x")
    with pytest.raises(BadFolder) as caught:
        RunFolder.create(tmp_path / "runs")
    assert str(caught.value) == (
        f"{tmp_path / 'runs'} exists and is not empty. Give another place with --out, or --resume to go on with it."
    )
    assert RunFolder.create(tmp_path / "runs", resume=True).has("a")


def test_create_refuses_a_file(tmp_path):
    """--out that names a file is said so."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadFolder, match="is a file, not a folder"):
        RunFolder.create(tmp_path / "file")


def test_open_says_what_a_run_folder_is(tmp_path):
    """A path that is not there gets a sentence, not a traceback."""
    with pytest.raises(BadFolder, match=r"There is no run folder .*nowhere\. A run folder is what --out"):
        RunFolder.open(tmp_path / "nowhere")


def test_read_json_names_missing_and_damaged_files(tmp_path):
    """Missing and damaged are different sentences, both with the path."""
    folder = RunFolder(tmp_path)
    with pytest.raises(BadFolder, match=r"has no task\.json; it is not a finished run"):
        folder.read_json("task.json")
    folder.write_text("task.json", '{"name": ')
    with pytest.raises(BadFolder, match=r"task\.json is damaged"):
        folder.read_json("task.json")
    folder.write_bytes("task.json", b"\xff\xfe\x00")
    with pytest.raises(BadFolder, match=r"Cannot read .*task\.json"):
        folder.read_text("task.json")


def test_json_refuses_nan(tmp_path):
    """JSON has no NaN: writing one is our mistake, and must not make a file others cannot read."""
    with pytest.raises(ValueError, match="JSON"):
        RunFolder(tmp_path).write_json("a.json", {"x": float("nan")})
    assert listing(tmp_path) == []


# ── the seal ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sealed(tmp_path) -> RunFolder:
    folder = RunFolder.create(tmp_path / "run")
    folder.write_json("task.json", {"name": "toy/point"})
    folder.write_text("evidence/plan.yaml", "seed: 7\n")
    folder.seal()
    return folder


def test_a_sealed_folder_checks(sealed):
    """The manifest lists every file with its size and sha256."""
    sealed.check()
    manifest = json.loads((sealed / "manifest.json").read_text())
    assert manifest["schema"] == SCHEMA
    assert list(manifest["files"]) == ["evidence/plan.yaml", "task.json"]
    plan = sealed / "evidence/plan.yaml"
    assert manifest["files"]["evidence/plan.yaml"] == {"bytes": 8, "sha256": sha256_file(plan)}


def flip_one_bit(folder: RunFolder) -> None:
    data = bytearray((folder / "task.json").read_bytes())
    data[3] ^= 1
    (folder / "task.json").write_bytes(bytes(data))


def remove_one(folder: RunFolder) -> None:
    (folder / "evidence/plan.yaml").unlink()


def add_one(folder: RunFolder) -> None:
    (folder / "evidence/more.parquet").write_bytes(b"")


def other_schema(folder: RunFolder) -> None:
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace(SCHEMA, "jangin-run/99"))


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (flip_one_bit, r"task\.json was changed after the run"),
        (remove_one, r"plan\.yaml is missing, though the manifest lists it"),
        (add_one, r"more\.parquet is not in the manifest: it was added after the run"),
        (other_schema, r"has schema 'jangin-run/99'; this version reads 'jangin-run/1'"),
    ],
)
def test_every_tampering_is_named(sealed, tamper, says):
    """One bit, one file less, one file more, another schema: each is found and the file is named."""
    tamper(sealed)
    with pytest.raises(BadFolder, match=says):
        sealed.check()


def test_unfinished_and_hidden_files_are_no_part_of_a_run(sealed):
    """A fragment left by a crash does not break the seal."""
    (sealed / ".task.json.abc.part").write_bytes(b"frag")
    sealed.check()


# ── the trials table ─────────────────────────────────────────────────────────────────────────────────────────────


def a_table() -> Trials:
    columns = {
        "trial": np.arange(3, dtype=np.int64),
        "clearance_m": np.array([2e-4, 3.5e-4, 6e-4]),
        "outcome": np.array(["success", "timeout", "success"], dtype=object),
        "cycle_s": np.array([1.25, np.inf, 0.1 + 0.2]),
    }
    return Trials(columns, {"clearance_m": "m", "cycle_s": "s"}, {"task": "toy/point", "seed": 7})


def test_the_table_comes_back_bit_for_bit(tmp_path):
    """Parquet keeps every bit, infinities, text, units and the table's own facts."""
    folder, table = RunFolder(tmp_path), a_table()
    back = read_trials(folder.write_trials("trials.parquet", table))
    assert list(back.columns) == list(table.columns)
    for name, values in table.columns.items():
        if values.dtype == object:
            assert back[name].tolist() == values.tolist()
        else:
            assert back[name].dtype == values.dtype
            assert back[name].tobytes() == values.tobytes(), name
    assert dict(back.units) == dict(table.units)
    assert dict(back.meta) == dict(table.meta)


def test_same_table_same_file(tmp_path):
    """The file's bytes depend on the table alone, so its hash is the evidence's hash."""
    folder = RunFolder(tmp_path)
    one, two = (folder.write_trials(n, a_table()) for n in ("a.parquet", "b.parquet"))
    assert sha256_file(one) == sha256_file(two)


def test_a_truncated_table_is_damaged(tmp_path):
    """A table cut short is a sentence."""
    path = RunFolder(tmp_path).write_trials("t.parquet", a_table())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadFolder, match="is not a readable trials table"):
        read_trials(path)
    with pytest.raises(BadFolder, match="There is no trials table"):
        read_trials(tmp_path / "none.parquet")
