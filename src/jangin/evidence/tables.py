"""Tables of trials beside each other: where they differ, and several policies' trials in one file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from jangin.errors import BadFolder
from jangin.task import Array, Trials

__all__ = ["by_policy", "differing", "distinct", "together"]


def differing(a: Trials, b: Trials, *, ignore: Sequence[str] = ("chip",)) -> tuple[str, ...]:
    """Names of the columns whose values are not the same bits in both tables; the chip is a label, not a value."""
    names = [n for n in dict.fromkeys([*a.columns, *b.columns]) if n not in ignore]
    return tuple(n for n in names if n not in a.columns or n not in b.columns or not _same_bits(a[n], b[n]))


def _same_bits(a: Array, b: Array) -> bool:
    if a.dtype.kind in "OU" or b.dtype.kind in "OU":
        return a.tolist() == b.tolist()
    return a.dtype == b.dtype and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


def together(tables: Mapping[str, Trials]) -> Trials:
    """Several policies' trials as one table with a column `policy`."""
    named = [
        dataclasses.replace(t, columns={**t.columns, "policy": np.full(len(t), name, dtype=object)}, meta={})
        for name, t in tables.items()
    ]
    return Trials.concat(named)


def by_policy(table: Trials) -> dict[str, Trials]:
    """The inverse of `together`; raises BadFolder for a table without the column `policy`."""
    if "policy" not in table.columns:
        raise BadFolder("The baselines have no column 'policy', so their rows belong to nobody. Run qualify again.")
    policies = np.asarray(table["policy"])
    return {
        str(name): dataclasses.replace(
            table, columns={k: v[policies == name] for k, v in table.columns.items() if k != "policy"}
        )
        for name in dict.fromkeys(policies.tolist())
    }


def distinct(column: Array) -> dict[object, Array]:
    """Each value of a column, in the order it first comes, with the rows that have it, (n,) bool."""
    values = column.tolist()
    return {value: np.asarray(column == value) for value in dict.fromkeys(values)}
