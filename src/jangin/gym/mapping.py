"""The mapping of an environment: a small strict file that says what success means and what is recorded.

    schema: jangin-gym-mapping/1
    success: {info: is_success}
    record:
      distance_m: {info: distance, how: last, unit: m}
    margin: {column: distance_m, at_most: 0.05}

    mapping = read_mapping("reach.yaml")          # BadFile names the key and what belongs there

Nothing in the file is executed or imported: keys are looked up, numbers are compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jangin.errors import BadFile
from jangin.schema import read_yaml
from jangin.task import Choice, Condition, Conditions, LogUniform, Uniform

__all__ = ["GymMapping", "Margin", "Recorded", "Success", "read_mapping"]

OWN = ("cycle_s", "margin", "return", "steps")  # columns that every environment has


@dataclass(frozen=True)
class Success:
    """When a trial has succeeded: a true info value, one beyond a bound, or a sum of rewards."""

    info: str = ""
    return_at_least: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    when: Literal["any", "last"] = "any"


@dataclass(frozen=True)
class Recorded:
    """What is kept of an info value over a trial."""

    info: str
    how: Literal["last", "max", "min", "sum", "mean"] = "last"
    unit: str = ""


@dataclass(frozen=True)
class Margin:
    """The signed distance to failure: column - at_least, or at_most - column."""

    column: str
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class GymMapping:
    """What a mapping file says; the empty one says nothing."""

    success: Success | None = None
    failures: Mapping[str, str] = field(default_factory=dict)
    record: Mapping[str, Recorded] = field(default_factory=dict)
    margin: Margin | None = None
    conditions: Conditions = field(default_factory=lambda: Conditions(()))
    into: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # condition -> ("option" or "attribute", name)
    limits: Mapping[str, float] = field(default_factory=dict)
    claims: tuple[str, ...] = ()
    make: Mapping[str, Any] = field(default_factory=dict)
    seconds_per_step: float | None = None
    max_steps: int | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The info keys that it reads, each once."""
        success = [self.success.info] if self.success and self.success.info else []
        return tuple(dict.fromkeys([*success, *self.failures.values(), *(r.info for r in self.record.values())]))


def read_mapping(path: str | Path) -> GymMapping:
    """A mapping from its file; raises BadFile in one sentence."""
    values = read_yaml(path, "gym/mapping.schema.json")
    success = values.get("success")
    if success is not None and ("info" in success) == ("return_at_least" in success):
        raise BadFile(f"{path}: success needs either info or return_at_least. Give one of the two.")
    record = {name: Recorded(**v) for name, v in values.get("record", {}).items()}
    if taken := next((n for n in record if n in (*OWN, "trial", "seed", "outcome", "engine", "chip")), None):
        raise BadFile(f"{path}: record has a column {taken!r}, which every trial has already. Name it otherwise.")
    margin = Margin(**values["margin"]) if "margin" in values else None
    if margin is not None:
        if (margin.at_least is None) == (margin.at_most is None):
            raise BadFile(f"{path}: margin needs either at_least or at_most. Give one of the two.")
        if margin.column not in (*record, "return"):
            raise BadFile(
                f"{path}: margin reads the column {margin.column!r}; there is: {', '.join([*record, 'return'])}."
            )
    for column in values.get("limits", {}):
        if column not in record:
            raise BadFile(
                f"{path}: limits names {column!r}, which record does not keep. It keeps: {', '.join(record)}."
            )
    conditions, into = _conditions(values.get("conditions", {}), path)
    plain = {k: values[k] for k in ("failures", "limits", "make", "seconds_per_step", "max_steps") if k in values}
    return GymMapping(
        success=Success(**success) if success else None,
        record=record,
        margin=margin,
        conditions=conditions,
        into=into,
        claims=tuple(values.get("claims", ())),
        **plain,
    )


def _conditions(values: Mapping[str, Any], path: str | Path) -> tuple[Conditions, dict[str, tuple[str, str]]]:
    kinds: dict[str, type[Uniform] | type[LogUniform]] = {"uniform": Uniform, "log_uniform": LogUniform}
    items, into = [], {}
    for name, v in values.items():
        given = [k for k in ("uniform", "log_uniform", "choice") if k in v]
        places = [k for k in ("option", "attribute") if k in v]
        if len(given) != 1 or len(places) != 1:
            raise BadFile(
                f"{path}: the condition {name!r} needs one of uniform, log_uniform and choice, and one of option and "
                f"attribute, which say where it goes."
            )
        kind = given[0]
        distribution: Choice | Uniform | LogUniform
        distribution = Choice(tuple(v["choice"])) if kind == "choice" else kinds[kind](*map(float, v[kind]))
        items.append(Condition(name, v.get("unit", ""), distribution))
        into[name] = (places[0], v[places[0]])
    return Conditions(tuple(items)), into
