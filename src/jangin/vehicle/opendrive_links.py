"""Which lane of an OpenDRIVE file goes on in which: sections, linked roads and junctions, checked for gaps.

    links = lane_links(root, roads)          # set of (from, to): numbers of lanes, the way they are driven

A link joins an end of one lane with an end of another; which of the two is driven first follows from the directions of
the lanes. A link that is given from both sides counts once.

Source: ASAM OpenDRIVE 1.7, clauses 8.2, 9.3 (road and lane linkage) and 10 (junctions).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from jangin.errors import BadRoad
from jangin.vehicle.opendrive_geometry import Line
from jangin.vehicle.opendrive_lanes import OpenLane
from jangin.vehicle.road import DRIVABLE
from jangin.vehicle.road_xml import Node

__all__ = ["OpenRoad", "lane_links"]

GAP_M = 0.5  # more than this between two linked lanes, and between their roads, is a gap


@dataclass(eq=False)
class OpenRoad:
    """One road with its lanes, numbered through the whole file."""

    node: Node
    line: Line
    lanes: Sequence[tuple[int, OpenLane]]
    _by_key: dict[tuple[int, int], tuple[int, OpenLane]] = field(init=False)

    def __post_init__(self) -> None:
        self._by_key = {(lane.section, lane.id): (number, lane) for number, lane in self.lanes}

    @property
    def id(self) -> str:
        return self.node.word("id")

    def lane(self, section: int, id_: int) -> tuple[int, OpenLane] | None:
        return self._by_key.get((section, id_))

    def lane_at(self, end: str, id_: int) -> tuple[int, OpenLane] | None:
        """The lane of this id that reaches the road's "start" or "end"."""
        for number, lane in self.lanes:
            if lane.id == id_ and lane.reaches(end):
                return number, lane
        return None

    def ids_at(self, end: str) -> list[int]:
        return sorted({lane.id for _, lane in self.lanes if lane.reaches(end)})

    def point(self, end: str) -> tuple[float, float]:
        """The reference line's own end."""
        found = self.line.at(np.array([0.0 if end == "start" else self.line.length_m]))
        return float(found.x_m[0]), float(found.y_m[0])


@dataclass(frozen=True)
class _Joint:
    """An end of one lane meets an end of another; `node` is the element that says so."""

    node: Node
    number: int
    lane: OpenLane
    end: str
    to_number: int
    to_lane: OpenLane
    to_end: str

    def driven(self) -> tuple[int, int] | None:
        """(from, to) as driven, or None if both lanes are left, or both are entered, where they meet."""
        leaves, enters = _exits(self.lane, self.end), not _exits(self.to_lane, self.to_end)
        if leaves != enters:
            return None
        return (self.number, self.to_number) if leaves else (self.to_number, self.number)


def _exits(lane: OpenLane, end: str) -> bool:
    """Whether a lane is driven towards this end of its section."""
    return lane.along == (end == "end")


def lane_links(root: Node, roads: Mapping[str, OpenRoad]) -> set[tuple[int, int]]:
    """All (from, to) of a file.

    Raises: BadRoad for a link to a road, junction or lane that does not exist, one between two lanes that are both
    driven towards the joint, and for one across a gap.
    """
    junctions = {node.word("id") for node in root.all("junction")}
    links: set[tuple[int, int]] = set()
    for road in roads.values():
        for joint in (*_sections(road), *_ends(road, roads, junctions)):
            links |= _checked(joint)
    for junction in root.all("junction"):
        for connection in junction.all("connection"):
            for joint in _connection(junction, connection, roads):
                links |= _checked(joint)
    return links


def _checked(joint: _Joint) -> set[tuple[int, int]]:
    if (found := joint.driven()) is None:
        if {joint.lane.kind, joint.to_lane.kind} <= DRIVABLE:
            raise BadRoad(
                f"{joint.node.place}: lane {joint.lane.lane.name!r} is linked to lane {joint.to_lane.lane.name!r}, but "
                "both are driven towards that joint, or both away from it. Correct the link or the lane's sign."
            )
        return set()
    return {found}


# ── the three places where links stand ───────────────────────────────────────────────────────────────────────────


def _sections(road: OpenRoad) -> Iterator[_Joint]:
    """Links between the sections of one road."""
    for number, lane in road.lanes:
        for tag, section, end, to_end in (
            ("predecessor", lane.before, "start", "end"),
            ("successor", lane.after, "end", "start"),
        ):
            if section is None:
                continue  # the road's end: what is linked there is another road's
            for node in lane.node.within("link", tag):
                id_ = int(node.number("id"))
                if (to := road.lane(section, id_)) is None:
                    have = sorted(other.id for _, other in road.lanes if other.section == section)
                    raise BadRoad(_missing(node, id_, f"section {section} of road {road.id!r}", have))
                yield _Joint(node, number, lane, end, *to, to_end)


