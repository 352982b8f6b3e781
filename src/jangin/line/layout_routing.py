"""Which part types reach which stations, and whether they can leave again; what a routing can be wrong in.

    check_routing(layout)               # BadLayout names the stations of a cycle without an exit
    good_buffers(layout, station, "A")  # ("b2",): where its good parts of type A go; "out" is the way out

It follows what can happen, not how often: a route whose share is 0 is none. Of an assembly the part from the first
buffer goes on and the others end there. Expects a layout whose names and numbers have been checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jangin.errors import BadLayout
from jangin.line.layout import Buffer, Cycle, Evidence, Layout, Release, Station

__all__ = ["OUT", "check_routing", "good_buffers", "part_types"]

OUT = "out"

Place = tuple[str, str]  # a station and a part type that can be in it


def good_buffers(layout: Layout, station: Station, part: str) -> tuple[str, ...]:
    """Buffers (or "out") that good parts of a type can go to from a station; empty where no route fits."""
    if station.routes:
        fit = [r for r in station.routes if r.share > 0 and (not r.parts or part in r.parts)]
        return tuple(dict.fromkeys(r.buffer for r in fit))
    onward = [b.name for b in layout.fed_by(station.name) if b.name != station.rework_to]
    return tuple(onward) or (OUT,)


def part_types(release: Release | None, layout: Layout) -> tuple[str, ...]:
    """Part types that a release lets in; of a station that no release names, the first type alone."""
    if release is not None and release.sequence:
        return tuple(dict.fromkeys(release.sequence))
    if release is not None and release.mix:
        return tuple(part for part, share in release.mix.items() if share > 0)
    return layout.parts[:1]


def check_routing(layout: Layout) -> None:
    """Raises BadLayout where a station gets no part, a part type finds no way on, or a part can never leave."""
    _check_ambiguous(layout)
    _check_fed(layout)
    present = _present(layout)
    _check_reached(layout, present)
    for k, station in enumerate(layout.stations):
        _check_types(layout, station, {part for name, part in present if name == station.name}, k)
    _check_exits(layout, present)


# ── where each station's parts go ────────────────────────────────────────────────────────────────────────────────


def _check_ambiguous(layout: Layout) -> None:
    """Without routes there must be one buffer, or none: parts are not spread by chance."""
    for k, station in enumerate(layout.stations):
        onward = [b.name for b in layout.fed_by(station.name) if b.name != station.rework_to]
        if not station.routes and len(onward) > 1:
            comes = f"Station {station.name!r} puts parts into the buffers {_list(onward)} and has no routes"
            raise BadLayout(f"{comes}. Add routes that say which part goes where.", ("stations", k))


def _check_fed(layout: Layout) -> None:
    """A buffer's source must have a route into it."""
    for k, buffer in enumerate(layout.buffers):
        for name in buffer.source:
            station = layout.station(name)
            ways = {r.buffer for r in station.routes} | {station.rework_to}
            if station.routes and buffer.name not in ways:
                comes = f"Buffer {buffer.name!r} names station {name!r} as its source, whose routes do not go there"
                raise BadLayout(f"{comes}. Add a route, or drop the source.", ("buffers", k, "source"))


# ── what reaches a station ───────────────────────────────────────────────────────────────────────────────────────


def _present(layout: Layout) -> set[Place]:
    """Every (station, part type) that can come about, from the releases on."""
    releases = {r.into: r for r in layout.releases}
    feeding = {s.name: layout.feeding(s.name) for s in layout.stations}
    assembling = {s.name for s in layout.stations if s.assemble}
    present: set[Place] = set()
    reached = {s.name: part_types(releases.get(s.name), layout) for s in layout.stations if not feeding[s.name]}
    fresh = {(name, part) for name, parts in reached.items() for part in parts}
    arrived: dict[str, set[str]] = {b.name: set() for b in layout.buffers}
    by_name = {b.name: b for b in layout.buffers}
    stations = {s.name: s for s in layout.stations}
    while fresh:
        present |= fresh
        for name, part in fresh:
            for buffer in _all_buffers(layout, stations[name], part):
                if buffer != OUT:
                    arrived[buffer].add(part)
        filled = {t for b in by_name.values() if arrived[b.name] for t in b.target}
        fresh = {place for name in filled for place in _takes(name, feeding[name], arrived, name in assembling)}
        fresh -= present
    return present


def _takes(name: str, feeding: tuple[Buffer, ...], arrived: Mapping[str, set[str]], assembles: bool) -> set[Place]:
    """What a station can work on, given what has arrived in the buffers."""
    if not assembles:
        return {(name, part) for b in feeding for part in arrived[b.name]}
    complete = all(arrived[b.name] for b in feeding)
    return {(name, part) for part in arrived[feeding[0].name]} if complete else set()


