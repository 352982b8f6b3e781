"""Numbers, units and names as a person reads them.

    number(0.020481)                    "0.0205"           a measurement: three digits that mean something
    exact(60.0)                         "60"               a number somebody typed
    rate(999, 1000)                     "99.9 %"           never "100 %" unless every trial succeeded
    at_least(0.990049)                  "0.9900"           a lower bound is rounded down
    factor(3.3)                         "1,995"            an e-value from its log10
    shown("clearance_m", "m", values)   Shown("clearance", "mm", 1000.0)

Unknown is the words "not recorded", infinite is the sign, and neither is ever 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from jangin.task import Array

__all__ = [
    "UNKNOWN",
    "Shown",
    "at_least",
    "count",
    "exact",
    "factor",
    "fraction",
    "number",
    "percent",
    "rate",
    "share",
    "shown",
]

UNKNOWN = "not recorded"

# unit -> (unit to show instead, factor), used where every value shown is below the third number
_SMALLER = {
    "m": ("mm", 1e3, 0.1),
    "m/s": ("mm/s", 1e3, 0.1),
    "s": ("ms", 1e3, 0.1),
    "kg": ("g", 1e3, 0.1),
    "rad": ("°", 180.0 / math.pi, math.inf),
    "rad/s": ("°/s", 180.0 / math.pi, math.inf),
}
_PERCENT = "\N{NO-BREAK SPACE}%"
_SUFFIXES = {"m/s": "m_s", "rad/s": "rad_s", "N m": "nm", "N/m": "n_m", "1/s": "hz", "%": "percent"}


@dataclass(frozen=True)
class Shown:
    """How one column is shown: its label, the unit shown, and the factor from the recorded unit."""

    label: str
    unit: str
    factor: float = 1.0

    @property
    def heading(self) -> str:
        """Label and unit for a table or an axis: "clearance [mm]"."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    def text(self, value: float, digits: int = 3) -> str:
        """One value without its unit."""
        return number(value * self.factor, digits)

    def column(self, values: Array) -> list[str]:
        """Values (n,) with the same decimals, three digits of the largest: for a column of a table."""
        scaled = np.asarray(values, float) * self.factor
        largest = np.abs(scaled[np.isfinite(scaled)]).max(initial=0.0)
        decimals = max(0, 2 - math.floor(math.log10(largest))) if largest > 0 else 0
        if decimals > 6:
            return [number(v) for v in scaled]
        return [f"{v:,.{decimals}f}".replace("-", "−") if np.isfinite(v) else number(v) for v in scaled]

    def typed(self, value: float) -> str:
        """One value that somebody typed, without its unit; four digits where it was typed in another unit."""
        return exact(value) if self.factor == 1.0 else exact(float(f"{value * self.factor:.4g}"))

    def with_unit(self, value: float, digits: int = 3) -> str:
        """One value with its unit."""
        return f"{self.text(value, digits)} {self.unit}".rstrip()


def shown(name: str, unit: str, values: Array | None = None) -> Shown:
    """How to show column `name`: its unit's suffix dropped from the label, a smaller unit when all values are small.

    Args:
        name: the column, e.g. "clearance_m".
        unit: the recorded unit, "" for none.
        values: what will be shown, in the recorded unit; non-finite entries are ignored.
    """
    suffix = _SUFFIXES.get(unit, unit.lower().replace("/", "_").replace(" ", ""))
    label = name.removesuffix(f"_{suffix}") if suffix else name
    label = label.replace("_", " ")
    finite = np.abs(np.asarray(values, float)) if values is not None else np.zeros(0)
    finite = finite[np.isfinite(finite)]
    largest = float(finite.max()) if finite.size else math.inf
    smaller, by, below = _SMALLER.get(unit, ("", 1.0, 0.0))
    if smaller and (largest < below or (below == math.inf and finite.size)):
        return Shown(label, smaller, by)
    return Shown(label, unit)


def number(value: float | None, digits: int = 3) -> str:
    """A measured value to `digits` significant digits, thousands separated; a power of ten only beyond 1e-4 .. 1e7."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")  # rounds first, so that 9.996 is 10.0 and not 10.00
    power = int(exponent)
    text = (
        f"{mantissa} × 10{_superscript(power)}" if not -4 <= power < 7 else f"{value:,.{max(digits - 1 - power, 0)}f}"
    )
    return text.replace("-", "−")


def exact(value: float | None) -> str:
    """A value somebody typed (a limit, a threshold, the end of a range): up to seven digits and no trailing zeros."""
    if value is None or not math.isfinite(value) or value == 0:
        return number(value)
    text = number(float(f"{value:.7g}"), 7)
    whole, point, decimals = text.partition(".")
    return text if not point or "×" in text else f"{whole}.{decimals.rstrip('0')}".rstrip(".")


def _superscript(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def count(value: float | None) -> str:
    """A whole number with thousands separated."""
    return UNKNOWN if value is None else f"{int(value):,}"


def share(value: float | None, decimals: int = 1) -> str:
    """A probability in percent; never rounded to 0 % or 100 % unless it is."""
    if value is None or math.isnan(value):
        return UNKNOWN
    hundred = 100.0 * value
    if hundred in (0.0, 100.0):
        return f"{hundred:.0f}{_PERCENT}"
    while decimals < 9 and float(f"{hundred:.{decimals}f}") in (0.0, 100.0):
        decimals += 1
    return f"{hundred:.{decimals}f}{_PERCENT}"


def percent(value: float) -> str:
    """A probability that somebody typed, in percent."""
    return f"{exact(100 * value)}{_PERCENT}"


def rate(successes: int, trials: int) -> str:
    """successes / trials in percent, with the decimals that this many trials can carry; a dash for no trials."""
    if trials == 0:
        return "–"
    return share(successes / trials, max(1, math.ceil(math.log10(trials)) - 2))


def fraction(successes: int, trials: int) -> str:
    """successes / trials as a decimal, never rounded to 0 or 1 unless it is; a dash for no trials."""
    if trials == 0:
        return "–"
    decimals = 4
    while 0 < successes < trials and float(f"{successes / trials:.{decimals}f}") in (0.0, 1.0):
        decimals += 1
    return f"{successes / trials:.{decimals}f}"


def at_least(bound: float | None, decimals: int = 4) -> str:
    """A lower bound on a probability, rounded down so that it stays one."""
    if bound is None or math.isnan(bound):
        return UNKNOWN
    step = 10.0**decimals
    # the small amount keeps a bound that was typed as a decimal (0.29) from losing its last digit to binary
    return f"{math.floor(bound * step + 1e-7) / step:.{decimals}f}"


def factor(log10: float | None) -> str:
    """An e-value from its decimal logarithm."""
    if log10 is None or math.isnan(log10):
        return UNKNOWN
    if math.isinf(log10):
        return number(log10) if log10 > 0 else "0"
    if log10 >= 7 or log10 < -3:
        exponent = math.floor(log10)
        return f"{10.0 ** (log10 - exponent):.1f} × 10{_superscript(exponent)}"
    return number(10.0**log10)