def _ends(road: OpenRoad, roads: Mapping[str, OpenRoad], junctions: set[str]) -> Iterator[_Joint]:
    """Links to the roads before and after."""
    for tag, end in (("predecessor", "start"), ("successor", "end")):
        for link in road.node.within("link", tag):
            kind, id_ = link.word("elementType", "road"), link.word("elementId")
            if kind == "junction":
                if id_ not in junctions:
                    raise BadRoad(f"{link.place}: there is no junction {id_!r} in the file. Add it or remove the link.")
                continue
            other = _road(link, "elementId", roads)
            to_end = _contact(link)
            for number, lane in road.lanes:
                if not lane.reaches(end):
                    continue
                for node in lane.node.within("link", tag):
                    yield _joint(node, road, (number, lane), end, other, int(node.number("id")), to_end)


def _connection(junction: Node, node: Node, roads: Mapping[str, OpenRoad]) -> Iterator[_Joint]:
    """Links from an incoming road into a connecting road, or into the linked road of a direct junction."""
    if not any(node.all("laneLink")) or "incomingRoad" not in node.attributes:
        return  # virtual connections join no lanes
    road = _road(node, "incomingRoad", roads)
    other = _road(node, "linkedRoad" if "linkedRoad" in node.attributes else "connectingRoad", roads)
    to_end = _contact(node)
    end = _junction_end(junction, road, other.point(to_end))
    for link in node.all("laneLink"):
        from_ = int(link.number("from"))
        if (found := road.lane_at(end, from_)) is None:
            raise BadRoad(_missing(link, from_, f"the {end} of road {road.id!r}", road.ids_at(end)))
        yield _joint(link, road, found, end, other, int(link.number("to")), to_end)


def _junction_end(junction: Node, road: OpenRoad, meets: tuple[float, float]) -> str:
    """The end of an incoming road that is at the junction; of two, the one nearer to the road it meets."""
    at = [
        end
        for tag, end in (("predecessor", "start"), ("successor", "end"))
        for link in road.node.within("link", tag)
        if link.word("elementType", "road") == "junction" and link.word("elementId") == junction.word("id")
    ]
    return min(at or ["start", "end"], key=lambda end: math.dist(road.point(end), meets))


# ── checks ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _joint(
    node: Node, road: OpenRoad, mine: tuple[int, OpenLane], end: str, other: OpenRoad, id_: int, to_end: str
) -> _Joint:
    if (to := other.lane_at(to_end, id_)) is None:
        raise BadRoad(_missing(node, id_, f"the {to_end} of road {other.id!r}", other.ids_at(to_end)))
    joint = _Joint(node, *mine, end, *to, to_end)
    gap = min(
        math.dist(road.point(end), other.point(to_end)),
        math.dist(_centre(mine[1], end), _centre(to[1], to_end)),
    )
    if gap > GAP_M:
        raise BadRoad(
            f"{node.place}: the {end} of road {road.id!r} is linked to the {to_end} of road {other.id!r}, but they lie "
            f"{gap:.3g} m apart; allowed are {GAP_M} m. Close the gap or correct the link."
        )
    return joint


def _centre(lane: OpenLane, end: str) -> tuple[float, float]:
    """Where the centre line of a lane meets an end of its road."""
    k = -1 if _exits(lane, end) else 0
    return float(lane.lane.x_m[k]), float(lane.lane.y_m[k])


def _road(node: Node, attribute: str, roads: Mapping[str, OpenRoad]) -> OpenRoad:
    id_ = node.word(attribute)
    if id_ not in roads:
        raise BadRoad(f"{node.place}: {attribute} is {id_!r}, but the file has no road of that id. Correct the link.")
    return roads[id_]


def _contact(node: Node) -> str:
    end = node.word("contactPoint")
    if end not in ("start", "end"):
        raise BadRoad(f"{node.place}: contactPoint is {end!r}; allowed are 'start' and 'end'. Correct it.")
    return end


def _missing(node: Node, id_: int, where: str, have: list[int]) -> str:
    return (
        f"{node.place}: there is no lane {id_} at {where}; it has {', '.join(map(str, have)) or 'none'}. Correct the "
        "lane link or add the lane."
    )
