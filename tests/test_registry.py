"""Names: our files, then plugins, then a path; each failure says which file or package, and what to do."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from conftest import ROOT, environment
from jangin import registry
from jangin.errors import BadTask, PluginError, UnknownName


def test_every_listed_file_is_a_task_with_its_attribute():
    """The file is the registration: each listed name loads, and its class says the same name."""
    listed = [e for e in registry.names("tasks") if e.source == "jangin"]
    assert listed, "no task is registered"
    for entry in listed:
        task = registry.find("tasks", entry.name)
        assert task().name == entry.name
        assert entry.summary, f"{entry.name}: the first line of the file is its summary"


def test_listing_imports_nothing():
    """Listing reads files and metadata; it imports no task."""
    code = (
        "import sys; from jangin.registry import names;"
        "[names(k) for k in ('tasks', 'robots', 'engines')];"
        "print(sorted(m for m in sys.modules if m.startswith(('jangin.cell', 'jangin.engine', 'mujoco', 'torch'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_gives_the_nearest_and_the_remedy():
    """A typing mistake is answered with the name that was meant."""
    with pytest.raises(UnknownName) as caught:
        registry.find("tasks", "cell/peg-insrt")
    assert str(caught.value).startswith("There is no task 'cell/peg-insrt'. Did you mean 'cell/peg-insert'? There is: ")
    assert str(caught.value).endswith("A file of your own works too: ./my_file.py:NAME.")


# ── a file of the user's own ─────────────────────────────────────────────────────────────────────────────────────


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "weld.py"
    path.write_text(text)
    return path


def test_a_file_by_path_and_name(tmp_path):
    """`./weld.py:WELD` is the attribute WELD; `./weld.py` alone is its TASK."""
    path = write(tmp_path, "WELD = 1\nTASK = 2\n")
    assert registry.find("tasks", f"{path}:WELD") == 1
    assert registry.find("tasks", str(path)) == 2


def test_dataclasses_of_a_users_file_find_their_module(tmp_path):
    """A dataclass with postponed annotations resolves its types, which needs the module to be importable by name."""
    path = write(
        tmp_path,
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass(frozen=True)\nclass Weld:\n    gap_m: tuple[float, float] = (0.0, 1e-3)\nTASK = Weld\n",
    )
    import typing

    assert typing.get_type_hints(registry.find("tasks", str(path)))["gap_m"] == tuple[float, float]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def broken(:\n", r"weld\.py does not load: SyntaxError: .*line 1"),
        ("import a_package_nobody_has\n", r"weld\.py does not load: ModuleNotFoundError: .*a_package_nobody_has"),
        ("1 / 0\n", r"weld\.py does not load: ZeroDivisionError: division by zero"),
        ("", r"no name in .*weld\.py 'TASK'"),
        ("TASKS = 1\n", r"no name in .*weld\.py 'TASK'\. Did you mean 'TASKS'\?"),
    ],
)
def test_a_users_file_that_does_not_load(tmp_path, text, says):
    """Whatever is wrong with the user's file, the sentence names the file and the reason."""
    path = write(tmp_path, text)
    with pytest.raises((BadTask, UnknownName), match=says):
        registry.find("tasks", str(path))


def test_a_path_that_is_not_there(tmp_path):
    """A path to nowhere names the path."""
    with pytest.raises(UnknownName, match=r"no task file '.*nowhere\.py'"):
        registry.find("tasks", f"{tmp_path / 'nowhere.py'}:TASK")


# ── plugins ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """An installed distribution `acme-cell` that offers the tasks acme/weld (works) and acme/broken (does not load)."""
    site = tmp_path / "site"
    info = site / "acme_cell-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-cell\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[jangin.tasks]\nacme/weld = acme_cell:WELD\nacme/broken = acme_broken:TASK\n"
    )
    (site / "acme_cell.py").write_text("WELD = 'the weld task'\n")
    (site / "acme_broken.py").write_text("raise RuntimeError('no licence')\n")
    monkeypatch.syspath_prepend(str(site))
    assert metadata.distribution("acme-cell").version == "1.0"


@pytest.mark.usefixtures("plugin")
def test_a_plugin_is_listed_with_its_package_and_loaded_by_name():
    """An entry point is a task like ours, and the list says whose it is."""
    listed = {e.name: e for e in registry.names("tasks")}
    assert listed["acme/weld"].source == "acme-cell"
    assert "acme_cell" not in sys.modules
    assert registry.find("tasks", "acme/weld") == "the weld task"


@pytest.mark.usefixtures("plugin")
def test_a_plugin_that_does_not_load_is_named():
    """The error says which task of which package, and what it raised; the others still work."""
    with pytest.raises(PluginError) as caught:
        registry.find("tasks", "acme/broken")
    assert str(caught.value) == (
        "The task 'acme/broken' of the package 'acme-cell' does not load: RuntimeError('no licence')."
    )
    assert registry.find("tasks", "acme/weld") == "the weld task"
