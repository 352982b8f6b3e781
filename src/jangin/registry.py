"""Find a task, a robot or an engine by name: our files, then plugins, then "path/file.py:NAME".

    find("tasks", "cell/peg-insert")     # src/jangin/cell/tasks/peg_insert.py, attribute TASK
    find("tasks", "./weld.py:WELD")      # a file of the user's own
    find("tasks", "gym:CartPole-v1")     # an environment of Gymnasium's registry
    names("tasks")                       # [Entry(name, source, summary)]: nothing is imported to list them
    names("recipes")                     # src/jangin/learn/*.py with a RECIPE; `learn` finds them

The file is the registration. Plugins are entry points `jangin.tasks`, `jangin.robots`, `jangin.engines`, read as
metadata and imported only when named; one that fails to load raises PluginError with its distribution.
A path is imported only when the user typed it on the command line or in Python, never from a data file.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from jangin.errors import BadTask, PluginError, UnknownName

__all__ = ["USERS_MODULES", "Entry", "find", "names"]

Kind = Literal["tasks", "robots", "engines", "recipes"]
_ATTRIBUTE = {"tasks": "TASK", "robots": "ROBOT", "engines": "ENGINE"}
_MARKED = {"engines": ("engine", "\nENGINE = "), "recipes": ("learn", "\nRECIPE = ")}  # folder, and what marks a file
_PACKAGE = Path(__file__).parent

USERS_MODULES: set[str] = (
    set()
)  # names of the user's own modules that were imported here, to tell their mistakes from ours


@dataclass(frozen=True)
class Entry:
    """One registered thing: its name, where it comes from, and the first line of its file."""

    name: str
    source: str
    summary: str


def _own(kind: Kind) -> dict[str, tuple[str, Path]]:
    """Our files by name: (module, path)."""
    if kind in _MARKED:
        folder, mark = _MARKED[kind]
        found = [("", p) for p in (_PACKAGE / folder).glob("*.py") if mark in p.read_text(encoding="utf-8")]
    else:
        found = [(p.parent.parent.name, p) for p in _PACKAGE.glob(f"*/{kind}/*.py")]
    own = {}
    for domain, path in sorted(found):
        if path.stem.startswith("_"):
            continue
        module = ".".join(("jangin", *path.relative_to(_PACKAGE).with_suffix("").parts))
        stem = path.stem.replace("_", "-")
        own[f"{domain}/{stem}" if kind == "tasks" else stem] = (module, path)
    return own


def names(kind: Kind) -> list[Entry]:
    """Everything registered of a kind, ours first; imports nothing."""
    entries = []
    for name, (_, path) in _own(kind).items():
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        entries.append(Entry(name, "jangin", doc.split("\n", 1)[0]))
    for point in metadata.entry_points(group=f"jangin.{kind}"):
        entries.append(Entry(point.name, point.dist.name if point.dist else "?", point.value))
    return entries


def find(kind: Kind, name: str) -> Any:
    """The registered object (a task class, a robot, an engine); raises UnknownName or PluginError."""
    if kind == "tasks" and name.startswith("gym:"):
        return importlib.import_module("jangin.gym.task").gym_task(name)
    own = _own(kind)
    if name in own:
        return getattr(importlib.import_module(own[name][0]), _ATTRIBUTE[kind])
    for point in metadata.entry_points(group=f"jangin.{kind}"):
        if point.name == name:
            try:
                return point.load()
            except Exception as e:  # whatever a plugin raises, the user must learn which plugin it was
                dist = point.dist.name if point.dist else "?"
                raise PluginError(f"The {kind[:-1]} {name!r} of the package {dist!r} does not load: {e!r}.") from e
    path, _, attribute = name.partition(".py:")
    if attribute or name.endswith(".py"):
        return _from_file(kind, Path(path if path.endswith(".py") else path + ".py"), attribute or _ATTRIBUTE[kind])
    raise UnknownName(
        kind[:-1], name, [e.name for e in names(kind)], "A file of your own works too: ./my_file.py:NAME."
    )


def _from_file(kind: Kind, path: Path, attribute: str) -> Any:
    if not path.is_file():
        raise UnknownName(f"{kind[:-1]} file", str(path), [], "Give the path of a Python file, as ./weld.py:WELD.")
    name = f"jangin_user_{path.stem}"
    USERS_MODULES.add(name)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while it is being executed
    try:
        spec.loader.exec_module(module)
    except Exception as e:  # a user's file may raise anything; say which file and what, then stop
        del sys.modules[name]
        raise BadTask(f"{path} does not load: {type(e).__name__}: {e}.") from e
    if not hasattr(module, attribute):
        raise UnknownName(f"name in {path}", attribute, [n for n in vars(module) if n.isupper()])
    return getattr(module, attribute)
