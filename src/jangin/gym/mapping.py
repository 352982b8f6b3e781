"""The mapping of an environment: a small strict file that says what success means there and what is recorded.

    schema: jangin-gym-mapping/1
    success: {when: info.distance <= 0.05, hold_steps: 10}
    record:
      distance_m: {of: info.distance, how: last, unit: m}

    plain = read_mapping("reach.yaml")            # BadFile names the key and what belongs there
    mapping = GymMapping.of_plain(plain)          # BadTask likewise, for values given in Python

Nothing in the file is executed or imported: keys are looked up, numbers are added and compared (values.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jangin.claim import Claim
from jangin.errors import BadFile, BadTask, JanginError
from jangin.gym import values
from jangin.gym.values import Sum
from jangin.schema import misfit, read_yaml, schema
from jangin.task import Choice, Condition, Conditions, Distribution, Fixed, LogUniform, Uniform

__all__ = ["SCHEMA", "GymMapping", "Place", "Recorded", "Success", "read_mapping"]

SCHEMA = "gym/mapping.schema.json"
OWN = {"cycle_s": "s", "margin": "", "return": "", "steps": ""}  # columns that every environment has
_TAKEN = (*OWN, "trial", "seed", "outcome", "engine", "chip")
_OUTCOMES = ("running", "success", "timeout", "terminated")

Predicate = values.Condition
How = Literal["last", "max", "min", "mean", "sum"]


@dataclass(frozen=True)
class Success:
    """When a trial has succeeded.

    Attributes:
        when: conditions that must all hold.
        look: "any": at any step; "last": at the step that the environment ends the trial with.
        hold_steps: for how many steps in a row.
        ends_trial: whether the first success ends the trial; otherwise a failure may still come.
    """

    when: tuple[Predicate, ...]
    look: Literal["any", "last"] = "any"
    hold_steps: int = 1
    ends_trial: bool = True

    @property
    def text(self) -> str:
        """In words, for the task's declaration."""
        held = f", {self.hold_steps} steps in a row" if self.hold_steps > 1 else ""
        goes_on = "" if self.ends_trial or self.look == "last" else ", and the trial goes on"
        at = "at any step" if self.look == "any" else "at the last step"
        return f"{' and '.join(c.text for c in self.when)} {at}{held}{goes_on}"


@dataclass(frozen=True)
class Recorded:
    """What is kept of a sum over a trial."""

    of: Sum
    how: How
    unit: str


@dataclass(frozen=True)
class Place:
    """Where a condition's value goes: an `option` of reset, an `attribute` of the environment, or a word of `make`."""

    kind: Literal["option", "attribute", "make"]
    name: str


@dataclass(frozen=True)
class GymMapping:
    """What a mapping says; the empty one says nothing."""

    success: Success | None = None
    failures: Mapping[str, Predicate] = field(default_factory=dict)
    record: Mapping[str, Recorded] = field(default_factory=dict)
    margin: Sum | None = None
    margin_unit: str = ""
    conditions: Conditions = field(default_factory=lambda: Conditions(()))
    places: Mapping[str, Place] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    make: Mapping[str, Any] = field(default_factory=dict)
    fresh: bool = False
    seconds_per_step: float | None = None
    max_steps: int | None = None
    rare_info: tuple[str, ...] = ()

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> GymMapping:
        """The mapping that plain values say, {} for none; raises BadTask in one sentence."""
        if not plain:
            return cls()
        if wrong := misfit(plain, schema(SCHEMA), "the mapping"):
            raise BadTask(f"{wrong[0].upper()}{wrong[1:]}. docs/gymnasium.md explains every key.")
        record = {name: _recorded(name, v) for name, v in plain.get("record", {}).items()}
        conditions, places = _conditions(plain.get("conditions", {}), record)
        margin = plain.get("margin")
        margin = {"of": margin} if isinstance(margin, str) else margin
        mapping = cls(
            success=_success(plain["success"]) if "success" in plain else None,
            failures={n: _read("failures", values.Condition.parse, text) for n, text in _failures(plain).items()},
            record=record,
            margin=_read("margin", Sum.parse, margin["of"]) if margin else None,
            margin_unit=margin.get("unit", "") if margin else "",
            conditions=conditions,
            places=places,
            limits=_limits(plain.get("limits", {}), record),
            claims=tuple(_read("claims", Claim.parse, text) for text in plain.get("claims", ())),
            rare_info=tuple(plain.get("rare_info", ())),
            **{k: plain[k] for k in ("make", "fresh", "seconds_per_step", "max_steps") if k in plain},
        )
        if mapping.margin is not None and mapping.success is None:
            raise BadTask("The mapping has a margin without success. Say what success is, as success: {when: ...}.")
        return mapping

    @property
    def names(self) -> tuple[str, ...]:
        """The names of numbers that it reads, each once, but those of `success`."""
        sums = [c.sum for c in self.failures.values()] + [r.of for r in self.record.values()]
        sums += [self.margin] if self.margin is not None else []
        return tuple(dict.fromkeys(name for s in sums for name in s.names))