def _all_buffers(layout: Layout, station: Station, part: str) -> tuple[str, ...]:
    rework = (station.rework_to,) if station.rework_to is not None and station.rework > 0 else ()
    return (*good_buffers(layout, station, part), *rework)


def _check_reached(layout: Layout, present: set[Place]) -> None:
    reached = {name for name, _ in present}
    for k, station in enumerate(layout.stations):
        if station.name in reached:
            continue
        feeding = layout.feeding(station.name)
        dry = [b for b in feeding if not any(s in reached for s in b.source)] or list(feeding)
        comes = f"Station {station.name!r} never gets a part: nobody feeds {_list(b.name for b in dry)}"
        sources = _list(dict.fromkeys(s for b in dry for s in b.source))
        remedy = f"Give {sources} a way from a station that a release feeds, or remove the station"
        raise BadLayout(f"{comes} from outside the line. {remedy}.", ("stations", k))


# ── what each station must know about the types that reach it ─────────────────────────────────────────────────────


def _check_types(layout: Layout, station: Station, parts: set[str], k: int) -> None:
    for part in (p for p in layout.parts if p in parts):
        if not good_buffers(layout, station, part):
            comes = f"Station {station.name!r} gets parts of type {part!r}, but none of its routes takes them"
            raise BadLayout(f"{comes}. Add a route with {part!r} and a share above 0.", ("stations", k, "routes"))
        time = station.cycle.time if isinstance(station.cycle, Cycle) else None
        if isinstance(time, Mapping) and not isinstance(time, Evidence) and part not in time:
            comes = f"Station {station.name!r} gets parts of type {part!r}, but its cycle names only {_list(time)}"
            raise BadLayout(f"{comes}. Add {part!r} to by_part.", ("stations", k, "cycle", "by_part"))


# ── whether parts can leave ──────────────────────────────────────────────────────────────────────────────────────


def _check_exits(layout: Layout, present: set[Place]) -> None:
    """Every part must be able to leave, and at least one way must lead out good."""
    onward = {place: _onward(layout, place) for place in present}
    stations = {s.name: s for s in layout.stations}
    ends = {p for p, (_, ends) in onward.items() if ends} | {p for p in present if stations[p[0]].scrap > 0}
    if stuck := _rounds(onward, present - _leads_to(onward, ends)):
        names = [s.name for s in layout.stations if any(s.name == name for name, _ in stuck)]
        part = next(p for p in layout.parts if any(p == q for _, q in stuck))
        kind = "" if len(layout.parts) == 1 else f" of type {part!r}"
        comes = f"Parts{kind} can never leave the stations {_list(names)}: their routes only lead to each other"
        first = next(k for k, s in enumerate(layout.stations) if s.name == names[0])
        raise BadLayout(f"{comes}. Give one of them a route to 'out', or scrap.", ("stations", first))
    good = any(OUT in good_buffers(layout, stations[n], p) and stations[n].scrap < 1 for n, p in present)
    if not good:
        comes = "No good part can ever leave the line"
        last = len(layout.stations) - 1
        raise BadLayout(f"{comes}. Give a station a way to 'out', with scrap below 1.", ("stations", last))


def _onward(layout: Layout, place: Place) -> tuple[set[Place], bool]:
    """Places a part can go to next, and whether it can end instead: by leaving, or joined to another part."""
    name, part = place
    buffers = {b.name: b for b in layout.buffers}
    follows: set[Place] = set()
    ends = False
    for way in _all_buffers(layout, layout.station(name), part):
        if way == OUT:
            ends = True
            continue
        for target in buffers[way].target:
            if layout.station(target).assemble and layout.feeding(target)[0].name != way:
                ends = True
            else:
                follows.add((target, part))
    return follows, ends


def _rounds(onward: Mapping[Place, tuple[set[Place], bool]], stuck: set[Place]) -> set[Place]:
    """Of the places that parts never leave the rounds themselves, without the ways into them."""
    while True:
        entered = stuck & {follow for place in stuck for follow in onward[place][0]}
        if entered == stuck:
            return stuck
        stuck = entered


def _leads_to(onward: Mapping[Place, tuple[set[Place], bool]], ends: set[Place]) -> set[Place]:
    """Places from which an end can be reached."""
    before: dict[Place, list[Place]] = {place: [] for place in onward}
    for place, (follows, _) in onward.items():
        for follow in follows:
            before.setdefault(follow, []).append(place)
    leads, edge = set(ends), list(ends)
    while edge:
        for place in before[edge.pop()]:
            if place not in leads:
                leads.add(place)
                edge.append(place)
    return leads


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
