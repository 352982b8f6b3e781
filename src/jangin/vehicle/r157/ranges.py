"""Parameter ranges of a logical scenario, read from an OpenSCENARIO parameter value distribution file (.xosc).

    ranges = read_ranges("alks_scenario_4_4_1_cut_in_no_collision_variation.xosc")
    ranges.single["Ego_InitSpeed_Ve0_kph"]                # Range(low=20.0, high=60.0, step=10.0)
    ranges.single["CutInVehicle_Model"]                   # ("car", "truck", "van", "bus", "motorbike")
    ranges.together                                       # parameters that vary together: ({"speed": "7.2", ...}, ...)

    declared = read_constraints("alks_scenario_4_4_1_cut_in_no_collision_template.xosc")
    for parameters in ranges.combinations(declared):      # out-of-constraint combinations are discarded
        ...

Such files vary parameters independently and produce impossible combinations on purpose, a cut-in faster sideways than
forwards say; the scenario they vary declares what is allowed, and `combinations` keeps to that. As in OpenSCENARIO,
the constraints of one group hold together, and one group of a parameter is enough. Expressions `${...}` may use
numbers, parameters, + - * / and brackets. Stochastic distributions are refused: they have no ranges.
"""

from __future__ import annotations

import ast
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from jangin.errors import BadFile, nearest
from jangin.vehicle.road_xml import Node, read_xml

__all__ = ["Constraint", "Range", "Ranges", "read_constraints", "read_ranges"]

_MOST_VALUES = 1_000_000  # of one range: beyond, a step has lost its decimal point

Values = Mapping[str, float | str]  # one concrete scenario's parameters

_RULES: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {
        "equalTo": operator.eq,
        "notEqualTo": operator.ne,
        "lessThan": operator.lt,
        "lessOrEqual": operator.le,
        "greaterThan": operator.gt,
        "greaterOrEqual": operator.ge,
    }
)
_ARITHMETIC: Mapping[type, Callable[..., float]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.USub: operator.neg,
        ast.UAdd: operator.pos,
    }
)


# ── what a file says ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Range:
    """Numbers low, low + step, ... up to high, in the unit that the parameter's name ends in."""

    low: float
    high: float
    step: float

    @property
    def values(self) -> tuple[float, ...]:
        """All of them; `high` is one only where the step meets it."""
        n = math.floor((self.high - self.low) / self.step + 1e-9) + 1
        return tuple(self.low + self.step * k for k in range(n))


@dataclass(frozen=True)
class Constraint:
    """One comparison of a parameter with a number or an expression, as "lessThan", "${$Ego_kph / 3.6}"."""

    rule: str
    value: str

    def holds(self, own: float | str, others: Values) -> bool:
        """Whether a parameter's own value fits; text fits nothing but equal or unequal text."""
        try:
            return _RULES[self.rule](float(own), _evaluate(self.value, others))
        except ValueError:
            return {"equalTo": own == self.value, "notEqualTo": own != self.value}.get(self.rule, False)


Declared = Mapping[str, tuple[tuple[Constraint, ...], ...]]  # parameter -> groups, one of which must hold


@dataclass(frozen=True)
class Ranges:
    """Ranges of a logical scenario.

    Attributes:
        scenario: path of the scenario file they belong to, as written.
        single: by parameter, its range or its values; each varies on its own.
        together: groups of value sets; a value set assigns several parameters at once.
    """

    scenario: str
    single: Mapping[str, Range | tuple[str, ...]] = field(default_factory=dict)
    together: tuple[tuple[Mapping[str, str], ...], ...] = ()

    def __getitem__(self, name: str) -> Range | tuple[str, ...]:
        return self.single[name]

    def combinations(self, declared: Declared | None = None) -> Iterator[dict[str, float | str]]:
        """Every combination that meets the declared constraints, the last parameter fastest; all, if there are none."""
        axes: list[list[dict[str, float | str]]] = [
            [{name: v} for v in (found.values if isinstance(found, Range) else map(_number, found))]
            for name, found in self.single.items()
        ]
        axes += [[{k: _number(v) for k, v in chosen.items()} for chosen in group] for group in self.together]
        for parts in itertools.product(*axes):
            parameters = {k: v for part in parts for k, v in part.items()}
            if _allowed(parameters, declared or {}):
                yield parameters


