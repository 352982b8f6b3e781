"""Shifts as people write them, and as seconds within a period.

    {name: two-shift, period: week, windows: ["Mon-Fri 06:00-22:00"], breaks: ["Mon-Fri 10:00-10:15"]}
    {name: day-shift, period: day, windows: ["06:00-14:00"]}
    {name: short, period_s: 3600, windows_s: [[0, 1800], [2400, 3600]]}

A window that ends before it begins ends on the next day ("Mon-Fri 22:00-06:00"); "Mon 06:00-Fri 22:00" runs through.
Without days, a window of a week is every day's. Breaks are cut out of the windows. Monday 00:00 is second 0 of a week,
and of the simulation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jangin.errors import BadLayout, nearest
from jangin.line.layout import Calendar
from jangin.line.layout_times import DAY_S, DAYS, WEEK_S, Path, check_calendar

__all__ = ["read_calendar"]

Window = tuple[float, float]

_WINDOW = re.compile(r"(?:([A-Za-z,\- ]+?) +)?(\d\d?:\d\d) *- *(?:([A-Za-z]+) +)?(\d\d?:\d\d)")


def read_calendar(entry: Mapping[str, Any], at: Path) -> Calendar:
    """A calendar of a layout's file, whose form fits the schema; raises BadLayout at the window that cannot be read."""
    name = entry["name"]
    if "period_s" in entry or "windows_s" in entry:
        if lacking := [key for key in ("period_s", "windows_s") if key not in entry]:
            raise BadLayout(f"Calendar {name!r} is given in seconds and lacks {lacking[0]}. Add it.", at)
        if more := [key for key in ("period", "windows", "breaks") if key in entry]:
            raise BadLayout(f"Calendar {name!r} gives seconds and also {more[0]}. Drop one of them.", (*at, more[0]))
        return Calendar(name, entry["period_s"], tuple((begin, end) for begin, end in entry["windows_s"]))
    if lacking := [key for key in ("period", "windows") if key not in entry]:
        remedy = "Add it, as period: week, windows: [Mon-Fri 06:00-14:00]"
        raise BadLayout(f"Calendar {name!r} lacks {lacking[0]}. {remedy}.", at)
    period = WEEK_S if entry["period"] == "week" else DAY_S
    windows: list[Window] = []
    for k, text in enumerate(entry["windows"]):
        windows += _read_window(text, period, (*at, "windows", k))
    check_calendar(Calendar(name, period, tuple(sorted(windows))), at)  # before breaks make a wrong shift look like two
    for k, text in enumerate(entry.get("breaks", ())):
        here = (*at, "breaks", k)
        for pause in _read_window(text, period, here):
            if not any(begin < pause[1] and pause[0] < end for begin, end in windows):
                said = f"The break {text!r} of calendar {name!r} lies outside every window. Move it, or drop it."
                raise BadLayout(said, here)
            windows = [rest for window in windows for rest in _without(window, pause)]
    return Calendar(name, period, tuple(sorted(windows)))


def _without(window: Window, pause: Window) -> Iterator[Window]:
    """What is left of a window when a break is cut out."""
    (begin, end), (first, last) = window, pause
    if last <= begin or end <= first:
        yield window
        return
    if begin < first:
        yield begin, first
    if last < end:
        yield last, end


def _read_window(text: str, period_s: float, at: Path) -> Iterator[Window]:
    """The windows in a text, one for each day it names, cut at the end of the period."""
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        form = "'Mon-Fri 06:00-14:00'" if period_s == WEEK_S else "'06:00-14:00'"
        raise BadLayout(f"{text!r} is no window of time; write it as {form}.", at)
    days, begin, last_day, end = found.groups()
    if period_s == DAY_S and (days or last_day):
        raise BadLayout(f"{text!r} names days, but the period is a day. Set period: week, or drop the days.", at)
    first_s, last_s = _seconds(begin, text, at), _seconds(end, text, at)
    numbers = _days(days, text, at) if days else range(7 if period_s == WEEK_S else 1)
    if last_day and len(numbers) != 1:
        raise BadLayout(f"{text!r} ends on one day but begins on {len(numbers)}. Begin it on one day.", at)
    for day in numbers:
        first = day * DAY_S + first_s
        if last_day:
            last = _day(last_day, text, at) * DAY_S + last_s
            last += WEEK_S if last < first else 0.0
        else:
            last = day * DAY_S + last_s + (DAY_S if last_s < first_s else 0.0)
        yield first, min(last, period_s)
        if last > period_s:
            yield 0.0, last - period_s


def _seconds(text: str, whole: str, at: Path) -> float:
    hours, minutes = map(int, text.split(":"))
    if minutes > 59 or hours * 60 + minutes > 24 * 60:
        raise BadLayout(f"{whole!r} has the time {text}, which no clock shows; write 00:00 to 24:00.", at)
    return hours * 3600.0 + minutes * 60.0


def _days(text: str, whole: str, at: Path) -> tuple[int, ...]:
    """Numbers of the days in "Mon", "Mon-Fri" or "Mon,Wed,Sat-Sun"; a range may go over the weekend."""
    numbers: list[int] = []
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        one = _day(first, whole, at)
        other = _day(last, whole, at) if last else one
        numbers += [(one + k) % 7 for k in range((other - one) % 7 + 1)]
    return tuple(numbers)


def _day(text: str, whole: str, at: Path) -> int:
    if text not in DAYS:
        close = nearest(text, DAYS)
        hint = f"did you mean {close}?" if close else f"write one of {', '.join(DAYS)}."
        raise BadLayout(f"{whole!r} names the day {text!r}; {hint}", at)
    return DAYS.index(text)
