"""Instances in JSON: two matrices or a list of jobs; `instance_file` says which keys there are.

    instances_of_json('{"tiny": {"duration_matrix": [[3, 2]], "machines_matrix": [[0, 1]]}}', "file")

Raises: ValueError that names the line of broken JSON, or the key that does not hold what it should.
"""

from __future__ import annotations

import json
from typing import Any

from jangin.errors import BadSchedule, nearest
from jangin.line.shop.instance import Instance, Mode, Operation

__all__ = ["instances_of_json"]

_KEYS = ("duration_matrix", "machines_matrix", "jobs", "machines", "permutation", "release", "due", "weight", "name")
_IGNORED = ("metadata",)


def instances_of_json(text: str, name: str) -> dict[str, Instance]:
    """All instances of a JSON text by name; a single one that has no name is called `name`."""
    try:
        values = json.loads(text)
    except json.JSONDecodeError as e:
        raise ValueError(f"line {e.lineno}: the JSON is broken or ends early ({e.msg})") from e
    except RecursionError as e:
        raise ValueError("line 1: the JSON is nested too deeply to be an instance") from e
    if not isinstance(values, dict) or not values:
        raise ValueError("line 1: a JSON object belongs here, one instance or several by name")
    if values.keys() & {"duration_matrix", "machines_matrix", "jobs"}:
        own = values.get("name", name)
        if not isinstance(own, str):
            raise ValueError("key 'name': text belongs here")
        return {own: _instance(values, own)}
    return {key: _instance(entry, key) for key, entry in values.items()}


def _instance(entry: Any, name: str) -> Instance:
    if not isinstance(entry, dict):
        raise ValueError(f"key {name!r}: an object with duration_matrix and machines_matrix belongs here")
    for key in entry:
        if key not in _KEYS + _IGNORED:
            hint = nearest(key, _KEYS)
            raise ValueError(f"key {name!r}: unknown key {key!r}{f' (is it {hint!r}?)' if hint else ''}")
    jobs = _modes(entry, name) if "jobs" in entry else _matrices(entry, name)
    top = max((m for job in jobs for modes in job for m, _ in modes), default=-1)
    permutation = entry.get("permutation", False)
    if not isinstance(permutation, bool):
        raise ValueError(f"key {name!r}, permutation: true or false belongs here")
    lists = {key: tuple(_list(entry.get(key, []), f"key {name!r}, {key}")) for key in ("release", "due", "weight")}
    try:
        return Instance(
            name, _whole(entry.get("machines", top + 1), f"key {name!r}, machines"), jobs, permutation, **lists
        )
    except BadSchedule as e:
        raise ValueError(f"key {name!r}: {str(e).removeprefix(f'{name}: ').rstrip('.')}") from e


def _matrices(entry: dict[str, Any], name: str) -> tuple[tuple[Operation, ...], ...]:
    for key in ("duration_matrix", "machines_matrix"):
        if key not in entry:
            raise ValueError(f"key {name!r}: {key} is missing")
    durations, machines = (_list(entry[k], f"key {name!r}, {k}") for k in ("duration_matrix", "machines_matrix"))
    if len(durations) != len(machines):
        raise ValueError(f"key {name!r}: {len(durations)} rows of durations and {len(machines)} of machines")
    jobs = []
    for j, (ds, ms) in enumerate(zip(durations, machines, strict=True)):
        where = f"key {name!r}, row {j}"
        ds, ms = _list(ds, where), _list(ms, where)
        if len(ds) != len(ms):
            raise ValueError(f"{where}: {len(ds)} durations and {len(ms)} machines")
        jobs.append(
            tuple(
                tuple(Mode(_whole(m, where), _whole(d, where)) for m in (who if isinstance(who, list) else [who]))
                for d, who in zip(ds, ms, strict=True)
            )
        )
    return tuple(jobs)


def _modes(entry: dict[str, Any], name: str) -> tuple[tuple[Operation, ...], ...]:
    jobs = []
    for j, job in enumerate(_list(entry["jobs"], f"key {name!r}, jobs")):
        operations = []
        for k, modes in enumerate(_list(job, f"key {name!r}, jobs[{j}]")):
            where = f"key {name!r}, jobs[{j}][{k}]"
            pairs = [_list(pair, where) for pair in _list(modes, where)]
            if any(len(pair) != 2 for pair in pairs):
                raise ValueError(f"{where}: pairs of [machine, duration] belong here")
            operations.append(tuple(Mode(_whole(m, where), _whole(d, where)) for m, d in pairs))
        jobs.append(tuple(operations))
    return tuple(jobs)


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{where}: a list belongs here, not {str(value)[:30]!r}")
    return value


def _whole(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{where}: a whole number belongs here, not {str(value)[:30]!r}; count in a smaller tick")
    return value
