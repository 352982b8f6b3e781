"""Whether the recursion is exact for a layout, and if not, the first reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from jangin.errors import JanginError
from jangin.line.layout import Buffer, Crew, Evidence, Exponential, Layout, Station, mean_s

__all__ = ["NotExact", "unfit"]


class NotExact(JanginError):
    """A layout for which the recursion is not exact."""


def unfit(layout: Layout, times: Collection[int] = ()) -> str:
    """ "" if the recursion is exact for the layout, else one sentence that names the first thing that breaks it.

    Args: times: stations, by number, whose times the caller gives himself.
    """
    row = layout.serial
    if row is None:
        return "The plant is not one row of stations, each joined to the next by one buffer and without rework."
    found = _release(layout)
    for i, station in enumerate(layout.stations):
        last = i == len(layout.stations) - 1
        found = found or _station(layout, station, last=last, given=i in times)
    for buffer, target in zip(row, layout.stations[1:], strict=True):
        found = found or _buffer(layout, buffer, target) or _held_back(layout, buffer, target)
    return found or _shared(layout) or _endless(layout, times)


def _release(layout: Layout) -> str:
    first = layout.stations[0].name
    for release in layout.releases:
        if release.into != first:
            return f"Parts are released into {release.into!r}, which is not the first station."
        if release.kind == "conwip":
            return f"The release into {first!r} waits for parts to leave the line (conwip)."
    if len(layout.releases) > 1:
        return f"Station {first!r} has {len(layout.releases)} releases."
    return ""


def _station(layout: Layout, station: Station, *, last: bool, given: bool) -> str:
    of = f"Station {station.name!r}"
    if station.batch != 1:
        return f"{of} works on batches of {station.batch}."
    if station.split != 1:
        return f"{of} splits each part into {station.split}."
    if station.scrap > 0.0 and not last:
        return f"{of} scraps parts before the end of the line."
    if station.stops:
        return f"{of} has planned stops of its own ({station.stops[0].name!r})."
    if station.setup is not None and len(layout.parts) > 1:
        return f"{of} is set up between part types."
    if any(r.share != 1.0 or (r.parts and set(r.parts) != set(layout.parts)) for r in station.routes):
        return f"{of} divides its parts among routes."
    if len(station.routes) > 1:
        return f"{of} has {len(station.routes)} routes."
    if isinstance(station.cycle.time, Evidence) and not given:
        return f"{of} is a qualified policy whose times have not been drawn from its evidence."
    return _failures(station) or _parallel(layout, station, last=last)


def _failures(station: Station) -> str:
    for failure in station.failures:
        of = f"Failure {failure.name!r} of station {station.name!r}"
        if failure.counts == "time":
            return f"{of} also happens while the machine is idle (it counts time, not operation)."
        if mean_s(failure.after) <= 0.0:
            return f"{of} comes after no time at all."
        if station.machines > 1 and not isinstance(failure.after, Exponential):
            return f"{of} depends on how long each of {station.machines} machines has worked; one machine would fit."
    return ""


def _parallel(layout: Layout, station: Station, *, last: bool) -> str:
    if station.machines == 1:
        return ""
    of = f"Station {station.name!r}"
    if station.blocking == "before" and not last:
        return f"{of} has {station.machines} machines and blocking before service."
    if len(layout.parts) > 1 and not last:
        return f"{of} has {station.machines} machines, where part types may overtake each other."
    return ""


def _buffer(layout: Layout, buffer: Buffer, target: Station) -> str:
    of = f"Buffer {buffer.name!r}"
    if buffer.fleet is not None:
        return f"Parts are carried to buffer {buffer.name!r} by fleet {buffer.fleet!r}."
    if buffer.capacity is not None and buffer.capacity <= 1:
        return ""  # at most one part waits: every order is the same
    if buffer.order == "lifo":
        return f"{of} gives the last part first."
    ranks = {buffer.priority.get(part, 0.0) for part in layout.parts}
    if buffer.order == "priority" and len(ranks) > 1:
        return f"{of} lets part types overtake by priority."
    return ""


def _held_back(layout: Layout, buffer: Buffer, target: Station) -> str:
    """A part that may not start keeps its place in the buffer; the recursion would have it wait in the machine."""
    limited = any(b.capacity is not None for b in layout.fed_by(target.name))
    if target.blocking == "before" and limited and buffer.capacity is not None:
        return f"Station {target.name!r} blocks before service, which keeps parts in the buffer {buffer.name!r}."
    return ""


def _shared(layout: Layout) -> str:
    """What stations have in common: calendars and people."""
    calendars = {s.calendar or layout.calendar for s in layout.stations}
    if len(calendars) > 1:
        return "The stations have different calendars."
    failing = next((s for s in layout.stations if s.failures), None)
    if calendars != {None} and failing is not None:
        return f"Repairs at station {failing.name!r} go on off shift, while the work of the line stands still."
    for crew in layout.crews:
        wanted = sum(s.machines * _asks(s, crew) for s in layout.stations)
        if wanted and crew.speed_m_s is not None:
            return f"Crew {crew.name!r} walks to the machines."
        if wanted > crew.people:
            return f"Crew {crew.name!r} has {crew.people} people for up to {wanted} calls at once; somebody may wait."
    skills = {skill for crew in layout.crews for skill in crew.skills}
    for s in layout.stations:
        if s.operator is not None and s.operator not in skills:
            return f"Station {s.name!r} needs skill {s.operator!r}, which nobody has."
    return ""


def _asks(station: Station, crew: Crew) -> int:
    """People of a crew that one machine may need at once."""
    return (station.operator in crew.skills) + any(f.crew == crew.name for f in station.failures)


def _endless(layout: Layout, times: Collection[int]) -> str:
    """A saturated line that takes parts without any time going by."""
    if any(r.kind != "saturated" for r in layout.releases):
        return ""
    for i, station in enumerate(layout.stations):
        own = station.cycle.time
        each = own.values() if isinstance(own, Mapping) else [own]
        if i in times or any(not isinstance(t, Evidence) and mean_s(t) > 0.0 for t in each):
            return ""
        if i == len(layout.stations) - 1 or any(b.capacity is None for b in layout.fed_by(station.name)):
            break
    return f"Station {layout.stations[0].name!r} takes parts without end, and no time passes."
