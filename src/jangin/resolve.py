"""From names to things: a task with its fields, a policy for a task, the task and the policy of a run folder.

    task = resolve_task("cell/peg-insert", {"physics": "evidence"})
    policy = resolve_policy("runs/peg", task, seed=7)          # expert, teacher, zero, random, a path
    task = recorded_task(folder.read_json("task.json"), folder.path)      # the one that made the folder, or BadFolder

A task read from a file is rebuilt from its fields and then compared with what was recorded, hash for hash: a task whose
code or defaults changed since is refused. A Python file is imported only when the user names it, never because a run
folder does.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import re
import sys
import traceback
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jangin.errors import BadFolder, BadPolicy, BadTask, UnknownName
from jangin.record import RunFolder, sha256_file
from jangin.registry import USERS_MODULES, find
from jangin.task import Policy, Task, canonical_json, sha256_of, task_declaration

__all__ = [
    "POLICIES",
    "POLICY_ONNX",
    "TASK_JSON",
    "as_task",
    "policy_bytes",
    "recorded_policy",
    "recorded_task",
    "refuse_unnamed",
    "resolve_policy",
    "resolve_task",
    "write_task",
]

POLICIES = ("expert", "teacher", "zero", "random")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")  # module:attribute
TASK_JSON, POLICY_ONNX = "task.json", "policy.onnx"
_NEEDED = (
    "name", "conditions", "observation", "privileged", "action", "rate_hz", "limit_s", "limits", "claims", "columns",
    "model", "at", "world", "expert", "teacher",
)  # fmt: skip


def as_task(name: str, registered: Any) -> Task:
    """The task with its default fields, from its class or from an instance; raises BadTask when it is neither."""
    try:
        task = registered() if isinstance(registered, type) else registered
    except TypeError as e:
        raise BadTask(
            f"The task {name} cannot be made with its defaults: {e}. Give every field a default value."
        ) from e
    # of the class first: a property may refuse what the user has not said yet
    lacks = [part for part in _NEEDED if not hasattr(type(task), part) and not hasattr(task, part)]
    if lacks:
        raise BadTask(f"{name} is no task: it lacks {', '.join(lacks)}. docs/tutorial-task.md walks through one.")
    return typing.cast(Task, task)


def resolve_task(name: str, fields: Mapping[str, Any] | None = None) -> Task:
    """The task of that name with the given fields, as Python values or as task.json holds them.

    Raises: UnknownName for a name or field that is not there, BadTask for a value that the task refuses.
    """
    task = as_task(name, find("tasks", name))
    if not fields:
        return task
    if not dataclasses.is_dataclass(task):
        raise BadTask(f"The task {name} has no fields, but {', '.join(fields)} was given.")
    hints = typing.get_type_hints(type(task))
    known = [f.name for f in dataclasses.fields(task)]
    values = {}
    for key, value in fields.items():
        if key == "type":
            continue  # the class's name, beside its fields in task.json
        if key not in known:
            raise UnknownName(f"field of {name}", key, known)
        values[key] = _typed(hints[key], value)
    return dataclasses.replace(task, **values)  # type: ignore[type-var]


def _typed(hint: Any, value: Any) -> Any:
    """A plain JSON value as the type a field declares: lists become tuples, objects dataclasses, "inf" a float."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _typed(arguments[0], value)
    if origin is tuple and isinstance(value, (list, tuple)):
        inner = arguments[:1] * len(value) if len(arguments) == 2 and arguments[1] is Ellipsis else arguments
        return tuple(_typed(h, v) for h, v in zip(inner, value, strict=True))
    if hint is float and isinstance(value, str):  # "inf", which JSON cannot say; an int stays one, or its hash changes
        return float(value)
    if hint is Path:
        return Path(value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        hints = typing.get_type_hints(hint)
        return hint(**{k: _typed(hints[k], v) for k, v in value.items() if k != "type"})
    if len(arguments) > 1 and type(None) in arguments and value is not None:
        return _typed(next(a for a in arguments if a is not type(None)), value)
    return value


# ── what a run folder or a bundle says ───────────────────────────────────────────────────────────────────────────


def write_task(folder: RunFolder, task: Task) -> None:
    """Write task.json: the declaration of the task in the physics of its evidence, the one a verdict is about.

    Raises: BadFolder when the folder already holds another task.
    """
    declared = json.loads(canonical_json(task_declaration(task.at("evidence"))))
    if folder.has(TASK_JSON):
        there = folder.read_json(TASK_JSON)
        if sha256_of(there) != sha256_of(declared):
            raise BadFolder(
                f"{folder.path} is a run of another task: {_difference(there, declared)} differs. "
                f"Give another place with --out."
            )
        return
    folder.write_json(TASK_JSON, declared)


def recorded_task(declared: Any, where: Path, name: str | None = None) -> Task:
    """The task that a task.json declares, made again and compared with it; `name` is what the user typed, for a file of
    their own.

    Raises: BadFolder when it declares none, or the task here is not the declared one any more.
    """
    if not isinstance(declared, Mapping) or not {"name", "fields"} <= declared.keys():
        raise BadFolder(f"The {TASK_JSON} of {where} declares no task: it was damaged, or is of something else.")
    fields = declared["fields"] if isinstance(declared["fields"], Mapping) else {}
    if name is None and _imports(str(declared["name"])):
        raise BadFolder(
            f"{where} is about the task {declared['name']!r}, and no file is imported because a folder says so. "
            f"If you trust it, name it: --task {declared['name']}."
        )
    try:
        task = resolve_task(name or declared["name"], fields)
    except UnknownName as e:
        if name is not None or e.kind != "task":
            raise
        raise BadFolder(
            f"{where} is about the task {declared['name']!r}, which is not registered here. {_remedy(declared)}"
        ) from e
    here = task_declaration(task)
    if sha256_of(here) != sha256_of(dict(declared)):
        raise BadFolder(
            f"{where} was made with another {declared['name']} than the one here: "
            f"{_difference(declared, here)} differs."
        )
    return task


def _imports(task: str) -> bool:
    """Whether finding a task of this name imports what the name says."""
    return ".py" in task or task.count(":") > 1


def _remedy(declared: Mapping[str, Any]) -> str:
    """How to name a task that is not registered here."""
    model, name = declared.get("model"), str(declared["name"])
    if name.startswith("gym:") and isinstance(model, Mapping):
        package = str(model.get("entry_point", "")).partition(":")[0].partition(".")[0]
        return f"Name the package that registers it: --task gym:{package or 'PACKAGE'}:{name.removeprefix('gym:')}."
    return "If it is a file of your own, name it: --task ./file.py:NAME."


def recorded_policy(folder: RunFolder, task: Task, name: str | None = None) -> Policy:
    """The policy that the folder's evidence is about; `name` where the user says which.

    Raises: BadPolicy when the folder does not hold it.
    """
    from jangin.evidence import read_plan

    plan = read_plan(folder)
    planned = plan.policy
    refuse_unnamed(planned["name"], [name] if name else [], folder.path)
    if name is not None or (planned["sha256"] is None and planned["name"] in POLICIES):
        return resolve_policy(name or planned["name"], task, seed=plan.seed)
    if planned["sha256"] is None:
        raise BadPolicy(f"The evidence in {folder.path} is about the policy {planned['name']!r}. Name it: --policy ...")
    if not folder.has(POLICY_ONNX) or sha256_file(folder / POLICY_ONNX) != planned["sha256"]:
        raise BadPolicy(
            f"The evidence in {folder.path} is about a policy.onnx with the sha256 {planned['sha256'][:12]}…, "
            f"which is not there. Give its path with --policy."
        )
    return resolve_policy(str(folder / POLICY_ONNX), task, seed=plan.seed)


def refuse_unnamed(planned: str, named: Sequence[str], where: Path) -> None:
    """Refuse to import the module that a plan names, unless the user named it too. Raises: BadPolicy."""
    if _MODULE.fullmatch(planned) and planned not in named:
        given = f"; {', '.join(named)} was given" if named else ""
        raise BadPolicy(
            f"The evidence in {where} is about {planned}, a module of Python, which is imported only when you name it: "
            f"--policy {planned}{given}."
        )


def _difference(recorded: Any, here: Mapping[str, Any]) -> str:
    """Which parts of two declarations differ."""
    recorded = recorded if isinstance(recorded, Mapping) else {}
    keys = sorted(set(recorded) | set(here))
    return ", ".join(k for k in keys if sha256_of(recorded.get(k)) != sha256_of(here.get(k)))


# ── policies ─────────────────────────────────────────────────────────────────────────────────────────────────────


def resolve_policy(name: str, task: Task, *, seed: int) -> Policy:
    """A policy for the task: expert, teacher, zero, random (drawn from `seed`), a policy.onnx, a run folder, a bundle,
    or module:attribute, a callable of the user's own.

    Raises: BadPolicy or UnknownName in one sentence.
    """
    from jangin.policy import OnnxPolicy, Random, Zero

    if name in ("expert", "teacher"):
        scripted = task.expert() if name == "expert" else task.teacher()
        if scripted is None:
            raise BadPolicy(f"The task {task.name} has no {name}. Give the path of a policy.onnx, or zero or random.")
        return scripted
    if name == "zero":
        return Zero(task)
    if name == "random":
        return Random(task, seed=seed)
    if _MODULE.fullmatch(name) and not Path(name).exists():
        return _of_module(name, task)
    data = policy_bytes(name)
    assert data is not None
    policy = OnnxPolicy(data, task, name=name)
    policy.name = POLICY_ONNX  # a record names it by its hash; where the file lay is no part of what it is
    return policy


def _of_module(name: str, task: Task) -> Policy:
    """The policy `module:attribute` that the user named; modules in the current directory are found, as by python -m.

    Its identity in a plan is the hash of the module's file; what that imports is not in it.
    """
    from jangin.policy import CallablePolicy

    module, _, attribute = name.partition(":")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    USERS_MODULES.add(module)
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as e:
        if e.name is None or not f"{module}.".startswith(f"{e.name}."):
            raise BadPolicy(f"The module {module!r} does not load: {e}.") from e
        raise BadPolicy(
            f"There is no module {module!r}: a policy of your own is module:attribute, in an installed package or in "
            f"the current directory."
        ) from e
    except Exception as e:  # a user's file may raise anything; say which file and what
        raise BadPolicy(f"The module {module!r} does not load: {_where(e)}{type(e).__name__}: {e}.") from e
    place = getattr(found, "__file__", None)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise UnknownName(f"attribute of {module}", part, [n for n in dir(found) if not n.startswith("_")])
        found = getattr(found, part)
    sha256 = sha256_file(Path(place)) if place and Path(place).is_file() else None
    return CallablePolicy(found, task, name=name, sha256=sha256)


def _where(error: BaseException) -> str:
    """Where an import failed, as "weld.py, line 3, "; "" where nothing says so."""
    if isinstance(error, SyntaxError):  # its own text has the place
        return ""
    steps = traceback.extract_tb(error.__traceback__)
    return f"{steps[-1].filename}, line {steps[-1].lineno}, " if steps else ""


def policy_bytes(name: str) -> bytes | None:
    """The ONNX bytes of the policy that `name` is the path of; None for a scripted policy.

    Raises: UnknownName when there is no such file, BadPolicy when it cannot be read, Refused for a damaged bundle.
    """
    if name in POLICIES or (_MODULE.fullmatch(name) and not Path(name).exists()):
        return None
    path = Path(name)
    if path.is_dir():
        path = path / POLICY_ONNX
        if not path.is_file():
            raise BadPolicy(
                f"{path.parent} has no {POLICY_ONNX}: nothing was learned there yet. Run jangin learn first."
            )
    if not path.is_file():
        raise UnknownName(
            "policy",
            name,
            POLICIES,
            "A path to a policy.onnx, a run folder or a .bundle, or module:attribute, works too.",
        )
    if path.suffix == ".bundle":
        from jangin.bundle import read

        return read(path).members[POLICY_ONNX]
    try:
        return path.read_bytes()
    except OSError as e:
        raise BadPolicy(f"Cannot read {path}: {e.strerror or e}.") from e
