"""What a part of the benchmark gives: rows of a table, each a measured number and what it is compared with.

    row = Row("peg-insert, training", "steps/s", values, against="5,000 steps/s", ratio=1.08, target=1.0)
    row.reached                        # True
    print(table([row]))

A row without a target is for information. A ratio says how many times better than what it is compared with, unless
`less_is_better`. `bound` is set where one side did not get there in the time it had, so that the ratio is one-sided.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from jangin.engine.rollout import chip

__all__ = ["Row", "Watch", "machine", "table"]

OURS = ("jangin", "mujoco", "numpy", "numba", "onnxruntime", "torch")
THEIRS = ("gymnasium", "highway-env", "stable-baselines3", "rsl-rl-lib", "simpy", "salabim")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: what was measured.
        unit: of `values`.
        values: every run's number, in the order they were measured; inf for a run that did not get there.
        against: what the ratio refers to, in words.
        ratio: the comparison; None where there is nothing to compare.
        target: what the ratio should reach; None for a row that is only for information.
        less_is_better: whether the ratio should stay at or below the target.
        timed: whether it depends on how fast and how busy the machine is; `--quick` does not judge such a row.
        bound: ">" or "<" where the true ratio is known to be on that side of `ratio` only.
        note: one thing worth saying.
        details: anything else worth keeping in the file.
    """

    what: str
    unit: str
    values: Sequence[float]
    against: str = ""
    ratio: float | None = None
    target: float | None = None
    less_is_better: bool = False
    timed: bool = True
    bound: str = ""
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The median of the runs."""
        return statistics.median(self.values)

    @property
    def reached(self) -> bool | None:
        """Whether the target was reached; None without a target, or where a bound leaves it open."""
        if self.target is None or self.ratio is None:
            return None
        reached = self.ratio <= self.target if self.less_is_better else self.ratio >= self.target
        open_side = "<" if reached != self.less_is_better else ">"
        return None if self.bound == open_side else reached

    def plain(self) -> dict[str, Any]:
        """The row as plain values, for JSON: a number that is not finite becomes a text."""
        row = {**dataclasses.asdict(self), "median": self.value, "reached": self.reached}
        return {name: _finite(value) for name, value in row.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not abs(value) < float("inf"):
        return repr(value)
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value


class Watch:
    """Adds up wall-clock and processor time of the blocks it is around.

    Attributes:
        wall_s: seconds that passed.
        cpu_s: seconds of all this process's threads; on a busy machine it says more.
    """

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0

    def __enter__(self) -> Watch:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s += time.perf_counter() - self._wall
        self.cpu_s += time.process_time() - self._cpu


def machine() -> dict[str, Any]:
    """Where and when: processor, cores this process may use, load, versions, date."""
    versions = {}
    for name in (*OURS, *THEIRS):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "chip": chip(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_1_min": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": versions,
    }


def table(rows: Iterable[Row]) -> str:
    """The rows as text, columns aligned."""
    head = ("what", "median", "unit", "ratio", "to", "target", "")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(head))]
    right = {1, 3}

    def aligned(line: Sequence[str]) -> str:
        cells = (c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(line, widths, strict=True)))
        return "  ".join(cells).rstrip()

    return "\n".join(aligned(line) for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else f"{row.bound}{row.ratio:.2f}"
    target = "" if row.target is None else f"{'<=' if row.less_is_better else '>='} {row.target:g}"
    verdict = {True: "reached", False: "MISSED", None: "" if row.target is None else "open"}[row.reached]
    return (
        row.what,
        _number(row.value),
        row.unit,
        ratio,
        row.against,
        target,
        "; ".join(part for part in (verdict, row.note) if part),
    )


def _number(value: float) -> str:
    if value != value or abs(value) == float("inf"):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
