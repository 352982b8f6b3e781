"""What a time of a plant can be wrong in: distributions, evidence, planned stops and calendars.

    check_time(Lognormal(mean_s=11.0, cv=-0.3), "The cycle time of station 'weld'", ("stations", 1, "cycle"))
    # BadLayout: The cycle time of station 'weld': cv of the lognormal is -0.3; it must be above 0.

Every function returns nothing and raises BadLayout, in one sentence, at the path it was given.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, get_args

from jangin.errors import BadLayout
from jangin.line.layout import (
    Calendar,
    Constant,
    Distribution,
    Empirical,
    Erlang,
    Evidence,
    Normal,
    Stop,
    Trace,
    Triangular,
    Uniform,
    mean_s,
)

__all__ = [
    "Path", "check_calendar", "check_evidence", "check_number", "check_stop", "check_time", "check_whole", "clock",
]  # fmt: skip

Path = tuple[str | int, ...]

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_S = 86_400.0
WEEK_S = 7 * DAY_S


def check_number(
    value: Any,
    what: str,
    at: Path,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
) -> None:
    """Refuses what is no finite number, or is outside `above` < value, `least` <= value <= `most`."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number:
        raise BadLayout(f"{what} is {value!r}; it must be a finite number.", at)
    if least is not None and most is not None and not least <= value <= most:
        raise BadLayout(f"{what} is {value:g}; it must lie between {least:g} and {most:g}.", at)
    if above is not None and not value > above:
        raise BadLayout(f"{what} is {value:g}; it must be above {above:g}.", at)
    if least is not None and not value >= least:
        raise BadLayout(f"{what} is {value:g}; it must be {least:g} or more.", at)


