"""Read an arm from a model file, MJCF or URDF; say in one sentence what the file lacks.

    arm = read_arm("kuka_iiwa_14/iiwa14.xml")
    arm = read_arm("./cell_arm.urdf", tool_site="tool0")

MuJoCo compiles the file; arm_chain.py takes from the compiled model what a cell needs. A URDF has no servos and no
keyframe: arm_urdf.py adds them. The identity of the arm is the sha256 over the file and every file it includes.

Raises: BadRobot, in a sentence that says what came, what was allowed and what to do.
"""

from __future__ import annotations

import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path

import mujoco

from jangin.cell import arm_urdf
from jangin.cell.arm import Arm
from jangin.cell.arm_chain import read_chain
from jangin.errors import BadRobot
from jangin.record import sha256_file
from jangin.task import sha256_of

__all__ = ["read_arm"]

SHORT = 200  # characters of MuJoCo's own message that are passed on
ASSET_FOLDERS = ("meshdir", "texturedir", "assetdir")


def read_arm(
    path: str | Path,
    *,
    name: str | None = None,
    tool_site: str | None = None,
    source: str | None = None,
    licence: str | None = None,
) -> Arm:
    """The arm in a model file.

    tool_site: the site or body whose frame is the tool frame; None looks for the usual names.
    name, source, licence: for records; by default the path, the path, and how a LICENSE file beside it begins.
    """
    path = Path(path)
    root = _parsed(path)
    urdf = arm_urdf.prepare(path, root) if root.tag == "robot" else None
    if urdf:
        xml = urdf.xml
        model = _compiled(path, lambda: mujoco.MjSpec.from_string(xml))
    else:
        model = _compiled(path, lambda: mujoco.MjSpec.from_file(str(path)))
    chain = read_chain(str(path), model, tool_site=tool_site, urdf=urdf)
    arm = Arm(
        name=name or str(path),
        links=chain.links,
        tool_site=chain.tool_site,
        tool_pos_m=chain.tool_pos_m,
        tool_quat=chain.tool_quat,
        home_rad=chain.home_rad,
        source=source or str(path),
        licence=licence or _licence_beside(path),
        files_sha256=_identity(path, urdf.files if urdf else set(_files_of(path))),
        notes=(*(urdf.notes if urdf else ()), *chain.notes),
    )
    return arm_urdf.completed(arm, servos=urdf is not None, home=model.nkey == 0)


def _parsed(path: Path) -> ElementTree.Element:
    """The root of an MJCF or URDF file."""
    if path.is_dir():
        found = sorted(p.name for p in path.iterdir() if p.suffix in (".xml", ".urdf"))
        there = f" In it: {', '.join(found)}." if found else ""
        raise BadRobot(f"{path} is a folder; give the arm's model file, MJCF or URDF.{there}")
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except FileNotFoundError:
        raise BadRobot(f"There is no file {path}; give the path of an arm's model, MJCF or URDF.") from None
    except OSError as e:
        raise BadRobot(f"{path} cannot be read ({e.strerror}); give a readable MJCF or URDF file.") from None
    except ElementTree.ParseError as e:
        raise BadRobot(f"{path} is not XML ({e}); an arm's model is an MJCF or URDF file.") from None
    if root.tag not in ("mujoco", "robot"):
        raise BadRobot(f"{path} begins with <{root.tag}>; an arm's model is MJCF (<mujoco>) or URDF (<robot>).")
    return root


def _compiled(path: Path, parse: Callable[[], mujoco.MjSpec]) -> mujoco.MjModel:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what MuJoCo warns of here concerns what a cell leaves behind
            return parse().compile()
    except (ValueError, mujoco.FatalError) as e:
        reason = "; ".join(line.strip() for line in str(e).splitlines() if line.strip())
        reason = reason.removeprefix("XML Error: ").removeprefix("Error: ")
        if len(reason) > SHORT:
            reason = reason[:SHORT].rstrip() + " ..."
        raise BadRobot(f"MuJoCo refuses {path}: {reason.rstrip('.')}. Correct the file and try again.") from None


def _files_of(main: Path) -> Iterator[Path]:
    """An MJCF file and every file it names: included models, meshes, textures, height fields."""
    pending, seen, folders, named = [main], {main.resolve()}, {main.parent}, set()
    yield main
    while pending:
        file = pending.pop()
        folders.add(file.parent)
        for element in ElementTree.fromstring(file.read_bytes()).iter():
            if element.tag == "compiler":
                folders.update(main.parent / element.get(key, "") for key in ASSET_FOLDERS)
                folders.update(file.parent / element.get(key, "") for key in ASSET_FOLDERS)
            for key, value in element.items():
                if not key.startswith("file") or not value:
                    continue
                if element.tag not in ("include", "model"):
                    named.add(value)
                    continue
                inner = _first_file(value, {main.parent, file.parent})
                if inner is not None and inner.resolve() not in seen:
                    seen.add(inner.resolve())
                    pending.append(inner)
                    yield inner
    for value in sorted(named):
        asset = _first_file(value, folders)
        if asset is None:
            raise BadRobot(f"{main} names the file {value!r}, which is not beside it; put it there.")
        yield asset


def _first_file(name: str, folders: set[Path]) -> Path | None:
    return next((folder / name for folder in sorted(folders) if (folder / name).is_file()), None)


def _identity(main: Path, files: set[Path]) -> str:
    """sha256 over the names, relative to the main file, and the contents of the files."""
    here = main.parent.resolve()

    def name(file: Path) -> str:
        whole = file.resolve()
        return whole.relative_to(here).as_posix() if whole.is_relative_to(here) else whole.name

    return sha256_of(sorted((name(file), sha256_file(file)) for file in {f.resolve() for f in files}))


def _licence_beside(path: Path) -> str:
    for file in sorted(path.parent.glob("LICENSE*")):
        lines = (line.strip() for line in file.read_text(encoding="utf-8", errors="replace").splitlines())
        first = next((line for line in lines if line), "")
        if first:
            return f"{file.name}: {first[:100]}"
    return "not stated"
