"""What a run folder says, read once and tolerant of what is missing.

    run = read(RunFolder.open("runs/peg"))
    run.verdict["sentence"], run.claims[0].claim, run.trials, run.baselines["expert"]

`evidence/verdict.json` must be there; everything else may be absent and is then said to be "not recorded".
A damaged file raises BadFolder naming it. Nothing here computes: see `proof` and `behaviour`.
"""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from jangin.claim import Claim
from jangin.errors import BadClaim, BadFolder
from jangin.record import RunFolder, sha256_file
from jangin.report.wording import Shown, shown
from jangin.task import SUCCESS, Array, Trials

__all__ = ["ClaimRow", "Run", "declared_values", "read", "real"]

_NOT_PEAKS = {"trial", "seed", "cycle_s", "margin"}


@dataclass(frozen=True)
class ClaimRow:
    """One claim of the verdict: its text, the claim (None where that cannot be read) and what was recorded of it."""

    text: str
    claim: Claim | None
    result: Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """One run folder's content; see the module.

    Attributes:
        path: the folder as it was given, for commands.
        task: the task's declaration; empty where there is none.
        verdict, plan: as recorded.
        claims: the verdict's claims.
        trials: the evidence; None where there is none.
        baselines: other policies' trials by name, in the recorded order.
        curve: the learning curve's columns by name, (nrows,) float64 with NaN where a cell is empty or no number.
        explained, mapped: what `explain` found, and the trials of its map; empty and None where it was not asked.
        hashes: sha256 of every file by name, taken now.
        written: the day the verdict's file was written (UTC), from the file itself: records hold no time.
    """

    path: str
    task: Mapping[str, Any]
    verdict: Mapping[str, Any]
    plan: Mapping[str, Any]
    claims: tuple[ClaimRow, ...]
    trials: Trials | None
    baselines: Mapping[str, Trials] = field(default_factory=dict)
    curve: Mapping[str, Array] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    explained: Mapping[str, Any] = field(default_factory=dict)
    mapped: Trials | None = None
    written: str = ""

    @property
    def invalid(self) -> bool:
        """Whether the evidence is none, so that nothing may be concluded from its numbers."""
        return self.verdict["verdict"] == "INVALID"

    @property
    def named(self) -> str:
        """What a command on this folder names beside it, since nothing is imported because a folder says so."""
        words, task, model = "", str(self.task.get("name", "")), self.task.get("model") or {}
        package = str(model.get("entry_point", "")).partition(":")[0].partition(".")[0]
        if task.startswith("gym:") and package not in ("", "gymnasium"):
            words += f" --task {shlex.quote('gym:' + package + ':' + task.removeprefix('gym:'))}"
        policy = str((self.plan.get("policy") or {}).get("name", ""))
        return words + (f" --policy {shlex.quote(policy)}" if ":" in policy else "")

    @property
    def conditions(self) -> list[Mapping[str, Any]]:
        """The declared conditions: {name, unit, doc, distribution}."""
        found = self.task.get("conditions") or []
        return [c for c in found if isinstance(c, Mapping) and "name" in c]

    @property
    def limits(self) -> dict[str, float]:
        """The declared scalar limits by name, e.g. {"force_n": 60.0}."""
        limits = self.task.get("limits") or {}
        return {str(k): float(v) for k, v in limits.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}

    @property
    def peaks(self) -> list[str]:
        """The recorded columns that are neither a condition, nor the cycle time, nor the margin."""
        if self.trials is None:
            return []
        drop = _NOT_PEAKS | {str(c["name"]) for c in self.conditions}
        return [k for k, v in self.trials.columns.items() if k not in drop and np.asarray(v).dtype.kind == "f"]

    def unit(self, name: str) -> str:
        """The unit of a column, "" where none is recorded."""
        declared = {**(self.task.get("columns") or {}), **{str(c["name"]): c.get("unit", "") for c in self.conditions}}
        recorded = self.trials.units if self.trials is not None else {}
        return str(recorded.get(name, declared.get(name, "")))

    def valid(self, trials: Trials | None) -> Trials:
        """The rows that the engine vouches for; an empty table for None."""
        if trials is None:
            return Trials({"outcome": np.zeros(0, object)})
        keep = ~trials.invalid
        return Trials({k: v[keep] for k, v in trials.columns.items()}, trials.units, trials.meta)

    def shown(self, name: str, values: Array) -> Shown:
        """How to show column `name`; a condition in the unit that suits its declared range, so that all parts agree."""
        condition = next((c for c in self.conditions if str(c["name"]) == name), None)
        ends = declared_values(condition) if condition is not None else []
        return shown(name, self.unit(name), np.array(ends) if ends else values)

    def lines(self, column: str) -> list[tuple[float, str]]:
        """Thresholds of the claims and the task's limit on a column: (value, what it is)."""
        found = [(row.claim.threshold, f"claim q{100 * row.claim.p0:g}") for row in self.claims_on(column)]
        name = column.removeprefix("peak_") if column.startswith("peak_") else ""
        limit = self.limits.get(name, self.limits.get(f"tool_{name}"))  # peak_speed_m_s is the tool's
        if column == "cycle_s" and isinstance(self.task.get("limit_s"), (int, float)):
            limit = float(self.task["limit_s"])
        return found if limit is None else [*found, (limit, "limit")]

    def claims_on(self, column: str) -> list[Any]:
        """The readable claims about a column's threshold."""
        return [
            r for r in self.claims if r.claim is not None and r.claim.column == column and r.claim.kind != "success"
        ]