def _allowed(parameters: Values, declared: Declared) -> bool:
    """Whether every parameter meets one of its groups; constraints on parameters without a value do not bind."""
    return all(
        not groups or any(all(c.holds(parameters[name], parameters) for c in group) for group in groups)
        for name, groups in declared.items()
        if name in parameters
    )


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def read_ranges(path: str | Path) -> Ranges:
    """The ranges of a variation file; raises BadFile, which names the file, the line and the remedy."""
    distribution = read_xml(path, "OpenSCENARIO").need("ParameterValueDistribution")
    if stochastic := distribution.first("Stochastic"):
        _refuse(stochastic, "a stochastic distribution has no ranges; give a deterministic one")
    single: dict[str, Range | tuple[str, ...]] = {}
    together: list[tuple[Mapping[str, str], ...]] = []
    given: set[str] = set()
    for node in distribution.need("Deterministic").children:
        match node.tag:
            case "DeterministicSingleParameterDistribution":
                names: Iterable[str] = (node.word("parameterName"),)
                single[node.word("parameterName")] = _single(node)
            case "DeterministicMultiParameterDistribution":
                together.append(_together(node))
                names = together[-1][0]
            case _:
                _refuse(node, "this is no deterministic distribution; remove it")
        if double := next((name for name in names if name in given), None):
            _refuse(node, f"the parameter {double!r} is varied a second time; keep one of the two")
        given.update(names)
    return Ranges(distribution.need("ScenarioFile").word("filepath"), single, tuple(together))


def read_constraints(path: str | Path) -> Declared:
    """Constraint groups by parameter, of the scenario file that a variation file varies; raises BadFile."""
    parameters = list(read_xml(path, "OpenSCENARIO").need("ParameterDeclarations").all("ParameterDeclaration"))
    declared = {parameter.word("name"): 1.0 for parameter in parameters}
    return {
        parameter.word("name"): tuple(
            tuple(_constraint(node, declared) for node in group.children) for group in parameter.all("ConstraintGroup")
        )
        for parameter in parameters
    }


def _single(node: Node) -> Range | tuple[str, ...]:
    if values := node.first("DistributionSet"):
        return tuple(element.word("value") for element in values.all("Element")) or _refuse(
            values, "it has no <Element>"
        )
    steps = node.need("DistributionRange")
    limits = steps.need("Range")
    found = Range(limits.number("lowerLimit"), limits.number("upperLimit"), steps.number("stepWidth"))
    if not (found.low <= found.high and found.step > 0.0):
        _refuse(
            limits, f"it goes from {found.low:g} to {found.high:g} by {found.step:g}; let it rise by a step above 0"
        )
    if (found.high - found.low) / found.step > _MOST_VALUES:
        _refuse(limits, f"it has more than {_MOST_VALUES} values; take a larger step")
    return found


def _together(node: Node) -> tuple[Mapping[str, str], ...]:
    sets = tuple(
        {assigned.word("parameterRef"): assigned.word("value") for assigned in chosen.all("ParameterAssignment")}
        for chosen in node.need("ValueSetDistribution").all("ParameterValueSet")
    )
    if not sets or not sets[0] or any(chosen.keys() != sets[0].keys() for chosen in sets):
        _refuse(node, "its value sets do not all assign the same parameters; let each assign every one")
    return sets


def _constraint(node: Node, declared: Values) -> Constraint:
    rule, value = node.word("rule"), node.word("value")
    if rule not in _RULES:
        hint = f" Did you mean {near!r}?" if (near := nearest(rule, _RULES)) else ""
        _refuse(node, f"there is no rule {rule!r}; allowed are {', '.join(_RULES)}.{hint}".rstrip("."))
    if "$" in value:
        try:
            _evaluate(value, declared)
        except ValueError as e:
            _refuse(node, f"{e}; declare them, or write the expression anew")
    return Constraint(rule, value)


def _refuse(node: Node, why: str) -> NoReturn:
    raise BadFile(f"{node.place}: {why}{'' if why.endswith('?') else '.'}")


def _evaluate(text: str, parameters: Values) -> float:
    """A number, `$name` or `${expression}`; raises ValueError for anything else. Division by zero gives infinity."""
    return _value(_tree(text), parameters, text)


@lru_cache(maxsize=1024)
def _tree(text: str) -> ast.expr:
    inner = text[2:-1] if text.startswith("${") and text.endswith("}") else text
    try:
        return ast.parse(inner.replace("$", "_p_").strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"{text!r} is no arithmetic of numbers and declared parameters") from None


def _value(node: ast.expr, parameters: Values, text: str) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name.removeprefix("_p_") in parameters:
            return float(parameters[name.removeprefix("_p_")])
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _ARITHMETIC:
            return _ARITHMETIC[type(op)](_value(operand, parameters, text))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            a, b = _value(left, parameters, text), _value(right, parameters, text)
            return math.inf if isinstance(op, ast.Div) and b == 0.0 else _ARITHMETIC[type(op)](a, b)
    raise ValueError(f"{text!r} is no arithmetic of numbers and declared parameters")
