"""The best bounds that have been published for classic instances, with source and date: only to report a gap to them.

    known = best_known(instance)            # BestKnown("abz8", 667, 667, "ScheduleOpt/benchmarks, ...", "2026-08-19")
    known.gap(680)                          # 0.0195: 680 is 1.95 % above the best known makespan

Nothing is decided by this table. It is our own, in best_known.csv, because the bounds that travel with instance files
are wrong in places: abz8 is often given 645 to 665, and 667 is proven optimal. An instance is taken for a classic one
by its name and by its numbers of jobs and machines; a file that borrows a name is not compared unless those agree too.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from pathlib import Path

from jangin.line.shop.instance import Instance

__all__ = ["BestKnown", "best_known", "best_known_table"]

_TABLE = Path(__file__).with_name("best_known.csv")


@dataclass(frozen=True)
class BestKnown:
    """Published bounds of one instance's makespan, where they were read, and when that was as it says."""

    name: str
    jobs: int
    machines: int
    lower_bound: int
    upper_bound: int
    source: str
    date: str

    @property
    def closed(self) -> bool:
        """Whether the optimum is known."""
        return self.lower_bound == self.upper_bound

    def gap(self, makespan: int) -> float:
        """(makespan - best known)/best known; below 0 where it is better than anything published."""
        return (makespan - self.upper_bound) / self.upper_bound


@functools.cache
def best_known_table() -> dict[str, BestKnown]:
    """All rows by name; read once."""
    with open(_TABLE, encoding="utf-8", newline="") as f:
        return {
            r["name"]: BestKnown(
                r["name"],
                int(r["jobs"]),
                int(r["machines"]),
                int(r["lower_bound"]),
                int(r["upper_bound"]),
                r["source"],
                r["date"],
            )
            for r in csv.DictReader(f)
        }


def best_known(instance: Instance) -> BestKnown | None:
    """The published bounds of a classic instance, or None for any other."""
    row = best_known_table().get(instance.name.lower())
    if row is None or (row.jobs, row.machines) != (len(instance.jobs), instance.machines) or instance.permutation:
        return None
    return row