def read_mapping(path: str | Path) -> dict[str, Any]:
    """The plain values of a mapping file, for GymTask; raises BadFile in one sentence."""
    plain = read_yaml(path, SCHEMA)
    try:
        GymMapping.of_plain(plain)
    except JanginError as e:
        raise BadFile(f"{path}: {e}") from e
    return plain


# ── its parts ────────────────────────────────────────────────────────────────────────────────────────────────────


def _read(key: str, parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except JanginError as e:
        raise BadTask(f"The mapping's {key}: {e}") from e


def _success(plain: Mapping[str, Any]) -> Success:
    texts: Sequence[str] = [plain["when"]] if isinstance(plain["when"], str) else plain["when"]
    when = tuple(_read("success", values.Condition.parse, text) for text in texts)
    # a sum of rewards means something when all of them are there, whatever its sign
    of_all = any("return" in c.names for c in when)
    success = Success(when, **{"look": "last" if of_all else "any", **{k: v for k, v in plain.items() if k != "when"}})
    if success.look == "last" and not success.ends_trial:
        raise BadTask("The mapping's success looks at the last step, so ends_trial says nothing. Leave it out.")
    return success


def _failures(plain: Mapping[str, Any]) -> Mapping[str, str]:
    failures: Mapping[str, str] = plain.get("failures", {})
    for name in failures:
        if name in _OUTCOMES or name.startswith("invalid"):
            raise BadTask(
                f"The mapping's failures has the name {name!r}, which is jangin's own ({', '.join(_OUTCOMES)}, "
                f"invalid...). Name it otherwise."
            )
    return failures


def _recorded(name: str, plain: Mapping[str, Any]) -> Recorded:
    if name in _TAKEN:
        raise BadTask(f"The mapping's record has a column {name!r}, which every trial has already. Name it otherwise.")
    return Recorded(_read("record", Sum.parse, plain["of"]), plain.get("how", "last"), plain.get("unit", ""))


def _limits(plain: Mapping[str, float], record: Mapping[str, Recorded]) -> Mapping[str, float]:
    highest = [name for name, r in record.items() if r.how == "max"]
    for column in plain:
        if column not in highest:
            raise BadTask(
                f"The mapping's limits names {column!r}; a limit is an upper bound on a column that record keeps the "
                f"maximum of (how: max), which are: {', '.join(highest) or 'none'}."
            )
    return plain


def _conditions(plain: Mapping[str, Any], record: Mapping[str, Recorded]) -> tuple[Conditions, dict[str, Place]]:
    items, places = [], {}
    for name, v in plain.items():
        if name in _TAKEN or name in record:
            raise BadTask(f"The mapping's condition {name!r} has the name of another column. Name it otherwise.")
        kinds = [k for k in ("uniform", "log_uniform", "choice", "fixed") if k in v]
        where = [k for k in ("option", "attribute", "make") if k in v]
        if len(kinds) != 1 or len(where) != 1:
            raise BadTask(
                f"The mapping's condition {name!r} needs one of uniform, log_uniform, choice and fixed, and one of "
                f"option, attribute and make, which say where it goes."
            )
        items.append(Condition(name, v.get("unit", ""), _distribution(name, kinds[0], v[kinds[0]]), v.get("doc", "")))
        places[name] = Place(where[0], v[where[0]])  # type: ignore[arg-type]
    return Conditions(tuple(items)), places


def _distribution(name: str, kind: str, given: Any) -> Distribution:
    if kind == "choice":
        return Choice(tuple(map(float, given)))
    if kind == "fixed":
        return Fixed(float(given))
    low, high = map(float, given)
    if not low < high or (kind == "log_uniform" and low <= 0):
        above = "0 < LOW < HIGH" if kind == "log_uniform" else "LOW < HIGH"
        raise BadTask(f"The mapping's condition {name!r} is {kind}: [{low:g}, {high:g}]; give [LOW, HIGH], {above}.")
    return Uniform(low, high) if kind == "uniform" else LogUniform(low, high)
