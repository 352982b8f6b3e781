"""Who may import whom is kept by machine, and the machine notices."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, environment

pytest.importorskip("importlinter", reason="the layers are checked by import-linter: pip install 'jangin[dev]'")

RUN = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """import-linter over the package under `root`/src, with the contracts of `root`/pyproject.toml."""
    env = environment() | {"PYTHONPATH": str(root / "src")}
    return subprocess.run([sys.executable, "-c", RUN], cwd=root, env=env, capture_output=True, text=True, check=False)


def test_the_layers_are_kept():
    """Every contract in pyproject.toml holds."""
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("simulate.py", "import jangin.learn", "verbs and domains"),
        ("simulate.py", "import jangin.cell.world", "verbs and domains"),
        ("task.py", "import jangin.engine.rollout", "verbs and domains"),
        ("simulate.py", "import torch", "torch only in learn/"),
        ("record.py", "import mujoco", "mujoco only in engine/ and cell/"),
        ("replay.py", "import scipy.stats", "scipy only in stats/"),
        ("replay.py", "import onnxruntime", "onnxruntime only where a policy is executed"),
        ("options.py", "import pyarrow", "import nothing heavy"),
    ],
)
def test_a_wrong_import_is_noticed(tmp_path, file, line, contract):
    """One import in the wrong place breaks the contract that forbids it."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / "src" / "jangin" / file
    path.write_text(f"{path.read_text()}\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    broken = " ".join(done.stdout.split("Broken contracts")[1].split())
    assert contract in broken