def check_whole(value: Any, what: str, at: Path, *, least: int, remedy: str = "") -> None:
    """Refuses what is no whole number, or is below `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        tail = f" {remedy}" if remedy else ""
        raise BadLayout(f"{what} is {value!r}; it must be a whole number of {least} or more.{tail}", at)


def check_time(time: Any, what: str, at: Path, *, positive: bool = False) -> None:
    """Refuses what is no distribution of times, or one with impossible parameters.

    `positive`: a mean of zero is refused as well, as of a time to failure.
    """
    if not isinstance(time, get_args(Distribution)):
        raise BadLayout(f"{what} is {time!r} where a distribution belongs, as Constant(12.0) seconds.", at)
    match time:
        case Constant():
            check_number(time.value_s, what, at, least=0.0)
        case Uniform() | Triangular():
            _check_range(time, what, at)
        case Empirical() | Trace():
            if not time.values_s:
                raise BadLayout(f"{what} is measured, but there is not one value; give at least one.", at)
            for k, value in enumerate(time.values_s, start=1):
                check_number(value, f"{what}: value {k}", at, least=0.0)
        case _:
            _check_shape(time, what, at)
    if positive and not mean_s(time) > 0.0:
        raise BadLayout(f"{what} is always 0 s; it must be longer than that.", at)


def _check_range(time: Uniform | Triangular, what: str, at: Path) -> None:
    kind = type(time).__name__.lower()
    for key in ("low_s", "high_s"):
        check_number(getattr(time, key), f"{what}: {key} of the {kind}", at, least=0.0)
    if not time.low_s < time.high_s:
        comes = f"{what} is {kind} from {time.low_s:g} s to {time.high_s:g} s"
        raise BadLayout(f"{comes}; the lower end must be below the upper. Swap them, or give a constant.", at)
    if isinstance(time, Triangular):
        check_number(time.mode_s, f"{what}: the peak of the triangular", at, least=time.low_s, most=time.high_s)


def _check_shape(time: Any, what: str, at: Path) -> None:
    """Of a distribution with a mean and one more parameter, or none."""
    kind = type(time).__name__.lower()
    check_number(time.mean_s, f"{what}: the mean of the {kind}", at, above=0.0)
    for name in ("cv", "shape"):
        if hasattr(time, name):
            check_number(getattr(time, name), f"{what}: {name} of the {kind}", at, above=0.0)
    if isinstance(time, Erlang):
        check_whole(time.phases, f"{what}: phases of the erlang", at, least=1)
    if isinstance(time, Normal):
        check_number(time.sd_s, f"{what}: sd_s of the normal", at, least=0.0)
        if time.sd_s > time.mean_s / 3:
            comes = f"{what} is normal with mean {time.mean_s:g} s and sd {time.sd_s:g} s, often below 0"
            raise BadLayout(f"{comes}; sd_s must be at most a third of the mean. Take a lognormal.", at)


def check_evidence(evidence: Evidence, station: str, at: Path) -> None:
    """Refuses evidence whose options contradict each other; the run folder itself is not looked at."""
    of = f"of the evidence of station {station!r}"
    if not isinstance(evidence.run, str) or not evidence.run:
        raise BadLayout(f"The run folder {of} is {evidence.run!r}; give its path.", (*at, "evidence"))
    check_number(evidence.handling_s, f"handling_s {of}", (*at, "handling_s"), least=0.0)
    check_whole(evidence.attempts, f"attempts {of}", (*at, "attempts"), least=1)
    for reason, time in evidence.recovery.items():
        check_time(time, f"The recovery after {reason!r} {of}", (*at, "recovery", reason))
    if evidence.failed_s is not None:
        check_number(evidence.failed_s, f"failed_s {of}", (*at, "failed_s"), least=0.0)
    if evidence.given_up not in ("scrap", "manual"):
        raise BadLayout(f"given_up {of} is {evidence.given_up!r}; it is 'scrap' or 'manual'.", (*at, "given_up"))
    if evidence.given_up == "manual" and evidence.manual is None:
        raise BadLayout(f"given_up {of} is 'manual', but `manual` gives no time; add it.", (*at, "given_up"))
    if evidence.manual is not None:
        if evidence.given_up == "scrap":
            raise BadLayout(f"manual {of} gives a time, but given_up is 'scrap'; drop one.", (*at, "manual"))
        check_time(evidence.manual, f"The manual finish {of}", (*at, "manual"))
    if evidence.max_age_days is not None:
        check_number(evidence.max_age_days, f"max_age_days {of}", (*at, "max_age_days"), above=0.0)
    check_number(evidence.pace, f"pace {of}", (*at, "pace"), above=0.0)
    for name, (low, high) in evidence.conditions.items():
        for end in (low, high):
            check_number(end, f"The condition {name!r} {of}", (*at, "conditions", name))
        if not low <= high:
            said = f"The condition {name!r} {of} goes from {low:g} to {high:g}; put the lower end first."
            raise BadLayout(said, (*at, "conditions", name))


def check_stop(stop: Stop, station: str, at: Path) -> None:
    """Refuses a planned stop that begins before the start, lasts no time, or never ends."""
    of = f"of the stop {stop.name!r} at station {station!r}"
    check_number(stop.first_s, f"first_s {of}", (*at, "first_s"), least=0.0)
    check_number(stop.every_s, f"every_s {of}", (*at, "every_s"), above=0.0)
    check_number(stop.lasts_s, f"lasts_s {of}", (*at, "lasts_s"), above=0.0)
    if stop.lasts_s >= stop.every_s:
        comes = f"lasts_s {of} is {stop.lasts_s:g} s, but the stop comes again every {stop.every_s:g} s"
        raise BadLayout(f"{comes}, so the station would never run. Shorten it, or lengthen every_s.", (*at, "lasts_s"))


def check_calendar(calendar: Calendar, at: Path) -> None:
    """Refuses a period without work, an empty shift, one outside the period, and shifts that overlap."""
    name, period, at_windows = f"calendar {calendar.name!r}", calendar.period_s, (*at, "windows_s")
    check_number(period, f"period_s of {name}", (*at, "period_s"), above=0.0)
    if not calendar.windows_s:
        raise BadLayout(f"The {name} has no window, so nobody would ever work. Give at least one.", at_windows)
    for k, window in enumerate(calendar.windows_s):
        for end in window:
            check_number(end, f"Window {k + 1} of {name}", (*at_windows, k), least=0.0)
        begin, end = window
        shown = f"{clock(begin, period)} to {clock(end, period)}"
        if not begin < end:
            kind = "a shift of zero length" if begin == end else "a shift that ends before it begins"
            raise BadLayout(f"The {name} has {kind}, {shown}. Give its end after its beginning.", (*at_windows, k))
        if end > period:
            outside = f"The {name} has the window {shown}, outside its period of {period:g} s"
            raise BadLayout(f"{outside}. End it within the period, and begin another at 0.", (*at_windows, k))
    for k, (one, other) in enumerate(itertools.pairwise(calendar.windows_s), start=1):
        if other[0] < one[1]:
            first, second = (f"{clock(b, period)} to {clock(e, period)}" for b, e in (one, other))
            said = f"The {name} has windows that overlap or are out of order: {first}, then {second}"
            raise BadLayout(f"{said}. Give them in order, each ending before the next begins.", (*at_windows, k))


def clock(time_s: float, period_s: float) -> str:
    """A time in a period as people write it: "Tue 06:30" in a week, "06:30" in a day, else seconds."""
    if period_s not in (DAY_S, WEEK_S) or time_s % 60 or not 0 <= time_s <= period_s:
        return f"{time_s:g} s"
    day, rest = divmod(int(time_s), int(DAY_S))
    hours = f"{rest // 3600:02d}:{rest % 3600 // 60:02d}"
    if period_s == WEEK_S:
        return f"{DAYS[day]} {hours}" if time_s < WEEK_S else "Sun 24:00"
    return hours if time_s < DAY_S else "24:00"
