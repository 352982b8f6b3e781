"""A session: one bundle, one plant, a number of trials, one record.

    log = run("peg-insert.bundle", on="sim", task=PegInsert(), trials=100, seed=1, trust="signing.key.pub")
    log.trials.successes, log.deadline_misses, log.limits["force_n"].over, log.notes

The record is the trials table, with these columns more in every row: `verdict` (of the bundle: a row of a policy that
was not qualified says so), `limits_exceeded` (names, comma-separated), `latency_p50_ms`, `latency_p99_ms` and
`deadline_misses`. Everything but the measured times is a function of (bundle, task, seed, trial number).

What it does not do: stop a machine. Limits are recorded here; no sentence of a record is a safety function.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jangin.bundle import NOT_A_SAFETY_FUNCTION, Opened, read
from jangin.errors import JanginError, Refused, UnknownName
from jangin.record import RunFolder
from jangin.run.plant import Plant, SimPlant
from jangin.run.player import Player
from jangin.task import Array, Task, Trials, canonical_json

__all__ = ["LimitUse", "Log", "run"]

MACHINES = 16  # simulations in lock-step; results do not depend on it
_UNITS = {"latency_p50_ms": "ms", "latency_p99_ms": "ms"}


@dataclass(frozen=True)
class LimitUse:
    """How one limit was used: its value, the highest peak seen, and in how many trials it was exceeded."""

    limit: float
    peak: float
    over: int


@dataclass(frozen=True)
class Log:
    """What a session was, and what came of it.

    Attributes:
        trials: the rows.
        bundle, bundle_sha256, name, version: what ran.
        verdict: of the bundle: QUALIFIED, or what it was run in spite of.
        signer, pinned: fingerprint of who signed it, and whether that was the signer asked for.
        plant, provider, seed: where and how it ran.
        deadline_ms, latency_p50_ms, latency_p99_ms, latency_max_ms, deadline_misses: of all control steps; measured.
        limits: use of every limit that has a recorded peak, by name.
        limits_not_recorded: names of the limits that have none.
        notes: what a reader must know, one sentence each.
        interrupted: whether it ended before all its trials were done.
        run_dir: where it was written; "" when it was not.
    """

    trials: Trials
    bundle: str
    bundle_sha256: str
    name: str
    version: str
    verdict: str
    signer: str
    pinned: bool
    plant: str
    provider: str
    seed: int
    deadline_ms: float
    latency_p50_ms: float
    latency_p99_ms: float
    latency_max_ms: float
    deadline_misses: int
    limits: Mapping[str, LimitUse] = field(default_factory=dict)
    limits_not_recorded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    run_dir: str = ""

    @property
    def successes(self) -> int:
        """How many trials succeeded."""
        return self.trials.successes


def run(
    bundle: str | Path,
    *,
    on: Literal["sim"] = "sim",
    task: Task,
    trials: int,
    seed: int,
    trust: str | Path | None = None,
    provider: str = "CPUExecutionProvider",
    allow_unqualified: bool = False,
    threads: int = 0,
    folder: RunFolder | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> Log:
    """Run trials 0 .. trials - 1 of the stream (task, seed, "run") with the policy of a bundle.

    Args:
        bundle: the file.
        on: the plant; "sim" is the task's simulated cell.
        task: what the plant does, with the fields the bundle was qualified with.
        trials: how many attempts, >= 1.
        seed: of the conditions and the noise.
        trust: the signer to insist on, a fingerprint or the file of a public key; None takes any and notes it.
        provider: ONNX Runtime's execution provider; the policy runs on this one or not at all.
        allow_unqualified: run a bundle whose verdict is not QUALIFIED; every row says so.
        threads: of the simulator; 0 is one per core. Nothing but the time depends on it.
        folder: an empty run folder for trials.parquet and log.json; finished trials are kept when it is interrupted.
        progress: called after every block of trials with (done, trials, successes).

    Raises: Refused when the bundle will not start here, UnknownName for an unknown plant, JanginError for a bad count.
    """
    if on != "sim":
        raise UnknownName("plant", on, ["sim"])
    if trials < 1:
        raise JanginError(f"A session of {trials} trials does nothing; give --trials of 1 or more.")
    opened = read(bundle, trust=trust)
    verdict = opened.manifest["verdict"]["verdict"]
    if verdict != "QUALIFIED" and not allow_unqualified:
        raise Refused(f"{bundle} is {verdict}: it does not run. To run it in spite of that, say --allow-unqualified.")
    player = Player(opened, provider=provider)
    plant = SimPlant(task, seed=seed, machines=min(MACHINES, trials), threads=threads)
    player.check_fits(plant)
    session = _Session(player, plant, seed=seed, folder=folder)
    try:
        for first in range(0, trials, plant.machines):
            session.attempt(np.arange(first, min(first + plant.machines, trials)))
            if progress is not None:
                progress(session.done, trials, session.successes)
    except (
        BaseException
    ):  # Ctrl-C, a broken plant: whatever it was, the trials that ended are kept before it goes on its way
        session.close(interrupted=True)
        raise
    log = session.close()
    assert log is not None
    return log


class _Session:
    """Rows and times of the trials done so far."""

    def __init__(self, player: Player, plant: Plant, *, seed: int, folder: RunFolder | None) -> None:
        self._player, self._plant, self._seed, self._folder = player, plant, seed, folder
        self._manifest = player.opened.manifest
        self._deadline_ms = float(self._manifest["timing"]["deadline_ms"])
        self._parts: list[Trials] = []
        self._latency_ms: list[Array] = []
        self.done = self.successes = 0

    def attempt(self, trials: Array) -> None:
        """Do these trials to their ends; the policy is called once per machine and period, as on a real one."""
        plant, player = self._plant, self._player
        plant.reset(trials)
        running = np.arange(len(trials))
        action = np.zeros((plant.machines, player.nact), np.float32)
        latency_ms: list[list[float]] = [[] for _ in trials]
        while running.size:
            seen = plant.observe()
            for i in running:
                began = time.perf_counter_ns()
                action[i] = player.act(seen[i])
                latency_ms[i].append((time.perf_counter_ns() - began) / 1e6)
            running = running[~plant.act(action, running)]
        self._keep(plant.record(), [np.array(ms) for ms in latency_ms])

    def _keep(self, rows: Trials, latency_ms: list[Array]) -> None:
        n = len(rows)
        over = {name: exceeded for name, _, _, exceeded in _limits(self._manifest["limits"], rows)}
        columns = {
            **rows.columns,
            "verdict": np.full(n, self._manifest["verdict"]["verdict"], dtype=object),
            "limits_exceeded": np.array([",".join(k for k, v in over.items() if v[i]) for i in range(n)], dtype=object),
            "latency_p50_ms": np.array([_quantile(ms, 50) for ms in latency_ms]),
            "latency_p99_ms": np.array([_quantile(ms, 99) for ms in latency_ms]),
            "deadline_misses": np.array([np.sum(ms > self._deadline_ms) for ms in latency_ms], np.int64),
        }
        self._parts.append(dataclasses.replace(rows, columns=columns, units={**rows.units, **_UNITS}))
        self._latency_ms += latency_ms
        self.done, self.successes = self.done + n, self.successes + rows.successes

    def close(self, *, interrupted: bool = False) -> Log | None:
        """The log of what was done, written to the folder if there is one; None when nothing was."""
        if not self._parts:
            return None
        opened, identity = self._player.opened, self._manifest["identity"]
        rows = Trials.concat(self._parts)
        ms = np.concatenate(self._latency_ms)
        uses = _limits(self._manifest["limits"], rows)
        log = Log(
            trials=dataclasses.replace(rows, meta={**rows.meta, **self._meta()}),
            bundle=str(opened.bundle.path),
            bundle_sha256=opened.bundle.sha256,
            name=identity["name"],
            version=identity["version"],
            verdict=self._manifest["verdict"]["verdict"],
            signer=opened.bundle.signer,
            pinned=opened.pinned,
            plant=self._plant.name,
            provider=self._player.provider,
            seed=self._seed,
            deadline_ms=self._deadline_ms,
            latency_p50_ms=_quantile(ms, 50),
            latency_p99_ms=_quantile(ms, 99),
            latency_max_ms=float(ms.max()),
            deadline_misses=int(np.sum(ms > self._deadline_ms)),
            limits={name: LimitUse(limit, float(peak.max()), int(over.sum())) for name, limit, peak, over in uses},
            limits_not_recorded=tuple(k for k in self._manifest["limits"] if k not in {u[0] for u in uses}),
            notes=_notes(opened),
            interrupted=interrupted,
            run_dir=str(self._folder.path) if self._folder else "",
        )
        if self._folder:
            _write(self._folder, log)
        return log

    def _meta(self) -> dict[str, Any]:
        opened = self._player.opened
        return {
            "policy": "policy.onnx",
            "bundle_sha256": opened.bundle.sha256,
            "verdict": self._manifest["verdict"]["verdict"],
            "signer": opened.bundle.signer,
            "pinned": opened.pinned,
            "plant": self._plant.name,
            "provider": self._player.provider,
        }


def _quantile(ms: Array, percent: float) -> float:
    """A latency that was really measured and is at least the quantile: never an interpolated, friendlier one."""
    return float(np.percentile(ms, percent, method="higher"))


def _limits(limits: Mapping[str, Any], rows: Trials) -> list[tuple[str, float, Array, Array]]:
    """(name, limit, peaks, exceeded) of every limit `x` whose peaks are in the column `peak_x`."""
    found = []
    for name, limit in limits.items():
        peak = rows.columns.get(f"peak_{name}")
        if peak is not None and isinstance(limit, (int, float)):
            # written so that a NaN counts as exceeded
            found.append((name, float(limit), peak, ~(peak <= limit)))
    return found


def _notes(opened: Opened) -> tuple[str, ...]:
    verdict = opened.manifest["verdict"]["verdict"]
    notes = [NOT_A_SAFETY_FUNCTION]
    if not opened.pinned:
        notes.append(
            f"The signer was not pinned: anybody could have signed this bundle. It was {opened.bundle.signer}."
        )
    if verdict != "QUALIFIED":
        notes.append(f"The verdict of this bundle is {verdict}: it ran because it was told to.")
    return tuple(notes)


def _write(folder: RunFolder, log: Log) -> None:
    folder.write_trials("trials.parquet", log.trials)
    plain = {f.name: getattr(log, f.name) for f in dataclasses.fields(log) if f.name not in ("trials", "limits")}
    uses = {k: {"limit": u.limit, "peak": u.peak, "over": u.over} for k, u in log.limits.items()}
    counts = {"trials": len(log.trials), "successes": log.successes, "invalid": int(log.trials.invalid.sum())}
    values = {"schema": "jangin-log/1", **counts, **plain, "limits": uses}
    folder.write_json("log.json", json.loads(canonical_json(values)))  # a peak of inf or nan becomes text
    folder.seal()
