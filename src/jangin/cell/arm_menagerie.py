"""Where a Menagerie model's file is: from the package `mujoco-menagerie`, or from a checkout named by MENAGERIE_ROOT.

    menagerie_model("kuka_iiwa_14").path               # .../kuka_iiwa_14/iiwa14.xml
    menagerie_model("ufactory_xarm7/xarm7").path       # a model of that folder by its own name

The package downloads a model on first use and keeps it; with MENAGERIE_ROOT set, that folder is used and nothing is
downloaded. Where there is an arm with and without its hand, the one without is taken: the cell brings the tool.

Raises: BadRobot for an unknown name or a model that cannot be had; MissingExtra without package and folder.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jangin.errors import BadRobot, MissingExtra, nearest

__all__ = ["MenagerieModel", "menagerie_model"]

ROOT = "MENAGERIE_ROOT"
PACKAGE = "mujoco-menagerie"
WITHOUT_HAND = "_nohand"


@dataclass(frozen=True)
class MenagerieModel:
    """A model file, and what to record of it. licence: None where only the folder can tell."""

    path: Path
    source: str
    licence: str | None


def menagerie_model(name: str) -> MenagerieModel:
    """The model "NAME" or "NAME/MODEL" of Menagerie."""
    robot, _, wanted = name.partition("/")
    package = _package()
    if package is not None:
        return _from_package(package, robot, wanted)
    root = os.environ.get(ROOT)
    if not root:
        raise MissingExtra(PACKAGE, "menagerie", f"The robot 'menagerie:{name}'")
    return _from_folder(Path(root), robot, wanted)


def _package() -> Any | None:
    try:
        return importlib.import_module("mujoco_menagerie")
    except ImportError:
        return None


def _from_package(package: Any, robot: str, wanted: str) -> MenagerieModel:
    if robot not in package.names():
        raise _unknown(robot, package.names())
    about = package.get(robot)
    models = {e.name: e.file for e in about.entry_points if e.kind == "robot"}
    model = _choose(robot, wanted, models, about.default_model)
    try:
        folder = about.path(progress=None)
    except (package.MenagerieError, OSError) as e:
        raise BadRobot(
            f"menagerie:{robot} cannot be had: {e}. Check the network, or set {ROOT} to a checkout."
        ) from None
    return MenagerieModel(Path(folder) / models[model], f"MuJoCo Menagerie {robot}/{model}", about.license)


def _from_folder(root: Path, robot: str, wanted: str) -> MenagerieModel:
    if not root.is_dir():
        raise BadRobot(f"{ROOT} is {root}, which is no folder; set it to a checkout of Menagerie, or unset it.")
    known = [p.name for p in root.iterdir() if p.is_dir() and any(p.glob("*.xml"))]
    if robot not in known:
        raise _unknown(robot, known)
    files = {p.stem: p.name for p in sorted((root / robot).glob("*.xml")) if not p.stem.startswith(("scene", "mjx_"))}
    model = _choose(robot, wanted, files, None)
    return MenagerieModel(root / robot / files[model], f"MuJoCo Menagerie {robot}/{model}", None)


def _choose(robot: str, wanted: str, models: dict[str, str], default: str | None) -> str:
    """The model wanted, else the one without a hand, else the default or only one."""
    if wanted:
        if wanted not in models:
            raise BadRobot(f"menagerie:{robot} has no model {wanted!r}; it has: {', '.join(sorted(models))}.")
        return wanted
    without = [m for m in models if m.endswith(WITHOUT_HAND) and default in (None, m.removesuffix(WITHOUT_HAND))]
    choice = without[0] if len(without) == 1 else default
    if choice is None and len(models) == 1:
        choice = next(iter(models))
    if choice is None:
        raise BadRobot(
            f"menagerie:{robot} has several models: {', '.join(sorted(models))}; say which, as menagerie:{robot}/MODEL."
        )
    return choice


def _unknown(robot: str, known: list[str]) -> BadRobot:
    hint = nearest(robot, known)
    did = f" Did you mean menagerie:{hint}?" if hint else ""
    return BadRobot(f"Menagerie has no robot {robot!r}.{did} It has {len(known)}, as listed on its own page.")
