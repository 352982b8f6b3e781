"""Trials under conditions of one's own choice, kept as they are run: none is run twice, and any can be run again.

    chosen = Chosen(task, policy, folder, key=key, seeds={"map": 7, "evidence": 3}, threads=0)
    trials = chosen.run("map", u, numbers, part="map")       # u (n, nconditions) in [0, 1), numbers (n,)
    chosen.tables()                    # all rows with columns part, stream, batch and u:NAME; re-tests in the second
    again(folder, row, task, policy)                         # one row of explain/map.parquet, bit for bit

A stream is a purpose: trial 12 of the stream "evidence" has the noise of the evidence's trial 12, wherever its
conditions are put. Rows are run in batches of BLOCK, and a batch is run again as a whole, because a policy's network
may round differently in other company. Interrupted, finished batches stay in the hidden folder .explain; a later call
takes what it asks for from there and from the tables of an earlier explanation of the same plan and seed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jangin.engine.probe import Probe
from jangin.errors import BadFolder
from jangin.evidence import differing
from jangin.record import RunFolder
from jangin.task import SUCCESS, Array, Policy, Task, Trials

__all__ = ["BLOCK", "EXPLAIN", "MAP", "RETEST", "Chosen", "again", "at", "signed"]

EXPLAIN, MAP, RETEST = "explain/explain.json", "explain/map.parquet", "explain/retest.parquet"
BLOCK = 64
_FRESH = "retest"  # the part that has a table of its own
_KEPT = ".explain"  # hidden: a folder's manifest lists no hidden file, so an interruption breaks no seal
_AT = "u:"  # a condition's name cannot begin so


def signed(trials: Trials) -> Array:
    """The margin (n,) with the outcome's sign: negative exactly for failures, NaN for what nobody can vouch for."""
    margin = np.asarray(trials["margin"], float)
    good = np.asarray(trials["outcome"] == SUCCESS)
    tiny = np.finfo(float).tiny
    # a task whose margin is coarser than its outcome says 0 for both: the outcome decides
    margin = np.where(good, np.fmax(margin, 0.0), np.fmin(margin, -tiny))
    return np.where(trials.invalid, np.nan, margin)


def at(table: Trials) -> Array:
    """Where the rows' conditions were put, (n, nconditions) uniforms."""
    return np.stack([v for name, v in table.columns.items() if name.startswith(_AT)], axis=1)