def declared_values(condition: Mapping[str, Any]) -> list[float]:
    """The numbers in a condition's declared distribution: its ends, its value or its choices."""
    d = condition.get("distribution") or {}
    found = [real(v) for v in (d.get("low"), d.get("high"), d.get("value"), *(d.get("values") or []))]
    return [v for v in found if v is not None]


def real(value: Any) -> float | None:
    """A recorded number as a float, also one written as text ("inf"); None for what is none."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _declaration(folder: RunFolder, plan: Mapping[str, Any]) -> Mapping[str, Any]:
    """The task as the evidence ran it, from the plan; else as the folder declares it."""
    if isinstance(plan.get("declaration"), Mapping):
        return plan["declaration"]
    if not folder.has("task.json"):
        return {}
    found = folder.read_json("task.json")
    if isinstance(found, Mapping) and isinstance(found.get("declaration"), Mapping):
        return {**found, **found["declaration"]}
    return found if isinstance(found, Mapping) else {}


def _plan(folder: RunFolder) -> Mapping[str, Any]:
    if not folder.has("evidence/plan.yaml"):
        return {}
    import yaml

    try:
        found = yaml.safe_load(folder.read_text("evidence/plan.yaml"))
    except yaml.YAMLError as e:
        raise BadFolder(f"{folder / 'evidence/plan.yaml'} is damaged: {' '.join(str(e).split())}.") from e
    return found if isinstance(found, Mapping) else {}


def _claims(verdict: Mapping[str, Any]) -> tuple[ClaimRow, ...]:
    rows = []
    for result in verdict.get("claims") or []:
        text = str(result.get("claim", ""))
        try:
            claim: Claim | None = Claim.parse(text)
        except BadClaim:
            claim = None  # written by another version: shown as it is, without a threshold
        rows.append(ClaimRow(text, claim, result))
    return tuple(rows)


def _baselines(folder: RunFolder) -> dict[str, Trials]:
    """The baselines' tables by name, in the order of their first row."""
    name = "evidence/baselines.parquet"
    if not folder.has(name):
        return {}
    table = folder.read_trials(name)
    if "policy" not in table.columns:
        raise BadFolder(f"{folder / name} has no column 'policy', so its rows belong to nobody.")
    labels = [str(p) for p in table["policy"]]
    rows = {label: np.array([p == label for p in labels]) for label in dict.fromkeys(labels)}
    return {
        k: Trials({c: v[keep] for c, v in table.columns.items()}, table.units, table.meta) for k, keep in rows.items()
    }


def _number(cell: str | None) -> float:
    try:
        return float(cell or "nan")
    except ValueError:
        return float("nan")


def _curve(folder: RunFolder) -> dict[str, Array]:
    if not folder.has("curve.csv"):
        return {}
    rows = list(csv.DictReader(io.StringIO(folder.read_text("curve.csv"))))
    names: Iterable[str] = [k for k in (rows[0] if rows else {}) if k]
    return {name.strip(): np.array([_number(row.get(name)) for row in rows]) for name in names}


def read(folder: RunFolder) -> Run:
    """Everything a report needs; raises BadFolder when there is no verdict or a file is damaged."""
    verdict = folder.read_json("evidence/verdict.json")
    if not isinstance(verdict, Mapping) or "verdict" not in verdict:
        raise BadFolder(f"{folder / 'evidence/verdict.json'} holds no verdict. Run qualify again.")
    trials = folder.read_trials("evidence/trials.parquet") if folder.has("evidence/trials.parquet") else None
    if trials is not None and "outcome" not in trials.columns:
        raise BadFolder(f"{folder / 'evidence/trials.parquet'} has no column 'outcome' ({SUCCESS!r} or why it failed).")
    plan = _plan(folder)
    return Run(
        path=str(folder.path),
        task=_declaration(folder, plan),
        verdict=verdict,
        plan=plan,
        claims=_claims(verdict),
        trials=trials,
        baselines=_baselines(folder),
        curve=_curve(folder),
        explained=folder.read_json("explain/explain.json") if folder.has("explain/explain.json") else {},
        mapped=folder.read_trials("explain/map.parquet") if folder.has("explain/map.parquet") else None,
        hashes={n: sha256_file(folder / n) for n in folder.files() if n != "report.html"},
        written=datetime.fromtimestamp((folder / "evidence/verdict.json").stat().st_mtime, UTC).date().isoformat(),
    )
