"""The text formats of scheduling instances; `instance_file` says what they are and how they are told apart.

    instances_of_text("2 2\\n0 3 1 2\\n1 4 0 2\\n", "tiny")       # a list: Taillard's and Beasley's files hold several

Raises: ValueError that begins with "line 7" and says what belongs there.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

from jangin.line.shop.instance import Instance, Mode, Operation, flow_shop, job_shop

__all__ = ["instances_of_text"]

_MOST = 10_000_000  # operations: more than any memory here holds


class _Line(NamedTuple):
    number: int
    tokens: list[str]

    @property
    def numeric(self) -> bool:
        return re.fullmatch(r"[-+]?\.?\d.*", self.tokens[0]) is not None


class _Row(NamedTuple):
    line: int
    values: list[int]


class _Head(NamedTuple):
    line: int
    jobs: int
    machines: int
    extra: int  # how many numbers follow those two


def instances_of_text(text: str, name: str) -> list[Instance]:
    """All instances of a text, in its order; those without a name of their own are called `name`."""
    found: list[Instance] = []
    own, at = name, 0
    lines = [_Line(k, s.split()) for k, s in enumerate(text.splitlines(), 1) if s.strip() and s.lstrip()[0] != "#"]
    while at < len(lines):
        if not lines[at].numeric:
            named = re.search(r"\binstance\s+([\w.-]+)\s*$", " ".join(lines[at].tokens))
            own = named[1] if named else own
            at += 1
            continue
        head = _head(lines[at])
        instance, at = _one(lines, at + 1, head, own)
        found.append(instance)
        own = name
    if not found:
        last = lines[-1].number if lines else 1
        raise ValueError(f"line {last}: the file ends without an instance, which begins with 'jobs machines'")
    return found


def _one(lines: list[_Line], at: int, head: _Head, name: str) -> tuple[Instance, int]:
    """The instance whose first line is read, and where the next begins."""
    word = " ".join(lines[at].tokens).lower() if at < len(lines) and not lines[at].numeric else ""
    if "time" in word and "process" in word:
        rows, at = _block(lines, at + 1, head, "processing times")
        _matrix(rows, head.machines, head.jobs, head, "machines")
        return flow_shop(
            [list(job) for job in zip(*(r.values for r in rows), strict=True)], permutation=True, name=name
        ), at
    if "time" in word:
        times, at = _block(lines, at + 1, head, "Times")
        if at == len(lines) or "machine" not in " ".join(lines[at].tokens).lower():
            where = lines[at].number if at < len(lines) else lines[-1].number
            raise ValueError(f"line {where}: after {len(times)} rows of Times, 'Machines' and as many rows belong here")
        machines, at = _block(lines, at + 1, head, "Machines")
        return _two_matrices(times, machines, head, name), at
    rows, at = _block(lines, at, head, "rows of jobs")
    return _numbers_only(rows, head, name), at


def _head(line: _Line) -> _Head:
    """The line that says how many jobs and machines there are."""
    if len(line.tokens) < 2:
        raise ValueError(f"line {line.number}: one number where 'jobs machines' belongs, as '6 6'")
    jobs, machines = (_whole(t, line.number) for t in line.tokens[:2])
    if not (jobs >= 1 and machines >= 1 and jobs * machines <= _MOST):
        raise ValueError(f"line {line.number}: {jobs} jobs on {machines} machines; give 1 or more of each")
    return _Head(line.number, jobs, machines, len(line.tokens) - 2)


def _block(lines: list[_Line], at: int, head: _Head, what: str) -> tuple[list[_Row], int]:
    """The rows of numbers from here to the next words or the end."""
    rows = []
    while at < len(lines) and lines[at].numeric:
        rows.append(_Row(lines[at].number, [_whole(t, lines[at].number) for t in lines[at].tokens]))
        at += 1
    if not rows:
        where = lines[min(at, len(lines) - 1)].number
        raise ValueError(f"line {where}: {what} belong after line {head.line}, and there are none")
    return rows, at


def _numbers_only(rows: list[_Row], head: _Head, name: str) -> Instance:
    """Pairs, two matrices or alternatives: whichever the rows fit."""
    if head.extra == 1:
        return _flexible(rows, head, name)
    if head.extra:
        raise ValueError(f"line {head.line}: {head.extra + 2} numbers where 'jobs machines' belongs, as '6 6'")
    wide = [len(r.values) == 2 * head.machines for r in rows]
    if len(rows) == 2 * head.jobs and not any(wide) and all(len(r.values) == head.machines for r in rows):
        return _two_matrices(rows[: head.jobs], rows[head.jobs :], head, name)
    if all(wide) and all(len({*r.values[::2]}) == head.machines for r in rows):
        return _pairs(rows, head, name)
    try:
        return _flexible(rows, head, name)
    except ValueError:
        if sum(wide) * 2 >= len(rows) or head.jobs == 1:
            return _pairs(rows, head, name)
        raise


def _pairs(rows: list[_Row], head: _Head, name: str) -> Instance:
    _matrix(rows, head.jobs, 2 * head.machines, head, "jobs")
    machines = _numbered([_Row(r.line, r.values[::2]) for r in rows], head, from_one=False)
    return _shop([r.values[1::2] for r in rows], machines, head, name)


def _two_matrices(times: list[_Row], machines: list[_Row], head: _Head, name: str) -> Instance:
    _matrix(times, head.jobs, head.machines, head, "jobs")
    _matrix(machines, head.jobs, head.machines, head, "jobs")
    return _shop([r.values for r in times], _numbered(machines, head, from_one=True), head, name)


def _shop(durations: list[list[int]], machines: list[list[int]], head: _Head, name: str) -> Instance:
    return replace(job_shop(durations, machines, name=name), machines=head.machines)


def _flexible(rows: list[_Row], head: _Head, name: str) -> Instance:
    """Rows of: operations, then for each of them alternatives, then for each of those machine and duration."""
    _count(rows, head.jobs, head, "jobs")
    raw: list[list[list[tuple[int, int]]]] = []
    for line, values in rows:
        job, at = [], 1
        for k in range(values[0]):
            alternatives = values[at] if at < len(values) else 0
            pairs = values[at + 1 : at + 1 + 2 * max(0, alternatives)]
            if alternatives < 1 or len(pairs) < 2 * alternatives:
                raise ValueError(
                    f"line {line}: the row ends in operation {k + 1} of {values[0]}; an operation is 'alternatives', "
                    "then so many pairs of machine and duration"
                )
            job.append(list(zip(pairs[::2], pairs[1::2], strict=True)))
            at += 1 + 2 * alternatives
        if at != len(values) or not job:
            raise ValueError(f"line {line}: {len(values)} numbers where the first, {values[0]} operations, takes {at}")
        raw.append(job)
    flat = [_Row(r.line, [m for modes in job for m, _ in modes]) for r, job in zip(rows, raw, strict=True)]
    numbered = iter([m for row in _numbered(flat, head, from_one=True) for m in row])
    jobs: list[tuple[Operation, ...]] = [
        tuple(tuple(Mode(next(numbered), d) for _, d in modes) for modes in job) for job in raw
    ]
    return Instance(name, head.machines, tuple(jobs))


def _numbered(rows: list[_Row], head: _Head, *, from_one: bool) -> list[list[int]]:
    """The machines counted from 0, whether the file does so or counts from 1; `from_one` decides where both fit."""
    used = {m for r in rows for m in r.values}
    first = 0 if 0 in used else 1 if head.machines in used or from_one else 0
    for r in rows:
        for m in r.values:
            if not first <= m < head.machines + first:
                raise ValueError(
                    f"line {r.line}: machine {m}, where line {head.line} says {head.machines} machines, "
                    f"numbered {first} to {head.machines - 1 + first}"
                )
    return [[m - first for m in r.values] for r in rows]


def _matrix(rows: list[_Row], height: int, width: int, head: _Head, what: str) -> None:
    for r in rows[:height]:
        if len(r.values) != width:
            raise ValueError(f"line {r.line}: {len(r.values)} numbers where {width} belong, by line {head.line}")
    _count(rows, height, head, what)


def _count(rows: list[_Row], height: int, head: _Head, what: str) -> None:
    if len(rows) < height:
        raise ValueError(f"line {rows[-1].line}: the rows end after {len(rows)} of {height} {what}")
    if len(rows) > height:
        raise ValueError(f"line {rows[height].line}: one row more than the {height} {what} of line {head.line}")


def _whole(token: str, line: int) -> int:
    if re.fullmatch(r"\+?\d{1,18}", token):
        return int(token)
    if re.fullmatch(r"-\d+", token):
        raise ValueError(f"line {line}: {token} is below 0, and no time or machine is")
    if re.fullmatch(r"[-+]?\d*\.\d*", token):
        raise ValueError(f"line {line}: {token} is no whole number; count in a smaller tick")
    raise ValueError(f"line {line}: {token[:20]!r} where a whole number belongs")