class Chosen:
    """Runs and remembers trials; see the module. `count` is how many rows it has given."""

    def __init__(
        self,
        task: Task,
        policy: Policy,
        folder: RunFolder,
        *,
        key: str,
        seeds: Mapping[str, int],
        threads: int = 0,
        progress: Callable[[str, int], None] | None = None,
    ) -> None:
        self._task, self._policy, self._folder, self._key = task, policy, folder, key
        self._seeds, self._threads, self._progress = seeds, threads, progress
        self._probes: dict[str, Probe] = {}
        self._batches: list[Trials] = []
        self._known = {_asked(batch): batch for batch in self._kept()}
        self._done: dict[str, int] = {}
        self.count = 0

    def run(self, stream: str, u: Array, numbers: Array, *, part: str) -> Trials:
        """A row for each of the conditions u (n, d) under the noise of trials (n,) of a stream, in the order given."""
        u, numbers = np.asarray(u, float), np.asarray(numbers, np.int64)
        parts = []
        for first in range(0, len(u), BLOCK):
            parts.append(self._batch(stream, u[first : first + BLOCK], numbers[first : first + BLOCK], part))
            self.count += len(parts[-1])
            self._done[part] = self._done.get(part, 0) + len(parts[-1])
            if self._progress is not None:
                self._progress(part, self._done[part])
        return Trials.concat(parts)

    def tables(self) -> tuple[Trials, Trials | None]:
        """Every row in the order it was asked for: of the map and all else, and of the re-tests if there were any."""
        fresh = [b for b in self._batches if b["part"][0] == _FRESH]
        return _numbered([b for b in self._batches if b["part"][0] != _FRESH]), _numbered(fresh) if fresh else None

    def row(self, stream: str, u: Array, number: int) -> int:
        """Which row of the first table has these conditions (d,) under the noise of this trial."""
        first = 0
        for batch in self._batches:
            if batch["part"][0] == _FRESH:
                continue
            same = (batch["trial"] == number) & (batch["stream"] == stream) & (at(batch) == u).all(axis=1)
            if same.any():
                return first + int(np.argmax(same))
            first += len(batch)
        raise LookupError(f"no row has trial {number} of {stream!r} there")

    def clear(self) -> None:
        """Delete the batches that an interruption would have gone on from, once the tables are safe."""
        for place in sorted((self._folder / _KEPT).glob("*.parquet")):
            self._folder.remove(f"{_KEPT}/{place.name}")

    def _batch(self, stream: str, u: Array, numbers: Array, part: str) -> Trials:
        asked = (stream, u.tobytes(), numbers.tobytes())
        batch = self._known.get(asked)
        if batch is None:
            if stream not in self._probes:
                self._probes[stream] = self._probe(stream)
            batch = self._labelled(self._probes[stream].run(u, numbers), stream, u)
            self._folder.write_trials(f"{_KEPT}/{len(self._known):06d}.parquet", batch)
            self._known[asked] = batch
        self._batches.append(_with(batch, part=np.full(len(batch), part, object)))
        return self._batches[-1]

    def _probe(self, stream: str) -> Probe:
        return Probe(
            self._task, self._policy, seed=self._seeds[stream], purpose=stream, block=BLOCK, threads=self._threads
        )

    def _labelled(self, trials: Trials, stream: str, u: Array) -> Trials:
        n = len(trials)
        labels = {"part": np.full(n, "", object), "stream": np.full(n, stream, object), "batch": np.zeros(n, np.int64)}
        places = {_AT + name: u[:, k].copy() for k, name in enumerate(self._task.conditions.names)}
        meta = {"task": self._task.name, "policy": self._policy.name, "explain": self._key}
        return Trials({**labels, **trials.columns, **places}, trials.units, meta)

    def _kept(self) -> list[Trials]:
        """Batches of this plan and seed that were finished before."""
        names = [n for n in (MAP, RETEST) if self._folder.has(n)]
        names += [f"{_KEPT}/{p.name}" for p in sorted((self._folder / _KEPT).glob("*.parquet"))]
        tables = [self._folder.read_trials(n) for n in names]
        return [batch for t in tables if t.meta.get("explain") == self._key for batch in _split(t)]


def again(
    folder: RunFolder, row: int, *, task: Task, policy: Policy, threads: int = 0
) -> tuple[Trials, Trials, tuple[str, ...]]:
    """Row `row` of explain/map.parquet as stored and as run again in its batch, and the columns that differ.

    Raises: BadFolder when there is no such row.
    """
    if not folder.has(MAP):
        raise BadFolder(f"{folder.path} has no {MAP}. Run `jangin explain {folder.path}` first.")
    table = folder.read_trials(MAP)
    if not 0 <= row < len(table):
        raise BadFolder(f"There is no point {row} in {folder / MAP}; it holds points 0 to {len(table) - 1:,}.")
    rows = np.flatnonzero(table["batch"] == table["batch"][row])
    batch = _rows(table, rows)
    stream, seed = str(batch["stream"][0]), int(batch["seed"][0])
    probe = Probe(task, policy, seed=seed, purpose=stream, block=BLOCK, threads=threads)
    fresh = probe.run(at(batch), batch["trial"])
    k = int(np.flatnonzero(rows == row)[0])
    stored = _rows(Trials({name: batch[name] for name in fresh.columns}), np.array([k]))
    rerun = _rows(fresh, np.array([k]))
    return stored, rerun, differing(stored, rerun)


def _numbered(batches: list[Trials]) -> Trials:
    return Trials.concat([_with(b, batch=np.full(len(b), k, np.int64)) for k, b in enumerate(batches)])


def _asked(batch: Trials) -> tuple[str, bytes, bytes]:
    return str(batch["stream"][0]), at(batch).tobytes(), np.asarray(batch["trial"], np.int64).tobytes()


def _split(table: Trials) -> list[Trials]:
    return [_rows(table, np.flatnonzero(table["batch"] == k)) for k in np.unique(table["batch"])]


def _rows(table: Trials, rows: Array) -> Trials:
    return dataclasses.replace(table, columns={k: np.asarray(v)[rows] for k, v in table.columns.items()})


def _with(table: Trials, **columns: Any) -> Trials:
    return dataclasses.replace(table, columns={**table.columns, **columns})
