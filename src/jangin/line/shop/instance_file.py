"""Reads an instance from a file in one of the formats in use; what it is, its content says and not its name.

    read_instance("ft06.txt")                       # "n m", then a row of (machine, duration) pairs for each job
    read_instance("tai20_5.txt", "3")               # Taillard's files hold several; by number, or by name where named
    read_instance("jsp_instances.json", "la16")
    instance_names("jsp_instances.json")            # ("abz5", "abz6", ...)

| content | what it is |
|---|---|
| `n m`, then n rows of m pairs `machine duration` | job shop; a flow shop where every row names machines 0, 1, ... |
| words, numbers, `Times`, n rows of m, `Machines`, n rows of m | Taillard's job shop; machines from 1 |
| words, numbers, `processing times`, m rows of n | Taillard's flow shop (permutation) |
| `n m` or `n m x`, then rows `operations (alternatives (machine duration)...)...` | flexible job shop (.fjs); from 1 |
| JSON | see below |

Empty lines, and lines that begin with #, count for nothing. JSON is one instance or an object of them by name:
`duration_matrix` and `machines_matrix` (jobs, operations), where a machines entry may be a list of machines that take
the same time; or `jobs`, a list of operations each a list of [machine, duration] modes. Further keys: `machines`,
`permutation`, `release`, `due` (null is none), `weight`, `name`; `metadata` is ignored, published bounds with it.

Raises: BadFile in one sentence with the line, or the key; UnknownName with the nearest where a file lacks the name.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from jangin.errors import BadFile, BadSchedule, UnknownName, nearest
from jangin.line.shop.instance import Instance
from jangin.line.shop.instance_json import instances_of_json
from jangin.line.shop.instance_text import instances_of_text

__all__ = ["instance_names", "read_instance", "read_instances"]

_LARGEST = 256 * 2**20  # bytes


def read_instance(path: str | Path, name: str | None = None) -> Instance:
    """One instance of a file; `name` chooses where there are several. Without a name of its own it takes the file's."""
    found = read_instances(path)
    if name is None:
        if len(found) > 1:
            some = ", ".join(list(found)[:6])
            raise BadFile(f"{path} holds {len(found)} instances ({some}, ...); say which by its name.")
        return next(iter(found.values()))
    if name not in found:
        near = nearest(name, found)
        few = list(found) if len(found) <= 20 else [near] if near else []
        raise UnknownName("instance", name, few, f"{path} holds {len(found)}, from {min(found)} to {max(found)}.")
    return found[name]


def instance_names(path: str | Path) -> tuple[str, ...]:
    """The names of a file's instances, in its order."""
    return tuple(read_instances(path))


def read_instances(path: str | Path) -> dict[str, Instance]:
    """All instances of a file by name, in its order."""
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST:
            raise BadFile(f"{path} has more than {_LARGEST // 2**20} MB, which is no instance.")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadFile(f"There is no file {path}. Give the path of a scheduling instance.") from None
    except OSError as e:
        raise BadFile(f"Cannot read {path}: {e.strerror or e}.") from e
    except UnicodeDecodeError as e:
        raise BadFile(f"{path} is no text file: byte {e.start} is not UTF-8.") from e
    try:
        if text.lstrip()[:1] in ("{", "["):
            return instances_of_json(text, path.stem)
        found = instances_of_text(text, path.stem)
    except ValueError as e:
        raise BadFile(f"{path}, {e}.") from e
    except BadSchedule as e:
        raise BadFile(f"{path}: {e}") from e
    return _by_name(found, path.stem)


def _by_name(found: list[Instance], stem: str) -> dict[str, Instance]:
    """By its own name where the file gives one, else by its number in the file, from 1; one alone by the file's."""
    if len(found) == 1:
        return {found[0].name: found[0]}
    return {
        (str(k) if i.name == stem else i.name): (replace(i, name=f"{stem} {k}") if i.name == stem else i)
        for k, i in enumerate(found, 1)
    }
