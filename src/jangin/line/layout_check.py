"""Everything a declared plant can be wrong in, each in one sentence: what came, what is allowed, what to do.

    check(layout)       # nothing, or BadLayout
    # BadLayout: Buffer 'b1' has the capacity -1; it must be a whole number of 0 or more. ...
    # its `at` is ("buffers", 0, "capacity"), from which layout_file finds the line of the file

The first wrong thing is told, names before numbers before routing. What is allowed on purpose: a station that nobody
feeds and no release names (it is saturated), and blocking "before" with several routes (the route is drawn at the
start). What depends on chance or on time, as a deadlock, is found by the engines, not here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from jangin.errors import BadLayout, nearest
from jangin.line.layout import (
    Buffer,
    Calendar,
    Constant,
    Crew,
    Cycle,
    Distribution,
    Evidence,
    Fleet,
    Layout,
    Release,
    SetUp,
    Station,
    mean_s,
)
from jangin.line.layout_routing import OUT, check_routing, good_buffers
from jangin.line.layout_times import (
    Path,
    check_calendar,
    check_evidence,
    check_number,
    check_stop,
    check_time,
    check_whole,
)

__all__ = ["check"]


def check(layout: Layout) -> None:
    """Raises BadLayout for the first thing in which the plant is wrong; `at` of it is the way to the element."""
    _check_names(layout)
    for k, station in enumerate(layout.stations):
        _check_station(layout, station, ("stations", k))
    for k, buffer in enumerate(layout.buffers):
        _check_buffer(layout, buffer, ("buffers", k))
    for k, release in enumerate(layout.releases):
        _check_release(layout, release, ("releases", k))
    _check_releases_differ(layout)
    for k, calendar in enumerate(layout.calendars):
        check_calendar(calendar, ("calendars", k))
    for k, crew in enumerate(layout.crews):
        _check_crew(layout, crew, ("crews", k))
    for k, fleet in enumerate(layout.fleets):
        _check_fleet(layout, fleet, ("fleets", k))
    if layout.calendar is not None:
        _known(layout.calendar, "calendar", (c.name for c in layout.calendars), "The layout", ("calendar",))
    if layout.takt_s is not None:
        check_number(layout.takt_s, "takt_s of the layout", ("takt_s",), above=0.0)
    check_routing(layout)
    _check_released(layout)
    for k, station in enumerate(layout.stations):
        _check_batch(layout, station, ("stations", k))
        _check_takes_time(layout, station, ("stations", k))


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_names(layout: Layout) -> None:
    if not layout.stations:
        raise BadLayout("The layout has no station. Give at least one.", ("stations",))
    if not layout.parts:
        raise BadLayout("The layout has no part type. Give at least one, or leave `parts` out.", ("parts",))
    taken: dict[str, str] = {}
    for kind, name, at in _names(layout):
        if not isinstance(name, str) or not name.strip():
            raise BadLayout(f"A {kind} has the name {name!r}; give it a word.", at)
        if name == OUT:
            raise BadLayout(f"A {kind} is called 'out', which is the way out of the line. Call it otherwise.", at)
        if name in taken:
            also = "also" if taken[name] == kind else f"already the name of a {taken[name]}, and"
            raise BadLayout(f"{name!r} is {also} the name of another {kind}. Every name must be unique.", at)
        taken[name] = kind
    _unlike(layout.parts, "part type", "The layout", ("parts",))


def _names(layout: Layout) -> Iterator[tuple[str, str, Path]]:
    """Kind, name and place of everything whose name must be unique in the layout."""
    named: dict[str, tuple[Station | Buffer | Calendar | Crew | Fleet, ...]] = {
        "station": layout.stations,
        "buffer": layout.buffers,
        "calendar": layout.calendars,
        "crew": layout.crews,
        "fleet": layout.fleets,
    }
    for kind, things in named.items():
        for k, thing in enumerate(things):
            yield kind, thing.name, (f"{kind}s", k, "name")
    for k, fleet in enumerate(layout.fleets):
        for i, zone in enumerate(fleet.zones):
            yield "zone", zone.name, ("fleets", k, "zones", i, "name")


def _known(name: str, kind: str, allowed: Iterable[str], who: str, at: Path) -> None:
    """Refuses a name that is not declared, with the nearest that is."""
    declared = list(allowed)
    if name in declared:
        return
    close = nearest(str(name), declared)
    have = f"there is: {', '.join(declared[:12])}" if declared else "declare it"
    hint = f"did you mean {close!r}?" if close else f"{have}."
    raise BadLayout(f"{who} names the {kind} {name!r}, which is not declared; {hint}", at)


def _unlike(names: tuple[str, ...], kind: str, who: str, at: Path) -> None:
    for name in names:
        if names.count(name) > 1:
            raise BadLayout(f"{who} names the {kind} {name!r} twice. Name it once.", at)


def _check_choice(value: str, what: str, allowed: tuple[str, ...], at: Path) -> None:
    if value not in allowed:
        raise BadLayout(f"{what} is {value!r}; it must be one of {', '.join(map(repr, allowed))}.", at)


# ── stations ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_station(layout: Layout, station: Station, at: Path) -> None:
    who = f"Station {station.name!r}"
    _check_cycle(layout, station, (*at, "cycle"))
    for key in ("machines", "batch", "split", "rework_limit"):
        check_whole(getattr(station, key), f"{key} of station {station.name!r}", (*at, key), least=1)
    _check_choice(station.blocking, f"blocking of station {station.name!r}", ("after", "before"), (*at, "blocking"))
    _check_chances(layout, station, at)
    _check_routes(layout, station, at)
    _unlike(tuple(f.name for f in station.failures), "failure", who, (*at, "failures"))
    for i, failure in enumerate(station.failures):
        here = (*at, "failures", i)
        of = f"of {failure.name!r} at station {station.name!r}"
        check_time(failure.after, f"The time to failure {of}", (*here, "after"), positive=True)
        check_time(failure.repair, f"The repair {of}", (*here, "repair"))
        _check_choice(failure.counts, f"counts {of}", ("operation", "time"), (*here, "counts"))
        if failure.crew is not None:
            _known(failure.crew, "crew", (c.name for c in layout.crews), f"The failure {of[3:]}", (*here, "crew"))
    _unlike(tuple(s.name for s in station.stops), "stop", who, (*at, "stops"))
    for i, stop in enumerate(station.stops):
        check_stop(stop, station.name, (*at, "stops", i))
    if station.setup is not None:
        _check_setup(layout, station.setup, station.name, (*at, "setup"))
    if station.operator is not None:
        skills = dict.fromkeys(skill for crew in layout.crews for skill in crew.skills)
        if station.operator not in skills:
            close = nearest(station.operator, skills)
            hint = f"did you mean {close!r}?" if close else "add it to the skills of a crew."
            comes = f"{who} needs an operator with the skill {station.operator!r}, which nobody has"
            raise BadLayout(f"{comes}; {hint}", (*at, "operator"))
    if station.calendar is not None:
        _known(station.calendar, "calendar", (c.name for c in layout.calendars), who, (*at, "calendar"))
    if station.at_m is not None:
        _check_point(station.at_m, f"at_m of station {station.name!r}", (*at, "at_m"))
    if station.pri_s is not None:
        check_number(station.pri_s, f"pri_s of station {station.name!r}", (*at, "pri_s"), above=0.0)
    if station.assemble and (n := len(layout.feeding(station.name))) < 2:
        comes = f"{who} assembles, but {('no', 'one')[n]} buffer feeds it"
        raise BadLayout(f"{comes}; assembly takes one part from each of two or more. Add one.", (*at, "assemble"))


def _check_cycle(layout: Layout, station: Station, at: Path) -> None:
    what = f"The cycle time of station {station.name!r}"
    time = station.cycle.time if isinstance(station.cycle, Cycle) else station.cycle
    if isinstance(time, Evidence):
        check_evidence(time, station.name, at)
    elif isinstance(time, Mapping):
        for part, own in time.items():
            _known(part, "part type", layout.parts, f"The cycle of station {station.name!r}", (*at, "by_part", part))
            check_time(own, f"{what} for type {part!r}", (*at, "by_part", part))
    else:
        check_time(time, what, at)


def _check_chances(layout: Layout, station: Station, at: Path) -> None:
    of = f"of station {station.name!r}"
    for key in ("scrap", "rework"):
        check_number(getattr(station, key), f"{key} {of}", (*at, key), least=0.0, most=1.0)
    if station.rework_to is not None:
        _known(
            station.rework_to,
            "buffer",
            (b.name for b in layout.buffers),
            f"Station {station.name!r}",
            (*at, "rework_to"),
        )
        _check_source(layout, station, station.rework_to, (*at, "rework_to"))
    if station.rework > 0 and station.rework_to is None:
        raise BadLayout(f"rework {of} is {station.rework:g}, but rework_to names no buffer. Add it.", (*at, "rework"))
    if (1 - station.scrap) * (1 - station.rework) <= 0 and station.rework > 0:
        comes = f"scrap {station.scrap:g} and rework {station.rework:g} {of} leave no way out for a good part"
        raise BadLayout(f"{comes}. Give a rework below 1.", (*at, "rework"))


def _check_routes(layout: Layout, station: Station, at: Path) -> None:
    who = f"Station {station.name!r}"
    for i, route in enumerate(station.routes):
        here = (*at, "routes", i)
        _known(route.buffer, "buffer", [b.name for b in layout.buffers] + [OUT], who, (*here, "buffer"))
        if route.buffer != OUT:
            _check_source(layout, station, route.buffer, (*here, "buffer"))
        check_number(
            route.share, f"The share of {route.buffer!r} at station {station.name!r}", (*here, "share"), least=0.0
        )
        for part in route.parts:
            _known(part, "part type", layout.parts, f"The route to {route.buffer!r}", (*here, "parts"))
    if station.routes and not any(route.share for route in station.routes):
        comes = f"The shares of all routes of station {station.name!r} are 0, so no part could leave it"
        raise BadLayout(f"{comes}. Give one a share above 0.", (*at, "routes"))


def _check_source(layout: Layout, station: Station, name: str, at: Path) -> None:
    buffer = next(b for b in layout.buffers if b.name == name)
    if station.name not in buffer.source:
        comes = f"Station {station.name!r} sends parts to buffer {name!r}, which does not name it in `from`"
        raise BadLayout(f"{comes}. Add {station.name!r} there.", at)


def _check_setup(layout: Layout, setup: SetUp, station: str, at: Path) -> None:
    who = f"The set-up of station {station!r}"
    for old, row in setup.times_s.items():
        _known(old, "part type", layout.parts, who, (*at, "times_s", old))
        for new, time in row.items():
            _known(new, "part type", layout.parts, who, (*at, "times_s", old, new))
            check_number(time, f"{who} from {old!r} to {new!r}", (*at, "times_s", old, new), least=0.0)
    check_number(setup.default_s, f"{who}: default_s", (*at, "default_s"), least=0.0)
    if setup.first is not None:
        _known(setup.first, "part type", layout.parts, who, (*at, "first"))


def _check_batch(layout: Layout, station: Station, at: Path) -> None:
    """A batch has to fit in the buffers it is taken from, and into what the line may hold."""
    feeding = layout.feeding(station.name)
    if station.batch == 1:
        return
    here, comes = (*at, "batch"), f"Station {station.name!r} works on {station.batch} parts at once, but"
    groups = [[b] for b in feeding] if station.assemble else [list(feeding)] if feeding else []
    for group in groups:
        if any(b.capacity is None for b in group):
            continue
        places = sum(b.capacity or 0 for b in group)
        if places < station.batch:
            names = ", ".join(repr(b.name) for b in group)
            holds = f"the buffer{'s' if len(group) > 1 else ''} {names} before it hold{'' if len(group) > 1 else 's'}"
            remedy = f"Give a capacity of {station.batch} or more, or a smaller batch"
            raise BadLayout(f"{comes} {holds} at most {places}, so it can never start. {remedy}.", here)
    limit = _most_parts(layout)
    if limit is not None and limit < station.batch:
        remedy = "Raise wip, or give a smaller batch"
        raise BadLayout(f"{comes} conwip keeps at most {limit} in the line, so it can never start. {remedy}.", here)


def _most_parts(layout: Layout) -> int | None:
    """Parts that can be in the line at once where conwip limits them, else None."""
    into = {r.into: r.wip for r in layout.releases}
    limits = [into.get(s.name) for s in layout.stations if not layout.feeding(s.name)]
    if any(s.split > 1 for s in layout.stations) or any(limit is None for limit in limits):
        return None
    return max(limit for limit in limits if limit is not None)


def _check_takes_time(layout: Layout, station: Station, at: Path) -> None:
    """A saturated station that takes no time would finish infinitely many parts at the first moment."""
    if layout.feeding(station.name) or isinstance(station.cycle.time, Evidence):
        return
    release = next((r for r in layout.releases if r.into == station.name), Release(station.name))
    times: Iterable[Distribution]
    times = station.cycle.time.values() if isinstance(station.cycle.time, Mapping) else (station.cycle.time,)
    if release.kind != "saturated" or any(mean_s(time) > 0 for time in times):
        return
    room = {b.name: b.capacity for b in layout.buffers}
    ways = {way for part in layout.parts for way in good_buffers(layout, station, part)}
    if station.scrap > 0 or any(room.get(way) is None for way in ways):
        comes = f"Station {station.name!r} never waits for parts and takes no time, so it would never come to an end"
        raise BadLayout(f"{comes}. Give a cycle above 0 s, or release parts by push, takt or conwip.", (*at, "cycle"))


# ── buffers and releases ─────────────────────────────────────────────────────────────────────────────────────────


def _check_buffer(layout: Layout, buffer: Buffer, at: Path) -> None:
    who = f"Buffer {buffer.name!r}"
    names = [s.name for s in layout.stations]
    for key, stations, word in (("source", buffer.source, "puts parts into"), ("target", buffer.target, "takes from")):
        if isinstance(stations, str) or not stations:
            raise BadLayout(f"{who}: no station {word} it. Name at least one.", (*at, key))
        for name in stations:
            _known(name, "station", names, who, (*at, key))
        _unlike(stations, "station", who, (*at, key))
    if buffer.capacity is not None:
        remedy = "Leave capacity out for a buffer without limit."
        check_whole(
            buffer.capacity, f"The capacity of buffer {buffer.name!r}", (*at, "capacity"), least=0, remedy=remedy
        )
    _check_choice(buffer.order, f"order of buffer {buffer.name!r}", ("fifo", "lifo", "priority"), (*at, "order"))
    if buffer.priority and buffer.order != "priority":
        comes = f"{who} gives priorities, but its order is {buffer.order!r}"
        raise BadLayout(f"{comes}. Set order: priority, or drop them.", (*at, "priority"))
    for part, rank in buffer.priority.items():
        _known(part, "part type", layout.parts, who, (*at, "priority", part))
        check_number(rank, f"The priority of {part!r} in buffer {buffer.name!r}", (*at, "priority", part))
    if buffer.fleet is not None:
        _known(buffer.fleet, "fleet", (f.name for f in layout.fleets), who, (*at, "fleet"))
        _check_stands(layout, (*buffer.source, *buffer.target), f"fleet {buffer.fleet!r} drives there")


def _check_release(layout: Layout, release: Release, at: Path) -> None:
    who = f"The release into {release.into!r}"
    _known(release.into, "station", (s.name for s in layout.stations), "A release", (*at, "into"))
    if feeding := layout.feeding(release.into):
        comes = f"{who}: buffer {feeding[0].name!r} feeds that station already"
        raise BadLayout(f"{comes}. Release into a station that no buffer feeds, if need be one before it with cycle 0.",
                        (*at, "into"))  # fmt: skip
    _check_choice(release.kind, f"{who}: kind", ("saturated", "push", "takt", "conwip"), (*at, "kind"))
    timed, counted = release.kind in ("push", "takt"), release.kind == "conwip"
    if timed and release.every is None:
        raise BadLayout(f"{who} is {release.kind} without `every`. Give the time between arrivals.", (*at, "kind"))
    if counted and release.wip is None:
        raise BadLayout(f"{who} is conwip without `wip`. Give how many parts may be in the line.", (*at, "kind"))
    if release.every is not None:
        if not timed:
            raise BadLayout(f"{who} is {release.kind}, which knows no `every`. Drop it, or take push.", (*at, "every"))
        if release.kind == "takt" and not isinstance(release.every, Constant):
            given = type(release.every).__name__.lower()
            raise BadLayout(f"{who} is takt, at equal times, but `every` is {given}. Give a constant, or take push.",
                            (*at, "every"))  # fmt: skip
        check_time(release.every, f"{who}: every", (*at, "every"), positive=True)
    if release.wip is not None:
        if not counted:
            raise BadLayout(f"{who} is {release.kind}, which knows no `wip`. Drop it, or take conwip.", (*at, "wip"))
        check_whole(release.wip, f"{who}: wip", (*at, "wip"), least=1)
    _check_mix(layout, release, who, at)


def _check_mix(layout: Layout, release: Release, who: str, at: Path) -> None:
    if release.mix and release.sequence:
        raise BadLayout(f"{who} gives a mix and a sequence; it can keep only one. Drop the other.", (*at, "sequence"))
    for part, share in release.mix.items():
        _known(part, "part type", layout.parts, who, (*at, "mix", part))
        check_number(share, f"{who}: the share of {part!r}", (*at, "mix", part), least=0.0)
    if release.mix and not any(release.mix.values()):
        raise BadLayout(f"{who}: the shares of its mix are all 0. Give one above 0.", (*at, "mix"))
    for part in release.sequence:
        _known(part, "part type", layout.parts, who, (*at, "sequence"))


def _check_releases_differ(layout: Layout) -> None:
    for k, release in enumerate(layout.releases):
        if release.into in [r.into for r in layout.releases[:k]]:
            comes = f"Two releases go into station {release.into!r}"
            raise BadLayout(f"{comes}. Keep one; a mix of part types goes into one release.", ("releases", k, "into"))


def _check_released(layout: Layout) -> None:
    """A part type that is declared and never let in is a slip; a mix may name it with share 0."""
    entered = {r.into for r in layout.releases}
    implicit = any(s.name not in entered and not layout.feeding(s.name) for s in layout.stations)
    named = {part for r in layout.releases for part in (*r.mix, *r.sequence)}
    if implicit or any(not r.mix and not r.sequence for r in layout.releases):
        named.add(layout.parts[0])
    for part in layout.parts:
        if part not in named:
            comes = f"No release lets in parts of type {part!r}"
            raise BadLayout(f"{comes}. Name it in the mix or sequence of one (a share of 0 will do).", ("parts",))


# ── people and vehicles ──────────────────────────────────────────────────────────────────────────────────────────


def _check_crew(layout: Layout, crew: Crew, at: Path) -> None:
    check_whole(crew.people, f"people of crew {crew.name!r}", (*at, "people"), least=1)
    _unlike(crew.skills, "skill", f"Crew {crew.name!r}", (*at, "skills"))
    _check_point(crew.home_m, f"home_m of crew {crew.name!r}", (*at, "home_m"))
    if crew.speed_m_s is not None:
        check_number(crew.speed_m_s, f"speed_m_s of crew {crew.name!r}", (*at, "speed_m_s"), above=0.0)
        served = [s.name for s in layout.stations if s.operator in crew.skills or _repairs(crew, s)]
        _check_stands(layout, served, f"crew {crew.name!r} walks there")


def _repairs(crew: Crew, station: Station) -> bool:
    return any(failure.crew == crew.name for failure in station.failures)


def _check_fleet(layout: Layout, fleet: Fleet, at: Path) -> None:
    of = f"of fleet {fleet.name!r}"
    check_whole(fleet.vehicles, f"vehicles {of}", (*at, "vehicles"), least=1)
    check_number(fleet.speed_m_s, f"speed_m_s {of}", (*at, "speed_m_s"), above=0.0)
    for key in ("load_s", "unload_s", "reserve_s", "charge_s"):
        check_number(getattr(fleet, key), f"{key} {of}", (*at, key), least=0.0)
    _check_point(fleet.home_m, f"home_m {of}", (*at, "home_m"))
    if fleet.drive_s is None:
        for key in ("reserve_s", "charge_s"):
            if getattr(fleet, key):
                comes = f"{key} {of} is {getattr(fleet, key):g}, but without drive_s it never charges"
                raise BadLayout(f"{comes}. Add drive_s, or drop {key}.", (*at, key))
    else:
        check_number(fleet.drive_s, f"drive_s {of}", (*at, "drive_s"), above=0.0)
        if fleet.reserve_s >= fleet.drive_s:
            comes = f"reserve_s {of} is {fleet.reserve_s:g}, but a full battery drives only {fleet.drive_s:g} s"
            raise BadLayout(f"{comes}. Give a smaller reserve.", (*at, "reserve_s"))
    names = [s.name for s in layout.stations]
    for i, zone in enumerate(fleet.zones):
        here = (*at, "zones", i)
        remedy = "With none, no vehicle could ever serve its stations."
        check_whole(zone.vehicles, f"vehicles of zone {zone.name!r}", (*here, "vehicles"), least=1, remedy=remedy)
        if not zone.stations:
            raise BadLayout(f"Zone {zone.name!r} has no station. Name one, or drop it.", (*here, "stations"))
        for name in zone.stations:
            _known(name, "station", names, f"Zone {zone.name!r}", (*here, "stations"))
        _unlike(zone.stations, "station", f"Zone {zone.name!r}", (*here, "stations"))
    for one, other in itertools.combinations(range(len(fleet.zones)), 2):
        if shared := set(fleet.zones[one].stations) & set(fleet.zones[other].stations):
            comes = f"Station {min(shared)!r} is in two zones {of}, {fleet.zones[one].name!r} and"
            raise BadLayout(f"{comes} {fleet.zones[other].name!r}. Keep it in one.", (*at, "zones", other, "stations"))


def _check_stands(layout: Layout, names: Iterable[str], why: str) -> None:
    index = {s.name: k for k, s in enumerate(layout.stations)}
    for name in names:
        if layout.stations[index[name]].at_m is None:
            comes = f"Station {name!r} has no at_m, but {why}"
            raise BadLayout(f"{comes}. Say where it stands, as at_m: [3.0, 1.5].", ("stations", index[name]))


def _check_point(point: tuple[float, float], what: str, at: Path) -> None:
    if len(point) != 2:
        raise BadLayout(f"{what} has {len(point)} numbers; give x and y in metres.", at)
    for value in point:
        check_number(value, what, at)
